/** Which tasks of a suite a run takes: what its command selects, what the run selected that it continues, or what a rerun has to do with. */
import type { TaskInfo } from '@pexen/core';
import type { Plan } from '@pexen/sched';
import type { Decision, RunPreview, TaskDigester } from '@pexen/store';
import type { RecordedSelection } from './recorded-options.ts';

/** The choice for one run. */
export interface TaskChoice {
  /** The plan of the run. `picked`: the call paths that the command selects; undefined where it does not restrict them. */
  choose(whole: Plan, picked: () => ReadonlySet<string> | undefined): Plan;
  /** The run takes only this part of the plan, of which it owns these tasks. Absent where that is impossible. */
  restrict?(plan: Plan, owned: readonly string[]): void;
  /** What the journal of the run says of it; known once it was made. */
  readonly selection: RecordedSelection;
}

const everything: RecordedSelection = { selected: undefined, leftOut: new Set() };

/** The tasks that the command selects, with all that they need. */
export class SelectedTasks implements TaskChoice {
  selection: RecordedSelection = everything;
  #whole: Plan | undefined;

  choose(whole: Plan, picked: () => ReadonlySet<string> | undefined): Plan {
    this.#whole = whole;
    const selected = picked();
    const plan = selected === undefined ? whole : whole.select(({ path }) => selected.has(path));
    this.selection = { selected, leftOut: missingIn(plan, whole) };
    return plan;
  }

  restrict(plan: Plan, owned: readonly string[]): void {
    this.selection = { selected: new Set(owned), leftOut: missingIn(plan, this.#whole ?? plan) };
  }
}

/** The tasks that the run selected when it was created, as far as the suite still has them, and the present tasks that these need. */
export class ResumedTasks implements TaskChoice {
  readonly selection: RecordedSelection;

  constructor(selection: RecordedSelection) {
    this.selection = selection;
  }

  choose(whole: Plan): Plan {
    const { selected } = this.selection;
    return selected === undefined ? whole : whole.select(({ path }) => selected.has(path));
  }
}

/** Everything that the repeated run had, or would have if it were started now; but not what has no result and is not selected. */
export class RepeatedTasks implements TaskChoice {
  selection: RecordedSelection = everything;
  /** What is done with each task. */
  decisions: readonly Decision[] = [];
  /** Those that the command selects; undefined: all. */
  selected: ReadonlySet<string> | undefined;
  readonly #leftOut: ReadonlySet<string>;
  readonly #isElsewhere: (path: string) => boolean;
  readonly #preview: (selected: (path: string) => boolean) => RunPreview;
  readonly #digester: TaskDigester;

  /** `leftOut`: the tasks that the repeated run left out. `isElsewhere`: true for tasks that are new, and belong to another shard. */
  constructor(
    leftOut: ReadonlySet<string>,
    isElsewhere: (path: string) => boolean,
    preview: (selected: (path: string) => boolean) => RunPreview,
    digester: TaskDigester,
  ) {
    this.#leftOut = leftOut;
    this.#isElsewhere = isElsewhere;
    this.#preview = preview;
    this.#digester = digester;
  }

  choose(whole: Plan, picked: () => ReadonlySet<string> | undefined): Plan {
    this.selected = picked();
    const infos = describe(whole, this.#digester).filter(({ path }) => !this.#isLeftOut(path));
    this.decisions = this.#preview((path) => this.selected?.has(path) ?? true).decisionsOf(infos);
    const left = new Set(this.decisions.filter(isLeft).map(({ path }) => path));
    const wanted = new Set(infos.map(({ path }) => path).filter((path) => !left.has(path)));
    const plan = whole.select(({ path }) => wanted.has(path));
    const missing = missingIn(plan, whole);
    this.selection =
      missing.size === 0
        ? everything
        : { selected: wanted, leftOut: new Set([...missing].filter((path) => this.#isLeftOut(path))) };
    return plan;
  }

  #isLeftOut(path: string): boolean {
    return this.#leftOut.has(path) || this.#isElsewhere(path);
  }

  /** Call paths of tasks that are still to be done, and are not in the run. */
  get outstanding(): readonly string[] {
    return this.decisions
      .filter((decision) => isLeft(decision) && decision.isOutstanding)
      .map(({ path }) => path);
  }
}

/** True for tasks that are not in the run. */
function isLeft({ action }: Decision): boolean {
  return action === 'leave' || action === 'drop' || action === 'list';
}

/** The tasks as the decisions need them: with their digests. */
export function describe(plan: Plan, digester: TaskDigester): readonly TaskInfo[] {
  const tasks = plan.digested();
  return plan.describe('/').map((info, at) => {
    const task = tasks[at];
    return task === undefined ? info : { ...info, digests: digester.digestsOf(task) };
  });
}

function missingIn(plan: Plan, whole: Plan): ReadonlySet<string> {
  const present = new Set(plan.tasks.map(({ path }) => path));
  return new Set(whole.tasks.map(({ path }) => path).filter((path) => !present.has(path)));
}
