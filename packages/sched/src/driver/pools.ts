/** Pools as the engine meets them: what they do becomes facts, and what they do wrong harms nobody else. */
import { messageOf, type Pool, type PoolOutcome, type Problem } from '@pexen/core';
import type { Input, PoolId } from '../machine/protocol.ts';
import type { Attempt } from './attempt.ts';

/** Where the facts go. */
export interface PoolListener {
  nowMs(): number;
  post(input: Input): void;
  warn(problem: Problem): void;
  /** The run cannot go on. */
  fail(error: Error): void;
}

/** Opens the pool; answers with the error, if that failed. */
export async function openPool(pool: Pool, id: PoolId, listener: PoolListener): Promise<unknown> {
  try {
    await pool.open({
      slotsChanged: (slots) =>
        listener.post({ type: 'slots-changed', atMs: listener.nowMs(), pool: id, slots }),
      workerLost: (worker, reason) =>
        listener.post({ type: 'worker-lost', atMs: listener.nowMs(), pool: id, worker, reason }),
      warn: (warning) => listener.warn(warning),
      failed: (error) => listener.fail(error),
    });
    return undefined;
  } catch (error) {
    return error ?? new Error('the pool could not be opened');
  }
}

/** Has the pool give back what it has not begun. One that cannot begins it. */
export function recall(pool: Pool): void {
  try {
    pool.recall?.();
  } catch {
    // What is not given back is begun.
  }
}

/** Closes the pool; answers with what went wrong. */
export async function closePool(pool: Pool, how: 'drain' | 'kill'): Promise<Problem | undefined> {
  try {
    await pool.close(how);
    return undefined;
  } catch (error) {
    return { code: 'PEXEN_POOL_CLOSE', message: `a pool could not be closed: ${messageOf(error)}` };
  }
}

/** Ends everything that runs in any of the pools. */
export async function killAll(pools: readonly Pool[]): Promise<void> {
  await Promise.all(pools.map((pool) => closePool(pool, 'kill')));
}

/** Hands the attempt over. Never throws. */
export function runIn(pool: Pool, attempt: Attempt): PoolOutcome | Promise<PoolOutcome> {
  try {
    return pool.run(attempt, attempt);
  } catch (error) {
    return broken(error);
  }
}

/** Pools never reject; this one did. */
export function broken(error: unknown): PoolOutcome {
  return { kind: 'crashed', reason: `the pool failed: ${String(error)}` };
}
