/** Reports runs of the past: merges what their journals say, and gives it to reporters as if it were one run. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Problem } from '@pexen/core';
import { chainReport, multi, type Reporter, type TerminalChoice } from '@pexen/report';
import {
  findRun,
  type MergedReport,
  merge,
  type RunReport,
  readReports,
  reportEvents,
  saveReports,
} from '@pexen/store';
import type { ReporterChoice } from '../config/define-suite.ts';
import { chooseReporters, makeReporters, reporterFailed } from '../reporters/reporters.ts';
import { surroundingsOfRuns } from '../reporters/surroundings.ts';
import { type ExitCode, exitCodes } from '../verdict/exit-code.ts';
import { wallTimes } from '../wall-times.ts';

/** What is reported, and how. */
export interface ReportOptions {
  /** Directories of runs, copies of these, and saved reports; relative to `directory`. What is not there is the id or the number of a run of this suite. */
  readonly places: readonly string[];
  /** What places and the files of reporters are relative to: an absolute path. */
  readonly directory: string;
  /** The root of the suite, which the files of tasks are relative to. */
  readonly root: string;
  /** The folder with the runs of this suite. */
  readonly stateDirectory: string;
  /** Without any, runs are only saved. */
  readonly reporters: readonly ReporterChoice[];
  /** Gets everything besides them. */
  readonly observer?: Reporter;
  readonly terminal?: TerminalChoice;
  /** A file for the runs themselves, to be merged with others later. Parts that are missing are not looked for before then. */
  readonly save?: string;
  readonly onWarning: (warning: Problem) => void;
  /** Called with a sentence for each report that was written. */
  readonly onWritten: (text: string) => void;
}

/**
 * Merges and reports the runs.
 * @throws PexenError those of `chooseReporters`, PEXEN_NO_REPORT, PEXEN_UNKNOWN_RUN, PEXEN_DIFFERENT_SHARDS, PEXEN_SAME_TASKS, PEXEN_JOURNAL_NEWER
 */
export async function reportRuns(options: ReportOptions): Promise<ExitCode> {
  const { places, directory, save, reporters: choices, observer, terminal, onWarning, onWritten } = options;
  const chosen = await chooseReporters(choices, directory, save === undefined ? process.env : {});
  const runs = places.flatMap((place) => runsAt(place, options));
  const report = merge(runs);
  if (save !== undefined) {
    saveReports(resolve(directory, save), runs);
    onWritten(`Saved in ${save}. ${sourcesSentence(report)}`);
    if (choices.length === 0 && observer === undefined) return exitCodes.ok;
  }
  const around = surroundingsOfRuns(options.root, options.stateDirectory, report.runs, onWarning);
  const reporters = [
    ...makeReporters(chosen, directory, 1, terminal, {}, around),
    ...(observer === undefined ? [] : [observer]),
    ...(runs.length === 1 ? [chainReport({ estimate: wallTimes })] : []),
  ];
  let hasFailed = false;
  const all = multi(reporters, ({ reporter, error }) => {
    hasFailed = true;
    onWarning(reporterFailed(reporter, error));
  });
  all.note(sourcesSentence(report));
  for (const event of reportEvents(report, options.root)) all.event(event);
  await all.close();
  for (const text of reporters.flatMap((reporter) => reporter.written?.() ?? [])) onWritten(text);
  for (const text of missingSentences(report)) onWritten(text);
  return report.exitCode === 0 && hasFailed ? exitCodes.infrastructure : report.exitCode;
}

function runsAt(place: string, { directory, stateDirectory }: ReportOptions): readonly RunReport[] {
  const path = resolve(directory, place);
  const isRun = /^(?:latest|\d+|[\da-f][\da-f-]{3,})$/.test(place) && !existsSync(path);
  return readReports(isRun ? findRun(stateDirectory, place).directory : path);
}

/** `3 runs: shards 1/3, 2/3, 3/3. The longest took 12.3 s. 2 results are of tasks that another shard owns.` */
function sourcesSentence({ runs, wallMs, copies }: MergedReport): string {
  const shards = runs.flatMap(({ shard, label }) =>
    shard === undefined ? [] : [`${shard.index}/${shard.count}${label === undefined ? '' : ` of ${label}`}`],
  );
  const [word, longest] = runs.length === 1 ? ['1 run', 'It'] : [`${runs.length} runs`, 'The longest'];
  const which =
    shards.length === 0 ? '' : `: ${shards.length === 1 ? 'shard' : 'shards'} ${shards.join(', ')}`;
  const repeated = copies === 1 ? '1 result is of a task' : `${copies} results are of tasks`;
  const more = copies === 0 ? '' : ` ${repeated} that another shard owns.`;
  return `${word}${which}. ${longest} took ${(wallMs / 1000).toFixed(1)} s.${more}`;
}

/** `4 tasks have no result: shard 2/3 is missing.` */
function missingSentences({ tasks }: MergedReport): string[] {
  const counts = new Map<string, number>();
  for (const { missing } of tasks)
    if (missing !== undefined) counts.set(missing, (counts.get(missing) ?? 0) + 1);
  return [...counts].map(([why, count]) => {
    const what = count === 1 ? '1 task has no result' : `${count} tasks have no result`;
    return `${what}: ${why}.`;
  });
}
