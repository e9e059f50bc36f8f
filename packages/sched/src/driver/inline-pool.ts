/** Runs bodies in the present thread. It can ask a body to stop; a body that does not is abandoned. */
import {
  type Assignment,
  isThenable,
  OwnContext,
  outcomeOfError,
  type Pool,
  type PoolContext,
  type PoolManifest,
  type PoolOutcome,
  poolAbandoned,
  poolInUse,
  refuse,
  type Ticket,
} from '@pexen/core';
import { type KindsOf, optionProblems, wholeOrInfinity } from '@pexen/core/options';
import { startTimer } from '@pexen/core/timers';
import { Attempt } from './attempt.ts';
import { isTurnLong, nextTurn } from './event-loop.ts';

/** Options of `inline`. */
export interface InlineOptions {
  /** How many bodies may run at the same time. Default 1. */
  readonly concurrency?: number | undefined;
}

const manifest: PoolManifest = {
  name: 'inline',
  kills: false,
  transport: 'reference',
  closures: true,
  executables: false,
  services: true,
};

const kinds: KindsOf<InlineOptions> = { concurrency: wholeOrInfinity(1) };

/**
 * A pool in this thread: bodies get their values by reference, and bodies that never wait cost no promise.
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function inline(options: InlineOptions = {}): Pool {
  refuse(optionProblems('inline', options, kinds));
  return new InlinePool(options.concurrency ?? 1);
}

/** An attempt beyond the concurrency of the pool. */
interface Waiting {
  readonly assignment: Assignment;
  readonly ticket: Ticket;
  readonly settle: (outcome: PoolOutcome | Promise<PoolOutcome>) => void;
}

/** A body that waits for a promise. */
interface RunningBody {
  readonly ticket: Ticket;
  readonly settle: (outcome: PoolOutcome) => void;
  /** Fulfilled when the body has ended, abandoned or not. */
  settled?: Promise<void>;
  cancelGrace?: () => void;
}

class InlinePool implements Pool {
  readonly manifest: PoolManifest = manifest;
  readonly #concurrency: number;
  readonly #waiting = new Set<Waiting>();
  readonly #running = new Set<RunningBody>();
  readonly #abandoned = new Set<RunningBody>();
  /** Those of the running bodies that are services, which count for nothing else. */
  readonly #services = new Set<RunningBody>();
  #isOpen = false;
  /** Closed by `kill`: a body whose synchronous part has killed the run is abandoned as well. */
  #isKilled = false;
  #after: NonNullable<PoolContext['after']> = startTimer;
  #whenIdle: (() => void) | undefined;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  open(context: PoolContext): Promise<void> {
    if (this.#isOpen || this.#running.size > 0) return Promise.reject(poolInUse());
    if (this.#abandoned.size > 0) return Promise.reject(poolAbandoned());
    this.#isOpen = true;
    this.#isKilled = false;
    this.#after = context.after ?? startTimer;
    context.slotsChanged(this.#concurrency);
    return Promise.resolve();
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    if (!this.#isOpen) return notStarted('the pool is closed');
    if (assignment.service || this.#running.size - this.#services.size < this.#concurrency)
      return this.#start(assignment, ticket);
    return new Promise((settle) => this.#wait({ assignment, ticket, settle }));
  }

  reclaim(): void {
    for (const { settle } of this.#waiting) settle(notStarted('the pool starts nothing more'));
    this.#waiting.clear();
  }

  /** Returns waiting attempts unstarted. `kill` gives bodies one turn of the event loop to receive their signal, and abandons those that go on. */
  async close(how: 'drain' | 'kill'): Promise<void> {
    this.#isOpen = false;
    this.#isKilled = how === 'kill';
    this.reclaim();
    if (this.#running.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
    if (how === 'kill') nextTurn(() => this.#abandonAll());
    await idle;
  }

  #wait(waiting: Waiting): void {
    this.#waiting.add(waiting);
    const returnUnstarted = (): void => {
      if (this.#waiting.delete(waiting)) waiting.settle(notStarted('stopped before it was started'));
    };
    waiting.ticket.signal.addEventListener('abort', returnUnstarted, { once: true });
  }

  #startNext(): void {
    for (const waiting of this.#waiting) {
      if (this.#running.size - this.#services.size >= this.#concurrency) return;
      if (isTurnLong()) {
        nextTurn(() => this.#startNext());
        return;
      }
      this.#waiting.delete(waiting);
      waiting.settle(this.#start(waiting.assignment, waiting.ticket));
    }
  }

  #start(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    ticket.started('inline');
    // A listener that was notified of the start may have stopped the run.
    if (isStopped(ticket)) return { kind: 'stopped', how: 'aborted' };
    const { definition, part } = assignment;
    const context = new OwnContext(definition.meta, assignment, ticket);
    const body = part === 'body' ? definition.body : definition.meta.cleanup;
    try {
      const value = (body as (context: OwnContext) => unknown)(context);
      return isThenable(value) ? this.#follow(value, context, assignment, ticket) : returned(value, context);
    } catch (error) {
      return failed(error, context, ticket);
    }
  }

  /** The outcome of a body that waits: when it settles, or when it is abandoned. */
  #follow(
    value: PromiseLike<unknown>,
    context: OwnContext,
    { graceMs, service }: Assignment,
    ticket: Ticket,
  ): Promise<PoolOutcome> {
    return new Promise((settle) => {
      const body: RunningBody = { ticket, settle };
      this.#running.add(body);
      if (service) this.#services.add(body);
      body.settled = Promise.resolve(value).then(
        (settled) => this.#ended(body, returned(settled, context)),
        (error) => this.#ended(body, failed(error, context, ticket)),
      );
      whenStopped(ticket, () => {
        if (this.#running.has(body)) body.cancelGrace = this.#after(graceMs, () => this.#abandon(body));
      });
      // The body itself has killed the run before it returned its promise.
      if (this.#isKilled) nextTurn(() => this.#abandonAll());
    });
  }

  #ended(body: RunningBody, outcome: PoolOutcome): void {
    if (this.#abandoned.delete(body)) return;
    this.#release(body, outcome);
  }

  /** A body without a stop request has lost its pool. That is a crash. */
  #abandon(body: RunningBody): void {
    this.#abandoned.add(body);
    const settled = body.settled as Promise<void>;
    this.#release(
      body,
      isStopped(body.ticket)
        ? { kind: 'stopped', how: 'abandoned', settled }
        : { kind: 'crashed', reason: 'the pool was closed while its body ran, and the body may still run' },
    );
  }

  #abandonAll(): void {
    for (const body of this.#running) this.#abandon(body);
  }

  /** Settles the attempt and gives its place to the next one. */
  #release(body: RunningBody, outcome: PoolOutcome): void {
    body.cancelGrace?.();
    this.#running.delete(body);
    this.#services.delete(body);
    body.settle(outcome);
    if (this.#waiting.size > 0) this.#startNext();
    if (this.#running.size === 0) this.#whenIdle?.();
  }
}

/** Calls back when the attempt must stop. Our own attempts do so without a signal, which would cost more than many a body. */
function whenStopped(ticket: Ticket, stop: () => void): void {
  if (isStopped(ticket)) stop();
  else if (ticket instanceof Attempt) ticket.onStop = stop;
  else ticket.signal.addEventListener('abort', stop, { once: true });
}

function isStopped(ticket: Ticket): boolean {
  return ticket instanceof Attempt ? ticket.isStopped : ticket.signal.aborted;
}

function returned(value: unknown, { provided }: OwnContext): PoolOutcome {
  return provided.length === 0 ? { kind: 'returned', value } : { kind: 'returned', value, provided };
}

function failed(error: unknown, { provided }: OwnContext, ticket: Ticket): PoolOutcome {
  const outcome = outcomeOfError(error, ticket.signal);
  return provided.length === 0 ? outcome : { ...outcome, provided };
}

function notStarted(reason: string): PoolOutcome {
  return { kind: 'not-started', reason };
}
