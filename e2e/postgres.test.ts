/** The suite on PostgreSQL, once for every tenth commit; `node --conditions=@pexen/source e2e/postgres.ts 100` plays it more often. */
import { expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { runPostgresSuite, whyNot } from './postgres.ts';

const isPlayed = isWhole || seed % 10 === 0;
const why = isPlayed ? whyNot() : 'it is played for every tenth commit';

test.skipIf(why !== undefined)(
  `50 tests share a PostgreSQL and a lock, and leave nothing${why === undefined ? '' : ` (skipped: ${why})`}`,
  async () => {
    const { exitCode, output, left } = await runPostgresSuite();
    expect({ exitCode, left }, output).toEqual({ exitCode: 0, left: [] });
    expect(output).toMatch(/52 tasks, 1 of them a service: 52 passed/);
  },
);
