/**
 * The directories of runs below a state directory: `runs/<id>`. Makes them, finds them, says in one line what is known of each, and numbers them. Ids of
 * runs are UUIDs of version 7, so that their order is that of their starts. What they contain, and how long they stay, is decided elsewhere.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { misuse } from '@pexen/core';
import type { JournalEvent } from '../journal/events.ts';
import { isLocked, lockRun } from '../journal/lock.ts';
import { type ReadEvents, readEvents } from '../journal/read-journal.ts';
import { prepareStateDirectory } from '../state-directory.ts';
import type { RunChoice, RunSummary } from './recorded-run.ts';

const idOfRun = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;

/** The directory of a run. */
export function directoryOf(stateDirectory: string, runId: string): string {
  return join(stateDirectory, 'runs', runId);
}

/** The directory for the output of the attempts of a run. */
export function outputDirectoryOf(directory: string): string {
  return join(directory, 'out');
}

/**
 * Makes the directory of a run that is not recorded, for its output. Until the returned function is called, it counts as that of a run that goes on.
 * @throws what the file system throws
 */
export function openUnrecordedRun(
  stateDirectory: string,
  runId: string,
): { readonly directory: string; readonly close: () => void } {
  prepareStateDirectory(stateDirectory);
  const directory = directoryOf(stateDirectory, runId);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return { directory, close: lockRun(directory, runId) };
}

/** All runs of the folder that are recorded, oldest first. */
export function listRuns(stateDirectory: string): readonly RunSummary[] {
  const runs: RunSummary[] = [];
  for (const id of runIds(stateDirectory)) {
    const summary = summaryOf(stateDirectory, id, (runs.at(-1)?.number ?? 0) + 1);
    if (summary !== undefined) runs.push(summary);
  }
  return runs;
}

/**
 * The run with this id, a unique beginning of it, or this number; of several with one number the newest. `latest`: the newest one.
 *
 * @throws PexenError `PEXEN_UNKNOWN_RUN`
 */
export function findRun(stateDirectory: string, choice: RunChoice): RunSummary {
  const found =
    choice === 'latest'
      ? latestRun(stateDirectory)
      : listRuns(stateDirectory).filter(({ id, number }) => isChosen(choice, id, number));
  const ids = new Set(found.map(({ id }) => id));
  const newest = found.at(-1);
  const isUnique = ids.size === 1 || found.every(({ number }) => String(number) === String(choice));
  if (newest !== undefined && isUnique) return newest;
  throw unknownRun(choice, found, stateDirectory);
}

/** The number of a new run. */
export function nextNumber(stateDirectory: string): number {
  for (const id of runIds(stateDirectory).reverse()) {
    const number = summaryOf(stateDirectory, id, 0)?.number ?? 0;
    if (number > 0) return number + 1;
  }
  return 1;
}

/** The newest recorded run: the others are not read, unless it does not say its number. */
function latestRun(stateDirectory: string): readonly RunSummary[] {
  for (const id of runIds(stateDirectory).reverse()) {
    const summary = summaryOf(stateDirectory, id, 0);
    if (summary !== undefined) return summary.number > 0 ? [summary] : listRuns(stateDirectory).slice(-1);
  }
  return [];
}

/** The ids of all directories of runs, oldest first. */
export function runIds(stateDirectory: string): string[] {
  try {
    const names = readdirSync(join(stateDirectory, 'runs'));
    return names.filter((name) => idOfRun.test(name)).sort();
  } catch {
    return [];
  }
}

function isChosen(choice: string | number, id: string, number: number): boolean {
  return String(choice) === String(number) || (String(choice).length >= 4 && id.startsWith(String(choice)));
}

function unknownRun(choice: RunChoice, found: readonly RunSummary[], stateDirectory: string): Error {
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(', ');
    return misuse('PEXEN_UNKNOWN_RUN', `several runs begin with ${choice}: ${ids}`, 'Give more of the id.');
  }
  const message =
    choice === 'latest'
      ? `there is no run in ${stateDirectory}`
      : `there is no run ${choice} in ${stateDirectory}`;
  return misuse('PEXEN_UNKNOWN_RUN', message, 'List the runs with `pexen runs`.');
}

const described = ['run-created', 'session-started', 'session-ended', 'run-ended'] as const;

/** Undefined where there is no journal. A run whose number is unknown gets the given one. */
function summaryOf(stateDirectory: string, id: string, number: number): RunSummary | undefined {
  const directory = directoryOf(stateDirectory, id);
  if (!existsSync(join(directory, 'journal.db'))) return undefined;
  const read = readEvents(directory, described);
  const created = eventIn(read, 'run-created');
  const started = read.events.filter(({ type }) => type === 'session-started');
  const ended = eventIn(read, 'run-ended');
  const last = ended ?? eventIn(read, 'session-ended');
  const { parent, label } = created ?? {};
  const startedAt = eventIn({ ...read, events: started.slice(0, 1) }, 'session-started')?.wallMs;
  return {
    ...{ id, directory, number: created?.number ?? number, sessions: started.length },
    state: stateOf(directory, read, ended !== undefined),
    ...(startedAt !== undefined && { startedAt }),
    ...(parent !== undefined && { parent }),
    ...(label !== undefined && { label }),
    ...(last !== undefined && { exitCode: last.exitCode }),
    ...(last?.reason !== undefined && { reason: last.reason }),
    counts: last?.counts ?? {},
  };
}

/** What a run with this directory is: as in its summary; undefined where it is not recorded. */
export function stateIn(directory: string): RunSummary['state'] | undefined {
  if (!existsSync(join(directory, 'journal.db'))) return undefined;
  const read = readEvents(directory, ['run-created', 'run-ended']);
  return stateOf(directory, read, eventIn(read, 'run-ended') !== undefined);
}

function stateOf(
  directory: string,
  { isReadable, events }: ReadEvents,
  hasEnded: boolean,
): RunSummary['state'] {
  if (isLocked(directory)) return 'going-on';
  if (!isReadable || events.length === 0) return 'unreadable';
  return hasEnded ? 'ended' : 'resumable';
}

/** The last event of the type. */
function eventIn<Type extends JournalEvent['type']>(
  { events }: Pick<ReadEvents, 'events'>,
  type: Type,
): Extract<JournalEvent, { readonly type: Type }> | undefined {
  return events.findLast(
    (event): event is Extract<JournalEvent, { readonly type: Type }> => event.type === type,
  );
}
