/** One attempt in a pool, from `run` to its outcome, wherever it waits or runs. */
import type { Assignment, PoolOutcome, ReadyFacts, TaskUpdate, Ticket } from '@pexen/core';
import { OutputCapture } from '../worker/output-capture.ts';
import type { SentAttempt, WorkKind } from './connector.ts';

/** Has an attempt, and stops it. */
export interface Holder {
  stop(attempt: Execution): void;
}

export class Execution implements SentAttempt {
  readonly assignment: Assignment;
  readonly kind: WorkKind;
  /** Its number in the connection that has it; -1 while it waits. */
  number = -1;
  /** When it was sent, or when it started, by the pool's clock. */
  sinceMs = 0;
  /** The name of the last step that was taken to stop it; '' if none was. */
  step = '';
  /** How many workers that had it have died before it started. */
  deaths = 0;
  /** How often the pool had reclaimed everything when it got the attempt. */
  reclaims = 0;
  /** The link that has it, while one has. */
  link: Holder | undefined = undefined;
  /** It is to be stopped as soon as it turns out to have started. */
  isStopping = false;
  /** The name of the worker that started it; '' until then. */
  worker = '';
  readonly #ticket: Ticket;
  readonly #resolve: (outcome: PoolOutcome) => void;
  readonly #settled: () => void;
  /** What it printed, as far as it was reported as updates: its worker may end before it can report the outcome. */
  #capture: OutputCapture | undefined;
  #isOver = false;
  /** Its service has reported that it is ready. */
  #isReady = false;
  /** The listener of its signal, once there is one. */
  #onAbort: (() => void) | undefined;
  #cancelEscalation: (() => void) | undefined;

  /** `resolve` gets its outcome; `settled` is called after that. */
  constructor(
    assignment: Assignment,
    ticket: Ticket,
    kind: WorkKind,
    resolve: (outcome: PoolOutcome) => void,
    settled: () => void,
  ) {
    this.assignment = assignment;
    this.kind = kind;
    this.#ticket = ticket;
    this.#resolve = resolve;
    this.#settled = settled;
  }

  /** It has an outcome. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get hasStarted(): boolean {
    return this.worker !== '';
  }

  /** The run wants it stopped. */
  get isAborted(): boolean {
    return this.#ticket.signal.aborted;
  }

  get abortReason(): unknown {
    return this.#ticket.signal.reason;
  }

  /** On a timeout it gets no grace period if its body cannot listen to the signal: the period is a default, and the task has no cleanup. */
  get isHasty(): boolean {
    const { isDefaultGrace, part, definition } = this.assignment;
    const { name } = (this.abortReason ?? {}) as { readonly name?: unknown };
    const isTimeout = name === 'TimeoutError';
    return isTimeout && isDefaultGrace === true && part === 'body' && definition.meta.cleanup === undefined;
  }

  /**
   * Stops it when its signal is aborted; at once, if it already is. Touching a signal costs time, so the engine listens only to attempts
   * that are not over after a moment.
   */
  listen(): void {
    if (this.#onAbort !== undefined || this.#isOver) return;
    this.#onAbort = () => this.#stop();
    const { signal } = this.#ticket;
    if (signal.aborted) this.#stop();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  #stop(): void {
    if (this.link !== undefined) this.link.stop(this);
    else this.return('stopped before it was started');
  }

  start(worker: string, nowMs: number): void {
    if (this.worker !== '') return;
    this.worker = worker;
    this.sinceMs = nowMs;
    this.#ticket.started(worker);
  }

  /** The service is ready. A second report changes nothing, and neither does one of a task that is none. */
  ready(facts: ReadyFacts): void {
    if (this.#isOver || this.#isReady || !this.assignment.service) return;
    this.#isReady = true;
    this.#ticket.ready?.(facts);
  }

  report(update: TaskUpdate): void {
    if (!this.#isOver) this.#ticket.report(update);
  }

  /** Keeps output that was reported as an update, for an outcome without any. */
  keep(update: TaskUpdate): void {
    if (update.kind !== 'output') return;
    this.#capture ??= new OutputCapture(() => {});
    this.#capture.write(update.stream, update.text);
  }

  /** The output that was kept. */
  get output(): Pick<PoolOutcome, 'stdout' | 'stderr'> {
    return this.#capture?.facts ?? {};
  }

  /** Cancels the steps that were being taken to stop it; `cancel` cancels the new ones. */
  replaceEscalation(cancel: (() => void) | undefined): void {
    this.#cancelEscalation?.();
    this.#cancelEscalation = cancel;
  }

  /** Settles it. A second outcome changes nothing. */
  settle(outcome: PoolOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelEscalation?.();
    if (this.#onAbort !== undefined) this.#ticket.signal.removeEventListener('abort', this.#onAbort);
    this.#resolve(outcome);
    this.#settled();
  }

  /** Settles it as never started. */
  return(reason: string): void {
    this.settle({ kind: 'not-started', reason });
  }
}
