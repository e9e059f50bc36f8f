/**
 * What the journal of a run says for the history: of runs whose command was killed before it could add them, and of all runs where the history was lost.
 */
import { createHash } from 'node:crypto';
import { type TaskDigests, unknownDigest } from '@pexen/core';
import type { JournalEntry, JournalEvent, StoredEnd, StoredResult } from '../journal/events.ts';
import { isLocked } from '../journal/lock.ts';
import { readJournal } from '../journal/read-journal.ts';
import { directoryOf, runIds } from '../run/run-directories.ts';
import type { History, WholeRun } from './history.ts';
import { type MachineKind, thisMachine } from './machine.ts';
import type { HistoryRun, TaskSample } from './records.ts';

/**
 * Adds the recorded runs of a state directory that the history does not know and that do not go on. Returns how many.
 * @throws what SQLite and the file system throw
 */
export function takeRecordedRuns(history: History, stateDirectory: string): number {
  const known = new Set(history.runs().map(({ id }) => id));
  const missing = runIds(stateDirectory).filter((id) => !known.has(id));
  const runs = missing.flatMap((id) => runIn(directoryOf(stateDirectory, id), id) ?? []);
  return runs.length === 0 ? 0 : history.take(runs).runs;
}

function runIn(directory: string, id: string): WholeRun | undefined {
  return isLocked(directory) ? undefined : runOfJournal(id, readJournal(directory).entries, thisMachine());
}

/** What the events of a run say; undefined where it is not known when it started. `machine`: where it ran. */
export function runOfJournal(
  id: string,
  entries: readonly JournalEntry[],
  machine: MachineKind,
): WholeRun | undefined {
  const start = entries.find(({ event }) => event.type === 'session-started')?.event;
  if (start?.type !== 'session-started') return undefined;
  const created = entries.find(({ event }) => event.type === 'run-created')?.event;
  const { parent, shard } = created?.type === 'run-created' ? created : {};
  const last = entries.findLast(({ event }) => event.type === 'session-ended' || event.type === 'run-ended');
  const run: HistoryRun = {
    ...{ id, parent, shard, startedAtMs: start.wallMs, durationMs: durationOf(entries), machine },
    exitCode: last === undefined ? undefined : exitCodeOf(last.event),
    isWhole: false,
  };
  const samples = new SamplesOfJournal();
  for (const { event } of entries) samples.add(event);
  return { run, samples: samples.all() };
}

/** The sum of all sessions, ms. */
function durationOf(entries: readonly JournalEntry[]): number {
  const sessions = new Map(entries.map(({ session, atMs }) => [session, atMs]));
  return [...sessions.values()].reduce((sum, ms) => sum + ms, 0);
}

function exitCodeOf(event: JournalEvent): number | undefined {
  return 'exitCode' in event ? event.exitCode : undefined;
}

/** What counts as the duration of an attempt: of a service, the time to its readiness. */
function countedMs({ ranMs, readyAfterMs = ranMs }: StoredEnd): number {
  return readyAfterMs;
}

/** Collects the latest result of each task. Results that were taken over from another run are not of this one. */
class SamplesOfJournal {
  readonly #paths = new Map<number, string>();
  readonly #digests = new Map<string, string | undefined>();
  readonly #tookMs = new Map<string, number>();
  readonly #samples = new Map<string, TaskSample>();

  add(event: JournalEvent): void {
    switch (event.type) {
      case 'tasks-added':
        for (const { id, path, digests } of event.tasks) {
          this.#paths.set(id, path);
          this.#digests.set(path, digests && digestOfTask(digests));
        }
        break;
      case 'attempt-ended':
        this.#count(this.#pathOf(event.task), countedMs(event));
        break;
      case 'task-finished':
        this.#finish(this.#pathOf(event.task), event);
        break;
      case 'task-skipped':
        this.#put({ path: this.#pathOf(event.task), verdict: 'skip', outcome: 'skipped', attempts: 0 });
        break;
      default:
    }
  }

  all(): TaskSample[] {
    return [...this.#samples.values()];
  }

  #pathOf(task: number): string {
    return this.#paths.get(task) ?? '';
  }

  #count(path: string, ms: number): number {
    const sum = (this.#tookMs.get(path) ?? 0) + ms;
    this.#tookMs.set(path, sum);
    return sum;
  }

  #finish(path: string, { status, end, judgement }: StoredResult): void {
    const { attempt } = end;
    const ranMs = countedMs(end);
    const tookMs = this.#count(path, ranMs);
    this.#tookMs.delete(path);
    if (judgement === undefined) return;
    const sample = { path, verdict: judgement.verdict, outcome: status, attempts: attempt, ranMs };
    this.#put({ ...sample, ...(tookMs !== ranMs && { tookMs }), digest: this.#digests.get(path) });
  }

  /** A later result of the same task counts instead of the earlier one. */
  #put(sample: TaskSample): void {
    if (sample.path !== '') this.#samples.set(sample.path, sample);
  }
}

/** One text for what a task means, runs and reads; undefined where one of these is unknown. */
export function digestOfTask({ meaning, code, data }: TaskDigests): string | undefined {
  const all = [meaning, code, data];
  if (all.includes(unknownDigest)) return undefined;
  return createHash('sha256').update(all.join()).digest('base64url').slice(0, 12);
}
