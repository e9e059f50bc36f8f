/** `pexen status`: the runs that go on, with what runs, what waits for what, and what is held; else how the last run ended. Runs no task. */
import { formatEstimate, formatSpan, statusLines } from '@pexen/report';
import {
  answersVersion,
  type ExitCode,
  exitCodes,
  findAskedRun,
  type LiveStatus,
  liveRuns,
} from '@pexen/usecase-testsuite';
import type { Output } from '../print-problems.ts';
import { type AskOptions, dimmed, headingOf, placeOf, writeJson } from './asked-run.ts';

/** Prints the state of all runs that go on, or of the chosen one. */
export async function status(options: AskOptions, output: Output): Promise<ExitCode> {
  const { stateDirectory } = placeOf(options);
  const live = await liveRuns(stateDirectory);
  const chosen =
    options.run === undefined ? undefined : (await findAskedRun(stateDirectory, options.run)).run.id;
  const shown = live.filter(({ run }) => chosen === undefined || run.id === chosen);
  if (options.json) {
    writeJson({ version: answersVersion, runs: shown.map((each) => each.status) }, output);
    return exitCodes.ok;
  }
  for (const each of shown) await write(each.status, stateDirectory, output);
  if (shown.length === 0) await writeLast(stateDirectory, options.run, output);
  return exitCodes.ok;
}

async function write(live: LiveStatus, stateDirectory: string, output: Output): Promise<void> {
  const { run } = await findAskedRun(stateDirectory, live.id);
  output.write(`${headingOf({ ...run, isLive: true }, output)}\n${progressOf(live)}\n`);
  for (const line of statusLines(live.inspection)) output.write(`${line}\n`);
}

/** `5 of 20 tasks done, 25 %, after 14.2s; about 30s left. 4 pass, 1 fail.` */
function progressOf({ counts, fraction, remainingMs, verdicts, inspection }: LiveStatus): string {
  const left = remainingMs === undefined ? '' : `; ${formatEstimate(remainingMs)} left`;
  const results = Object.entries(verdicts).map(([verdict, count]) => `${count} ${verdict}`);
  const share = `${Math.floor(fraction * 100)} %`;
  const done = `${counts.done} of ${counts.tasks} tasks done, ${share}, after ${formatSpan(inspection.atMs)}${left}.`;
  return results.length === 0 ? done : `${done} ${results.join(', ')}.`;
}

/** @throws PexenError PEXEN_UNKNOWN_RUN where there is none */
async function writeLast(stateDirectory: string, choice: string | undefined, output: Output): Promise<void> {
  const { run, recorded } = await findAskedRun(stateDirectory, choice);
  output.write(`${choice === undefined ? `${dimmed('No run goes on.', output)}\n` : ''}`);
  if (recorded === undefined) return;
  const { tasks, durationMs, exitCode, incomplete } = recorded.report;
  const counts = new Map<string, number>();
  for (const { result } of tasks) {
    const verdict = result?.judgement.verdict ?? 'without a result';
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  const results = [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ');
  const isCut = run.state === 'resumable';
  const ended = exitCode === undefined ? 'it has no exit code' : `exit code ${exitCode}`;
  const end = isCut ? 'it was interrupted, and can be continued: pexen resume' : (incomplete ?? ended);
  output.write(`Run ${run.number ?? run.id}: ${results}, after ${formatSpan(durationMs)}; ${end}.\n`);
}
