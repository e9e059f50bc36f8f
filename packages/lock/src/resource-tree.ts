/** Names of resources become nodes of one tree, as integers. Knows no holders. */
import type { Resource } from '@pexen/core';
import { grown } from './columns.ts';
import { isResourcePath, nameOfPath, partsOf } from './resource-path.ts';
import { ROOT, Trie } from './trie.ts';

export class ResourceTree {
  /** Nodes: the label is a part, as an integer. */
  readonly nodes: Trie = new Trie();
  /** Units there are of a node, if any are declared at all; 0 is no capacity. */
  capacity: Float64Array = new Float64Array(0);
  readonly #idOf = new Map<unknown, number>();
  readonly #parts: unknown[] = [];
  #uses = new Int32Array(16);
  /** Nodes right below the root that were first named by a path. */
  readonly #paths = new Set<number>();
  readonly #freeIds: number[] = [];

  /** The node of a resource, made without any reference if it was not there. */
  nodeOf(resource: Resource): number {
    if (typeof resource === 'string' && resource.charCodeAt(0) !== SLASH)
      return this.#child(ROOT, resource, false);
    const isPath = typeof resource === 'string' || isResourcePath(resource);
    let node = ROOT;
    for (const part of partsOf(resource)) node = this.#child(node, part, isPath);
    return node;
  }

  /** The node of a resource if somebody has named it, else -1. */
  find(resource: Resource): number {
    let node = ROOT;
    for (const part of partsOf(resource)) {
      const id = this.#idOf.get(part);
      node = id === undefined ? -1 : this.nodes.find(node, id, 0);
      if (node < 0) return -1;
    }
    return node;
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
    this.nodes.retain(node);
  }

  /** Takes a reference back: nodes that nobody needs any more are forgotten. */
  drop(node: number): void {
    this.nodes.drop(node, (gone) => {
      this.#paths.delete(gone);
      this.#forgetPart(this.nodes.label[gone] as number);
    });
  }

  /** As people write it: flat, if it was so when it was first named. */
  nameOf(node: number): string {
    const parts = this.partsOf(node);
    return parts.length === 1 && !this.#paths.has(node) ? String(parts[0]) : nameOfPath(parts);
  }

  /** The way from the root. */
  partsOf(node: number): unknown[] {
    const parts: unknown[] = [];
    for (let at = node; at !== ROOT; at = this.nodes.parent[at] as number)
      parts.push(this.#parts[this.nodes.label[at] as number]);
    return parts.reverse();
  }

  /** Is it `above` itself, or somewhere below it? */
  isWithin(node: number, above: number): boolean {
    let at = node;
    while (at !== above && at !== ROOT) at = this.nodes.parent[at] as number;
    return at === above;
  }

  #child(parent: number, part: unknown, isPath: boolean): number {
    const id = this.#idOf.get(part) ?? this.#newPart(part);
    const known = this.nodes.find(parent, id, 0);
    if (known >= 0) return known;
    this.#uses[id] = (this.#uses[id] as number) + 1;
    const child = this.nodes.make(parent, id, 0);
    if (isPath && parent === ROOT) this.#paths.add(child);
    return child;
  }

  #newPart(part: unknown): number {
    const id = this.#freeIds.pop() ?? this.#parts.length;
    this.#parts[id] = part;
    this.#idOf.set(part, id);
    this.#uses = grown(this.#uses, id + 1);
    return id;
  }

  #forgetPart(id: number): void {
    const uses = (this.#uses[id] as number) - 1;
    this.#uses[id] = uses;
    if (uses > 0) return;
    this.#idOf.delete(this.#parts[id]);
    this.#parts[id] = undefined;
    this.#freeIds.push(id);
  }
}

const SLASH = 47;
