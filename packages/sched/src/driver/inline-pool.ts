/** Runs bodies in this very thread. Can ask a body to stop, and cannot make it. */
import {
  type Assignment,
  isThenable,
  OwnContext,
  outcomeOfError,
  type Pool,
  type PoolContext,
  type PoolManifest,
  type PoolOutcome,
  type Ticket,
} from '@pexen/core';

export interface InlineOptions {
  /** So many bodies may be under way at the same time. Default 1. */
  readonly concurrency?: number;
}

const manifest: PoolManifest = {
  name: 'inline',
  kills: false,
  transport: 'reference',
  closures: true,
  executables: false,
};

/** A pool in this thread: bodies get their values by reference, and those that never wait cost no promise. */
export function inline(options: InlineOptions = {}): Pool {
  return new InlinePool(options.concurrency ?? 1);
}

class InlinePool implements Pool {
  readonly manifest: PoolManifest = manifest;
  readonly #concurrency: number;
  #running = 0;
  #whenIdle: (() => void) | undefined;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  open(context: PoolContext): Promise<void> {
    context.slotsChanged(this.#concurrency);
    return Promise.resolve();
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    ticket.started('inline');
    const { definition, part, args, shared, received, attempt, path } = assignment;
    const context = new OwnContext(definition.meta, { args, shared, received, attempt, path, ticket });
    const body = part === 'body' ? definition.body : definition.meta.cleanup;
    try {
      const value = (body as (context: OwnContext) => unknown)(context);
      return isThenable(value) ? this.#settled(value, context, ticket) : returned(value, context);
    } catch (error) {
      return failed(error, context, ticket);
    }
  }

  /** Bodies that are under way are waited for: nothing else can be done with them. */
  close(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  async #settled(value: PromiseLike<unknown>, context: OwnContext, ticket: Ticket): Promise<PoolOutcome> {
    this.#running++;
    try {
      return returned(await value, context);
    } catch (error) {
      return failed(error, context, ticket);
    } finally {
      if (--this.#running === 0) this.#whenIdle?.();
    }
  }
}

function returned(value: unknown, { provided }: OwnContext): PoolOutcome {
  return provided.length === 0 ? { kind: 'returned', value } : { kind: 'returned', value, provided };
}

function failed(error: unknown, { provided }: OwnContext, ticket: Ticket): PoolOutcome {
  const outcome = outcomeOfError(error, ticket.signal);
  return provided.length === 0 ? outcome : { ...outcome, provided };
}
