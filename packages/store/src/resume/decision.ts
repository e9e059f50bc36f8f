/** What decisions are made of, and what they are: plain data. Knows no rule. */
import type { LeftAttempt, RequirementInfo, TaskDigests } from '@pexen/core';
import type { Execution } from './task-record.ts';

/** Until when the values and effects of a task last: the end of the run, of the boot, or of the process. */
export type Scope = 'run' | 'boot' | 'process';

/** A task of the present suite. Capabilities and resources are durable names, as in `TaskInfo`. */
export interface SuiteTask {
  readonly path: string;
  /** False where its place in a list of siblings is part of its name. Default true. */
  readonly recallable?: boolean;
  /** Its present digests; those of code and data from the recorded lists of files. Absent: the run has no digester. */
  readonly digests?: TaskDigests;
  /** What changed, for the reason of the decision: `lib.ts`. */
  readonly difference?: string;
  readonly requires?: readonly RequirementInfo[];
  /** Besides itself. */
  readonly provides?: readonly string[];
  readonly tearsDown?: readonly string[];
  readonly salvages?: readonly string[];
  /** Tasks that it follows without requiring them; those whose `before` names it are among them. */
  readonly after?: readonly string[];
  readonly uses?: readonly string[];
  readonly claims?: readonly string[];
  readonly group?: string;
  readonly rerunnable: boolean;
  /** How many attempts may follow the first. Default 0. */
  readonly retries?: number;
  /** True, or why it does not apply. */
  readonly when: true | string;
  /** By the patterns of this command, otherwise by the selection of the run, with everything that is pulled in. */
  readonly selected: boolean;
  readonly scope: Scope;
  readonly isService?: boolean;
  /** It is executed on each node, by tasks of their own: what it was built on is known of them, not of it. */
  readonly isPerNode?: boolean;
  readonly hasCleanup?: boolean;
}

/** The suite as it is now, and the machine that it runs on. */
export interface PresentSuite {
  readonly tasks: readonly SuiteTask[];
  /** The tasks that earlier sessions executed on nodes, by the paths of these executions. */
  readonly executed?: ReadonlyMap<string, string>;
  /** Identifies the boot of the machine. */
  readonly boot?: string;
  /** So many deaths of the command while an attempt ran make it crash. Default 10. */
  readonly maxInterruptions?: number;
  /** Attempts of earlier sessions that are still in their pools. */
  readonly left?: readonly LeftAttempt[];
  /** The session before the present one. */
  readonly lastSession?: number;
}

/** The results of the parent that a rerun repeats. */
export const rerunClasses = ['failed', 'flaky', 'skipped', 'not-run', 'changed'] as const;

/** One of them. */
export type RerunClass = (typeof rerunClasses)[number];

/** Why decisions are asked for. A dry run is a resume that only shows them. */
export type ResumeMode =
  | { readonly kind: 'resume' | 'dry-run' }
  | { readonly kind: 'rerun'; readonly classes: readonly RerunClass[] };

/**
 * What is done with a task.
 * - `adopt`: its attempt goes on where it is. `run`: it runs. `retry`: its next attempt follows. `again`: an extra execution, for what it provides or tears down.
 * - `decide`: the machine finds out whether it runs, or is skipped as before.
 * - `finish`: it goes on after its last attempt: cleanup, then the result. `crash`: its attempt ends as crashed, after its cleanup; retries
 *   apply. `skip`: it is skipped, after its cleanup. `end`: a service ends well without a start.
 * - `keep`: its result stands. `leave`: it stays without one in this session.
 * - `drop`: it no longer counts. `list`: it is listed as not added again. `reboot`: its request for a reboot is carried out.
 */
export type ResumeAction =
  | 'adopt'
  | 'run'
  | 'retry'
  | 'again'
  | 'decide'
  | 'finish'
  | 'crash'
  | 'skip'
  | 'end'
  | 'keep'
  | 'leave'
  | 'drop'
  | 'list'
  | 'reboot';

/** The decision about one task. */
export interface Decision {
  readonly path: string;
  /** The row of the decision table. */
  readonly row: number;
  readonly action: ResumeAction;
  /** One sentence, to follow the path: `"lib/parse" …`. */
  readonly reason: string;
  /** The execution and the attempt that start, or end as crashed; absent where there is none. */
  readonly execution?: Execution;
  readonly attempt?: number;
  /** The attempt that is adopted. */
  readonly left?: LeftAttempt;
  /** A result is kept that is not one of the present code: it is marked in reports. */
  readonly isStale: boolean;
  /** A result is kept, but what the task provided is gone: for tasks that start in this session it provides nothing. */
  readonly isOver: boolean;
  /** The task is still to be done, unless a later session or a rerun does it. Only of decisions that start nothing. */
  readonly isOutstanding: boolean;
  /** A cleanup is due before anything else. */
  readonly cleansUp: boolean;
  /** Resources whose state is unknown: they count as poisoned in this session. */
  readonly poisons: readonly string[];
}

/** True for actions after which the body of the task may start in this session: an attempt that was adopted may have to be repeated. */
export function starts(action: ResumeAction): boolean {
  if (action === 'adopt') return true;
  return action === 'run' || action === 'retry' || action === 'again' || action === 'decide';
}

/** True where tasks are left for a later session: the run has not ended then, and the command exits with 75. */
export function leavesTasks(decisions: readonly Decision[]): boolean {
  return decisions.some(({ action }) => action === 'leave');
}
