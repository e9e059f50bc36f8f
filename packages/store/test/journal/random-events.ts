/** Random events, and folders for journals. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { onTestFinished } from 'vitest';
import type { JournalEntry, JournalEvent } from '../../src/index.ts';

/** A folder that exists during the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('', '\0', '\ud800', 'blob:'),
);
/** Around the size from which a body has a file of its own. */
const longText = fc.integer({ min: 16_000, max: 17_000 }).map((length) => `${'ä'.repeat(length / 2)}x`);
const number = fc.nat(1000);

/** One event of any kind of content: texts of all characters, long bodies, barriers. */
export const anyEvent: fc.Arbitrary<JournalEvent> = fc.oneof(
  { weight: 4, arbitrary: text.map((resource): JournalEvent => ({ type: 'poison-cleared', resource })) },
  {
    weight: 4,
    arbitrary: fc.tuple(number, number, text).map(
      ([task, attempt, worker]): JournalEvent => ({
        type: 'attempt-started',
        task,
        attempt,
        part: 'body',
        worker,
      }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(number, fc.jsonValue(), fc.double({ noNaN: true, noDefaultInfinity: true })).map(
      ([task, json, ranMs]): JournalEvent => ({
        type: 'task-finished',
        task,
        attempt: 1,
        status: 'returned',
        end: {
          ...{ task, attempt: 1, outcome: 'returned', locksOk: true, depsOk: true },
          ...{ startedMs: 1, ranMs },
        },
        value: { json: JSON.parse(JSON.stringify(json)) },
        shared: 'inherited',
        metBy: [],
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: longText.map(
      (reason): JournalEvent => ({ type: 'worker-lost', pool: 'p', worker: 'w', reason }),
    ),
  },
  {
    weight: 1,
    arbitrary: number.map((task): JournalEvent => ({ type: 'start-intended', task, attempt: 1 })),
  },
);

/** The entries without their times. */
export function untimed(entries: readonly JournalEntry[]): Omit<JournalEntry, 'atMs'>[] {
  return entries.map(({ atMs: _atMs, ...entry }) => entry);
}
