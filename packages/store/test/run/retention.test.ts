/** Which runs stay, and what is removed of the others. */
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import {
  type JournalEvent,
  listRuns,
  openJournal,
  openUnrecordedRun,
  type Removal,
  removeOldRuns,
} from '../../src/index.ts';
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
  await removeOldRuns(folder, start + 4 * dayMs, { limits: { runs: 2 } });
  expect(left(folder)).toEqual([1, 2, 3]);
  await removeOldRuns(folder, start + 9 * dayMs, { limits: { runs: 2 } });
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
  await removeOldRuns(folder, start + 100 * dayMs, { limits: { runs: 1, bytes: 0 } });
  expect(left(folder)).toEqual([0, 1, 2]);
  close();
  await journal.close();
  await removeOldRuns(folder, start + 100 * dayMs, { limits: { runs: 1 } });
  expect(left(folder)).toEqual([2]);
  expect(existsSync(directory)).toBe(false);
});

test('beyond a total size, outputs of passed attempts go first, the oldest first, then whole runs', async () => {
  const folder = scratchFolder();
  const outputs = { good: 1_000_000, bad: 1_000_000 };
  for (const days of [0, 1, 2]) await recordRun(folder, days, { outputs });
  await removeOldRuns(folder, start + 3 * dayMs, { limits: { bytes: 3_500_000 } });
  expect(outputsOf(folder, 0)).toEqual(['bad']);
  expect(outputsOf(folder, 1)).toEqual(['bad', 'good']);
  // The newest run does not count, and nothing of it goes.
  await removeOldRuns(folder, start + 3 * dayMs, { limits: { bytes: 1_800_000 } });
  expect(left(folder)).toEqual([1, 2]);
  expect(outputsOf(folder, 1)).toEqual(['bad']);
  expect(outputsOf(folder, 2)).toEqual(['bad', 'good']);
});

test('other folders are left alone', async () => {
  const folder = scratchFolder();
  mkdirSync(join(folder, 'runs/mine'), { recursive: true });
  for (const days of [0, 1]) await recordRun(folder, days);
  await removeOldRuns(folder, start + 100 * dayMs, { limits: { runs: 1, bytes: 0 } });
  expect(readdirSync(join(folder, 'runs')).sort()).toEqual([idOf(1), 'mine']);
});

const fileOf = (stateDirectory: string, days: number, name: string): string =>
  join(stateDirectory, 'runs', idOf(days), name);

test('a run that cannot be read stays as long as one that can be resumed: a newer version may resume it', async () => {
  const folder = scratchFolder();
  for (const days of [0, 1, 2]) await recordRun(folder, days);
  const newer = new DatabaseSync(fileOf(folder, 0, 'journal.db'));
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  truncateSync(fileOf(folder, 1, 'journal.db'), 100);
  expect(listRuns(folder).map(({ state }) => state)).toEqual(['unreadable', 'unreadable', 'ended']);
  await removeOldRuns(folder, start + 6 * dayMs, { limits: { runs: 1, bytes: 0 } });
  expect(left(folder)).toEqual([0, 1, 2]);
  await removeOldRuns(folder, start + 7.5 * dayMs, { limits: { runs: 1 } });
  expect(left(folder)).toEqual([1, 2]);
  await removeOldRuns(folder, start + 9 * dayMs, { limits: { runs: 1 } });
  expect(left(folder)).toEqual([2]);
});

test('says what it removes, why, and what stays; a dry run says the same and changes nothing', async () => {
  const folder = scratchFolder();
  const outputs = { good: 1_000_000, bad: 1_000_000 };
  for (const days of [0, 1, 2, 3, 4]) await recordRun(folder, days, { outputs });
  mkdirSync(join(folder, 'runs', `${idOf(5)}.removed`));
  writeFileSync(join(folder, 'runs', `${idOf(5)}.removed`, 'rest'), 'x'.repeat(700));
  const pruned = async (dryRun: boolean): Promise<unknown> => {
    const removals: Removal[] = [];
    const limits = { runs: 4, ageMs: 2.5 * dayMs, bytes: 2_500_000 };
    const now = start + 4 * dayMs;
    const stay = await removeOldRuns(folder, now, {
      limits,
      dryRun,
      onRemoval: (each) => removals.push(each),
    });
    const rounded = removals.map(({ id, bytes, ...rest }) => ({
      days: [0, 1, 2, 3, 4, 5].find((days) => idOf(days) === id),
      ...{ ...rest, megabytes: Math.round(bytes / 1_000_000), isSmall: bytes === 700 },
    }));
    return { stay: { runs: stay.runs, megabytes: Math.round(stay.bytes / 1_000_000) }, rounded };
  };
  // Readers of a database leave these two behind.
  const files = (): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => !/-(?:shm|wal)$/.test(name));
  const before = files();
  const dry = await pruned(true);
  expect(files()).toEqual(before);
  expect(dry).toEqual({
    stay: { runs: 3, megabytes: 4 },
    rounded: [
      { days: 5, what: 'rest', because: 'none', megabytes: 0, isSmall: true },
      { days: 1, what: 'run', because: 'age', megabytes: 2, isSmall: false },
      { days: 0, what: 'run', because: 'number', megabytes: 2, isSmall: false },
      { days: 2, what: 'outputs', because: 'size', megabytes: 1, isSmall: false },
      { days: 3, what: 'outputs', because: 'size', megabytes: 1, isSmall: false },
    ],
  });
  expect(await pruned(false)).toEqual(dry);
  expect(left(folder)).toEqual([2, 3, 4]);
  expect(await pruned(false)).toMatchObject({ rounded: [] });
});

test('several processes that remove at the same time report each removal once, and no problem', async () => {
  const folder = scratchFolder();
  for (const days of [0, 1, 2, 3, 4, 5, 6]) await recordRun(folder, days);
  const removals: Removal[] = [];
  const options = { limits: { runs: 2 }, onRemoval: (each: Removal) => removals.push(each) };
  const now = start + 7 * dayMs;
  await Promise.all([1, 2, 3].map(() => removeOldRuns(folder, now, options)));
  expect(left(folder)).toEqual([5, 6]);
  expect(removals.map(({ id, problem }) => [id, problem])).toEqual(
    [4, 3, 2, 1, 0].map((days) => [idOf(days), undefined]),
  );
});

test('what cannot be removed stays, and says why', async () => {
  const folder = scratchFolder();
  for (const days of [0, 1]) await recordRun(folder, days);
  const aside = join(folder, 'runs', `${idOf(0)}.removed`);
  mkdirSync(aside);
  const removals: Removal[] = [];
  const stay = await removeOldRuns(folder, start + 2 * dayMs, {
    limits: { runs: 1 },
    onRemoval: (removal) => {
      removals.push(removal);
      if (removal.what === 'rest') mkdirSync(join(aside, 'in the way'), { recursive: true });
    },
  });
  expect(stay).toMatchObject({ runs: 2 });
  expect(removals).toMatchObject([
    { what: 'rest' },
    { what: 'run', problem: expect.stringContaining('ENOTEMPTY') },
  ]);
  expect(left(folder)).toContain(0);
});
