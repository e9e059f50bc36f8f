/** A suite that is divided among machines. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlacedTask, type TaskMeta, task } from '@pexen/core';
import { inline, place } from '@pexen/sched';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LoadedConfig } from '../src/config/config.ts';
import { listSuite, runSuite, type SuiteConfig } from '../src/index.ts';

const metas: readonly (TaskMeta & { readonly name: string })[] = [
  { name: 'setup', provides: ['users'], weight: 400 },
  { name: 'remove', tearsDown: 'users', weight: 100 },
  { name: 'login', requires: ['users'], weight: 900 },
  { name: 'search', requires: ['users'], weight: 800 },
  { name: 'deploy', provides: ['server'], rerunnable: false, weight: 300 },
  { name: 'smoke', requires: ['server'], weight: 200 },
  { name: 'format', weight: 500 },
];

/** The suite on a machine: each has another order of declaration, and notes what runs there. */
function machine(seed: number, config: Partial<SuiteConfig> = {}): { loaded: LoadedConfig; ran: string[] } {
  const ran: string[] = [];
  const made = metas.map((meta) =>
    place(
      [],
      task(meta, () => void ran.push(meta.name)),
    ),
  );
  const root = mkdtempSync(join(tmpdir(), 'pexen-shards-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const order = [...made.slice(seed), ...made.slice(0, seed)];
  const base = { from: { '': listOf(order) }, pool: () => inline(), reporters: [] };
  return { loaded: { config: { ...base, ...config }, root, file: undefined }, ran };
}

/** A factory of these tasks. */
function listOf(tasks: readonly PlacedTask[]): SuiteConfig['from'][string] {
  return {
    ...{ kind: 'list', describe: 'list' },
    async *make() {
      yield* tasks;
    },
  };
}

const three = [1, 2, 3].map((index) => ({ index, count: 3 }));

describe('shards', () => {
  it('together run everything, what may not start twice once, and setups where they are needed', async () => {
    const ran = await Promise.all(
      three.map(async (shard) => {
        const { loaded, ran } = machine(shard.index);
        const { exitCode } = await runSuite(loaded, { shard });
        expect(exitCode).toBe(0);
        return ran.sort();
      }),
    );
    expect(ran).toEqual([
      ['login', 'remove', 'setup'],
      ['remove', 'search', 'setup'],
      ['deploy', 'format', 'smoke'],
    ]);
  });

  it('are listed with the owner of each task, and why it is where it is', async () => {
    const { shard, tasks } = await listSuite(machine(0).loaded, {}, () => {}, {
      shard: { index: 2, count: 3 },
    });
    expect(shard).toEqual({ index: 2, count: 3, tasks: 7, owned: 3, expectedMs: [1386, 1086, 512] });
    expect(tasks.map(({ path, shard }) => ({ path, ...shard }))).toEqual([
      { path: 'setup', owner: 2, boundBy: '"remove" tears down what it provides' },
      { path: 'search', owner: 2 },
      { path: 'remove', owner: 2, boundBy: 'tears down what "setup" provides' },
    ]);
  });

  it('divide what a query selects', async () => {
    const { tasks } = await listSuite(machine(0).loaded, { queries: ['s*'] }, () => {}, {
      shard: { index: 1, count: 2 },
    });
    expect(tasks.map(({ path, shard }) => `${path} ${shard?.owner}`)).toEqual([
      'setup 1',
      'search 1',
      'remove 1',
    ]);
  });

  it('are the same whatever a machine remembers', async () => {
    const alike = ['a', 'b', 'c', 'd'].map((name) =>
      place(
        [],
        task({ name }, () => new Promise((resolve) => setTimeout(resolve, name === 'a' ? 60 : 0))),
      ),
    );
    const { loaded } = machine(0, { from: { '': listOf(alike) }, journal: false });
    const owners = async (): Promise<readonly (readonly string[])[]> => {
      const lists = [1, 2].map((index) => listSuite(loaded, {}, () => {}, { shard: { index, count: 2 } }));
      return (await Promise.all(lists)).map(({ tasks }) => tasks.map(({ path }) => path).sort());
    };
    const before = await owners();
    await runSuite(loaded);
    await runSuite(loaded);
    const { tasks } = await listSuite(loaded);
    expect(tasks.find(({ path }) => path === 'a')?.weightMs).toBeGreaterThan(40);
    expect(await owners()).toEqual(before);
  });

  it('keep the tasks together that hold a resource which exists once for all machines', async () => {
    const holding = ['a', 'b', 'c'].map((name) =>
      place(
        [],
        task({ name, uses: ['/srv/db'] }, () => {}),
      ),
    );
    const owned = (sharedResources: string[]) => {
      const { loaded } = machine(0, { from: { '': listOf(holding) }, sharedResources });
      return Promise.all(
        three.map(async (shard) => (await listSuite(loaded, {}, () => {}, { shard })).tasks.length),
      );
    };
    expect(await owned(['/srv/db'])).toEqual([3, 0, 0]);
    expect(await owned([])).toEqual([1, 1, 1]);
  });

  it('without a task run nothing, which is a success', async () => {
    const { loaded, ran } = machine(0);
    expect(await runSuite(loaded, { shard: { index: 9, count: 9 } })).toMatchObject({ exitCode: 0 });
    expect(ran).toEqual([]);
  });
});

describe('a file of weights', () => {
  /** The owners of tasks without weights of their own. */
  async function ownersWith(text: string): Promise<Record<string, number | undefined>> {
    const alike = ['a', 'b', 'c', 'd'].map((name) =>
      place(
        [],
        task({ name }, () => {}),
      ),
    );
    const { loaded } = machine(0, { from: { '': listOf(alike) } });
    const weights = join(loaded.root, 'weights.jsonl');
    writeFileSync(weights, text);
    const lists = await Promise.all(
      [1, 2].map((index) => listSuite(loaded, {}, () => {}, { shard: { index, count: 2, weights } })),
    );
    return Object.fromEntries(
      lists.flatMap(({ tasks }) => tasks.map(({ path, shard }) => [path, shard?.owner])),
    );
  }

  it('divides by durations; a task that it does not name is expected to take the median', async () => {
    const line = (path: string, weightMs: number) => `${JSON.stringify({ path, weightMs, samples: 3 })}\n`;
    expect(await ownersWith(line('a', 64_000) + line('b', 1_000) + line('c', 1_000))).toEqual({
      ...{ a: 1, b: 2, c: 2, d: 2 },
    });
  });

  it('that cannot be used is refused', async () => {
    const code = 'PEXEN_BAD_WEIGHTS';
    await expect(ownersWith('not JSON')).rejects.toMatchObject({
      code,
      message: expect.stringContaining(':1 is not JSON'),
    });
    await expect(ownersWith('{}\n')).rejects.toMatchObject({ code });
    const { loaded } = machine(0);
    const missing = { index: 1, count: 2, weights: join(loaded.root, 'none.jsonl') };
    await expect(listSuite(loaded, {}, () => {}, { shard: missing })).rejects.toMatchObject({ code });
  });
});
