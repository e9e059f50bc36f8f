/** Processes results in a pool of its own while the tasks still run: a second run that is fed by the results of the first. */
import { metaOf, type Result, type Runnable, refuse, type UnboundTask, withMeta } from '@pexen/core';
import { type KindsOf, number, optionProblems } from '@pexen/core/options';
import { type PoolSource, poolSource } from './options.ts';
import { run } from './run.ts';

/** The part of a result that can be sent to another thread or process. */
export type ResultData<Value = unknown> = WithoutTask<Result<Value>>;
/** Distributes over the kinds of results, so that `status` still discriminates them. */
type WithoutTask<R> = R extends unknown ? Omit<R, 'task'> : never;

/** Options of `processResults`. */
export interface ProcessOptions {
  /** Where the processing runs. Default `inline()`. */
  readonly pool?: PoolSource | undefined;
  /** How many results may be in progress before no more are pulled. Default 16. */
  readonly limit?: number | undefined;
}

const kinds: KindsOf<ProcessOptions> = { pool: poolSource, limit: number(1) };

/** A result, and the result of its processing. */
export interface Processed<Value = unknown, Out = unknown> {
  readonly result: Result<Value>;
  readonly processed: Result<Awaited<Out>>;
}

/**
 * Processes results while later tasks still run, and yields them in the order in which the processing ended. The processing is a function
 * for this thread, or a task with `args` for any pool. Leaving the loop also leaves the loop over the results.
 *
 * @example
 * for await (const { result, processed } of processResults(run(tests), (result) => upload(result), { limit: 4 })) …
 */
export function processResults<Value, Out>(
  results: AsyncIterable<Result<Value>>,
  processing: (result: ResultData<Value>) => Out,
  options?: ProcessOptions,
): AsyncGenerator<Processed<Value, Out>, undefined>;
export function processResults<Value, Out>(
  results: AsyncIterable<Result<Value>>,
  processing: UnboundTask<ResultData<Value>, Out>,
  options?: ProcessOptions,
): AsyncGenerator<Processed<Value, Out>, undefined>;
export async function* processResults<Value, Out>(
  results: AsyncIterable<Result<Value>>,
  processing: Processing<Value, Out>,
  options: ProcessOptions = {},
): AsyncGenerator<Processed<Value, Out>, undefined> {
  refuse(optionProblems('processResults', options, kinds));
  const { pool, limit = 16 } = options;
  const work = run<Runnable<Out>>([], { ...(pool !== undefined && { pool }) });
  const source = results[Symbol.asyncIterator]();
  const processed = work[Symbol.asyncIterator]();
  const under = new Map<string, Result<Value>>();
  const arrived = new Arrivals<IteratorResult<Result<Value>> | IteratorResult<Result<Awaited<Out>>>>();
  let isSourceDone = false;
  try {
    for (;;) {
      if (!isSourceDone && under.size < limit) arrived.expect('source', () => source.next());
      if (under.size > 0) arrived.expect('work', () => processed.next());
      const [from, step] = (await arrived.next()) ?? [];
      if (step === undefined) {
        await processed.next(); // rejects if the pool of the processing could not be opened
        return undefined;
      }
      if (step.done) isSourceDone = true;
      else if (from === 'work') yield take(under, step.value as Result<Awaited<Out>>);
      else {
        const result = step.value as Result<Value>;
        under.set(result.path, result);
        work.add([{ under: [], task: taskFor(processing, result) }]);
      }
    }
  } finally {
    await Promise.all([source.return?.(), work.close()]);
  }
}

type Processing<Value, Out> = ((result: ResultData<Value>) => Out) | UnboundTask<ResultData<Value>, Out>;

function take<Value, Out>(
  under: Map<string, Result<Value>>,
  processed: Result<Out>,
): { result: Result<Value>; processed: Result<Out> } {
  const path = processed.callPath.at(-1) as string;
  const result = under.get(path) as Result<Value>;
  under.delete(path);
  return { result, processed };
}

function taskFor<Value, Out>(
  processing: Processing<Value, Out>,
  { task: _, ...data }: Result<Value>,
): Runnable<Out> {
  const name = data.path;
  if ('with' in processing) return processing.with(data, { name }) as Runnable<Out>;
  return withMeta(() => processing(data), { ...metaOf(processing), name });
}

/** Waits for the first of several promises to settle. Each of them is requested only once at a time. */
class Arrivals<T> {
  readonly #expected = new Set<string>();
  readonly #arrived: (readonly [from: string, value: T | PromiseLike<T>])[] = [];
  #wake: (() => void) | undefined;

  expect(from: string, ask: () => Promise<T>): void {
    if (this.#expected.has(from)) return;
    this.#expected.add(from);
    const asked = ask();
    const arrive = (): void => {
      this.#arrived.push([from, asked]);
      this.#wake?.();
    };
    asked.then(arrive, arrive);
  }

  /** Undefined if nothing is expected. Rejects if the promise did. */
  async next(): Promise<readonly [from: string, value: T] | undefined> {
    if (this.#expected.size === 0) return undefined;
    if (this.#arrived.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    const [from, value] = this.#arrived.shift() as readonly [string, T];
    this.#expected.delete(from);
    return [from, await value];
  }
}
