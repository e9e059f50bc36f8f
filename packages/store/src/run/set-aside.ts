/**
 * Replaces a damaged journal by one that can be continued. The damaged directory stays beside it, as `<id>.damaged-1`. A process that dies meanwhile
 * leaves either the damaged journal or the new one.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootMark } from '../journal/boot-mark.ts';
import type { JournalEntry, JournalEvent } from '../journal/events.ts';
import { lockRun } from '../journal/lock.ts';
import { type JournalContent, readJournal } from '../journal/read-journal.ts';
import { rowOf } from '../journal/row.ts';
import { JournalWriter } from '../journal/writer.ts';

/** Folders that move from the damaged directory to the new one. */
const moved = ['out'];

/** What the damaged journal said, and where it is now. */
export interface SetAside {
  readonly content: JournalContent;
  readonly damaged: string;
}

/**
 * Makes a journal of the intact entries of a damaged one.
 * @throws PexenError `PEXEN_JOURNAL_IN_USE`, or what the file system throws.
 */
export function setAside(directory: string, runId: string, why: string): SetAside {
  const unlock = lockRun(directory, runId);
  const damaged = freeName(directory);
  const restored = `${directory}${restoredSuffix}`;
  try {
    const content = readJournal(directory);
    rmSync(restored, { recursive: true, force: true });
    write(restored, runId, trustworthy(content.entries, why));
    renameSync(directory, damaged);
    renameSync(restored, directory);
    moveFolders(damaged, directory);
    return { content, damaged };
  } finally {
    unlock();
  }
}

/** Completes what processes that died have begun. */
export function completeSetAsides(runs: string): void {
  for (const name of namesIn(runs).filter((each) => each.endsWith(restoredSuffix))) {
    const directory = join(runs, name.slice(0, -restoredSuffix.length));
    if (existsSync(directory)) continue;
    renameSync(join(runs, name), directory);
    moveFolders(lastDamaged(directory), directory);
  }
}

const restoredSuffix = '.restored';

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function freeName(directory: string): string {
  let number = 1;
  while (existsSync(`${directory}.damaged-${number}`)) number++;
  return `${directory}.damaged-${number}`;
}

function lastDamaged(directory: string): string {
  let number = 1;
  while (existsSync(`${directory}.damaged-${number + 1}`)) number++;
  return `${directory}.damaged-${number}`;
}

function moveFolders(from: string, to: string): void {
  for (const name of moved)
    if (existsSync(join(from, name)) && !existsSync(join(to, name)))
      renameSync(join(from, name), join(to, name));
}

/**
 * What later sessions may rely on: which runs, sessions and tasks there were, and all of the tasks that may not start twice. Others start over, since
 * what is missing may be that something changed. The gap at the end says that starts may be missing.
 */
function trustworthy(entries: readonly JournalEntry[], why: string): readonly JournalEntry[] {
  const once = new Set<string>();
  let session = 0;
  const kept = entries.filter(({ session: own, event }) => {
    if (own !== session) once.clear();
    session = own;
    if (event.type === 'tasks-added')
      for (const { id, rerunnable } of event.tasks) if (!rerunnable) once.add(String(id));
    return isOfRun(event) || ('task' in event && once.has(String(event.task)));
  });
  const numbered = kept.map((entry, at) => ({ ...entry, seq: at + 1 }));
  const seq = numbered.length + 1;
  const gap: JournalEvent = {
    type: 'recording-gap',
    from: seq,
    to: seq,
    why: `the journal was damaged: ${why}`,
    lost: true,
  };
  return [...numbered, { seq, session: Math.max(1, session), atMs: 0, event: gap }];
}

function isOfRun({ type }: JournalEvent): boolean {
  return (
    type === 'run-created' ||
    type === 'session-started' ||
    type === 'tasks-added' ||
    type === 'poison-cleared'
  );
}

function write(directory: string, runId: string, entries: readonly JournalEntry[]): void {
  const { writer } = JournalWriter.open({ directory, runId, durability: 'power', boot: bootMark() });
  writer.commit(entries.map(rowOf));
  writer.close();
}
