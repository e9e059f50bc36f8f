/**
 * What a run of a suite leaves in `.pexen` for its user and for later runs: the output of its attempts in files, and the result of each task. A
 * read-only checkout or a full disk does not fail the run: it is warned of once.
 */
import { type Clock, messageOf, type Problem, type RunEvent, type TaskUpdateEvent } from '@pexen/core';
import type { LongOutput } from '@pexen/pool-process';
import { KeptOutput } from './kept-output.ts';
import { openRunFolder, outputFolderOf } from './run-folder.ts';
import { type ResultToKeep, stateDirectoryName, writeLastResults } from './state-directory.ts';

/** Of one suite, for all its rounds, one after the other. */
export class SuiteState {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #onWarning: (warning: Problem) => void;
  /** Of the round that runs. */
  #output: KeptOutput | undefined;
  #hasWarned = false;

  constructor(root: string, clock: Clock, onWarning: (warning: Problem) => void) {
    this.#root = root;
    this.#clock = clock;
    this.#onWarning = onWarning;
  }

  /** Keeps the output of a round in its folder, until the returned function is called. */
  openRound(runId: string): () => Promise<void> {
    const warn = (error: unknown): void =>
      this.#warn(`the output of the tests is not kept in files: ${messageOf(error)}`);
    this.#output = undefined;
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
    return this.#output?.event(event) ?? event;
  }

  update(update: TaskUpdateEvent): void {
    this.#output?.update(update);
  }

  /** See `KeptOutput`. Pools ask for it, which are made before the round. */
  leaveToPool(...of: Parameters<KeptOutput['leaveToPool']>): LongOutput | undefined {
    return this.#output?.leaveToPool(...of);
  }

  /** Keeps the results of a round; those of all tasks if it `isWhole`. Where it was stopped, tasks that did not run keep the results that they had. */
  keepResults(
    results: readonly ResultToKeep[],
    how: { readonly isWhole: boolean; readonly wasStopped: boolean },
  ): void {
    const known = how.wasStopped ? results.filter(({ hasRun }) => hasRun) : results;
    try {
      writeLastResults(this.#root, known, how.isWhole && !how.wasStopped);
    } catch (error) {
      this.#warn(`the results are not kept for later runs: ${messageOf(error)}`);
    }
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
