/**
 * What a run of a suite leaves in `.pexen` for its user and for later runs: the output of its attempts in files, and the result of each task. A
 * read-only checkout or a full disk does not fail the run: it is warned of once.
 */

import { join } from 'node:path';
import {
  type Clock,
  messageOf,
  type Problem,
  type Result,
  type RunEvent,
  type TaskUpdateEvent,
} from '@pexen/core';
import type { LongOutput } from '@pexen/pool-process';
import { KeptOutput } from './kept-output.ts';
import { openRunFolder, outputFolderOf } from './run-folder.ts';
import { makeStateDirectory, stateDirectoryName } from './state-directory.ts';
import { HistoryRecorder, type RunFactsToKeep } from './suite-history.ts';

/** Of one suite, for all its rounds, one after the other. */
export class SuiteState {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #onWarning: (warning: Problem) => void;
  /** Of the round that runs. */
  #output: KeptOutput | undefined;
  #history: HistoryRecorder;
  #hasWarned = false;

  constructor(root: string, clock: Clock, onWarning: (warning: Problem) => void) {
    this.#root = root;
    this.#clock = clock;
    this.#onWarning = onWarning;
    this.#history = this.#newHistory();
  }

  /** Keeps the output of a round in its folder, until the returned function is called. */
  openRound(runId: string): () => Promise<void> {
    const warn = (error: unknown): void =>
      this.#warn(`the output of the tests is not kept in files: ${messageOf(error)}`);
    this.#output = undefined;
    this.#history = this.#newHistory();
    try {
      const close = openRunFolder(this.#root, runId);
      const output = new KeptOutput({
        ...{ root: this.#root, folder: outputFolderOf(runId), clock: this.#clock },
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
    this.#history.event(event);
    return this.#output?.event(event) ?? event;
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
    this.#history.result(result, isOfParent);
  }

  /** Adds the round to the history. */
  keepResults(facts: RunFactsToKeep): void {
    try {
      makeStateDirectory(this.#root);
      this.#history.end(facts, (warning) => {
        if (warning.code !== 'PEXEN_HISTORY_NEWER') this.#onWarning(warning);
      });
    } catch (error) {
      this.#warn(`the results are not kept for later runs: ${messageOf(error)}`);
    }
  }

  #newHistory(): HistoryRecorder {
    return new HistoryRecorder(join(this.#root, stateDirectoryName));
  }

  #warn(message: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#onWarning({
      code: 'PEXEN_STATE_NOT_KEPT',
      message,
      hint: `Make the folder ${stateDirectoryName} beside the configuration writable, and make room on its disk.`,
    });
  }
}
