import { expect, it } from 'vitest';
import { bootMark, Properties } from '../src/node/properties.ts';

function source(given: Partial<ConstructorParameters<typeof Properties>[0]> = {}) {
  const lines: string[] = [];
  const log = (line: string): number => lines.push(line);
  const properties = new Properties({
    name: 'n',
    slots: 2,
    labels: {},
    properties: {},
    probes: {},
    log,
    ...given,
  });
  return { properties, lines };
}

it('knows what its machine is', () => {
  const { arch, platform, versions } = process;
  expect(source().properties.all).toMatchObject({
    ...{ name: 'n', slots: 2, arch, platform, 'nodejs.version': versions.node },
    ...{ cpus: expect.any(Number), 'memory.totalMb': expect.any(Number), hostname: expect.any(String) },
  });
});

it('has what its probes find: a mark, and what they print', async () => {
  const { properties, lines } = source({
    probes: {
      kvm: 'true',
      tpm: 'echo no device >&2; exit 3',
      none: 'exit 4',
      gpu: 'echo a100; echo more',
      fans: 'echo 3',
      board: `echo '{"model": "rpi", "memory": {"totalMb": 8192}, "ports": [1], "odd-name": 2, "rev": null}'`,
      loud: 'head -c 100000 /dev/zero',
    },
  });
  expect(await properties.probe()).toBe(true);
  expect(properties.all).toMatchObject({
    ...{ 'has.kvm': true, 'has.tpm': false, 'has.none': false, 'has.gpu': true, 'has.loud': false },
    ...{ gpu: 'a100', fans: 3, 'board.model': 'rpi', 'board.memory.totalMb': 8192 },
  });
  expect(Object.keys(properties.all).filter((name) => name.startsWith('board'))).toHaveLength(2);
  expect(properties.all).not.toHaveProperty('kvm');
  expect(lines.toSorted()).toEqual([
    'has no loud: its probe printed more than 65536 bytes',
    'has no none: its probe ended with 4',
    'has no tpm: no device',
  ]);
  expect(await properties.probe()).toBe(false);
});

it('believes statements over probes, and probes over what the machine says', async () => {
  const { properties } = source({
    labels: { gpu: 'none' },
    properties: { cpus: 1, gpu: 'some' },
    probes: { gpu: 'echo a100', arch: 'echo odd' },
  });
  await properties.probe();
  expect(properties.all).toMatchObject({ cpus: 1, gpu: 'none', arch: 'odd', 'has.gpu': true });
});

it('marks the boot of the machine', () => {
  expect(bootMark()).toBe(bootMark());
  expect(bootMark('/no/such/file')).toMatch(/^booted at \d{10}$/);
});
