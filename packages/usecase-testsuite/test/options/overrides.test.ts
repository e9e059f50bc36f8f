/** Metadata by pattern: which task gets what, and where it comes from. */
import { addressed, amount, definitionOf, type PlacedTask, type TaskMeta, task, withMeta } from '@pexen/core';
import { inline, place, plan } from '@pexen/sched';
import { describe, expect, it } from 'vitest';
import { resolveSuite } from '../../src/config/config.ts';
import type { SuiteOverride } from '../../src/config/define-suite.ts';
import type { LayeredOverride } from '../../src/options/layers.ts';
import { applyOverrides } from '../../src/options/overrides.ts';

const root = '/suite';

function layered(...overrides: readonly SuiteOverride[]): LayeredOverride[] {
  return overrides.map((override, index) => ({ override, index, origin: { kind: 'configuration' } }));
}

function made(path: string, meta: TaskMeta = {}): PlacedTask {
  const under = path.split('/');
  return place(
    under.slice(0, -1),
    task({ name: under.at(-1) as string, ...meta }, () => {}),
  );
}

/** The metadata of one task after the overrides. */
function metaAfter(own: TaskMeta, ...overrides: readonly SuiteOverride[]): TaskMeta {
  const { tasks } = applyOverrides([made('net/ping', own)], layered(...overrides), root);
  const { name: _, ...meta } = definitionOf((tasks[0] as PlacedTask).task).meta;
  return meta;
}

const all = (set: SuiteOverride['set']): SuiteOverride => ({ match: '**', set });

describe('an override', () => {
  it('sets what the task does not state itself', () => {
    expect(metaAfter({ timeout: 5 }, all({ timeout: 9, retries: 2 }))).toEqual({ timeout: 5, retries: 2 });
    expect(metaAfter({ retries: 0 }, all({ retries: { count: 2, delay: 5 } }))).toEqual({ retries: 0 });
  });

  it('counts only if it is the first that matches and has the entry', () => {
    const overrides: SuiteOverride[] = [
      { match: 'disk/**', set: { timeout: 1, priority: 1 } },
      { match: ['disk/**', 'net/**'], set: { timeout: 2 } },
      all({ timeout: 3, retries: 3 }),
    ];
    expect(metaAfter({}, ...overrides)).toEqual({ timeout: 2, retries: 3 });
  });

  it('adds to lists, and its condition has to be met besides', () => {
    const merged = metaAfter(
      { tags: ['a'], requires: ['x'], claims: ['/c'], when: () => 'not here' },
      all({ tags: ['b', 'a'], requires: ['y'], claims: ['/d'], uses: [amount('gpu', 1)], when: 'never' }),
      all({ tags: ['c'] }),
    );
    expect(merged).toMatchObject({ tags: ['a', 'b'], requires: ['x', 'y'], claims: ['/c', '/d'] });
    expect((merged.when as (facts: object) => unknown)({})).toBe('not here; never');
    const met = metaAfter({ when: true }, all({ when: () => true })).when as (facts: object) => unknown;
    expect(met({})).toBe(true);
  });

  it('of a claim includes the use of the task, and the other way round', () => {
    expect(metaAfter({ uses: ['/db', '/x'] }, all({ claims: ['/db'] }))).toEqual({
      ...{ uses: ['/x'], claims: ['/db'] },
    });
    expect(metaAfter({ claims: ['/db'] }, all({ uses: ['/db', '/x'] }))).toEqual({
      ...{ uses: ['/x'], claims: ['/db'] },
    });
  });

  it('names a pool only for tasks without a group, and a group only for those without a pool', () => {
    expect(metaAfter({ group: 'vm' }, all({ pool: 'quick' }))).toEqual({ group: 'vm' });
    expect(metaAfter({ pool: 'quick' }, all({ group: 'vm' }))).toEqual({ pool: 'quick' });
    expect(metaAfter({}, all({ group: 'vm' }), all({ pool: 'quick' }))).toEqual({ group: 'vm' });
    expect(metaAfter({}, all({ pool: 'quick' }), all({ group: 'vm' }))).toEqual({ pool: 'quick' });
  });

  it('comes before the defaults of a factory', () => {
    const placed = made('net/ping', { timeout: 1, tags: ['net'], group: 'vm', retries: 1 });
    const byFactory = new Set<string>(['timeout', 'tags', 'group']);
    const originOf = (entry: string) =>
      byFactory.has(entry) ? ({ kind: 'defaults', by: 'the factory "x"' } as const) : undefined;
    const given = { ...placed, task: addressed(placed.task, undefined, {}, { originOf }) };
    const set = { timeout: 2, tags: ['slow'], retries: 9, pool: 'quick' };
    const [after] = applyOverrides([given], layered(all(set)), root).tasks;
    const definition = definitionOf((after as PlacedTask).task);
    expect(definition.meta).toEqual({
      ...{ name: 'ping', timeout: 2, tags: ['net', 'slow'], pool: 'quick', group: undefined, retries: 1 },
    });
    expect(definition.originOf?.('timeout')).toEqual({ kind: 'override', by: 'overrides.0' });
    expect(definition.originOf?.('retries')).toBeUndefined();
    expect(plan([after as PlacedTask], { pools: { quick: inline } }).order).toEqual(['net/ping']);
  });

  it('selects by what tasks are: path, name, tag, file, derived name', () => {
    const fast = withMeta(() => {}, { tags: ['fast'] });
    const tasks: PlacedTask[] = [
      made('net/ping', { tags: ['slow'] }),
      { under: ['net'], task: fast },
      { under: ['net'], task: function probe() {} },
      { under: ['net'], task: function probe() {} },
    ];
    const matched = (match: string | readonly string[]): string[] => {
      const after = applyOverrides(tasks, layered({ match, set: { priority: 7 } }), root).tasks;
      const paths = plan(after).tasks.map(({ path }) => path);
      return paths.filter((_, at) => definitionOf((after[at] as PlacedTask).task).meta.priority === 7);
    };
    expect(matched('net')).toHaveLength(4);
    expect(matched('tag:slow')).toEqual(['net/ping']);
    expect(matched('!tag:slow tag:fast')).toEqual(['net/task']);
    expect(matched('net/probe-2')).toEqual(['net/probe-2']);
    expect(matched(['ping', 'tag:fast'])).toEqual(['net/ping', 'net/task']);
  });

  it('keeps the identity of the task, so that others can require it', () => {
    const build = task({ name: 'build' }, () => {});
    const test = task({ name: 'test', requires: [build] }, () => {});
    const { tasks } = applyOverrides([place([], build), place([], test)], layered(all({ timeout: 5 })), root);
    expect(plan(tasks).order).toEqual(['build', 'test']);
  });

  it('that matches nothing is warned of, with its place', () => {
    const { warnings } = applyOverrides(
      [made('net/ping')],
      layered(all({}), { match: ['dsk', 'tag:x'], set: {} }),
      root,
    );
    expect(warnings.map(({ message }) => message)).toEqual(['overrides.1: no task matches "dsk" or "tag:x"']);
  });

  it('is checked with the configuration', async () => {
    const overrides = [
      { match: 'a (', set: { timeout: '20s', name: 'x', retries: { cuont: 1 } } },
      { match: 'status:failed', set: { pool: 3 } },
      { match: [], sett: {} },
    ];
    const error = await resolveSuite({ from: {}, overrides } as never, { ci: false, env: {} }).catch(
      (thrown) => thrown,
    );
    const texts = error.problems.map(
      ({ message, hint }: { message: string; hint?: string }) => `${message} → ${hint}`,
    );
    expect(texts).toEqual([
      expect.stringMatching(/^overrides\.0\.match: is wrong: /),
      expect.stringMatching(/^overrides\.0\.set: has no option "name" → /),
      'overrides.0.set.timeout: must be a number of milliseconds above 0 → Write timeout: 20_000 (milliseconds).',
      'overrides.0.set.retries: has no entry "cuont", but count, delay, factor, maxDelay, jitter → Did you mean "count"?',
      'overrides.1.match: must not ask for the last run → Select by paths, names, files, text: and tag:.',
      'overrides.1.set.pool: must be a non-empty string → undefined',
      expect.stringMatching(/^overrides\.2: needs the option "set"/),
      expect.stringMatching(/^overrides\.2: has no option "sett" → Did you mean "set"\?/),
      expect.stringMatching(/^overrides\.2\.match: names no query/),
    ]);
  });
});
