/** What a run asks of those who work digests out. */
import type { Address } from './address.ts';
import type { Digest, TaskDigests } from './digests.ts';
import type { LoadedModules } from './loaded-modules.ts';
import type { TaskDefinition } from './task.ts';

/** A task, as far as its digests depend on it. */
export interface DigestedTask {
  readonly definition: TaskDefinition;
  /** Where a worker finds its body. Absent: what `addressOf` says. */
  readonly address?: Address | undefined;
  /** What holds for its attempts, with the defaults of the run; times are milliseconds. */
  readonly limits: object;
  /** The call paths of the tasks that are meant by this object: none for what is no task. */
  pathsOf(object: object): readonly string[];
}

/** Works digests out for a run. Its methods return at once and never throw. */
export interface Digester {
  /** A worker has loaded these modules since its last attempt. */
  loaded(modules: LoadedModules): void;
  /** The digests of a task that is being added, by what is known then. */
  digestsOf(task: DigestedTask): TaskDigests;
  /** The code of a task whose attempt has ended: with what was imported meanwhile. */
  codeOf(task: DigestedTask): Digest;
}
