/** One attempt on its way through a pool, from `run` to its outcome, wherever it waits or runs meanwhile. */
import type { Assignment, PoolOutcome, TaskUpdate, Ticket } from '@pexen/core';
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
  /** What the hardest step is called that was taken to stop it; '' if none was. */
  step = '';
  /** How many workers have died that had it before it started. */
  deaths = 0;
  /** How often the pool had reclaimed everything when it was sent. */
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
  /** What it printed, as far as that came as news: its worker may end before it can report the outcome. */
  #capture: OutputCapture | undefined;
  #isOver = false;
  /** What listens to its signal, once something does. */
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

  /** It has its outcome. */
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

  /** On a timeout it need not be given its grace if its body cannot listen: nothing states that grace, and nothing cleans up behind the body. */
  get isHasty(): boolean {
    const { isDefaultGrace, part, definition } = this.assignment;
    const { name } = (this.abortReason ?? {}) as { readonly name?: unknown };
    const isTimeout = name === 'TimeoutError';
    return isTimeout && isDefaultGrace === true && part === 'body' && definition.meta.cleanup === undefined;
  }

  /**
   * From now on it is stopped when the run wants that; at once, if it does already. A signal costs a little, so the engine listens only to attempts
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

  report(update: TaskUpdate): void {
    if (!this.#isOver) this.#ticket.report(update);
  }

  /** Keeps output that came as news, for an outcome without any. */
  keep(update: TaskUpdate): void {
    if (update.kind !== 'output') return;
    this.#capture ??= new OutputCapture(() => {});
    this.#capture.write(update.stream, update.text);
  }

  /** What was kept of its output. */
  get output(): Pick<PoolOutcome, 'stdout' | 'stderr'> {
    return this.#capture?.facts ?? {};
  }

  /** These steps stop it, instead of those that were being taken. */
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
