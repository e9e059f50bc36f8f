/**
 * How urgent each task is: the longest chain of expected durations from its start to the end of all that waits for it. Found by one
 * walk down the graph, which also notices a cycle. A loop with a stack of its own: chains may be long.
 */
import { grown } from './columns.ts';
import type { Graph } from './graph.ts';
import type { Planned } from './planned.ts';

export class Order {
  /** Larger is more urgent. */
  rank: Float64Array = new Float64Array(16);
  #gateRank = new Float64Array(16);
  /** Twice the number of the walk while a node is being walked, one more when that is done. */
  #taskSeen = new Int32Array(16);
  #gateSeen = new Int32Array(16);
  #walks = 0;
  #from = 0;
  /** Tasks as they are, gates as ~gate. */
  #stack = new Int32Array(64);
  /** The edge to follow next; relays are negative. */
  #cursor = new Int32Array(64);
  #depth = 0;

  /**
   * Ranks the tasks from `from` on; those before keep their ranks. `weight` is the expected duration of each, `floor` the
   * least rank it can have. What is over waits for nobody. Answers false where it meets a cycle; the new ranks are worth nothing then.
   */
  walk(
    { graph, live }: Pick<Planned, 'graph' | 'live'>,
    from: number,
    weight: Float64Array,
    floor: Float64Array,
  ): boolean {
    this.#prepare(graph);
    this.#from = from;
    const open = ++this.#walks * 2;
    for (let root = from; root < graph.taskCount; root++) {
      if ((this.#taskSeen[root] as number) >= open || live?.isOver(root)) continue;
      this.#enter(root, open, graph);
      while (this.#depth > 0) {
        const top = this.#depth - 1;
        const node = this.#stack[top] as number;
        const edge = this.#cursor[top] as number;
        if (edge === 0) {
          this.#leave(node, open, weight, floor);
          continue;
        }
        const next = this.#follow(graph, node, edge, top);
        const seen = (next < 0 ? this.#gateSeen[~next] : this.#taskSeen[next]) as number;
        if (seen < open) {
          if (next < 0 || !live?.isOver(next)) this.#enter(next, open, graph);
        } else if (seen === open) return this.#giveUp();
        else this.#raise(node, next);
      }
    }
    return true;
  }

  #prepare({ taskCount, gateCount }: Graph): void {
    this.rank = grown(this.rank, taskCount);
    this.#taskSeen = grown(this.#taskSeen, taskCount);
    this.#gateRank = grown(this.#gateRank, gateCount);
    this.#gateSeen = grown(this.#gateSeen, gateCount);
  }

  #enter(node: number, open: number, graph: Graph): void {
    const at = this.#depth++;
    if (at >= this.#stack.length) {
      this.#stack = grown(this.#stack, at + 1);
      this.#cursor = grown(this.#cursor, at + 1);
    }
    this.#stack[at] = node;
    if (node < 0) {
      this.#gateSeen[~node] = open;
      this.#gateRank[~node] = 0;
      this.#cursor[at] = graph.waits.firstFrom(~node) || -graph.relays.firstFrom(~node);
    } else {
      this.#taskSeen[node] = open;
      if (node >= this.#from) this.rank[node] = 0;
      this.#cursor[at] = graph.feeds.firstFrom(node);
    }
  }

  /** The node at the end of the edge; moves the cursor to the edge after it. */
  #follow({ feeds, waits, relays }: Graph, node: number, edge: number, top: number): number {
    if (node >= 0) {
      this.#cursor[top] = feeds.nextFrom[edge] as number;
      return ~(feeds.to[edge] as number);
    }
    if (edge > 0) {
      this.#cursor[top] = (waits.nextFrom[edge] as number) || -relays.firstFrom(~node);
      return waits.to[edge] as number;
    }
    this.#cursor[top] = -(relays.nextFrom[-edge] as number);
    return ~(relays.to[-edge] as number);
  }

  #leave(node: number, open: number, weight: Float64Array, floor: Float64Array): void {
    if (node < 0) this.#gateSeen[~node] = open + 1;
    else {
      this.#taskSeen[node] = open + 1;
      if (node >= this.#from) this.#settle(node, weight[node] as number, floor[node] as number);
    }
    this.#depth--;
    if (this.#depth > 0) this.#raise(this.#stack[this.#depth - 1] as number, node);
  }

  #settle(task: number, weight: number, floor: number): void {
    this.rank[task] = Math.max((this.rank[task] as number) + weight, floor);
  }

  /** The node comes before `next`, so it is at least as urgent. */
  #raise(node: number, next: number): void {
    const rank = (next < 0 ? this.#gateRank[~next] : this.rank[next]) as number;
    if (node < 0) {
      if ((this.#gateRank[~node] as number) < rank) this.#gateRank[~node] = rank;
    } else if (node >= this.#from && (this.rank[node] as number) < rank) this.rank[node] = rank;
  }

  #giveUp(): false {
    this.#depth = 0;
    return false;
  }
}
