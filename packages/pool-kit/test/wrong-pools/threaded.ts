/** A right pool of threads, small and slow, to be made wrong in what concerns killing. */
import { Worker } from 'node:worker_threads';
import type {
  Assignment,
  Pool,
  PoolContext,
  PoolManifest,
  PoolOutcome,
  ReadyFacts,
  TaskUpdate,
  Ticket,
} from '@pexen/core';
import { decodeOutcome, decodeThrown, encodeAssignment, type OutcomeEnvelope } from '@pexen/pool-kit';
import type { LateError } from '@pexen/pool-kit/worker';

export interface Job {
  readonly assignment: Assignment;
  readonly ticket: Ticket;
  readonly settle: (outcome: PoolOutcome) => void;
}

type Message =
  | { readonly updates: TaskUpdate }
  | { readonly ready: ReadyFacts }
  | { readonly outcome: OutcomeEnvelope }
  | { readonly late: LateError }
  | { readonly spoiled: true };

/** Threads that closed pools have left, for the next ones: starting a thread is most of the time that a case takes. */
const stock: Worker[] = [];
/** Whom a thread works for. */
const masters = new WeakMap<Worker, Threaded>();
const names = new WeakMap<Worker, string>();
/** Threads that are being ended. Their last messages may still arrive, but they get no further attempt. */
const doomed = new WeakSet<Worker>();

function startThread(): Worker {
  const worker = new Worker(new URL('./threaded-worker.ts', import.meta.url));
  worker.on('message', (message: Message) => masters.get(worker)?.hear(worker, message));
  worker.on('error', () => {});
  worker.on('exit', () => {
    const at = stock.indexOf(worker);
    if (at >= 0) stock.splice(at, 1);
    masters.get(worker)?.gone(worker);
  });
  return worker;
}

export class Threaded implements Pool {
  manifest: PoolManifest = {
    name: 'threaded',
    kills: true,
    transport: 'clone',
    closures: false,
    executables: false,
  };
  slots = 2;
  context: PoolContext | undefined;
  readonly queue: Job[] = [];
  readonly busy = new Map<Worker, Job>();
  readonly idle: Worker[] = [];
  readonly #dying = new Set<Promise<unknown>>();
  readonly #waiting = new Set<() => void>();
  /** They make no further attempt. */
  readonly #spoiled = new Set<Worker>();

  async open(context: PoolContext): Promise<void> {
    if (this.context !== undefined) throw new Error('open already');
    this.context = context;
    context.slotsChanged(this.slots);
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    if (this.context === undefined || ticket.signal.aborted) return { kind: 'not-started', reason: 'no' };
    return new Promise((settle) => {
      const job = { assignment, ticket, settle };
      this.queue.push(job);
      ticket.signal.addEventListener('abort', () => this.stop(job));
      this.fill();
    });
  }

  reclaim(): void {
    for (const job of this.queue.splice(0)) this.giveBack(job);
  }

  async close(how: 'drain' | 'kill'): Promise<void> {
    this.context = undefined;
    this.reclaim();
    if (how === 'kill') for (const worker of this.busy.keys()) this.terminate(worker);
    while (this.busy.size > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
    for (const worker of this.idle.splice(0)) {
      masters.delete(worker);
      stock.push(worker);
    }
    await Promise.all(this.#dying);
  }

  giveBack({ settle }: Job): void {
    settle({ kind: 'not-started', reason: 'returned' });
  }

  fill(): void {
    while (this.occupied() < this.slots) {
      const job = this.queue.shift();
      if (job === undefined) return;
      this.start(job);
    }
  }

  /** How many slots are occupied. */
  occupied(): number {
    return this.busy.size;
  }

  start(job: Job): void {
    const worker = this.idle.pop() ?? this.hire();
    this.busy.set(worker, job);
    job.ticket.started(this.nameOf(worker));
    worker.postMessage({ envelope: encodeAssignment(job.assignment, 'threaded') });
  }

  ready(_job: Job, _facts: ReadyFacts): void {}

  /** Asked for again after its end, when the thread itself does not know its number any more. */
  nameOf(worker: Worker): string {
    const name = names.get(worker) ?? `thread ${worker.threadId}`;
    names.set(worker, name);
    return name;
  }

  hire(): Worker {
    const worker = stock.pop() ?? startThread();
    masters.set(worker, this);
    return worker;
  }

  hear(worker: Worker, message: Message): void {
    if ('late' in message) {
      const { tasks, error } = message.late;
      this.context?.lateError(this.nameOf(worker), tasks, decodeThrown(error, 'thread'));
    }
    if ('late' in message || 'spoiled' in message) {
      this.#spoiled.add(worker);
      if (this.idle.includes(worker)) this.terminate(worker);
      return;
    }
    const job = this.busy.get(worker);
    if (job === undefined) return;
    if ('ready' in message) {
      this.ready(job, message.ready);
      return;
    }
    if ('updates' in message) {
      job.ticket.report(message.updates);
      return;
    }
    this.busy.delete(worker);
    if (this.#spoiled.has(worker)) this.terminate(worker);
    if (!doomed.has(worker)) this.idle.push(worker);
    job.settle(decodeOutcome(message.outcome, 'thread'));
    this.fill();
    this.#changed();
  }

  stop(job: Job): void {
    const at = this.queue.indexOf(job);
    if (at >= 0) {
      this.queue.splice(at, 1);
      this.giveBack(job);
    }
    const worker = [...this.busy].find(([, each]) => each === job)?.[0];
    if (worker === undefined) return;
    worker.postMessage({ abort: true });
    const timer = setTimeout(
      () => this.busy.get(worker) === job && this.kill(worker, job),
      this.graceOf(job),
    );
    worker.once('exit', () => clearTimeout(timer));
    const { settle } = job;
    Object.assign(job, {
      settle: (outcome: PoolOutcome) => {
        clearTimeout(timer);
        settle(outcome);
      },
    });
  }

  #changed(): void {
    for (const look of this.#waiting) look();
    this.#waiting.clear();
  }

  graceOf({ assignment }: Job): number {
    return assignment.graceMs;
  }

  kill(worker: Worker, _job: Job): void {
    this.terminate(worker);
  }

  terminate(worker: Worker): void {
    doomed.add(worker);
    const at = this.idle.indexOf(worker);
    if (at >= 0) this.idle.splice(at, 1);
    const end = worker.terminate();
    this.#dying.add(end);
    end.then(() => this.#dying.delete(end));
  }

  gone(worker: Worker): void {
    const job = this.busy.get(worker);
    this.busy.delete(worker);
    if (job === undefined) {
      const at = this.idle.indexOf(worker);
      if (at >= 0) this.idle.splice(at, 1);
      return;
    }
    const wasStopped = job.ticket.signal.aborted;
    if (!wasStopped) this.context?.workerLost(this.nameOf(worker), 'it ended');
    else this.afterKill();
    job.settle(
      wasStopped ? { kind: 'stopped', how: 'killed' } : { kind: 'crashed', reason: 'the thread ended' },
    );
    this.fill();
    this.#changed();
  }

  afterKill(): void {}
}
