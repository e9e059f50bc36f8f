/** What passes between a run and its pool: the id of the run, and that the pool cannot run anything any more. */
import type { Pool, PoolContext, Problem } from '@pexen/core';
import { expect, test } from 'vitest';
import { inline, run } from '../src/index.ts';

test('ends the run with its error; tasks that had not started are skipped, and the pool is closed', async () => {
  const inner = inline();
  let reported: PoolContext | undefined;
  let closed = 0;
  const pool: Pool = {
    manifest: inner.manifest,
    open: (context) => {
      reported = context;
      return inner.open(context);
    },
    run: (assignment, ticket) => inner.run(assignment, ticket),
    close: (how) => {
      closed++;
      return inner.close(how);
    },
  };
  const statuses: string[] = [];
  const warnings: Problem[] = [];
  const first = (): void => {
    reported?.warn?.({ code: 'PEXEN_SLOT_CLOSED', message: 'slot 0 is closed' });
    reported?.failed?.(new Error('no slot is left'));
  };
  const loop = async (): Promise<void> => {
    for await (const { status } of run([first, () => 2, () => 3], {
      pool: () => pool,
      onWarning: (warning) => warnings.push(warning),
    }))
      statuses.push(status);
  };
  await expect(loop()).rejects.toThrow('no slot is left');
  expect(statuses.toSorted()).toEqual(['cancelled', 'skipped', 'skipped']);
  expect(warnings).toMatchObject([{ code: 'PEXEN_SLOT_CLOSED' }]);
  expect(closed).toBe(1);
});

test('a pool gets the id of the run', async () => {
  const inner = inline();
  const ids: unknown[] = [];
  const pool: Pool = {
    manifest: inner.manifest,
    open: (context) => {
      ids.push(context.runId);
      return inner.open(context);
    },
    run: (assignment, ticket) => inner.run(assignment, ticket),
    close: (how) => inner.close(how),
  };
  const own = run([() => 1], { pool: () => pool });
  for await (const _ of own) expect(ids).toEqual([own.id]);
  for await (const _ of run([() => 1], { pool: () => pool, id: 'nightly.7' }))
    expect(ids).toEqual([own.id, 'nightly.7']);
});
