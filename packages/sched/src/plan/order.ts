/**
 * How urgent each task is: the longest chain of expected durations from its start to the end of all that waits for it. Found by one
 * walk down the graph, which also notices a cycle. A loop with a stack of its own: chains may be long.
 */

import { floats, ints, Table } from '@pexen/core/columns';
import type { Edges, Graph } from './graph.ts';
import type { LiveRun } from './planned.ts';
import type { UndoLog } from './undo-log.ts';

/** What is walked; `live` knows which tasks are over. */
export interface Walked {
  readonly graph: Graph;
  readonly live: LiveRun | undefined;
}

export class Order extends Table {
  /** Of each task; larger is more urgent. While the graph is walked, of the conditions too: they stand behind all tasks. */
  rank: Float64Array = floats();
  /** Twice the number of the walk while a node is being walked, one more when that is done. */
  seen: Int32Array = ints();
  /** So many relays are walked: one between conditions of old tasks may close a cycle to which no new task leads. */
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
   * Ranks the tasks from `from` on; those before keep their ranks. `weight` is the expected duration of each, `floor` the
   * least rank it can have. What is over waits for nobody. Answers false where it meets a cycle; the new ranks are worth nothing then.
   */
  walk(plan: Walked, from: number, weight: Float64Array, floor: Float64Array): boolean {
    const { taskCount, conditionCount, relays } = plan.graph;
    this.reserve(taskCount + conditionCount);
    this.#open += 2;
    this.#isCyclic = false;
    this.#stack = [];
    // The last first: most tasks are declared after those they wait for, and what comes after them is ranked then.
    for (let task = taskCount - 1; task >= from && !this.#isCyclic; task--)
      this.#descend(task, plan, from, weight, floor);
    for (; this.relays < relays.size && !this.#isCyclic; this.relays++)
      this.#descend(taskCount + (relays.out.end[this.relays + 1] as number), plan, from, weight, floor);
    return !this.#isCyclic;
  }

  /** Ranks the node and all that comes after it. */
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

  /** The largest rank of what comes right after the node; 0 if nothing does. */
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

  /** The same by edges of one kind, whose ends are nodes when `offset` is added. */
  #follow({ out }: Edges, from: number, offset: number, plan: Walked): number {
    let largest = 0;
    for (let edge = out.first(from); edge !== 0; edge = out.next[edge] as number) {
      const rank = this.#meet((out.end[edge] as number) + offset, plan);
      if (rank > largest) largest = rank;
    }
    return largest;
  }

  /** The rank of the node, if that is known. Else it is put on the stack, to be walked first. */
  #meet(node: number, { graph, live }: Walked): number {
    const seen = this.seen[node] as number;
    if (seen > this.#open) return this.rank[node] as number;
    if (seen === this.#open) this.#isCyclic = true;
    else if (node >= graph.taskCount || !live?.isOver(node)) this.#stack.push(node);
    return 0;
  }
}

export class Ranks extends Table {
  readonly order: Order;
  /** Grows whenever the ranks of tasks that were there before were worked out anew. */
  rankings = 0;
  /** Ranks are at least this: what tasks that claim the same have to do together. */
  floor: Float64Array = floats();
  /** Weight of all that claim a resource. */
  readonly #claimed = new Map<number, number>();
  /** The number of tasks when all ranks were worked out last. */
  #ranked = 0;
  readonly #undoLog: UndoLog;

  /** Empty, or a copy, but for the claims that were counted: their nodes are those of a lock table. */
  constructor(undoLog: UndoLog, of?: Ranks) {
    super();
    this.#undoLog = undoLog;
    this.order = new Order(of?.order);
    if (of === undefined) return;
    this.copyRows(of);
    this.rankings = of.rankings;
    this.#ranked = of.#ranked;
  }

  /** A task of this weight claims the node. */
  countClaim(node: number, weight: number): void {
    this.#undoLog.put(this.#claimed, node, (this.#claimed.get(node) ?? 0) + weight);
  }

  /** False where there is a cycle. `claimsOf` tells which nodes a task claims. */
  rank(
    plan: Walked,
    from: number,
    weight: Float64Array,
    claimsOf: (task: number) => readonly number[],
  ): boolean {
    const { taskCount } = plan.graph;
    const { relays } = this.order;
    this.#undoLog.note(() => {
      this.order.relays = relays;
    });
    this.reserve(taskCount);
    const first = taskCount > this.#ranked * 1.25 ? 0 : from;
    if (first === 0) {
      this.#remember(from);
      this.#ranked = taskCount;
      this.rankings++;
    }
    if (this.#claimed.size > 0)
      for (let task = first; task < taskCount; task++) this.floor[task] = this.#together(claimsOf(task));
    return this.order.walk(plan, first, weight, this.floor);
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

  /** The most that those who claim one of the nodes have to do. */
  #together(nodes: readonly number[]): number {
    let most = 0;
    for (const node of nodes) most = Math.max(most, this.#claimed.get(node) ?? 0);
    return most;
  }
}
