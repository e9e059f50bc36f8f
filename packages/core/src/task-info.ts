/** A task as plain data, for events, lists and graphs: every name in it is a text that means the same in every process. */
import type { TaskDigests } from './digests.ts';
import type { SourceLocation } from './source-location.ts';
import type { NameKind } from './task.ts';

/** The names from the root of the tree to the task; the task's own name is last. */
export type CallPath = readonly string[];

/** `sys/net/ping`. A `/` or `\` inside a part is escaped by `\`, so that different paths never have the same text. */
export function formatCallPath(path: CallPath): string {
  return path.map((part) => (/[\\/]/.test(part) ? part.replaceAll(/[\\/]/g, '\\$&') : part)).join('/');
}

/** What is known about a task before it runs. Lists that would be empty are absent. */
export interface TaskInfo {
  /** Its number in the run, from 0, in the order of declaration. */
  readonly id: number;
  /** The call path as text: the task's identity across runs, where `recallable`. */
  readonly path: string;
  readonly callPath: readonly string[];
  readonly nameKind: NameKind;
  /** False where the path may belong to another task in the next run, since neither the metadata nor an export or a file names the task. */
  readonly recallable: boolean;
  /** Where it was made; for a plain function without an export: where it was added. `file` is relative to the root of the run. */
  readonly location?: SourceLocation;
  readonly requires?: readonly RequirementInfo[];
  /** Capabilities that it provides besides itself (`task:` and its path). */
  readonly provides?: readonly string[];
  readonly after?: readonly string[];
  readonly before?: readonly string[];
  readonly salvages?: readonly string[];
  readonly tearsDown?: readonly string[];
  readonly uses?: readonly UseInfo[];
  /** Resources, as in `uses`. */
  readonly claims?: readonly string[];
  /** It runs alone. */
  readonly exclusive?: true;
  /** The group of its metadata. */
  readonly group?: string;
  /** The pool of its metadata. */
  readonly pool?: string;
  /** The nodes on which it may run: its expression; `a function` where that is one. */
  readonly on?: string;
  /** It runs once on each node. */
  readonly perNode?: true;
  /** It is the execution on this node of the task `of`, which is `perNode`. */
  readonly node?: {
    readonly name: string;
    readonly of: string;
    /** The boot of the node: another one is set up again. */
    readonly bootMark?: string;
  };
  readonly tags?: readonly string[];
  /** May it start again after its worker was lost? */
  readonly rerunnable: boolean;
  /** How many attempts may follow the first; absent if none. */
  readonly retries?: number;
  /** Until when its values and effects last: absent for the end of the run. */
  readonly scope?: 'boot' | 'process';
  readonly hasCleanup?: true;
  /** It goes on while others need what it provides. */
  readonly service?: true;
  /** Its body may ask for a reboot of the machine. */
  readonly mayReboot?: true;
  /** Why it does not apply, by its `when`; absent if it does. */
  readonly whyNot?: string;
  /** Absent if it is 0. */
  readonly priority?: number;
  /** Expected duration, ms; absent if it was never measured. */
  readonly weightMs?: number;
  readonly slowAfterMs?: number;
  /** A longer duration is unusual, by those of earlier runs, ms; absent where too little is known. */
  readonly unusualAfterMs?: number;
  /** They identify the same task in other runs; present where the run has a digester. */
  readonly digests?: TaskDigests;
}

/**
 * One entry of `requires`. Its capabilities are names: a string is itself, a key `key:` and its name, a task `task:` and its path, any
 * other object `object:` and its description. A string that begins with one of these prefixes, or with a backslash, gets a backslash
 * before it. Two capabilities of a run therefore never have the same name: further keys or objects of the same name get `#2`, `#3` …
 */
export interface RequirementInfo {
  /** `one`: a single capability, without `anyOf`, `every` or `atLeast`. */
  readonly form: 'one' | 'any-of' | 'every' | 'at-least';
  readonly capabilities: readonly string[];
  /** How many providers must end well; only for `at-least`. */
  readonly count?: number;
}

/** One entry of `uses`. */
export interface UseInfo {
  /** As users write it: `/srv/db`, `memory-mb`. Different spellings of a resource have the same name. */
  readonly resource: string;
  /** How many units of its capacity; absent where it is shared without an amount. */
  readonly count?: number;
}
