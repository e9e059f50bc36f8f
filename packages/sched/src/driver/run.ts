/** One execution of a set of tasks, as its consumer sees it. */
import {
  captureCallSite,
  didYouMean,
  type Explanation,
  type Inspection,
  messageOf,
  misuse,
  type Pool,
  type Result,
  type ResultStatus,
  refuseRunWhileLoading,
  type TaskOrigin,
  useSourceMaps,
} from '@pexen/core';
import { EventEmitter } from 'eventemitter3';
import { explain, inspect, story, why } from '../machine/explain.ts';
import { GIVEN } from '../machine/task-table.ts';
import type { Entry } from '../plan/planned.ts';
import { type Consumer, Engine } from './engine.ts';
import { EventPublisher, poisonedIn, type RunEvents } from './events.ts';
import type { PlannedRunOptions, RunOptions } from './options.ts';
import type { Plan } from './plan.ts';
import { type Pulled, ResultQueue } from './results.ts';
import { occupy, Prepared, type Setup, setUp } from './set-up.ts';

// Not imported, because bundlers for other platforms than Node have no such module.
const node = globalThis.process?.getBuiltinModule?.('node:module');
if (node !== undefined) useSourceMaps(node.findSourceMap);

/** How a run ended. */
export interface Summary {
  /** How many results of each status. */
  readonly counts: Readonly<Partial<Record<ResultStatus, number>>>;
  /** Results that were not taken by iterating, in the order in which the tasks ended. */
  readonly rest: readonly Result[];
  /** Why the run ended early, if it did. */
  readonly reason: string | undefined;
  /** Resources that stayed poisoned. */
  readonly poisoned: readonly string[];
  /** Errors that surfaced in workers after their bodies had ended. A run with such errors is not successful. */
  readonly lateErrors: readonly LateErrorRecord[];
  readonly durationMs: number;
}

/** An error that surfaced after its body had ended. */
export interface LateErrorRecord {
  /** Call paths of the tasks that may have caused it; one path if it is certain. */
  readonly tasks: readonly string[];
  readonly worker: string;
  readonly error: unknown;
}

type ValueOfEntry<E> = E extends Entry<infer Value> ? Awaited<Value> : never;

/**
 * A run. Iterate it once to get the results; nothing starts before the first pull. Leaving the loop aborts it. `await using` (or `close()`)
 * makes sure that nothing keeps running.
 */
export class Run<Value = unknown> implements AsyncIterable<Result<Value>>, AsyncDisposable {
  /** Errors of listeners are reported to `onWarning` and do not affect the run. */
  readonly events: EventEmitter<RunEvents> = new EventEmitter();
  readonly #options: RunOptions;
  readonly #pools: readonly Pool[];
  #releasePools: (() => void) | undefined;
  readonly #engine: Engine;
  readonly #queue: ResultQueue = new ResultQueue(() => this.#ask());
  readonly #summary: PromiseWithResolvers<Summary> = Promise.withResolvers();
  #hasStarted = false;
  #isIterated = false;
  /** Resolves once the loop is left and nothing runs any more. */
  #left: Promise<Pulled<never>> | undefined;
  #cancelDeadline: (() => void) | undefined;

  /** See `run`. */
  constructor(what: Iterable<Entry> | Plan, options: RunOptions) {
    const { pools, tasks }: Setup =
      what instanceof Prepared ? what.prepare(options) : setUp(what, options, 'run');
    this.#options = options;
    this.#pools = pools.made;
    const consumer: Consumer = {
      take: (result, task) => this.#queue.take(result, task),
      end: () => this.#end(),
    };
    const publisher = new EventPublisher(options, this.events);
    this.#engine = new Engine(tasks, pools.made, options, publisher, consumer, captureCallSite(run));
    this.#summary.promise.catch(() => {});
  }

  /**
   * Adds all of the tasks, or none if some are refused.
   * @throws PexenError as `run` does; PEXEN_RUN_ENDED after a pull that found no tasks left.
   */
  add(entries: Iterable<Entry>): void {
    if (this.#engine.machine.isEnding || this.#queue.hasEnded)
      throw misuse('PEXEN_RUN_ENDED', 'tasks were added to a run that has ended', 'Start a new run.');
    const needsSite = !this.#hasStarted || this.#engine.hasListeners;
    this.#engine.add(entries, this.#origin, needsSite ? captureCallSite(Run.prototype.add) : undefined);
  }

  /**
   * The result of one task. Without an iterator it drives the run.
   * @throws PexenError PEXEN_UNKNOWN_TASK. The promise rejects with PEXEN_RESULT_GONE if the result was given before.
   */
  of<E extends Entry>(entry: E): Promise<Result<ValueOfEntry<E>>> {
    const task = this.#find(entry);
    const { plan, state } = this.#engine;
    const known = this.#queue.find(plan.pathOf(task));
    if (known !== undefined) return Promise.resolve(known as Result<ValueOfEntry<E>>);
    if (state.tasks.has(task, GIVEN)) return Promise.reject(gone());
    if (this.#queue.hasEnded) return Promise.reject(this.#engine.failure);
    queueMicrotask(() => {
      this.#driveUnlessIterated();
      if (this.#queue.awaits(task)) this.#queue.askOnce();
    });
    return this.#queue.await(task) as Promise<Result<ValueOfEntry<E>>>;
  }

  /** The run's id, also in its events: a UUID of version 7, or the option `id`. */
  get id(): string {
    return this.#engine.identity.id;
  }

  /** No further starts, except teardowns and cleanups; what runs is stopped. The remaining results are still given. */
  abort(reason: unknown = 'the run was aborted'): void {
    this.#stop(reason, 'cancel');
  }

  /** Ends everything by force; teardowns and cleanups do not run. */
  kill(reason: unknown = 'the run was killed'): void {
    this.#stop(reason, 'kill');
  }

  /** No further starts; what runs may end. */
  drain(reason: unknown = 'the run was drained'): void {
    this.#engine.post({ type: 'drain-requested', atMs: this.#engine.nowMs(), reason: messageOf(reason) });
  }

  /** Aborts what still runs. Resolves when everything has ended. */
  async close(): Promise<void> {
    if (!this.#queue.hasEnded) this.abort('the run was closed');
    this.#drive();
    await this.#summary.promise.catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws PexenError PEXEN_SECOND_ITERATOR. */
  [Symbol.asyncIterator](): AsyncIterator<Result<Value>, undefined> {
    if (this.#isIterated || this.#queue.isDriven)
      throw misuse(
        'PEXEN_SECOND_ITERATOR',
        'a loop, of() or summary takes the results of the run already',
        'Start the loop first, keep the results, or start a new run.',
      );
    this.#isIterated = true;
    return {
      next: () => (this.#left ?? this.#queue.next()) as Promise<Pulled<Value>>,
      return: () => (this.#left ??= this.#leave()),
    };
  }

  /** The running and the waiting tasks, what they wait for, and the holders of resources. */
  inspect(): Inspection {
    this.#flush();
    return inspect(this.#engine.state, this.#engine.nowMs(), (task) => this.#engine.lastSignMs(task));
  }

  /** Why the task is not running, or how it ended, in one sentence. Also accepts a call path. */
  why(entry: Entry | string): string {
    this.#flush();
    return why(this.#engine.state, this.#find(entry));
  }

  /** The same as data, link by link: what it waits for, what that waits for, and so on, up to what holds all of it. */
  explain(entry: Entry | string): Explanation {
    this.#flush();
    return explain(this.#engine.state, this.#find(entry), this.#engine.nowMs());
  }

  /** The call paths of all tasks, in the order of declaration. */
  get paths(): readonly string[] {
    return this.#engine.plan.callPaths.paths;
  }

  /** What happened to the task so far, one line for each step. Also accepts a call path. */
  story(entry: Entry | string): readonly string[] {
    this.#flush();
    return story(this.#engine.state, this.#find(entry));
  }

  /** Resolves at the end. Without an iterator it drives the run. Rejects if a pool could not be opened. */
  get summary(): Promise<Summary> {
    queueMicrotask(() => this.#driveUnlessIterated());
    return this.#summary.promise;
  }

  /** The loop was left: further results go to the summary. */
  async #leave(): Promise<Pulled<never>> {
    if (!this.#queue.hasEnded) this.abort('the loop over the results was left');
    this.#drive();
    await this.#summary.promise.catch(() => {});
    return { value: undefined, done: true };
  }

  /** The origin of tasks that are added now. */
  get #origin(): TaskOrigin {
    if (!this.#hasStarted) return 'start';
    return this.#queue.isHandling && !this.#engine.isBusy ? 'loop' : 'outside';
  }

  #ask(): void {
    if (!this.#hasStarted) this.#start(this.#options);
    this.#engine.pull();
  }

  /** Attaches to the signal and sets the timer only when the first result is pulled: an unused run leaves nothing behind. */
  #start({ signal, deadline }: RunOptions): void {
    this.#hasStarted = true;
    this.#releasePools = occupy(this.#pools);
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (deadline !== undefined)
      this.#cancelDeadline = this.#engine.after(deadline, () =>
        this.abort(`the run exceeded its deadline of ${deadline} ms`),
      );
  }

  #end(): void {
    const { failure, state, counts } = this.#engine;
    this.#cancelDeadline?.();
    this.#releasePools?.();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#queue.end(failure);
    if (failure !== undefined) this.#summary.reject(failure);
    else
      this.#summary.resolve({
        ...{ counts, rest: this.#queue.rest, reason: state.stopReason },
        ...{ poisoned: poisonedIn(state), durationMs: this.#engine.nowMs() },
        lateErrors: state.lateErrors.map(({ tasks, worker, error }) => ({ tasks, worker, error })),
      });
  }

  #driveUnlessIterated(): void {
    if (!this.#isIterated) this.#drive();
  }

  /** From now on results are pulled even if they are not taken. */
  #drive(): void {
    this.#queue.isDriven = true;
    this.#queue.askOnce();
  }

  /** The run stops now, so its deadline has no effect any more. */
  #stop(reason: unknown, how: 'cancel' | 'kill'): void {
    this.#cancelDeadline?.();
    const atMs = this.#engine.nowMs();
    this.#engine.post({ type: 'cancel-requested', atMs, reason: messageOf(reason), how });
  }

  #onAbort = (): void => this.abort(this.#options.signal?.reason);

  /** Handles the inputs in the inbox, so that explanations are up to date. */
  #flush(): void {
    if (!this.#engine.machine.hasStarted) this.#engine.pump();
  }

  #find(entry: Entry | string): number {
    const { plan } = this.#engine;
    const task = typeof entry === 'string' ? plan.callPaths.taskAt(entry) : (plan.find(entry) ?? -1);
    if (task >= 0) return task;
    const name = typeof entry === 'string' ? `"${entry}"` : 'the task';
    const hint = typeof entry === 'string' ? nearPath(entry, plan.callPaths.paths) : undefined;
    throw misuse('PEXEN_UNKNOWN_TASK', `${name} is not part of this run`, hint ?? 'Add it first.');
  }
}

/** A path that ends with this one, otherwise a similar one. */
function nearPath(path: string, paths: readonly string[]): string | undefined {
  const below = paths.find((each) => each.endsWith(`/${path}`));
  return below === undefined ? didYouMean(path, paths) : `Did you mean "${below}"?`;
}

/**
 * Checks the tasks and makes a run of them, or makes a run of a plan. Nothing starts before the first result is pulled.
 * @throws PexenError with all problems.
 *
 * @example
 * for await (const result of run([build, test], { pool: inline({ concurrency: 8 }) })) console.log(result.path, result.status);
 */
export function run(plan: Plan, options?: PlannedRunOptions): Run;
export function run<E extends Entry>(tasks: Iterable<E>, options?: RunOptions): Run<ValueOfEntry<E>>;
export function run(what: Iterable<Entry> | Plan, options: RunOptions = {}): Run {
  refuseRunWhileLoading();
  return new Run(what, options);
}

function gone(): Error {
  return misuse(
    'PEXEN_RESULT_GONE',
    'the result was given already',
    'Call of() before that result is yielded, or keep the result in the loop.',
  );
}
