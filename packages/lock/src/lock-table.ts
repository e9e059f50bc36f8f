/**
 * The lock table that a scheduler (or `Locks`) uses: who holds which resource, who waits for it, and who is next. Synchronous and
 * pure. Knows holders as small integers; does not know tasks, slots or time.
 */
import { describeResource, type Problem, problem, type Resource, refuse } from '@pexen/core';
import { isA, type KindsOf, number, optionProblems, whole } from '@pexen/core/options';
import { BlockedQueues } from './blocked-queues.ts';
import { AffectedCounters, ConflictCheck, ConflictCounters } from './conflicts.ts';
import { FairnessQueue } from './fairness-queue.ts';
import {
  HOLDING,
  type Holder,
  Holders,
  NONE,
  type NodeId,
  PARKED,
  RESERVED,
  type RequestId,
  STARVED,
  TAKEN,
  WITHOUT_AMOUNTS,
} from './holders.ts';
import { Poison } from './poison.ts';
import { CompiledRequests, type LockRequest } from './requests.ts';
import { ResourceTree, ROOT } from './resource-tree.ts';

/** How many units there are of each resource: by name, or as pairs, for resources that are not strings. */
export type Capacities = Readonly<Record<string, number>> | Iterable<readonly [Resource, number]>;

/** Options of a lock table. */
export interface LockTableOptions {
  /** How many units there are of a resource. Resources that are not listed have no capacity, and amounts of them are refused. */
  readonly capacities?: Capacities | undefined;
  /** How many pools there are: groups of holders, each of which can be closed (`setPool`). Default 1. */
  readonly pools?: number | undefined;
  /** A parked holder is starved after this many bypasses. At least 1, default 64. */
  readonly bypasses?: number | undefined;
  /**
   * The holder that waits longest at a counter is starved after this many starts of better holders that were added after it was
   * parked. At least 1, default 512.
   */
  readonly latecomers?: number | undefined;
}

const kinds: KindsOf<LockTableOptions> = {
  capacities: isA('an object, or a list of pairs', (value) => typeof value === 'object' && value !== null),
  pools: whole(1),
  bypasses: number(1),
  latecomers: number(1),
};

/** Builds the parts of a table: for the table itself, and for the modules that describe and validate it. */
export class LockTableParts {
  readonly tree: ResourceTree = new ResourceTree();
  readonly requests: CompiledRequests = new CompiledRequests(this.tree);
  readonly affected: AffectedCounters = new AffectedCounters(this.tree, this.requests);
  readonly holders: Holders = new Holders();
  readonly conflicts: ConflictCheck;
  readonly fairness: FairnessQueue;
  readonly poison: Poison;
  /** Scratch of descriptions: counts one holder at a time, to compare another with it. */
  readonly counterpart: ConflictCounters;

  constructor(options: LockTableOptions) {
    const problems = optionProblems('locks', options, kinds);
    const { capacities = [], bypasses = 64, latecomers = 512, pools = 1 } = options ?? {};
    const { tree, requests, affected, holders } = this;
    const pairs = pairsOf(capacities);
    refuse([...problems, ...pairs.flatMap(checkCapacity)]);
    for (const [resource, capacity] of pairs) tree.declare(resource, capacity);
    const counts = (): ConflictCounters => new ConflictCounters(tree, requests, affected);
    this.conflicts = new ConflictCheck(tree, requests, counts(), counts());
    const blocked = new BlockedQueues(holders, requests, tree, affected, this.conflicts, pools);
    const limits = { bypasses, latecomers };
    this.fairness = new FairnessQueue(holders, tree, affected, this.conflicts, blocked, counts(), limits);
    this.poison = new Poison(tree, requests, counts());
    this.counterpart = counts();
  }
}

function pairsOf(capacities: Capacities): (readonly [Resource, number])[] {
  if (typeof capacities !== 'object' || capacities === null) return []; // already a problem of `kinds`
  return Symbol.iterator in capacities ? [...capacities] : Object.entries(capacities);
}

function checkCapacity([resource, capacity]: readonly [Resource, number]): Problem[] {
  if (typeof capacity === 'number' && capacity > 0) return [];
  const message = `the capacity of ${describeResource(resource)} must be a number above 0`;
  return [problem('PEXEN_BAD_OPTION', message)];
}

/** May `holder` start although it takes a resource that is reserved for `head`? */
export type MayBypass = (holder: Holder, head: Holder) => boolean;

/**
 * The life of a holder: `enrol`, then `tryTake`; where that fails, `park`. Parked holders are not polled: whenever you have room for
 * another holder, ask for the `nextRunnable`, the best parked holder whose request is free, and `tryTake` it, which succeeds.
 * Compare it with the best of your own holders that was not tried yet, and try the better one first. At the end, `release`.
 *
 * @example
 * while (freeSlots > 0) {
 *   const parked = table.nextRunnable();
 *   const next = parked !== NONE && (queue.isEmpty || isBefore(parked, queue.peek())) ? parked : queue.pop();
 *   if (table.tryTake(next) === TAKEN) start(next); else table.park(next);
 * }
 */
export class LockTable {
  /** @internal */
  readonly parts: LockTableParts;
  readonly #requests: CompiledRequests;
  readonly #holders: Holders;
  readonly #conflicts: ConflictCheck;
  readonly #fairness: FairnessQueue;
  /** The next runnable holder, while nothing has changed since. */
  #found: Holder = NONE;
  /** The holder whose `tryTake` failed last: `#conflicts` still has its conflict. */
  #met: Holder = NONE;

  constructor(options: LockTableOptions = {}) {
    this.parts = new LockTableParts(options);
    this.#requests = this.parts.requests;
    this.#holders = this.parts.holders;
    this.#conflicts = this.parts.conflicts;
    this.#fairness = this.parts.fairness;
  }

  /**
   * Translates names to integers, once.
   *
   * @throws PexenError PEXEN_AMOUNT_UNKNOWN, PEXEN_AMOUNT_TOO_LARGE: an amount of something without (that much) capacity.
   */
  compile(request: LockRequest): RequestId {
    return this.#requests.compile(request);
  }

  /** Undoes one `compile`, and forgets nodes without any other reference. No holder may hold or wait for the request. */
  forget(request: RequestId): void {
    this.#requests.forget(request);
  }

  /** There are so many units of the resource, from now on. What was compiled before does not count. Once it has a capacity, that may change. */
  declare(resource: Resource, capacity: number): void {
    this.#changed();
    this.parts.tree.declare(resource, capacity);
  }

  /** The node of a resource, the same for every spelling (`/a/b`, `path('a', 'b')`). It is never forgotten. */
  nodeOf(resource: Resource): NodeId {
    const node = this.parts.tree.nodeOf(resource);
    this.parts.tree.retain(node);
    return node;
  }

  /**
   * Adds the holder. Smaller `priority` goes first, then larger `rank`, then smaller holder. The holder must hold nothing and not be
   * parked. `added` is the moment since which it wants its request, as `tick` returned it; default now.
   */
  enrol(
    holder: Holder,
    request: RequestId,
    priority = 0,
    rank = 0,
    pool = 0,
    added: number = this.tick(),
  ): void {
    this.#holders.enrol(holder, request, priority, rank, pool, added, this.#fairness.starts);
    this.#fairness.ranked(holder, true);
  }

  /** Returns a moment later than all before, for `enrol`. */
  tick(): number {
    return this.#holders.tick();
  }

  /** Adds a pool, which is open. Returns its number. */
  addPool(): number {
    return this.parts.fairness.parked.addPool();
  }

  /**
   * Opens or closes a pool, when it has no free slot, say; at first all are open. Holders of a closed pool stay parked, but are never
   * `nextRunnable`, and starts of others do not bypass them.
   */
  setPool(pool: number, isOpen: boolean): void {
    if (this.#fairness.parked.isOpen(pool) === isOpen) return;
    this.#found = NONE;
    this.#fairness.parked.setPool(pool, isOpen);
  }

  /** Changes the rank, also of a parked holder. */
  setRank(holder: Holder, priority: number, rank: number): void {
    if (this.#holders.isRanked(holder, priority, rank)) return;
    this.#changed();
    this.#fairness.rank(holder, priority, rank);
  }

  /**
   * Takes everything the holder requests, or nothing. Returns TAKEN, RESERVED, or the node of the conflict: the held node, or its own
   * where a node below is held. A parked holder that succeeds is no longer parked.
   *
   * A holder that kept its uses and claims (`releaseAmounts`) takes its amounts again, before any reservation.
   *
   * `mayBypass` decides whether a holder that is not parked starts instead of getting RESERVED. Without it no holder does.
   */
  tryTake(holder: Holder, mayBypass?: MayBypass): NodeId | typeof TAKEN | typeof RESERVED {
    if (this.isHolding(holder)) return this.#takeAmounts(holder);
    if (holder !== this.#found && this.#isBlocked(holder, mayBypass)) {
      this.#met = holder;
      return this.#conflicts.isReservedOnly ? RESERVED : this.parts.tree.nodeAt(this.#conflicts.counter);
    }
    this.#changed();
    this.#fairness.leave(holder);
    this.#conflicts.held.count(this.#holders.requestOf(holder), 1);
    this.#holders.activate(holder);
    this.#fairness.started(holder);
    return TAKEN;
  }

  /** The holder, which holds nothing, wants this from now on, in this pool. If it is parked, it waits for that instead; its bypasses still count. */
  rebind(holder: Holder, request: RequestId, pool: number): void {
    this.#changed();
    this.#fairness.rebind(holder, request, pool);
  }

  /**
   * The holder, which is not parked, holds this instead of what it holds, in this pool; amounts as far as it holds its own. False if others hold what is
   * new in it: then nothing changes. Reservations do not count.
   */
  exchange(holder: Holder, request: RequestId, pool: number): boolean {
    const before = this.#holders.requestOf(holder);
    this.#changed();
    this.#countHeld(holder, -1);
    const isFree = !this.#conflicts.find(request, true);
    if (isFree) this.#holders.rebind(holder, request, pool);
    this.#countHeld(holder, 1);
    if (isFree && this.#fairness.count > 0) this.#fairness.recheck(before);
    return isFree;
  }

  #countHeld(holder: Holder, by: 1 | -1): void {
    const request = this.#holders.requestOf(holder);
    this.#conflicts.held.count(request, by);
    if (this.#holders.is(holder, WITHOUT_AMOUNTS))
      this.#conflicts.held.countUnits(request, by === 1 ? -1 : 1);
  }

  /** Could this be taken now, by the holder, which holds nothing of it? `isReserved`: what is reserved for others counts, too. Changes nothing. */
  isFree(request: RequestId, holder: Holder | typeof NONE = NONE, isReserved = true): boolean {
    this.#met = NONE;
    const isHead = holder !== NONE && holder === this.#fairness.head;
    return !this.#conflicts.find(request, isHead || !isReserved);
  }

  /** Do the two exclude each other? Two requests for units of one resource do, however many there are. */
  areInConflict(one: RequestId, other: RequestId): boolean {
    const { counterpart, conflicts } = this.parts;
    counterpart.count(other, 1);
    const answer = conflicts.meets(counterpart, one);
    counterpart.count(other, -1);
    return answer;
  }

  /** The node where the request meets what is held or reserved, as `tryTake` returns it; the root where nothing is in the way. */
  nodeAgainst(request: RequestId): NodeId {
    this.#met = NONE;
    const isBlocked = this.#conflicts.find(request, false);
    return isBlocked ? this.parts.tree.nodeAt(this.#conflicts.counter) : ROOT;
  }

  /** Would `tryTake` succeed now? Changes nothing. */
  canTake(holder: Holder, mayBypass?: MayBypass): boolean {
    if (this.isHolding(holder)) return this.#conflicts.hasUnits(this.#holders.requestOf(holder));
    this.#met = NONE;
    return !this.#isBlocked(holder, mayBypass);
  }

  /** Lets the holder wait in the queue of the counter that blocks it, until it is the `nextRunnable`. */
  park(holder: Holder): void {
    if (this.isParked(holder)) return;
    if (this.#met !== holder) this.#conflicts.find(this.#holders.requestOf(holder), false);
    this.#changed();
    this.#fairness.park(holder);
  }

  /** Gives up waiting. Harmless if the holder does not wait. It keeps what it holds. */
  withdraw(holder: Holder): void {
    this.#changed();
    const wasHead = holder === this.#fairness.head;
    this.#fairness.leave(holder);
    if (wasHead) this.#fairness.recheck(this.#holders.requestOf(holder));
    this.#fairness.elect();
  }

  /**
   * The parked holder to start next, or NONE: the best one whose pool is open and whose request is free; the head of the starved goes
   * before all others. Ask again after each `tryTake`.
   */
  nextRunnable(): Holder | typeof NONE {
    if (this.#found !== NONE) return this.#found;
    this.#met = NONE;
    this.#found = this.#fairness.nextRunnable();
    return this.#found;
  }

  /** Could no holder take the request while exactly these others were held? Whatever is held now does not count. */
  isBlockedBy(request: RequestId, others: readonly RequestId[]): boolean {
    const { counterpart, conflicts } = this.parts;
    for (const other of others) counterpart.count(other, 1);
    const isBlocked = conflicts.isBlockedBy(counterpart, request);
    for (const other of others) counterpart.count(other, -1);
    return isBlocked;
  }

  /** Releases everything that the holder holds. */
  release(holder: Holder): void {
    if (!this.isHolding(holder)) return;
    this.#changed();
    const request = this.#holders.requestOf(holder);
    this.#fairness.unpark(holder);
    if (this.#holders.is(holder, WITHOUT_AMOUNTS)) this.#conflicts.held.countUnits(request, 1);
    this.#conflicts.held.count(request, -1);
    this.#holders.deactivate(holder);
    if (this.#fairness.count > 0) this.#fairness.recheck(request);
  }

  /** Releases amounts only: between two attempts of a task, its uses and claims stay. */
  releaseAmounts(holder: Holder): void {
    if (!this.isHolding(holder) || this.#holders.is(holder, WITHOUT_AMOUNTS)) return;
    this.#changed();
    const request = this.#holders.requestOf(holder);
    this.#conflicts.held.countUnits(request, -1);
    this.#holders.add(holder, WITHOUT_AMOUNTS);
    if (this.#fairness.count > 0) this.#fairness.recheck(request);
  }

  /** Releases everything, and poisons what the holder used and claimed. `exclusive` and amounts never poison. */
  releasePoisoned(holder: Holder): void {
    if (!this.isHolding(holder)) return;
    this.parts.poison.add(this.#holders.requestOf(holder), holder);
    this.release(holder);
  }

  /** Puts the holder at the end of the queue of the starved, as too many bypasses would. */
  starve(holder: Holder): void {
    if (this.#holders.is(holder, STARVED | HOLDING)) return;
    this.#changed();
    this.#fairness.starve(holder);
  }

  /** The only holder whose request is reserved, or NONE. */
  get starvedHead(): Holder | typeof NONE {
    return this.#fairness.head;
  }

  /** Does any other parked holder want something that conflicts with this holder's request? */
  isContended(holder: Holder): boolean {
    return this.#fairness.isContended(holder);
  }

  /** The poisoned node that conflicts with this request, or NONE. Costs nothing while nothing is poisoned. */
  poisonedNode(request: RequestId): NodeId | typeof NONE {
    return this.parts.poison.nodeFor(request);
  }

  /** The holder that poisoned the node. */
  poisonerOf(node: NodeId): Holder | typeof NONE {
    return this.parts.poison.poisonerOf(node);
  }

  /** Marks what the request uses and claims as left in an unknown state, by a holder or by nothing that is known. */
  poison(request: RequestId, by: Holder | typeof NONE): void {
    this.#changed();
    this.parts.poison.add(request, by);
  }

  /** Clears the poison of every node at or below a claim of this request. */
  clearPoison(request: RequestId): void {
    this.parts.poison.clearPoison(request);
  }

  /** What the holder holds, or wants. */
  requestOf(holder: Holder): RequestId {
    return this.#holders.requestOf(holder);
  }

  /** Does it hold its request (perhaps without its amounts)? */
  isHolding(holder: Holder): boolean {
    return this.#holders.is(holder, HOLDING);
  }

  isParked(holder: Holder): boolean {
    return this.#holders.is(holder, PARKED);
  }

  #isBlocked(holder: Holder, mayBypass?: MayBypass): boolean {
    const { head } = this.#fairness;
    if (!this.#conflicts.find(this.#holders.requestOf(holder), holder === head)) return false;
    if (!this.#conflicts.isReservedOnly || this.isParked(holder)) return true;
    return mayBypass === undefined || !mayBypass(holder, head);
  }

  #takeAmounts(holder: Holder): NodeId | typeof TAKEN {
    if (!this.#holders.is(holder, WITHOUT_AMOUNTS)) return TAKEN;
    const request = this.#holders.requestOf(holder);
    if (!this.#conflicts.hasUnits(request)) return this.parts.tree.nodeAt(this.#conflicts.counter);
    this.#changed();
    this.#fairness.unpark(holder);
    this.#conflicts.held.countUnits(request, 1);
    this.#holders.remove(holder, WITHOUT_AMOUNTS);
    return TAKEN;
  }

  #changed(): void {
    this.#found = NONE;
    this.#met = NONE;
  }
}
