/** `pexen run`: runs the suite in the current directory and reports the results. */
import { PexenError } from '@pexen/core';
import { onSuspension } from '@pexen/report';
import {
  type ExitCode,
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
  withMemory,
} from '@pexen/usecase-testsuite';
import { formatWarning } from '../print-problems.ts';
import { junitInto, parseReporter } from '../reporter-argument.ts';
import { type ShardOptions, shardOf } from '../shard-argument.ts';
import { obeySignals, type SignalSource } from '../signals.ts';
import { workingDirectory } from '../working-directory.ts';
import { memoryOf, type RecordOptions, type RepeatOptions, repetitionOf } from './memory-options.ts';
import { preview } from './preview.ts';
import { isRoundProcess, roundProcess } from './round-process.ts';
import { type SelectOptions, selectionOf } from './select-options.ts';
import { watch } from './watch.ts';

/** The options of `pexen run`. */
export interface RunOptions extends SelectOptions, ShardOptions, RecordOptions, RepeatOptions {
  readonly workers?: number;
  readonly bail?: number;
  readonly retries?: number;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly grace?: number;
  readonly failOnFlaky?: boolean;
  readonly keep?: boolean;
  readonly failedFirst?: boolean;
  readonly shuffle?: string;
  readonly label?: string;
  readonly repeat?: number;
  readonly untilFail?: boolean;
  readonly pool?: (typeof poolNames)[number];
  /** The port. */
  readonly inspect?: number;
  readonly failures?: 'full' | 'short';
  readonly showOutput?: 'failed' | 'all' | 'live';
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly reporter?: readonly string[];
  readonly junit?: string;
  readonly record?: string;
  readonly watch?: boolean;
}

/** Runs what the queries select, or everything, or what is left of an earlier run; resolves with the exit code. */
export async function run(queries: readonly string[], options: RunOptions): Promise<ExitCode> {
  requireSystem();
  const repeats = repetitionOf(options, { ...options, queries });
  if (options.dryRun === true && repeats !== undefined)
    return await preview(repeats, queries, options, process.stdout);
  if (options.watch === true && options.inspect !== undefined) throw notBoth();
  if (options.shard !== undefined) refuseWithShard(options);
  if (options.watch === true && isRoundProcess()) {
    return roundProcess((order, signals) =>
      loadedRun(queries, options, signals, (loaded, given) => runRound(loaded, order, given)),
    );
  }
  if (options.watch === true) return watch(options.config);
  const end = await loadedRun(queries, options, process, (loaded, given) =>
    runSuite(loaded, { ...given, ...(repeats !== undefined && { repeats }) }),
  );
  for (const line of conclusions(end)) process.stderr.write(`${line}\n`);
  return end.exitCode;
}

/** What no summary of a single round says. */
function conclusions({ rounds, verdicts, exitCode, recorded }: SuiteEnd): string[] {
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
  const loaded = withMemory(await loadConfig(workingDirectory(), options.config), memoryOf(options));
  let restore: (() => void) | undefined;
  try {
    return await runIt(loaded, {
      ...selectionOf(queries, options),
      ...suiteOptions(options),
      ...reportersOf(options),
      terminal: {
        rerun: rerunCommand(options.config),
        ...(options.failures !== undefined && { failures: options.failures }),
        ...(options.showOutput !== undefined && { showOutput: options.showOutput }),
        ...(options.verbose === true && { verbosity: 'verbose' }),
        ...(options.quiet === true && { verbosity: 'quiet' }),
      },
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

/** A shard is one part of a suite that all machines divide in the same way, and at once. */
function refuseWithShard({ shuffle, watch }: RunOptions): void {
  const other = shuffle !== undefined ? '--shuffle' : watch === true ? '--watch' : undefined;
  if (other === undefined) return;
  const why = other === '--watch' ? 'is for all of a suite' : 'gives each machine an order of its own';
  const message = `--shard divides the suite in the same way on all machines, and ${other} ${why}`;
  throw new PexenError([{ code: 'PEXEN_BAD_OPTION', message, hint: 'Use one of them.' }]);
}

function notBoth(): PexenError {
  const message = '--inspect is for one run, and --watch runs again and again';
  return new PexenError([{ code: 'PEXEN_BAD_OPTION', message, hint: 'Use one of them.' }]);
}

/** Those of the options that the suite takes as they are. */
function suiteOptions(options: RunOptions): SuiteRunOptions {
  const { workers, bail, retries, timeout, grace, failOnFlaky, shuffle, repeat, untilFail } = options;
  const { pool, record, inspect, keep, failedFirst, label } = options;
  const shard = shardOf(options);
  const rounds = repeat ?? (untilFail === true ? Number.POSITIVE_INFINITY : undefined);
  const given = {
    ...{
      workers,
      bail,
      retries,
      timeout,
      grace,
      failOnFlaky,
      shuffle,
      rounds,
      untilFail,
      pool,
      record,
      keep,
      shard,
      failedFirst,
      label,
    },
    inspectPort: inspect,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function debuggerHint(port: number): string {
  return `The worker waits for a debugger at 127.0.0.1:${port}: open chrome://inspect, or attach your editor.`;
}

/** The command that runs only the task with a call path, quoted for a shell where necessary. */
function rerunCommand(config: string | undefined): (path: string) => string {
  const start = ['pexen', 'run', ...(config === undefined ? [] : ['--config', config])];
  return (path) => [...start, path].map(shellWord).join(' ');
}

/** Reporters of the command line replace those of the configuration; `--junit` is added to either. */
function reportersOf({ reporter, junit }: RunOptions): Pick<SuiteRunOptions, 'reporters' | 'moreReporters'> {
  return {
    ...(reporter !== undefined && { reporters: reporter.map(parseReporter) }),
    ...(junit !== undefined && { moreReporters: [junitInto(junit)] }),
  };
}
