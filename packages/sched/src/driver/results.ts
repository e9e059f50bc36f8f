/** Makes the results of the tasks, and queues them for the consumer. */

import type { AttemptRecord, RecalledTask, Result, ResultStatus, Runnable } from '@pexen/core';
import { STATUSES } from '../machine/attempts.ts';
import { lostWith, skipReason } from '../machine/explain.ts';
import type { TaskId } from '../machine/protocol.ts';
import type { State } from '../machine/state.ts';
import { SLOW } from '../machine/task-table.ts';
import { clear } from '../plan/undo-log.ts';
import type { Attempt } from './attempt.ts';
import type { EventPublisher } from './events.ts';
import type { TaskOutputs } from './task-outputs.ts';

const none: readonly never[] = Object.freeze([]);

export class Results {
  /** How many results were made of each status. */
  readonly counts: Partial<Record<ResultStatus, number>> = {};
  readonly #state: State;
  readonly #outputs: TaskOutputs;
  readonly #publisher: EventPublisher;
  readonly #recalledOf: (task: TaskId) => RecalledTask | undefined;
  /** Results that were published and not taken yet. */
  readonly #published = new Map<TaskId, Result>();

  constructor(
    state: State,
    outputs: TaskOutputs,
    publisher: EventPublisher,
    recalledOf: (task: TaskId) => RecalledTask | undefined,
  ) {
    this.#recalledOf = recalledOf;
    this.#state = state;
    this.#outputs = outputs;
    this.#publisher = publisher;
  }

  /** The result of a task that is over, for listeners. The same object is taken later. */
  publish(task: TaskId, last: Attempt | undefined): Result {
    const result = this.#make(task, last);
    this.#published.set(task, result);
    return result;
  }

  /** The result of a task that is over, for the consumer. Drops all data of the task. */
  take(task: TaskId, last: Attempt | undefined): Result {
    const result = this.#published.get(task) ?? this.#make(task, last);
    this.#published.delete(task);
    this.#state.forget(task);
    this.#outputs.forget(task);
    return result;
  }

  #make(task: TaskId, last: Attempt | undefined): Result {
    const result = this.#publisher.judged(this.#describe(task, last));
    this.counts[result.status] = (this.counts[result.status] ?? 0) + 1;
    return result;
  }

  #describe(id: TaskId, last: Attempt | undefined): Result {
    const { plan, tasks } = this.#state;
    const recalled = this.#recalledOf(id);
    const findings = last?.findings ?? (recalled?.kind === 'result' ? recalled.findings : none);
    const status = STATUSES[tasks.status[id] as number] as ResultStatus;
    const attempts = tasks.recordsOf(id);
    const task = plan.runnableOf(id) as Runnable;
    const path = plan.pathOf(id);
    const callPath = plan.callPaths.callPathOf(id);
    const shared = this.#outputs.finalOf(id);
    const slow = tasks.has(id, SLOW);
    if (status === 'returned') {
      // A service may have several attempts, all of which ended well.
      const flaky = attempts.length > 1 && attempts.some(({ outcome }) => outcome.kind !== 'returned');
      return {
        task,
        path,
        callPath,
        status,
        value: tasks.valueOf(id),
        attempts,
        shared,
        flaky,
        slow,
        findings,
        ...memoryOf(recalled),
      };
    }
    const { error, reason: why, abandoned } = (attempts.at(-1) as AttemptRecord | undefined)?.outcome ?? {};
    const reason =
      status === 'skipped' ? skipReason(this.#state, id) : why === undefined ? none : [{ task: path, why }];
    const lost = status === 'skipped' ? lostWith(this.#state, id) : undefined;
    const gone = status === 'cancelled' ? none : (last?.providersGone ?? none);
    const rest = {
      ...{ attempts, shared, flaky: false, slow, findings },
      ...(abandoned && { abandoned }),
      ...(gone.length > 0 && { providersGone: gone }),
      ...(lost !== undefined && { lostWith: lost }),
      ...memoryOf(recalled),
    };
    return { task, path, callPath, status, error, reason, ...rest };
  }
}

function memoryOf(
  recalled: RecalledTask | undefined,
): Pick<Result, 'recalled' | 'interruptions' | 'earlier'> | undefined {
  if (recalled === undefined) return undefined;
  const { earlier } = recalled;
  const interruptions = recalled.kind === 'skip' ? 0 : recalled.interruptions;
  return {
    ...(recalled.kind !== 'start' && { recalled: recalled.from }),
    ...(interruptions > 0 && { interruptions }),
    ...(earlier.length > 0 && { earlier }),
  };
}

// The queue of results

/** A step of the iterator. */
export type Pulled<Value> = IteratorResult<Result<Value>, undefined>;
type Pull = Pick<PromiseWithResolvers<Pulled<unknown>>, 'resolve' | 'reject'>;

export class ResultQueue {
  /** True if results are pulled and kept independent of the iterator. */
  isDriven = false;
  hasEnded = false;
  /** The loop has received a result and has not asked for the next one. */
  isHandling = false;
  readonly #ask: () => void;
  /** Results that are not taken yet. */
  readonly #ready: Result[] = [];
  /** How many of them are taken. */
  #taken = 0;
  /** Pulls of the iterator that wait for a result. */
  readonly #pulls: Pull[] = [];
  /** Pulls that are not answered yet, of the iterator or others. */
  #asked = 0;
  /** The same results by path, from the first `find` on. */
  #byPath: Map<string, Result> | undefined;
  /** The promises for results of single tasks. */
  readonly #awaited = new Map<number, PromiseWithResolvers<Result>>();
  #failure: unknown;

  /** `ask` asks for one more result. */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** Results that were not taken. */
  get rest(): readonly Result[] {
    return this.#ready.slice(this.#taken);
  }

  next(): Promise<Pulled<unknown>> {
    this.isHandling = false;
    if (this.#isEmpty && !this.hasEnded && this.#asked <= this.#pulls.length) this.#pull();
    if (!this.#isEmpty) return Promise.resolve({ value: this.#takeReady(), done: false });
    return this.hasEnded ? this.#over() : new Promise(this.#addPull);
  }

  /** A result arrives. Passes it to the first pull that waits, or keeps it. */
  take(result: Result, task: number): void {
    this.#asked--;
    if (this.#awaited.size > 0) {
      this.#awaited.get(task)?.resolve(result);
      this.#awaited.delete(task);
    }
    const pull = this.#pulls.shift();
    if (pull === undefined) this.#keep(result);
    else {
      this.isHandling = true;
      pull.resolve({ value: result, done: false });
    }
    if (this.isDriven || this.#awaited.size > 0) this.askOnce();
  }

  /** The last result has arrived. With a failure the next pull rejects, and so do all promises for single tasks. */
  end(failure: unknown): void {
    this.hasEnded = true;
    this.#failure = failure;
    for (const awaited of this.#awaited.values()) awaited.reject(failure);
    for (const pull of this.#pulls.splice(0)) this.#over().then(pull.resolve, pull.reject);
  }

  /** Asks for a result, unless one is on its way. */
  askOnce(): void {
    if (this.#asked === 0 && !this.hasEnded) this.#pull();
  }

  /** The result of this path, if it has arrived and is not taken yet. */
  find(path: string): Result | undefined {
    this.#byPath ??= new Map(this.rest.map((result) => [result.path, result]));
    return this.#byPath.get(path);
  }

  /** True if a promise for the result of the task is pending. */
  awaits(task: number): boolean {
    return this.#awaited.has(task);
  }

  /** The result of the task, once it arrives. */
  await(task: number): Promise<Result> {
    const known = this.#awaited.get(task) ?? Promise.withResolvers<Result>();
    this.#awaited.set(task, known);
    return known.promise;
  }

  get #isEmpty(): boolean {
    return this.#taken === this.#ready.length;
  }

  #pull(): void {
    this.#asked++;
    this.#ask();
  }

  #keep(result: Result): void {
    this.#ready.push(result);
    this.#byPath?.set(result.path, result);
  }

  #takeReady(): Result {
    this.isHandling = true;
    const result = this.#ready[this.#taken++] as Result;
    this.#byPath?.delete(result.path);
    if (this.#isEmpty) {
      clear(this.#ready);
      this.#taken = 0;
    }
    return result;
  }

  #over(): Promise<Pulled<never>> {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure === undefined
      ? Promise.resolve({ value: undefined, done: true })
      : Promise.reject(failure);
  }

  /** One function for all pulls. */
  readonly #addPull = (resolve: Pull['resolve'], reject: Pull['reject']): void => {
    this.#pulls.push({ resolve, reject });
  };
}
