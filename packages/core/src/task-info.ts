/** A task as plain data, for events, lists and graphs: every name in it is a text that means the same in every process. */
import type { TaskDigests } from './digests.ts';
import type { SourceLocation } from './source-location.ts';
import type { NameKind } from './task.ts';

/** The names on the way from the root of the tree to the task, the task's own name last. */
export type CallPath = readonly string[];

/** `sys/net/ping`. A `/` or `\` inside a part is escaped by `\`, so that different paths never read the same. */
export function formatCallPath(path: CallPath): string {
  return path.map((part) => (/[\\/]/.test(part) ? part.replaceAll(/[\\/]/g, '\\$&') : part)).join('/');
}

/** What is known of a task before it runs. Lists that would be empty are absent. */
export interface TaskInfo {
  /** Its number in the run, from 0, in the order of declaration. */
  readonly id: number;
  /** The call path as text: the task's identity across runs, where `recallable`. */
  readonly path: string;
  readonly callPath: readonly string[];
  readonly nameKind: NameKind;
  /** False where the path may stand for another task in the next run: nobody gave a name, and no export or file has one. */
  readonly recallable: boolean;
  /** Where it was made; of a plain function without an export: where it was added. `file` is relative to the root of the run. */
  readonly location?: SourceLocation;
  readonly requires?: readonly RequirementInfo[];
  /** Capabilities that it provides besides itself, which is `task:` and its path. */
  readonly provides?: readonly string[];
  readonly after?: readonly string[];
  readonly before?: readonly string[];
  readonly salvages?: readonly string[];
  readonly tearsDown?: readonly string[];
  readonly uses?: readonly UseInfo[];
  /** Resources, as in `uses`. */
  readonly claims?: readonly string[];
  /** It claims everything. */
  readonly exclusive?: true;
  /** The group of exclusivity that it names. */
  readonly group?: string;
  /** The pool that it names. */
  readonly pool?: string;
  readonly tags?: readonly string[];
  /** May it start again after its worker was lost? */
  readonly rerunnable: boolean;
  /** Absent where it is 0. */
  readonly priority?: number;
  /** Expected duration, ms; absent where it was never measured. */
  readonly weightMs?: number;
  readonly slowAfterMs?: number;
  /** Whether it is the same task as in another run; present where the run has a digester. */
  readonly digests?: TaskDigests;
}

/**
 * One entry of `requires`. Its capabilities are names: a string is itself, a key `key:` and its name, a task `task:` and its path, any
 * other object `object:` and how people read it. A string that begins like one of these, or with a backslash, has a backslash before
 * it. So two capabilities of a run never have the same name; of several keys or objects that would, the later have `#2`, `#3` …
 */
export interface RequirementInfo {
  /** `one`: of a single capability, without `anyOf`, `every` or `atLeast`. */
  readonly form: 'one' | 'any-of' | 'every' | 'at-least';
  readonly capabilities: readonly string[];
  /** How many providers must end well; of `at-least` only. */
  readonly count?: number;
}

/** One entry of `uses`. */
export interface UseInfo {
  /** As users write it: `/srv/db`, `memory-mb`. Different spellings of one resource have one name. */
  readonly resource: string;
  /** How many units of its capacity; absent where it is shared without counting. */
  readonly count?: number;
}
