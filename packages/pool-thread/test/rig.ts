/** Runs attempts in a pool without a scheduler, for the tests of this package. */
import { createRequire } from 'node:module';
import {
  type Assignment,
  addressOf,
  definitionOf,
  type Pool,
  type PoolOutcome,
  type Runnable,
  type TaskUpdate,
} from '@pexen/core';
import { type ThreadsOptions, threads } from '@pexen/pool-thread';
import type * as Tasks from './fixtures/tasks.ts';

/** Loaded by Node itself, as a user's program loads them. */
export const tasks: typeof Tasks = createRequire(import.meta.url)('./fixtures/tasks.ts');

interface LateErrorRecord {
  readonly worker: string;
  readonly tasks: readonly string[];
  readonly error: unknown;
}

export interface Rig extends AsyncDisposable {
  readonly pool: Pool;
  readonly slots: number[];
  readonly lost: string[];
  readonly late: LateErrorRecord[];
  attempt(task: Runnable, more?: Partial<Assignment>): Attempt;
}

interface Attempt {
  readonly outcome: Promise<PoolOutcome>;
  /** The worker that started it. */
  readonly started: Promise<string>;
  /** Its first update: its body runs. */
  readonly firstUpdate: Promise<TaskUpdate>;
  readonly updates: TaskUpdate[];
  abort(): void;
}

/** An open pool, closed at the end of the block. */
export async function open(options: ThreadsOptions = { workers: 1 }): Promise<Rig> {
  const pool = threads(options);
  const slots: number[] = [];
  const lost: string[] = [];
  const late: LateErrorRecord[] = [];
  await pool.open({
    slotsChanged: (count) => void slots.push(count),
    workerLost: (worker, reason) => void lost.push(`${worker}: ${reason}`),
    lateError: (worker, tasks, error) => void late.push({ worker, tasks, error }),
  });
  return {
    pool,
    slots,
    lost,
    late,
    attempt: (task, more) => attempt(pool, task, more),
    [Symbol.asyncDispose]: () => pool.close('kill'),
  };
}

function attempt(pool: Pool, task: Runnable, more: Partial<Assignment> = {}): Attempt {
  const definition = definitionOf(task);
  const controller = new AbortController();
  const started = Promise.withResolvers<string>();
  const firstUpdate = Promise.withResolvers<TaskUpdate>();
  const updates: TaskUpdate[] = [];
  const assignment: Assignment = {
    task,
    definition,
    address: addressOf(definition),
    path: definition.meta.name ?? 'unnamed',
    attempt: 1,
    part: 'body',
    args: {},
    shared: {},
    received: [],
    graceMs: 100,
    timeoutMs: undefined,
    ...more,
  };
  const outcome = pool.run(assignment, {
    signal: controller.signal,
    started: started.resolve,
    report: (each) => {
      updates.push(each);
      firstUpdate.resolve(each);
    },
  });
  return {
    outcome: Promise.resolve(outcome),
    started: started.promise,
    firstUpdate: firstUpdate.promise,
    updates,
    abort: () => controller.abort(new Error('the test stops it')),
  };
}
