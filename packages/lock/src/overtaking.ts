/**
 * Counts the overtakings: starts of worse rank that took what somebody waits for. At the limit a holder is starved. What is starved
 * is not counted any more. Knows not what becomes of the starved.
 */
import { grown } from './columns.ts';
import { CLAIM, type Demands, EXCLUSIVE, USE_ONE } from './demands.ts';
import type { Holders } from './holders.ts';
import { type Holder, NONE } from './ids.ts';
import type { Parking } from './parking.ts';
import type { ResourceTree } from './resource-tree.ts';
import { CLAIMED, CLAIMED_BELOW, EXCLUDED, HELD, HELD_BELOW, INHABITED, nodeOf, SPENT } from './spot.ts';
import { ROOT } from './trie.ts';

/** Who waits at a node for what a claim, a share, a share with units takes away: kinds of spots, a bit each … */
const BY_CLAIM = bits(CLAIMED, HELD, CLAIMED_BELOW, HELD_BELOW, SPENT);
const BY_SHARE = bits(HELD, HELD_BELOW);
const BY_UNITS = bits(HELD, HELD_BELOW, SPENT);
/** … and who waits so at the nodes above. */
const BY_CLAIM_BELOW = bits(CLAIMED_BELOW, HELD_BELOW);
const BY_SHARE_BELOW = bits(HELD_BELOW);
const BY_EXCLUSIVE = bits(EXCLUDED);
const BY_ANYBODY = bits(INHABITED);

const NOBODY: readonly Holder[] = [];

export class Overtaking {
  /** Starts so far: they are numbered from 1. */
  starts = 0;
  readonly #holders: Holders;
  readonly #demands: Demands;
  readonly #tree: ResourceTree;
  readonly #limit: number;
  /** Of a node, the last start that took it or something below it while others waited. */
  #lastTaker = new Int32Array(16).fill(NONE);
  /** Scratch: those that the start at hand overtakes. */
  readonly #overtaken: Holder[] = [];

  constructor(holders: Holders, demands: Demands, tree: ResourceTree, limit: number) {
    this.#holders = holders;
    this.#demands = demands;
    this.#tree = tree;
    this.#limit = limit;
  }

  /** The holder has just taken what it demands. Answers those parked that are starved by that, best first. */
  start(holder: Holder, parking: Parking): readonly Holder[] {
    this.#holders.start[holder] = ++this.starts;
    return parking.count === 0 ? NOBODY : this.#starvedBy(holder, parking);
  }

  /**
   * A parked holder found that its way is blocked elsewhere now. True if that starves it. Without this two streams could take turns
   * in blocking it, each while it waits for the other.
   */
  moved(holder: Holder, spot: number): boolean {
    const taker = this.#lastTaker[nodeOf(spot)] ?? NONE;
    if (taker === NONE || this.#holders.isBefore(taker, holder)) return false;
    const isLater = (this.#holders.start[taker] as number) > (this.#holders.since[holder] as number);
    return isLater && this.#count(holder);
  }

  #starvedBy(holder: Holder, parking: Parking): readonly Holder[] {
    const overtaken = this.#overtaken;
    this.#collect(holder, parking);
    if (overtaken.length === 0) return NOBODY;
    const { counted } = this.#holders;
    let starved = 0;
    for (const other of overtaken) {
      if (counted[other] === this.starts) continue;
      counted[other] = this.starts;
      if (this.#count(other)) overtaken[starved++] = other;
    }
    const all = starved === 0 ? NOBODY : overtaken.slice(0, starved);
    overtaken.length = 0;
    return starved < 2 ? all : all.toSorted((a, b) => (this.#holders.isBefore(a, b) ? -1 : 1));
  }

  #collect(holder: Holder, parking: Parking): void {
    const { parent, label, sort } = this.#demands.trie;
    const demand = this.#holders.demand[holder] as number;
    parking.collectBetter(ROOT, BY_ANYBODY, holder, this.#overtaken);
    for (let at = demand; at !== ROOT; at = parent[at] as number)
      this.#collectEntry(label[at] as number, sort[at] as number, holder, parking);
  }

  #collectEntry(node: number, want: number, holder: Holder, parking: Parking): void {
    this.#visit(node, kindsOf(want), holder, parking);
    const kinds = want === CLAIM ? BY_CLAIM_BELOW : BY_SHARE_BELOW;
    const { parent } = this.#tree.nodes;
    for (let at = node; at !== ROOT; ) {
      at = parent[at] as number;
      this.#visit(at, kinds, holder, parking);
    }
  }

  #visit(node: number, kinds: number, holder: Holder, parking: Parking): void {
    if (node >= this.#lastTaker.length) this.#lastTaker = grown(this.#lastTaker, node + 1, NONE);
    this.#lastTaker[node] = holder;
    parking.collectBetter(node, kinds, holder, this.#overtaken);
  }

  #count(holder: Holder): boolean {
    const count = (this.#holders.overtaken[holder] as number) + 1;
    this.#holders.overtaken[holder] = count;
    return count >= this.#limit;
  }
}

function kindsOf(want: number): number {
  if (want === EXCLUSIVE) return BY_EXCLUSIVE;
  if (want === CLAIM) return BY_CLAIM;
  return want >= USE_ONE ? BY_UNITS : BY_SHARE;
}

function bits(...kinds: number[]): number {
  return kinds.reduce((all, kind) => all | (1 << kind), 0);
}
