/** How long pools wait for bodies that do not end in time, and the reason of their result. */
import type { Result, Runnable } from '@pexen/core';
import { processes } from '@pexen/pool-process';
import { threads } from '@pexen/pool-thread';
import { run } from '@pexen/sched';
import { describe, expect, test } from 'vitest';
import * as hanging from './fixtures/hanging-tasks.ts';

async function resultOf(task: Runnable, pool: typeof threads | typeof processes): Promise<Result> {
  const [result] = (await run([task], { pool: pool({ workers: 1 }) }).summary).rest;
  return result as Result;
}

describe.concurrent.each([
  ['processes', processes, 'ended by SIGKILL'],
  ['threads', threads, 'ended with its thread'],
] as const)('in %s', (_name, pool, step) => {
  test.each<[string, Runnable]>([
    ['waits forever', hanging.hangs],
    ['blocks its thread', hanging.spins],
  ])('a body that %s and has not read its signal is not given the default grace', async (_what, task) => {
    const { status, attempts } = await resultOf(task, pool);
    expect(status).toBe('timed-out');
    expect(attempts[0]?.durationMs).toBeLessThan(5_000);
    expect(attempts[0]?.outcome.reason).toContain(step);
  });

  test.each<[string, Runnable]>([
    ['has read its signal', hanging.readsSignal],
    ['has spread its context', hanging.spreads],
  ])('one that %s ends by itself', async (_what, task) => {
    const { status, attempts } = await resultOf(task, pool);
    expect(status).toBe('timed-out');
    expect(attempts[0]?.outcome).toMatchObject({ locksOk: true });
  });

  test('a task that states a grace period gets it', async () => {
    const { attempts } = await resultOf(hanging.statesGrace, pool);
    expect(attempts[0]?.durationMs).toBeGreaterThanOrEqual(790);
  });
});

test('the reason says which signal ended a program', async () => {
  const { attempts } = await resultOf(hanging.program, processes);
  expect(attempts[0]?.outcome.reason).toContain('ended by SIGKILL');
});
