/** Obeys the machine: the only place where attempts, pools and timers are touched, and where facts come in from all of them. */
import {
  isThenable,
  type News,
  type NewsEvent,
  type Pool,
  type PoolOutcome,
  type Problem,
  type ReceivedKey,
  type Result,
  type ResultStatus,
  type RunEvent,
  type SharedState,
} from '@pexen/core';
import type { EventEmitter } from 'eventemitter3';
import { Machine } from '../machine/machine.ts';
import type { Command, Input, PoolId, TaskId } from '../machine/protocol.ts';
import type { State } from '../machine/state.ts';
import type { Plan } from '../plan/plan.ts';
import { Attempt, type AttemptHost } from './attempt.ts';
import { type Clock, systemClock } from './clock.ts';
import { runEvent } from './events.ts';
import { HandOver } from './hand-over.ts';
import type { RunOptions } from './options.ts';
import { readOutcome } from './read-outcome.ts';
import { makeResult } from './results.ts';

/** What a run tells while it goes on: `event` – run events, in one order; `news` – what bodies say. */
export interface RunEvents {
  event: (event: RunEvent) => void;
  news: (news: NewsEvent) => void;
}

/** What the engine hands out. */
export interface EngineListener {
  give(result: Result, task: TaskId): void;
  end(): void;
}

export class Engine implements AttemptHost {
  readonly plan: Plan;
  readonly machine: Machine;
  readonly counts: Partial<Record<ResultStatus, number>> = {};
  /** Why the run fails, where that is not the doing of a task. */
  failure: unknown;
  readonly #pools: readonly Pool[];
  readonly #options: RunOptions;
  readonly #events: EventEmitter<RunEvents>;
  readonly #listener: EngineListener;
  readonly #clock: Clock;
  readonly #handOver: HandOver;
  #inbox: Input[] = [];
  #spareInbox: Input[] = [];
  readonly #commands: Command[] = [];
  #obeyed = 0;
  #isPumping = false;
  /** The clock's time at which the run began. */
  #originMs = Number.NaN;
  /** Milliseconds since 1970 at that moment. */
  startedAt = 0;
  #takeAlarmBack: (() => void) | undefined;
  /** What is handed out, by task. */
  readonly #attempts: (Attempt | undefined)[] = [];
  /** Attempts with an idle timeout. */
  readonly #watched = new Set<Attempt>();
  readonly #results = new Map<TaskId, Result>();

  constructor(
    plan: Plan,
    pools: readonly Pool[],
    options: RunOptions,
    events: EventEmitter<RunEvents>,
    listener: EngineListener,
  ) {
    this.plan = plan;
    this.machine = new Machine(plan);
    this.#pools = pools;
    this.#options = options;
    this.#events = events;
    this.#listener = listener;
    this.#clock = options.clock ?? systemClock;
    this.#handOver = new HandOver(plan, this.machine.state.gates, options.shared);
  }

  /** Milliseconds since the run began. */
  get nowMs(): number {
    if (Number.isNaN(this.#originMs)) {
      this.#originMs = this.#clock.now();
      this.startedAt = this.#clock.wallNow();
    }
    return this.#clock.now() - this.#originMs;
  }

  get state(): State {
    return this.machine.state;
  }

  get hasBegun(): boolean {
    return this.machine.state.hasBegun;
  }

  /** Facts wait in the mailbox while earlier ones are dealt with. */
  post(input: Input): void {
    this.#inbox.push(input);
    this.pump();
  }

  /** For facts that must not wait, since what comes next builds on them. Never called while the machine is at work. */
  tellAtOnce(input: Input): void {
    this.machine.handle([input], this.#commands);
    this.pump();
  }

  /** Puts a fact into the mailbox without looking at it yet. */
  queue(input: Input): void {
    this.#inbox.push(input);
  }

  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.machine.state.tells = this.#events.listenerCount('event') > 0;
    try {
      this.#obeyAll();
      while (this.#inbox.length > 0) {
        const inputs = this.#inbox;
        this.#inbox = this.#spareInbox;
        this.#spareInbox = inputs;
        this.machine.handle(inputs, this.#commands);
        inputs.length = 0;
        this.#obeyAll();
      }
    } finally {
      this.#isPumping = false;
    }
  }

  inherit(task: TaskId): SharedState {
    return this.#handOver.inherit(task);
  }

  receive(task: TaskId): readonly ReceivedKey[] {
    return this.#handOver.receive(task);
  }

  started({ id, attempt, part }: Attempt, worker: string): void {
    this.post({ type: 'attempt-started', atMs: this.nowMs, task: id, attempt, part, worker });
  }

  told(attempt: Attempt, news: News): void {
    const atMs = this.nowMs;
    attempt.heardMs = atMs;
    if (news.kind === 'finding') {
      attempt.findings ??= [];
      attempt.findings.push(news.finding);
    }
    if (this.#events.listenerCount('news') > 0)
      this.#emit('news', { atMs, path: attempt.path, attempt: attempt.attempt, news });
  }

  /** The result of a task that is over; the same object until it is given. */
  resultOf(task: TaskId): Result {
    const known = this.#results.get(task) ?? this.#makeResult(task);
    this.#results.set(task, known);
    return known;
  }

  #makeResult(task: TaskId): Result {
    const findings = this.#attempts[task]?.findings;
    const result = makeResult(this.machine.state, task, this.#handOver.finalOf(task), findings);
    this.counts[result.status] = (this.counts[result.status] ?? 0) + 1;
    return this.#options.judge === undefined ? result : this.#judge(result, this.#options.judge);
  }

  /** When the task gave its last sign of life, if it told anything. */
  heardMs(task: TaskId): number | undefined {
    return this.#attempts[task]?.heardMs;
  }

  /** Calls `ring` after so many milliseconds; the returned function takes it back. */
  after(ms: number, ring: () => void): () => void {
    return this.#clock.setAlarm(this.#clock.now() + ms, ring);
  }

  /** Tells the user of something that harms nothing. */
  warn(problem: Problem): void {
    this.#options.onWarning?.(problem);
  }

  /** Commands may be added while they are obeyed. */
  #obeyAll(): void {
    while (this.#obeyed < this.#commands.length) this.#obey(this.#commands[this.#obeyed++] as Command);
    this.#commands.length = 0;
    this.#obeyed = 0;
  }

  #obey(command: Command): void {
    switch (command.type) {
      case 'start-attempt':
        this.#start(command);
        break;
      case 'give-result':
        this.#give(command.task);
        break;
      case 'stop-attempt':
        this.#attempts[command.task]?.stop(stopReason(command));
        break;
      case 'open-pool':
        void this.#open(command.pool);
        break;
      case 'close-pool':
        void this.#close(command.pool, command.how);
        break;
      case 'set-alarm':
        this.#setAlarm(command.atMs);
        break;
      case 'tell':
        this.#emit('event', runEvent(command.news, this));
        break;
      case 'end-run':
        this.#listener.end();
        break;
      default:
        command satisfies never;
    }
  }

  #start({ task, attempt, part, pool }: Extract<Command, { readonly type: 'start-attempt' }>): void {
    const made = new Attempt(this, task, attempt, part);
    while (this.#attempts.length <= task) this.#attempts.push(undefined);
    this.#attempts[task] = made;
    if (made.rules.idleMs !== undefined) this.#watched.add(made);
    const outcome = runIn(this.#pools[pool] as Pool, made);
    if (isThenable(outcome))
      outcome.then(
        (settled) => this.#settle(made, settled),
        (error: unknown) => this.#settle(made, broken(error)),
      );
    else this.#settle(made, outcome);
  }

  #settle(made: Attempt, outcome: PoolOutcome): void {
    if (outcome.kind === 'lost' && outcome.fenced !== undefined) {
      const { kind, reason } = outcome;
      const fenced = (): void => this.#settle(made, { kind, reason });
      outcome.fenced.then(fenced, fenced);
      return;
    }
    made.isOver = true;
    this.#watched.delete(made);
    const { id: task, attempt, part } = made;
    const read = readOutcome(made, outcome, this.#options.reinterpret);
    if (part === 'body' && outcome.kind !== 'not-started')
      this.#handOver.keep(task, outcome.shared ?? made.touchedShared, outcome.provided);
    this.post({ type: 'attempt-ended', atMs: this.nowMs, task, attempt, part, outcome: read });
  }

  #give(task: TaskId): void {
    const result = this.#results.get(task) ?? this.#makeResult(task);
    if (this.#results.size > 0) this.#results.delete(task);
    this.#attempts[task] = undefined;
    this.machine.state.tasks.value[task] = undefined;
    this.machine.state.tasks.records[task] = undefined;
    this.#listener.give(result, task);
  }

  async #open(id: PoolId): Promise<void> {
    try {
      await (this.#pools[id] as Pool).open({
        slotsChanged: (slots) => this.post({ type: 'slots-changed', atMs: this.nowMs, pool: id, slots }),
        workerLost: (worker, reason) =>
          this.post({ type: 'worker-lost', atMs: this.nowMs, pool: id, worker, reason }),
      });
      this.post({ type: 'pool-opened', atMs: this.nowMs, pool: id });
    } catch (error) {
      this.failure ??= error;
      this.post({ type: 'pool-failed', atMs: this.nowMs, pool: id, reason: messageOf(error) });
    }
  }

  async #close(id: PoolId, how: 'drain' | 'kill'): Promise<void> {
    try {
      await (this.#pools[id] as Pool).close(how);
    } catch (error) {
      this.warn({ code: 'PEXEN_POOL_CLOSE', message: `a pool could not be closed: ${messageOf(error)}` });
    }
    this.post({ type: 'pool-closed', atMs: this.nowMs, pool: id });
  }

  #setAlarm(atMs: number | undefined): void {
    this.#takeAlarmBack?.();
    this.#takeAlarmBack =
      atMs === undefined ? undefined : this.#clock.setAlarm(this.#originMs + atMs, () => this.#ring());
  }

  #ring(): void {
    const atMs = this.nowMs;
    for (const { id: task, attempt, heardMs } of this.#watched)
      if (heardMs !== undefined) this.queue({ type: 'quiet-since', atMs, task, attempt, sinceMs: heardMs });
    this.post({ type: 'alarm-rang', atMs });
  }

  #judge(result: Result, judge: NonNullable<RunOptions['judge']>): Result {
    try {
      const judgement = judge(result);
      return judgement === undefined ? result : { ...result, judgement };
    } catch (error) {
      this.warn({ code: 'PEXEN_JUDGE_THREW', task: result.path, message: messageOf(error) });
      return result;
    }
  }

  /** A listener that throws harms nobody else. */
  #emit<E extends keyof RunEvents>(name: E, event: Parameters<RunEvents[E]>[0]): void {
    try {
      this.#events.emit(name, ...([event] as never));
    } catch (error) {
      this.warn({ code: 'PEXEN_LISTENER_THREW', message: messageOf(error) });
    }
  }
}

/** What an error says, or what else was thrown as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function runIn(pool: Pool, attempt: Attempt): PoolOutcome | Promise<PoolOutcome> {
  try {
    return pool.run(attempt, attempt);
  } catch (error) {
    return broken(error);
  }
}

/** Pools never reject; this one did. */
function broken(error: unknown): PoolOutcome {
  return { kind: 'crashed', reason: `the pool failed: ${String(error)}` };
}

function stopReason({ why, reason }: Extract<Command, { readonly type: 'stop-attempt' }>): Error {
  const error = new Error(reason);
  error.name = why === 'timed-out' ? 'TimeoutError' : 'AbortError';
  return error;
}
