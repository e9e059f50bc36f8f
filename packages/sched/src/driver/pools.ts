/** A pool as the engine sees it: what it does becomes inputs of the machine, and its faults do not spread. */
import {
  type CodeSource,
  type LeftAttempt,
  messageOf,
  type Pool,
  type PoolNode,
  type PoolOutcome,
  type Problem,
} from '@pexen/core';
import type { Input, PoolId } from '../machine/protocol.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import type { Attempt } from './attempt.ts';

/** Receives the inputs. */
export interface PoolListener {
  /** True if outcomes must carry the modules that workers have loaded. */
  readonly wantsModules: boolean;
  /** The id of the run, made when it is first read. */
  readonly code: CodeSource | undefined;
  readonly runId: string;
  /** The number of this session of the run. */
  readonly session: number;
  nowMs(): number;
  post(input: Input): void;
  after(ms: number, ring: () => void): () => void;
  /** The pool could not be opened. */
  openFailed(error: unknown): void;
  /** A worker has ended or is being ended. */
  workerGone(pool: PoolId, worker: string, reason: string): void;
  /** Whether the node fulfils each constraint of the plan, or what it lacks, and what there is on it. */
  factsOf(node: PoolNode): ReturnType<CompiledTasks['factsOf']>;
  warn(problem: Problem): void;
  /** Calls `recorded` once it is recorded that attempts may outlive the process at this place. */
  joined(place: string, recorded: () => void): void;
  /** Nothing of the run is at this place any more. */
  parted(place: string): void;
  /** The run cannot go on. */
  fail(error: Error, how?: 'cancel' | 'kill'): void;
}

/** How long a pool that is closed while it opens may take to give up, ms. After that it is ignored. */
const longestGivingUpMs = { drain: 4_000, kill: 1_000 };

/** One pool of a run. */
export class RunPool {
  readonly #pool: Pool;
  readonly #id: PoolId;
  readonly #listener: PoolListener;
  readonly #nodes = new Map<string, PoolNode>();
  /** The opening in progress; it resolves to its error if it fails. */
  #opening: Promise<unknown> | undefined;
  /** An opening that the machine has not asked for yet. */
  #early: Promise<unknown> | undefined;
  #left: readonly LeftAttempt[] = [];

  constructor(pool: Pool, id: PoolId, listener: PoolListener) {
    this.#pool = pool;
    this.#id = id;
    this.#listener = listener;
  }

  /** May attempts outlive the process in this pool? */
  get adopts(): boolean {
    return this.#pool.manifest.adopts === true;
  }

  /**
   * Opens the pool before the machine asks for that. Resolves with what earlier sessions have left there. If it cannot be opened, that is nothing where no earlier
   * session had a place; otherwise it rejects with the error.
   */
  async openForLeft(earlierPlaces: readonly string[] | 'unknown'): Promise<readonly LeftAttempt[]> {
    const opening = this.#tryToOpen(earlierPlaces);
    this.#early = opening;
    const error = await opening;
    if (error === undefined) return this.#left;
    const isInterrupted = this.#early !== opening;
    if (isInterrupted || earlierPlaces.length === 0) return [];
    throw error;
  }

  /** Closes the pool if it is being opened, or was, and the machine has not asked for that. */
  async interruptOpening(): Promise<void> {
    if (this.#early === undefined) return;
    this.#early = undefined;
    await this.#tryToClose('kill');
  }

  /** Posts `pool-opened` or `pool-failed`; neither if the pool was closed before that. */
  async open(): Promise<void> {
    const opening = this.#early ?? this.#tryToOpen();
    this.#early = undefined;
    this.#opening = opening;
    const error = await opening;
    if (this.#opening !== opening) return;
    this.#opening = undefined;
    if (error === undefined) this.#post({ type: 'pool-opened' });
    else {
      this.#listener.openFailed(error);
      this.#post({ type: 'pool-failed', reason: messageOf(error) });
    }
  }

  /** Posts `pool-closed`. */
  async close(how: 'drain' | 'kill'): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#nodes.clear();
    const problem = await (opening === undefined ? this.#tryToClose(how) : this.#giveUp(opening, how));
    if (problem !== undefined) this.#listener.warn(problem);
    this.#post({ type: 'pool-closed' });
  }

  /** Asks the pool to return what it has not started. A pool without this operation starts it. */
  reclaim(): void {
    try {
      this.#pool.reclaim?.();
    } catch {
      // What the pool does not return has started.
    }
  }

  /** The nodes that are there, asked again: tasks were added that want something else in `on`. */
  nodes(): readonly Input[] {
    return [...this.#nodes.values()].map((node) => this.#changed(node));
  }

  #nodeChanged({ name, properties, slots, bootMark }: PoolNode): void {
    const node = { name, properties: { ...properties }, slots, bootMark };
    this.#nodes.set(name, node);
    this.#listener.post(this.#changed(node));
  }

  #changed(node: PoolNode): Input {
    const atMs = this.#listener.nowMs();
    return { type: 'node-changed', atMs, pool: this.#id, node, ...this.#listener.factsOf(node) };
  }

  /** Passes the attempt to the pool. Never throws. */
  run(attempt: Attempt): PoolOutcome | Promise<PoolOutcome> {
    try {
      return this.#pool.run(attempt, attempt);
    } catch (error) {
      return broken(error);
    }
  }

  /** Takes over what an earlier session has left. Never throws. */
  adopt(left: LeftAttempt, attempt: Attempt): PoolOutcome | Promise<PoolOutcome> {
    try {
      return this.#pool.adopt?.(left, attempt, attempt) ?? gone;
    } catch (error) {
      return broken(error);
    }
  }

  /** Ends what an earlier session has left. */
  async dismiss(left: readonly LeftAttempt[]): Promise<void> {
    if (left.length > 0) await this.#pool.dismiss?.(left);
  }

  /** The outcome of the attempt is recorded. */
  settled(attempt: Attempt): void {
    this.#pool.settled?.(attempt);
  }

  /** Ends everything that runs in the pool. */
  async kill(): Promise<void> {
    await this.#tryToClose('kill');
  }

  async #tryToOpen(earlierPlaces?: readonly string[] | 'unknown'): Promise<unknown> {
    const listener = this.#listener;
    const pool = this.#id;
    try {
      await this.#pool.open({
        slotsChanged: (slots) =>
          listener.post({ type: 'slots-changed', atMs: listener.nowMs(), pool, slots }),
        nodeChanged: (node) => this.#nodeChanged(node),
        nodeLeft: (node, reason) => {
          this.#nodes.delete(node);
          listener.post({ type: 'node-left', atMs: listener.nowMs(), pool, node, reason });
        },
        workerLost: (worker, reason) => {
          listener.workerGone(pool, worker, reason);
          listener.post({ type: 'worker-lost', atMs: listener.nowMs(), pool, worker, reason });
        },
        workerGone: (worker, reason) => listener.workerGone(pool, worker, reason),
        lateError: (worker, tasks, error) =>
          listener.post({ type: 'late-error', atMs: listener.nowMs(), pool, worker, tasks, error }),
        after: (ms, ring) => listener.after(ms, ring),
        wantsModules: listener.wantsModules,
        code: listener.code,
        get runId() {
          return listener.runId;
        },
        session: listener.session,
        ...(earlierPlaces !== undefined && { earlierPlaces }),
        left: (attempts) => {
          this.#left = attempts;
        },
        joined: (place, recorded) => listener.joined(place, recorded),
        parted: (place) => listener.parted(place),
        warn: (warning) => listener.warn(warning),
        failed: (error, how) => listener.fail(error, how),
      });
      return undefined;
    } catch (error) {
      return error ?? new Error('the pool could not be opened');
    }
  }

  /** Returns the problem if closing fails. */
  async #tryToClose(how: 'drain' | 'kill'): Promise<Problem | undefined> {
    try {
      await this.#pool.close(how);
      return undefined;
    } catch (error) {
      return { code: 'PEXEN_POOL_CLOSE', message: `a pool could not be closed: ${messageOf(error)}` };
    }
  }

  /** Closes the pool while it opens. If it opens nevertheless, it is closed once more then. */
  #giveUp(opening: Promise<unknown>, how: 'drain' | 'kill'): Promise<Problem | undefined> {
    const closedLate = opening.then((error) => (error === undefined ? this.#tryToClose('kill') : undefined));
    const closed = Promise.all([this.#tryToClose(how), closedLate]);
    return new Promise((resolve) => {
      const ms = longestGivingUpMs[how];
      const message = `a pool was closed while it was opening, and did not stop opening within ${ms} ms`;
      const cancel = this.#listener.after(ms, () => resolve({ code: 'PEXEN_POOL_CLOSE', message }));
      closed.then(([early, late]) => {
        cancel();
        resolve(early ?? late);
      });
    });
  }

  #post(fact: PoolFact): void {
    this.#listener.post({ ...fact, atMs: this.#listener.nowMs(), pool: this.#id });
  }
}

type PoolFact =
  | { readonly type: 'pool-opened' }
  | { readonly type: 'pool-closed' }
  | { readonly type: 'pool-failed'; readonly reason: string };

/** A pool that adopts must not have forgotten it. */
const gone: PoolOutcome = { kind: 'lost', reason: 'the pool does not have it any more' };

/** A pool must never reject; this one did. */
export function broken(error: unknown): PoolOutcome {
  return { kind: 'crashed', reason: `the pool failed: ${String(error)}` };
}
