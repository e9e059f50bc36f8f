/**
 * The catalogue of a suite: tasks that a run pulls in where something requires what they provide and the suite does not. Turns tasks into data, has the
 * providers chosen, and plans the suite with them; what the plan refuses is excluded, and the choice made again.
 */
import {
  type Capability,
  capabilitiesOf,
  checkMeta,
  definitionOf,
  evaluateWhen,
  type Facts,
  formatLocation,
  identitiesOf,
  isPexenError,
  locationOf,
  PexenError,
  type PlacedTask,
  type Problem,
  refuse,
  relativeTo,
  type SourceLocation,
  type TaskMeta,
  tornDownBy,
} from '@pexen/core';
import { callPathsOf, type Plan, type PlannedTask } from '@pexen/sched';
import { type Choice, chooseProviders, type FailedNeed } from './choose.ts';
import {
  type CandidateVerdict,
  type CatalogueNeed,
  ChoiceExplanation,
  lacking,
  requirementOf,
} from './explain-choice.ts';
import type { Candidate, Exclusion, Ineligibility, TaskData } from './task-data.ts';

/** The choice for a suite. */
export interface CatalogueChoice {
  /** The call paths of the candidates that are pulled in. */
  readonly pulledIn: ReadonlySet<string>;
  /** What is wrong with candidates that the suite may need. */
  readonly warnings: readonly Problem[];
  /** What the suite needs of the catalogue, and the decisions about it. */
  explain(): readonly CatalogueNeed[];
  /** By the call paths of tasks of the suite: the candidates that may not start twice and that the task may pull in, on this machine or another. */
  unrepeatable(): ReadonlyMap<string, readonly string[]>;
}

/** Plans tasks. A task that requires one of the unavailable capabilities does not apply, where no task provides it. */
export type PlanTasks = (tasks: readonly PlacedTask[], unavailable: ReadonlyMap<Capability, string>) => Plan;

/** After so many refused plans the choice is given up. */
const mostPlans = 100;

export class Catalogue {
  readonly #root: string;
  readonly #suite: readonly PlacedTask[];
  /** Those that the suite may need, on some machine. */
  readonly #candidates: readonly { readonly placed: PlacedTask; readonly data: TaskData }[];
  /** Names of what candidates provide, those that the suite does not need included. */
  readonly #names: ReadonlySet<Capability>;
  readonly #suiteData: readonly TaskData[];
  readonly #kept: ReadonlySet<string>;

  /** `kept`: call paths of candidates that come before others, since the run that is continued or repeated has them. */
  constructor(
    root: string,
    suite: readonly PlacedTask[],
    candidates: readonly PlacedTask[],
    kept: ReadonlySet<string> = new Set(),
  ) {
    this.#root = root;
    this.#suite = suite;
    this.#kept = kept;
    let ofSuite: readonly string[] | undefined;
    const ofCatalogue = callPathsOf(candidates);
    this.#suiteData = suite.map((placed, at) =>
      dataOf(placed, () => {
        ofSuite ??= callPathsOf(suite);
        return ofSuite[at] as string;
      }),
    );
    const all = candidates.map((placed, at) => ({
      placed,
      data: dataOf(placed, () => ofCatalogue[at] as string),
    }));
    this.#names = new Set(all.flatMap(({ data }) => data.provides));
    const reached = reachable(
      this.#suiteData,
      all.map(({ data }) => data),
    );
    this.#candidates = all.filter(({ data }) => reached.has(data));
  }

  /** The candidates whose conditions matter. */
  get relevant(): readonly PlacedTask[] {
    return this.#candidates.map(({ placed }) => placed);
  }

  /**
   * The plan of the suite with everything that it pulls in.
   * @throws PexenError with what `plan` refuses; PEXEN_NO_CANDIDATE with what speaks against each candidate; PEXEN_CHOICE_TOO_HARD
   */
  plan(facts: Facts, planTasks: PlanTasks): { readonly plan: Plan; readonly choice: CatalogueChoice } {
    const candidates = this.#candidates.map(({ placed, data }) => this.#candidateOf(placed, data, facts));
    const tasks = [...this.#suiteData, ...candidates];
    const explanation = new ChoiceExplanation({ all: tasks, locationOf: (task) => this.#locate(task) });
    const leftOut = new Map([...this.#names].map((name) => [name, 'left out']));
    const refusals = new Refusals(this.#suite, this.relevant, tasks, (some) => planTasks(some, leftOut));
    const exclusions: Exclusion[] = [];
    for (let plans = 0; plans < mostPlans; plans++) {
      const choice = chooseProviders({ suite: this.#suiteData, candidates, exclusions });
      if (choice === undefined) break;
      const chosen = choice.pulledIn.map((task) => this.#placed(task));
      const missing = choice.failed
        .filter(({ isOfConditions }) => !isOfConditions)
        .map((each) => this.#problemOf(each, explanation));
      const unavailable = this.#unavailable(choice, explanation);
      const { plan, problems = [] } = attempt(() => planTasks([...this.#suite, ...chosen], unavailable));
      const found = plan === undefined ? refusals.of(choice.pulledIn, problems) : [];
      exclusions.push(...found);
      if (found.length > 0) continue;
      refuse([...missing, ...problems]);
      if (plan === undefined) continue;
      const pulledIn = new Set<unknown>(chosen);
      const isPulledIn = ({ entry }: PlannedTask): boolean => pulledIn.has(entry);
      return {
        plan: plan.select((task) => !isPulledIn(task)),
        choice: {
          pulledIn: new Set(plan.tasks.filter(isPulledIn).map(({ path }) => path)),
          warnings: this.#warnings(candidates, exclusions),
          explain: () => explanation.needsOf(choice),
          unrepeatable: () => this.#unrepeatable(),
        },
      };
    }
    throw new PexenError([tooHard]);
  }

  #placed(task: number): PlacedTask {
    const at = task - this.#suite.length;
    return (at < 0 ? this.#suite[task] : this.#candidates[at]?.placed) as PlacedTask;
  }

  #site(task: number): SourceLocation | undefined {
    const { location, site } = definitionOf(this.#placed(task).task);
    return location ?? locationOf(site);
  }

  #locate(task: number): SourceLocation | undefined {
    const found = this.#site(task);
    return found && { ...found, file: relativeTo(this.#root)(found.file) };
  }

  #candidateOf(placed: PlacedTask, data: TaskData, facts: Facts): Candidate {
    const { preference = 0 } = definitionOf(placed.task).meta;
    return {
      ...data,
      preference: Number.isFinite(preference) ? preference : 0,
      isKept: this.#kept.has(data.path),
      ineligible: ineligibilityOf(placed, facts),
    };
  }

  /** Orders may name what a candidate would provide. */
  #unavailable(choice: Choice, explanation: ChoiceExplanation): ReadonlyMap<Capability, string> {
    const reasons = new Map<Capability, string>();
    for (const name of this.#names) reasons.set(name, 'no candidate is possible');
    for (const failed of choice.failed)
      for (const name of failed.need.capabilities)
        reasons.set(name, `no candidate applies here (${explanation.inOneLine(failed)})`);
    return reasons;
  }

  #problemOf({ need, refusals, possible }: FailedNeed, explanation: ChoiceExplanation): Problem {
    const [first = 0] = need.requiredBy;
    const all = need.requiredBy.length;
    const who = all === 1 ? '' : ` (${all} tasks require it)`;
    const location = this.#site(first);
    return {
      code: 'PEXEN_NO_CANDIDATE',
      task: (this.#suiteData[first] as TaskData).path,
      ...(location !== undefined && { location }),
      message: `requires ${requirementOf(need)}, ${lacking(need, possible)}${who}`,
      details: linesOf(explanation.refused(refusals)),
      hint: 'Fix what speaks against one of them, or add another candidate to the catalogue.',
    };
  }

  /** Mistakes of candidates by themselves. Conditions, impossible needs and what cannot be together with others are not mistakes. */
  #warnings(candidates: readonly Candidate[], exclusions: readonly Exclusion[]): readonly Problem[] {
    const wrong = candidates.flatMap(({ ineligible, path }, at) => {
      if (ineligible?.kind !== 'refused') return [];
      const location = this.#site(this.#suite.length + at);
      return [{ ...ineligible.problem, task: path, ...(location !== undefined && { location }) }];
    });
    const isOwn = ({ candidates: [only = 0, ...others], problem }: Exclusion): boolean =>
      others.length === 0 && candidates[only - this.#suite.length]?.path === problem.task;
    return [...wrong, ...exclusions.filter(isOwn).map(({ problem }) => problem)];
  }

  #unrepeatable(): ReadonlyMap<string, readonly string[]> {
    const isOnce = ({ task }: PlacedTask): boolean => definitionOf(task).meta.rerunnable === false;
    const once = new Set(
      this.#candidates.filter(({ placed }) => isOnce(placed)).map(({ data }) => data.path),
    );
    const candidates = this.#candidates.map(({ data }) => data);
    if (once.size === 0) return new Map();
    return new Map(
      this.#suiteData.map((data) => {
        const reached = [...reachable([data], candidates)].map(({ path }) => path);
        return [data.path, reached.filter((path) => once.has(path))] as const;
      }),
    );
  }
}

const tooHard: Problem = {
  code: 'PEXEN_CHOICE_TOO_HARD',
  message:
    'the choice among the candidates of the catalogue takes too long: too many of them are impossible together',
  hint: 'Give some of them other names in "provides", or remove some of them.',
};

/** The lines of an explanation, with those below indented. */
function linesOf(verdicts: readonly CandidateVerdict[]): readonly string[] {
  return verdicts.flatMap(({ path, location, why, because = [] }) => [
    `${path}${location === undefined ? '' : ` (${formatLocation(location)})`} ${why}`,
    ...linesOf(because).map((line) => `  ${line}`),
  ]);
}

const nothing: TaskMeta = {};

/** The task as data. Of metadata that is wrong only what it provides counts, if that is right. */
function dataOf({ task }: PlacedTask, pathOf: () => string): TaskData {
  const { meta: given, service } = definitionOf(task);
  const { provides = [] } = given;
  const isRight = checkMeta(given, '', service !== undefined).length === 0;
  const meta = isRight ? given : nothing;
  const { requires = [], after = [], before = [], salvages = [], group } = meta;
  return {
    get path(): string {
      return pathOf();
    },
    provides: [
      ...(isRight || checkMeta({ provides }, '').length === 0 ? provides : []),
      ...identitiesOf(task),
    ],
    ...{ requires, after, before, salvages, tearsDown: tornDownBy(meta), group },
  };
}

function ineligibilityOf({ task }: PlacedTask, facts: Facts): Ineligibility | undefined {
  const { meta, service } = definitionOf(task);
  const [wrong] = checkMeta(meta, '', service !== undefined);
  if (wrong !== undefined) return { kind: 'refused', problem: wrong };
  const { reason, problem } = evaluateWhen(meta, facts);
  if (problem !== undefined) return { kind: 'refused', problem };
  return reason === undefined ? undefined : { kind: 'not-applicable', why: reason };
}

/** The candidates that these tasks may pull in, whatever applies, directly or through others. */
function reachable(from: readonly TaskData[], candidates: readonly TaskData[]): ReadonlySet<TaskData> {
  const offers = byName(candidates, ({ provides }) => provides);
  const teardowns = byName(candidates, ({ tearsDown }) => tearsDown);
  const reached = new Set<TaskData>();
  const [required, provided] = [new Set<Capability>(), new Set<Capability>()];
  /** Each name leads to its tasks once. */
  const reach = (names: readonly Capability[], known: Set<Capability>, tasks: typeof offers): void => {
    for (const name of names) {
      if (known.has(name)) continue;
      known.add(name);
      for (const task of tasks.get(name) ?? []) reached.add(task);
    }
  };
  for (const { requires } of from) reach(requires.flatMap(capabilitiesOf), required, offers);
  // The iteration includes the candidates that are added meanwhile.
  for (const { requires, provides } of reached) {
    reach(requires.flatMap(capabilitiesOf), required, offers);
    reach(provides, provided, teardowns);
  }
  return reached;
}

function byName(
  tasks: readonly TaskData[],
  namesOf: (task: TaskData) => readonly Capability[],
): ReadonlyMap<Capability, readonly TaskData[]> {
  const lists = new Map<Capability, TaskData[]>();
  for (const task of tasks)
    for (const name of new Set(namesOf(task))) {
      const known = lists.get(name);
      if (known === undefined) lists.set(name, [task]);
      else known.push(task);
    }
  return lists;
}

/** Problems that a task has by itself, whatever the others are. */
const ofItself: ReadonlySet<string> = new Set([
  ...['PEXEN_AMOUNT_TOO_LARGE', 'PEXEN_AMOUNT_UNKNOWN', 'PEXEN_USED_AND_CLAIMED', 'PEXEN_UNBOUND_ARGS'],
  ...['PEXEN_CLOSURE', 'PEXEN_EXECUTABLE', 'PEXEN_FUNCTION', 'PEXEN_SERVICE'],
  ...[
    'PEXEN_UNKNOWN_CAPABILITY',
    'PEXEN_UNKNOWN_GROUP',
    'PEXEN_UNKNOWN_POOL',
    'PEXEN_BAD_META',
    'PEXEN_WHEN_THREW',
  ],
]);

/** Finds out which candidates a plan refuses. What is refused stays refused when more tasks are added. */
class Refusals {
  readonly #suite: readonly PlacedTask[];
  readonly #candidates: readonly PlacedTask[];
  readonly #tasks: readonly TaskData[];
  readonly #plan: (tasks: readonly PlacedTask[]) => unknown;
  #ofSuite: ReadonlySet<string> | undefined;

  /** `tasks`: the suite and the candidates. `plan` plans a part of them; what others would provide is not missing in it. */
  constructor(
    suite: readonly PlacedTask[],
    candidates: readonly PlacedTask[],
    tasks: readonly TaskData[],
    plan: (tasks: readonly PlacedTask[]) => unknown,
  ) {
    this.#suite = suite;
    this.#candidates = candidates;
    this.#tasks = tasks;
    this.#plan = plan;
  }

  /** A plan with these candidates has these problems: the smallest sets that have some; none where the suite has them without candidates. */
  of(candidates: readonly number[], problems: readonly Problem[]): readonly Exclusion[] {
    const numbers = new Map(candidates.map((candidate) => [this.#tasks[candidate]?.path, candidate]));
    const alone = problems.flatMap((problem) => {
      const candidate = numbers.get(problem.task);
      return candidate !== undefined && ofItself.has(problem.code)
        ? [{ candidates: [candidate], problem }]
        : [];
    });
    if (alone.length > 0) return alone;
    const smallest = this.#smallest(candidates);
    const problem = smallest.length === 0 ? undefined : this.#problemWith(smallest);
    return problem === undefined ? [] : [{ candidates: smallest, problem }];
  }

  /** Leaves out halves, quarters and so on as long as problems remain. */
  #smallest(candidates: readonly number[]): readonly number[] {
    let rest = candidates;
    for (let size = Math.ceil(rest.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let at = 0; at < rest.length; ) {
        const fewer = [...rest.slice(0, at), ...rest.slice(at + size)];
        if (this.#problemWith(fewer) === undefined) at += size;
        else rest = fewer;
      }
    return rest;
  }

  /** A problem that the suite does not have without these candidates. */
  #problemWith(candidates: readonly number[]): Problem | undefined {
    this.#ofSuite ??= new Set(this.#problemsOf([]).map(keyOf));
    return this.#problemsOf(candidates).find((problem) => this.#ofSuite?.has(keyOf(problem)) === false);
  }

  #problemsOf(candidates: readonly number[]): readonly Problem[] {
    const chosen = candidates.map((each) => this.#candidates[each - this.#suite.length] as PlacedTask);
    return attempt(() => this.#plan([...this.#suite, ...chosen])).problems ?? [];
  }
}

/** The plan, or why it is refused. */
function attempt<T>(plan: () => T): { readonly plan?: T; readonly problems?: readonly Problem[] } {
  try {
    return { plan: plan() };
  } catch (error) {
    if (isPexenError(error)) return { problems: error.problems };
    throw error;
  }
}

function keyOf({ code, task = '', message }: Problem): string {
  return `${code} ${task} ${message}`;
}
