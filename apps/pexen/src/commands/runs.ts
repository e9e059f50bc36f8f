/** `pexen runs`: the recorded runs of the suite in the current directory. */
import { styleText } from 'node:util';
import {
  type ExitCode,
  exitCodes,
  loadConfig,
  type RunSummary,
  suiteRuns,
  withMemory,
} from '@pexen/usecase-testsuite';
import type { Output } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';
import { memoryOf, type StateOptions } from './memory-options.ts';

/** The options of `pexen runs`. */
export interface RunsOptions extends StateOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** Grows by one with every change that breaks readers of the JSON form. */
const version = 1;

/** Prints the runs, the latest one last. */
export async function runs(options: RunsOptions, output: Output): Promise<ExitCode> {
  const loaded = await loadConfig(workingDirectory(), options.config);
  const found = suiteRuns(withMemory(loaded, memoryOf(options)));
  if (options.json === true) output.write(`${JSON.stringify({ version, runs: found }, undefined, 2)}\n`);
  else if (found.length === 0) output.write('No run is recorded.\n');
  else for (const line of linesOf(found, output)) output.write(`${line}\n`);
  return exitCodes.ok;
}

function linesOf(found: readonly RunSummary[], output: Output): string[] {
  const dim = (text: string) => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  const width = Math.max(...found.map(({ number }) => String(number).length));
  const numbers = new Map(found.map(({ id, number }) => [id, number]));
  return found.map((run) => {
    const { number, id, state, startedAt } = run;
    const when = startedAt === undefined ? '-'.padEnd(19) : localTime(new Date(startedAt));
    return `${String(number).padStart(width)}  ${dim(id)}  ${when}  ${state.padEnd(10)}  ${resultsOf(run, numbers)}`;
  });
}

function localTime(date: Date): string {
  const parts = [date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  const [month, day, hours, minutes, seconds] = parts.map((part) => String(part).padStart(2, '0'));
  return `${date.getFullYear()}-${month}-${day} ${hours}:${minutes}:${seconds}`;
}

/** Of runs that say nothing of their end. */
const noEnd: Readonly<Record<RunSummary['state'], string>> = {
  'going-on': 'in another process',
  resumable: 'was killed',
  ended: 'no results',
  unreadable: 'of a newer version of pexen, or damaged',
};

function resultsOf(
  { counts, exitCode, sessions, state, parent, label }: RunSummary,
  numbers: ReadonlyMap<string, number>,
): string {
  const results = Object.entries(counts).map(([status, count]) => `${count} ${status}`);
  return [
    ...(exitCode === undefined
      ? [noEnd[state]]
      : [results.join(', ') || 'no results', `exit code ${exitCode}`]),
    ...(sessions > 1 ? [`${sessions} sessions`] : []),
    ...(parent === undefined ? [] : [`repeats run ${numbers.get(parent) ?? parent}`]),
    ...(label === undefined ? [] : [label]),
  ].join(' · ');
}
