/** Runs a suite from its configuration to its exit code. */
import {
  type Inspection,
  isBad,
  type Judgement,
  messageOf,
  type Problem,
  type Result,
  type Verdict,
} from '@pexen/core';
import { multi, type RunListener, type TerminalChoice } from '@pexen/report';
import { type Run, run } from '@pexen/sched';
import type { LoadedConfig } from './config.ts';
import type { ReporterChoice } from './define-suite.ts';
import { digesterFor } from './digests.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { Expectations } from './expectations.ts';
import { PausableClock } from './pausable-clock.ts';
import { planSuite } from './plan-suite.ts';
import { RecordFile } from './record-file.ts';
import { makeReporters } from './reporters.ts';
import { runOptions } from './run-options.ts';
import { isNarrowing, type Selection } from './selection.ts';
import { type EndedTask, stateDirectoryName, writeLastResults } from './state-directory.ts';

/** Options of one run of a suite, besides its configuration. */
export interface SuiteRunOptions extends Selection {
  /** How many tasks run at the same time, instead of the configured number. */
  readonly workers?: number;
  /** Instead of those configured. */
  readonly reporters?: readonly ReporterChoice[];
  /** A file for the decisions of the run, for `pexen replay`; relative to the working directory. */
  readonly record?: string;
  /** For the reporters that write to a terminal. */
  readonly terminal?: TerminalChoice;
  /** Called with warnings. Default: warnings are dropped. */
  readonly onWarning?: (warning: Problem) => void;
  /** Called with the controls as soon as the run has started. */
  readonly onStart?: (controls: SuiteControls) => void;
}

/** Controls of a running suite. */
export interface SuiteControls {
  /** Starts no further tasks; running tasks may end. */
  drain(reason: string): void;
  /** Stops running tasks; only teardowns and cleanups still start. */
  cancel(reason: string): void;
  /** Ends everything by force. */
  kill(reason: string): void;
  /** Pauses the clock, and the bodies in processes, since this process is about to be stopped. */
  pause(): void;
  goOn(): void;
  /** Shows one sentence in the output. */
  note(text: string): void;
  inspect(): Inspection;
}

/** How a run of a suite ended. */
export interface SuiteEnd {
  readonly exitCode: ExitCode;
  /** The number of tasks with each verdict. */
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  /** By call path, in the order in which they ended. */
  readonly judgements: ReadonlyMap<string, Judgement>;
  /** Why it ended early, if it did. */
  readonly reason: string | undefined;
  /** How many errors surfaced after their bodies had ended: with any of them the exit code is not 0. */
  readonly lateErrors: number;
  readonly durationMs: number;
}

/**
 * Plans the selected tasks, and runs, reports and judges them.
 * @throws PexenError, before anything runs, with all problems of configuration, tasks and selection.
 */
export async function runSuite(loaded: LoadedConfig, options: SuiteRunOptions = {}): Promise<SuiteEnd> {
  const warn = options.onWarning ?? (() => {});
  const { config, root } = loaded;
  const clock = new PausableClock();
  const { workers } = options;
  const plan = await planSuite(loaded, options, { workers, onWarning: warn, clock });
  const expectations = new Expectations(config.expectedFailures ?? {});
  const choices = options.reporters ?? config.reporters ?? ['terminal'];
  const digester = digesterFor(choices, loaded);
  const record = options.record === undefined ? undefined : new RecordFile(options.record);
  const execution = run(plan, {
    ...runOptions(config, { expectations, onWarning: warn, clock, digester }),
    record: record?.recorder,
    root,
  });
  let reportFailed = false;
  const reporter = multi(makeReporters(choices, root, options.terminal), ({ reporter, error }) => {
    reportFailed = true;
    warn(reporterFailed(reporter, error));
  });
  listen(execution, reporter);
  options.onStart?.(controlsOf(execution, reporter, clock));
  const { unable, results, ...ended } = await follow(execution, reporter).finally(() => {
    const notRecorded = record?.close();
    if (notRecorded !== undefined) warn(notRecorded);
  });
  const isWhole = !isNarrowing(options) && ended.reason === undefined;
  const notKept = keepResults(root, results, isWhole);
  if (notKept !== undefined) warn(notKept);
  if (!isNarrowing(options)) for (const unused of expectations.unused()) warn(unused);
  return { ...ended, exitCode: exitCodeOf({ ...ended, unable, results }, reportFailed) };
}

interface Ended extends Omit<SuiteEnd, 'exitCode'> {
  /** How many tasks did not run because their worker could not be started. */
  readonly unable: number;
  /** What the next run is to know of each task. */
  readonly results: readonly EndedTask[];
}

/** Consumes all results, and closes everything in the end. */
async function follow(execution: Run, reporter: RunListener): Promise<Ended> {
  let unable = 0;
  const judgements = new Map<string, Judgement>();
  const results: EndedTask[] = [];
  const verdicts: Partial<Record<Verdict, number>> = {};
  try {
    for await (const { path, judgement, error, attempts } of execution as AsyncIterable<Result>) {
      if (judgement === undefined) continue;
      if (isBad(judgement.verdict) && isOfWorkers(error)) unable++;
      judgements.set(path, judgement);
      results.push({
        path,
        judgement,
        durationMs: attempts.reduce((sum, { durationMs }) => sum + durationMs, 0),
      });
      verdicts[judgement.verdict] = (verdicts[judgement.verdict] ?? 0) + 1;
    }
    const { reason, durationMs, lateErrors } = await execution.summary;
    return { judgements, results, verdicts, reason, durationMs, unable, lateErrors: lateErrors.length };
  } finally {
    await execution.close();
    await reporter.close();
  }
}

function listen(execution: Run, reporter: RunListener): void {
  execution.events.on('event', (event) => reporter.event(event));
  execution.events.on('update', (update) => reporter.taskUpdate(update));
  reporter.attach({ inspect: () => execution.inspect() });
}

function controlsOf(execution: Run, reporter: RunListener, clock: PausableClock): SuiteControls {
  return {
    drain: (reason) => execution.drain(reason),
    cancel: (reason) => execution.abort(reason),
    kill: (reason) => execution.kill(reason),
    pause: () => clock.pause(),
    goOn: () => clock.goOn(),
    note: (text) => reporter.note(text),
    inspect: () => execution.inspect(),
  };
}

function exitCodeOf({ verdicts, reason, unable, lateErrors }: Ended, reportFailed: boolean): ExitCode {
  if (reason !== undefined) return exitCodes.interrupted;
  let bad = 0;
  for (const [verdict, count] of Object.entries(verdicts)) if (isBad(verdict as Verdict)) bad += count;
  if (bad > unable || lateErrors > 0) return exitCodes.failures;
  return unable > 0 || reportFailed ? exitCodes.infrastructure : exitCodes.ok;
}

/** True if the task failed because the workers of its pool do not start. */
function isOfWorkers(error: unknown): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === 'PEXEN_WORKER_START';
}

/** A read-only checkout does not fail the run. */
function keepResults(root: string, results: readonly EndedTask[], isWhole: boolean): Problem | undefined {
  try {
    writeLastResults(root, results, isWhole);
    return undefined;
  } catch (error) {
    return {
      code: 'PEXEN_STATE_NOT_KEPT',
      message: `the results are not kept for later runs: ${messageOf(error)}`,
      hint: `Make the folder ${stateDirectoryName} beside the configuration writable.`,
    };
  }
}

function reporterFailed(reporter: string, error: unknown): Problem {
  const why = messageOf(error);
  return { code: 'PEXEN_REPORTER_FAILED', message: `the reporter ${reporter} failed: ${why}` };
}
