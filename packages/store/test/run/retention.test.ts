/** Which runs stay, and what is removed of the others. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type JournalEvent, openJournal, openUnrecordedRun, removeOldRuns } from '../../src/index.ts';
import { scratchFolder } from '../journal/random-events.ts';

const dayMs = 86_400_000;
const start = Date.UTC(2026, 10, 1);

/** The id of a run that started so many days after the first. */
function idOf(days: number): string {
  const time = (start + days * dayMs).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

const ended: JournalEvent = { type: 'run-ended', exitCode: 0, counts: {}, poisoned: [] };

/** A run with these outputs, of attempts that passed unless their names begin with `bad`. */
async function recordRun(
  stateDirectory: string,
  days: number,
  { isOver = true, outputs = {} }: { isOver?: boolean; outputs?: Readonly<Record<string, number>> } = {},
): Promise<void> {
  const directory = join(stateDirectory, 'runs', idOf(days));
  const journal = await openJournal({ directory, runId: idOf(days), durability: 'process' });
  journal.append({ type: 'run-created', number: days + 1, versions: {} });
  for (const [name, bytes] of Object.entries(outputs)) {
    mkdirSync(join(directory, 'out'), { recursive: true });
    writeFileSync(join(directory, 'out', name), 'x'.repeat(bytes));
    const outcome = name.startsWith('bad') ? 'failed' : 'returned';
    const stdout = { head: 'x', tail: 'x', totalBytes: bytes, file: `.pexen/runs/x/out/${name}` };
    const end = {
      task: 0,
      attempt: 1,
      outcome,
      locksOk: true,
      depsOk: true,
      startedMs: 0,
      ranMs: 1,
      stdout,
    } as const;
    journal.append({ type: 'attempt-ended', ...end, retryInMs: 0 });
  }
  if (isOver) journal.append(ended);
  await journal.close();
}

const left = (stateDirectory: string): number[] =>
  readdirSync(join(stateDirectory, 'runs'))
    .map((name) => [0, 1, 2, 3, 4, 5, 6, 40].find((days) => idOf(days) === name) ?? -1)
    .sort((a, b) => a - b);

const outputsOf = (stateDirectory: string, days: number): string[] =>
  readdirSync(join(stateDirectory, 'runs', idOf(days), 'out')).sort();

test('the newest runs stay, and those that can be resumed stay for a week', async () => {
  const folder = scratchFolder();
  for (const days of [0, 1, 2, 3]) await recordRun(folder, days, { isOver: days !== 1 });
  await removeOldRuns(folder, start + 4 * dayMs, { runs: 2 });
  expect(left(folder)).toEqual([1, 2, 3]);
  await removeOldRuns(folder, start + 9 * dayMs, { runs: 2 });
  expect(left(folder)).toEqual([2, 3]);
});

test('runs of more than thirty days go, but for the newest', async () => {
  const folder = scratchFolder();
  for (const days of [0, 5, 6]) await recordRun(folder, days);
  mkdirSync(join(folder, 'runs', `${idOf(0)}.damaged-1`));
  await removeOldRuns(folder, start + 100 * dayMs);
  expect(left(folder)).toEqual([6]);
});

test('a run that goes on stays, recorded or not', async () => {
  const folder = scratchFolder();
  const { directory, close } = openUnrecordedRun(folder, idOf(0));
  const runId = idOf(1);
  const journal = await openJournal({ directory: join(folder, 'runs', runId), runId, durability: 'process' });
  await recordRun(folder, 2);
  await removeOldRuns(folder, start + 100 * dayMs, { runs: 1, bytes: 0 });
  expect(left(folder)).toEqual([0, 1, 2]);
  close();
  await journal.close();
  await removeOldRuns(folder, start + 100 * dayMs, { runs: 1 });
  expect(left(folder)).toEqual([2]);
  expect(existsSync(directory)).toBe(false);
});

test('beyond a total size, outputs of passed attempts go first, the oldest first, then whole runs', async () => {
  const folder = scratchFolder();
  const outputs = { good: 1_000_000, bad: 1_000_000 };
  for (const days of [0, 1, 2]) await recordRun(folder, days, { outputs });
  await removeOldRuns(folder, start + 3 * dayMs, { bytes: 3_500_000 });
  expect(outputsOf(folder, 0)).toEqual(['bad']);
  expect(outputsOf(folder, 1)).toEqual(['bad', 'good']);
  // The newest run does not count, and nothing of it goes.
  await removeOldRuns(folder, start + 3 * dayMs, { bytes: 1_800_000 });
  expect(left(folder)).toEqual([1, 2]);
  expect(outputsOf(folder, 1)).toEqual(['bad']);
  expect(outputsOf(folder, 2)).toEqual(['bad', 'good']);
});

test('other folders are left alone', async () => {
  const folder = scratchFolder();
  mkdirSync(join(folder, 'runs/mine'), { recursive: true });
  for (const days of [0, 1]) await recordRun(folder, days);
  await removeOldRuns(folder, start + 100 * dayMs, { runs: 1, bytes: 0 });
  expect(readdirSync(join(folder, 'runs')).sort()).toEqual([idOf(1), 'mine']);
});
