/** `pexen run`: runs the suite in the current directory and reports the results. */
import { defined, PexenError } from '@pexen/core';
import { onSuspension } from '@pexen/report';
import {
  type ExitCode,
  junitInto,
  type LoadedConfig,
  loadConfig,
  type poolNames,
  type RecordedEnd,
  requireSystem,
  runRound,
  runSuite,
  type SuiteEnd,
  type SuiteRunOptions,
  shellWord,
} from '@pexen/usecase-testsuite';
import { formatWarning } from '../print-problems.ts';
import { type ShardOptions, shardOf } from '../shard-argument.ts';
import { obeySignals, type SignalSource } from '../signals.ts';
import { replayLines } from '../text/replay.ts';
import { workingDirectory } from '../working-directory.ts';
import { type RepeatOptions, repetitionOf, replayOf, type StateOptions } from './memory-options.ts';
import { CommandPage, commandOf } from './page.ts';
import { preview } from './preview.ts';
import { isRoundProcess, roundProcess } from './round-process.ts';
import { type SelectOptions, selectionOf } from './select-options.ts';
import { givenBy } from './stated-options.ts';
import { watch } from './watch.ts';

/** The options of `pexen run`. */
export interface RunOptions extends SelectOptions, ShardOptions, StateOptions, RepeatOptions {
  readonly repeat?: number;
  readonly untilFail?: boolean;
  readonly pool?: (typeof poolNames)[number];
  /** The port. */
  readonly inspect?: number;
  readonly junit?: string;
  readonly record?: string;
  readonly shuffle?: unknown;
  readonly failedFirst?: boolean;
  readonly watch?: boolean;
}

/** Runs what the queries select, or everything, or what is left of an earlier run; resolves with the exit code. */
export async function run(queries: readonly string[], options: RunOptions): Promise<ExitCode> {
  requireSystem();
  const repeats = repetitionOf(options, { ...options, queries });
  const replays = replayOf(options, { ...options, queries });
  if (options.dryRun === true && repeats !== undefined)
    return await preview(repeats, queries, options, process.stdout);
  if (options.watch === true && options.inspect !== undefined) throw notBoth();
  if (options.watch === true && options.shard !== undefined) throw watchedShard();
  if (options.watch === true && isRoundProcess()) {
    return roundProcess((order, signals, observer) =>
      loadedRun(queries, options, signals, (loaded, given) =>
        runRound(loaded, order, { ...given, ...defined({ observer }) }),
      ),
    );
  }
  if (options.watch === true) return watch(options);
  const page = new CommandPage();
  try {
    const end = await loadedRun(queries, options, process, async (loaded, given) => {
      await page.open(loaded, commandOf(options.config));
      return await runSuite(loaded, { ...page.following(given), ...defined({ repeats, replays }) });
    });
    for (const line of conclusions(end)) process.stderr.write(`${line}\n`);
    await page.stay(end.exitCode);
    return end.exitCode;
  } finally {
    await page.close();
  }
}

/** What no summary of a single round says. */
function conclusions({ rounds, verdicts, exitCode, recorded, replayed }: SuiteEnd): string[] {
  const { flaky = 0 } = verdicts;
  const hasFailed = (['fail', 'error', 'timeout', 'crashed'] as const).some(
    (verdict) => (verdicts[verdict] ?? 0) > 0,
  );
  const isOutstanding = recorded?.isRerun === true && recorded.outstanding.length > 0;
  const isFlaky = exitCode === 1 && !hasFailed && !isOutstanding && flaky > 0;
  return [
    ...(isFlaky
      ? [`The run failed, since ${flaky === 1 ? '1 test was' : `${flaky} tests were`} flaky (failOnFlaky).`]
      : []),
    ...(replayed === undefined ? [] : replayLines(replayed)),
    ...(rounds === undefined ? [] : [roundsText(rounds)]),
    ...(recorded === undefined ? [] : recordText(recorded)),
  ];
}

/** How the run goes on. */
function recordText({ number, isResumable, isRerun, outstanding }: RecordedEnd): string[] {
  if (isResumable) return [`Run ${number} can be continued: pexen resume`];
  if (!isRerun) return [];
  return [
    outstanding.length === 0
      ? 'Nothing is outstanding.'
      : `${outstanding.length} outstanding: pexen run --rerun`,
  ];
}

function roundsText({ count, failed }: NonNullable<SuiteEnd['rounds']>): string {
  const rounds = count === 1 ? '1 round' : `${count} rounds`;
  return failed.length === 0 ? `${rounds}, all passed.` : `${rounds}, of which failed: ${failed.join(', ')}.`;
}

/** Loads the configuration and runs the suite, obeying the signals of the source. */
async function loadedRun<End>(
  queries: readonly string[],
  options: RunOptions,
  signals: SignalSource,
  runIt: (loaded: LoadedConfig, options: SuiteRunOptions) => Promise<End>,
): Promise<End> {
  const loaded = await loadConfig(workingDirectory(), options.config, givenBy(options));
  let restore: (() => void) | undefined;
  try {
    return await runIt(loaded, {
      ...selectionOf(queries, options),
      ...ofThisRun(options),
      terminal: { rerun: rerunCommand(options.config) },
      onWritten: (text) => process.stderr.write(`${text}\n`),
      onWarning: (warning) => process.stderr.write(formatWarning(warning, process.stderr)),
      onStart: (controls) => {
        restore?.();
        if (options.inspect !== undefined && options.pool !== 'inline')
          controls.note(debuggerHint(options.inspect));
        const stopListening = obeySignals(controls, signals);
        const unsubscribe = onSuspension({ suspend: () => controls.pause(), resume: () => controls.goOn() });
        restore = () => {
          stopListening();
          unsubscribe();
        };
      },
    });
  } finally {
    restore?.();
  }
}

function watchedShard(): PexenError {
  const message =
    '--shard divides the suite in the same way on all machines, and --watch is for all of a suite';
  return new PexenError([{ code: 'PEXEN_BAD_OPTION', message, hint: 'Use one of them.' }]);
}

function notBoth(): PexenError {
  const message = '--inspect is for one run, and --watch runs again and again';
  return new PexenError([{ code: 'PEXEN_BAD_OPTION', message, hint: 'Use one of them.' }]);
}

/** The options that are about this run, and not about the suite. `--junit` is added to the reporters. */
function ofThisRun(options: RunOptions): SuiteRunOptions {
  const { record, inspect: inspectPort, junit } = options;
  const moreReporters = junit === undefined ? undefined : [junitInto(junit)];
  return defined({ record, inspectPort, shard: shardOf(options), moreReporters });
}

function debuggerHint(port: number): string {
  return `The worker waits for a debugger at 127.0.0.1:${port}: open chrome://inspect, or attach your editor.`;
}

/** The command that runs only the task with a call path, quoted for a shell where necessary. */
function rerunCommand(config: string | undefined): (path: string) => string {
  return (path) => `${commandOf(config)} ${shellWord(path)}`;
}
