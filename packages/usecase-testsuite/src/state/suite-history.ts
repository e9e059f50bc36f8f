/**
 * The history of a suite, in its state directory: what earlier runs let expect of its tasks, how each ended when it ran last, and what a run adds.
 * Where it cannot be read, nothing is known.
 */
import { join } from 'node:path';
import type { ExpectedDuration, Problem, Result, RunEvent } from '@pexen/core';
import {
  digestOfTask,
  History,
  type HistoryLimits,
  type TaskSample,
  takeRecordedRuns,
  thisMachine,
} from '@pexen/store';
import type { LastResult } from '../query/select-tasks.ts';

const fileName = 'history.db';

/** The history of the suite with this state directory. */
export function historyIn(directory: string, onWarning?: (warning: Problem) => void): History {
  return new History({ file: join(directory, fileName), onWarning });
}

/** What is expected of each task on this machine, for the option `weights` of a plan. */
export function expectedDurations(
  directory: string,
  onWarning: (warning: Problem) => void,
): (path: string) => ExpectedDuration | undefined {
  const expectations = historyIn(directory, onWarning).expectations();
  return (path) => expectations.of(path);
}

/** By call path: how each task ended when it ran last, in the order of the runs. */
export function readLastResults(directory: string): ReadonlyMap<string, LastResult> {
  const latest = historyIn(directory).latestSamples();
  return new Map(
    latest.map(({ path, verdict, ranMs = 0, tookMs = ranMs }) => [path, { verdict, durationMs: tookMs }]),
  );
}

/**
 * Adds runs whose commands were killed before they could do so, from their journals.
 * @throws what SQLite and the file system throw
 */
export function takeKilledRuns(directory: string): void {
  takeRecordedRuns(historyIn(directory), directory);
}

/** How a run ended, as far as its events do not say so. */
export interface RunFactsToKeep {
  readonly exitCode: number;
  readonly durationMs: number;
  readonly workers: number;
  /** The run that it repeats in part, whose results it took over. */
  readonly parent?: string | undefined;
  /** `2/3`, if it ran only this part of the suite. */
  readonly shard?: string | undefined;
  /** Were all tasks of the suite in it? */
  readonly isWhole: boolean;
  /** Was it stopped before its end? */
  readonly wasStopped: boolean;
}

/** Collects what one run says, and adds it to the history at the end. */
export class HistoryRecorder {
  readonly #directory: string;
  readonly #limits: HistoryLimits;
  readonly #samples: TaskSample[] = [];
  readonly #digests = new Map<string, string>();
  #id = '';
  #startedAt = 0;

  constructor(directory: string, limits: HistoryLimits) {
    this.#directory = directory;
    this.#limits = limits;
  }

  event(event: RunEvent): void {
    if (event.type === 'run-started') {
      this.#id = event.id;
      this.#startedAt = event.startedAt;
    } else if (event.type === 'tasks-added') {
      for (const { path, digests } of event.tasks) {
        const digest = digests && digestOfTask(digests);
        if (digest !== undefined) this.#digests.set(path, digest);
      }
    }
  }

  /** `isOfParent`: the result was taken over from another run, whose history has it. */
  result(result: Result, isOfParent: boolean): void {
    const sample = isOfParent ? undefined : sampleOf(result, this.#digests.get(result.path));
    if (sample !== undefined) this.#samples.push(sample);
  }

  /**
   * Adds the run. Of one that was stopped only the tasks that ran count: the others keep the results that they had.
   * @throws what SQLite and the file system throw
   */
  end(
    { wasStopped, isWhole, parent, ...facts }: RunFactsToKeep,
    onWarning: (warning: Problem) => void,
  ): void {
    const samples = wasStopped ? this.#samples.filter(hasRun) : this.#samples;
    historyIn(this.#directory, onWarning).record(
      {
        ...{ id: this.#id, startedAtMs: this.#startedAt, machine: thisMachine() },
        ...{ ...facts, parent, isWhole: isWhole && !wasStopped && parent === undefined },
      },
      samples,
      this.#limits,
    );
  }
}

function hasRun({ attempts, verdict }: TaskSample): boolean {
  return attempts > 0 && verdict !== 'cancelled';
}

function sampleOf(result: Result, digest: string | undefined): TaskSample | undefined {
  const { path, judgement, status, attempts } = result;
  if (judgement === undefined) return undefined;
  const durations = attempts.map(countedMs);
  const ranMs = durations.at(-1);
  const tookMs = durations.reduce((sum, each) => sum + each, 0);
  return {
    ...{ path, verdict: judgement.verdict, outcome: status, attempts: attempts.length, digest },
    ...(ranMs !== undefined && { ranMs: rounded(ranMs) }),
    ...(ranMs !== undefined && rounded(tookMs) !== rounded(ranMs) && { tookMs: rounded(tookMs) }),
  };
}

/** Of a service, the time to its readiness counts: how long it was up depends on others. */
function countedMs({ durationMs, readyAfterMs = durationMs }: Result['attempts'][number]): number {
  return readyAfterMs;
}

/** To microseconds: more is noise. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
