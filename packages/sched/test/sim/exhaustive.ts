/**
 * Every small run there is, within stated bounds: all graphs over up to 4 tasks (edges go to later tasks), all ways to use or claim,
 * all outcomes, with one and with two workers.
 *
 * | tasks | resources | cases |
 * |---|---|---|
 * | 1 | 2 | 1 graph × 9 × 3 outcomes × 2 = 54 |
 * | 2 | 2 | 2 graphs × 81 × 9 × 2 = 2,916 |
 * | 3 | 2 | 8 graphs × 729 × 27 × 2 = 314,928 |
 * | 4 | 1 | 64 graphs × 81 × 81 × 2 = 839,808 |
 */
import type { AttemptScript, Scenario, TaskSpec } from './scenario.ts';
import { play } from './simulate.ts';

const ends = ['returned', 'failed', 'threw'] as const;
const holds = ['none', 'uses', 'claims'] as const;
/** A claim of the second one meets uses of the first one: it lies above it. */
const resources = ['/a/b', '/a'];
const scopes = [
  { count: 1, resourceCount: 2 },
  { count: 2, resourceCount: 2 },
  { count: 3, resourceCount: 2 },
  { count: 4, resourceCount: 1 },
] as const;

/** How many there are, how many of them were played, and which broke a rule. */
export interface Exhausted {
  cases: number;
  played: number;
  readonly violations: string[];
}

/** Plays every N-th of the cases. */
export function exhaust(every: number): Exhausted {
  const seen: Exhausted = { cases: 0, played: 0, violations: [] };
  for (const { count, resourceCount } of scopes) {
    const bounds = boundsOf(count, resourceCount);
    for (let index = 0; index < bounds.size; index++) {
      if (seen.cases++ % every !== 0) continue;
      seen.played++;
      const { violation } = play(scenarioOf(index, bounds));
      if (violation !== undefined) seen.violations.push(`${count} tasks, case ${index}: ${violation}`);
    }
  }
  return seen;
}

function boundsOf(count: number, resourceCount: number): Bounds {
  const pairs = pairsOf(count);
  const graphs = 2 ** pairs.length;
  const holdings = holds.length ** (count * resourceCount);
  const outcomes = ends.length ** count;
  const size = graphs * holdings * outcomes * 2;
  return { count, resourceCount, pairs, graphs, holdings, outcomes, size };
}

interface Bounds {
  readonly count: number;
  readonly resourceCount: number;
  readonly pairs: readonly (readonly [from: number, to: number])[];
  readonly graphs: number;
  readonly holdings: number;
  readonly outcomes: number;
  readonly size: number;
}

/** The case as a number with mixed digits: graph, holdings, outcomes, workers. */
function scenarioOf(
  index: number,
  { count, resourceCount, pairs, graphs, holdings, outcomes }: Bounds,
): Scenario {
  const graph = index % graphs;
  const holding = Math.floor(index / graphs) % holdings;
  const outcome = Math.floor(index / (graphs * holdings)) % outcomes;
  const workers = 1 + Math.floor(index / (graphs * holdings * outcomes));
  const tasks = Array.from({ length: count }, (_, at) => {
    const requires = pairs.flatMap(([from, to], pair) =>
      to === at && (graph >> pair) & 1 ? [`t${from}`] : [],
    );
    const held = resources.slice(0, resourceCount).map((resource, nth) => {
      return { resource, how: holds[digit(holding, at * resourceCount + nth)] };
    });
    return taskOf(at, requires, held, ends[digit(outcome, at)] ?? 'returned');
  });
  const pool = {
    name: 'default',
    isGroup: false,
    exclusive: false,
    slots: workers,
    spare: 0,
    opensInMs: 0,
    fails: false,
    neverOpens: false,
    kills: true,
  };
  return {
    ...{ seed: index, tasks, additions: [], capacities: [], bypasses: 64, latecomers: 512, pausesMs: [0] },
    pools: [{ ...pool, changes: [] }],
    ...{ endings: [], pulls: 1 },
    faults: { duplicate: 0, batch: 0, earlyAlarm: 0 },
  };
}

function taskOf(
  at: number,
  requires: readonly string[],
  held: readonly { readonly resource: string; readonly how: string | undefined }[],
  end: AttemptScript['ends'],
): TaskSpec {
  const script = { ends: end, durationMs: 1 + at, depsOk: false, locksOk: at % 2 === 0 };
  const heldAs = (how: string) => held.filter((each) => each.how === how).map(({ resource }) => resource);
  return {
    name: `t${at}`,
    requires: requires.map((name) => ({ form: 'one' as const, names: [name], count: 1 })),
    ...{
      provides: [],
      after: [],
      before: [],
      salvages: [],
      tearsDown: [],
      amounts: [],
      exclusive: false,
      priority: 0,
    },
    ...{ uses: heldAs('uses'), claims: heldAs('claims') },
    ...{ grace: 0, retries: 0, delay: 0, rerunnable: false, applies: true },
    script: [{ ...script, whenStopped: 'stops', isQuiet: true, returnedUnstarted: 0 }],
  };
}

function pairsOf(count: number): (readonly [from: number, to: number])[] {
  return Array.from({ length: count }, (_, to) =>
    Array.from({ length: to }, (_, from) => [from, to] as const),
  ).flat();
}

/** The digit of a number to the base 3. */
function digit(number: number, place: number): number {
  return Math.floor(number / 3 ** place) % 3;
}
