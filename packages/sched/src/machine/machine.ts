/**
 * Makes all decisions: which attempt starts when, how it ended, which tasks are skipped and why. Inputs go in, commands come out. Knows no
 * clock, no promises and no pools.
 */

import type { Recall } from '@pexen/core';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import type { ConditionId } from '../plan/graph.ts';
import type { LiveRun } from '../plan/planned.ts';
import { AttemptLifecycle } from './attempts.ts';
import { Cancellation } from './cancellation.ts';
import { Deadlines } from './deadlines.ts';
import { Dispatcher } from './dispatcher.ts';
import { NodeSetups } from './node-setups.ts';
import { PoolLifecycle } from './pool-lifecycle.ts';
import { CLOSED, FAILED, OPEN, type PoolRow } from './pools.ts';
import type { Command, Input } from './protocol.ts';
import { Readiness } from './readiness.ts';
import { PendingResults } from './results.ts';
import { Services } from './services.ts';
import { CANCELLING, NOT_APPLICABLE, REQUIREMENT, State } from './state.ts';
import { CLEANING_UP, DISPATCHED, ENROLLED, RUNNING, STARTED } from './task-table.ts';

export interface MachineOptions {
  /** Give `publish` commands. Default false; may be changed later by `state.setPublishing`. */
  readonly publishes?: boolean;
}

/**
 * The only way to change it is `handle`; everything else reads. Equal inputs give equal commands.
 *
 * @example
 * const commands: Command[] = [];
 * machine.handle([{ type: 'result-wanted', atMs: clock.now() }], commands);
 * for (const command of commands) obey(command);
 */
export class Machine {
  /** Can be read from outside; only the machine changes it. */
  readonly state: State;
  readonly results: PendingResults;
  readonly services: Services;
  readonly setups: NodeSetups;
  /** What starts beside the queues of the pools. */
  readonly #beside = {
    start: (): void => {
      this.services.start();
      this.setups.start();
      this.#dispatcher.nodeLocks.giveUp();
      this.#settleEnds();
    },
  };
  readonly #attempts: AttemptLifecycle;
  readonly #readiness: Readiness;
  readonly #dispatcher: Dispatcher;
  readonly #poolLifecycle: PoolLifecycle;
  readonly #cancellation: Cancellation;
  readonly #deadlines: Deadlines;
  #hasStarted = false;
  #isEnding = false;
  #hasEnded = false;
  #rankings = 0;
  readonly #hasNodes: boolean;
  /** Their nodes have changed since ranks were computed. */
  readonly #poolsToRank = new Set<PoolRow>();
  #hadExclusive = false;
  /** Results of earlier sessions are given first, since the loop over the results may add tasks that they also speak of. */
  #isRecalling = false;
  #isAsking = false;

  constructor(plan: CompiledTasks, options: MachineOptions = {}) {
    this.state = new State(plan, options.publishes ?? false);
    this.#hasNodes = this.state.pools.some(({ nodes }) => nodes !== undefined);
    this.results = new PendingResults(this.state);
    this.#attempts = new AttemptLifecycle(this.state, this.results);
    this.#readiness = new Readiness(this.state, this.#attempts);
    this.#dispatcher = new Dispatcher(this.state, this.#attempts, this.#readiness);
    this.setups = new NodeSetups(this.state, this.#attempts, this.#dispatcher);
    this.services = new Services(this.state, this.#attempts, this.#readiness, this.#dispatcher, this.setups);
    this.#poolLifecycle = new PoolLifecycle(
      this.state,
      this.#attempts,
      this.#readiness,
      this.services,
      this.setups,
      this.#dispatcher,
    );
    this.#cancellation = new Cancellation(this.state, this.#attempts);
    this.#deadlines = new Deadlines(this.state);
  }

  /** True from the first input on. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** True once a pull found no tasks left: the pools are closed, then the run ends. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** The progress of the run, as needed for adding tasks to the plan. */
  get live(): LiveRun {
    const { tasks, pools, conditions } = this.state;
    return {
      isOver: (task) => tasks.isDone(task),
      isGroupOpen: (pool) => pools[pool]?.isGroup === true && pools[pool]?.phase !== CLOSED,
      hasWithdrawn: conditions.hasWithdrawn,
      isVoid: (task, condition) => conditions.isVoid(task, condition),
      isOutdated: (condition) => conditions.isOutdated(condition),
    };
  }

  /** Handles the inputs in their order and appends commands to `out`. Must not be called from within itself. */
  handle(inputs: readonly Input[], out: Command[]): void {
    this.state.emitTo(out);
    for (const input of inputs) {
      this.state.advanceTo(input.atMs);
      if (!this.#hasStarted) this.#start();
      this.#accept(input);
      this.#settleEnds();
    }
    this.#advance();
  }

  /** Applies what the ends of tasks mean for others. */
  #settleEnds(): void {
    this.#readiness.cascade();
    while (this.state.instancesEnded.length > 0) {
      this.setups.noteEnds();
      this.#readiness.cascade();
    }
  }

  #accept(input: Input): void {
    switch (input.type) {
      case 'attempt-ended':
        if (this.#isCurrent(input)) this.#attemptEnded(input);
        break;
      case 'attempt-started':
        if (this.#isCurrent(input)) this.#attemptStarted(input);
        break;
      case 'attempt-ready':
        if (this.state.isService(input.task) && this.#isCurrent(input)) this.services.ready(input.task);
        break;
      case 'abandoned-settled':
        this.#attempts.abandonedSettled(input.task, input.attempt);
        break;
      case 'result-wanted':
        this.results.pull();
        if (this.#isEnding || this.#isRecalling) break;
        this.#rankForNodes();
        this.#dispatcher.fill(this.#beside);
        break;
      case 'tasks-added':
        this.#addTasks(input);
        break;
      case 'rest-recalled':
        this.#isAsking = false;
        this.#isRecalling = input.recall.tasks.length > 0;
        this.#recall(input.recall, 0, 0);
        break;
      case 'pool-opened':
        this.#poolLifecycle.settle(input.pool, OPEN);
        break;
      case 'pool-closed':
        this.#poolLifecycle.settle(input.pool, CLOSED);
        break;
      case 'slots-changed':
        if (this.#poolAt(input.pool).nodes === undefined) this.#poolAt(input.pool).setSlots(input.slots);
        this.state.markStale();
        break;
      case 'node-changed':
        this.#nodeChanged(input);
        break;
      case 'node-left':
        this.#nodeLeft(input);
        break;
      case 'pool-failed':
        if (this.#poolLifecycle.settle(input.pool, FAILED))
          this.#cancellation.poolFailed(input.pool, input.reason);
        break;
      case 'late-error':
        this.state.addLateError(input);
        if (this.state.nextEvent()) this.state.publish(input);
        break;
      case 'worker-lost':
        if (this.state.nextEvent()) this.state.publish(input);
        break;
      case 'quiet-since':
        this.#deadlines.noteSignOfLife(input.task, input.attempt, input.sinceMs);
        break;
      case 'alarm-rang':
        this.#alarmRang();
        break;
      case 'locks-granted':
        this.#dispatcher.locksGranted(input.task, input.request);
        break;
      case 'locks-awaited':
        this.#dispatcher.locksAwaited(input.task, input.request, input.wait);
        break;
      case 'locks-lost':
        if (this.state.acrossRuns.requestGranted(input.task) === input.request)
          this.state.releaseLocks(input.task);
        break;
      case 'drain-requested':
        this.#cancellation.drain(input.reason);
        break;
      case 'cancel-requested':
        this.#cancellation.cancel(input.reason, input.how);
        break;
      default:
        input satisfies never;
    }
  }

  #alarmRang(): void {
    const { pools, services, locks } = this.#deadlines.ring();
    for (const task of locks) this.#attempts.giveUp(task);
    for (const pool of pools) this.#poolLifecycle.giveUpOpening(pool);
    for (const service of services) this.services.stop(service, 'run-stopped');
  }

  /** After all inputs: gives the available results, fills free places while a pull waits, and ends the run. */
  #advance(): void {
    this.#rankForNodes();
    this.#give();
    if (this.results.areWanted && !this.#isEnding && this.#isRecalling) this.#askForRest();
    else {
      this.#stopServices();
      if (this.results.areWanted && !this.#isEnding) {
        this.#fill();
        while (this.results.areWanted && this.state.dispatched === 0 && this.#poolLifecycle.resolveDeadlock())
          this.#fill();
        this.#give();
        this.#stopServices();
      }
    }
    this.#poolLifecycle.closePools(this.#isEnding);
    if (this.#hasNodes) this.#deadlines.watchNodes();
    this.#deadlines.setAlarm(this.#isEnding);
    if (this.#isEnding && this.#poolLifecycle.areAllShut) this.#end();
  }

  /** A pull that waits has all results so far: the loop over them has added what it wants. A run that is cancelled does not wait for that. */
  #stopServices(): void {
    const { hasServices, hasSetups } = this.state.plan;
    if (!hasServices && !hasSetups) return;
    const mayStop = (): boolean => this.results.areWanted || this.state.stopping >= CANCELLING;
    // What was set up is over before the services on which it was built.
    const stopped = (): boolean => this.#concludeSetups() || (hasServices && this.services.stopUnneeded());
    while (!this.#isEnding && mayStop() && stopped()) this.#give();
  }

  #concludeSetups(): boolean {
    const isNew = this.setups.conclude();
    this.#settleEnds();
    return isNew;
  }

  #askForRest(): void {
    if (!this.#isAsking) this.state.emit({ type: 'recall-rest' });
    this.#isAsking = true;
  }

  #fill(): void {
    this.#dispatcher.fill(this.#beside);
    this.#give();
    this.#stopServices();
  }

  #give(): void {
    const areAllGiven = this.results.give();
    if (areAllGiven && this.results.areWanted && this.state.remaining === 0) this.#isEnding = true;
  }

  #start(): void {
    this.#hasStarted = true;
    if (this.state.nextEvent()) this.state.publish({ type: 'run-started', atMs: this.state.nowMs });
  }

  #addTasks({
    from,
    to,
    origin = 'start',
    recall,
    expectsMore = false,
    acrossRuns = [],
  }: Extract<Input, { readonly type: 'tasks-added' }>): void {
    const { state } = this;
    const { tasks, plan, conditions } = state;
    state.addTasks(to);
    if (plan.instances.size > 0) for (let task = from; task < to; task++) this.setups.added(task);
    state.acrossRuns.concern(acrossRuns);
    conditions.link();
    if (state.nextEvent()) state.publish({ type: 'tasks-added', atMs: state.nowMs, from, to, origin });
    this.#takeRanks();
    if (plan.hasExclusive && !this.#hadExclusive) this.#dispatcher.enrolRunning();
    this.#hadExclusive = plan.hasExclusive;
    if (recall !== undefined) {
      this.#isRecalling = expectsMore && (from === 0 || this.#isRecalling);
      this.#recall(recall, from, to);
    }
    for (let task = from; task < to; task++) {
      if (tasks.isDone(task) || tasks.isOut(task) || this.#skipNew(task, from)) continue;
      if (state.isForbidden(task)) this.#attempts.giveUp(task);
      else if (tasks.blockers[task] === 0) this.#readiness.release(task);
    }
  }

  /** Skips a task that was added and does not apply, or requires what the tasks before it cannot provide any more. */
  #skipNew(task: number, from: number): boolean {
    const { plan, conditions } = this.state;
    const impossible = from === 0 ? -1 : conditions.unfulfilledOf(task, true);
    if (plan.whyNot.size > 0 && plan.whyNot.has(task)) this.#attempts.skip(task, NOT_APPLICABLE, -1, -1);
    else if (impossible < 0) return false;
    else this.#attempts.skip(task, REQUIREMENT, impossible, this.#readiness.causeOf(impossible));
    return true;
  }

  /**
   * Applies what earlier sessions say of tasks, in the order in which it happened; `from` to `to` are those that were just added. Tasks that a stop has
   * given up meanwhile stay so.
   */
  #recall({ tasks: all, guards, poisoned }: Recall, from: number, to: number): void {
    const { state } = this;
    const tasks = all.filter(({ task }) => !state.tasks.isDone(task));
    for (const guarding of guards) {
      const { owner, tasks: behind, untilStart: hold = [] } = guarding;
      if (state.tasks.isDone(owner)) continue;
      const untilStart = state.tasks.has(owner, STARTED) ? [] : hold;
      state.recalled.guard({ ...guarding, untilStart });
      for (const task of [...behind, ...untilStart]) this.#readiness.keepOut(task);
    }
    for (const recalled of tasks)
      if (recalled.kind !== 'start') state.recalled.expectResult(recalled.task);
      else {
        state.tasks.continueAfter(recalled.task, recalled.attempts);
        const { interruptions, attempts, hasStarted } = recalled;
        if (interruptions + attempts.length > 0 || hasStarted) state.tasks.set(recalled.task, STARTED);
        state.recalled.expectStart(recalled);
      }
    for (const recalled of tasks)
      if (recalled.kind === 'start' && recalled.adopts !== undefined) this.#dispatcher.adopt(recalled.task);
    for (let task = from; task < to; task++)
      if (!state.tasks.isDone(task) && !state.tasks.isOut(task)) this.#skipNew(task, from);
    this.#readiness.cascade();
    // Tasks are skipped because of what is gone by now only if nothing else prevents them: in the earlier session it was there.
    const gone: ConditionId[] = [];
    for (const recalled of tasks) {
      if (recalled.kind === 'result') this.#attempts.recall(recalled);
      else if (recalled.kind === 'skip') this.#attempts.recallSkip(recalled);
      if (recalled.kind === 'result' && recalled.status === 'returned' && !recalled.provides)
        gone.push(...state.conditions.impossible.splice(0));
      this.#readiness.cascade();
    }
    state.conditions.impossible.push(...gone);
    this.#readiness.cascade();
    state.poisonNamed(poisoned);
  }

  /** Applies the ranks if the plan has computed them again. */
  #takeRanks(): void {
    const { plan, partitions, tasks, locks } = this.state;
    if (this.#rankings === plan.rankings) return;
    this.#rankings = plan.rankings;
    this.state.markStale();
    for (const partition of partitions) partition.queue.rebuild();
    for (let task = 0; task < tasks.count; task++)
      if (tasks.has(task, ENROLLED) && !tasks.isDone(task))
        locks.setRank(task, plan.priority[task] as number, plan.order.rank[task] as number);
  }

  /** The slots of tasks are others now: once for all nodes that have changed together. */
  #rankForNodes(): void {
    if (this.#poolsToRank.size === 0) return;
    for (const { id, nodes } of this.#poolsToRank)
      this.state.plan.nodesChanged(id, nodes?.all ?? [], this.live);
    this.#poolsToRank.clear();
    this.#takeRanks();
  }

  #isCurrent(input: Extract<Input, { readonly part: unknown }>): boolean {
    const { tasks } = this.state;
    const part = tasks.has(input.task, CLEANING_UP) ? 'cleanup' : 'body';
    return tasks.isOut(input.task) && tasks.attempt[input.task] === input.attempt && part === input.part;
  }

  #attemptStarted({
    task,
    attempt,
    worker,
    adoptedFrom,
    ranMs = 0,
  }: Extract<Input, { readonly type: 'attempt-started' }>): void {
    const { state } = this;
    const { tasks, nowMs } = state;
    if (tasks.state[task] !== DISPATCHED) return;
    state.move(task, RUNNING);
    tasks.attemptStarted(task, nowMs);
    if (!tasks.has(task, CLEANING_UP)) {
      tasks.setWorker(task, worker);
      tasks.set(task, STARTED);
      if (state.plan.hasSetups) this.setups.started(task);
      if (state.recalled.hasGuards) state.conditions.released.push(...state.recalled.started(task));
      const adopted = adoptedFrom === undefined ? undefined : { adoptedFrom };
      if (state.nextEvent())
        state.publish({ type: 'task-started', atMs: nowMs, task, attempt, worker, ...adopted });
    }
    this.#deadlines.watch(task, ranMs);
  }

  #attemptEnded({ task, outcome }: Extract<Input, { readonly type: 'attempt-ended' }>): void {
    if (outcome.kind !== 'not-started') this.state.tasks.set(task, STARTED);
    if (this.state.isService(task)) this.services.settle(task, outcome);
    else this.#attempts.settle(task, outcome);
  }

  #nodeChanged({ pool, node, answers, units }: Extract<Input, { readonly type: 'node-changed' }>): void {
    const { nodes, name } = this.#poolAt(pool);
    const { nodeResources } = this.state.plan;
    nodes?.change(node, answers, units);
    if (units !== undefined) nodeResources.declare(nodeResources.placeOf(name, node.name), units);
    this.#nodesHaveChanged(pool);
  }

  #nodeLeft({ pool, node }: Extract<Input, { readonly type: 'node-left' }>): void {
    this.#poolAt(pool).nodes?.leave(node);
    this.#nodesHaveChanged(pool);
  }

  #nodesHaveChanged(pool: number): void {
    const row = this.#poolAt(pool);
    if (row.nodes === undefined) return;
    row.setSlots(row.nodes.slots);
    this.#poolsToRank.add(row);
    this.setups.nodesChanged(pool);
    this.#dispatcher.nodeLocks.nodesChanged(pool);
    this.state.markStale();
  }

  #poolAt(pool: number): PoolRow {
    return this.state.pools[pool] as PoolRow;
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.state.nextEvent()) this.state.publish({ type: 'run-ended', atMs: this.state.nowMs });
    this.state.emit({ type: 'end-run' });
  }
}
