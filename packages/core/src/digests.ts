/**
 * Says whether a task is the same as in another run: four digests of what it means, what it runs, what it reads and what it may take. Only the
 * types are here; `@pexen/store` computes digests.
 */
import type { Address } from './address.ts';
import type { LoadedModules } from './loaded-modules.ts';
import type { TaskDefinition } from './task.ts';

/** 32 hexadecimal digits (128 bits of SHA-256), or `unknown`. */
export type Digest = string;

/** The digest of what cannot be told. It equals no digest, and not itself: ask `sameDigest`. */
export const unknownDigest: Digest = 'unknown';

/** True for digests of the same content. */
export function sameDigest(one: Digest, other: Digest): boolean {
  return one === other && one !== unknownDigest;
}

/** The digests of a task. */
export interface TaskDigests {
  /**
   * What it requires, provides, salvages and tears down, its args, what makes its exit code or its output an outcome, and the text of its cleanup.
   */
  readonly meaning: Digest;
  /** The files that its body consists of, as far as they are known. */
  readonly code: Digest;
  /** The files that its `inputs` match, the variables of `digestEnv`, and the entries of `shared` that every task begins with. */
  readonly data: Digest;
  /** Its timeout, idle timeout, grace and retries. */
  readonly limits: Digest;
}

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
