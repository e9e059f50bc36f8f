/**
 * The order in which the tasks of a run started and ended, as plain data; how it constrains another run, and how two of them differ. Knows tasks by
 * their call paths alone, and nothing of bodies, resources and pools.
 */
import type { Guarding } from '@pexen/core';
import type { ScheduledOrder } from '../plan/planned.ts';

/** A task was started for the first time, has its result after that, or was skipped without having started. */
export type ScheduleStep = { readonly start: string } | { readonly end: string } | { readonly skip: string };

/** When a task ran, by the numbers of its steps. */
interface Interval {
  readonly start: number;
  /** Infinite where the run was cut before. */
  end: number;
}

/**
 * What a run does again when it gets this schedule: a task starts only after those have started that started before it, and those have ended that had
 * ended by then. So those that overlapped overlap again, as far as bodies take as long as they did.
 *
 * @example
 * const all = plan(tasks, { schedule: new Schedule(steps) });
 * for await (const { path, status } of run(all)) console.log(path, status);
 */
export class Schedule implements ScheduledOrder {
  readonly steps: readonly ScheduleStep[];
  readonly #intervals: ReadonlyMap<string, Interval>;
  /** When tasks were skipped: they are decided upon as late as then. */
  readonly #skips: ReadonlyMap<string, number>;

  constructor(steps: Iterable<ScheduleStep>) {
    this.steps = [...steps];
    this.#intervals = intervalsOf(this.steps);
    this.#skips = skipsOf(this.steps, this.#intervals);
  }

  /** The call paths of the tasks that started, in this order. */
  get paths(): readonly string[] {
    return [...this.#intervals.keys()];
  }

  /** How many tasks ran at the same time, at most. */
  get mostAtOnce(): number {
    let now = 0;
    let most = 0;
    for (const step of stepsOf(this.#intervals)) {
      now += 'start' in step ? 1 : -1;
      most = Math.max(most, now);
    }
    return most;
  }

  /** Of the tasks that could start, those that it does not have come last. */
  priorityOf(path: string): number {
    return this.#intervals.get(path)?.start ?? this.#skips.get(path) ?? this.steps.length;
  }

  follow(): (added: readonly { readonly id: number; readonly path: string }[]) => readonly Guarding[] {
    const known = new Map<string, number>();
    return (added) => {
      const isNew = new Set(added.map(({ path }) => path));
      for (const { id, path } of added) known.set(path, id);
      const isPresent = ([path]: readonly [string, unknown]): boolean => known.has(path);
      const present = new Map([...this.#intervals].filter(isPresent));
      const skips = new Map([...this.#skips].filter(isPresent));
      const numbersOf = (paths: readonly string[]): number[] =>
        paths.map((path) => known.get(path) as number);
      return [...followersOf(stepsOf(present, skips), isNew)].map(([path, { ofStart, ofEnd }]) => ({
        ...{ owner: known.get(path) as number, tasks: numbersOf(ofEnd), untilStart: numbersOf(ofStart) },
        ...{ resources: [], isScheduled: true as const },
      }));
    };
  }
}

/** A task may have started in several sessions: from the first start to the last end. */
function intervalsOf(steps: readonly ScheduleStep[]): Map<string, Interval> {
  const intervals = new Map<string, Interval>();
  for (const [at, step] of steps.entries()) {
    if ('end' in step) {
      const interval = intervals.get(step.end);
      if (interval !== undefined) interval.end = at;
    } else if ('start' in step && !intervals.has(step.start))
      intervals.set(step.start, { start: at, end: Infinity });
  }
  return intervals;
}

function skipsOf(
  steps: readonly ScheduleStep[],
  started: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, number> {
  const skips = new Map<string, number>();
  for (const [at, step] of steps.entries())
    if ('skip' in step && !started.has(step.skip)) skips.set(step.skip, at);
  return skips;
}

/** The steps of these tasks alone, in order. */
function stepsOf(
  intervals: ReadonlyMap<string, Interval>,
  skips: ReadonlyMap<string, number> = new Map(),
): readonly ScheduleStep[] {
  const steps: (readonly [at: number, step: ScheduleStep])[] = [...skips].map(([skip, at]) => [at, { skip }]);
  for (const [path, { start, end }] of intervals) {
    steps.push([start, { start: path }]);
    if (Number.isFinite(end)) steps.push([end, { end: path }]);
  }
  return steps.sort(([a], [b]) => a - b).map(([, step]) => step);
}

/** The tasks that come after a task. */
interface Followers {
  /** The one that started next. */
  readonly ofStart: string[];
  /**
   * Those that started when it had ended, and not also after another one that started then: what starts after one of them starts after this one, too.
   */
  readonly ofEnd: string[];
}

/** By task, in the order of their starts; only where one of the two is new. */
function followersOf(
  steps: readonly ScheduleStep[],
  isNew: ReadonlySet<string>,
): ReadonlyMap<string, Followers> {
  const followers = new Map<string, Followers>();
  const behind = new Map<string, ReadonlySet<string>>();
  let ended: ReadonlySet<string> = new Set();
  let last: string | undefined;
  for (const step of steps) {
    if ('end' in step) {
      const before = behind.get(step.end);
      ended = new Set([...ended].filter((path) => before?.has(path) !== true)).add(step.end);
      continue;
    }
    const follower = 'start' in step ? step.start : step.skip;
    const counts = (path: string): boolean => isNew.has(path) || isNew.has(follower);
    behind.set(follower, ended);
    for (const path of ended) if (counts(path)) followers.get(path)?.ofEnd.push(follower);
    if (last !== undefined && counts(last)) followers.get(last)?.ofStart.push(follower);
    if (!('start' in step)) continue;
    last = follower;
    followers.set(follower, { ofStart: [], ofEnd: [] });
  }
  return followers;
}

/** How a schedule differs from the one that it was to repeat. */
export interface ScheduleDifferences {
  /** Tasks of both that started. */
  readonly common: number;
  /** Tasks that started in one of them only. */
  readonly missing: readonly string[];
  readonly added: readonly string[];
  /** The least number of tasks that started at another place among the others. Which of two that overlap both times started first does not count. */
  readonly misplaced: readonly string[];
  /** Those that started before one that they overlap, and after it then. */
  readonly swapped: readonly string[];
  /** Pairs that overlapped, and pairs of these that did not any more. */
  readonly overlaps: number;
  readonly separated: readonly (readonly [string, string])[];
  /** Those of the separated pairs that could not overlap: the first one was over before a task that had to end before the second one. */
  readonly unreachable: readonly { readonly pair: readonly [string, string]; readonly endsFirst: string }[];
  /** Pairs that overlap now, and did not. */
  readonly joined: readonly (readonly [string, string])[];
}

/** Compares starts and overlaps of the tasks that both have. */
export function compareSchedules(
  recorded: readonly ScheduleStep[],
  now: readonly ScheduleStep[],
): ScheduleDifferences {
  const [before, after] = [intervalsOf(recorded), intervalsOf(now)];
  const common = new Map([...before].filter(([path]) => after.has(path)));
  const again = new Map([...after].filter(([path]) => before.has(path)));
  const [then, today] = [overlapsIn(common), overlapsIn(again)];
  const areBeside = (a: string, b: string): boolean => then.has(pairKey(a, b)) && today.has(pairKey(a, b));
  const { order, swapped } = inRecordedOrder([...common.keys()], [...again.keys()], areBeside);
  const separated = [...then.values()].filter(([a, b]) => !today.has(pairKey(a, b)));
  return {
    common: common.size,
    missing: [...before.keys()].filter((path) => !after.has(path)),
    added: [...after.keys()].filter((path) => !before.has(path)),
    misplaced: misplacedIn([...common.keys()], order),
    swapped,
    overlaps: then.size,
    separated,
    unreachable: separated.flatMap((pair) => {
      const endsFirst = endsBetween(pair, common, again);
      return endsFirst === undefined ? [] : [{ pair, endsFirst }];
    }),
    joined: [...today.values()].filter(([a, b]) => !then.has(pairKey(a, b))),
  };
}

/** The pairs of tasks that ran at the same time. */
function overlapsIn(
  intervals: ReadonlyMap<string, Interval>,
): ReadonlyMap<string, readonly [string, string]> {
  const pairs = new Map<string, readonly [string, string]>();
  const running = new Set<string>();
  for (const step of stepsOf(intervals))
    if ('end' in step) running.delete(step.end);
    else if ('start' in step) {
      for (const other of running) pairs.set(pairKey(other, step.start), [other, step.start]);
      running.add(step.start);
    }
  return pairs;
}

function pairKey(a: string, b: string): string {
  return JSON.stringify(a < b ? [a, b] : [b, a]);
}

/** The tasks as they started now, but those that overlap both times in the order of the record; `swapped` are those that this moves back. */
function inRecordedOrder(
  recorded: readonly string[],
  now: readonly string[],
  areBeside: (a: string, b: string) => boolean,
): { readonly order: readonly string[]; readonly swapped: readonly string[] } {
  const placeOf = new Map(recorded.map((path, at) => [path, at]));
  const isLater = (a: string, b: string): boolean => (placeOf.get(a) ?? 0) > (placeOf.get(b) ?? 0);
  const order: string[] = [];
  const swapped = new Set<string>();
  for (const path of now) {
    let at = order.length;
    for (; at > 0; at--) {
      const other = order[at - 1] as string;
      if (!isLater(other, path) || !areBeside(other, path)) break;
      swapped.add(other);
    }
    order.splice(at, 0, path);
  }
  return { order, swapped: [...swapped] };
}

/** The last task that had ended when the second one started, and ended only after the first one now; undefined if there is none. */
function endsBetween(
  [first, second]: readonly [string, string],
  recorded: ReadonlyMap<string, Interval>,
  now: ReadonlyMap<string, Interval>,
): string | undefined {
  const start = recorded.get(second)?.start ?? 0;
  const over = now.get(first)?.end ?? Infinity;
  let last: { readonly path: string; readonly end: number } | undefined;
  for (const [path, { end }] of recorded) {
    const endsNow = now.get(path)?.end ?? Infinity;
    if (end < start && endsNow > over && endsNow > (last?.end ?? 0)) last = { path, end: endsNow };
  }
  return last?.path;
}

/** The fewest that have to be taken out so that the rest has the same order in both: all but the longest increasing subsequence. */
function misplacedIn(recorded: readonly string[], now: readonly string[]): readonly string[] {
  const placeOf = new Map(recorded.map((path, at) => [path, at]));
  const places = now.map((path) => placeOf.get(path) as number);
  const ends: number[] = [];
  const before: number[] = [];
  for (const [at, place] of places.entries()) {
    let length = ends.length;
    while (length > 0 && (places[ends[length - 1] as number] as number) > place) length--;
    before[at] = length === 0 ? -1 : (ends[length - 1] as number);
    ends[length] = at;
  }
  const kept = new Set<number>();
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at] as number) kept.add(at);
  return now.filter((_, at) => !kept.has(at));
}
