/** What the history knows of runs: one row for each run, and one for each task that ended in it. */
import type { ResultStatus, Verdict } from '@pexen/core';
import type { MachineKind } from './machine.ts';

/** A run, as the history keeps it. Times are milliseconds; `startedAtMs` counts from 1970. */
export interface HistoryRun {
  readonly id: string;
  /** The run that this one repeats in part. */
  readonly parent?: string | undefined;
  /** `2/3`, if it ran only this part of the suite. */
  readonly shard?: string | undefined;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly machine: MachineKind;
  readonly workers?: number | undefined;
  /** Absent: the command was killed. */
  readonly exitCode?: number | undefined;
  /** Were all tasks of the suite in it, and did it run to its end? Tasks that are not in it have then left the suite. */
  readonly isWhole: boolean;
}

/** How a task ended in a run. */
export interface TaskSample {
  readonly path: string;
  readonly verdict: Verdict;
  /** The status of its result. */
  readonly outcome: ResultStatus;
  readonly attempts: number;
  /** The duration of its last attempt, ms; of one that timed out, its limit. Absent: it never started. */
  readonly ranMs?: number | undefined;
  /** How long all its attempts took together, ms, where that is not `ranMs`. */
  readonly tookMs?: number | undefined;
  /** Equal for equal code, inputs and meaning; absent where they are not known. */
  readonly digest?: string | undefined;
}

/** A sample with its run. */
export interface SampleOfRun extends TaskSample {
  readonly run: string;
  readonly startedAtMs: number;
  readonly machine: MachineKind;
}
