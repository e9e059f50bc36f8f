/** Arrows between two kinds of nodes, to be followed from either end in the order in which they were added. Knows only integers. */
import { grown } from './columns.ts';

/** Edges are numbered from 1; 0 is no edge. */
export class Edges {
  /** The number of the last edge. */
  size = 0;
  from: Int32Array = new Int32Array(64);
  to: Int32Array = new Int32Array(64);
  /** The next edge with the same `from`. */
  nextFrom: Int32Array = new Int32Array(64);
  /** The next edge with the same `to`. */
  nextTo: Int32Array = new Int32Array(64);
  #firstFrom = new Int32Array(64);
  #lastFrom = new Int32Array(64);
  #firstTo = new Int32Array(64);
  #lastTo = new Int32Array(64);

  add(from: number, to: number): void {
    const edge = ++this.size;
    if (edge >= this.from.length) this.#growEdges(edge + 1);
    if (from >= this.#firstFrom.length) this.#growFrom(from + 1);
    if (to >= this.#firstTo.length) this.#growTo(to + 1);
    this.from[edge] = from;
    this.to[edge] = to;
    const beforeFrom = this.#lastFrom[from] as number;
    if (beforeFrom === 0) this.#firstFrom[from] = edge;
    else this.nextFrom[beforeFrom] = edge;
    this.#lastFrom[from] = edge;
    const beforeTo = this.#lastTo[to] as number;
    if (beforeTo === 0) this.#firstTo[to] = edge;
    else this.nextTo[beforeTo] = edge;
    this.#lastTo[to] = edge;
  }

  firstFrom(node: number): number {
    return node < this.#firstFrom.length ? (this.#firstFrom[node] as number) : 0;
  }

  firstTo(node: number): number {
    return node < this.#firstTo.length ? (this.#firstTo[node] as number) : 0;
  }

  /** The ends of the edges that start at the node. */
  targets(node: number): number[] {
    const found: number[] = [];
    for (let edge = this.firstFrom(node); edge !== 0; edge = this.nextFrom[edge] as number)
      found.push(this.to[edge] as number);
    return found;
  }

  /** The starts of the edges that end at the node. */
  sources(node: number): number[] {
    const found: number[] = [];
    for (let edge = this.firstTo(node); edge !== 0; edge = this.nextTo[edge] as number)
      found.push(this.from[edge] as number);
    return found;
  }

  has(from: number, to: number): boolean {
    for (let edge = this.firstFrom(from); edge !== 0; edge = this.nextFrom[edge] as number)
      if (this.to[edge] === to) return true;
    return false;
  }

  /** Takes back all edges after the given one. */
  cutAfter(size: number): void {
    for (let edge = this.size; edge > size; edge--) {
      cutList(size, this.from[edge] as number, this.#firstFrom, this.#lastFrom, this.nextFrom);
      cutList(size, this.to[edge] as number, this.#firstTo, this.#lastTo, this.nextTo);
    }
    this.nextFrom.fill(0, size + 1);
    this.nextTo.fill(0, size + 1);
    this.size = size;
  }

  #growEdges(needed: number): void {
    this.from = grown(this.from, needed);
    this.to = grown(this.to, needed);
    this.nextFrom = grown(this.nextFrom, needed);
    this.nextTo = grown(this.nextTo, needed);
  }

  #growFrom(needed: number): void {
    this.#firstFrom = grown(this.#firstFrom, needed);
    this.#lastFrom = grown(this.#lastFrom, needed);
  }

  #growTo(needed: number): void {
    this.#firstTo = grown(this.#firstTo, needed);
    this.#lastTo = grown(this.#lastTo, needed);
  }
}

function cutList(size: number, node: number, first: Int32Array, last: Int32Array, next: Int32Array): void {
  if ((last[node] as number) <= size) return;
  let edge = first[node] as number;
  if (edge > size) {
    first[node] = 0;
    last[node] = 0;
    return;
  }
  while ((next[edge] as number) !== 0 && (next[edge] as number) <= size) edge = next[edge] as number;
  next[edge] = 0;
  last[node] = edge;
}
