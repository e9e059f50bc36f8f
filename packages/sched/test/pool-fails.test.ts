/** A pool that cannot run anything any more. */
import type { Pool, PoolContext, Problem } from '@pexen/core';
import { expect, test } from 'vitest';
import { inline, run } from '../src/index.ts';

test('ends the run with its error; what had not begun is skipped, and the pool is closed', async () => {
  const inner = inline();
  let told: PoolContext | undefined;
  let closed = 0;
  const pool: Pool = {
    manifest: inner.manifest,
    open: (context) => {
      told = context;
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
    told?.warn?.({ code: 'PEXEN_SLOT_CLOSED', message: 'slot 0 is closed' });
    told?.failed?.(new Error('no slot is left'));
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
