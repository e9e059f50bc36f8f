/** The search of `pexen bisect` among 500 tests, against modelled runs: planted pairs are found in few trials, and nothing else is blamed. */
import { describe, expect, it } from 'vitest';
import { type Case, type Finding, search, type Trial } from '../src/bisect/search.ts';
import { randomFrom } from '../src/shuffle.ts';

const seeds = Array.from({ length: 20 }, (_, at) => at + 1);

interface World {
  readonly before: readonly string[];
  readonly beside: readonly string[];
  readonly beforeItPassed?: readonly string[];
  readonly requires?: ReadonlyMap<string, readonly string[]>;
  readonly acquitted?: ReadonlySet<string>;
  /** Does the victim fail, with these tests before and beside it? */
  fails(before: ReadonlySet<string>, beside: ReadonlySet<string>): boolean;
}

/** 500 tests: some ended before the victim, up to twenty ran beside it. */
function suite(seed: number, random = randomFrom(`suite ${seed}`)): Pick<World, 'before' | 'beside'> {
  const place = 100 + Math.floor(random() * 370);
  const names = Array.from({ length: 500 }, (_, at) => `t${at}`);
  return { before: names.slice(0, place), beside: names.slice(place, place + 4 + Math.floor(random() * 20)) };
}

function pick<T>(of: readonly T[], random: () => number): T {
  return of[Math.floor(random() * of.length)] as T;
}

function solved(world: World): { readonly found: readonly Finding[]; readonly trials: readonly Trial[] } {
  const { before, beside, beforeItPassed, requires = new Map(), acquitted } = world;
  const closureOf = (paths: readonly string[]): ReadonlySet<string> => {
    const all = new Set(paths);
    for (const path of all) for (const each of requires.get(path) ?? []) all.add(each);
    return all;
  };
  const of: Case = {
    ...{ victim: 'victim', before, beside, beforeItPassed, closureOf },
    acquittals: (path) => (acquitted?.has(path) ? 1 : 0),
  };
  const trials: Trial[] = [];
  const searching = search(of);
  let next = searching.next();
  while (next.done !== true) {
    trials.push(next.value);
    next = searching.next(world.fails(closureOf(next.value.before), closureOf(next.value.beside)));
  }
  return { found: next.value, trials };
}

describe.each(seeds)('among 500 tests, seed %i', (seed) => {
  const random = randomFrom(`search ${seed}`);
  const { before, beside } = suite(seed);

  it('finds a pair by order in at most 25 runs', () => {
    const bad = pick(before, random);
    const { found, trials } = solved({ before, beside, fails: (ran) => ran.has(bad) });
    expect(found).toMatchObject([{ kind: 'pair', relation: 'before', partner: bad }]);
    expect(found[0]?.kind === 'pair' && found[0].chance).toBeLessThan(0.001);
    expect(trials.length).toBeLessThanOrEqual(25);
  });

  it('finds a pair by overlap in at most 40 runs', () => {
    const bad = pick(beside, random);
    const { found, trials } = solved({ before, beside, fails: (_, overlapped) => overlapped.has(bad) });
    expect(found).toMatchObject([{ kind: 'pair', relation: 'beside', partner: bad }]);
    expect(trials.length).toBeLessThanOrEqual(40);
  });

  it('finds a test that is missing before it, where a run is known in which it was not', () => {
    const needed = pick(before, random);
    const world = { before: [], beside, beforeItPassed: before };
    const { found, trials } = solved({ ...world, fails: (ran) => !ran.has(needed) });
    expect(found).toMatchObject([{ kind: 'pair', relation: 'missing', partner: needed }]);
    expect(trials.length).toBeLessThanOrEqual(25);
  });

  it('finds two independent pairs, one after the other', () => {
    const [one, other] = [pick(before.slice(0, 50), random), pick(before.slice(50), random)];
    const { found, trials } = solved({ before, beside, fails: (ran) => ran.has(one) || ran.has(other) });
    expect(found.map((each) => each.kind === 'pair' && each.partner).sort()).toEqual([one, other].sort());
    expect(trials.length).toBeLessThanOrEqual(45);
  });

  it('says that there is no pair', () => {
    const always = solved({ before, beside, beforeItPassed: before, fails: () => true });
    expect(always.found).toEqual([{ kind: 'alone', failures: 3 }]);
    expect(solved({ before, beside, fails: () => false }).found).toEqual([{ kind: 'not-again' }]);
    const [one, other] = [before[10] as string, before[before.length - 10] as string];
    const both = solved({ before, beside, fails: (ran) => ran.has(one) && ran.has(other) });
    expect(both.found).toMatchObject([{ kind: 'several', relation: 'before' }]);
    const mixed = solved({
      ...{ before, beside },
      fails: (ran, overlapped) => ran.has(one) && overlapped.has(beside[0] as string),
    });
    expect(mixed.found).toEqual([{ kind: 'nothing' }]);
  });

  it('blames no test where the victim fails at random', () => {
    for (const probability of [0.1, 0.3, 0.5, 0.7, 0.9])
      for (let time = 0; time < 20; time++) {
        const { found } = solved({
          before,
          beside,
          beforeItPassed: before,
          fails: () => random() < probability,
        });
        expect(found.map(({ kind }) => kind)).not.toContain('pair');
      }
  });

  it('needs at most 22 runs where recorded runs acquit most tests', () => {
    const bad = pick(before, random);
    const acquitted = new Set(before.filter((path) => path !== bad && random() < 0.95));
    const { found, trials } = solved({ before, beside, acquitted, fails: (ran) => ran.has(bad) });
    expect(found).toMatchObject([{ kind: 'pair', partner: bad }]);
    expect(trials.length).toBeLessThanOrEqual(22);
  });

  it('blames the test itself where others require it, and not those', () => {
    const bad = pick(before.slice(0, 50), random);
    const dependents = before.slice(50).filter(() => random() < 0.1);
    const requires = new Map(dependents.map((path) => [path, [bad]]));
    const { found } = solved({ before, beside, requires, fails: (ran) => ran.has(bad) });
    expect(found).toMatchObject([{ kind: 'pair', partner: bad }]);
  });
});

it('names no pair that makes the difference most of the times only', () => {
  const random = randomFrom('most of the times');
  const { before, beside } = suite(1);
  const kinds = new Set<string>();
  for (let time = 0; time < 40; time++) {
    const bad = pick(beside, random);
    const fails = (_: unknown, overlapped: ReadonlySet<string>) => overlapped.has(bad) && random() < 0.7;
    const { found, trials } = solved({ before, beside, fails });
    for (const each of found) {
      kinds.add(each.kind);
      if (each.kind === 'pair' || each.kind === 'suspect') expect(each.partner).toBe(bad);
    }
    expect(trials.length).toBeLessThanOrEqual(40);
  }
  expect(kinds).toContain('suspect');
});
