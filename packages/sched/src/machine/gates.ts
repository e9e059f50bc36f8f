/**
 * What the gates of the graph have seen so far: which are open, which can never open, and what that means for the tasks behind
 * them. Knows nothing of locks, pools or time.
 */
import { bytes, ints, Table } from '@pexen/core/columns';
import { type GateId, type Graph, NEEDS_ALL } from '../plan/graph.ts';
import { BAD, PARKED, PROVIDED, READY, type TaskTable, WAITING } from './task-table.ts';

/** What is remembered of a capability that was torn down. */
interface Withdrawal {
  readonly gone: ReadonlySet<number>;
  /** The tasks before this one had it: so many there were when it was torn down last after it had been met. */
  readonly taskCount: number;
}

/** Where a feeder stands when its edge is linked. */
const PENDING = 0;
const MISSED = 1;
const GIVEN = 2;

export class Gates extends Table {
  readonly #graph: Graph;
  readonly #tasks: TaskTable;
  /** Feeders that are not over yet. */
  pending: Int32Array = ints();
  /** Feeders of a requirement that gave what they provide. */
  hits: Int32Array = ints();
  /** Feeders of a requirement that did not; of other gates, those that ended badly. */
  misses: Int32Array = ints();
  /** A requirement that is met stays met. */
  isMet: Uint8Array = bytes();
  /** To be taken by the machine: tasks that nothing keeps any more … */
  readonly released: number[] = [];
  /** … tasks that were free to start and are not any more … */
  readonly held: number[] = [];
  /** … and gates that became impossible. */
  readonly impossible: GateId[] = [];
  /** Who met a requirement first; where it takes several, all are in `#met`. */
  firstMet: Int32Array = ints();
  readonly #met = new Map<GateId, number[]>();
  /** Capabilities that were torn down, and those who had given them. */
  readonly #withdrawn = new Map<GateId, Withdrawal>();
  /** So many edges are linked. */
  #feeds = 0;
  #waits = 0;
  #relays = 0;

  constructor(graph: Graph, tasks: TaskTable) {
    super();
    this.#graph = graph;
    this.#tasks = tasks;
  }

  /** Takes in the gates and edges that the graph got since. The new tasks have to be in the table. */
  link(): void {
    const { feeds, waits, relays } = this.#graph;
    this.reserve(this.#graph.gateCount);
    for (const stage of [PENDING, MISSED, GIVEN]) if (!this.#linkFeeds(stage)) break;
    this.#feeds = feeds.size;
    while (this.#relays < relays.size) {
      const edge = ++this.#relays;
      if (!this.isOpen(relays.in.end[edge] as number)) this.#close(relays.out.end[edge] as number);
    }
    while (this.#waits < waits.size) {
      const edge = ++this.#waits;
      if (!this.isOpen(waits.in.end[edge] as number)) this.#hold(waits.out.end[edge] as number);
    }
  }

  /** Does nobody have to wait for the gate any more? */
  isOpen(gate: GateId): boolean {
    return this.#graph.isRequirement(gate) ? this.isMet[gate] === 1 : this.pending[gate] === 0;
  }

  /** Can the requirement not be met by the tasks that there are? */
  isImpossible(gate: GateId): boolean {
    if (this.isMet[gate] === 1 || !this.#graph.isRequirement(gate)) return false;
    if (this.#graph.kind[gate] === NEEDS_ALL) return (this.misses[gate] as number) > 0;
    return (this.hits[gate] as number) + (this.pending[gate] as number) < (this.#graph.need[gate] as number);
  }

  /** Was it met before all came who feed it now, or by what was torn down since? Then tasks added from now on ask again. */
  isOutdated(gate: GateId): boolean {
    if (this.isMet[gate] !== 1) return false;
    if (this.hasWithdrawn && this.metBy(gate).some((task) => this.isVoid(task, gate))) return true;
    if (this.#graph.kind[gate] !== NEEDS_ALL) return false;
    return this.hits[gate] !== this.#graph.feeds.in.ends(gate).length;
  }

  /** The first gate of the task that is closed, or impossible; -1 if there is none. */
  closedGate(task: number, impossible = false): GateId {
    const { waits } = this.#graph;
    for (let edge = waits.in.first(task); edge !== 0; edge = waits.in.next[edge] as number) {
      const gate = waits.in.end[edge] as number;
      if (impossible ? this.isImpossible(gate) : !this.isOpenFor(task, gate)) return gate;
    }
    return -1;
  }

  /** How many of the task's gates are closed. */
  countClosed(task: number): number {
    return this.#graph.waits.in.ends(task).filter((gate) => !this.isOpenFor(task, gate)).length;
  }

  /** Does the task not wait for the gate? What was torn down was met for all that required it before. */
  isOpenFor(task: number, gate: GateId): boolean {
    return this.isOpen(gate) || task < this.#countBefore(gate);
  }

  /** Who met the requirement, in order of declaration. */
  metBy(gate: GateId): readonly number[] {
    if (this.isMet[gate] !== 1) return [];
    return this.#met.get(gate) ?? [this.firstMet[gate] as number];
  }

  /** The task is over. What that does is in the lists. */
  ended(task: number): void {
    const { feeds } = this.#graph;
    for (let edge = feeds.out.first(task); edge !== 0; edge = feeds.out.next[edge] as number) {
      const gate = feeds.out.end[edge] as number;
      if (this.#graph.isRequirement(gate)) {
        this.pending[gate] = (this.pending[gate] as number) - 1;
        this.#count(gate, task);
      } else {
        if (this.#tasks.has(task, BAD)) this.misses[gate] = (this.misses[gate] as number) + 1;
        this.#open(gate);
      }
    }
  }

  /** Was any capability torn down? */
  get hasWithdrawn(): boolean {
    return this.#withdrawn.size > 0;
  }

  /** The capability is torn down: who met it does not count any more. */
  withdraw(gate: GateId): void {
    const gone = this.#graph.feeds.in.ends(gate).filter((feeder) => this.#tasks.isDone(feeder));
    const taskCount = this.isMet[gate] === 1 ? this.#tasks.count : this.#countBefore(gate);
    this.#withdrawn.set(gate, { gone: new Set(gone), taskCount });
    this.isMet[gate] = 0;
    this.#recount(gate);
    for (const follower of this.#graph.followersOf(gate)) {
      if (!this.#graph.isRequirement(follower) || this.isMet[follower] === 1) continue;
      this.#recount(follower);
      if (this.isImpossible(follower)) this.impossible.push(follower);
    }
  }

  /** Of what a requirement has got so far, or was to get and did not, some was torn down. */
  #recount(gate: GateId): void {
    const left = this.#graph.feeds.in.ends(gate).filter((feeder) => !this.isVoid(feeder, gate));
    const givers = left.filter((feeder) => this.#stageOf(feeder) === GIVEN);
    this.hits[gate] = givers.length;
    this.misses[gate] = left.filter((feeder) => this.#stageOf(feeder) === MISSED).length;
    this.firstMet[gate] = givers[0] ?? 0;
    if (givers.length > 1) this.#met.set(gate, givers);
    else this.#met.delete(gate);
  }

  /** Those who gave come last: what needs all of its feeders has to know of the others before. False if there are no others. */
  #linkFeeds(stage: number): boolean {
    const { feeds } = this.#graph;
    let others = 0;
    for (let edge = this.#feeds + 1; edge <= feeds.size; edge++) {
      const task = feeds.in.end[edge] as number;
      const gate = feeds.out.end[edge] as number;
      if (this.#stageOf(task) !== stage) others++;
      else if (!this.isVoid(task, gate)) this.#linkFeed(task, gate);
    }
    return others > 0;
  }

  #stageOf(task: number): number {
    if (!this.#tasks.isDone(task)) return PENDING;
    return this.#tasks.has(task, PROVIDED) ? GIVEN : MISSED;
  }

  /** Was all that the task gave to the requirement torn down? */
  isVoid(task: number, gate: GateId): boolean {
    if (this.#withdrawn.size === 0 || !this.#graph.isRequirement(gate)) return false;
    const members = this.#graph.feeds.out
      .ends(task)
      .filter((member) => this.#graph.followersOf(member).includes(gate));
    return (members.length > 0 ? members : [gate]).every((of) => this.#withdrawn.get(of)?.gone.has(task));
  }

  #linkFeed(task: number, gate: GateId): void {
    const isOver = this.#tasks.isDone(task);
    if (!this.#graph.isRequirement(gate)) {
      if (!isOver) this.#close(gate);
      else if (this.#tasks.has(task, BAD)) this.misses[gate] = (this.misses[gate] as number) + 1;
    } else if (isOver) this.#count(gate, task);
    else this.pending[gate] = (this.pending[gate] as number) + 1;
  }

  /** A feeder of a requirement is over. */
  #count(gate: GateId, task: number): void {
    if (!this.#tasks.has(task, PROVIDED)) {
      const misses = ((this.misses[gate] as number) + 1) | 0;
      this.misses[gate] = misses;
      if (this.#isTheLastStraw(gate, misses)) this.impossible.push(gate);
      return;
    }
    const hits = ((this.hits[gate] as number) + 1) | 0;
    this.hits[gate] = hits;
    if (this.isMet[gate] === 1) return;
    if (hits === 1) this.firstMet[gate] = task;
    else this.#meetMore(gate, task, hits);
    if (this.#isEnough(gate, hits)) this.#meet(gate);
  }

  /** Did this very miss make it impossible? */
  #isTheLastStraw(gate: GateId, misses: number): boolean {
    if (this.isMet[gate] === 1) return false;
    if (this.#graph.kind[gate] === NEEDS_ALL) return misses === 1;
    return (this.hits[gate] as number) + (this.pending[gate] as number) + 1 === this.#graph.need[gate];
  }

  #isEnough(gate: GateId, hits: number): boolean {
    if (this.#graph.kind[gate] !== NEEDS_ALL) return hits >= (this.#graph.need[gate] as number);
    return this.pending[gate] === 0 && this.misses[gate] === 0;
  }

  #meetMore(gate: GateId, task: number, hits: number): void {
    const met = hits === 2 ? [this.firstMet[gate] as number] : (this.#met.get(gate) as number[]);
    met.push(task);
    this.#met.set(gate, met);
  }

  #meet(gate: GateId): void {
    this.isMet[gate] = 1;
    if (this.#met.size > 0) this.#met.get(gate)?.sort((a, b) => a - b);
    this.#releaseAll(gate);
  }

  /** One more thing that the gate waits for. A loop, not a recursion: chains may be long. */
  #close(gate: GateId): void {
    for (const turned of this.#spread(gate, 1)) this.#holdAll(turned);
  }

  /** One thing less. */
  #open(gate: GateId): void {
    for (const turned of this.#spread(gate, -1)) this.#releaseAll(turned);
  }

  /** Adds to what the gate waits for; answers all gates that turned from open to closed or back by that. */
  #spread(gate: GateId, change: 1 | -1): readonly GateId[] {
    const { relays } = this.#graph;
    const turned: GateId[] = [];
    const todo = [gate];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const before = this.pending[next] as number;
      this.pending[next] = before + change;
      if ((change > 0 ? before : before + change) !== 0) continue;
      turned.push(next);
      for (let edge = relays.out.first(next); edge !== 0; edge = relays.out.next[edge] as number)
        if (edge <= this.#relays) todo.push(relays.out.end[edge] as number);
    }
    return turned;
  }

  #holdAll(gate: GateId): void {
    const { waits } = this.#graph;
    for (let edge = waits.out.first(gate); edge !== 0; edge = waits.out.next[edge] as number)
      if (edge <= this.#waits) this.#hold(waits.out.end[edge] as number);
  }

  #hold(task: number): void {
    const state = this.#tasks.state[task];
    if (state === WAITING) this.#tasks.setBlockers(task, (this.#tasks.blockers[task] as number) + 1);
    else if (state === READY || state === PARKED) this.held.push(task);
  }

  #releaseAll(gate: GateId): void {
    const { waits } = this.#graph;
    const { state } = this.#tasks;
    const first = this.#countBefore(gate);
    for (let edge = waits.out.first(gate); edge !== 0; edge = waits.out.next[edge] as number) {
      const task = waits.out.end[edge] as number;
      if (state[task] !== WAITING || task < first || edge > this.#waits) continue;
      if (this.#tasks.unblock(task) === 0) this.released.push(task);
    }
  }

  /** So many tasks were there when the capability was torn down: they had it. */
  #countBefore(gate: GateId): number {
    return this.hasWithdrawn ? (this.#withdrawn.get(gate)?.taskCount ?? 0) : 0;
  }
}
