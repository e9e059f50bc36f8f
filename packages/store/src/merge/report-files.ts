/** Where the reports of runs come from: directories of runs, and files in which reports were saved. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { type AttemptInfo, type CapturedOutput, messageOf, misuse, type PexenError } from '@pexen/core';
import { readJournal } from '../journal/read-journal.ts';
import { unionOf } from './merge.ts';
import { type ReportedTask, type RunReport, runReportOf } from './run-report.ts';

/** Grows by one with every change that breaks readers of old files. */
const fileVersion = 1;

interface SavedReports {
  readonly format: 'pexen-reports';
  readonly version: number;
  readonly runs: readonly RunReport[];
}

/**
 * The runs in the directory of a run, a copy of such a directory, or a file that `saveReports` wrote.
 * @throws PexenError PEXEN_NO_REPORT, PEXEN_JOURNAL_NEWER
 */
export function readReports(place: string): readonly RunReport[] {
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined) throw noReport(place, 'does not exist');
  return found.isDirectory() ? [readRun(resolve(place))] : readSaved(place);
}

/** Saves the reports of runs in one file, which replaces an older one. @throws what the file system throws */
export function saveReports(file: string, runs: readonly RunReport[]): void {
  const saved: SavedReports = { format: 'pexen-reports', version: fileVersion, runs: unionOf(runs) };
  writeFileSync(file, `${JSON.stringify(saved)}\n`);
}

function readRun(directory: string): RunReport {
  const content = readJournal(directory);
  if (content.verdict.kind === 'newer') throw newer(directory);
  const report = runReportOf(content);
  if (report !== undefined) return withFiles(report, (file) => fileIn(directory, report.id, file));
  throw noReport(
    directory,
    content.verdict.kind === 'absent' ? 'is not the directory of a run' : 'has no readable journal',
  );
}

function readSaved(file: string): readonly RunReport[] {
  const saved = parsed(file);
  if (saved.format !== 'pexen-reports' || !Array.isArray(saved.runs)) throw noReport(file, notSaved);
  if (saved.version !== fileVersion) throw newer(file);
  return saved.runs.map((run) => withFiles(run, (path) => path));
}

const notSaved = 'is neither the directory of a run nor a file that `pexen report --save` wrote';

function parsed(file: string): Partial<SavedReports> {
  try {
    return Object(JSON.parse(readFileSync(file, 'utf8'))) as Partial<SavedReports>;
  } catch (error) {
    throw noReport(file, error instanceof SyntaxError ? notSaved : `cannot be read: ${messageOf(error)}`);
  }
}

// ── Files with the output of attempts ──

/** Names the files by absolute paths, and leaves out those that are not there. */
function withFiles(run: RunReport, place: (file: string) => string): RunReport {
  const output = (captured: CapturedOutput): CapturedOutput => {
    const { file, ...rest } = captured;
    const placed = file === undefined ? undefined : place(file);
    return placed !== undefined && existsSync(placed) ? { ...rest, file: placed } : rest;
  };
  const attempt = (info: AttemptInfo): AttemptInfo => ({
    ...info,
    ...(info.stdout && { stdout: output(info.stdout) }),
    ...(info.stderr && { stderr: output(info.stderr) }),
  });
  const tasks = run.tasks.map(
    (task): ReportedTask =>
      task.result === undefined
        ? task
        : { ...task, result: { ...task.result, attempts: task.result.attempts.map(attempt) } },
  );
  return { ...run, tasks };
}

/** Files are named relative to the root of the run; the directory of the run may have been copied elsewhere. */
function fileIn(directory: string, id: string, file: string): string {
  const inside = file.split(`${sep}${id}${sep}`);
  return join(directory, inside.at(-1) as string);
}

// ── Problems ──

function noReport(place: string, why: string): PexenError {
  return misuse(
    'PEXEN_NO_REPORT',
    `${place} ${why}`,
    'Name directories of runs, such as .pexen/runs/ID, or saved reports.',
  );
}

function newer(place: string): PexenError {
  return misuse(
    'PEXEN_JOURNAL_NEWER',
    `${place} was written by a newer version of pexen`,
    'Use that version.',
  );
}
