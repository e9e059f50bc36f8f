/** `pexen runs`: the recorded runs of the suite in the current directory. With `--prune` it removes old ones. */
import { styleText } from 'node:util';
import { defined, PexenError, type Problem, problem } from '@pexen/core';
import {
  type ExitCode,
  exitCodes,
  type LoadedConfig,
  loadConfig,
  pruneRuns,
  type Removal,
  type RunSummary,
  suiteRuns,
} from '@pexen/usecase-testsuite';
import { formatWarning, type Output } from '../print-problems.ts';
import { counted, localTime } from '../text/plain-words.ts';
import { workingDirectory } from '../working-directory.ts';
import type { StateOptions } from './memory-options.ts';
import { givenBy } from './stated-options.ts';

/** The options of `pexen runs`. */
export interface RunsOptions extends StateOptions {
  readonly json?: boolean;
  readonly prune?: boolean;
  readonly keepRuns?: number;
  readonly keepDays?: number;
  readonly keepMebibytes?: number;
  readonly dryRun?: boolean;
}

/** Grows by one with every change that breaks readers of the JSON form. */
const version = 1;

/** Prints the runs, the latest one last; or removes old ones, and prints which. */
export async function runs(options: RunsOptions, output: Output): Promise<ExitCode> {
  refuseWithoutPrune(options);
  const loaded = await loadConfig(workingDirectory(), options.config, givenBy(options));
  if (options.prune === true) return await prune(loaded, options, output);
  const found = suiteRuns(loaded);
  if (options.json === true) output.write(json({ version, runs: found }));
  else if (found.length === 0) output.write('No run is recorded.\n');
  else for (const line of linesOf(found, output)) output.write(`${line}\n`);
  return exitCodes.ok;
}

/** @throws PexenError PEXEN_BAD_OPTION */
function refuseWithoutPrune({ prune, keepRuns, keepDays, keepMebibytes, dryRun }: RunsOptions): void {
  if (prune === true) return;
  const given = {
    '--keep-runs': keepRuns,
    '--keep-days': keepDays,
    '--keep-mebibytes': keepMebibytes,
    '--dry-run': dryRun,
  };
  const [first] = Object.keys(defined(given));
  if (first === undefined) return;
  throw new PexenError([
    problem(
      'PEXEN_BAD_OPTION',
      `${first} says what is removed, and nothing is`,
      `Write: pexen runs --prune ${first}`,
    ),
  ]);
}

// ── Removing ──

/** Prints each removal at once, and what stays at the end. */
async function prune(loaded: LoadedConfig, options: RunsOptions, output: Output): Promise<ExitCode> {
  const { keepRuns, keepDays, keepMebibytes, dryRun = false } = options;
  const asJson = options.json === true;
  const dim = dimmed(output);
  const summaries = new Map(suiteRuns(loaded).map((run) => [run.id, run]));
  const done: Removal[] = [];
  const stay = await pruneRuns(loaded, {
    retention: defined({ runs: keepRuns, days: keepDays, mebibytes: keepMebibytes }),
    dryRun,
    onRemoval: (removal) => {
      done.push(removal);
      if (removal.problem !== undefined)
        process.stderr.write(formatWarning(notRemoved(removal), process.stderr));
      else if (!asJson) output.write(`${removalLine(removal, summaries.get(removal.id), dim)}\n`);
    },
  });
  const failed = done.filter((removal) => removal.problem !== undefined);
  const removed = done.filter((removal) => removal.problem === undefined);
  if (asJson) output.write(json({ version, dryRun, removed, failed, stay }));
  else
    output.write(`${sentence(removed, dryRun)} ${counted(stay.runs, 'run')}, ${size(stay.bytes)}, stay.\n`);
  return failed.length === 0 ? exitCodes.ok : exitCodes.infrastructure;
}

const reasons: Readonly<Record<Removal['because'], string>> = {
  number: 'beyond the number of runs',
  age: 'too old',
  size: 'beyond the total size',
  none: 'half removed before',
};

const nouns: Readonly<Record<Removal['what'], string>> = {
  run: 'run',
  outputs: 'outputs of passed attempts',
  damaged: 'damaged journal',
  rest: 'rest of a run',
};

function removalLine({ id, what, because, bytes }: Removal, run: RunSummary | undefined, dim: Paint): string {
  const number = String(run?.number ?? '-');
  return `${number}  ${dim(id)}  ${whenOf(run)}  ${size(bytes).padStart(8)}  ${nouns[what]}: ${reasons[because]}`;
}

function sentence(removed: readonly Removal[], dryRun: boolean): string {
  if (removed.length === 0) return 'Nothing is beyond the limits.';
  const whole = removed.filter(({ what }) => what === 'run').length;
  const parts = removed.length - whole;
  const what = [
    ...(whole > 0 ? [counted(whole, 'run')] : []),
    ...(parts > 0 ? [`parts of ${counted(parts, 'run')}`] : []),
  ].join(' and ');
  const freed = size(removed.reduce((sum, { bytes }) => sum + bytes, 0));
  return dryRun ? `Would remove ${what}, ${freed}.` : `Removed ${what}, ${freed}.`;
}

function notRemoved({ id, problem: why }: Removal): Problem {
  return problem(
    'PEXEN_RUNS_NOT_REMOVED',
    `the run ${id} cannot be removed: ${why}`,
    'Make its folder writable, and try again.',
  );
}

/** For people: `1.5 MiB`. */
function size(bytes: number): string {
  const power = Math.min(3, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const count = bytes / 1024 ** power;
  return `${power === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}

// ── Listing ──

type Paint = (text: string) => string;

function dimmed(output: Output): Paint {
  return (text) => styleText('dim', text, { stream: output as NodeJS.WriteStream });
}

function linesOf(found: readonly RunSummary[], output: Output): string[] {
  const dim = dimmed(output);
  const width = Math.max(...found.map(({ number }) => String(number).length));
  const numbers = new Map(found.map(({ id, number }) => [id, number]));
  return found.map((run) => {
    const { number, id, state } = run;
    return `${String(number).padStart(width)}  ${dim(id)}  ${whenOf(run)}  ${state.padEnd(10)}  ${resultsOf(run, numbers)}`;
  });
}

/** When the run started. */
function whenOf(run: RunSummary | undefined): string {
  return run?.startedAt === undefined ? '-'.padEnd(19) : localTime(new Date(run.startedAt));
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
    ...(parent === undefined ? [] : [`repeats run ${numbers.get(parent) ?? parent.slice(0, 8)}`]),
    ...(label === undefined ? [] : [label]),
  ].join(' · ');
}

function json(document: object): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
