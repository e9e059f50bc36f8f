/**
 * Says whether a task is the same as in another run: four digests of what it means, what it runs, what it reads and what it may take. Only the
 * types are here; `@pexen/store` computes digests.
 */
import type { Address } from './address.ts';
import type { LoadedModules } from './loaded-modules.ts';
import type { TaskDefinition } from './task.ts';

/** 32 hexadecimal digits (128 bits of SHA-256), or `unknown`. */
export type Digest = string;

/** The digest where the content is unknown. It never equals another digest, not even itself: compare with `sameDigest`. */
export const unknownDigest: Digest = 'unknown';

/** True for digests of the same content. */
export function sameDigest(one: Digest, other: Digest): boolean {
  return one === other && one !== unknownDigest;
}

/** The digests of a task. */
export interface TaskDigests {
  /**
   * What it requires, provides, salvages and tears down, its args, how its exit code and output become an outcome, and the text of its cleanup.
   */
  readonly meaning: Digest;
  /** The files that its body consists of, as far as they are known. */
  readonly code: Digest;
  /** The files that its `inputs` match, the variables of `digestEnv`, and the entries of `shared` that every task starts with. */
  readonly data: Digest;
  /** Its timeout, idle timeout, grace and retries. */
  readonly limits: Digest;
}

/** A task, as far as its digests depend on it. */
export interface DigestedTask {
  readonly definition: TaskDefinition;
  /** Where a worker finds its body. Absent: the result of `addressOf`. */
  readonly address?: Address | undefined;
  /** The limits of its attempts, with the defaults of the run applied; times are milliseconds. */
  readonly limits: object;
  /** The call paths of the tasks that this object stands for; empty if it is not a task. */
  pathsOf(object: object): readonly string[];
}

/** Computes digests for a run. Its methods are synchronous and never throw. */
export interface Digester {
  /** Adds the modules that a worker has loaded since its last attempt. */
  loaded(modules: LoadedModules): void;
  /** The digests of a task that is being added, from what is known at that time. */
  digestsOf(task: DigestedTask): TaskDigests;
  /** The digest of the code of a task whose attempt has ended, including what it imported meanwhile. */
  codeOf(task: DigestedTask): Digest;
}

/** The files of which the code of a task consists, as they were loaded here. */
export interface CodeFiles {
  /** The same for the same files with the same content. */
  readonly digest: Digest;
  /** Names relative to the root, with `/`, and the digest of the content: the first 32 hexadecimal digits of its SHA-256. A package counts by its `package.json`. */
  readonly files: readonly (readonly [name: string, digest: Digest])[];
}

/** Knows which code tasks have here, for pools whose workers have files of their own. Its methods never throw. */
export interface CodeSource {
  /** Absolute path of the directory to which names are relative. */
  readonly root: string;
  /** Undefined where it is not known: a file has changed since it was loaded, say. */
  filesOf(task: Pick<DigestedTask, 'definition' | 'address'>): CodeFiles | undefined;
}
