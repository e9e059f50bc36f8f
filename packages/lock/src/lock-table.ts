/**
 * Who holds which resource, who waits for it, and who comes next: the table a scheduler (or `acquire`) asks. Synchronous and
 * pure. Knows holders as small integers and nothing of tasks, slots or time.
 */
import type { Amount, Resource } from '@pexen/core';

/** A task or caller, as a small integer of 0 or more: state is kept in arrays indexed by it. */
export type Holder = number;
/** What a holder needs, compiled once. Equal needs have equal ids. */
export type DemandId = number;
/** A place in the tree of resources. 0 is the root. */
export type NodeId = number;

/** `tryTake` took everything. */
export const TAKEN = -1;
/** `tryTake` met what is reserved for `starvedHead`. */
export const RESERVED = -2;
/** No node, no holder. */
export const NONE = -1;

/** What somebody needs, all at once. The metadata of a task is one. */
export interface LockRequest {
  /** Held shared; `amount(resource, n)` takes n of its capacity (a plain use of a resource with a capacity takes 1). */
  readonly uses?: Iterable<Resource | Amount>;
  /** Held alone. A claim of a node that is used as well is a claim. */
  readonly claims?: Iterable<Resource>;
  /** Nobody else may hold anything, nor may anybody be held with nothing. Unlike a claim of `/` it never poisons. */
  readonly exclusive?: boolean;
}

export interface LockTableOptions {
  /** How many units there are of a resource; others have none to count. */
  readonly capacities?: Iterable<readonly [Resource, number]>;
  /** After so many overtakings a parked holder is starved. */
  readonly overtakings?: number;
  /**
   * May `holder` start although it takes something that is reserved for `head`? Asked when `tryTake` would answer RESERVED for a
   * holder that is not parked. Without it nobody may.
   */
  readonly mayOvertake?: (holder: Holder, head: Holder) => boolean;
}

/**
 * The life of a holder: `enrol`, then `tryTake`; where that fails, `park`. A parked holder is tried again only when the table says
 * so: whenever you have room for another, ask for the `candidate`, the best parked holder for which everything is free now,
 * and `tryTake` it: it will succeed (nobody is woken in vain, nobody is promised anything, nothing is to be given back).
 * Compare it with the best of your own that was not tried yet, and try the better one first. At the end `release`.
 *
 * @example
 * while (freeSlots > 0) {
 *   const parked = table.candidate();
 *   const next = parked !== NONE && (queue.isEmpty || isBefore(parked, queue.peek())) ? parked : queue.pop();
 *   if (table.tryTake(next) === TAKEN) start(next); else table.park(next);
 * }
 */
export class LockTable {
  constructor(_options: LockTableOptions = {}) {}

  /**
   * Names become integers here, once.
   *
   * @throws PexenError PEXEN_AMOUNT_UNKNOWN, PEXEN_AMOUNT_TOO_LARGE: an amount of something without (that much) capacity.
   */
  compile(_request: LockRequest): DemandId {
    throw new Error('not yet');
  }

  /** Gives back one `compile`; nodes that nobody needs any more are forgotten. */
  forget(_demand: DemandId): void {}

  /** The node of a resource: equal for equal nodes however they are spelled (`/a/b`, `path('a', 'b')`). Makes it if need be. */
  nodeOf(_resource: Resource): NodeId {
    throw new Error('not yet');
  }

  /** The capacity declared for the resource, if any. */
  capacityOf(_resource: Resource): number | undefined {
    throw new Error('not yet');
  }

  /**
   * Makes the holder known. Smaller `priority` goes first, then larger `rank`, then smaller holder.
   * The holder must hold nothing and not be parked.
   */
  enrol(_holder: Holder, _demand: DemandId, _priority = 0, _rank = 0): void {}

  /** A new rank, also while the holder is parked. */
  setRank(_holder: Holder, _priority: number, _rank: number): void {}

  /**
   * Takes everything the holder demands, or nothing. The answer is TAKEN, RESERVED, or the node where it met a conflict: the
   * held node, or its own where something below is held. A parked holder that succeeds is parked no more.
   *
   * A holder that kept its uses and claims (`releaseAmounts`) takes its amounts again, before any reservation.
   */
  tryTake(_holder: Holder): NodeId | typeof TAKEN | typeof RESERVED {
    throw new Error('not yet');
  }

  /** Would `tryTake` succeed now? Changes nothing. */
  canTake(_holder: Holder): boolean {
    throw new Error('not yet');
  }

  /** Lets the holder wait at the place where it meets a conflict, until it is the `candidate`. */
  park(_holder: Holder): void {}

  /**
   * Parks it no more, but keeps its place among the starved and the count of its overtakings: it is yours again, to try when you
   * like (its pool is full, say). Harmless if it was not parked.
   */
  unpark(_holder: Holder): void {}

  /** It does not want any more. Harmless if it wanted nothing. */
  withdraw(_holder: Holder): void {}

  /**
   * The parked holder to start next: everything it demands is free, and of those it has the best rank; the head of the starved goes
   * first of all. NONE if there is none. Changes nothing: ask again after each `tryTake`. What others would take in
   * vain is looked at once for each change in its way, not once a call.
   */
  candidate(): Holder | typeof NONE {
    throw new Error('not yet');
  }

  /** Gives back all that the holder holds. */
  release(_holder: Holder): void {}

  /** Gives back amounts only: an attempt ended, its uses and claims stay for the next one. */
  releaseAmounts(_holder: Holder): void {}

  /** `release`, and what it used and claimed is poisoned. `exclusive` and amounts never poison. */
  releasePoisoned(_holder: Holder): void {}

  /** Puts the holder at the end of the queue of the starved, as 64 overtakings would: it waits for a slot, say. */
  starve(_holder: Holder): void {}

  /** The only holder that has what it needs reserved, or NONE. */
  get starvedHead(): Holder | typeof NONE {
    return NONE;
  }

  /** Does anybody else, parked, need something that conflicts with what this holder takes? */
  isContended(_holder: Holder): boolean {
    throw new Error('not yet');
  }

  /** The poisoned node that forbids this demand, or NONE. Costs nothing while nothing is poisoned. */
  poisonedNode(_demand: DemandId): NodeId | typeof NONE {
    throw new Error('not yet');
  }

  /** Who poisoned the node. */
  poisonerOf(_node: NodeId): Holder | typeof NONE {
    throw new Error('not yet');
  }

  /** Heals every poisoned node at or below a claim of this demand. */
  heal(_demand: DemandId): void {}

  isHolding(_holder: Holder): boolean {
    throw new Error('not yet');
  }

  isParked(_holder: Holder): boolean {
    throw new Error('not yet');
  }
}
