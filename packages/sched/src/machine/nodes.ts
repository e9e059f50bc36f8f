/** The nodes of a pool as the machine sees them: which are there, what they fulfil, and how full they are. */
import type { PoolNode } from '@pexen/core';
import { ANYWHERE, type ConstraintId, type NodeAnswer } from '../plan/placement.ts';

/** One node in one boot, from when it joins until it leaves. */
export class NodeRow {
  /** Of all nodes and boots of its pool. */
  readonly number: number;
  readonly name: string;
  readonly bootMark: string;
  /** 0: it takes no attempts for now. */
  slots = 0;
  /** Attempts that were dispatched to it and are not settled, without services. */
  dispatched = 0;
  /** Executions of set-ups that are about to be added. Until then nothing else starts there, since they may go first. */
  ordered = 0;
  /** Services that were dispatched to it and are not settled. */
  services = 0;
  /** Whether it fulfils each constraint, and what it lacks. */
  answers: readonly NodeAnswer[] = [];
  /** How many units it has of each resource of nodes. */
  units: readonly number[] = [];
  hasLeft = false;

  constructor(number: number, name: string, bootMark: string) {
    this.number = number;
    this.name = name;
    this.bootMark = bootMark;
  }

  /** What it lacks for the constraint. */
  lacks(constraint: ConstraintId): string {
    const answer = constraint === ANYWHERE ? true : (this.answers[constraint] ?? 'was not asked yet');
    return answer === true ? 'takes no attempts now' : answer;
  }

  /** It fulfils the constraint. */
  fulfils(constraint: ConstraintId): boolean {
    return constraint === ANYWHERE || this.answers[constraint] === true;
  }

  get hasSlot(): boolean {
    return this.ordered === 0 && this.dispatched < this.slots;
  }

  get freeSlots(): number {
    return this.slots - this.dispatched;
  }
}

/** Which nodes count. */
export type Admits = (node: NodeRow) => boolean;

export const everyNode: Admits = () => true;

/** The nodes of one pool. */
export class Nodes {
  /** How many attempts each may have beyond its slots. */
  readonly #spare: number;
  readonly #all = new Map<string, NodeRow>();
  /** Those that have left, too: one that comes back in the same boot is the same. */
  readonly #known = new Map<string, NodeRow>();
  #rows = 0;

  constructor(spare: number) {
    this.#spare = spare;
  }

  /** In the order in which they joined. */
  get all(): Iterable<NodeRow> {
    return this.#all.values();
  }

  get slots(): number {
    let slots = 0;
    for (const node of this.#all.values()) slots += node.slots;
    return slots;
  }

  /** How many further attempts the nodes could have. Those with fewer slots than attempts have no places, and take none from others. */
  get freePlaces(): number {
    let free = 0;
    for (const { slots, dispatched } of this.#all.values())
      if (slots > 0) free += Math.max(0, slots + this.#spare - dispatched);
    return free;
  }

  /** It has joined, or something about it has changed. After a boot it is another one. */
  change(
    { name, slots, bootMark }: PoolNode,
    answers: readonly NodeAnswer[],
    units: readonly number[] = [],
  ): NodeRow {
    if (this.#all.get(name)?.bootMark !== bootMark) this.leave(name);
    const known = this.#known.get(name);
    const node = known?.bootMark === bootMark ? known : new NodeRow(this.#rows++, name, bootMark);
    this.#known.set(name, node);
    this.#all.set(name, node);
    // A fact that was on its way when further constraints came does not know them.
    return Object.assign(node, {
      hasLeft: false,
      slots,
      units,
      answers: [...answers, ...node.answers.slice(answers.length)],
    });
  }

  /** It is gone. What it has not settled is still on its way. */
  leave(name: string): NodeRow | undefined {
    const node = this.#all.get(name);
    this.#all.delete(name);
    return node && Object.assign(node, { slots: 0, hasLeft: true });
  }

  /** The node of this name, also if it has left. */
  named(name: string): NodeRow {
    return this.#all.get(name) ?? Object.assign(new NodeRow(this.#rows++, name, ''), { hasLeft: true });
  }

  /** The pool was closed. */
  clear(): void {
    for (const name of [...this.#all.keys()]) this.leave(name);
  }

  /** Some node of these takes attempts, even if it is full. */
  has(admits: Admits): boolean {
    for (const node of this.#all.values()) if (node.slots > 0 && admits(node)) return true;
    return false;
  }

  hasSlot(admits: Admits): boolean {
    for (const node of this.#all.values()) if (node.hasSlot && admits(node)) return true;
    return false;
  }

  hasPlace(admits: Admits): boolean {
    for (const node of this.#all.values()) if (this.#hasPlace(node) && admits(node)) return true;
    return false;
  }

  /**
   * The node that gets the next attempt of those that may run on these: one with a free slot if there is one, then the one that the fewest others
   * ask for, which `demand` returns, then the one with the most free slots.
   */
  choose(admits: Admits, demand: (node: NodeRow) => number): NodeRow | undefined {
    let best: NodeRow | undefined;
    let bestDemand = 0;
    for (const node of this.#all.values()) {
      if (!this.#hasPlace(node) || !admits(node)) continue;
      const wanted = demand(node);
      if (best !== undefined && !isBetter(node, wanted, best, bestDemand)) continue;
      best = node;
      bestDemand = wanted;
    }
    return best;
  }

  /** The node of a service, which runs beside the slots: the one with the fewest services. */
  chooseForService(admits: Admits): NodeRow | undefined {
    let best: NodeRow | undefined;
    for (const node of this.#all.values())
      if (node.slots > 0 && admits(node) && (best === undefined || node.services < best.services))
        best = node;
    return best;
  }

  #hasPlace({ slots, dispatched, ordered }: NodeRow): boolean {
    return ordered === 0 && slots > 0 && dispatched < slots + this.#spare;
  }
}

function isBetter(node: NodeRow, demand: number, other: NodeRow, otherDemand: number): boolean {
  if (node.hasSlot !== other.hasSlot) return node.hasSlot;
  return demand === otherDemand ? node.freeSlots > other.freeSlots : demand < otherDemand;
}
