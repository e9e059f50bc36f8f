/** Asks other runs for locks, and turns their answers into inputs. Decides nothing. */
import {
  type LockRequestOfRun,
  type LockWait,
  type Problem,
  type RunLocks,
  refuse,
  type TaskMeta,
} from '@pexen/core';
import type { Command, Input, PoolId, TaskId } from '../machine/protocol.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { isService } from '../plan/services.ts';

type Acquire = Extract<Command, { readonly type: 'acquire-locks' }>;

/** What it needs of the engine. */
export interface LockHost {
  readonly plan: CompiledTasks;
  readonly runId: string;
  nowMs(): number;
  post(input: Input): void;
  warn(problem: Problem): void;
  fail(error: Error): void;
  /** Ends the attempt of the task by force. Resolves when nothing of it runs. */
  endWithoutLocks(task: TaskId, reason: string): Promise<void>;
}

export class LockRequests {
  readonly #locks: RunLocks;
  readonly #host: LockHost;
  /** Requests without an answer: their attempts have a place, and no pool has them. */
  readonly #asked = new Map<TaskId, Acquire>();
  /** The tasks of all requests that are not released. */
  readonly #tasks = new Map<number, TaskId>();
  #isOpen = false;

  constructor(locks: RunLocks, host: LockHost) {
    this.#locks = locks;
    this.#host = host;
  }

  /** Those of the tasks that were added which need locks of several runs. */
  among(from: TaskId, to: TaskId): TaskId[] {
    const { plan } = this.#host;
    const found: TaskId[] = [];
    for (let task = from; task < to; task++)
      if (holdsAnything(plan.metaOf(task)) && this.#locks.concerns(plan.metaOf(task))) found.push(task);
    if (found.length > 0) this.#open();
    return found;
  }

  /**
   * A service holds its locks while tasks that need it wait for theirs. If other runs did the same, all would wait forever.
   * @throws PexenError PEXEN_LOCKS_NESTED.
   */
  refuseNested(): void {
    const { plan } = this.#host;
    const concerns = (task: TaskId): boolean => this.#locks.concerns(plan.metaOf(task));
    const problems: Problem[] = [];
    for (const service of plan.services.all)
      if (isService(plan, service) && concerns(service))
        for (const task of plan.services.upheldBy(service))
          if (task !== service && concerns(task))
            problems.push(nested(plan.pathOf(task), plan.pathOf(service)));
    refuse(problems);
  }

  acquire(command: Acquire): void {
    const { task, request: id } = command;
    const { plan } = this.#host;
    this.#asked.set(task, command);
    this.#tasks.set(id, task);
    const request: LockRequestOfRun = {
      ...{ id, path: plan.pathOf(task), meta: plan.metaOf(task) },
      ...{ priority: plan.priority[task] as number, rank: plan.order.rank[task] as number },
    };
    this.#locks.acquire(request);
  }

  release(request: number): void {
    const task = this.#tasks.get(request);
    if (task === undefined) return; // it was given up before
    if (this.#asked.get(task)?.request === request) this.#asked.delete(task);
    this.#tasks.delete(request);
    this.#locks.release(request);
  }

  /** The attempt must not start any more, and no pool has it. False if it does not wait for an answer. */
  giveUp(task: TaskId): boolean {
    const asked = this.#asked.get(task);
    if (asked === undefined) return false;
    this.release(asked.request);
    const outcome = { kind: 'not-started', reason: 'it had not got its locks' } as const;
    const { attempt } = asked;
    this.#host.post({
      type: 'attempt-ended',
      atMs: this.#host.nowMs(),
      task,
      attempt,
      part: 'body',
      outcome,
    });
    return true;
  }

  /** The attempts in the pool that wait for an answer must not start any more. */
  reclaim(pool: PoolId): void {
    for (const { task, pool: home } of [...this.#asked.values()]) if (home === pool) this.giveUp(task);
  }

  /** Releases everything. Resolves once other runs know. Never rejects. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#locks.close().catch(() => {}); // what is not released in an orderly way ends with this process
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#locks.open({
      runId: this.#host.runId,
      outlivesMs: Math.max(
        0,
        ...this.#host.plan.options.pools.map(({ manifest }) => manifest.outlivesMs ?? 0),
      ),
      granted: (request) =>
        this.#answer(request, (task, atMs) => ({ type: 'locks-granted', atMs, task, request })),
      awaited: (request, wait: LockWait) =>
        this.#answer(request, (task, atMs) => ({ type: 'locks-awaited', atMs, task, request, wait })),
      lost: (request, reason) => this.#lost(request, reason),
      warn: (problem) => this.#host.warn(problem),
      fail: (error) => this.#host.fail(error),
    });
  }

  /** What has not started asks again; what runs ends. */
  async #lost(request: number, reason: string): Promise<void> {
    const task = this.#tasks.get(request);
    if (task === undefined) return;
    const ended = this.#host.endWithoutLocks(task, reason);
    this.#host.post({ type: 'locks-lost', atMs: this.#host.nowMs(), task, request });
    await ended;
  }

  #answer(request: number, inputOf: (task: TaskId, atMs: number) => Input): void {
    const task = this.#tasks.get(request);
    if (task === undefined) return;
    this.#asked.delete(task);
    this.#host.post(inputOf(task, this.#host.nowMs()));
  }
}

function holdsAnything({ uses, claims }: TaskMeta): boolean {
  return uses !== undefined || claims !== undefined;
}

function nested(task: string, service: string): Problem {
  return {
    ...{ code: 'PEXEN_LOCKS_NESTED', task },
    message: `needs resources that runs share, and the service "${service}", which holds such resources while the task waits for its own`,
    hint: `Let "${service}" hold all of them, or keep one of them within the run.`,
  };
}
