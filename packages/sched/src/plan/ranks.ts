/** The ranks of all tasks: worked out for new ones, and for all when the graph has grown by a quarter. */
import { floats, Table } from '@pexen/core/columns';
import { Order, type Walked } from './order.ts';
import type { UndoLog } from './undo-log.ts';

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
