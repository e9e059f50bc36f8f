/**
 * What holders need, compiled: a demand is a path of (node, want) in a trie, so that equal demands are one, and demands that begin
 * alike share their beginning. Knows not who needs it.
 */
import { type Amount, describeResource, isAmount, type Problem, type Resource, refuse } from '@pexen/core';
import { grown } from '@pexen/core/columns';
import type { ResourceTree } from './resource-tree.ts';
import { ROOT, Trie } from './trie.ts';
import { CLAIM, EXCLUSIVE, USE, USE_ONE } from './wants.ts';

/** What somebody needs, all at once. The metadata of a task is one. */
export interface LockRequest {
  /** Held shared; `amount(resource, n)` takes n of its capacity (a plain use of a resource with a capacity takes 1). */
  readonly uses?: readonly (Resource | Amount)[] | undefined;
  /** Held alone. What is used as well as claimed is claimed. */
  readonly claims?: readonly Resource[] | undefined;
  /** Nobody else may hold anything, nor be held with nothing. Unlike a claim of `/` it never poisons. */
  readonly exclusive?: boolean | undefined;
}

/** One entry of a demand. */
export interface Need {
  readonly node: number;
  readonly want: number;
}

export class Demands {
  /** Entries: the label is a node, the sort a want. The path of a demand is what it needs. */
  readonly trie: Trie = new Trie();
  /** Units taken by a want. */
  readonly counts: number[] = [0, 0, 0, 1];
  readonly #wantOf = new Map<number, number>();
  readonly #tree: ResourceTree;
  /** Scratch: the nodes of the request at hand, and how each is wanted, -1 while it is not. */
  readonly #nodes: number[] = [];
  #wants = new Int32Array(16).fill(-1);
  /** How often each node was asked for. */
  #asked = new Int32Array(16);

  constructor(tree: ResourceTree) {
    this.#tree = tree;
  }

  compile(request: LockRequest): number {
    try {
      this.#collect(request);
      return this.#enter(request.exclusive ?? false);
    } finally {
      for (let node = this.#nodes.pop(); node !== undefined; node = this.#nodes.pop()) this.#wants[node] = -1;
    }
  }

  forget(demand: number): void {
    this.trie.drop(demand, (gone) => this.#tree.drop(this.trie.label[gone] as number));
  }

  /** What a demand needs, in its order, as a list: for where it is not urgent. */
  needsOf(demand: number): Need[] {
    const { parent, label, sort } = this.trie;
    const needs: Need[] = [];
    for (let at = demand; at !== ROOT; at = parent[at] as number)
      needs.unshift({ node: label[at] as number, want: sort[at] as number });
    return needs;
  }

  #collect({ uses, claims }: LockRequest): void {
    const problems: Problem[] = [];
    if (uses !== undefined) for (const use of uses) this.#collectUse(use, problems);
    if (claims !== undefined) for (const claim of claims) this.#want(this.#tree.nodeOf(claim), CLAIM);
    refuse(problems);
  }

  #collectUse(use: Resource | Amount, problems: Problem[]): void {
    if (isAmount(use)) this.#collectAmount(use, problems);
    else {
      const node = this.#tree.nodeOf(use);
      const capacity = this.#tree.capacityOf(node);
      this.#want(node, capacity > 0 ? USE_ONE : USE);
      if (capacity > 0 && capacity < 1) problems.push(tooMuch(use, 1, capacity));
    }
  }

  #collectAmount({ resource, count }: Amount, problems: Problem[]): void {
    const node = this.#tree.nodeOf(resource);
    const capacity = this.#tree.capacityOf(node);
    const before = this.#wants[node] ?? -1;
    const sum = count + (before > USE_ONE ? (this.counts[before] as number) : 0);
    if (sum <= capacity) this.#want(node, this.#amount(sum));
    else problems.push(tooMuch(resource, sum, capacity));
  }

  #amount(count: number): number {
    const known = this.#wantOf.get(count);
    if (known !== undefined) return known;
    this.#wantOf.set(count, this.counts.length);
    return this.counts.push(count) - 1;
  }

  /** The stronger want stays: claim, amount, use. */
  #want(node: number, want: number): void {
    this.#wants = grown(this.#wants, node + 1, -1);
    const before = this.#wants[node] as number;
    if (before < 0) this.#nodes.push(node);
    else if (before === CLAIM) return;
    else if (before > USE_ONE && want === USE_ONE) return;
    this.#wants[node] = want;
  }

  /** To be exclusive is a want of its own, beside a use or claim of the root: it never poisons. */
  #enter(isExclusive: boolean): number {
    if (this.#nodes.length > 1) this.#nodes.sort((a, b) => this.#compare(a, b));
    let demand = isExclusive ? this.#child(ROOT, ROOT, EXCLUSIVE) : ROOT;
    for (const node of this.#nodes) {
      demand = this.#child(demand, node, this.#wants[node] as number);
      this.#asked = grown(this.#asked, node + 1);
      this.#asked[node] = (this.#asked[node] as number) + 1;
    }
    this.trie.retain(demand);
    return demand;
  }

  #child(parent: number, node: number, want: number): number {
    const known = this.trie.find(parent, node, want);
    if (known >= 0) return known;
    this.#tree.retain(node);
    return this.trie.make(parent, node, want);
  }

  /** What many ask for goes first, then claims: so that those who wait share the beginnings that are most often in the way. */
  #compare(a: number, b: number): number {
    const heat = this.#heat(b) - this.#heat(a);
    if (heat !== 0) return heat;
    const alone = Number(this.#wants[b] === CLAIM) - Number(this.#wants[a] === CLAIM);
    return alone === 0 ? a - b : alone;
  }

  /** In coarse steps (1, 16, 256, …), so that it seldom changes. */
  #heat(node: number): number {
    return (32 - Math.clz32(this.#asked[node] ?? 0)) >> 2;
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
