/** A command loads, evaluates and makes everything once, whatever part of the suite it selects. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { amount, isPexenError, type PlacedTask, task } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import { inline, place } from '@pexen/sched';
import { expect, it, onTestFinished } from 'vitest';
import type { LoadedConfig } from '../src/config/config.ts';
import { listSuite, runSuite, type SuiteConfig } from '../src/index.ts';

/** A suite of which every function notes its calls. */
function countedSuite(): { readonly loaded: LoadedConfig; readonly calls: string[] } {
  const calls: string[] = [];
  const made = (name: string): PlacedTask =>
    place(
      [],
      task(
        {
          ...{ name, requires: name === 'b' ? ['x'] : [], provides: name === 'a' ? ['x'] : [] },
          when: () => {
            calls.push(`when ${name}`);
            return true;
          },
        },
        () => void calls.push(`body ${name}`),
      ),
    );
  const factory: Factory = {
    ...{ kind: 'counted', describe: 'counted' },
    async *make() {
      calls.push('factory');
      for (const name of ['a', 'b', 'c']) yield made(name);
    },
  };
  const pool = (name: string) => () => {
    calls.push(`pool ${name}`);
    return inline();
  };
  const config: SuiteConfig = {
    from: { '': factory },
    facts: () => {
      calls.push('facts');
      return {};
    },
    ...{ pool: pool('default'), pools: { other: pool('other') }, groups: { vm: { pool: pool('vm') } } },
    reporters: [],
  };
  const root = mkdtempSync(join(tmpdir(), 'pexen-plan-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  return { loaded: { config, root, file: undefined }, calls };
}

const once = ['factory', 'facts', 'pool default', 'pool other', 'pool vm', 'when a', 'when b', 'when c'];

it('a run of all calls each factory, each pool factory and each `when` once', async () => {
  const { loaded, calls } = countedSuite();
  await runSuite(loaded);
  expect(calls.toSorted()).toEqual([...once, 'body a', 'body b', 'body c'].toSorted());
});

it('so does a run of some', async () => {
  const { loaded, calls } = countedSuite();
  const { judgements } = await runSuite(loaded, { queries: ['b'] });
  expect([...judgements.keys()]).toEqual(['a', 'b']);
  expect(calls.toSorted()).toEqual([...once, 'body a', 'body b'].toSorted());
});

it('so do lists, which run no body', async () => {
  for (const queries of [[], ['b']]) {
    const { loaded, calls } = countedSuite();
    await listSuite(loaded, { queries });
    expect(calls.toSorted()).toEqual(once);
  }
});

it('the capacities of factories are those of the run, and the configuration takes precedence', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pexen-plan-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const factory: Factory = {
    ...{ kind: 'gpus', describe: 'gpus' },
    async *make({ capacity }) {
      capacity?.('gpus', 2);
      yield place(
        [],
        task({ name: 'a', uses: [amount('gpus', 2)] }, () => 1),
      );
    },
  };
  const config: SuiteConfig = { from: { '': factory }, pool: () => inline(), reporters: [] };
  expect(await runSuite({ config, root, file: undefined })).toMatchObject({
    exitCode: 0,
    verdicts: { pass: 1 },
  });
  const smaller = { ...config, capacities: { gpus: 1 } };
  await expect(runSuite({ config: smaller, root, file: undefined })).rejects.toThrow(/gpus/);
});

/** The paths of the listed tasks of a suite with one task for each `on`; or the problems. */
async function listedOn(...conditions: readonly string[]): Promise<readonly string[]> {
  const factory: Factory = {
    ...{ kind: 'nodes', describe: 'nodes' },
    async *make() {
      for (const [n, on] of conditions.entries())
        yield place(
          [],
          task({ name: `t${n}`, on }, () => {}),
        );
    },
  };
  const root = mkdtempSync(join(tmpdir(), 'pexen-plan-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const config: SuiteConfig = { from: { '': factory }, pool: () => inline(), reporters: [], history: false };
  try {
    const { tasks } = await listSuite({ config, root, file: undefined });
    return tasks.map(({ path, on }) => `${path} ${on}`);
  } catch (error) {
    if (!isPexenError(error)) throw error;
    return error.problems.map(({ code, task: path, message }) => `${code} ${path} ${message}`);
  }
}

it('in a pool without nodes, this machine is the node that tasks may ask for', async () => {
  const { arch } = process;
  expect(await listedOn(`arch=${arch}`, `arch == "${arch}" && cpus >= 1`)).toEqual([
    `t0 arch=${arch}`,
    `t1 arch == "${arch}" && cpus >= 1`,
  ]);
});

it('what this machine is not, and what cannot be read, are problems before the run', async () => {
  const { arch } = process;
  expect(await listedOn('archh=mips && cpus >= 1', 'arch=mips && has.kvm &&', `arch=${arch}`)).toEqual([
    expect.stringMatching(/^PEXEN_NO_NODE_MATCHES t0 .*lacks archh=mips \(it has no archh, but arch\)$/),
    expect.stringMatching(
      /^PEXEN_BAD_ON t1 .*"arch=mips && has.kvm &&" ends too early, at its character 24$/,
    ),
  ]);
});
