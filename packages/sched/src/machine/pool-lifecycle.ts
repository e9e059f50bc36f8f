/** Closes pools: groups after their last task, all pools at the end of the run. Gives up tasks that can never start. */
import { describeWait, NONE } from '@pexen/lock';
import type { AttemptLifecycle } from './attempts.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeSetups } from './node-setups.ts';
import { CLOSED, CLOSING, FAILED, OPEN, OPENING, type Partition, type PoolRow } from './pools.ts';
import type { Readiness } from './readiness.ts';
import type { Services } from './services.ts';
import { HELD, KILLING, STALLED, type State } from './state.ts';
import { BACKING_OFF, DONE, PARKED, READY } from './task-table.ts';

export class PoolLifecycle {
  readonly #state: State;
  readonly #attempts: AttemptLifecycle;
  readonly #readiness: Readiness;
  readonly #services: Services;
  readonly #dispatcher: Dispatcher;

  readonly #setups: NodeSetups;

  constructor(
    state: State,
    ending: AttemptLifecycle,
    readiness: Readiness,
    services: Services,
    setups: NodeSetups,
    dispatcher: Dispatcher,
  ) {
    this.#dispatcher = dispatcher;
    this.#setups = setups;
    this.#services = services;
    this.#state = state;
    this.#attempts = ending;
    this.#readiness = readiness;
  }

  get areAllShut(): boolean {
    return this.#state.pools.every(({ phase }) => phase === CLOSED || phase === FAILED);
  }

  /** The pool was opened or closed, or could not be opened. Returns false for the outcome of an opening that was given up. */
  settle(id: number, phase: number): boolean {
    const pool = this.#state.pools[id] as PoolRow;
    if (!pool.settle(phase)) return false;
    this.#state.markStale();
    if (phase !== OPEN) this.#state.endTurn(pool);
    if (phase === CLOSED) {
      pool.nodes?.clear();
      this.#requeue(pool);
    }
    return true;
  }

  /** Opening takes too long while the run is stopping: gives up the remaining tasks of the pool. */
  giveUpOpening(id: number): void {
    const { tasks, plan } = this.#state;
    for (let task = 0; task < tasks.count; task++)
      if (plan.graph.pool[task] === id && tasks.state[task] !== DONE) this.#attempts.giveUp(task);
    this.#close(this.#state.pools[id] as PoolRow);
  }

  /** Closes groups without remaining tasks, and all pools at the end of the run, opened or not. */
  closePools(isEnding: boolean): void {
    const isOver = isEnding || this.#state.stopping === KILLING;
    for (const pool of this.#state.pools) {
      if (pool.phase !== OPEN && pool.phase !== OPENING) continue;
      if (isOver || (pool.isGroup && pool.remaining === 0)) this.#close(pool);
    }
  }

  /**
   * Nothing runs, no result is available, and yet tasks wait. Skips one of those that wait for abandoned bodies. Poisons what is guarded
   * because of interrupted tasks. An exclusive group yields to the
   * tasks outside that it waits for. If neither helps, skips all. Returns true if other tasks may start now.
   */
  resolveDeadlock(): boolean {
    const { turn, tasks } = this.#state;
    if (this.#returnKeptLocks()) return true;
    if (this.#mayGoOn()) return false;
    if (this.#services.makeWay()) return true;
    if (this.#services.areToMakeWay) return false;
    if (this.#giveUpBehindAbandoned() || this.#giveUpGuards()) return true;
    if (turn !== undefined) {
      this.#state.yieldTurn();
      this.#close(turn);
      return false;
    }
    for (let task = 0; task < tasks.count; task++)
      if (tasks.state[task] === DONE || this.#state.isService(task)) continue;
      else if (this.#state.executions.has(task)) this.#setups.giveUp(task);
      else this.#attempts.skip(task, STALLED, -1, -1);
    this.#readiness.cascade();
    return false;
  }

  /** Nothing runs for which a task could wait that keeps locks of other runs: it returns them, and asks again when it can start. */
  #returnKeptLocks(): boolean {
    const { acrossRuns } = this.#state;
    if (acrossRuns.isEmpty) return false;
    const kept = [...acrossRuns.all].filter((task) => acrossRuns.isGranted(task) && this.#isIdle(task));
    for (const task of kept) this.#dispatcher.returnLocks(task);
    return kept.length > 0;
  }

  /**
   * Gives up one task that waits for an abandoned body: it is unknown when, or whether, that ends. What was reserved for the task may let others
   * start, so they are asked first. A task that retains resources for a retry ends with the outcome of its last attempt.
   */
  #giveUpBehindAbandoned(): boolean {
    const { abandoned, tasks, locks } = this.#state;
    for (let task = 0; abandoned.size > 0 && task < tasks.count; task++) {
      if (tasks.state[task] !== PARKED || !this.#state.isItsTurn(task)) continue;
      const wait = describeWait(locks, task);
      const cause = wait?.blockers.find((blocker) => abandoned.has(blocker));
      if (wait === undefined || cause === undefined) continue;
      if (!tasks.hasStarted(task)) this.#attempts.skip(task, HELD, wait.node, cause);
      else this.#attempts.giveUp(task);
      this.#readiness.cascade();
      return true;
    }
    const isGivenUp = this.#dispatcher.nodeLocks.giveUpBehindAbandoned();
    this.#readiness.cascade();
    return isGivenUp;
  }

  /** The owners of the guards wait, too: what they left half changed is poisoned instead of guarded. */
  #giveUpGuards(): boolean {
    const { recalled, conditions } = this.#state;
    const guards = recalled.giveUpGuards();
    for (const { resources, tasks } of guards) {
      this.#state.poisonNamed(resources);
      conditions.released.push(...tasks);
    }
    this.#readiness.cascade();
    return guards.length > 0;
  }

  /** True if something is pending: a pool, a retry, a slot. */
  #mayGoOn(): boolean {
    const { pools, partitions, turn, remaining, locks, acrossRuns } = this.#state;
    const mayHave = (pool: PoolRow): boolean =>
      turn === undefined ? !this.#state.isHeldUp(pool) : turn === pool;
    if (remaining === 0 || this.#isBackingOff() || this.#services.isBusy) return true;
    if (this.#services.waitForNodes || this.#setups.isPending) return true;
    if (pools.some(({ phase }) => phase === OPENING || phase === CLOSING)) return true;
    const isQueued = (partition: Partition): boolean =>
      partition.queue.peek() >= 0 && this.#dispatcher.nodeLocks.mayGoOn(partition);
    if (partitions.some((partition) => isQueued(partition) && mayHave(partition.pool))) return true;
    for (const task of acrossRuns.all)
      if (acrossRuns.waitOf(task) !== undefined && mayHave(this.#state.poolOf(task))) return true;
    for (const partition of partitions) locks.setPool(partition.id, true);
    const parked = locks.nextRunnable();
    return parked !== NONE && mayHave(this.#state.poolOf(parked));
  }

  /** True if a task between two attempts will start again. Only a task that waits for amounts held by abandoned bodies may not. */
  #isBackingOff(): boolean {
    const { retrying, abandoned, tasks } = this.#state;
    if (retrying === 0 || abandoned.size === 0) return retrying > 0;
    for (let task = 0; task < tasks.count; task++) if (tasks.state[task] === BACKING_OFF) return true;
    return false;
  }

  #isIdle(task: number): boolean {
    const state = this.#state.tasks.state[task];
    return state === READY || state === PARKED;
  }

  #close(pool: PoolRow): void {
    pool.close();
    const how = this.#state.stopping === KILLING ? 'kill' : 'drain';
    this.#state.emit({ type: 'close-pool', pool: pool.id, how });
  }

  /** The pool was closed: its parked tasks return to its queue until it is opened again. */
  #requeue(pool: PoolRow): void {
    const { tasks, acrossRuns } = this.#state;
    for (const task of [...acrossRuns.all])
      if (this.#state.poolOf(task) === pool) this.#dispatcher.returnLocks(task);
    for (let task = 0; this.#state.parked > 0 && task < tasks.count; task++) {
      if (tasks.state[task] !== PARKED || this.#state.poolOf(task) !== pool) continue;
      this.#state.withdraw(task);
      this.#state.makeReady(task);
    }
  }
}
