/** Runs bodies in this very thread. Can ask a body to stop, and cannot make it. */
import {
  type Assignment,
  isThenable,
  misuse,
  OwnContext,
  outcomeOfError,
  type Pool,
  type PoolContext,
  type PoolManifest,
  type PoolOutcome,
  refuse,
  type Ticket,
  unknownOptions,
} from '@pexen/core';

/** What `inline` may be told. */
export interface InlineOptions {
  /** So many bodies may be under way at the same time. Default 1. */
  readonly concurrency?: number | undefined;
}

const manifest: PoolManifest = {
  name: 'inline',
  kills: false,
  transport: 'reference',
  closures: true,
  executables: false,
};

/**
 * A pool in this thread: bodies get their values by reference, and those that never wait cost no promise.
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function inline(options: InlineOptions = {}): Pool {
  refuse(unknownOptions('inline', options, ['concurrency']));
  const { concurrency = 1 } = options;
  if (!(concurrency >= 1) || (concurrency !== Infinity && !Number.isInteger(concurrency)))
    throw misuse('PEXEN_BAD_OPTION', 'inline: concurrency must be a whole number, 1 or more');
  return new InlinePool(concurrency);
}

/** An attempt beyond the pool's concurrency. */
interface Waiting {
  readonly assignment: Assignment;
  readonly ticket: Ticket;
  readonly settle: (outcome: PoolOutcome | Promise<PoolOutcome>) => void;
}

class InlinePool implements Pool {
  readonly manifest: PoolManifest = manifest;
  readonly #concurrency: number;
  readonly #waiting = new Set<Waiting>();
  #isOpen = false;
  #running = 0;
  #whenIdle: (() => void) | undefined;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  open(context: PoolContext): Promise<void> {
    if (this.#isOpen) return Promise.reject(new Error('the pool is open already: give each run its own'));
    this.#isOpen = true;
    context.slotsChanged(this.#concurrency);
    return Promise.resolve();
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    if (!this.#isOpen) return notStarted('the pool is closed');
    if (this.#running < this.#concurrency) return this.#begin(assignment, ticket);
    return new Promise((settle) => this.#wait({ assignment, ticket, settle }));
  }

  recall(): void {
    for (const { settle } of this.#waiting) settle(notStarted('no more is begun'));
    this.#waiting.clear();
  }

  /** Gives back what waits. Bodies that are under way are waited for: nothing else can be done with them. */
  close(): Promise<void> {
    this.#isOpen = false;
    this.recall();
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  #wait(waiting: Waiting): void {
    this.#waiting.add(waiting);
    const giveBack = (): void => {
      if (this.#waiting.delete(waiting)) waiting.settle(notStarted('stopped before it was begun'));
    };
    waiting.ticket.signal.addEventListener('abort', giveBack, { once: true });
  }

  #beginNext(): void {
    for (const waiting of this.#waiting) {
      if (this.#running >= this.#concurrency) return;
      this.#waiting.delete(waiting);
      waiting.settle(this.#begin(waiting.assignment, waiting.ticket));
    }
  }

  #begin(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    ticket.started('inline');
    const { definition, part } = assignment;
    const context = new OwnContext(definition.meta, assignment, ticket);
    const body = part === 'body' ? definition.body : definition.meta.cleanup;
    try {
      const value = (body as (context: OwnContext) => unknown)(context);
      return isThenable(value) ? this.#settled(value, context, ticket) : returned(value, context);
    } catch (error) {
      return failed(error, context, ticket);
    }
  }

  #settled(value: PromiseLike<unknown>, context: OwnContext, ticket: Ticket): Promise<PoolOutcome> {
    this.#running++;
    return Promise.resolve(value).then(
      (settled) => this.#ended(returned(settled, context)),
      (error) => this.#ended(failed(error, context, ticket)),
    );
  }

  #ended(outcome: PoolOutcome): PoolOutcome {
    this.#running--;
    if (this.#waiting.size > 0) this.#beginNext();
    if (this.#running === 0) this.#whenIdle?.();
    return outcome;
  }
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
