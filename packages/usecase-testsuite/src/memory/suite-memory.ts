/**
 * The memory of a suite: opens a session for each of its runs, and looks at those of the past. What cannot be recorded is warned of, and the run
 * goes on without a journal, unless it requires one. Does not know how a suite is run.
 */
import { PexenError, type Problem } from '@pexen/core';
import { endStrays } from '@pexen/pool-process';
import {
  defaultRerunClasses,
  findRun,
  previewRun,
  type RecordedRun,
  type RerunClass,
  type RunChoice,
  type RunDescription,
  type RunPreview,
  type RunSummary,
  rerun,
  resumeRun,
  type SessionOptions,
  startRun,
  type TaskDigester,
} from '@pexen/store';
import type { LoadedConfig } from '../config/config.ts';
import { stateDirectoryOf } from '../state/state-directory.ts';
import { suiteDigester } from './digests.ts';
import { secretPatterns } from './secret-patterns.ts';

/** Which run is continued, or repeated in part. */
export type Repetition =
  | { readonly kind: 'resume'; readonly run: RunChoice }
  | { readonly kind: 'rerun'; readonly of: RunChoice; readonly classes?: readonly RerunClass[] };

/** A session that is about to start. */
export interface NewSession {
  readonly runId: string;
  readonly description: RunDescription;
  /** Is the task selected by the command itself? Default: all are. */
  readonly selected?: (path: string) => boolean;
}

/** What the memory needs of the rest of a suite. */
export interface MemoryContext {
  readonly onWarning: (warning: Problem) => void;
  /** Warns of what a run leaves behind and could not be written. */
  readonly notKept: (what: string, error: unknown) => void;
  /** Reporters read where all tasks were made, so that this can be recorded. */
  readonly locations?: boolean;
  /** The file with all output of an attempt, relative to the root of the suite. */
  readonly outputFileOf?: SessionOptions['outputFileOf'];
}

/** The runs of one suite. */
export class SuiteMemory {
  /** Absolute path of its state directory. */
  readonly directory: string;
  /** Are its runs recorded? */
  readonly isOn: boolean;
  /** Are they recorded on the disk? */
  readonly isDurable: boolean;
  /** Recording has failed in a run that requires it. */
  hasFailed = false;
  readonly #durability: SessionOptions['durability'];
  readonly #isRequired: boolean;
  readonly #loaded: LoadedConfig;
  readonly #onWarning: MemoryContext['onWarning'];
  readonly #notKept: MemoryContext['notKept'];
  readonly #locations: boolean;
  readonly #outputFileOf: MemoryContext['outputFileOf'];
  #digester: TaskDigester | undefined;
  #onFailed: (why: string) => void = () => {};

  constructor(loaded: LoadedConfig, { onWarning, notKept, outputFileOf, locations = false }: MemoryContext) {
    const { config, root } = loaded;
    this.directory = stateDirectoryOf(root, config.stateDir);
    this.isOn = config.journal ?? true;
    this.#durability = config.durability;
    this.isDurable = this.isOn && config.durability !== 'memory';
    this.#isRequired = config.requireJournal ?? false;
    this.#loaded = loaded;
    this.#onWarning = onWarning;
    this.#notKept = notKept;
    this.#locations = locations;
    this.#outputFileOf = outputFileOf;
  }

  /** Of all runs of the suite in this process, since it knows what was loaded. */
  get digester(): TaskDigester {
    this.#digester ??= suiteDigester(this.#loaded, this.directory);
    return this.#digester;
  }

  /** Calls the listener, instead of the one before, when recording fails in a run that requires it. */
  onFailed(listener: (why: string) => void): void {
    this.#onFailed = listener;
  }

  /**
   * Starts to record a new run; undefined where runs are not recorded, or this one cannot be.
   * @throws PexenError where it has to be recorded, and cannot be
   */
  async start(session: NewSession): Promise<RecordedRun | undefined> {
    if (!this.isOn) return undefined;
    try {
      return await startRun({ ...this.#options(), ...session });
    } catch (error) {
      if (this.#isRequired) throw error;
      this.#notKept('the run is not recorded and cannot be resumed', error);
      return undefined;
    }
  }

  /**
   * Continues a run.
   * @throws PexenError where there is no such run, it has ended, or another process has it
   */
  async resume(run: RunChoice): Promise<RecordedRun> {
    this.#refuseWithoutJournal();
    return await resumeRun({ ...this.#options(), run });
  }

  /**
   * Starts a run that repeats a part of another one.
   * @throws PexenError as `resume` does
   */
  async rerun(
    of: string,
    classes: readonly RerunClass[] | undefined,
    session: NewSession,
  ): Promise<RecordedRun> {
    return await rerun({ ...this.#options(), ...session, of, ...(classes !== undefined && { classes }) });
  }

  /**
   * What the repetition of a run would do. Nothing is locked or written.
   * @throws PexenError where there is no such run
   */
  preview(repetition: Repetition, selected?: (path: string) => boolean): RunPreview {
    this.#refuseWithoutJournal();
    const { kind } = repetition;
    return previewRun({
      ...{ stateDirectory: this.directory, digester: this.digester },
      ...(selected !== undefined && { selected }),
      ...(kind === 'resume'
        ? { run: repetition.run }
        : { run: repetition.of, classes: repetition.classes ?? defaultRerunClasses }),
    });
  }

  /** The last run, if it was interrupted. */
  interrupted(): RunSummary | undefined {
    if (!this.isDurable) return undefined;
    try {
      const last = findRun(this.directory, 'latest');
      return last.state === 'resumable' ? last : undefined;
    } catch {
      return undefined; // There is none.
    }
  }

  #options(): SessionOptions {
    return {
      ...{ stateDirectory: this.directory, digester: this.digester, argv: process.argv.slice(2) },
      secrets: secretPatterns(this.#loaded.config.secrets ?? [], process.env),
      locations: this.#locations,
      ...(this.#durability !== undefined && { durability: this.#durability }),
      ...(this.#outputFileOf !== undefined && { outputFileOf: this.#outputFileOf }),
      onWarning: this.#onWarning,
      endStrays: (runIds) => this.#endStrays(runIds),
      onRecordingFailed: ({ message }) => {
        if (!this.#isRequired) return;
        this.hasFailed = true;
        this.#onFailed(message);
      },
    };
  }

  /** Ends what earlier sessions of these runs left running, and warns of what cannot be ended. */
  async #endStrays(runIds: readonly string[]): Promise<number> {
    const { ended, left } = await endStrays(runIds);
    if (left.length > 0) this.#onWarning(straysLeft(left));
    return ended;
  }

  /** @throws PexenError PEXEN_BAD_OPTION */
  #refuseWithoutJournal(): void {
    if (this.isDurable) return;
    const message = 'a run that is not recorded cannot be resumed or repeated in part';
    const hint = 'Leave out --no-journal, or journal: false and durability: memory of the configuration.';
    throw new PexenError([{ code: 'PEXEN_BAD_OPTION', message, hint }]);
  }
}

function straysLeft(pids: readonly number[]): Problem {
  return {
    code: 'PEXEN_STRAYS_LEFT',
    message: `processes of an earlier session cannot be ended: ${pids.join(', ')}`,
    hint: 'They may still use what their tests had claimed. End them, and start again.',
  };
}
