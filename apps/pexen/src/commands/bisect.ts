/** `pexen bisect`: finds the test that makes another one fail. Each trial is a `pexen run --replay` in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { misuse, type Problem } from '@pexen/core';
import {
  bisectSuite,
  type ExitCode,
  exitCodes,
  loadConfig,
  type RunTrial,
  requireSystem,
} from '@pexen/usecase-testsuite';
import { othersToStderr } from '../others-to-stderr.ts';
import { formatWarning, type Output } from '../print-problems.ts';
import { BisectText } from '../text/bisect.ts';
import { workingDirectory } from '../working-directory.ts';
import { runChoice, type StateOptions } from './memory-options.ts';
import { givenBy } from './stated-options.ts';

/** The options of `pexen bisect`. */
export interface BisectOptions extends StateOptions {
  readonly run?: string;
  readonly runs?: number;
  readonly workers?: number;
}

/** Searches, and prints each trial and what is found. */
export async function bisect(
  queries: readonly string[],
  options: BisectOptions,
  output: Output,
): Promise<ExitCode> {
  requireSystem();
  const warn = (warning: Problem) => process.stderr.write(formatWarning(warning, process.stderr));
  const loaded = await othersToStderr(() => loadConfig(workingDirectory(), options.config, givenBy(options)));
  const text = new BisectText(output);
  const trials = new TrialProcesses(wordsOf(options), output);
  try {
    const end = await bisectSuite(loaded, {
      ...{ queries, onWarning: warn, runTrial: trials.run, onEvent: (event) => text.event(event) },
      ...(options.run !== undefined && { run: runChoice(options.run) }),
      ...(options.runs !== undefined && { mostTrials: options.runs }),
    });
    text.end(end);
    return end.isOpen ? exitCodes.interrupted : exitCodes.ok;
  } finally {
    trials.close();
  }
}

/** The options that trials have, too. */
function wordsOf({ config, profile = [], set = [], workers }: BisectOptions): readonly string[] {
  return [
    ...(config === undefined ? [] : ['--config', config]),
    ...profile.flatMap((name) => ['--profile', name]),
    ...set.flatMap((assigned) => ['--set', assigned]),
    ...(workers === undefined ? [] : ['--workers', String(workers)]),
  ];
}

/** Exit codes of trials that have run to their end. */
const ended: ReadonlySet<number | null> = new Set([exitCodes.ok, exitCodes.failures]);

/** The processes of trials, one at a time. A signal stops the trial, and with it the search. */
class TrialProcesses {
  readonly #words: readonly string[];
  readonly #output: Output;
  #child: ChildProcess | undefined;
  #isStopped = false;

  constructor(words: readonly string[], output: Output) {
    this.#words = words;
    this.#output = output;
    for (const signal of signals) process.on(signal, this.#stop);
  }

  close(): void {
    for (const signal of signals) process.off(signal, this.#stop);
  }

  readonly run: RunTrial = (file, stateDirectory) => {
    const [, entry = ''] = process.argv;
    const quiet = ['--quiet', '--reporter', 'lines'];
    const words = ['run', `--replay=${file}`, '--state-dir', stateDirectory, ...quiet, ...this.#words];
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    // A group of its own: Ctrl-C is passed on once, by this process.
    const child = spawn(process.execPath, [...process.execArgv, entry, ...words], {
      stdio: [...stdio],
      detached: true,
    });
    this.#child = child;
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed = (printed + text).slice(-mostPrinted);
      });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode) => {
        this.#child = undefined;
        if (this.#isStopped) resolve('stopped');
        else if (ended.has(exitCode)) resolve('ended');
        else reject(trialFailed(exitCode, printed));
      });
      if (this.#isStopped) child.kill('SIGTERM');
    });
  };

  readonly #stop = (): void => {
    if (this.#isStopped) this.#child?.kill('SIGKILL');
    else this.#output.write('Stopping the run that goes on; again to kill it.\n');
    this.#isStopped = true;
    this.#child?.kill('SIGTERM');
  };
}

const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Characters of the output of a trial that are kept. */
const mostPrinted = 4_000;

function trialFailed(exitCode: number | null, printed: string): Error {
  return misuse(
    'PEXEN_TRIAL_FAILED',
    `a run of the search ended with exit code ${exitCode}, and printed: ${printed.trim()}`,
    'Fix that, and start the search again: it goes on from there.',
  );
}
