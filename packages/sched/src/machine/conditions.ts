/**
 * The state of the conditions of the graph: which are fulfilled, which can never be, and which tasks are released or held by that. Knows
 * nothing about locks, pools or time.
 */
import { bytes, ints, Table } from '@pexen/core/columns';
import { type ConditionId, type Graph, NEEDS_ALL } from '../plan/graph.ts';
import { BACKING_OFF, BAD, PARKED, PROVIDED, READY, type TaskTable, WAITING } from './task-table.ts';

/** A capability that was torn down. */
interface Withdrawal {
  readonly gone: Set<number>;
  /** Tasks before this one had the capability: the number of tasks when it was last torn down after it had been met. */
  readonly taskCount: number;
}

/** The stage of a feeder when its edge is linked. */
const PENDING = 0;
const MISSED = 1;
const GIVEN = 2;

export class Conditions extends Table {
  readonly #graph: Graph;
  readonly #tasks: TaskTable;
  /** Feeders that are not over yet. */
  pending: Int32Array = ints();
  /** Feeders of a requirement that provided their capabilities. */
  hits: Int32Array = ints();
  /** Feeders of a requirement that did not; feeders of other conditions that ended badly. */
  misses: Int32Array = ints();
  /** 1 for a requirement that is met. It stays met, unless a service that met it goes down. */
  isMet: Uint8Array = bytes();
  /** To be taken by the machine: tasks with no condition left to wait for, */
  readonly released: number[] = [];
  /** tasks that could start and have to wait again, */
  readonly held: number[] = [];
  /** and requirements that became impossible. */
  readonly impossible: ConditionId[] = [];
  /** The first task that met a requirement; if it takes several tasks, all are in `#met`. */
  firstMet: Int32Array = ints();
  readonly #met = new Map<ConditionId, number[]>();
  /** The tasks that met a requirement which is not met any more. */
  readonly #metBefore = new Map<ConditionId, readonly number[]>();
  /** See `takeTouched`. */
  #isTouched = true;
  /** Capabilities that were torn down, with the tasks that had provided them. */
  readonly #withdrawn = new Map<ConditionId, Withdrawal>();
  /** How many edges are linked. */
  #feeds = 0;
  #waits = 0;
  #relays = 0;

  constructor(graph: Graph, tasks: TaskTable) {
    super();
    this.#graph = graph;
    this.#tasks = tasks;
  }

  /** Includes the conditions and edges that were added to the graph since the last call. The new tasks must be in the table. */
  link(): void {
    const { feeds, waits, relays } = this.#graph;
    this.reserve(this.#graph.conditionCount);
    for (const stage of [PENDING, MISSED, GIVEN]) if (!this.#linkFeeds(stage)) break;
    this.#feeds = feeds.size;
    while (this.#relays < relays.size) {
      const edge = ++this.#relays;
      if (!this.isFulfilled(relays.in.end[edge] as number)) this.#close(relays.out.end[edge] as number);
    }
    while (this.#waits < waits.size) {
      const edge = ++this.#waits;
      if (!this.isFulfilled(waits.in.end[edge] as number)) this.#hold(waits.out.end[edge] as number);
    }
  }

  /** True if no task has to wait for the condition any more. */
  isFulfilled(condition: ConditionId): boolean {
    return this.#graph.isRequirement(condition) ? this.isMet[condition] === 1 : this.pending[condition] === 0;
  }

  /** True if the present tasks cannot meet the requirement. */
  isImpossible(condition: ConditionId): boolean {
    if (this.isMet[condition] === 1 || !this.#graph.isRequirement(condition)) return false;
    const most = (this.hits[condition] as number) + (this.pending[condition] as number);
    // All of them are none where everything that provided it was torn down.
    if (this.#graph.kind[condition] === NEEDS_ALL)
      return (this.misses[condition] as number) > 0 || most === 0;
    return most < (this.#graph.need[condition] as number);
  }

  /**
   * True if the requirement was met before all its present feeders were added, or by something that was torn down since. Tasks that are
   * added now need a new condition.
   */
  isOutdated(condition: ConditionId): boolean {
    if (this.isMet[condition] !== 1) return false;
    const isGone = (task: number): boolean =>
      !this.#tasks.has(task, PROVIDED) || this.isVoid(task, condition);
    if (this.metBy(condition).some(isGone)) return true;
    if (this.#graph.kind[condition] !== NEEDS_ALL) return false;
    return this.hits[condition] !== this.#graph.feeds.in.ends(condition).length;
  }

  /** The first unfulfilled (or impossible) condition of the task; -1 if there is none. */
  unfulfilledOf(task: number, impossible = false): ConditionId {
    const { waits } = this.#graph;
    for (let edge = waits.in.first(task); edge !== 0; edge = waits.in.next[edge] as number) {
      const condition = waits.in.end[edge] as number;
      if (impossible ? this.isImpossible(condition) : !this.isFulfilledFor(task, condition)) return condition;
    }
    return -1;
  }

  /** The number of unfulfilled conditions of the task. */
  countUnfulfilled(task: number): number {
    return this.#graph.waits.in.ends(task).filter((condition) => !this.isFulfilledFor(task, condition))
      .length;
  }

  /** True if the task does not wait for the condition. A capability that was torn down counts as met for all tasks that required it before. */
  isFulfilledFor(task: number, condition: ConditionId): boolean {
    return this.isFulfilled(condition) || task < this.#countBefore(condition);
  }

  /** The tasks that met the requirement, in the order of declaration. */
  metBy(condition: ConditionId): readonly number[] {
    if (this.isMet[condition] !== 1) return this.#metBefore.get(condition) ?? [];
    return this.#met.get(condition) ?? [this.firstMet[condition] as number];
  }

  /** The task is over. The effects are in the lists. */
  ended(task: number): void {
    const { feeds } = this.#graph;
    this.#isTouched = true;
    for (let edge = feeds.out.first(task); edge !== 0; edge = feeds.out.next[edge] as number) {
      const condition = feeds.out.end[edge] as number;
      if (this.#graph.isRequirement(condition)) {
        this.pending[condition] = (this.pending[condition] as number) - 1;
        if (!this.isVoid(task, condition)) this.#count(condition, task);
        else if (this.isImpossible(condition)) this.impossible.push(condition);
      } else {
        if (this.#tasks.has(task, BAD)) this.misses[condition] = (this.misses[condition] as number) + 1;
        this.#open(condition);
      }
    }
  }

  /** A task waits that did not wait before. */
  touch(): void {
    this.#isTouched = true;
  }

  /** True if a task has to wait for less or for more than at the last call, or a task is over. */
  takeTouched(): boolean {
    const isTouched = this.#isTouched;
    this.#isTouched = false;
    return isTouched;
  }

  /** The service is up. */
  up(service: number): void {
    this.#tasks.set(service, PROVIDED);
    const fed = this.#requirementsFedBy(service);
    for (const condition of fed) this.#withdrawn.get(condition)?.gone.delete(service); // it is provided again
    for (const condition of fed) {
      this.pending[condition] = (this.pending[condition] as number) - 1;
      this.#count(condition, service);
    }
  }

  /** The service is not up any more, and may come up again. */
  down(service: number): void {
    const fed = this.#requirementsFedBy(service);
    const counted = fed.filter((condition) => !this.isVoid(service, condition));
    this.#tasks.clear(service, PROVIDED);
    for (const condition of fed) this.pending[condition] = (this.pending[condition] as number) + 1;
    for (const condition of fed)
      if (counted.includes(condition)) this.#retract(condition);
      else this.#limitHits(condition);
  }

  /** What the task provided is lost. */
  lose(task: number): void {
    this.#tasks.clear(task, PROVIDED);
    for (const condition of this.#requirementsFedBy(task))
      if (this.isVoid(task, condition)) this.#limitHits(condition);
      else {
        this.misses[condition] = (this.misses[condition] as number) + 1;
        this.#retract(condition);
      }
  }

  /** Those of these tasks that still provide have met the requirement, if they are enough: other tasks were not asked. */
  #keepMet(condition: ConditionId, before: readonly number[]): void {
    const left = before.filter((task) => this.#tasks.has(task, PROVIDED) && !this.isVoid(task, condition));
    if (!this.#isEnough(condition, left.length)) return;
    this.firstMet[condition] = left[0] as number;
    if (left.length > 1) this.#met.set(condition, left);
    else this.#met.delete(condition);
  }

  /** A feeder that was torn down is gone as well. A requirement that it had met before stays met. */
  #limitHits(condition: ConditionId): void {
    const left = this.#graph.feeds.in.ends(condition).filter((feeder) => this.#tasks.has(feeder, PROVIDED));
    this.hits[condition] = Math.min(this.hits[condition] as number, left.length);
  }

  /** The tasks that have, or would get, what the task provides. */
  takersOf(task: number): readonly number[] {
    const { waits } = this.#graph;
    const met = this.#requirementsFedBy(task).filter((condition) => this.metBy(condition).includes(task));
    return [...new Set(met.flatMap((condition) => waits.out.ends(condition)))];
  }

  #requirementsFedBy(task: number): readonly ConditionId[] {
    return this.#graph.feeds.out.ends(task).filter((condition) => this.#graph.isRequirement(condition));
  }

  /** One that had provided for the requirement does not any more. */
  #retract(condition: ConditionId): void {
    const before = this.metBy(condition);
    const wasMet = this.isMet[condition] === 1;
    this.hits[condition] = (this.hits[condition] as number) - 1;
    this.#isTouched = true;
    const isLeft = wasMet && this.#isEnough(condition, this.hits[condition] as number);
    this.#recount(condition);
    if (isLeft) this.#keepMet(condition, before);
    if (!wasMet || isLeft) {
      if (!wasMet && this.isImpossible(condition)) this.impossible.push(condition);
      return;
    }
    this.isMet[condition] = 0;
    this.#metBefore.set(condition, before);
    const { waits } = this.#graph;
    for (let edge = waits.out.first(condition); edge !== 0; edge = waits.out.next[edge] as number)
      if (edge <= this.#waits) this.#hold(waits.out.end[edge] as number);
    if (this.isImpossible(condition)) this.impossible.push(condition);
  }

  /** True if some capability was torn down. */
  get hasWithdrawn(): boolean {
    return this.#withdrawn.size > 0;
  }

  /** The capability is torn down: tasks that provided it do not count any more. */
  withdraw(condition: ConditionId): void {
    const isThere = (feeder: number): boolean =>
      this.#tasks.isDone(feeder) || this.#tasks.has(feeder, PROVIDED);
    const gone = this.#graph.feeds.in.ends(condition).filter(isThere);
    const taskCount = this.isMet[condition] === 1 ? this.#tasks.count : this.#countBefore(condition);
    this.#withdrawn.set(condition, { gone: new Set(gone), taskCount });
    this.isMet[condition] = 0;
    this.#recount(condition);
    for (const follower of this.#graph.followersOf(condition)) {
      if (!this.#graph.isRequirement(follower) || this.isMet[follower] === 1) continue;
      this.#recount(follower);
      if (this.isImpossible(follower)) this.impossible.push(follower);
    }
  }

  /** Some of the feeders that provided, or failed to provide, a capability were torn down. */
  #recount(condition: ConditionId): void {
    const left = this.#graph.feeds.in.ends(condition).filter((feeder) => !this.isVoid(feeder, condition));
    const givers = left.filter((feeder) => this.#stageOf(feeder) === GIVEN);
    this.hits[condition] = givers.length;
    this.misses[condition] = left.filter((feeder) => this.#stageOf(feeder) === MISSED).length;
    this.firstMet[condition] = givers[0] ?? 0;
    if (givers.length > 1) this.#met.set(condition, givers);
    else this.#met.delete(condition);
  }

  /**
   * Links the feeders of one stage. Feeders that have provided come last, because a requirement of all its feeders must know the others
   * first, also those of the same stage. Returns false if all feeders are at this stage.
   */
  #linkFeeds(stage: number): boolean {
    const { feeds } = this.#graph;
    let others = 0;
    if (stage === GIVEN) this.#expectGiven();
    for (let edge = this.#feeds + 1; edge <= feeds.size; edge++) {
      const task = feeds.in.end[edge] as number;
      const condition = feeds.out.end[edge] as number;
      if (this.#stageOf(task) !== stage) others++;
      else if (stage === PENDING || !this.isVoid(task, condition)) this.#linkFeed(task, condition);
    }
    return others > 0;
  }

  /** A requirement of all its feeders waits for those that are about to be linked. */
  #expectGiven(): void {
    const { feeds, kind } = this.#graph;
    for (let edge = this.#feeds + 1; edge <= feeds.size; edge++) {
      const task = feeds.in.end[edge] as number;
      const condition = feeds.out.end[edge] as number;
      if (kind[condition] !== NEEDS_ALL || this.#stageOf(task) !== GIVEN || this.isVoid(task, condition))
        continue;
      this.pending[condition] = (this.pending[condition] as number) + 1;
    }
  }

  #stageOf(task: number): number {
    if (this.#tasks.has(task, PROVIDED)) return GIVEN;
    return this.#tasks.isDone(task) ? MISSED : PENDING;
  }

  /** True if all that the task provided for the requirement was torn down. */
  isVoid(task: number, condition: ConditionId): boolean {
    if (this.#withdrawn.size === 0 || !this.#graph.isRequirement(condition)) return false;
    if (!this.#tasks.isDone(task) && !this.#tasks.has(task, PROVIDED)) return false; // a service that may come up again
    const members = this.#graph.feeds.out
      .ends(task)
      .filter((member) => this.#graph.followersOf(member).includes(condition));
    return (members.length > 0 ? members : [condition]).every((of) =>
      this.#withdrawn.get(of)?.gone.has(task),
    );
  }

  #linkFeed(task: number, condition: ConditionId): void {
    const isOver = this.#tasks.isDone(task);
    if (!this.#graph.isRequirement(condition)) {
      if (!isOver) this.#close(condition);
      else if (this.#tasks.has(task, BAD)) this.misses[condition] = (this.misses[condition] as number) + 1;
    } else if (isOver || this.#tasks.has(task, PROVIDED)) {
      const wasExpected = this.#graph.kind[condition] === NEEDS_ALL && this.#tasks.has(task, PROVIDED);
      if (wasExpected) this.pending[condition] = (this.pending[condition] as number) - 1;
      this.#count(condition, task);
    } else this.pending[condition] = (this.pending[condition] as number) + 1;
  }

  /** A feeder of a requirement is over. */
  #count(condition: ConditionId, task: number): void {
    if (!this.#tasks.has(task, PROVIDED)) {
      const misses = ((this.misses[condition] as number) + 1) | 0;
      this.misses[condition] = misses;
      if (this.#makesImpossible(condition, misses)) this.impossible.push(condition);
      return;
    }
    const hits = ((this.hits[condition] as number) + 1) | 0;
    this.hits[condition] = hits;
    if (this.isMet[condition] === 1) return;
    if (hits === 1) this.firstMet[condition] = task;
    else this.#meetMore(condition, task, hits);
    if (this.#isEnough(condition, hits)) this.#meet(condition);
  }

  /** True if the requirement became impossible by this miss. */
  #makesImpossible(condition: ConditionId, misses: number): boolean {
    if (this.isMet[condition] === 1) return false;
    if (this.#graph.kind[condition] === NEEDS_ALL) return misses === 1;
    return (
      (this.hits[condition] as number) + (this.pending[condition] as number) + 1 ===
      this.#graph.need[condition]
    );
  }

  #isEnough(condition: ConditionId, hits: number): boolean {
    if (this.#graph.kind[condition] !== NEEDS_ALL) return hits >= (this.#graph.need[condition] as number);
    return this.pending[condition] === 0 && this.misses[condition] === 0;
  }

  #meetMore(condition: ConditionId, task: number, hits: number): void {
    const met = hits === 2 ? [this.firstMet[condition] as number] : (this.#met.get(condition) as number[]);
    met.push(task);
    this.#met.set(condition, met);
  }

  #meet(condition: ConditionId): void {
    this.isMet[condition] = 1;
    if (this.#metBefore.size > 0) this.#metBefore.delete(condition);
    if (this.#met.size > 0) this.#met.get(condition)?.sort((a, b) => a - b);
    this.#releaseAll(condition);
  }

  /** The condition waits for one thing more. A loop instead of recursion, because chains may be long. */
  #close(condition: ConditionId): void {
    for (const turned of this.#propagate(condition, 1)) this.#enrolRunning(turned);
  }

  /** The condition waits for one thing less. */
  #open(condition: ConditionId): void {
    for (const turned of this.#propagate(condition, -1)) this.#releaseAll(turned);
  }

  /** Changes how much the condition waits for. Returns all conditions that became fulfilled or unfulfilled by that. */
  #propagate(condition: ConditionId, change: 1 | -1): readonly ConditionId[] {
    const { relays } = this.#graph;
    const turned: ConditionId[] = [];
    const todo = [condition];
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

  #enrolRunning(condition: ConditionId): void {
    const { waits } = this.#graph;
    for (let edge = waits.out.first(condition); edge !== 0; edge = waits.out.next[edge] as number)
      if (edge <= this.#waits) this.#hold(waits.out.end[edge] as number);
  }

  #hold(task: number): void {
    const state = this.#tasks.state[task];
    this.#isTouched = true;
    if (state === WAITING) this.#tasks.setBlockers(task, (this.#tasks.blockers[task] as number) + 1);
    else if (state === READY || state === PARKED || state === BACKING_OFF) this.held.push(task);
  }

  #releaseAll(condition: ConditionId): void {
    const { waits } = this.#graph;
    const { state } = this.#tasks;
    const first = this.#countBefore(condition);
    for (let edge = waits.out.first(condition); edge !== 0; edge = waits.out.next[edge] as number) {
      const task = waits.out.end[edge] as number;
      if (state[task] !== WAITING || task < first || edge > this.#waits) continue;
      if (this.#tasks.unblock(task) === 0) this.released.push(task);
      else this.#isTouched = true;
    }
  }

  /** The number of tasks when the capability was torn down. These tasks had it. */
  #countBefore(condition: ConditionId): number {
    return this.hasWithdrawn ? (this.#withdrawn.get(condition)?.taskCount ?? 0) : 0;
  }
}
