/** The tasks, checked and compiled to integers; grows when tasks are added to a run. Knows nothing of what has happened. */
import {
  type Address,
  checkMeta,
  definitionKey,
  definitionOf,
  isPlaced,
  isTask,
  metaOf,
  type Problem,
  type Runnable,
  refuse,
  type TaskDefinition,
  type TaskMeta,
} from '@pexen/core';
import { LockTable } from '@pexen/lock';
import { addressesOf, checkTask, checkWiring, cycleProblem, notApplicable, within } from './check.ts';
import { grown } from './columns.ts';
import { Finder } from './finder.ts';
import { Graph } from './graph.ts';
import { Naming } from './naming.ts';
import type { Order } from './order.ts';
import type { Entry, Live, Planned, PlanOptions } from './planned.ts';
import { Ranks } from './ranks.ts';
import { defaultRules, type Rules, rulesOf } from './rules.ts';
import { CLEANS, CONDITIONAL, HOLDS, ORDERED, PLACED, RANKED, RULED, statedIn } from './stated.ts';
import { Wiring } from './wiring.ts';

const nowhere: readonly string[] = [];

/** Takes poisoned resources: it tears down or salvages. */
export const EXEMPT = 1;
/** Its expected duration is known. */
export const MEASURED = 2;
/** It has a cleanup. */
export const TIDIES = 8;

/**
 * A growing set of compiled tasks. Made of names once; everything after works with integers.
 *
 * @example
 * const plan = new Plan({ pools: [{ name: 'default', manifest: inline().manifest, spare: 0 }] });
 * const { from, to } = plan.add(tasks);
 * machine.handle([{ type: 'tasks-added', atMs: 0, from, to }, { type: 'result-wanted', atMs: 0 }], commands);
 */
export class Plan implements Planned {
  readonly options: PlanOptions;
  readonly graph: Graph = new Graph();
  readonly locks: LockTable;
  readonly tasks: Runnable[] = [];
  readonly #metas: TaskMeta[] = [];
  readonly #ranks = new Ranks();
  readonly order: Order = this.#ranks.order;
  readonly rules: Rules[] = [];
  readonly addresses: Map<number, Address> = new Map();
  readonly made: Map<string, number> = new Map();
  /** Why tasks do not apply. */
  readonly whyNot: Map<number, string> = new Map();
  readonly naming: Naming = new Naming();
  readonly wiring: Wiring;
  priority: Float64Array = new Float64Array(16);
  weight: Float64Array = new Float64Array(16);
  /** Which entries the metadata of each task has. */
  stated: Int32Array = new Int32Array(16);
  flags: Uint8Array = new Uint8Array(16);
  /** What each task holds, as the lock table knows it; -1 is nothing. */
  demand: Int32Array = new Int32Array(16);
  /** Some task is `exclusive`: then all have to ask the lock table. */
  hasExclusive = false;
  hasPrograms = false;
  live: Live | undefined;
  readonly #finder = new Finder(this.tasks);
  readonly #poolByName = new Map<string, number>();
  readonly #groupByName = new Map<string, number>();
  readonly #rules: Rules;

  constructor(options: PlanOptions) {
    this.options = options;
    this.#rules = defaultRules(options.defaults);
    this.locks = new LockTable({
      ...(options.capacities !== undefined && { capacities: options.capacities }),
      ...(options.overtakings !== undefined && { overtakings: options.overtakings }),
      mayOvertake: (task, head) => this.live?.mayOvertake(task, head) ?? false,
    });
    this.wiring = new Wiring(this.graph, {
      tasks: this.tasks,
      definition: (task) => this.definition(task),
      hasWithdrawn: () => this.live?.hasWithdrawn ?? false,
      isGroup: (pool) => options.pools[pool]?.group !== undefined,
    });
    for (const [index, { name, group }] of options.pools.entries())
      (group === undefined ? this.#poolByName : this.#groupByName).set(name, index);
  }

  /**
   * Adds tasks, whole or not at all.
   * @throws PexenError with everything that is wrong with them.
   */
  add(entries: Iterable<Entry>): { readonly from: number; readonly to: number } {
    const mark = this.graph.mark();
    const from = mark.taskCount;
    try {
      refuse(this.#compile(entries, from));
    } catch (error) {
      this.graph.restore(mark);
      this.#undo(from);
      throw error;
    }
    this.naming.keep();
    this.wiring.keep();
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

  metaOf(task: number): TaskMeta {
    return this.#metas[task] as TaskMeta;
  }

  definition(task: number): TaskDefinition {
    return definitionOf(this.tasks[task] as Runnable);
  }

  states(task: number, kind: number): boolean {
    return ((this.stated[task] as number) & kind) !== 0;
  }

  /** The task of an entry that was added; the first, if it was added more than once. */
  find(entry: Entry): number | undefined {
    return this.#finder.find(isPlaced(entry) ? entry.task : entry);
  }

  #compile(entries: Iterable<Entry>, from: number): Problem[] {
    const problems: Problem[] = [];
    const broken = new Set<number>();
    if (Array.isArray(entries)) this.#grow(from + entries.length);
    for (const entry of entries) this.#enter(entry, problems, broken);
    this.naming.nameRest((task) => this.definition(task), this.tasks);
    const to = this.graph.taskCount;
    for (let task = from; task < to; task++)
      if (broken.size === 0 || !broken.has(task)) this.#settle(task, problems);
    addressesOf(this, from, problems);
    checkWiring(this, from, problems);
    const claimsOf = (task: number) => this.#claimsOf(task);
    if (broken.size === 0 && !this.#ranks.rank(this, from, this.weight, claimsOf))
      problems.push(cycleProblem(this));
    return problems;
  }

  /** What a broken task provides counts, so that nobody is told that it is missing. */
  #givesWell(task: number): boolean {
    const { provides } = this.metaOf(task);
    return checkMeta({ provides }, '').length === 0;
  }

  #enter(entry: Entry, problems: Problem[], broken: Set<number>): void {
    const runnable = isPlaced(entry) ? entry.task : entry;
    const definition = isTask(runnable) ? runnable[definitionKey] : undefined;
    const meta = definition?.meta ?? metaOf(runnable);
    if (definition !== undefined && typeof definition.body !== 'function') this.hasPrograms = true;
    const stated = statedIn(meta);
    const task = this.graph.addTask((stated & PLACED) === 0 ? 0 : this.#poolOf(meta));
    this.#grow(task + 1);
    this.stated[task] = stated;
    this.demand[task] = -1;
    this.tasks.push(runnable);
    this.#metas.push(meta);
    this.rules.push((stated & RULED) === 0 ? this.#rules : rulesOf(meta, this.options.defaults ?? {}));
    const name = typeof meta.name === 'string' && meta.name !== '' ? meta.name : undefined;
    const clash = this.naming.name(task, isPlaced(entry) ? entry.under : nowhere, name);
    if (clash !== undefined) problems.push(within(this, task, clash));
    const isBroken = !checkTask(this, task, problems);
    if (isBroken) broken.add(task);
    if (!isBroken || this.#givesWell(task)) this.wiring.give(task, meta, stated);
  }

  /** Everything but names and addresses. */
  #settle(task: number, problems: Problem[]): void {
    const meta = this.metaOf(task);
    const stated = this.stated[task] as number;
    this.flags[task] = 0;
    this.wiring.need(task, meta, stated);
    this.#weigh(task, meta, stated);
    if ((stated & CONDITIONAL) !== 0) this.#askWhen(task, problems);
    if ((stated & CLEANS) !== 0 && meta.cleanup !== undefined) this.#flag(task, TIDIES);
    if ((stated & ORDERED) !== 0 && (meta.tearsDown !== undefined || meta.salvages !== undefined))
      this.#flag(task, EXEMPT);
    if ((stated & HOLDS) !== 0) this.demand[task] = this.#demandOf(task, meta, problems);
  }

  #askWhen(task: number, problems: Problem[]): void {
    const reason = notApplicable(this, task, problems);
    if (reason !== undefined) this.whyNot.set(task, reason);
  }

  #demandOf(task: number, meta: TaskMeta, problems: Problem[]): number {
    const { uses, claims, exclusive = false } = meta;
    if (uses === undefined && claims === undefined && !exclusive) return -1;
    if (exclusive) this.hasExclusive = true;
    try {
      const demand = this.locks.compile(meta);
      for (const node of this.#claimsOf(task)) this.#ranks.countClaim(node, this.weight[task] as number);
      return demand;
    } catch (error) {
      const found = (error as { readonly problems?: readonly Problem[] }).problems;
      if (found === undefined) throw error;
      for (const problem of found) problems.push(within(this, task, problem));
      return -1;
    }
  }

  #weigh(task: number, meta: TaskMeta, stated: number): void {
    const isStated = (stated & RANKED) !== 0;
    this.priority[task] = (isStated ? meta.priority : undefined) ?? 0;
    const known = (isStated ? meta.weight : undefined) ?? this.options.weights?.(this.pathOf(task));
    this.weight[task] = known ?? 1;
    if (known !== undefined) this.#flag(task, MEASURED);
  }

  #flag(task: number, flag: number): void {
    this.flags[task] = (this.flags[task] as number) | flag;
  }

  #poolOf({ group, pool }: TaskMeta): number {
    if (group !== undefined) return this.#groupByName.get(group) ?? 0;
    return pool === undefined ? 0 : (this.#poolByName.get(pool) ?? 0);
  }

  #claimsOf(task: number): readonly number[] {
    if (!this.states(task, HOLDS)) return [];
    return (this.metaOf(task).claims ?? []).map((resource) => this.locks.nodeOf(resource));
  }

  #grow(count: number): void {
    if (count <= this.priority.length) return;
    this.priority = grown(this.priority, count);
    this.weight = grown(this.weight, count);
    this.flags = grown(this.flags, count);
    this.stated = grown(this.stated, count);
    this.demand = grown(this.demand, count);
  }

  #undo(from: number): void {
    this.wiring.undo();
    this.naming.undo();
    for (let task = from; task < this.tasks.length; task++) this.#forget(task);
    for (const [place, task] of this.made) if (task >= from) this.made.delete(place);
    this.tasks.length = from;
    this.#finder.undo(from);
    this.#metas.length = from;
    this.rules.length = from;
    this.#ranks.undo(from);
  }

  #forget(task: number): void {
    this.whyNot.delete(task);
    this.addresses.delete(task);
    const demand = this.demand[task] as number;
    if (demand < 0) return;
    this.locks.forget(demand);
    for (const node of this.#claimsOf(task)) this.#ranks.countClaim(node, -(this.weight[task] as number));
  }
}
