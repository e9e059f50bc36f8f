/** The ranks of all tasks: worked out for new ones, and for all when the graph has grown by a quarter. Can go back. */
import { grown } from './columns.ts';
import { Order } from './order.ts';
import type { Planned } from './planned.ts';

/** What went before, for the case that the new tasks are refused. */
interface Before {
  readonly ranked: number;
  readonly rankings: number;
  readonly rank: Float64Array;
  readonly floor: Float64Array;
}

export class Ranks {
  readonly order: Order = new Order();
  /** Grows whenever the ranks of tasks that were there before were worked out anew. */
  rankings = 0;
  /** Ranks are at least this: what tasks that claim the same have to do together. */
  #floor = new Float64Array(16);
  /** Weight of all that claim a resource. */
  readonly #claimed = new Map<number, number>();
  /** The number of tasks when all ranks were worked out last. */
  #ranked = 0;
  #before: Before | undefined;

  /** A task of this weight claims the node, or does not any more. */
  countClaim(node: number, weight: number): void {
    this.#claimed.set(node, (this.#claimed.get(node) ?? 0) + weight);
  }

  /** False where there is a cycle. `claimsOf` tells which nodes a task claims. */
  rank(
    plan: Pick<Planned, 'graph' | 'live'>,
    from: number,
    weight: Float64Array,
    claimsOf: (task: number) => readonly number[],
  ): boolean {
    const { taskCount } = plan.graph;
    this.#floor = grown(this.#floor, taskCount);
    const first = taskCount > this.#ranked * 1.25 ? 0 : from;
    if (first === 0) {
      this.#remember(from);
      this.#ranked = taskCount;
      this.rankings++;
    }
    if (this.#claimed.size > 0)
      for (let task = first; task < taskCount; task++) this.#floor[task] = this.#together(claimsOf(task));
    return this.order.walk(plan, first, weight, this.#floor);
  }

  /** The tasks from `from` on were refused. */
  undo(from: number): void {
    if (this.#before === undefined || this.#ranked <= from) return;
    this.#ranked = this.#before.ranked;
    this.rankings = this.#before.rankings;
    this.order.rank.set(this.#before.rank);
    this.#floor.set(this.#before.floor);
  }

  #remember(count: number): void {
    const { rankings, order } = this;
    const rank = order.rank.slice(0, count);
    this.#before = { ranked: this.#ranked, rankings, rank, floor: this.#floor.slice(0, count) };
  }

  /** The most that those who claim one of the nodes have to do. */
  #together(nodes: readonly number[]): number {
    let most = 0;
    for (const node of nodes) most = Math.max(most, this.#claimed.get(node) ?? 0);
    return most;
  }
}
