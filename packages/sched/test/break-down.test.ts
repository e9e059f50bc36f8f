import type { Pool } from '@pexen/core';
import { task } from '@pexen/core';
import { expect, it } from 'vitest';
import { inline, run, systemClock } from '../src/index.ts';

/** An internal error must neither hang the run nor leave anything behind: here a clock that cannot set alarms. */
function brokenRun(closed: string[]) {
  const pool = inline();
  const watched: Pool = {
    manifest: pool.manifest,
    open: (context) => pool.open(context),
    run: (assignment, ticket) => pool.run(assignment, ticket),
    close: (how) => {
      closed.push(how);
      return pool.close(how);
    },
  };
  const clock = {
    ...systemClock,
    after: () => {
      throw new Error('the clock is broken');
    },
  };
  const waits = task({ name: 'waits', timeout: 1_000 }, ({ signal }) => {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  return run([waits], { pool: watched, clock });
}

it('an internal error rejects the loop and closes the pools by force', async () => {
  const closed: string[] = [];
  const execution = brokenRun(closed);
  const loop = async () => {
    for await (const result of execution) throw new Error(`a result: ${result.path}`);
  };
  await expect(loop()).rejects.toThrow('the clock is broken');
  expect(closed).toEqual(['kill']);
  await execution.close();
});

it('… and rejects the summary', async () => {
  await expect(brokenRun([]).summary).rejects.toThrow('the clock is broken');
});

it('… and the promise for one task, and rejects added tasks', async () => {
  const execution = brokenRun([]);
  await expect(execution.of('waits' as never)).rejects.toThrow('the clock is broken');
  await expect(execution.summary).rejects.toThrow('the clock is broken');
  await expect(execution.of('waits' as never)).rejects.toThrow('the clock is broken');
  expect(() => execution.add([() => 1])).toThrow('PEXEN_RUN_ENDED');
});
