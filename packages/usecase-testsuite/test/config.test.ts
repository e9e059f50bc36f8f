import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPexenError, type Problem } from '@pexen/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig, resolveSuite } from '../src/config.ts';

const here = { ci: false, env: {} };
const nothing = { kind: 'none', describe: 'nothing', async *make() {} };

async function problemsOf(promise: Promise<unknown>): Promise<readonly Problem[]> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isPexenError(error)) throw error ?? new Error('nothing was refused');
  return error.problems;
}

async function folder(files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'pexen-config-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}

describe('a configuration', () => {
  it('may depend on the environment', async () => {
    const config = await resolveSuite(({ ci }) => ({ from: {}, retries: ci ? 1 : 0 }), { ci: true, env: {} });
    expect(config.retries).toBe(1);
  });

  it('may use every entry', async () => {
    const pool = () => ({}) as never;
    const config = {
      from: { '': nothing },
      facts: () => ({}),
      pool,
      pools: { slow: pool },
      groups: { vm: { pool, spare: 0, exclusive: true } },
      capacities: { memory: 5 },
      shared: { a: 1 },
      retries: { count: 2, delay: 10 },
      expectedFailures: { 'a/**': 'because' },
      reporters: [
        'terminal',
        ['lines', { color: false, passes: false, outputLines: 5, slowAfter: 1000 }],
        [
          'junit',
          {
            file: 'out.xml',
            strict: true,
            name: 'ours',
            properties: { build: '7' },
            output: 'all',
            outputLimit: 1000,
            findings: false,
          },
        ],
        { event() {}, async close() {} },
      ],
      ...{
        workers: 2,
        loader: 'tsx',
        spare: 1,
        deadline: 5,
        timeout: 5,
        idleTimeout: 5,
        grace: 5,
        slowAfter: 5,
        rerunnable: false,
      },
    } as const;
    expect(await resolveSuite(config, here)).toBe(config);
  });

  it('is refused with every problem at once, each with its place', async () => {
    const wrong = {
      from: { sys: 'tests' },
      retry: 1,
      workers: 1e9,
      groups: { vm: {} },
      reporters: ['juint'],
    };
    const problems = await problemsOf(resolveSuite(wrong as never, here));
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['PEXEN_BAD_CONFIG']));
    const said = problems.map(({ message }) => message).join('\n');
    for (const place of [
      'from.sys: must be a factory',
      'workers',
      'groups.vm.pool',
      'reporters.0',
      '"retry"',
    ]) {
      expect(said).toContain(place);
    }
    expect(problems.find(({ message }) => message.includes('"retry"'))?.hint).toBe('Did you mean "retries"?');
  });

  it('says what is wrong in the form that was meant, or which forms there are', async () => {
    const reporters = [['junit', { fil: 'x' }], ['lines', { passes: 1 }], ['tap', {}], 7];
    const wrong = { from: {}, retries: { cont: 1 }, reporters };
    const problems = await problemsOf(resolveSuite(wrong as never, here));
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^retries\.count: /),
      expect.stringMatching(/^reporters\.0\.1\.file: /),
      'there is no entry "reporters.0.1.fil"',
      expect.stringMatching(/^reporters\.1\.1\.passes: /),
      'reporters.2: is none of the forms it may have',
      'reporters.3: is none of the forms it may have',
    ]);
    expect(problems.at(-1)?.hint).toMatch(/terminal, live, lines and junit/);
  });

  it('is found in the directory, or there is none and the directory itself is the suite', async () => {
    const dir = await folder({});
    expect(await loadConfig(dir)).toMatchObject({ root: dir, file: undefined });
    const other = await folder({ 'pexen.config.mjs': 'export default { from: {} };' });
    expect(await loadConfig(other)).toMatchObject({ root: other, file: join(other, 'pexen.config.mjs') });
  });

  it('is looked for on the way up to where the repository begins, or else the package', async () => {
    const dir = await folder({ 'pexen.config.mjs': 'export default { from: {} };', 'package.json': '{}' });
    const deep = join(dir, 'packages/one/test');
    await mkdir(deep, { recursive: true });
    expect(await loadConfig(deep)).toMatchObject({ root: dir, file: join(dir, 'pexen.config.mjs') });

    await writeFile(join(dir, 'packages/one/package.json'), '{}');
    expect(await loadConfig(deep)).toMatchObject({ root: deep, file: undefined });
    await mkdir(join(dir, '.git'));
    expect(await loadConfig(deep)).toMatchObject({ root: dir });
    await mkdir(join(dir, 'packages/one/.git'));
    expect(await loadConfig(deep)).toMatchObject({ root: deep, file: undefined });
  });

  it('that lies above and belongs to nobody is left alone', async () => {
    const dir = await folder({ 'pexen.config.mjs': 'export default { from: {} };' });
    await mkdir(join(dir, 'sub'));
    expect(await loadConfig(join(dir, 'sub'))).toMatchObject({ file: undefined });
  });

  it.each([
    [
      'pexen.config.mjs',
      '\nexport default () => { throw new RangeError("no"); };',
      'PEXEN_CONFIG_FAILED',
      undefined,
    ],
    [
      'pexen.config.mjs',
      'import "no-such-package";',
      'PEXEN_CONFIG_FAILED',
      /Install it: npm i -D no-such-package/,
    ],
    ['pexen.config.mjs', 'export const suite = {};', 'PEXEN_BAD_CONFIG', /export default defineSuite/],
    ['pexen.config.mjs', 'throw new Error("no luck");', 'PEXEN_CONFIG_FAILED', undefined],
    ['pexen.config.mts', 'export default { from: [] as never as', 'PEXEN_CONFIG_FAILED', undefined],
  ])('%s with %j is refused as %s', async (name, text, code, hint) => {
    const [problem] = await problemsOf(loadConfig(await folder({ [name]: text })));
    expect(problem).toMatchObject({ code, location: { file: expect.stringContaining(name) } });
    if (hint !== undefined) expect(problem?.hint).toMatch(hint);
  });

  it('that was named must be there', async () => {
    const [problem] = await problemsOf(loadConfig(await folder({}), 'mine.ts'));
    expect(problem?.code).toBe('PEXEN_NO_CONFIG');
  });
});
