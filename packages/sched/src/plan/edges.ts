/** Arrows between two kinds of nodes, to be followed from either end in the order in which they were added. Knows only integers. */
import { ints, Table } from '@pexen/core/columns';

/** The arrows as they are seen from one end: a list for each node. */
export class Side extends Table {
  /** Where each edge leads. */
  end: Int32Array = ints();
  /** The next edge of the same node; 0 after the last. */
  next: Int32Array = ints();
  heads: Int32Array = ints();
  tails: Int32Array = ints();

  /** Empty, or a copy. */
  constructor(of?: Side) {
    super();
    if (of !== undefined) this.copyRows(of);
  }

  /** The first edge of the node; 0 if there is none. */
  first(node: number): number {
    return node < this.heads.length ? (this.heads[node] as number) : 0;
  }

  /** Where the edges of the node lead. */
  ends(node: number): number[] {
    const found: number[] = [];
    for (let edge = this.first(node); edge !== 0; edge = this.next[edge] as number)
      found.push(this.end[edge] as number);
    return found;
  }

  add(edge: number, node: number, end: number): void {
    this.reserve(Math.max(edge, node) + 1);
    this.end[edge] = end;
    this.next[edge] = 0;
    const tail = this.tails[node] as number;
    if (tail === 0) this.heads[node] = edge;
    else this.next[tail] = edge;
    this.tails[node] = edge;
  }

  /** Takes the edges after the given one from the node. */
  cut(node: number, size: number): void {
    if ((this.tails[node] as number) <= size) return;
    let tail = 0;
    for (let edge = this.first(node); edge !== 0 && edge <= size; edge = this.next[edge] as number)
      tail = edge;
    if (tail === 0) this.heads[node] = 0;
    else this.next[tail] = 0;
    this.tails[node] = tail;
  }
}

/** Edges are numbered from 1; 0 is no edge. */
export class Edges {
  /** The number of the last edge. */
  size: number;
  readonly out: Side;
  readonly in: Side;

  /** None, or a copy. */
  constructor(of?: Edges) {
    this.size = of?.size ?? 0;
    this.out = new Side(of?.out);
    this.in = new Side(of?.in);
  }

  add(from: number, to: number): void {
    const edge = ++this.size;
    this.out.add(edge, from, to);
    this.in.add(edge, to, from);
  }

  has(from: number, to: number): boolean {
    const { end, next } = this.out;
    for (let edge = this.out.first(from); edge !== 0; edge = next[edge] as number)
      if (end[edge] === to) return true;
    return false;
  }

  /** Takes back all edges after the given one. */
  cutAfter(size: number): void {
    for (let edge = this.size; edge > size; edge--) {
      this.out.cut(this.in.end[edge] as number, size);
      this.in.cut(this.out.end[edge] as number, size);
    }
    this.size = size;
  }
}
