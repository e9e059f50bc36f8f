/** The suite on PostgreSQL, once; `node --conditions=@pexen/source e2e/postgres.ts 100` plays it more often. */
import { expect, test } from 'vitest';
import { runPostgresSuite, whyNot } from './postgres.ts';

const why = whyNot();

test.skipIf(why !== undefined)(
  `50 tests share a PostgreSQL and a lock, and leave nothing${why === undefined ? '' : ` (skipped: ${why})`}`,
  async () => {
    const { exitCode, output, left } = await runPostgresSuite();
    expect({ exitCode, left }, output).toEqual({ exitCode: 0, left: [] });
    expect(output).toMatch(/52 tasks, 1 of them a service: 52 passed/);
  },
);
