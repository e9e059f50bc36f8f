/** The tasks, checked and compiled to integers; grows when tasks are added to a run. Knows nothing of what has happened. */
import {
  type Address,
  checkMeta,
  defined,
  definitionKey,
  definitionOf,
  formatCallPath,
  isPlaced,
  isTask,
  kindOf,
  listOfTasks,
  metaOf,
  type Problem,
  plainDefinition,
  problem,
  type Runnable,
  refuse,
  type TaskDefinition,
  type TaskMeta,
} from '@pexen/core';
import { floats, ints, Table } from '@pexen/core/columns';
import { LockTable } from '@pexen/lock';
import { Check } from './check.ts';
import { clear } from './clear.ts';
import { Graph } from './graph.ts';
import { Journal } from './journal.ts';
import { Naming } from './naming.ts';
import type { Order } from './order.ts';
import type { Entry, Live, Planned, PlanOptions, PlanPool } from './planned.ts';
import { Ranks } from './ranks.ts';
import { defaultRules, type Rules, rulesOf } from './rules.ts';
import { CONDITIONAL, HOLDS, MEASURED, PLACED, PLAIN, RANKED, RULED, statedIn, TAKES } from './stated.ts';
import { Wiring } from './wiring.ts';

const nowhere: readonly string[] = [];
const nothing: TaskMeta = Object.freeze({});

/** What can be tasks, and a problem for each entry that cannot. */
function sortOut(entries: readonly Entry[]): {
  readonly tasks: readonly Entry[];
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const tasks = entries.filter((entry, at) => {
    const { under, task } = isPlaced(entry) ? entry : { under: nowhere, task: entry };
    if (typeof task !== 'function')
      problems.push(notATaskAt(at, `there is ${kindOf(task)} where a task should be`));
    else if (Array.isArray(under) && under.every((part) => typeof part === 'string')) return true;
    else problems.push(notATaskAt(at, 'its path must be a list of strings'));
    return false;
  });
  return { tasks, problems };
}

function notATaskAt(at: number, message: string): Problem {
  const hint = "Hand over what task() gave, a function, or place(['net'], task).";
  return problem('PEXEN_NOT_A_TASK', `tasks[${at}]: ${message}`, hint);
}

/**
 * A growing set of compiled tasks. Made of names once; everything after works with integers.
 *
 * @example
 * const plan = new Plan({ pools: [{ name: 'default', manifest: inline().manifest, spare: 0 }] });
 * const { from, to } = plan.add(tasks);
 * machine.handle([{ type: 'tasks-added', atMs: 0, from, to }, { type: 'result-wanted', atMs: 0 }], commands);
 */
export class Plan extends Table implements Planned {
  readonly options: PlanOptions;
  readonly #journal = new Journal();
  readonly graph: Graph = new Graph(this.#journal);
  readonly locks: LockTable;
  /** Those whose result was given are known weakly. */
  readonly #tasks: (Runnable | WeakRef<Runnable>)[] = [];
  readonly #metas: TaskMeta[] = [];
  readonly #ranks = new Ranks(this.#journal);
  readonly order: Order = this.#ranks.order;
  readonly addresses: Map<number, Address> = new Map();
  /** Why tasks do not apply. */
  readonly whyNot: Map<number, string> = new Map();
  readonly naming: Naming = new Naming(this.#journal);
  readonly wiring: Wiring = new Wiring(this, this.#journal);
  priority: Float64Array = floats();
  weight: Float64Array = floats();
  /** Which entries the metadata of each task has. */
  stated: Int32Array = ints();
  /** What each task holds, as the lock table knows it; -1 is nothing. */
  demand: Int32Array = ints();
  /** Some task is `exclusive`: then all have to ask the lock table. */
  hasExclusive = false;
  hasPrograms = false;
  live: Live | undefined;
  /** What workers find by module and id. */
  readonly #made = new Map<string, number>();
  /** Of tasks that state none. */
  readonly #usualRules: Rules;
  readonly #ownRules = new Map<number, Rules>();

  constructor(options: PlanOptions) {
    super();
    this.options = options;
    this.#usualRules = defaultRules(options.defaults);
    this.locks = new LockTable({
      ...(options.capacities !== undefined && { capacities: options.capacities }),
      ...{ overtakings: options.overtakings, latecomers: options.latecomers },
      lanes: options.pools.length,
      mayOvertake: (task, head) => this.live?.mayOvertake(task, head) ?? false,
    });
  }

  /**
   * Adds tasks, whole or not at all. A plan that refuses its very first ones is of no further use.
   * @throws PexenError with everything that is wrong with them.
   */
  add(entries: Iterable<Entry>): { readonly from: number; readonly to: number } {
    const { tasks: list, problems } = sortOut(listOfTasks(entries)); // making some may add others
    const from = this.graph.taskCount;
    this.#remember();
    try {
      refuse([...problems, ...this.#compile(list, from)]);
    } catch (error) {
      this.#journal.undo();
      throw error;
    }
    this.#journal.keep();
    return { from, to: this.graph.taskCount };
  }

  /** Grows whenever the ranks of tasks that were there before were worked out anew. */
  get rankings(): number {
    return this.#ranks.rankings;
  }

  /** The call path of a task, as text. */
  pathOf(task: number): string {
    return this.naming.paths[task] as string;
  }

  get count(): number {
    return this.#tasks.length;
  }

  runnableOf(task: number): Runnable | undefined {
    const known = this.#tasks[task];
    return typeof known === 'object' ? known.deref() : known;
  }

  /** The result of the task was given: of its body, its args and its metadata nothing is kept but what later tasks may ask for. */
  forget(task: number): void {
    const runnable = this.#tasks[task];
    if (typeof runnable !== 'function') return;
    this.#tasks[task] = new WeakRef(runnable);
    const { before, tearsDown } = this.metaOf(task);
    this.#metas[task] =
      before === undefined && tearsDown === undefined ? nothing : defined({ before, tearsDown });
    if (this.states(task, RULED)) this.#ownRules.delete(task);
    this.addresses.delete(task);
  }

  metaOf(task: number): TaskMeta {
    return this.#metas[task] as TaskMeta;
  }

  /** Those of a task whose result was given are not asked for. */
  rulesOf(task: number): Rules {
    return (this.states(task, RULED) ? this.#ownRules.get(task) : undefined) ?? this.#usualRules;
  }

  /** Looks neither at a plain function again nor at its metadata: they may be far away in memory. */
  definition(task: number): TaskDefinition {
    const runnable = this.runnableOf(task) as Runnable;
    const isPlain = ((this.stated[task] as number) & (PLAIN | TAKES)) === PLAIN;
    return isPlain ? plainDefinition(runnable, this.metaOf(task)) : definitionOf(runnable);
  }

  states(task: number, kind: number): boolean {
    return ((this.stated[task] as number) & kind) !== 0;
  }

  /** The task of an entry that was added; the first, if it was added more than once at this place, or no place is named. */
  find(entry: Entry): number | undefined {
    if (!isPlaced(entry)) return this.wiring.madeOf(entry)[0];
    const { under, task: runnable } = entry;
    const named = this.naming.taskAt(formatCallPath([...under, metaOf(runnable).name ?? runnable.name]));
    if (this.runnableOf(named) === runnable) return named;
    const place = formatCallPath(under);
    const isThere = (task: number) => formatCallPath(this.naming.callPathOf(task).slice(0, -1)) === place;
    return this.wiring.madeOf(runnable).find(isThere);
  }

  putAddress(task: number, address: Address): void {
    this.#journal.put(this.addresses, task, address);
  }

  madeAt(place: string, task: number): number {
    if (!this.#made.has(place)) this.#journal.put(this.#made, place, task);
    return this.#made.get(place) as number;
  }

  #compile(entries: readonly Entry[], from: number): readonly Problem[] {
    const check = new Check(this, from);
    const broken = new Set<number>();
    this.reserve(from + entries.length);
    for (const entry of entries) this.#enter(entry, check, broken);
    const to = this.graph.taskCount;
    for (let task = from; task < to; task++)
      if (this.pathOf(task) === '') this.naming.derive(task, this.#nameOf(task));
    for (let task = from; task < to; task++)
      if (broken.size === 0 || !broken.has(task)) this.#settle(task, check);
    check.addresses();
    check.wiring();
    const claimsOf = (task: number) => this.#claimsOf(task);
    if (broken.size === 0 && !this.#ranks.rank(this, from, this.weight, claimsOf)) check.cycle();
    return check.problems;
  }

  /** What a broken task provides counts, so that nobody is told that it is missing. */
  #givesWell(task: number): boolean {
    const { provides } = this.metaOf(task);
    return checkMeta({ provides }, '').length === 0;
  }

  #enter(entry: Entry, check: Check, broken: Set<number>): void {
    const runnable = isPlaced(entry) ? entry.task : entry;
    const definition = isTask(runnable) ? runnable[definitionKey] : undefined;
    const meta = definition?.meta ?? metaOf(runnable);
    if (definition !== undefined && typeof definition.body !== 'function') this.hasPrograms = true;
    const stated = statedIn(meta) | (definition === undefined ? PLAIN : 0);
    const task = this.graph.addTask((stated & PLACED) === 0 ? 0 : this.#poolOf(meta));
    this.reserve(task + 1);
    this.stated[task] = stated;
    this.demand[task] = -1;
    this.#tasks.push(runnable);
    this.#metas.push(meta);
    if ((stated & RULED) !== 0)
      this.#journal.put(this.#ownRules, task, rulesOf(meta, this.options.defaults ?? {}));
    const name = typeof meta.name === 'string' && meta.name !== '' ? meta.name : undefined;
    if (!this.naming.name(isPlaced(entry) ? entry.under : nowhere, name)) check.duplicatePath(task);
    const isBroken = !check.task(task);
    if (isBroken) broken.add(task);
    if (!isBroken || this.#givesWell(task)) this.wiring.give(task, meta, stated);
  }

  /** Everything but names and addresses. */
  #settle(task: number, check: Check): void {
    const meta = this.metaOf(task);
    const stated = this.stated[task] as number;
    this.wiring.need(task, meta, stated);
    this.#weigh(task, meta, stated, check);
    if ((stated & CONDITIONAL) !== 0) this.#askWhen(task, check);
    if ((stated & HOLDS) !== 0) this.demand[task] = this.#demandOf(task, meta, check);
  }

  #askWhen(task: number, check: Check): void {
    const reason = check.notApplicable(task);
    if (reason !== undefined) this.#journal.put(this.whyNot, task, reason);
  }

  #demandOf(task: number, meta: TaskMeta, check: Check): number {
    const { uses, claims, exclusive = false } = meta;
    if (uses === undefined && claims === undefined && !exclusive) return -1;
    if (uses !== undefined && claims !== undefined) check.usedAndClaimed(task, uses, claims);
    if (exclusive) this.hasExclusive = true;
    try {
      const demand = this.locks.compile(meta);
      this.#journal.note(() => this.locks.forget(demand));
      for (const node of this.#claimsOf(task)) this.#ranks.countClaim(node, this.weight[task] as number);
      return demand;
    } catch (error) {
      const found = (error as { readonly problems?: readonly Problem[] }).problems;
      if (found === undefined) throw error;
      for (const problem of found) check.add(task, problem);
      return -1;
    }
  }

  #weigh(task: number, meta: TaskMeta, stated: number, check: Check): void {
    const isStated = (stated & RANKED) !== 0;
    this.priority[task] = (isStated ? meta.priority : undefined) ?? 0;
    const known = (isStated ? meta.weight : undefined) ?? this.#estimate(task, check);
    this.weight[task] = known ?? 1;
    if (known !== undefined) this.stated[task] = stated | MEASURED;
  }

  #estimate(task: number, check: Check): number | undefined {
    return this.options.weights === undefined ? undefined : check.estimate(task, this.options.weights);
  }

  #poolOf({ group, pool }: TaskMeta): number {
    const isMeant = (each: PlanPool) =>
      group === undefined
        ? each.group === undefined && each.name === pool
        : each.group && each.name === group;
    return Math.max(0, this.options.pools.findLastIndex(isMeant));
  }

  #claimsOf(task: number): readonly number[] {
    if (!this.states(task, HOLDS)) return [];
    return (this.metaOf(task).claims ?? []).map((resource) => this.locks.nodeOf(resource));
  }

  /** Its name, where the metadata gives none; what it stands for, where it has none either. */
  #nameOf(task: number): string {
    const { body, address } = this.definition(task);
    const named =
      typeof body !== 'function'
        ? body.file.replace(/^.*[\\/]/, '')
        : address?.kind === 'export'
          ? address.exportPath.at(-1)
          : body.name || (this.runnableOf(task) as Runnable).name;
    return named || `task-${task + 1}`;
  }

  /** For the case that what is about to be added is refused. */
  #remember(): void {
    const { taskCount, gateCount } = this.graph;
    this.#journal.note(() => {
      this.wiring.cut(gateCount, taskCount);
      for (const list of [this.#tasks, this.#metas]) clear(list, taskCount);
      this.naming.cut(taskCount);
    });
    this.graph.remember();
    clear(this.wiring.suspects);
  }
}
