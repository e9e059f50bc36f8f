/** One execution of a set of tasks, as its consumer sees it. */
import { type Inspection, type Result, type ResultStatus, refuseRunWhileLoading } from '@pexen/core';
import { EventEmitter } from 'eventemitter3';
import { inspect, story, why } from '../machine/insight.ts';
import { GIVEN } from '../machine/task-table.ts';
import { Plan } from '../plan/plan.ts';
import type { Entry } from '../plan/planned.ts';
import { Engine, messageOf, type RunEvents } from './engine.ts';
import { poisonedIn } from './events.ts';
import type { RunOptions } from './options.ts';
import { misuse, setUp } from './setup.ts';

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

type ValueOfEntry<E> = E extends Entry<infer Value> ? Awaited<Value> : never;
type Pulled<Value> = IteratorResult<Result<Value>, undefined>;

/**
 * A run. Iterate it once to get the results; nothing starts before the first pull. Leaving the loop aborts it.
 * `await using` (or `close()`) sees to it that nothing is left.
 */
export class Run<Value = unknown> implements AsyncIterable<Result<Value>>, AsyncDisposable {
  /** Listeners that throw are reported to `onWarning` and harm nothing. */
  readonly events: EventEmitter<RunEvents> = new EventEmitter();
  readonly #options: RunOptions;
  readonly #engine: Engine;
  /** Results that nobody took yet. */
  readonly #ready: Result[] = [];
  /** So many of them are taken. */
  #taken = 0;
  /** Pulls of the iterator that wait for a result. */
  readonly #pulls: PromiseWithResolvers<Pulled<unknown>>[] = [];
  /** Pulls that the machine did not answer yet. */
  #asked = 0;
  /** Who waits for the result of one task. */
  readonly #awaited = new Map<number, PromiseWithResolvers<Result>>();
  readonly #summary: PromiseWithResolvers<Summary> = Promise.withResolvers();
  #isIterated = false;
  /** Nobody iterates (any more): the run pulls by itself. */
  #isDriven = false;
  #hasEnded = false;
  #takeDeadlineBack: (() => void) | undefined;

  /** See `run`. */
  constructor(entries: Iterable<Entry>, options: RunOptions) {
    const { pools, plan: planOptions } = setUp(options);
    const plan = new Plan(planOptions);
    const added = plan.add(entries);
    this.#options = options;
    this.#engine = new Engine(plan, pools, options, this.events, {
      give: (result, task) => this.#take(result, task),
      end: () => this.#end(),
    });
    this.#engine.queue({ type: 'tasks-added', atMs: 0, ...added });
    this.#summary.promise.catch(() => {});
    const { signal } = options;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Adds tasks, whole or not at all.
   * @throws PexenError as `run` does; PEXEN_RUN_ENDED after a pull that met nothing left.
   */
  add(entries: Iterable<Entry>): void {
    if (this.#hasEnded || this.#engine.machine.isEnding)
      throw misuse('PEXEN_RUN_ENDED', 'tasks were added to a run that has ended', 'Make a new run.');
    const input = { type: 'tasks-added' as const, atMs: 0, ...this.#engine.plan.add(entries) };
    if (this.#engine.hasBegun) this.#engine.tellAtOnce({ ...input, atMs: this.#engine.nowMs });
    else this.#engine.queue(input);
  }

  /**
   * The result of one task. Without an iterator it drives the run.
   * @throws PexenError PEXEN_UNKNOWN_TASK. The promise rejects with PEXEN_RESULT_GONE if the result was given before it was asked for.
   */
  of<E extends Entry>(entry: E): Promise<Result<ValueOfEntry<E>>> {
    const task = this.#find(entry);
    let awaited = this.#awaited.get(task);
    if (awaited === undefined) {
      awaited = Promise.withResolvers();
      const known = this.#ready.find((result) => result?.path === this.#engine.plan.pathOf(task));
      if (known !== undefined) awaited.resolve(known);
      else if (this.#engine.state.tasks.has(task, GIVEN)) awaited.reject(gone());
      else this.#await(task, awaited);
    }
    return awaited.promise as Promise<Result<ValueOfEntry<E>>>;
  }

  /** No further starts, but for teardowns and cleanups; what runs is stopped. The remaining results are still given. */
  abort(reason: unknown = 'it was aborted'): void {
    this.#stop(reason, 'cancel');
  }

  /** Ends everything by force; teardowns and cleanups do not run. */
  kill(reason: unknown = 'it was killed'): void {
    this.#stop(reason, 'kill');
  }

  /** No further starts; what runs may end. */
  drain(reason: unknown = 'it was drained'): void {
    this.#engine.post({ type: 'drain-requested', atMs: this.#engine.nowMs, reason: messageOf(reason) });
  }

  /** Aborts what still runs and resolves when nothing is left. */
  async close(): Promise<void> {
    if (!this.#hasEnded) {
      this.abort('it was closed');
      this.#drive();
    }
    await this.#summary.promise.catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws PexenError PEXEN_SECOND_ITERATOR. */
  [Symbol.asyncIterator](): AsyncIterator<Result<Value>, undefined> {
    if (this.#isIterated || this.#isDriven)
      throw misuse(
        'PEXEN_SECOND_ITERATOR',
        'the results of a run are iterated twice',
        'Keep them, or make a new run.',
      );
    this.#isIterated = true;
    return { next: () => this.#next() as Promise<Pulled<Value>>, return: () => this.#leave() };
  }

  /** What runs, what waits for what, who holds what. */
  inspect(): Inspection {
    this.#engine.pump();
    return inspect(this.#engine.state, this.#engine.nowMs, (task) => this.#engine.heardMs(task));
  }

  /** Why the task is not running, or how it ended, in one sentence. Takes a call path, too. */
  why(entry: Entry | string): string {
    this.#engine.pump();
    return why(this.#engine.state, this.#find(entry));
  }

  /** What happened to the task so far, one line each. */
  story(entry: Entry | string): readonly string[] {
    this.#engine.pump();
    return story(this.#engine.state, this.#find(entry));
  }

  /** Resolves at the end. Without an iterator it drives the run. Rejects where a pool could not be opened. */
  get summary(): Promise<Summary> {
    queueMicrotask(() => this.#driveUnlessIterated());
    return this.#summary.promise;
  }

  #next(): Promise<Pulled<unknown>> {
    if (this.#taken === this.#ready.length && !this.#hasEnded) {
      if (this.#asked <= this.#pulls.length) this.#pull();
      if (this.#taken === this.#ready.length && !this.#hasEnded) return this.#wait();
    }
    if (this.#taken === this.#ready.length) return this.#over();
    const value = this.#ready[this.#taken++] as Result;
    if (this.#taken === this.#ready.length) {
      this.#ready.length = 0;
      this.#taken = 0;
    }
    return Promise.resolve({ value, done: false });
  }

  #wait(): Promise<Pulled<unknown>> {
    const pull = Promise.withResolvers<Pulled<unknown>>();
    this.#pulls.push(pull);
    return pull.promise;
  }

  #over(): Promise<Pulled<never>> {
    const { failure } = this.#engine;
    if (failure === undefined) return Promise.resolve({ value: undefined, done: true });
    this.#engine.failure = undefined;
    return Promise.reject(failure);
  }

  /** The loop was left. */
  async #leave(): Promise<Pulled<never>> {
    if (!this.#hasEnded) this.abort('its results were not wanted any more');
    this.#drive();
    await this.#summary.promise.catch(() => {});
    return { value: undefined, done: true };
  }

  #pull(): void {
    const { deadline } = this.#options;
    if (deadline !== undefined && this.#takeDeadlineBack === undefined)
      this.#takeDeadlineBack = this.#engine.after(deadline, () =>
        this.abort(`it took longer than ${deadline} ms`),
      );
    this.#asked++;
    this.#engine.post({ type: 'result-wanted', atMs: this.#engine.nowMs });
  }

  /** A result came: for the first of those who wait, or to be kept. */
  #take(result: Result, task: number): void {
    this.#asked--;
    const awaited = this.#awaited.get(task);
    if (awaited !== undefined) {
      this.#awaited.delete(task);
      awaited.resolve(result);
    }
    const pull = this.#pulls.shift();
    if (pull === undefined) this.#ready.push(result);
    else pull.resolve({ value: result, done: false });
    if ((this.#isDriven || this.#awaited.size > 0) && this.#asked === 0) this.#pull();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#takeDeadlineBack?.();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    const { failure, state, counts, nowMs } = this.#engine;
    for (const pull of this.#pulls.splice(0)) this.#over().then(pull.resolve, pull.reject);
    if (failure !== undefined) this.#summary.reject(failure);
    else
      this.#summary.resolve({
        ...{ counts, rest: this.#ready.slice(this.#taken), reason: state.reason },
        ...{ poisoned: poisonedIn(state), durationMs: nowMs },
      });
  }

  #await(task: number, awaited: PromiseWithResolvers<Result>): void {
    this.#awaited.set(task, awaited);
    queueMicrotask(() => {
      this.#driveUnlessIterated();
      if (this.#awaited.has(task) && this.#asked === 0) this.#pull();
    });
  }

  #driveUnlessIterated(): void {
    if (!this.#isIterated) this.#drive();
  }

  #drive(): void {
    if (this.#isDriven) return;
    this.#isDriven = true;
    if (!this.#hasEnded && this.#asked === 0) this.#pull();
  }

  #stop(reason: unknown, how: 'cancel' | 'kill'): void {
    this.#engine.post({ type: 'cancel-requested', atMs: this.#engine.nowMs, reason: messageOf(reason), how });
  }

  #onAbort = (): void => this.abort(this.#options.signal?.reason);

  #find(entry: Entry | string): number {
    const { plan } = this.#engine;
    const task = typeof entry === 'string' ? plan.naming.taskAt(entry) : plan.find(entry);
    if (task === undefined)
      throw misuse('PEXEN_UNKNOWN_TASK', 'the task is not part of this run', 'Add it first.');
    return task;
  }
}

/**
 * Checks the tasks and makes a run of them. Nothing starts before the first result is asked for.
 * @throws PexenError with all that is wrong.
 *
 * @example
 * for await (const result of run([build, test], { pool: inline({ concurrency: 8 }) })) console.log(result.path, result.status);
 */
export function run<E extends Entry>(entries: Iterable<E>, options: RunOptions = {}): Run<ValueOfEntry<E>> {
  refuseRunWhileLoading();
  return new Run(entries, options);
}

function gone(): Error {
  return misuse(
    'PEXEN_RESULT_GONE',
    'the result was given already',
    'Ask for it before, or keep it in the loop.',
  );
}
