/** One execution of a set of tasks, as its consumer sees it. */
import type {
  Inspection,
  NewsEvent,
  PlacedTask,
  Result,
  ResultStatus,
  RunEvent,
  Runnable,
} from '@pexen/core';
import { EventEmitter } from 'eventemitter3';
import type { RunOptions } from './options.ts';

/** What a run tells while it goes on: `event` – run events, in one order; `news` – what bodies say. */
export interface RunEvents {
  event: (event: RunEvent) => void;
  news: (news: NewsEvent) => void;
}

/** How a run ended. */
export interface Summary {
  /** How many results of each status. */
  readonly counts: Readonly<Partial<Record<ResultStatus, number>>>;
  /** Results that nobody took by iterating, in the order in which the tasks ended. */
  readonly rest: readonly Result[];
  /** Why it ended early, if it did. */
  readonly reason: string | undefined;
  /** Resources that stayed poisoned. */
  readonly poisoned: readonly string[];
  readonly durationMs: number;
}

/** What can be handed to a run. */
export type Entry<Value = unknown> = Runnable<Value> | PlacedTask<Value>;

type ValueOfEntry<E> = E extends Entry<infer Value> ? Awaited<Value> : never;

/**
 * A run. Iterate it once to get the results; nothing starts before the first pull. Leaving the loop aborts it.
 * `await using` (or `close()`) sees to it that nothing is left.
 */
export class Run<Value = unknown> implements AsyncIterable<Result<Value>>, AsyncDisposable {
  /** Listeners that throw are reported to `onWarning` and harm nothing. */
  readonly events: EventEmitter<RunEvents> = new EventEmitter();

  /** Adds tasks, whole or not at all. @throws PexenError as `run` does; PEXEN_RUN_ENDED. */
  add(_entries: Iterable<Entry>): void {}
  /** The result of one task. Without an iterator it drives the run. @throws PexenError PEXEN_UNKNOWN_TASK. */
  of<E extends Entry>(_entry: E): Promise<Result<ValueOfEntry<E>>> {
    throw new Error('not yet');
  }
  /** No further starts, but for teardowns and cleanups; what runs is stopped. The remaining results are still given. */
  abort(_reason?: unknown): void {}
  /** Ends everything by force; teardowns and cleanups do not run. */
  kill(_reason?: unknown): void {}
  /** No further starts; what runs may end. */
  drain(_reason?: unknown): void {}
  /** Aborts what still runs and resolves when nothing is left. */
  close(): Promise<void> {
    throw new Error('not yet');
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
  [Symbol.asyncIterator](): AsyncIterator<Result<Value>, undefined> {
    throw new Error('not yet');
  }
  /** What runs, what waits for what, who holds what. */
  inspect(): Inspection {
    throw new Error('not yet');
  }
  /** Why the task is not running, or how it ended, in one sentence. */
  why(_entry: Entry): string {
    throw new Error('not yet');
  }
  /** What happened to the task so far, one line each. */
  story(_entry: Entry): readonly string[] {
    throw new Error('not yet');
  }
  /** Resolves at the end. Without an iterator it drives the run. */
  get summary(): Promise<Summary> {
    throw new Error('not yet');
  }
}

/**
 * Checks the tasks and makes a run of them.
 * @throws PexenError with all that is wrong, before anything starts.
 */
export function run<E extends Entry>(_entries: Iterable<E>, _options: RunOptions = {}): Run<ValueOfEntry<E>> {
  throw new Error('not yet');
}
