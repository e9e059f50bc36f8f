/** Reads which schedule is to be replayed: that of a recorded run, or one in a file. Plans and runs nothing. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { misuse, type Verdict } from '@pexen/core';
import { Schedule, type ScheduleStep } from '@pexen/sched/replay';
import { findRun, type JournalEntry, type RunChoice, readJournal } from '@pexen/store';
import { optionsOf, type RememberedOptions, selectionOf } from '../memory/recorded-options.ts';

/** Which schedule: that of a run, or one in a file, by its absolute path. */
export type ReplayChoice = { readonly run: RunChoice } | { readonly file: string };

/** Increases by one with every change that breaks readers of such files. */
export const scheduleFileVersion = 1;

/** A file with a schedule, as JSON. Tasks are named by their call paths. */
export interface ScheduleFile {
  readonly version: typeof scheduleFileVersion;
  readonly steps: readonly ScheduleStep[];
  /** Those that the run was started with. */
  readonly options?: RememberedOptions;
}

/** What is known of the run that is replayed. */
export interface RecordedSchedule {
  /** `run 12`, or the name of the file. */
  readonly name: string;
  readonly steps: readonly ScheduleStep[];
  /** By call path. Empty for a file. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly options: RememberedOptions;
  /** Candidates of the catalogue that the run had pulled in. */
  readonly candidates: ReadonlySet<string>;
}

/**
 * The schedule that is chosen.
 * @throws PexenError PEXEN_UNKNOWN_RUN, PEXEN_BAD_SCHEDULE
 */
export function recordedSchedule(stateDirectory: string, choice: ReplayChoice): RecordedSchedule {
  if ('file' in choice) {
    const { steps, options = {} } = readScheduleFile(choice.file);
    return { name: basename(choice.file), steps, options, verdicts: new Map(), candidates: new Set() };
  }
  const { directory, number } = findRun(stateDirectory, choice.run);
  return { ...scheduleOfRun(directory), name: `run ${number}` };
}

/** The schedule of the run in this directory, and what it was started with. */
export function scheduleOfRun(directory: string): Omit<RecordedSchedule, 'name'> {
  const { entries } = readJournal(directory);
  const created = entries.find(({ event }) => event.type === 'run-created')?.event;
  const description = created?.type === 'run-created' ? created : undefined;
  return {
    ...scheduleIn(entries),
    options: description === undefined ? {} : optionsOf(description),
    candidates: (description && selectionOf(description).candidates) ?? new Set(),
  };
}

/** The schedule that a journal has recorded. What a rerun took over from its parent did not run in it. */
function scheduleIn(entries: readonly JournalEntry[]): Pick<RecordedSchedule, 'steps' | 'verdicts'> {
  const paths = new Map<number, string>();
  const steps: ScheduleStep[] = [];
  const verdicts = new Map<string, Verdict>();
  const pathOf = (task: number): string => paths.get(task) ?? '';
  for (const { event } of entries)
    if (event.type === 'tasks-added') for (const { id, path } of event.tasks) paths.set(id, path);
    else if (event.type === 'attempt-started' || event.type === 'attempt-adopted')
      steps.push({ start: pathOf(event.task) });
    else if (event.type === 'task-skipped') steps.push({ skip: pathOf(event.task) });
    else if (event.type === 'task-finished') {
      steps.push({ end: pathOf(event.task) });
      if (event.judgement !== undefined) verdicts.set(pathOf(event.task), event.judgement.verdict);
    }
  return { steps, verdicts };
}

/** In the directory of a run that replays a schedule, so that a later session goes on in its order. */
const keptFile = 'schedule.json';

/** Keeps the schedule with the record of the run that replays it. Without it, a later session goes on in the usual order. */
export function keepSchedule(directory: string, steps: readonly ScheduleStep[]): void {
  if (!existsSync(directory)) return; // recorded in memory
  const content: ScheduleFile = { version: scheduleFileVersion, steps };
  writeFileSync(join(directory, keptFile), JSON.stringify(content));
}

/** The schedule that the run replays; undefined if it replays none. @throws PexenError PEXEN_BAD_SCHEDULE */
export function keptSchedule(directory: string): Schedule | undefined {
  const file = join(directory, keptFile);
  return existsSync(file) ? new Schedule(readScheduleFile(file).steps) : undefined;
}

function readScheduleFile(file: string): Pick<ScheduleFile, 'steps' | 'options'> {
  try {
    const { version, steps, options = {} } = JSON.parse(readFileSync(file, 'utf8')) as Partial<ScheduleFile>;
    if (version !== scheduleFileVersion)
      throw new Error(
        `its version is ${JSON.stringify(version)}, and this pexen reads ${scheduleFileVersion}`,
      );
    if (!Array.isArray(steps)) throw new Error('it has no list "steps"');
    const wrong = steps.findIndex((step) => !isStep(step));
    if (wrong >= 0) throw new Error(`its step ${wrong + 1} is ${JSON.stringify(steps[wrong])}`);
    return { steps, options };
  } catch (error) {
    throw misuse(
      'PEXEN_BAD_SCHEDULE',
      `the schedule ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'Name a run by its number, or write {"version": 1, "steps": [{"start": "a"}, {"end": "a"}, …]}.',
    );
  }
}

function isStep(step: unknown): step is ScheduleStep {
  const [entry, ...others] = Object.entries(step ?? {});
  return (
    entry !== undefined &&
    others.length === 0 &&
    ['start', 'end', 'skip'].includes(entry[0]) &&
    typeof entry[1] === 'string'
  );
}
