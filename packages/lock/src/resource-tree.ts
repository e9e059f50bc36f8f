/**
 * The tree of resources. Nodes, the modes in which a node can be taken, and the counters of a node are integers. Does not know holders.
 */
import type { Resource } from '@pexen/core';
import { grown } from '@pexen/core/columns';
import { isResourcePath, nameOfPath, partsOf } from './resource-path.ts';

/** The root of the tree, and the empty prefix of every request. */
export const ROOT = 0;

/** The modes. From USE_ONE on units are counted: USE_ONE is a use of a node with a capacity, all above are amounts. */
export const USE = 0;
export const CLAIM = 1;
export const EXCLUSIVE = 2;
/** An entry that holds nothing: exclusive requests do not mind the holder. */
export const BESIDE = 3;
export const USE_ONE = 4;

/** Counts holds of the node: they block claims of it and of nodes below. */
export const HELD = 0;
/** Counts claims of the node: they block every hold of it and of nodes below. */
export const CLAIMED = 1;
/** Counts holds of the node and of nodes below: they block claims of it. */
export const HELD_WITHIN = 2;
/** Counts claims of the node and of nodes below: they block every hold of it. */
export const CLAIMED_WITHIN = 3;

/** Counters of a node. */
export const WIDTH = 4;

/** Not a counter: nothing blocks. */
export const FREE = -1;

export function counterAt(node: number, kind: number): number {
  return node * WIDTH + kind;
}

export function nodeOfCounter(counter: number): number {
  return (counter / WIDTH) | 0;
}

export function kindOfCounter(counter: number): number {
  return counter % WIDTH;
}

/** A node beside the tree that every active holder holds, and an exclusive one claims. */
export const EVERYONE = 1;

export class ResourceTree {
  /** Nodes are below this. */
  size = 1;
  /** Of each node, the one above it; -1 of the root, and of unused ids. */
  parent: Int32Array = new Int32Array(16).fill(-1);
  /** How many units there are of each node; 0 where it has no capacity. Empty while no capacity is declared. */
  capacity: Float64Array = new Float64Array(0);
  /** References from outside, and one for each node below. */
  readonly refs: number[] = [1];
  /** The mode that an aside node counts; undefined of nodes of the tree. */
  readonly #modes: (number | undefined)[] = [];
  readonly #parts: unknown[] = [];
  readonly #below: (Map<unknown, number> | undefined)[] = [];
  /** Nodes directly below the root that were first named by a path. */
  readonly #paths = new Set<number>();
  readonly #free: number[] = [];
  /** Parts of aside nodes, by mode. */
  readonly #asides: object[] = [];

  constructor() {
    this.aside(ROOT, EXCLUSIVE);
  }

  /** The node of a resource. A new one has no reference yet. */
  nodeOf(resource: Resource): number {
    if (typeof resource === 'string' && resource.charCodeAt(0) !== SLASH) return this.#child(ROOT, resource);
    const isPath = typeof resource === 'string' || isResourcePath(resource);
    let node = ROOT;
    for (const part of partsOf(resource)) node = this.#child(node, part, isPath);
    return node;
  }

  /** The aside node that counts one mode of the node apart from the tree. It is never forgotten. */
  aside(node: number, mode: number): number {
    this.#asides[mode] ??= {};
    const aside = this.#child(node, this.#asides[mode]);
    this.#modes[aside] = mode;
    return aside;
  }

  /** The mode whose lack of units the counter stands for, if any: the counter blocks while too few units are free for it. */
  unitsAt(counter: number): number | undefined {
    const mode = this.#modes[nodeOfCounter(counter)];
    return mode !== undefined && mode >= USE_ONE ? mode : undefined;
  }

  /** The node of a counter, in the tree. */
  nodeAt(counter: number): number {
    const node = nodeOfCounter(counter);
    return this.#modes[node] === undefined ? node : (this.parent[node] as number);
  }

  declare(resource: Resource, capacity: number): void {
    const node = this.nodeOf(resource);
    if (this.capacityOf(node) === 0) this.retain(node);
    this.capacity = grown(this.capacity, node + 1);
    this.capacity[node] = capacity;
  }

  capacityOf(node: number): number {
    return this.capacity[node] ?? 0;
  }

  retain(node: number): void {
    this.refs[node] = (this.refs[node] as number) + 1;
  }

  /** Drops a reference, and forgets nodes without any. */
  drop(node: number): void {
    for (let at = node; at !== ROOT; ) {
      const refs = (this.refs[at] as number) - 1;
      this.refs[at] = refs;
      if (refs > 0) return;
      at = this.#forget(at);
    }
  }

  /** As people write it: flat, if its first name was flat. */
  nameOf(node: number): string {
    const parts: unknown[] = [];
    let top = node;
    for (let at = node; at !== ROOT; at = this.parent[at] as number) {
      parts.unshift(this.#parts[at]);
      top = at;
    }
    return nameOfPath(parts, !this.#paths.has(top));
  }

  /** Is the node `above` itself, or below it? */
  isWithin(node: number, above: number): boolean {
    let at = node;
    while (at !== above && at !== ROOT) at = this.parent[at] as number;
    return at === above;
  }

  #child(parent: number, part: unknown, isPath = false): number {
    this.#below[parent] ??= new Map();
    const known = this.#below[parent].get(part);
    return known ?? this.#make(parent, part, isPath);
  }

  #make(parent: number, part: unknown, isPath: boolean): number {
    const node = this.#free.pop() ?? this.size++;
    this.parent = grown(this.parent, this.size, -1);
    this.parent[node] = parent;
    this.refs[node] = 0;
    this.#parts[node] = part;
    this.#below[parent]?.set(part, node);
    this.retain(parent);
    if (isPath && parent === ROOT) this.#paths.add(node);
    return node;
  }

  /** Returns the node above it, which loses a reference by that. */
  #forget(node: number): number {
    const parent = this.parent[node] as number;
    this.#below[parent]?.delete(this.#parts[node]);
    this.#below[node] = undefined;
    this.#parts[node] = undefined;
    this.#paths.delete(node);
    this.parent[node] = -1;
    this.#free.push(node);
    return parent;
  }
}

const SLASH = 47;
