/** A plan is a value: made once, inspected, selected from, and run any number of times. */
import {
  isPexenError,
  type NodeView,
  type Pool,
  type PoolManifest,
  type Result,
  type Runnable,
  type TaskMeta,
} from '@pexen/core';
import { describe, expect, it } from 'vitest';
import { anyOf, inline, key, type Plan, place, plan, type Run, run, task } from '../src/index.ts';
import { NodePool } from './node-pool.ts';

const start = task({ name: 'start', provides: ['service'] }, () => {});
const stop = task({ name: 'stop', tearsDown: 'service' }, () => {});
const seed = task({ name: 'seed', requires: ['service'], provides: ['data'] }, () => {});
const other = task({ name: 'other', provides: ['data'] }, () => {});
const reads = task({ name: 'reads', requires: [anyOf('data', 'dump')], tags: ['quick'] }, () => {});
const dump = task({ name: 'dump', provides: ['dump'] }, () => {});
const alone = task({ name: 'alone', after: [reads] }, () => {});
const tasks = [alone, reads, dump, other, seed, start, stop].map((each) => place(['db'], each));

const pathsOf = (made: Plan): string[] => made.tasks.map(({ path }) => path);

async function resultsOf(going: Run): Promise<Result[]> {
  const results: Result[] = [];
  for await (const result of going) results.push(result);
  return results;
}

/** What a consumer sees of a run, without times. */
async function seenOf(going: Run): Promise<string[]> {
  return (await resultsOf(going)).map((result) => {
    const { path, status, attempts } = result;
    return `${path} ${status} ${attempts.length} ${'value' in result ? String(result.value) : ''}`;
  });
}

describe('a selection', () => {
  it('includes all providers of what is required, and the teardowns of what those provide, with the reasons', () => {
    const selected = plan(tasks).select(({ tags }) => tags.includes('quick'));
    expect(selected.tasks.map(({ path, pulledIn }) => [path, pulledIn])).toEqual([
      ['db/reads', undefined],
      ['db/dump', { by: 'db/reads', as: 'provider', of: '"dump"' }],
      ['db/other', { by: 'db/reads', as: 'provider', of: '"data"' }],
      ['db/seed', { by: 'db/reads', as: 'provider', of: '"data"' }],
      ['db/start', { by: 'db/seed', as: 'provider', of: '"service"' }],
      ['db/stop', { by: 'db/start', as: 'teardown', of: '"service"' }],
    ]);
  });

  it('includes nothing for the order alone', () => {
    expect(pathsOf(plan(tasks).select(({ path }) => path === 'db/alone'))).toEqual(['db/alone']);
  });

  it('can be run, and selected from again', async () => {
    const quick = plan(tasks).select(({ tags }) => tags.includes('quick'));
    const results = await resultsOf(run(quick));
    expect(results.map(({ path }) => path).sort()).toEqual(pathsOf(quick).sort());
    const less = quick.select(({ path }) => path === 'db/seed');
    expect(pathsOf(less)).toEqual(['db/seed', 'db/start', 'db/stop']);
    expect(less.tasks[0]?.pulledIn).toEqual({ by: 'db/reads', as: 'provider', of: '"data"' });
  });

  it('keeps the paths of the whole plan', async () => {
    const twice = (): string => 'done';
    const whole = plan([twice, () => 'first', twice, twice]);
    expect(pathsOf(whole)).toEqual(['twice', 'task', 'twice-2', 'twice-3']);
    const last = whole.select(({ path }) => path === 'twice-3');
    expect((await resultsOf(run(last))).map(({ path }) => path)).toEqual(['twice-3']);
  });

  it('ranks its tasks by itself', () => {
    const far = task({ name: 'far', weight: 1, provides: ['far'] }, () => {});
    const near = task({ name: 'near', weight: 5 }, () => {});
    const long = task({ name: 'long', weight: 100, requires: ['far'] }, () => {});
    const whole = plan([far, near, long]);
    expect(whole.order).toEqual(['far', 'long', 'near']);
    expect(whole.select(({ path }) => path !== 'long').order).toEqual(['near', 'far']);
  });

  it('reports the problems of the whole plan, selected or not', () => {
    const broken = task({ name: 'broken', requires: ['nowhere'] }, () => {});
    expect(() => plan([...tasks, broken])).toThrow(/PEXEN_UNKNOWN_REQUIREMENT/);
  });
});

describe('the order of a plan', () => {
  it('is that of the starts', () => {
    const { order } = plan(tasks);
    expect(order).toHaveLength(tasks.length);
    const at = (path: string) => order.indexOf(path);
    expect(at('db/start')).toBeLessThan(at('db/seed'));
    expect(at('db/seed')).toBeLessThan(at('db/stop'));
    expect(at('db/reads')).toBeLessThan(at('db/alone'));
  });

  it('leaves out tasks that do not apply; the plan has the reasons', () => {
    const never = task({ name: 'never', when: () => 'no network' }, () => {});
    const made = plan([never, task({ name: 'yes' }, () => {})]);
    expect(made.order).toEqual(['yes']);
    expect(made.tasks.map(({ whyNot }) => whyNot)).toEqual(['no network', undefined]);
  });
});

describe('a plan', () => {
  it('calls each `when`, each factory and the estimates once, however often the plan is used', async () => {
    const calls: string[] = [];
    const counted = (name: string) => () => {
      calls.push(name);
      return true;
    };
    const made = plan(
      ['a', 'b'].map((name) => task({ name, when: counted(`when ${name}`) }, () => {})),
      {
        pool: () => {
          calls.push('pool');
          return inline();
        },
        pools: {
          other: () => {
            calls.push('other');
            return inline();
          },
        },
        weights: (path) => {
          calls.push(`weight ${path}`);
          return 1;
        },
      },
    );
    const selected = made.select(({ path }) => path === 'b');
    expect([made.order, selected.order, selected.tasks.length]).toEqual([['a', 'b'], ['b'], 1]);
    await resultsOf(run(selected));
    expect(calls.sort()).toEqual(['other', 'pool', 'weight a', 'weight b', 'when a', 'when b']);
  });

  it('is frozen, and does not change with a run or with the list it was made from', async () => {
    const list: Runnable[] = [task({ name: 'first', provides: ['x'] }, () => {})];
    const made = plan(list);
    list.push(task({ name: 'late' }, () => {}));
    const one = run(made);
    one.add([task({ name: 'added', requires: ['x'] }, () => {}), task({ name: 'late' }, () => {})]);
    expect((await resultsOf(one)).map(({ path }) => path)).toEqual(['first', 'added', 'late']);
    expect(pathsOf(made)).toEqual(['first']);
    expect((await resultsOf(run(made))).map(({ path }) => path)).toEqual(['first']);
    expect(Object.isFrozen(made)).toBe(true);
    expect(Object.isFrozen(made.tasks)).toBe(true);
  });

  it('runs twice, and as a run of the tasks does', async () => {
    let calls = 0;
    const flag = key<number>('flag');
    const sets = task({ name: 'sets', provides: [flag], claims: ['/db'] }, ({ set }) => {
      set(flag, ++calls);
    });
    const gets = task({ name: 'gets', requires: [flag], uses: ['/db/a'] }, ({ get }) => get(flag));
    const fails = task({ name: 'fails', retries: 1, claims: ['/db'], provides: ['y'] }, () => {
      throw new Error('no');
    });
    const skipped = task({ name: 'skipped', requires: ['y'] }, () => {});
    const all = [fails, sets, gets, skipped];
    const made = plan(all);
    const expected = await seenOf(run(all));
    expect(await seenOf(run(made))).toEqual(expected.map((line) => line.replace('1 1', '1 2')));
    expect(await seenOf(run(made))).toEqual(expected.map((line) => line.replace('1 1', '1 3')));
  });

  it('runs twice at once, in pools of their own', async () => {
    const pools: Pool[] = [];
    const gate = Promise.withResolvers<void>();
    const all3 = Promise.withResolvers<void>();
    let started = 0;
    const waits = task({ name: 'waits', claims: ['db'] }, () => {
      if (++started === 3) all3.resolve();
      return gate.promise;
    });
    const made = plan([waits], {
      pool: () => {
        const pool = inline();
        pools.push(pool);
        return pool;
      },
    });
    const given = inline({ concurrency: 3 });
    const runs = [run(made), run(made), run(made, { pool: given })];
    const all = Promise.all(runs.map((each) => resultsOf(each)));
    await all3.promise;
    expect(runs.map((each) => each.inspect().running.map(({ path }) => path))).toEqual([
      ['waits'],
      ['waits'],
      ['waits'],
    ]);
    expect(runs.map((each) => each.inspect().pools[0]?.slots)).toEqual([
      expect.any(Number),
      expect.any(Number),
      3,
    ]);
    gate.resolve();
    expect((await all).flat().map(({ status }) => status)).toEqual(['returned', 'returned', 'returned']);
    expect(pools).toHaveLength(2);
    expect(new Set(pools).size).toBe(2);
  });

  it('refuses a pool that another run of it uses', async () => {
    const gate = Promise.withResolvers<void>();
    const made = plan([task({ name: 'waits' }, () => gate.promise)], { pool: inline() });
    const first = resultsOf(run(made));
    expect(() => run(made)).toThrow(/PEXEN_POOL_IN_USE: pool: /);
    expect(() => run(made, { pool: inline() })).not.toThrow();
    gate.resolve();
    await first;
    await resultsOf(run(made));
  });

  it('is checked again for pools that take other bodies', () => {
    const manifest: PoolManifest = { ...inline().manifest, name: 'far', closures: false };
    const far: Pool = Object.assign(inline(), { manifest });
    const made = plan([task({ name: 'closure' }, () => {})], { pools: { spare: () => inline() } });
    expect(() => run(made, { pool: far })).toThrow(/PEXEN_CLOSURE/);
    expect(() => run(made, { pools: { spare: far } })).not.toThrow();
  });

  it('names the options that belong to it, and the pools that it does not have', () => {
    const made = plan([task({ name: 'a' }, () => {})], { groups: { vm: { pool: inline } } });
    const options = {
      ...{
        capacities: { ram: 1 },
        facts: {},
        weights: () => 1,
        defaults: {},
        overrides: {},
        programPool: inline,
        spare: 1,
      },
      ...{ pools: { x: inline }, groups: { wm: { pool: inline } } },
    };
    const problems = (given: object): string[] => {
      try {
        run(made, given as never);
        return [];
      } catch (error) {
        if (!isPexenError(error)) throw error;
        return error.problems.map(({ code, message }) => `${code} ${message}`);
      }
    };
    expect(problems(options)).toEqual(
      ['capacities', 'spare', 'facts', 'weights', 'defaults', 'overrides', 'programPool'].map(
        (name) => `PEXEN_BAD_OPTION run: "${name}" belongs to the plan`,
      ),
    );
    expect(problems({ pools: options.pools, groups: options.groups })).toEqual([
      'PEXEN_BAD_OPTION run: the plan has no entry "x" in "pools"',
      'PEXEN_BAD_OPTION run: the plan has no entry "wm" in "groups"',
    ]);
  });

  it('refuses options that only a run has', () => {
    const options = { signal: AbortSignal.abort(), shared: {} };
    expect(() => plan([task({ name: 'a' }, () => {})], options as never)).toThrow(
      /plan: has no option "signal"[\s\S]*plan: has no option "shared"/,
    );
  });

  it('reports pools that are in use together with pools that are given twice', async () => {
    const gate = Promise.withResolvers<void>();
    const busy = inline();
    const first = resultsOf(run([task({ name: 'waits' }, () => gate.promise)], { pool: busy }));
    const twice = inline();
    expect(() => run([() => {}], { pool: busy, pools: { a: twice, b: twice } })).toThrow(
      /pool: [\s\S]*pools\.b is the same object as another pool/,
    );
    gate.resolve();
    await first;
  });

  it('reports the problems of the tasks and of the options together', () => {
    expect(() => plan([task({ name: 'a', requires: ['b'] }, () => {})], { spare: -1 })).toThrow(
      /spare must be[\s\S]*requires "b"/,
    );
  });
});

describe('how long a run would take', () => {
  const took = { workers: 2, durationMs: () => 100 };
  const four = ['a', 'b', 'c', 'd'].map((name) => task({ name }, () => {}));

  it('counts workers, and no places in which tasks only wait for one', () => {
    for (const spare of [0, 1, 4]) expect(plan(four, { spare }).wallTimeMs(took), `${spare} spare`).toBe(200);
  });

  it('can be asked of the same tasks with other metadata, which change nothing of the plan', () => {
    const locked = four.map((each) => task({ name: each.name, claims: ['db'] }, () => {}));
    const first = task({ name: 'first', provides: ['up'] }, () => {});
    const last = task({ name: 'last', requires: [locked[0] as Runnable, 'up'] }, () => {});
    const whole = plan([...locked.map((each, at) => place([`t${at}`], each)), first, last], {
      weights: () => 100,
    });
    const freed = whole.revised(({ claims }, { path }) => {
      expect(pathsOf(whole)).toContain(path);
      return claims && { claims: undefined };
    });
    expect([whole.wallTimeMs(took), freed.wallTimeMs(took), whole.wallTimeMs(took)]).toEqual([400, 300, 400]);
    expect(pathsOf(freed)).toEqual(pathsOf(whole));
    expect(freed.describe('/').map(({ claims, weightMs }) => [claims, weightMs])).toEqual(
      pathsOf(whole).map(() => [undefined, 100]),
    );
    expect(whole.describe('/').filter(({ claims }) => claims?.[0] === 'db')).toHaveLength(4);
  });

  describe('on nodes', () => {
    const kvm = ({ properties }: NodeView): boolean => properties.kvm === true;
    const nodes = [
      { name: 'n0', properties: { kvm: true }, slots: 1 },
      { name: 'n1', properties: {}, slots: 1 },
      { name: 'n2', properties: {}, slots: 1 },
    ];
    const lab = { pool: () => new NodePool([]), spare: 0 };
    const timesOf = (each: (path: string) => number) => ({ workers: 1, durationMs: each, nodes });
    const named = (name: string, meta: TaskMeta): Runnable => task({ name, ...meta }, () => {});

    it('starts first what few nodes can run, and what that waits for', () => {
      const builds = ['b0', 'b1', 'b2'].map((name) => named(name, { weight: 30 }));
      const image = named('image', { provides: ['image'], weight: 10 });
      const boots = ['v0', 'v1', 'v2'].map((name) =>
        named(name, { requires: ['image'], weight: 20, on: kvm }),
      );
      const durationMs = (path: string): number => ({ b: 30, i: 10, v: 20 })[path[0] as 'b' | 'i' | 'v'];
      const all = plan([...builds, ...boots, image], lab);
      // On one of the three nodes 60 ms are left when the image is there: 10 + 60. By its chain alone, the image would start after the builds.
      expect(all.wallTimeMs(timesOf(durationMs))).toBe(70);
      const anywhere = all.revised(({ on }) => (on === undefined ? undefined : { on: undefined }));
      expect(anywhere.wallTimeMs(timesOf(durationMs))).toBe(60);
    });

    it('is not limited by what every node has, and counts one claim on each', () => {
      const flashes = ['a', 'b', 'c', 'd'].map((name) =>
        named(name, { claims: ['/dev/kvm'], on: () => true }),
      );
      const all = plan(flashes, { ...lab, nodeResources: { '/dev/kvm': {} } });
      expect(all.wallTimeMs(timesOf(() => 100))).toBe(200);
      const wide = nodes.map((node) => ({ ...node, slots: 4 }));
      expect(all.wallTimeMs({ ...timesOf(() => 100), nodes: wide })).toBe(200);
      expect(all.wallTimeMs({ workers: 4, durationMs: () => 100 })).toBe(400);
    });

    it('sets up each of them, and is infinite for what none can run', () => {
      const driver = named('driver', { perNode: true, provides: ['driver'] });
      const users = ['a', 'b', 'c'].map((name) => named(name, { requires: ['driver'] }));
      const durationMs = (path: string): number => (path === 'driver' ? 50 : 100);
      expect(plan([driver, ...users], lab).wallTimeMs(timesOf(durationMs))).toBe(150);
      const never = [named('never', { on: () => 'has no arm' })];
      expect(plan(never, lab).wallTimeMs(timesOf(durationMs))).toBe(Number.POSITIVE_INFINITY);
    });
  });

  it('is refused of metadata that are wrong', () => {
    const wrong = (): Plan =>
      plan(four).revised((_, { path }) => (path === 'b' ? { priority: Number.NaN } : undefined));
    expect(wrong).toThrow(expect.objectContaining({ code: 'PEXEN_BAD_META' }));
  });
});
