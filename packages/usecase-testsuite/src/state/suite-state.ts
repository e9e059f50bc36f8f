/**
 * What a run of a suite leaves in `.pexen` for its user and for later runs: the output of its attempts in files, and the result of each task. A
 * read-only checkout or a full disk does not fail the run: it is warned of once.
 */
import { mkdirSync } from 'node:fs';
import { relative } from 'node:path';
import {
  type Clock,
  messageOf,
  type Problem,
  type Result,
  type RunEvent,
  type TaskUpdateEvent,
} from '@pexen/core';
import type { LongOutput } from '@pexen/pool-process';
import {
  openUnrecordedRun,
  outputDirectoryOf,
  prepareStateDirectory,
  type RecordedRun,
  removeOldRuns,
  Secrets,
} from '@pexen/store';
import type { SuiteConfig } from '../config/define-suite.ts';
import { secretPatterns } from '../memory/secret-patterns.ts';
import { KeptOutput } from './kept-output.ts';
import { limitsOfHistory, retentionLimits } from './retention.ts';
import { HistoryRecorder, type RunFactsToKeep, takeKilledRuns } from './suite-history.ts';

/** The record of the run closes it. */
function kept({ directory }: Pick<RecordedRun, 'directory'>): ReturnType<typeof openUnrecordedRun> {
  return { directory, close: () => {} };
}

/** What a suite says of the runs that it keeps. */
export type KeptByConfig = Pick<SuiteConfig, 'retention' | 'history' | 'secrets'>;

/** Of one suite, for all its rounds, one after the other. */
export class SuiteState {
  readonly #root: string;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #onWarning: (warning: Problem) => void;
  readonly #config: KeptByConfig;
  /** Of the round that runs. */
  #output: KeptOutput | undefined;
  /** Undefined where none is kept. */
  #history: HistoryRecorder | undefined;
  #hasWarned = false;

  /** `directory`: its state directory, an absolute path. */
  constructor(
    root: string,
    directory: string,
    clock: Clock,
    onWarning: (warning: Problem) => void,
    config: KeptByConfig = {},
  ) {
    this.#root = root;
    this.#directory = directory;
    this.#clock = clock;
    this.#onWarning = onWarning;
    this.#config = config;
    this.#history = this.#newHistory();
  }

  /** Keeps the output of a run in its folder, until the returned function is called. `recorded`: its journal owns the folder. */
  openRun(runId: string, recorded?: Pick<RecordedRun, 'directory' | 'session'>): () => Promise<void> {
    const warn = (error: unknown): void =>
      this.notKept('the output of the tests is not kept in files', error);
    this.#output = undefined;
    this.#history = this.#newHistory();
    try {
      const { directory, close } =
        recorded === undefined ? openUnrecordedRun(this.#directory, runId) : kept(recorded);
      const folder = outputDirectoryOf(directory);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const limits = retentionLimits(this.#config.retention);
      removeOldRuns(this.#directory, this.#clock.wallNow(), { limits }).catch(() => {}); // A later run removes them.
      const { session = 1 } = recorded ?? {};
      const { secrets = [] } = this.#config;
      const masked = new Secrets(secretPatterns(secrets, process.env));
      const output = new KeptOutput({
        ...{ root: this.#root, folder: relative(this.#root, folder), session, clock: this.#clock },
        ...(secrets.length > 0 && { mask: (text: string) => masked.masked(text) }),
        onProblem: warn,
      });
      this.#output = output;
      return async () => {
        await output.close();
        close();
      };
    } catch (error) {
      warn(error);
      return async () => {};
    }
  }

  /** The event with the names of the files of its output. */
  event(event: RunEvent): RunEvent {
    this.#history?.event(event);
    return this.#output?.event(event) ?? event;
  }

  /** See `KeptOutput`. */
  outputFileOf(...of: Parameters<KeptOutput['fileOf']>): string | undefined {
    return this.#output?.fileOf(...of);
  }

  update(update: TaskUpdateEvent): void {
    this.#output?.update(update);
  }

  /** See `KeptOutput`. Pools ask for it, which are made before the round. */
  leaveToPool(...of: Parameters<KeptOutput['leaveToPool']>): LongOutput | undefined {
    return this.#output?.leaveToPool(...of);
  }

  /** Keeps the result of a task of the round. `isOfParent`: another run has kept it already. */
  result(result: Result, isOfParent: boolean): void {
    this.#history?.result(result, isOfParent);
  }

  /** Adds runs to the history whose commands were killed. */
  takeKilledRuns(): void {
    if (this.#history === undefined) return;
    try {
      takeKilledRuns(this.#directory);
    } catch {
      // What cannot be written is reported at the end of the run.
    }
  }

  /** Adds the round to the history. */
  keepResults(facts: RunFactsToKeep): void {
    if (this.#history === undefined) return;
    try {
      prepareStateDirectory(this.#directory);
      this.#history.end(facts, (warning) => {
        if (warning.code !== 'PEXEN_HISTORY_NEWER') this.#onWarning(warning);
      });
    } catch (error) {
      this.notKept('the results are not kept for later runs', error);
    }
  }

  #newHistory(): HistoryRecorder | undefined {
    const limits = limitsOfHistory(this.#config);
    return limits && new HistoryRecorder(this.#directory, limits);
  }

  /** Warns, once, of what cannot be written. */
  notKept(what: string, error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#onWarning({
      code: 'PEXEN_STATE_NOT_KEPT',
      message: `${what}: ${messageOf(error)}`,
      hint: `Make the folder ${this.#directory} writable, and make room on its disk.`,
    });
  }
}
