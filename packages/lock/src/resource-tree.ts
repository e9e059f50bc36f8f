/**
 * Names of resources become nodes of one tree, as integers; what of a node can be taken, and what can be counted of it, is an integer, too.
 * Knows no holders.
 */
import type { Resource } from '@pexen/core';
import { grown } from '@pexen/core/columns';
import { isResourcePath, nameOfPart, nameOfPath, partsOf } from './resource-path.ts';

/** The root of the tree, and the beginning of every request. */
export const ROOT = 0;

/** How a node is taken. From USE_ONE on units are counted: USE_ONE is a use where there is a capacity, all above are amounts. */
export const USE = 0;
export const CLAIM = 1;
export const EXCLUSIVE = 2;
export const USE_ONE = 3;

/** Holds of the node keep claims of it, and of what is below, away. */
export const HELD = 0;
/** Claims of the node keep everybody away from it, and from what is below. */
export const CLAIMED = 1;
/** Holds of the node or below it keep claims of it away. */
export const HELD_WITHIN = 2;
/** Claims of the node or below it keep everybody away from it. */
export const CLAIMED_WITHIN = 3;

/** Counters of a node. */
export const WIDTH = 4;

/** Not a counter: nothing is in the way. */
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

/** Beside the tree: everybody is in it, and the exclusive have it for themselves. */
export const EVERYONE = 1;

export class ResourceTree {
  /** Nodes are below this. */
  size = 1;
  /** Of each node, the one above it; -1 of the root, and of what is not a node. */
  parent: Int32Array = new Int32Array(16).fill(-1);
  /** Units there are of a node, if any are declared at all; 0 is no capacity. */
  capacity: Float64Array = new Float64Array(0);
  /** References from outside, and one for each node below. */
  readonly refs: number[] = [1];
  /** By which want it is counted apart; undefined of what is in the tree. */
  readonly #modes: (number | undefined)[] = [];
  readonly #parts: unknown[] = [];
  readonly #below: (Map<unknown, number> | undefined)[] = [];
  /** Nodes right below the root that were first named by a path. */
  readonly #paths = new Set<number>();
  readonly #free: number[] = [];
  /** Stand for wants, as parts. */
  readonly #asides: object[] = [];

  constructor() {
    this.aside(ROOT, EXCLUSIVE);
  }

  /** The node of a resource, made without any reference if it was not there. */
  nodeOf(resource: Resource): number {
    if (typeof resource === 'string' && resource.charCodeAt(0) !== SLASH) return this.#child(ROOT, resource);
    const isPath = typeof resource === 'string' || isResourcePath(resource);
    let node = ROOT;
    for (const part of partsOf(resource)) node = this.#child(node, part, isPath);
    return node;
  }

  /** What is counted of a node apart from the tree, by how it is wanted, has a node of its own, for ever. */
  aside(node: number, mode: number): number {
    this.#asides[mode] ??= {};
    const aside = this.#child(node, this.#asides[mode]);
    this.#modes[aside] = mode;
    return aside;
  }

  /** The want by which units are counted at the counter, if any are: it is in the way while there are too few for that. */
  unitsAt(counter: number): number | undefined {
    const mode = this.#modes[nodeOfCounter(counter)];
    return mode !== undefined && mode >= USE_ONE ? mode : undefined;
  }

  /** The node of a counter, as people know it. */
  nodeAt(counter: number): number {
    const node = nodeOfCounter(counter);
    return this.#modes[node] === undefined ? node : (this.parent[node] as number);
  }

  declare(resource: Resource, capacity: number): void {
    const node = this.nodeOf(resource);
    this.retain(node);
    this.capacity = grown(this.capacity, node + 1);
    this.capacity[node] = capacity;
  }

  capacityOf(node: number): number {
    return this.capacity[node] ?? 0;
  }

  retain(node: number): void {
    this.refs[node] = (this.refs[node] as number) + 1;
  }

  /** Takes a reference back: nodes that nobody needs any more are forgotten. */
  drop(node: number): void {
    for (let at = node; at !== ROOT; ) {
      const refs = (this.refs[at] as number) - 1;
      this.refs[at] = refs;
      if (refs > 0) return;
      at = this.#forget(at);
    }
  }

  /** As people write it: flat, if it was so when it was first named. */
  nameOf(node: number): string {
    const parts: unknown[] = [];
    for (let at = node; at !== ROOT; at = this.parent[at] as number) parts.unshift(this.#parts[at]);
    return parts.length === 1 && !this.#paths.has(node) ? nameOfPart(parts[0]) : nameOfPath(parts);
  }

  /** Is it `above` itself, or somewhere below it? */
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

  /** Answers the node above it, which has lost a reference by that. */
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
