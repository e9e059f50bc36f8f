/**
 * Decides everything: which attempt starts when, how it ended, who is skipped and why. Facts in, orders out. Knows no clock, no
 * promise and no pool.
 */

import { clear } from '../plan/clear.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import type { LiveRun } from '../plan/planned.ts';
import { AttemptLifecycle } from './attempts.ts';
import { Cancellation } from './cancellation.ts';
import { Deadlines } from './deadlines.ts';
import { Dispatcher } from './dispatcher.ts';
import { PoolLifecycle } from './pool-lifecycle.ts';
import { CLOSED, FAILED, OPEN, type PoolRow } from './pools.ts';
import type { Command, Input } from './protocol.ts';
import { Readiness } from './readiness.ts';
import { NOT_APPLICABLE, REQUIREMENT, State } from './state.ts';
import { BEGUN, CLEANING_UP, DISPATCHED, ENROLLED, GIVEN, RUNNING } from './task-table.ts';

export interface MachineOptions {
  /** Give `tell` commands. May be changed later, in `state`. */
  readonly tells?: boolean;
}

/**
 * The one door is `handle`; everything else reads. The same inputs give the same commands.
 *
 * @example
 * const commands: Command[] = [];
 * machine.handle([{ type: 'result-wanted', atMs: clock.now() }], commands);
 * for (const command of commands) obey(command);
 */
export class Machine {
  /** To be read by everybody, and written by the machine only. */
  readonly state: State;
  readonly #attempts: AttemptLifecycle;
  readonly #readiness: Readiness;
  readonly #dispatcher: Dispatcher;
  readonly #poolLifecycle: PoolLifecycle;
  readonly #cancellation: Cancellation;
  readonly #deadlines: Deadlines;
  /** Pulls that were not answered yet. */
  #wanted = 0;
  /** A pull met nothing left: pools are being closed, then the run ends. */
  isEnding = false;
  #rankings = 0;
  #knewExclusive = false;

  constructor(plan: CompiledTasks, options: MachineOptions = {}) {
    this.state = new State(plan, options.tells ?? false);
    this.#attempts = new AttemptLifecycle(this.state);
    this.#readiness = new Readiness(this.state, this.#attempts);
    this.#dispatcher = new Dispatcher(this.state, this.#attempts, this.#readiness);
    this.#poolLifecycle = new PoolLifecycle(this.state, this.#attempts, this.#readiness);
    this.#cancellation = new Cancellation(this.state, this.#attempts);
    this.#deadlines = new Deadlines(this.state);
  }

  /** What adding tasks to the plan has to know of the run. */
  get live(): LiveRun {
    const { tasks, pools, gates } = this.state;
    return {
      isOver: (task) => tasks.isDone(task),
      isGroupOpen: (pool) => pools[pool]?.isGroup === true && pools[pool]?.state !== CLOSED,
      hasWithdrawn: gates.hasWithdrawn,
      isVoid: (task, gate) => gates.isVoid(task, gate),
      isOutdated: (gate) => gates.isOutdated(gate),
    };
  }

  /** Takes the facts in their order and appends what is to be done to `out`. Never nests. */
  handle(inputs: readonly Input[], out: Command[]): void {
    this.state.out = out;
    for (const input of inputs) {
      this.state.nowMs = Math.max(this.state.nowMs, input.atMs);
      if (!this.state.hasBegun) this.#begin();
      this.#accept(input);
      this.#readiness.cascade();
    }
    this.#advance();
  }

  #accept(input: Input): void {
    switch (input.type) {
      case 'attempt-ended':
        if (this.#isCurrent(input)) this.#ended(input);
        break;
      case 'attempt-started':
        if (this.#isCurrent(input)) this.#started(input);
        break;
      case 'abandoned-settled':
        this.#attempts.abandonedSettled(input.task, input.attempt);
        break;
      case 'result-wanted':
        this.#pulled();
        break;
      case 'tasks-added':
        this.#added(input);
        break;
      case 'pool-opened':
        this.#poolLifecycle.setPool(input.pool, OPEN);
        break;
      case 'pool-closed':
        this.#poolLifecycle.setPool(input.pool, CLOSED);
        break;
      case 'slots-changed':
        this.#poolAt(input.pool).setSlots(input.slots);
        this.state.isStale = true;
        break;
      case 'pool-failed':
        if (this.#poolLifecycle.setPool(input.pool, FAILED))
          this.#cancellation.poolFailed(input.pool, input.reason);
        break;
      case 'late-error':
        this.state.lateErrors.push(input);
        if (this.state.announces()) this.state.tell(input);
        break;
      case 'worker-lost':
        if (this.state.announces()) this.state.tell(input);
        break;
      case 'quiet-since':
        this.#deadlines.heard(input.task, input.attempt, input.sinceMs);
        break;
      case 'alarm-rang':
        for (const pool of this.#deadlines.ring()) this.#poolLifecycle.giveUpOpening(pool);
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

  /** After all facts are in: gives what there is, fills places while somebody waits, ends. */
  #advance(): void {
    this.#give();
    if (this.#wanted > 0 && !this.isEnding) {
      this.#fill();
      while (this.#wanted > 0 && this.state.dispatched === 0 && this.#poolLifecycle.resolveDeadlock())
        this.#fill();
      this.#give();
    }
    this.#poolLifecycle.closePools(this.isEnding);
    this.#deadlines.setAlarm(this.isEnding);
    if (this.isEnding && this.#poolLifecycle.areAllShut) this.#end();
  }

  #fill(): void {
    this.#dispatcher.fill();
    this.#give();
  }

  #begin(): void {
    this.state.hasBegun = true;
    if (this.state.announces()) this.state.tell({ type: 'run-started', atMs: this.state.nowMs });
  }

  #pulled(): void {
    this.#wanted++;
    this.#promise();
    if (!this.isEnding) this.#dispatcher.fill();
  }

  /** A result that a pull will get gives its place free. */
  #promise(): void {
    const { state } = this;
    const { results, tasks } = state;
    while (state.promised < results.length && state.promised - state.given < this.#wanted) {
      const task = results[state.promised++] as number;
      if (tasks.status[task] === 0) continue;
      state.poolOf(task).unread--;
      state.isStale = true;
    }
  }

  #give(): void {
    const { state } = this;
    this.#promise();
    while (state.given < state.promised) {
      const task = state.results[state.given++] as number;
      this.#wanted--;
      state.tasks.set(task, GIVEN);
      state.out.push({ type: 'give-result', task });
    }
    if (state.given === state.results.length) {
      clear(state.results);
      state.given = 0;
      state.promised = 0;
      if (this.#wanted > 0 && state.remaining === 0) this.isEnding = true;
    }
  }

  #added({ from, to, origin = 'start' }: Extract<Input, { readonly type: 'tasks-added' }>): void {
    const { state } = this;
    const { tasks, plan, gates } = state;
    state.grow(to);
    tasks.added.fill(state.locks.tick(), from, to);
    for (let task = from; task < to; task++) state.poolOf(task).remaining++;
    gates.link();
    if (state.announces()) state.tell({ type: 'tasks-added', atMs: state.nowMs, from, to, origin });
    this.#takeRanks();
    if (plan.hasExclusive && !this.#knewExclusive) this.#dispatcher.holdAll();
    this.#knewExclusive = plan.hasExclusive;
    for (let task = from; task < to; task++) {
      const impossible = from === 0 ? -1 : gates.closedGate(task, true);
      if (plan.whyNot.size > 0 && plan.whyNot.has(task)) this.#attempts.skip(task, NOT_APPLICABLE, -1, -1);
      else if (impossible >= 0)
        this.#attempts.skip(task, REQUIREMENT, impossible, this.#readiness.culpritOf(impossible));
      else if (state.isForbidden(task)) this.#attempts.giveUp(task);
      else if (tasks.blockers[task] === 0) this.#readiness.free(task);
    }
  }

  /** The plan may have worked out the ranks anew. */
  #takeRanks(): void {
    const { plan, pools, tasks, locks } = this.state;
    if (this.#rankings === plan.rankings) return;
    this.#rankings = plan.rankings;
    this.state.isStale = true;
    for (const pool of pools) pool.queue.rebuild();
    for (let task = 0; task < tasks.count; task++)
      if (tasks.has(task, ENROLLED) && !tasks.isDone(task))
        locks.setRank(task, plan.priority[task] as number, plan.order.rank[task] as number);
  }

  #isCurrent(input: Extract<Input, { readonly part: unknown }>): boolean {
    const { tasks } = this.state;
    const part = tasks.has(input.task, CLEANING_UP) ? 'cleanup' : 'body';
    return tasks.isOut(input.task) && tasks.attempt[input.task] === input.attempt && part === input.part;
  }

  #started({ task, attempt, worker }: Extract<Input, { readonly type: 'attempt-started' }>): void {
    const { state } = this;
    if (state.tasks.state[task] !== DISPATCHED) return;
    state.move(task, RUNNING);
    state.tasks.since[task] = state.nowMs;
    if (!state.tasks.has(task, CLEANING_UP)) {
      state.tasks.worker[task] = worker;
      state.tasks.set(task, BEGUN);
      if (state.announces()) state.tell({ type: 'task-started', atMs: state.nowMs, task, attempt, worker });
    }
    this.#deadlines.watch(task);
  }

  #ended({ task, outcome }: Extract<Input, { readonly type: 'attempt-ended' }>): void {
    if (outcome.kind !== 'not-started') this.state.tasks.set(task, BEGUN);
    this.#attempts.settle(task, outcome);
  }

  #poolAt(pool: number): PoolRow {
    return this.state.pools[pool] as PoolRow;
  }

  #end(): void {
    const { state } = this;
    if (state.hasEnded) return;
    state.hasEnded = true;
    if (state.announces()) state.tell({ type: 'run-ended', atMs: state.nowMs });
    state.out.push({ type: 'end-run' });
  }
}
