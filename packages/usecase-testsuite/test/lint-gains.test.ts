/**
 * What `pexen lint` says a lock costs, on random suites: compared with a second simulation, written differently, of the same suite without the lock.
 */
import { type Runnable, task } from '@pexen/core';
import { expect, it } from 'vitest';
import { linted, runs } from './support/linted.ts';

/** A task as the second simulation sees it. */
interface Plain {
  readonly name: string;
  readonly ms: number;
  readonly requires: readonly string[];
  readonly claims: readonly string[];
  readonly uses: readonly string[];
  readonly priority: number;
}

/** Random numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomSuite(random: () => number): readonly Plain[] {
  const below = (count: number): number => Math.floor(random() * count);
  const names = ['/db', '/db/orders', '/db/users', '/net', '/gpu'].slice(0, 1 + below(5));
  const count = 10 + below(40);
  const locking = 0.2 + 0.7 * random();
  return Array.from({ length: count }, (_, at): Plain => {
    const isLocking = random() < locking;
    const own = names[below(names.length)] as string;
    return {
      ...{ name: `t${at}`, ms: 200 + random() * 3000, priority: random() < 0.1 ? below(3) - 1 : 0 },
      requires: at > 0 && random() < 0.3 ? [`t${below(at)}`] : [],
      claims: isLocking && random() < 0.8 ? [own] : [],
      uses: isLocking ? [] : random() < 0.3 ? [own] : [],
    };
  });
}

function asTask({ name, requires, claims, uses, priority }: Plain): Runnable {
  return task({ name, provides: [name], requires, claims, uses, priority }, () => {});
}

/** How long the tasks take with so many workers: at each moment the best ones that can start do. */
function wallMs(tasks: readonly Plain[], workers: number): number {
  const order = [...tasks].sort(
    (one, other) =>
      one.priority - other.priority ||
      rankOf(other, tasks) - rankOf(one, tasks) ||
      tasks.indexOf(one) - tasks.indexOf(other),
  );
  const endsAt = new Map<Plain, number>();
  for (let now = 0; ; ) {
    const running = [...endsAt].filter(([, end]) => end > now).map(([each]) => each);
    for (const next of order) {
      if (running.length >= workers) break;
      if (endsAt.has(next) || running.some((other) => conflict(next, other))) continue;
      const isMet = (name: string): boolean =>
        (endsAt.get(tasks.find((each) => each.name === name) as Plain) ?? Number.POSITIVE_INFINITY) <= now;
      if (!next.requires.every(isMet)) continue;
      endsAt.set(next, now + next.ms);
      running.push(next);
    }
    const later = [...endsAt.values()].filter((end) => end > now);
    if (later.length === 0) return now;
    now = Math.min(...later);
  }
}

/** The longest chain that waits for it, itself included, and at least all that claims the same. */
function rankOf(of: Plain, tasks: readonly Plain[]): number {
  const behind = tasks
    .filter(({ requires }) => requires.includes(of.name))
    .map((each) => rankOf(each, tasks));
  const together = of.claims.map((claim) =>
    tasks.filter(({ claims }) => claims.includes(claim)).reduce((sum, { ms }) => sum + ms, 0),
  );
  return Math.max(of.ms + Math.max(0, ...behind), ...together);
}

function conflict(one: Plain, other: Plain): boolean {
  const meets = (a: string, b: string): boolean => `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);
  const excludes = (a: Plain, b: Plain): boolean =>
    a.claims.some((claim) => [...b.claims, ...b.uses].some((held) => meets(claim, held)));
  return excludes(one, other) || excludes(other, one);
}

it('is what another simulation says, on 200 random suites, and no lock is overlooked', async () => {
  let found = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomFrom(seed);
    const suite = randomSuite(random);
    const workers = 2 + Math.floor(random() * 6);
    const asItIsMs = wallMs(suite, workers);
    // Real runs take a little longer or shorter than simulated ones, and gains with them.
    const scale = 0.9 + 0.3 * random();
    const { findings, notJudged } = await linted(suite.map(asTask), {
      ...{ workers, rules: ['costly-lock'], wholeRunsMs: [asItIsMs * scale] },
      past: Object.fromEntries(suite.map(({ name, ms }) => [name, runs(1, { ms })])),
    });
    expect(notJudged, `seed ${seed}`).toEqual([]);
    for (const lock of new Set(suite.flatMap(({ claims }) => claims))) {
      const freed = suite.map((each) => ({ ...each, claims: each.claims.filter((claim) => claim !== lock) }));
      const gainMs = (asItIsMs - wallMs(freed, workers)) * scale;
      const finding = findings.find(({ subject }) => subject === lock);
      const isWorth = gainMs >= 1000 && gainMs >= 0.1 * asItIsMs * scale;
      expect(finding !== undefined, `seed ${seed}: ${lock} gains ${gainMs} of ${asItIsMs * scale}`).toBe(
        isWorth,
      );
      if (finding === undefined) continue;
      expect(finding.gainMs, `seed ${seed}: ${lock}`).toBe(Math.round(gainMs));
      found++;
    }
  }
  // Of both kinds there are many.
  expect(found).toBeGreaterThan(50);
  expect(found).toBeLessThan(400);
});
