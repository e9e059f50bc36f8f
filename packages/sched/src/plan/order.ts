/**
 * The urgency of each task: the longest chain of expected durations from its start to the end of everything that waits for it. Computed by
 * one depth-first walk of the graph, which also detects cycles. It uses a stack of its own, because chains may be long.
 */

import { floats, ints, Table } from '@pexen/core/columns';
import type { Bottleneck } from './bottlenecks.ts';
import type { Edges, Graph } from './graph.ts';
import type { LiveRun } from './planned.ts';
import type { UndoLog } from './undo-log.ts';

/** The graph to walk; `live` knows which tasks are over. */
export interface Walked {
  readonly graph: Graph;
  readonly live: LiveRun | undefined;
}

export class Order extends Table {
  /** The rank of each task; larger is more urgent. During a walk the conditions have ranks, too: they follow after all tasks. */
  rank: Float64Array = floats();
  /** Twice the number of the walk while a node is being walked, and one more when it is done. */
  seen: Int32Array = ints();
  /** How many relays were walked: a relay between conditions of earlier tasks may close a cycle that no new task leads to. */
  relays = 0;
  #open = 0;
  #isCyclic = false;
  #stack: number[] = [];

  /** Empty, or a copy. */
  constructor(of?: Order) {
    super();
    if (of === undefined) return;
    this.copyRows(of);
    this.relays = of.relays;
    this.#open = of.#open;
  }

  /**
   * Ranks the tasks from `from` on; earlier tasks keep their ranks. `weight` is the expected duration of each task, `floor` its least rank.
   * Tasks that are over are skipped. Returns false if it finds a cycle; then the new ranks are invalid.
   */
  walk(plan: Walked, from: number, weight: Float64Array, floor: Float64Array): boolean {
    const { taskCount, conditionCount, relays } = plan.graph;
    this.reserve(taskCount + conditionCount);
    this.#open += 2;
    this.#isCyclic = false;
    this.#stack = [];
    // From the last to the first: most tasks are declared after those they wait for, so that their dependents are ranked already.
    for (let task = taskCount - 1; task >= from && !this.#isCyclic; task--)
      this.#descend(task, plan, from, weight, floor);
    for (; this.relays < relays.size && !this.#isCyclic; this.relays++)
      this.#descend(taskCount + (relays.out.end[this.relays + 1] as number), plan, from, weight, floor);
    return !this.#isCyclic;
  }

  /** Ranks the node and its dependents. */
  #descend(root: number, plan: Walked, from: number, weight: Float64Array, floor: Float64Array): void {
    const { taskCount } = plan.graph;
    this.#meet(root, plan);
    while (this.#stack.length > 0) {
      const { length } = this.#stack;
      const node = this.#stack[length - 1] as number;
      const rank = (this.seen[node] as number) > this.#open ? -1 : this.#lookBehind(node, plan);
      if (this.#isCyclic) return;
      if (this.#stack.length > length) continue;
      this.#stack.pop();
      if (rank < 0) continue;
      this.seen[node] = this.#open + 1;
      if (node >= taskCount) this.rank[node] = rank;
      else if (node >= from)
        this.rank[node] = Math.max(rank + (weight[node] as number), floor[node] as number);
    }
  }

  /** The largest rank of the direct dependents of the node; 0 if it has none. */
  #lookBehind(node: number, plan: Walked): number {
    const { taskCount, feeds, waits, relays } = plan.graph;
    this.seen[node] = this.#open;
    if (node < taskCount) return this.#follow(feeds, node, taskCount, plan);
    const condition = node - taskCount;
    return Math.max(
      this.#follow(waits, condition, 0, plan),
      this.#follow(relays, condition, taskCount, plan),
    );
  }

  /** The same for edges of one kind, whose ends become nodes by adding `offset`. */
  #follow({ out }: Edges, from: number, offset: number, plan: Walked): number {
    let largest = 0;
    for (let edge = out.first(from); edge !== 0; edge = out.next[edge] as number) {
      const rank = this.#meet((out.end[edge] as number) + offset, plan);
      if (rank > largest) largest = rank;
    }
    return largest;
  }

  /** The rank of the node, if it is known. Otherwise pushes the node on the stack, to be walked first. */
  #meet(node: number, { graph, live }: Walked): number {
    const seen = this.seen[node] as number;
    if (seen > this.#open) return this.rank[node] as number;
    if (seen === this.#open) this.#isCyclic = true;
    else if (node >= graph.taskCount || !live?.isOver(node)) this.#stack.push(node);
    return 0;
  }
}

/** What ranks depend on besides the graph. */
export interface RankedTasks {
  /** The expected duration of each task, ms. */
  readonly weight: Float64Array;
  /** The nodes of the lock table that the task claims. */
  claimsOf(task: number): readonly number[];
  /** Absent if all slots can run all tasks. */
  readonly bottleneckOf?: ((task: number) => Bottleneck | undefined) | undefined;
}

/** More than any sum of durations, and small enough for durations to differ beside it, ms. */
const beforeAll = 2 ** 42;

export class Ranks extends Table {
  readonly order: Order;
  /** Increases whenever the ranks of earlier tasks were computed again. */
  rankings = 0;
  /**
   * The least rank of each task: the total duration of the tasks that claim the same resource, or how long its bottleneck is busy with it and the less
   * urgent tasks; more for tasks that come first.
   */
  floor: Float64Array = floats();
  /** The total weight of the tasks that claim a resource. */
  readonly #claimed = new Map<number, number>();
  /** Tasks that are as urgent as others. */
  readonly #alike = new Map<number, number>();
  /** The tasks that come before others. */
  readonly #first = new Map<number, true>();
  /** The number of tasks when all ranks were last computed. */
  #ranked = 0;
  readonly #undoLog: UndoLog;

  /** Empty, or a copy without the claims, whose nodes belong to one lock table. */
  constructor(undoLog: UndoLog, of?: Ranks) {
    super();
    this.#undoLog = undoLog;
    this.order = new Order(of?.order);
    if (of === undefined) return;
    this.copyRows(of);
    this.rankings = of.rankings;
    this.#ranked = of.#ranked;
    for (const task of of.#first.keys()) this.#first.set(task, true);
    for (const [task, other] of of.#alike) this.#alike.set(task, other);
  }

  /** The task, and all that it waits for, comes before others. */
  putFirst(task: number): void {
    this.#undoLog.put(this.#first, task, true);
  }

  isFirst(task: number): boolean {
    return this.#first.has(task);
  }

  /** A task of this weight claims the node. */
  countClaim(node: number, weight: number): void {
    this.#undoLog.put(this.#claimed, node, (this.#claimed.get(node) ?? 0) + weight);
  }

  /** Returns false if there is a cycle. `isStale`: what earlier tasks depend on has changed, the tasks before `from`. */
  rank(plan: Walked, from: number, tasks: RankedTasks, isStale: boolean): boolean {
    const { taskCount } = plan.graph;
    const { relays } = this.order;
    this.#undoLog.note(() => {
      this.order.relays = relays;
    });
    this.reserve(taskCount);
    const first = isStale || taskCount > this.#ranked * 1.25 ? 0 : from;
    if (first === 0) {
      this.#remember(from);
      this.#ranked = taskCount;
      this.rankings++;
    }
    const { weight, bottleneckOf } = tasks;
    if (this.#claimed.size > 0 || this.#first.size > 0 || bottleneckOf !== undefined)
      for (let task = first; task < taskCount; task++)
        this.floor[task] = this.#together(tasks.claimsOf(task)) + (this.isFirst(task) ? beforeAll : 0);
    const walk = (): boolean => this.order.walk(plan, first, weight, this.floor);
    const isAcyclic =
      walk() &&
      (bottleneckOf === undefined || !this.#raiseFloors(plan, first, weight, bottleneckOf) || walk());
    if (first === 0) for (const [task, other] of this.#alike) this.rankLike(task, other);
    return isAcyclic;
  }

  /**
   * The tasks of a bottleneck start in the order of their chains. From the start of each on, it is busy with that and the less urgent ones. False if no task has
   * one.
   */
  #raiseFloors(
    { graph: { taskCount }, live }: Walked,
    first: number,
    weight: Float64Array,
    bottleneckOf: (task: number) => Bottleneck | undefined,
  ): boolean {
    const queues = new Map<Bottleneck, number[]>();
    for (let task = first; task < taskCount; task++) {
      const bottleneck =
        live?.isOver(task) === true || this.#alike.has(task) ? undefined : bottleneckOf(task);
      if (bottleneck === undefined) continue;
      const queue = queues.get(bottleneck);
      if (queue === undefined) queues.set(bottleneck, [task]);
      else queue.push(task);
    }
    const { rank } = this.order;
    for (const [{ slots }, queue] of queues) {
      queue.sort((a, b) => (rank[a] as number) - (rank[b] as number) || b - a);
      let busyMs = 0;
      for (const task of queue) {
        busyMs += (weight[task] as number) / slots;
        this.floor[task] = Math.max(this.floor[task] as number, busyMs);
      }
    }
    return queues.size > 0;
  }

  /** The task is as urgent as another one. Nothing waits for it. */
  rankLike(task: number, other: number): void {
    this.#alike.set(task, other);
    this.reserve(task + 1);
    this.order.reserve(task + 1);
    this.floor[task] = this.floor[other] as number;
    this.order.rank[task] = this.order.rank[other] as number;
  }

  #remember(count: number): void {
    const { order, rankings } = this;
    const ranked = this.#ranked;
    const rank = order.rank.slice(0, count);
    const floor = this.floor.slice(0, count);
    this.#undoLog.note(() => {
      this.#ranked = ranked;
      this.rankings = rankings;
      order.rank.set(rank);
      this.floor.set(floor);
    });
  }

  /** The largest total duration of the tasks that claim one of the nodes. */
  #together(nodes: readonly number[]): number {
    let most = 0;
    for (const node of nodes) most = Math.max(most, this.#claimed.get(node) ?? 0);
    return most;
  }
}
