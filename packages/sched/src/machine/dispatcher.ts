/** Decides which task starts next, and in which pool. */

import { type LockWait, tornDownBy } from '@pexen/core';
import { describeWait, NONE, TAKEN } from '@pexen/lock';
import { EXEMPT, MEASURED } from '../plan/metadata.ts';
import { clear } from '../plan/undo-log.ts';
import type { AttemptLifecycle } from './attempts.ts';
import { watchLocks, watchOpening } from './deadlines.ts';
import { NodeLocks } from './node-locks.ts';
import type { NodeRow } from './nodes.ts';
import { CLOSED, type Partition, type PoolRow } from './pools.ts';
import type { Readiness } from './readiness.ts';
import { CANCELLING, POISON, type State } from './state.ts';
import { DISPATCHED, ENROLLED, PARKED, READY, RETAINS_LOCKS } from './task-table.ts';

/** Expected durations below this count as short: as long as a start may take to be reported by a busy machine, ms. */
const shortMs = 100;

export class Dispatcher {
  readonly #state: State;
  readonly #attempts: AttemptLifecycle;
  readonly #readiness: Readiness;
  readonly nodeLocks: NodeLocks;
  /** The request of tasks that hold nothing, used once some task is exclusive. */
  #emptyRequest: number = NONE;
  /** The parked task that could start now and has a place, or the first of the starved tasks. */
  #parked: number = NONE;
  /** Partitions whose best task waits for a slot although there is a spare place. */
  readonly #tried: Partition[] = [];
  /** True if some group is exclusive. */
  readonly #hasExclusive: boolean;

  constructor(state: State, ending: AttemptLifecycle, readiness: Readiness) {
    this.#state = state;
    this.#attempts = ending;
    this.#readiness = readiness;
    this.nodeLocks = new NodeLocks(state, ending, (task) => this.#enrol(task));
    this.#hasExclusive = state.pools.some((pool) => pool.isExclusive);
  }

  /** True if the task would almost certainly be over before the first of the starved tasks could start. Only if all durations are known. */
  readonly #mayBypass = (task: number, head: number): boolean => {
    const { plan, nowMs, locks, tasks } = this.#state;
    if (!this.#state.is(task, MEASURED)) return false;
    let headStartMs = nowMs;
    for (const blocker of describeWait(locks, head)?.blockers ?? []) {
      if (!this.#state.is(blocker, MEASURED) || this.#state.isService(blocker)) return false;
      const endMs = (tasks.since[blocker] as number) + (plan.weight[blocker] as number);
      headStartMs = Math.max(headStartMs, endMs);
    }
    return nowMs + plan.boundMsOf(task) <= headStartMs;
  };

  /** Starts all tasks that can start. Opens the pools that are needed. `services` start first, beside the places of the pools. */
  fill(services: { start(): void }): void {
    for (services.start(); this.#state.takeStale(); services.start()) {
      for (let task = this.#next(); task !== NONE; task = this.#next()) {
        this.#start(task);
        this.#readiness.cascade();
      }
    }
  }

  /** Starts the service, unless something that it needs is held or poisoned. */
  startService(service: number): void {
    clear(this.#tried); // what the last search has tried says nothing about who could start now
    this.#setPools();
    this.#start(service);
    this.#readiness.cascade();
  }

  /**
   * An attempt of the task is under way since an earlier session: it has its resources and its place, whatever a start would have to wait for. Where
   * there is less of a resource now than then, the task waits for it.
   */
  adopt(task: number): void {
    const { locks } = this.#state;
    const pool = this.#state.poolOf(task);
    if (pool.isExclusive && this.#state.turn === undefined) this.#state.giveTurn(pool);
    if (pool.phase === CLOSED) this.open(pool);
    this.#state.move(task, READY);
    if (this.#requestOf(task) !== NONE) {
      this.#enrol(task);
      const node = this.#state.recalled.startOf(task)?.adopts?.node;
      const { nodes } = pool;
      if (node !== undefined && nodes !== undefined && this.nodeLocks.isToBeBound(task))
        this.#state.bind(task, nodes.named(node));
      if (locks.tryTake(task, this.#mayBypass) !== TAKEN) {
        locks.park(task);
        this.#state.move(task, PARKED);
        return;
      }
    }
    this.#dispatch(task);
  }

  /** Enrols the running tasks that hold nothing, when the first exclusive task was added. */
  enrolRunning(): void {
    const { tasks, locks, abandoned } = this.#state;
    for (let task = 0; task < tasks.count; task++)
      if ((this.#state.isUnderWay(task) || abandoned.has(task)) && !tasks.has(task, ENROLLED)) {
        this.#enrol(task);
        locks.tryTake(task, this.#mayBypass);
      }
  }

  /** Takes the best task that has a place out of its queue; NONE if there is none. */
  #next(): number {
    clear(this.#tried);
    const { partitions, parked, locks } = this.#state;
    const only =
      partitions.length === 1 && parked === 0 && locks.starvedHead === NONE ? partitions[0] : undefined;
    if (only !== undefined) {
      this.#parked = NONE;
      return this.#bestOf(only) !== NONE && this.#hasPlace(only) ? this.#takeFrom(only) : NONE;
    }
    this.nodeLocks.rebind();
    for (;;) {
      this.#findParked();
      const partition = this.#partitionOfNext();
      if (partition === undefined) return NONE;
      const task = this.#takeFrom(partition);
      if (task !== NONE) return task;
      this.#tried.push(partition);
    }
  }

  /** Asks the lock table for the next parked task that can start and has a place. */
  #findParked(): void {
    const { locks, parked } = this.#state;
    this.#parked = NONE;
    if (parked === 0) return;
    this.#setPools();
    this.#parked = locks.nextRunnable();
  }

  /** Holders that wait in a pool without a place are not bypassed. */
  #setPools(): void {
    const { locks, partitions } = this.#state;
    for (const partition of partitions) locks.setPool(partition.id, this.#canHave(partition));
  }

  #canHave(partition: Partition): boolean {
    return partition.hasPlace && this.#isItsTurn(partition.pool) && this.#mayTry(partition);
  }

  /** Order comes before prefetch: behind a task that waits for a slot, the spare places of its pool stay free. */
  #mayTry(partition: Partition): boolean {
    if (this.#tried.length === 0) return true;
    return (
      !this.#tried.includes(partition) &&
      (partition.hasSlot || this.#tried.every(({ pool }) => pool !== partition.pool))
    );
  }

  /** The partition of the best task that has a place; undefined while an exclusive group waits for the other tasks to end. */
  #partitionOfNext(): Partition | undefined {
    const group = this.#hasExclusive ? this.#bestPartition(() => true)?.pool : undefined;
    if (group?.isExclusive && group !== this.#state.turn) {
      this.#giveTurn(group);
      return undefined;
    }
    return this.#bestPartition((partition) => this.#hasPlace(partition) && this.#mayTry(partition));
  }

  /** The partition of the best task among those that satisfy the test. */
  #bestPartition(mayHave: (partition: Partition) => boolean): Partition | undefined {
    let best: Partition | undefined;
    let bestTask = NONE;
    for (const partition of this.#state.partitions) {
      const task = this.#isItsTurn(partition.pool) ? this.#bestOf(partition) : NONE;
      if (task === NONE || !this.#isBefore(task, bestTask) || !mayHave(partition)) continue;
      best = partition;
      bestTask = task;
    }
    return best;
  }

  /** While an exclusive group is open, nothing else starts. Before it opens, tasks between two attempts finish. */
  #isItsTurn(pool: PoolRow): boolean {
    const { turn, retrying } = this.#state;
    if (turn !== undefined) return pool === turn;
    return !pool.isExclusive || (retrying === 0 && !this.#state.isHeldUp(pool));
  }

  #hasPlace(partition: Partition): boolean {
    const { pool } = partition;
    if (pool.phase === CLOSED && !pool.isExclusive) this.open(pool);
    return partition.hasPlace;
  }

  #giveTurn(group: PoolRow): void {
    if (this.#state.dispatched > 0) return;
    this.#state.giveTurn(group);
    this.#returnLocksOutside(group);
    this.open(group);
  }

  /** Tasks that cannot start during the turn of the group keep nothing of other runs meanwhile, since the group may wait for it. */
  #returnLocksOutside(group: PoolRow): void {
    const { acrossRuns, plan } = this.#state;
    for (const task of [...acrossRuns.all]) {
      const isIn = this.#state.isService(task)
        ? plan.services.isNeededIn(group.id, task)
        : this.#state.poolOf(task) === group;
      if (!isIn) this.returnLocks(task);
    }
  }

  /** The task cannot start soon: it releases what it has of other runs, or waits for, and asks again when it can. */
  returnLocks(task: number): void {
    const { acrossRuns, tasks } = this.#state;
    if (tasks.isOut(task) || tasks.isDone(task)) return; // an abandoned body may still run
    const isAwaiting = acrossRuns.waitOf(task) !== undefined;
    this.#state.releaseLocks(task);
    if (isAwaiting && tasks.state[task] === PARKED) this.#state.makeReady(task);
  }

  open(pool: PoolRow): void {
    pool.open();
    this.#state.emit({ type: 'open-pool', pool: pool.id });
    if (this.#state.stopping === CANCELLING) watchOpening(this.#state, pool.id);
  }

  /** The best task of the partition. One that keeps other runs waiting goes first. */
  #bestOf(partition: Partition): number {
    const { tasks, granted } = this.#state;
    for (const task of granted) if (this.#state.partitionOf(task) === partition) return task;
    const { queue } = partition;
    let top = queue.peek();
    while (top !== NONE && tasks.state[top] !== READY) {
      queue.pop();
      top = queue.peek();
    }
    const parked = this.#parked;
    return parked !== NONE && this.#state.partitionOf(parked) === partition && this.#isBefore(parked, top)
      ? parked
      : top;
  }

  /** The first of the starved tasks precedes all others, and so does a parked task that holds resources already. */
  #isBefore(task: number, other: number): boolean {
    if (other === NONE) return true;
    if (this.#isUrgent(task)) return true;
    return !this.#isUrgent(other) && (this.#state.pools[0] as PoolRow).queue.isBefore(task, other);
  }

  #isUrgent(task: number): boolean {
    const { locks, tasks } = this.#state;
    if (this.#state.granted.has(task)) return true;
    return task === locks.starvedHead || (task === this.#parked && tasks.has(task, RETAINS_LOCKS));
  }

  /** Takes the best task of the partition out of its queue; NONE if the task has to wait for a slot. Then all worse tasks wait, too. */
  #takeFrom(partition: Partition): number {
    const top = this.#bestOf(partition);
    if (top === NONE || (!partition.hasSlot && this.#needsSlot(top))) return NONE;
    if (top !== this.#parked && !this.#state.granted.has(top)) partition.queue.pop();
    return top;
  }

  /**
   * Places beyond the slots are for tasks that take nothing that others wait for. A task that would be parked or skipped at once takes no
   * place at all.
   */
  #needsSlot(task: number): boolean {
    const request = this.#requestOf(task);
    if (request === NONE) return false;
    const { locks, acrossRuns } = this.#state;
    this.#enrol(task);
    const isWanted = acrossRuns.concerns(task) || locks.isContended(task);
    return isWanted && locks.canTake(task, this.#mayBypass) && !this.#isPoisoned(task, request);
  }

  /** True if the task must be skipped because something that it needs is poisoned. */
  #isPoisoned(task: number, request: number): boolean {
    const { locks, tasks } = this.#state;
    if (this.#state.is(task, EXEMPT) || tasks.has(task, RETAINS_LOCKS)) return false;
    return locks.poisonedNode(request) !== NONE;
  }

  #start(task: number): void {
    const request = this.#requestOf(task);
    if (request !== NONE && !this.#hold(task, request)) return;
    this.#dispatch(task);
  }

  /** Acquires what the task needs. If it cannot, it parks the task, or skips it if something is poisoned. */
  #hold(task: number, request: number): boolean {
    const { locks, tasks, nowMs } = this.#state;
    if (this.#isPoisoned(task, request)) {
      const node = locks.poisonedNode(request);
      if (tasks.hasStarted(task)) this.#attempts.giveUp(task);
      else this.#attempts.skip(task, POISON, node, locks.poisonerOf(node));
      return false;
    }
    if (this.#isKeptAway(task)) return false;
    this.#enrol(task);
    if (this.#take(task)) {
      if (!tasks.has(task, RETAINS_LOCKS)) tasks.took(task, nowMs);
      return true;
    }
    locks.park(task);
    if (tasks.state[task] !== PARKED) this.#state.move(task, PARKED);
    this.nodeLocks.parked(task);
    if (this.#state.acrossRuns.isGranted(task)) this.#keepOrReturn(task);
    return false;
  }

  /** Acquires what the task needs; of a node, on the best one where that is free. Tasks that hold something of a node stay there. */
  #take(task: number): boolean {
    const { locks, tasks } = this.#state;
    const node = this.nodeLocks.isToBeBound(task) ? this.#chooseNode(task) : undefined;
    const isRetaining = node !== undefined && tasks.has(task, RETAINS_LOCKS);
    if (isRetaining && !this.#state.bindHolding(task, node)) return false;
    if (node !== undefined && !isRetaining) this.#state.bind(task, node);
    if (locks.tryTake(task, this.#mayBypass) === TAKEN) return true;
    if (node !== undefined && !isRetaining) this.#state.unbind(task);
    return false;
  }

  /**
   * The task has its locks of other runs, and one of this run is in its way. It keeps them while it only waits for tasks that run: they wait for nothing
   * and will end. Nothing bypasses it meanwhile.
   */
  #keepOrReturn(task: number): void {
    const { locks, tasks, abandoned } = this.#state;
    const { blockers = [], reservedFor } = describeWait(locks, task) ?? {};
    const isEnding = (each: number): boolean =>
      tasks.isOut(each) && !this.#state.isService(each) && !abandoned.has(each);
    if (tasks.has(task, RETAINS_LOCKS)) return;
    if (reservedFor === undefined && blockers.every(isEnding)) locks.starve(task);
    else this.#state.releaseLocks(task);
  }

  /** A task that runs alone waits for the services that it does not need. */
  #isKeptAway(task: number): boolean {
    const { servicesOut, plan, keptAway } = this.#state;
    if (servicesOut.size === 0 || plan.metaOf(task).exclusive !== true) return false;
    const needed = plan.services.neededBy(task);
    if ([...servicesOut].every((service) => needed.includes(service))) return false;
    keptAway.add(task);
    this.#state.waitAgain(task);
    return true;
  }

  #enrol(task: number): void {
    const { tasks, plan, locks } = this.#state;
    if (tasks.has(task, ENROLLED)) return;
    tasks.set(task, ENROLLED);
    const priority = plan.priority[task] as number;
    const partition = this.#state.partitionOf(task).id;
    const rank = plan.order.rank[task] as number;
    locks.enrol(task, this.#requestOf(task), priority, rank, partition, tasks.added[task] as number);
  }

  #requestOf(task: number): number {
    const { plan } = this.#state;
    const request = plan.request[task] as number;
    if (request !== NONE || !plan.hasExclusive) return request;
    if (this.#emptyRequest === NONE) this.#emptyRequest = plan.locks.compile({});
    return this.#emptyRequest;
  }

  #dispatch(task: number): void {
    const { tasks, nowMs, lostBases, acrossRuns } = this.#state;
    this.#place(task);
    this.nodeLocks.started(task);
    this.#state.move(task, DISPATCHED);
    if (lostBases.size > 0) lostBases.delete(task);
    const attempt = tasks.nextAttempt(task, nowMs);
    if (!acrossRuns.concerns(task) || acrossRuns.isGranted(task)) this.#startAttempt(task);
    else this.#state.emitAcquire(acrossRuns.ask(task), task, attempt);
  }

  /** Other runs have given the task what it needs: it starts, or is the next one that does. */
  locksGranted(task: number, request: number): void {
    const { acrossRuns, tasks } = this.#state;
    if (acrossRuns.openRequestOf(task) !== request) return;
    const isAsked = acrossRuns.isAsked(task);
    if (isAsked && tasks.stop[task] !== 0) {
      this.#unasked(task);
      return;
    }
    acrossRuns.grant(task);
    if (isAsked) this.#startAttempt(task);
    else this.#state.makeReady(task);
  }

  /** Other runs hold what the task needs: it gives up its place, and everything that it holds. */
  locksAwaited(task: number, request: number, wait: LockWait): void {
    const { acrossRuns, stopping } = this.#state;
    if (acrossRuns.openRequestOf(task) !== request) return;
    const isAsked = acrossRuns.isAsked(task);
    acrossRuns.wait(task, wait);
    if (!isAsked) return;
    this.#unasked(task);
    if (stopping === CANCELLING) watchLocks(this.#state, task);
  }

  /** The task has a place, and cannot start: it is as if its pool had returned it. */
  #unasked(task: number): void {
    this.#attempts.unstarted(task);
    if (this.#state.isService(task)) this.#state.releaseKeptAway();
  }

  #startAttempt(task: number): void {
    const { tasks, plan, conditions, recalled } = this.#state;
    if (recalled.hasGuards && this.#isShort(task)) conditions.released.push(...recalled.started(task));
    const attempt = tasks.attempt[task] as number;
    const isNew = attempt === (tasks.before[task] as number) + 1 && tasks.returned[task] === 0;
    if (isNew && this.#state.is(task, EXEMPT))
      for (const tornDown of tornDownBy(plan.metaOf(task)))
        conditions.withdraw(plan.builder.conditionOf(tornDown));
    const start = recalled.takeStart(task);
    if (start !== undefined && (start.cleansUp || start.crashed !== undefined)) {
      this.#attempts.resume(task, start);
      return;
    }
    this.#state.emitStart(task, attempt, 'body');
  }

  /** It may be over before its start is reported: what a schedule has beside it is dispatched with it. Of a task that was never measured, the start is awaited. */
  #isShort(task: number): boolean {
    return this.#state.is(task, MEASURED) && (this.#state.plan.weight[task] as number) < shortMs;
  }

  /** Chooses the node of the next attempt, in a pool that has nodes. */
  #place(task: number): void {
    const { nodes } = this.#state.poolOf(task);
    if (nodes === undefined) return;
    const left = this.#state.recalled.startOf(task)?.adopts?.node;
    if (left !== undefined) {
      this.#state.placeOn(nodes.named(left), task);
      return;
    }
    this.#state.placeOn((this.#state.bound.get(task) ?? this.#chooseNode(task)) as NodeRow, task);
  }

  #chooseNode(task: number): NodeRow | undefined {
    const partition = this.#state.partitionOf(task);
    const { nodes } = partition.pool;
    return this.#state.isService(task)
      ? nodes?.chooseForService(partition.admits)
      : nodes?.choose(partition.takes, (each) => this.#demandFor(each, partition));
  }

  /** How many other kinds of tasks of the pool wait for which this node would do, and not all. */
  #demandFor(node: NodeRow, { id, pool }: Partition): number {
    const { partitions } = this.#state;
    return partitions.filter(
      (other) => other.pool === pool && other.id !== id && other !== pool && other.admits(node),
    ).length;
  }
}
