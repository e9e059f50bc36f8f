/** What the records say of a test that failed: what had ended when it started, what overlapped it, and which tests did so in runs in which it passed. */
import { isBad } from '@pexen/core';
import type { ScheduleStep } from '@pexen/sched/replay';
import type { RecordedSchedule } from '../replay/recorded-schedule.ts';
import type { Case, Relation, Trial } from './search.ts';

/** The part of a recorded run that is used here. */
export type Recorded = Pick<RecordedSchedule, 'steps' | 'verdicts' | 'options'>;

/** These tasks, and all that they require, with the teardowns of that. Of tasks that the suite does not have: nothing. */
export type Closure = (paths: readonly string[]) => ReadonlySet<string>;

/** A test that failed in a recorded run. */
export class Victim {
  readonly path: string;
  readonly #failed: Recorded;
  /** The newest run in which it passed. */
  readonly #passed: Recorded | undefined;
  readonly #closureOf: Closure;
  readonly #needs: ReadonlySet<string>;
  readonly #acquittals: Readonly<Record<Relation, ReadonlyMap<string, number>>>;

  /** `others`: further runs, the newest one first. */
  constructor(path: string, failed: Recorded, others: readonly Recorded[], closureOf: Closure) {
    this.path = path;
    this.#failed = failed;
    this.#closureOf = closureOf;
    this.#needs = closureOf([path]);
    const passed = others.filter(({ verdicts }) => verdicts.has(path) && !isBadIn(verdicts.get(path)));
    const failures = others.filter(({ verdicts }) => isBadIn(verdicts.get(path)));
    this.#passed = passed[0];
    this.#acquittals = {
      before: countOf(passed.map(({ steps }) => around(path, steps).before)),
      beside: countOf(passed.map(({ steps }) => around(path, steps).beside)),
      missing: countOf(failures.map(({ steps }) => around(path, steps).before)),
    };
  }

  /** What the search needs to know. */
  get case(): Case {
    const { before, beside } = around(this.path, this.#failed.steps);
    const passed = this.#passed && around(this.path, this.#passed.steps).before;
    return {
      victim: this.path,
      before: this.#candidates(before),
      beside: this.#candidates(beside),
      beforeItPassed: passed && this.#candidates(passed.filter((path) => !before.includes(path))),
      closureOf: this.#closureOf,
      acquittals: (path, as) => this.#acquittals[as].get(path) ?? 0,
    };
  }

  /** The schedule of a trial. */
  stepsOf({ kind, before, beside }: Pick<Trial, 'kind' | 'before' | 'beside'>): readonly ScheduleStep[] {
    const end = { end: this.path };
    const { steps } = this.#failed;
    if (kind === 'again') return [...until(end, steps), end];
    const needed = [...before, ...beside, this.path];
    const tasks = new Set([...needed, ...this.#needs, ...this.#closureOf(needed)]);
    if (beside.length > 0) return [...until(end, steps).filter((step) => tasks.has(pathIn(step))), end];
    const failed = new Set(around(this.path, steps).before);
    const source = before.every((path) => failed.has(path)) ? steps : (this.#passed?.steps ?? steps);
    const earlier = until({ start: this.path }, source).filter((step) => tasks.has(pathIn(step)));
    return [...earlier, { start: this.path }, end];
  }

  /** Not those that run in each trial, and only those that can be run. */
  #candidates(paths: readonly string[]): readonly string[] {
    return paths.filter((path) => !this.#needs.has(path) && this.#closureOf([path]).has(path));
  }
}

function isBadIn(verdict: Parameters<typeof isBad>[0] | undefined): boolean {
  return verdict !== undefined && isBad(verdict);
}

/** The tasks that had ended when the task started, and those that overlapped it, in the order of their starts. */
function around(
  path: string,
  steps: readonly ScheduleStep[],
): { readonly before: readonly string[]; readonly beside: readonly string[] } {
  const started = new Set<string>();
  const before = new Set<string>();
  let hasStarted = false;
  for (const step of steps) {
    if ('end' in step && step.end === path) break;
    if ('start' in step && step.start === path) hasStarted = true;
    else if ('start' in step) started.add(step.start);
    else if ('end' in step && !hasStarted) before.add(step.end);
  }
  const beside = [...started].filter((each) => !before.has(each));
  return { before: [...started].filter((each) => before.has(each)), beside };
}

function countOf(runs: readonly (readonly string[])[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const path of runs.flat()) counts.set(path, (counts.get(path) ?? 0) + 1);
  return counts;
}

/** The steps before this one; all if it is not there. */
function until(last: ScheduleStep, steps: readonly ScheduleStep[]): readonly ScheduleStep[] {
  const at = steps.findIndex((step) => JSON.stringify(step) === JSON.stringify(last));
  return at < 0 ? steps : steps.slice(0, at);
}

function pathIn(step: ScheduleStep): string {
  return 'start' in step ? step.start : 'end' in step ? step.end : step.skip;
}
