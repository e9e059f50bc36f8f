/**
 * Compiled requests: a request is a path of entries (a node and a mode) in a trie, so that equal requests have one id, and requests that
 * start with the same entries share their prefix. Does not know holders.
 */

import { type Amount, describeResource, isAmount, type Problem, type Resource, refuse } from '@pexen/core';
import { grown } from '@pexen/core/columns';
import { BESIDE, CLAIM, EXCLUSIVE, type ResourceTree, ROOT, USE, USE_ONE } from './resource-tree.ts';

/**
 * Paths of integers, each prefix stored once: an entry is its parent and two numbers. An entry is removed with its last reference. Does
 * not know what the numbers mean.
 */
export class Trie {
  parent: Int32Array = new Int32Array(16).fill(-1);
  label: Int32Array = new Int32Array(16);
  sort: Int32Array = new Int32Array(16);
  /** Length of the path. */
  depth: Int32Array = new Int32Array(16);
  /** References from outside, and one for each child. */
  refs: Int32Array = new Int32Array(16);
  /** Ids are below this. */
  size = 1;
  #buckets = new Int32Array(16).fill(-1);
  #chain = new Int32Array(16);
  #used = 0;
  #free = -1;

  /** The child with these numbers, or -1. */
  find(parent: number, label: number, sort: number): number {
    let at = this.#buckets[hash(parent, label, sort) & (this.#buckets.length - 1)] as number;
    while (at >= 0 && !(this.label[at] === label && this.parent[at] === parent && this.sort[at] === sort))
      at = this.#chain[at] as number;
    return at;
  }

  /** Makes a child, with no reference to it. It must not exist yet. */
  make(parent: number, label: number, sort: number): number {
    if (this.#used >= this.#buckets.length) this.#rehash();
    const entry = this.#take();
    this.parent[entry] = parent;
    this.label[entry] = label;
    this.sort[entry] = sort;
    this.depth[entry] = (this.depth[parent] as number) + 1;
    this.refs[entry] = 0;
    this.retain(parent);
    this.#link(entry);
    return entry;
  }

  retain(entry: number): void {
    this.refs[entry] = (this.refs[entry] as number) + 1;
  }

  /** Drops one reference. Calls `forget` with each entry that is removed by that, children first, while it can still be read. */
  drop(entry: number, forget: (gone: number) => void): void {
    let at = entry;
    while (at !== ROOT) {
      const refs = (this.refs[at] as number) - 1;
      this.refs[at] = refs;
      if (refs > 0) return;
      forget(at);
      const parent = this.parent[at] as number;
      this.#remove(at);
      at = parent;
    }
  }

  /** An unused id. */
  #take(): number {
    this.#used++;
    const entry = this.#free;
    if (entry >= 0) {
      this.#free = this.#chain[entry] as number;
      return entry;
    }
    const size = this.size + 1;
    this.parent = grown(this.parent, size);
    this.label = grown(this.label, size);
    this.sort = grown(this.sort, size);
    this.depth = grown(this.depth, size);
    this.refs = grown(this.refs, size);
    this.#chain = grown(this.#chain, size);
    return this.size++;
  }

  #link(entry: number): void {
    const bucket = this.#bucketOf(entry);
    this.#chain[entry] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = entry;
  }

  #remove(entry: number): void {
    const bucket = this.#bucketOf(entry);
    const next = this.#chain[entry] as number;
    if (this.#buckets[bucket] === entry) this.#buckets[bucket] = next;
    else {
      let at = this.#buckets[bucket] as number;
      while (this.#chain[at] !== entry) at = this.#chain[at] as number;
      this.#chain[at] = next;
    }
    this.#used--;
    this.parent[entry] = -1;
    this.#chain[entry] = this.#free;
    this.#free = entry;
  }

  #rehash(): void {
    this.#buckets = new Int32Array(this.#buckets.length * 4).fill(-1);
    for (let entry = 1; entry < this.size; entry++)
      if ((this.parent[entry] as number) >= 0) this.#link(entry);
  }

  #bucketOf(entry: number): number {
    const hashed = hash(
      this.parent[entry] as number,
      this.label[entry] as number,
      this.sort[entry] as number,
    );
    return hashed & (this.#buckets.length - 1);
  }
}

function hash(parent: number, label: number, sort: number): number {
  const mixed = Math.imul(parent, 0x9e3779b1) ^ Math.imul(label, 0x85ebca6b) ^ Math.imul(sort, 0xc2b2ae35);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 8;
}

/** What a holder needs, all at once. The metadata of a task is a request. */
export interface LockRequest {
  /** Held shared; `amount(resource, n)` takes n units of its capacity (a plain use of a resource with a capacity takes 1). */
  readonly uses?: readonly (Resource | Amount)[] | undefined;
  /** Held alone. What is used as well as claimed is claimed. */
  readonly claims?: readonly Resource[] | undefined;
  /** No other holder is active meanwhile, not even one that needs nothing. Unlike a claim of `/` it never poisons. */
  readonly exclusive?: boolean | undefined;
  /** An exclusive holder may be active at the same time if this one was first. What this one uses and claims counts as usual. */
  readonly beside?: boolean | undefined;
}

/** One entry of a request. */
export interface Entry {
  readonly node: number;
  readonly mode: number;
}

/** Compiles requests into paths of the trie, and reads them back. */
export class CompiledRequests {
  /** The label of an entry is its node, the sort its mode. */
  readonly trie: Trie = new Trie();
  /** How many units a mode takes. */
  readonly counts: number[] = [0, 0, 0, 0, 1];
  readonly #modeOf = new Map<number, number>();
  readonly #tree: ResourceTree;
  /** Scratch: the nodes of the request at hand, and the mode of each, -1 of all other nodes. */
  readonly #nodes: number[] = [];
  #modes = new Int32Array(16).fill(-1);
  /** How often each node was requested. */
  #requested = new Int32Array(16);

  constructor(tree: ResourceTree) {
    this.#tree = tree;
  }

  compile(request: LockRequest): number {
    try {
      this.#collect(request);
      return this.#enter(request.exclusive ? EXCLUSIVE : request.beside ? BESIDE : undefined);
    } finally {
      for (let node = this.#nodes.pop(); node !== undefined; node = this.#nodes.pop()) this.#modes[node] = -1;
    }
  }

  forget(request: number): void {
    this.trie.drop(request, (gone) => this.#tree.drop(this.trie.label[gone] as number));
  }

  /** The entries of a request, in its order, as a list. Not for the hot path. */
  entriesOf(request: number): Entry[] {
    const { parent, label, sort } = this.trie;
    const entries: Entry[] = [];
    for (let at = request; at !== ROOT; at = parent[at] as number)
      entries.unshift({ node: label[at] as number, mode: sort[at] as number });
    return entries;
  }

  #collect({ uses, claims }: LockRequest): void {
    const problems: Problem[] = [];
    if (uses !== undefined) for (const use of uses) this.#collectUse(use, problems);
    if (claims !== undefined) for (const claim of claims) this.#addMode(this.#tree.nodeOf(claim), CLAIM);
    refuse(problems);
  }

  #collectUse(use: Resource | Amount, problems: Problem[]): void {
    if (isAmount(use)) this.#collectAmount(use, problems);
    else {
      const node = this.#tree.nodeOf(use);
      const capacity = this.#tree.capacityOf(node);
      this.#addMode(node, capacity > 0 ? USE_ONE : USE);
      if (capacity > 0 && capacity < 1) problems.push(tooMuch(use, 1, capacity));
    }
  }

  #collectAmount({ resource, count }: Amount, problems: Problem[]): void {
    const node = this.#tree.nodeOf(resource);
    const capacity = this.#tree.capacityOf(node);
    const before = this.#modes[node] ?? -1;
    const sum = count + (before > USE_ONE ? (this.counts[before] as number) : 0);
    if (sum <= capacity) this.#addMode(node, this.#amount(sum));
    else problems.push(tooMuch(resource, sum, capacity));
  }

  #amount(count: number): number {
    const known = this.#modeOf.get(count);
    if (known !== undefined) return known;
    this.#modeOf.set(count, this.counts.length);
    return this.counts.push(count) - 1;
  }

  /** Keeps the stronger mode: claim, amount, use. */
  #addMode(node: number, mode: number): void {
    this.#modes = grown(this.#modes, node + 1, -1);
    const before = this.#modes[node] as number;
    if (before < 0) this.#nodes.push(node);
    else if (before === CLAIM) return;
    else if (before > USE_ONE && mode === USE_ONE) return;
    this.#modes[node] = mode;
  }

  /** EXCLUSIVE and BESIDE are entries of their own, beside a use or claim of the root: they never poison. */
  #enter(mode: typeof EXCLUSIVE | typeof BESIDE | undefined): number {
    if (this.#nodes.length > 1) this.#nodes.sort((a, b) => this.#compare(a, b));
    let request = mode === undefined ? ROOT : this.#child(ROOT, ROOT, mode);
    for (const node of this.#nodes) {
      request = this.#child(request, node, this.#modes[node] as number);
      this.#requested = grown(this.#requested, node + 1);
      this.#requested[node] = (this.#requested[node] as number) + 1;
    }
    this.trie.retain(request);
    return request;
  }

  #child(parent: number, node: number, mode: number): number {
    const known = this.trie.find(parent, node, mode);
    if (known >= 0) return known;
    this.#tree.retain(node);
    return this.trie.make(parent, node, mode);
  }

  /** Popular nodes go first, then claims: parked holders share the prefixes that are blocked most often. */
  #compare(a: number, b: number): number {
    const popularity = this.#popularity(b) - this.#popularity(a);
    if (popularity !== 0) return popularity;
    const alone = Number(this.#modes[b] === CLAIM) - Number(this.#modes[a] === CLAIM);
    return alone === 0 ? a - b : alone;
  }

  /** How popular a node is, in coarse steps (1, 16, 256, …), so that this seldom changes. */
  #popularity(node: number): number {
    return (32 - Math.clz32(this.#requested[node] ?? 0)) >> 2;
  }
}

function tooMuch(resource: Resource, count: number, capacity: number): Problem {
  const name = describeResource(resource);
  const entry = typeof resource === 'string' ? `{ ${name}: ${count} }` : `[[it, ${count}]]`;
  const isKnown = capacity > 0;
  return {
    code: isKnown ? 'PEXEN_AMOUNT_TOO_LARGE' : 'PEXEN_AMOUNT_UNKNOWN',
    message: `takes ${count} of ${name}, which has ${isKnown ? capacity : 'no capacity'}`,
    hint: `${isKnown ? 'Take less, or declare' : 'Declare'} capacities: ${entry}.`,
  };
}
