/** How the tasks of a suite are divided among shards. */
import type { TaskInfo } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { atomsOf } from '../../src/shards/atoms.ts';
import { Costs, Load } from '../../src/shards/load.ts';
import { type Partition, partition } from '../../src/shards/partition.ts';
import { PullGraph } from '../../src/shards/pull-graph.ts';
import { Random } from '../resume/random.ts';
import { type Given, infoOf, randomSuite } from './random-suite.ts';

const suites = isWhole ? 2_000 : 200;
const sharedResources = ['/srv/db'];

function suite(...tasks: readonly Given[]): TaskInfo[] {
  return tasks.map(infoOf);
}

function requires(...capabilities: string[]): Pick<TaskInfo, 'requires'> {
  return { requires: capabilities.map((capability) => ({ form: 'one', capabilities: [capability] })) };
}

/** The owned paths of each shard. */
function ownedBy({ shards }: Partition): string[][] {
  return shards.map(({ owned }) => [...owned]);
}

/** What a shard runs, by a rule that is applied until nothing changes. */
function closureOf(owned: readonly string[], tasks: readonly TaskInfo[]): string[] {
  const runs = new Set(owned);
  const names = ({ path, provides = [] }: TaskInfo) => [`task:${path}`, ...provides];
  for (let size = -1; size < runs.size; ) {
    size = runs.size;
    const running = tasks.filter(({ path }) => runs.has(path));
    const needed = new Set(
      running.flatMap(({ requires = [] }) => requires.flatMap(({ capabilities }) => capabilities)),
    );
    const provided = new Set(running.flatMap(names));
    for (const task of tasks) {
      if (names(task).some((name) => needed.has(name))) runs.add(task.path);
      if (task.tearsDown?.some((name) => provided.has(name))) runs.add(task.path);
    }
  }
  return [...runs].sort();
}

describe('a task has one owner', () => {
  test('equal tasks are dealt out evenly', () => {
    const tasks = suite(...['a', 'b', 'c', 'd', 'e', 'f'].map((path) => ({ path, weightMs: 100 })));
    expect(ownedBy(partition(tasks, { count: 3, workers: 1 }))).toEqual([
      ['a', 'd'],
      ['b', 'e'],
      ['c', 'f'],
    ]);
  });

  test('a setup goes where it is needed, and is copied where that is shorter', () => {
    const tasks = suite(
      { path: 'setup', weightMs: 100 },
      ...['a', 'b', 'c', 'd'].map((path) => ({ path, weightMs: 800, ...requires('task:setup') })),
    );
    const { shards } = partition(tasks, { count: 2, workers: 1 });
    expect(shards.map(({ owned, copies }) => ({ owned, copies }))).toEqual([
      { owned: ['a', 'c', 'setup'], copies: [] },
      { owned: ['b', 'd'], copies: ['setup'] },
    ]);
  });

  test('of a random suite, whatever it has', () => {
    for (let at = seed; at < seed + suites; at++) {
      const random = new Random(at);
      const tasks = randomSuite(random, 1 + random.below(40));
      const options = { count: 1 + random.below(5), workers: 1 + random.below(4), sharedResources };
      const { shards, tasks: owners } = partition(tasks, options);
      expect(shards.flatMap(({ owned }) => owned).sort(), `seed ${at}`).toEqual(
        tasks.map(({ path }) => path).sort(),
      );
      for (const [index, { owned, copies }] of shards.entries()) {
        expect([...owned, ...copies].sort(), `seed ${at}`).toEqual(closureOf(owned, tasks));
        for (const path of owned) expect(owners.get(path)?.shard, `seed ${at}`).toBe(index + 1);
      }
    }
  });

  test('a service has its owner where a task needs it, however cheap that task is', () => {
    const tasks = suite(
      { path: 'db', weightMs: 5000, service: true, rerunnable: false },
      { path: 'other', weightMs: 100 },
      { path: 'x', weightMs: 1, ...requires('task:db') },
      { path: 'y', weightMs: 1, ...requires('task:db') },
    );
    const { shards, tasks: owners } = partition(tasks, { count: 2, workers: 1 });
    expect(shards.map(({ owned }) => owned)).toEqual([['db', 'x', 'y'], ['other']]);
    expect(owners.get('db')?.boundBy).toBe('starts only where tasks like "x" need it');
    for (let at = seed; at < seed + suites; at++) {
      const random = new Random(at);
      const all = randomSuite(random, 1 + random.below(40));
      const parts = partition(all, { count: 1 + random.below(5), workers: 2 });
      const graph = new PullGraph(all);
      for (const [service, { path }] of [...all.entries()].filter(([, task]) => task.service)) {
        const dependents = graph.pulledBy[service]?.map(
          (each) => parts.tasks.get(all[each]?.path ?? '')?.shard,
        );
        if (dependents?.length) expect(dependents, `seed ${at}`).toContain(parts.tasks.get(path)?.shard);
      }
    }
  });

  test('more shards than tasks leave some empty', () => {
    const { shards } = partition(suite({ path: 'a' }), { count: 3, workers: 4 });
    expect(shards.map(({ owned }) => owned.length)).toEqual([1, 0, 0]);
  });
});

describe('the result depends on nothing else', () => {
  test('than the tasks: their order, and what a machine remembers, change nothing', () => {
    for (let at = seed; at < seed + suites; at++) {
      const random = new Random(at);
      const tasks = randomSuite(random, 1 + random.below(40));
      const options = { count: 1 + random.below(5), workers: 1 + random.below(4), sharedResources };
      const elsewhere = random.shuffled(tasks).map((task, id) => ({
        ...{ ...task, id, location: { file: '/elsewhere.ts', line: 1 }, slowAfterMs: 5, whyNot: 'no IPv6' },
        digests: { meaning: 'm', code: 'c', data: 'd', limits: 'l' },
      }));
      expect(partition(elsewhere, options), `seed ${at}`).toEqual(partition(tasks, options));
    }
  });

  test('differences between two measurements move no task', () => {
    const measured = (factor: number): TaskInfo[] =>
      suite(...[2, 4, 8, 16, 32].map((weightMs) => ({ path: `t${weightMs}`, weightMs: weightMs * factor })));
    const options = { count: 2, workers: 1 };
    expect(partition(measured(1.1), options)).toEqual(partition(measured(0.9), options));
  });

  test('another division has another digest', () => {
    const tasks = suite({ path: 'a' }, { path: 'b' });
    const digestOf = (count: number, list = tasks) => partition(list, { count, workers: 1 }).digest;
    expect(digestOf(2)).toBe(digestOf(2, [...tasks].reverse()));
    expect(digestOf(2)).not.toBe(digestOf(3));
    expect(digestOf(2)).not.toBe(digestOf(2, suite({ path: 'a' }, { path: 'c' })));
  });
});

describe('tasks that stay together', () => {
  /** The owners, in the order of the tasks, and the reasons. */
  function bound(tasks: readonly TaskInfo[]): {
    shards: Set<number | undefined>;
    why: (string | undefined)[];
  } {
    const { tasks: owners } = partition(tasks, { count: 4, workers: 1, sharedResources });
    const all = tasks.map(({ path }) => owners.get(path));
    return { shards: new Set(all.map((each) => each?.shard)), why: all.map((each) => each?.boundBy) };
  }

  test('those that need a task which may not start twice, also through others', () => {
    const { shards, why } = bound(
      suite(
        { path: 'deploy', rerunnable: false },
        { path: 'login', ...requires('task:deploy') },
        { path: 'pay', ...requires('task:login') },
      ),
    );
    expect(shards.size).toBe(1);
    expect(why).toEqual([
      'may not start twice, and "login" needs it',
      'needs "deploy", which may not start twice',
      'needs "deploy", which may not start twice',
    ]);
  });

  test('those that need a service which needs a task that may not start twice', () => {
    const { shards } = bound(
      suite(
        { path: 'migrate', rerunnable: false },
        { path: 'db', rerunnable: false, service: true, ...requires('task:migrate') },
        { path: 'a', ...requires('task:db') },
        { path: 'b', ...requires('task:db') },
      ),
    );
    expect(shards.size).toBe(1);
  });

  test('those that hold a shared resource, something above it or something below it', () => {
    const tasks = suite(
      { path: 'table', claims: ['/srv/db/users'] },
      { path: 'all', uses: [{ resource: '/srv' }] },
      { path: 'itself', uses: [{ resource: '/srv/db', count: 2 }] },
    );
    expect(bound(tasks).shards.size).toBe(1);
    expect(bound(tasks).why[2]).toBe('holds /srv/db, which all shards share, as does "all"');
    const beside = suite({ path: 'a', claims: ['/srv/mail'] }, { path: 'b', claims: ['/srv/mail'] });
    expect(bound(beside).shards.size).toBe(2);
  });

  test('a salvage and what it salvages, a teardown and the providers, siblings with derived names', () => {
    const salvage = suite({ path: 'test' }, { path: 'logs', salvages: ['task:test'] });
    expect(bound(salvage).why).toEqual(['"logs" salvages it', 'salvages "test"']);
    const teardown = suite({ path: 'start', provides: ['db'] }, { path: 'stop', tearsDown: ['db'] });
    expect(bound(teardown).why).toEqual([
      '"stop" tears down what it provides',
      'tears down what "start" provides',
    ]);
    const list = suite({ path: 'ping', recallable: false }, { path: 'ping-2', recallable: false });
    expect(bound(list).why[1]).toBe('is named by its place in a list, as is "ping"');
  });

  test('a task that may not start twice runs in one shard, in every random suite', () => {
    for (let at = seed; at < seed + suites; at++) {
      const random = new Random(at);
      const tasks = randomSuite(random, 1 + random.below(40));
      const { shards } = partition(tasks, { count: 2 + random.below(4), workers: 2, sharedResources });
      for (const { path, rerunnable, service } of tasks) {
        const running = shards.filter(({ owned, copies }) => owned.includes(path) || copies.includes(path));
        if (!rerunnable && !service) expect(running.length, `seed ${at}: ${path}`).toBe(1);
      }
    }
  });
});

describe('balance', () => {
  /** The estimate of the longest shard. */
  const longest = ({ shards }: Partition): number => Math.max(...shards.map(({ costMs }) => costMs));

  test('without setups it is at most 4/3 of the best division', () => {
    for (let at = seed; at < seed + suites; at++) {
      const random = new Random(at);
      const tasks = randomSuite(random, 2 + random.below(6), { dependencies: false, bonds: false });
      const options = { count: 2 + random.below(2), workers: 1 + random.below(2) };
      const costOf = estimates(options.workers);
      const best = Math.min(...divisions(tasks, options.count).map(costOf));
      expect(longest(partition(tasks, options)), `seed ${at}`).toBeLessThanOrEqual((best * 4) / 3 + 1e-9);
    }
  });

  test('with setups, the longest shard is on average at most 1.15 times as long as any division would be', () => {
    const ratios: number[] = [];
    for (let at = seed; at < seed + suites; at++) {
      const random = new Random(at);
      const tasks = randomSuite(random, 100 + random.below(300));
      const options = { count: 2 + random.below(7), workers: 1 + random.below(8) };
      ratios.push(longest(partition(tasks, options)) / leastOf(tasks, options));
    }
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    console.log(
      `spread of ${ratios.length} suites: mean ${mean.toFixed(3)}, worst ${Math.max(...ratios).toFixed(3)}`,
    );
    expect(mean).toBeLessThanOrEqual(1.15);
  });
});

/** No division is shorter: each task runs somewhere, and what is bound together runs in one shard. */
function leastOf(tasks: readonly TaskInfo[], { count, workers }: { count: number; workers: number }): number {
  const together = new PullGraph(tasks);
  const costs = new Costs(tasks, together, workers);
  const atoms = atomsOf(tasks, together, []).members.map((atom) => new Load(costs).with(atom).costMs);
  const work = costs.work.reduce((sum, each) => sum + each, 0) / workers;
  const claimed = new Map<string, number>();
  for (const [task, { claims = [] }] of tasks.entries())
    for (const resource of claims)
      claimed.set(resource, (claimed.get(resource) ?? 0) + (costs.weight[task] as number));
  return Math.max(...atoms, Math.max(work, ...claimed.values()) / count);
}

/** Every way to divide the tasks. */
function divisions(tasks: readonly TaskInfo[], count: number): TaskInfo[][][] {
  return tasks.reduce<TaskInfo[][][]>(
    (all, task) =>
      all.flatMap((division) =>
        division.map((_, into) => division.map((shard, at) => (at === into ? [...shard, task] : shard))),
      ),
    [Array.from({ length: count }, () => [])],
  );
}

/** The estimate for a division of tasks without dependencies: each part is measured as a suite of its own, once. */
function estimates(workers: number): (division: readonly (readonly TaskInfo[])[]) => number {
  const known = new Map<string, number>();
  return (division) =>
    Math.max(
      ...division.map((tasks) => {
        const key = tasks.map(({ path }) => path).join();
        const cost = known.get(key) ?? partition(tasks, { count: 1, workers }).shards[0]?.costMs ?? 0;
        known.set(key, cost);
        return cost;
      }),
    );
}
