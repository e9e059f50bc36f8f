/**
 * The rule `idle-priority`: priorities without which the same tasks would come first. Tasks are started by priority, then by rank (the longest chain
 * that waits for them), so a priority decides nothing where the ranks decide alike, or where the others wait for the task anyway.
 */
import { counted, namesOf } from './phrases.ts';
import type { LintCollector } from './report.ts';
import type { LintedSuite, LintedTask } from './suite.ts';

/** Durations vary: ranks decide alike only if they differ by this factor. */
const clearly = 1.5;

/** More tasks of one priority are not compared one by one. */
const mostCompared = 200;

/** Finds classes of tasks with the same priority that decides nothing. */
export function findIdlePriorities(suite: LintedSuite, collector: LintCollector): void {
  if (!collector.asks('idle-priority')) return;
  const tasks = suite.tasks.filter(({ info }) => info.whyNot === undefined);
  const classes = Map.groupBy(tasks, ({ info }) => info.priority ?? 0);
  const orders = new Orders(suite);
  for (const [priority, members] of classes) {
    if (priority === 0) continue;
    const why = idleBecause(priority, members, tasks, orders);
    const shown = members.filter(({ path }) =>
      collector.judge('idle-priority', { tasks: [path] }, why !== undefined),
    );
    const [first] = shown;
    if (why === undefined || first === undefined) continue;
    const paths = shown.map(({ path }) => path);
    const location = first.info.location;
    collector.add({
      ...{ rule: 'idle-priority', subject: paths.length === 1 ? first.path : `priority ${priority}` },
      message:
        paths.length === 1
          ? `its priority ${priority} changes nothing: ${why}`
          : `that of ${counted(paths.length, 'test')} (${namesOf(paths)}) changes nothing: ${why}`,
      nextStep: 'Remove it.',
      tasks: paths,
      ...(location !== undefined && { location }),
    });
  }
}

/** Why the order is the same if the members have the priority 0; undefined where it may be another one. */
function idleBecause(
  priority: number,
  members: readonly LintedTask[],
  tasks: readonly LintedTask[],
  orders: Orders,
): string | undefined {
  if (members.length === tasks.length) return 'all tests have the same';
  if (members.length > mostCompared) return undefined;
  let byRank = false;
  for (const member of members) {
    const ordered = orders.around(member);
    for (const other of tasks) {
      const theirs = other.info.priority ?? 0;
      if (theirs === priority || ordered.has(other)) continue;
      if (theirs !== 0) {
        if (priority < theirs !== 0 < theirs) return undefined;
      } else if (!orders.decidesAlike(member, other, priority < 0)) return undefined;
      else byRank = true;
    }
  }
  return byRank
    ? 'by what waits for them, the same tests come first without it'
    : 'no test that could start at the same time has another one';
}

/** What comes before what, whatever happens. */
class Orders {
  readonly #suite: LintedSuite;
  readonly #ranks: ReadonlyMap<LintedTask, number>;
  /** Are the durations of all tasks known? Otherwise ranks count tasks. */
  readonly #areMeasured: boolean;
  #before: ReadonlyMap<LintedTask, readonly LintedTask[]> | undefined;
  #after: ReadonlyMap<LintedTask, readonly LintedTask[]> | undefined;

  constructor(suite: LintedSuite) {
    this.#suite = suite;
    const { ranks } = suite.given.plan;
    this.#ranks = new Map(suite.tasks.map((task, at) => [task, ranks[at] as number]));
    this.#areMeasured = suite.tasks.every(
      ({ info }) => info.weightMs !== undefined || info.whyNot !== undefined || info.salvages !== undefined,
    );
  }

  /** Does the rank put the first one before the second one (or, if not `isFirst`, behind it), as its priority does? */
  decidesAlike(one: LintedTask, other: LintedTask, isFirst: boolean): boolean {
    const [mine, theirs] = [this.#ranks.get(one) ?? 0, this.#ranks.get(other) ?? 0];
    if (!this.#areMeasured) return false;
    return isFirst ? mine >= clearly * theirs : theirs >= clearly * mine;
  }

  /** The tasks that are over before it starts, or start after it is over, in every run. */
  around(task: LintedTask): ReadonlySet<LintedTask> {
    this.#before ??= this.#edges();
    this.#after ??= reversed(this.#before);
    return new Set([...reachable(task, this.#before), ...reachable(task, this.#after)]);
  }

  /** By task: tasks that it waits for in every run. Of several that can provide something it waits for any. */
  #edges(): ReadonlyMap<LintedTask, readonly LintedTask[]> {
    const edges = new Map<LintedTask, LintedTask[]>(this.#suite.tasks.map((task) => [task, []]));
    const add = (later: LintedTask, earlier: LintedTask): void => {
      if (earlier !== later && earlier.info.service !== true) edges.get(later)?.push(earlier);
    };
    for (const task of this.#suite.tasks) {
      const { requires = [], after = [], before = [], salvages = [] } = task.info;
      for (const { form, capabilities } of requires) {
        const providers = capabilities.flatMap((name) => this.#suite.providersOf(name));
        if (form === 'every' || providers.length === 1) for (const each of providers) add(task, each);
      }
      for (const name of [...after, ...salvages])
        for (const each of this.#suite.providersOf(name)) add(task, each);
      for (const name of before) for (const each of this.#suite.providersOf(name)) add(each, task);
    }
    return edges;
  }
}

function reversed(
  edges: ReadonlyMap<LintedTask, readonly LintedTask[]>,
): ReadonlyMap<LintedTask, readonly LintedTask[]> {
  const back = new Map<LintedTask, LintedTask[]>();
  for (const [later, all] of edges)
    for (const earlier of all) {
      const known = back.get(earlier);
      if (known === undefined) back.set(earlier, [later]);
      else known.push(later);
    }
  return back;
}

function reachable(
  from: LintedTask,
  edges: ReadonlyMap<LintedTask, readonly LintedTask[]>,
): ReadonlySet<LintedTask> {
  const found = new Set<LintedTask>();
  const open = [...(edges.get(from) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(edges.get(next) ?? []));
  }
  return found;
}
