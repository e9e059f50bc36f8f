/**
 * A run in the order of an earlier one: which tasks it takes, with which options, and how it differs in the end. Does not know how tasks are held back;
 * see `Schedule` of `@pexen/sched/replay`.
 */
import { isBad, type Judgement, misuse, type RunEvent, type Verdict } from '@pexen/core';
import type { Plan } from '@pexen/sched';
import { compareSchedules, Schedule, type ScheduleDifferences, type ScheduleStep } from '@pexen/sched/replay';
import type { RememberedOptions } from '../memory/recorded-options.ts';
import { SelectedTasks, type TaskChoice } from '../memory/task-choice.ts';
import type { RecordedSchedule } from './recorded-schedule.ts';

/** How a replay went, compared with what it replays. Tasks are named by their call paths. */
export interface ReplayEnd {
  /** `run 12`, or the name of a file. */
  readonly of: string;
  /** Of the tasks that the run has. */
  readonly differences: ScheduleDifferences;
  /** The suite has no such tasks any more. */
  readonly gone: readonly string[];
  /** Tasks of the suite that the replayed run did not have. They were left out. */
  readonly leftOut: readonly string[];
  /** Tasks that ended well and do not now, or the other way round. */
  readonly verdicts: readonly { readonly path: string; readonly then: Verdict; readonly now: Verdict }[];
}

/** One run that replays another one. */
export class ReplayedRun implements TaskChoice {
  readonly schedule: Schedule;
  readonly #recorded: RecordedSchedule;
  readonly #choice = new SelectedTasks();
  readonly #steps: ScheduleStep[] = [];
  #gone: readonly string[] = [];
  #leftOut: readonly string[] = [];
  #present: ReadonlySet<string> = new Set();

  constructor(recorded: RecordedSchedule) {
    this.#recorded = recorded;
    this.schedule = new Schedule(recorded.steps);
  }

  /** `run 12` */
  get name(): string {
    return this.#recorded.name;
  }

  get selection(): TaskChoice['selection'] {
    return this.#choice.selection;
  }

  /** Candidates of the catalogue that the run had pulled in. */
  get candidates(): ReadonlySet<string> {
    return this.#recorded.candidates;
  }

  /** The options of the run, but for how it reported, and for its order. Tasks that overlapped need a worker each. */
  options(usualWorkers: number): RememberedOptions {
    const {
      shuffle: _,
      reporters: __,
      moreReporters: ___,
      bail: ____,
      ...inherited
    } = this.#recorded.options;
    const workers = Math.max(inherited.workers ?? usualWorkers, this.schedule.mostAtOnce);
    return { ...inherited, workers };
  }

  /** The tasks that the replayed run had, and what they require. @throws PexenError PEXEN_NOTHING_SELECTED */
  choose(whole: Plan, picked: () => ReadonlySet<string> | undefined): Plan {
    const had = new Set(this.#recorded.steps.map(pathOf));
    const narrow = picked();
    const wanted = new Set(
      whole.tasks
        .map(({ path }) => path)
        .filter((path) => had.has(path) && (narrow === undefined || narrow.has(path))),
    );
    if (wanted.size === 0) throw nothingIn(this.name);
    const isWhole = wanted.size === whole.tasks.length;
    const plan = this.#choice.choose(whole, () => (isWhole ? undefined : wanted));
    const inSuite = new Set(whole.tasks.map(({ path }) => path));
    this.#present = new Set(plan.tasks.map(({ path }) => path));
    this.#gone = [...had].filter((path) => !inSuite.has(path));
    this.#leftOut = [...inSuite].filter((path) => !had.has(path) && !this.#present.has(path));
    return plan;
  }

  /** Notes when tasks start and end. */
  event(event: RunEvent): void {
    if (event.type === 'task-started') this.#steps.push({ start: event.path });
    else if (event.type === 'task-finished') this.#steps.push({ end: event.path });
    else if (event.type === 'task-skipped') this.#steps.push({ skip: event.path });
  }

  end(judgements: ReadonlyMap<string, Judgement>): ReplayEnd {
    const { steps, verdicts, name } = this.#recorded;
    const recorded = steps.filter((step) => this.#present.has(pathOf(step)));
    const others = [...judgements].flatMap(([path, { verdict: now }]) => {
      const then = verdicts.get(path);
      return then !== undefined && isBad(then) !== isBad(now) ? [{ path, then, now }] : [];
    });
    return {
      ...{ of: name, differences: compareSchedules(recorded, this.#steps) },
      ...{ gone: this.#gone, leftOut: this.#leftOut, verdicts: others },
    };
  }
}

function pathOf(step: ScheduleStep): string {
  return 'start' in step ? step.start : 'end' in step ? step.end : step.skip;
}

function nothingIn(name: string): Error {
  return misuse(
    'PEXEN_NOTHING_SELECTED',
    `the suite has none of the selected tasks of ${name}`,
    'List all tasks with: pexen list',
  );
}
