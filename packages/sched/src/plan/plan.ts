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
import { Order } from './order.ts';
import type { Entry, Live, Planned, PlanOptions } from './planned.ts';
import { defaultRules, type Rules, rulesOf } from './rules.ts';
import { CLEANS, CONDITIONAL, HOLDS, ORDERED, PLACED, RANKED, RULED, statedIn } from './stated.ts';
import { Wiring } from './wiring.ts';

const nowhere: readonly string[] = [];

/** Takes poisoned resources: it tears down or salvages. */
export const EXEMPT = 1;
/** Its expected duration is known. */
export const MEASURED = 2;
/** It requires a typed key. */
export const KEYED = 4;
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
  readonly rules: Rules[] = [];
  readonly addresses: Map<number, Address> = new Map();
  readonly made: Map<string, number> = new Map();
  /** Why tasks do not apply. */
  readonly whyNot: Map<number, string> = new Map();
  readonly naming: Naming = new Naming();
  readonly wiring: Wiring;
  readonly order: Order = new Order();
  priority: Float64Array = new Float64Array(16);
  weight: Float64Array = new Float64Array(16);
  /** Which entries the metadata of each task has. */
  stated: Int32Array = new Int32Array(16);
  /** Ranks are at least this: what tasks that claim the same have to do together. */
  floor: Float64Array = new Float64Array(16);
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
  /** Weight of all that claim a resource. */
  readonly #claimed = new Map<number, number>();
  #ranked = 0;
  #rankedBefore: Ranking | undefined;
  /** Grows whenever the ranks of tasks that were there before were worked out anew. */
  rankings = 0;

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
    if (broken.size === 0 && !this.#rank(from)) problems.push(cycleProblem(this));
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
      for (const resource of claims ?? []) this.#countClaim(task, this.locks.nodeOf(resource));
      return demand;
    } catch (error) {
      const found = (error as { readonly problems?: readonly Problem[] }).problems;
      if (found === undefined) throw error;
      for (const problem of found) problems.push(within(this, task, problem));
      return -1;
    }
  }

  #countClaim(task: number, node: number): void {
    this.#claimed.set(node, (this.#claimed.get(node) ?? 0) + (this.weight[task] as number));
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

  /** False where there is a cycle. Ranks of old tasks are worked out again when the graph has grown by a quarter. */
  #rank(from: number): boolean {
    const { taskCount } = this.graph;
    const first = taskCount > this.#ranked * 1.25 ? 0 : from;
    if (first === 0) {
      this.#rankedBefore = this.#ranking(from);
      this.#ranked = taskCount;
      this.rankings++;
    }
    this.#setFloors(first);
    return this.order.walk(this.graph, first, this.weight, this.floor);
  }

  /** What to go back to if the new tasks are refused. */
  #ranking(count: number): Ranking {
    const { rankings } = this;
    return {
      ...{ ranked: this.#ranked, rankings },
      rank: this.order.rank.slice(0, count),
      floor: this.floor.slice(0, count),
    };
  }

  #restoreRanking({ ranked, rankings, rank, floor }: Ranking): void {
    this.#ranked = ranked;
    this.rankings = rankings;
    this.order.rank.set(rank);
    this.floor.set(floor);
  }

  #setFloors(from: number): void {
    if (this.#claimed.size === 0) return;
    for (let task = from; task < this.graph.taskCount; task++) {
      const { claims } = this.metaOf(task);
      if (claims === undefined) continue;
      const together = claims.map((resource) => this.#claimed.get(this.locks.nodeOf(resource)) ?? 0);
      this.floor[task] = Math.max(0, ...together);
    }
  }

  #grow(count: number): void {
    if (count <= this.priority.length) return;
    this.priority = grown(this.priority, count);
    this.weight = grown(this.weight, count);
    this.floor = grown(this.floor, count);
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
    if (this.#ranked > from && this.#rankedBefore !== undefined) this.#restoreRanking(this.#rankedBefore);
  }

  #forget(task: number): void {
    this.whyNot.delete(task);
    this.addresses.delete(task);
    const demand = this.demand[task] as number;
    if (demand < 0) return;
    this.locks.forget(demand);
    for (const resource of this.metaOf(task).claims ?? []) {
      const node = this.locks.nodeOf(resource);
      this.#claimed.set(node, (this.#claimed.get(node) ?? 0) - (this.weight[task] as number));
    }
  }
}

interface Ranking {
  /** The number of tasks when all ranks were worked out last. */
  readonly ranked: number;
  readonly rankings: number;
  readonly rank: Float64Array;
  readonly floor: Float64Array;
}
