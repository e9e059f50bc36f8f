/**
 * Journals as killed commands leave them: random suites, played by their decisions alone over several sessions, and written by the real
 * writer. Part of each is in the database, part in the write-ahead log, one long body in a file of its own.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JournalEntry, readJournal } from '../../src/index.ts';
import type { BootMark } from '../../src/journal/boot-mark.ts';
import { headIn } from '../../src/journal/head.ts';
import { rowOf } from '../../src/journal/row.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import type { PresentSuite } from '../../src/resume/decision.ts';
import { type Played, Run, randomPlayed } from '../resume/cuts.ts';
import { Random } from '../resume/random.ts';

/** The content of each file, by its name relative to the directory of the run. */
export type Files = ReadonlyMap<string, Buffer>;

export interface Original {
  readonly runId: string;
  /** The machine was up like this when it was written. */
  readonly boot: BootMark;
  readonly suite: PresentSuite;
  readonly entries: readonly JournalEntry[];
  /** Events up to this number were on the disk. */
  readonly synced: number;
  readonly files: Files;
  /** The same files, after an earlier session. */
  readonly older: Files;
}

/** In memory where there is a tmpfs: a load takes a third of the time then. */
export const memoryFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const boot: BootMark = { id: 'b'.repeat(32), bootedAtS: 1_000_000 };

/** The same journal for the same seed. The directory is used meanwhile. */
export function makeOriginal(seed: number, directory: string): Original {
  const random = new Random(seed);
  const runId = `0198c0de-0000-7000-8000-${seed.toString(16).padStart(12, '0')}`;
  const { played, entries } = playSessions(random);
  const sessions = Map.groupBy(entries, ({ session }) => session);
  let older: Files = new Map();
  rmSync(directory, { recursive: true, force: true });
  for (const [session, written] of sessions) {
    writeSession({ directory, runId, written, random });
    if (session < sessions.size) older = filesIn(directory);
  }
  const files = filesIn(directory);
  const content = readJournal(directory, { boot });
  if (content.verdict.kind !== 'whole' || content.entries.length !== entries.length)
    throw new Error(`the original of seed ${seed} is ${content.verdict.kind}`);
  const synced = headIn(files.get('head') as Buffer, runId)?.head.synced ?? 0;
  return { runId, boot, suite: played.suite, entries: content.entries, synced, files, older };
}

/** At least two sessions, and enough events to fill several pages. */
function playSessions(random: Random): { played: Played; entries: JournalEntry[] } {
  const played = randomPlayed(random);
  const run = new Run();
  do run.play(shuffled(played, random), random, random.chance(0.85) ? 3 + random.below(20) : undefined);
  while (run.entries.length < 30);
  const entries = run.entries.map(({ session, event }, index): JournalEntry => {
    const seq = index + 1;
    return { seq, session, atMs: seq, event: event as JournalEntry['event'] };
  });
  const reason = 'z'.repeat(20_000);
  entries.push({
    ...{ seq: entries.length + 1, session: entries.at(-1)?.session ?? 1, atMs: 0 },
    event: { type: 'worker-lost', pool: 'p', worker: 'w', reason },
  });
  return { played, entries };
}

/** Tasks have other numbers in each session, as in a suite that was edited. */
function shuffled({ suite, scripts }: Played, random: Random): Played {
  return { scripts, suite: { ...suite, tasks: random.shuffled(suite.tasks) } };
}

/** A session that is killed, or comes to its end. */
function writeSession({
  directory,
  runId,
  written,
  random,
}: {
  directory: string;
  runId: string;
  written: readonly JournalEntry[];
  random: Random;
}): void {
  const { writer } = JournalWriter.open({ directory, runId, durability: 'process', boot });
  const rows = written.map(rowOf);
  while (rows.length > 0) {
    writer.commit(rows.splice(0, 1 + random.below(6)));
    if (random.chance(0.05)) writer.sync();
  }
  if (random.chance(0.5)) writer.close();
  else writer.abandon();
}

/** What a reader needs, read while no connection is open: `-shm` is made again. */
function filesIn(directory: string): Files {
  mkdirSync(join(directory, 'blobs'), { recursive: true });
  const blobs = readdirSync(join(directory, 'blobs')).map((name) => join('blobs', name));
  const names = ['head', 'journal.db', 'journal.db-wal', ...blobs];
  return new Map(
    names
      .filter((name) => existsSync(join(directory, name)))
      .map((name) => [name, readFileSync(join(directory, name))]),
  );
}
