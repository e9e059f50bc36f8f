/**
 * Which files the code of each task consisted of when its result was made, so that a later session can find out whether these have changed. A task
 * may import further files while it runs: its digest then is another one than when it was added, and only the list of files is comparable.
 */
import {
  type Digest,
  type DigestedTask,
  type Digester,
  type LoadedModules,
  sameDigest,
  type TaskDigests,
} from '@pexen/core';
import type { FileSet } from '../identity/file-sets.ts';
import type { FileSetDigester } from './recorded-run.ts';

/** The digester of a run that is recorded: as the one below it, and notes the files. */
export class CodeFiles implements Digester {
  readonly #digester: FileSetDigester;
  readonly #sets = new Map<Digest, FileSet>();

  constructor(digester: FileSetDigester) {
    this.#digester = digester;
  }

  loaded(modules: LoadedModules): void {
    this.#digester.loaded(modules);
  }

  digestsOf(task: DigestedTask): TaskDigests {
    return this.#digester.digestsOf(task);
  }

  codeOf(task: DigestedTask): Digest {
    const code = this.#digester.codeOf(task);
    const set = this.#digester.fileSetOf(task);
    if (set !== undefined) this.#sets.set(code, set);
    return code;
  }

  /** The files that the digest was made of; undefined for programs, and where they are not known. */
  filesOf(code: Digest): FileSet | undefined {
    return this.#sets.get(code);
  }
}

/** The code of a task as it was when its result was made. */
export interface RecordedCode {
  /** When the task was added. */
  readonly added: Digest;
  /** When its result was made. */
  readonly ended: Digest;
  readonly files: FileSet | undefined;
}

/** The present digests of a task, and what changed, in words. */
export interface ComparableDigests {
  readonly digests: TaskDigests;
  readonly difference?: string;
}

/** The present digests of tasks, so that they equal the recorded ones where nothing has changed. */
export class DigestComparer {
  readonly #digester: FileSetDigester | undefined;
  readonly #changed = new Map<FileSet, readonly string[]>();

  constructor(digester: FileSetDigester | undefined) {
    this.#digester = digester;
  }

  /** Where a result was made with further files, the list of these is compared: a module may not have imported them yet. */
  compare(present: TaskDigests, { added, ended, files }: RecordedCode): ComparableDigests {
    if (sameDigest(ended, present.code) || files === undefined) return { digests: present };
    const changed = this.#changedIn(files);
    if (changed === undefined) return { digests: present };
    if (changed.length > 0) return { digests: present, difference: difference(changed) };
    return { digests: sameDigest(added, present.code) ? { ...present, code: ended } : present };
  }

  #changedIn(files: FileSet): readonly string[] | undefined {
    const known = this.#changed.get(files) ?? this.#digester?.changedIn(files);
    if (known !== undefined) this.#changed.set(files, known);
    return known;
  }
}

function difference([first, ...rest]: readonly string[]): string {
  if (rest.length === 0) return `${first} changed`;
  return rest.length === 1
    ? `${first} and ${rest[0]} changed`
    : `${first} and ${rest.length} other files changed`;
}
