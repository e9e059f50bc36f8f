/** A kind of file, and what is made of the files of that kind. Further kinds fit in here without a change elsewhere. */
import type { PlacedTask } from '@pexen/core';
import type { FoundFile } from './walk.ts';
import type { Workshop } from './workshop.ts';

/** A task, and the file it comes from. */
export interface Made {
  readonly file: FoundFile;
  readonly task: PlacedTask;
}

/** What a walk knows besides the files. */
export interface Surroundings {
  /** Path of a file → path of its side file. */
  readonly sideFiles: ReadonlyMap<string, string>;
}

/** Makes tasks of the files it takes. May remember things for as long as one walk lasts. */
export interface FileKind {
  /** For messages: `executables`. */
  readonly name: string;
  /** Is the file of this kind? Asked once for every file; the first kind that says yes gets it. */
  takes(file: FoundFile, surroundings: Surroundings): boolean;
  /** The tasks in the files it took, in the order of the files. Problems are told to the workshop. */
  make(files: readonly FoundFile[], surroundings: Surroundings): AsyncIterable<Made> | Iterable<Made>;
  /** Why nothing was found, where there is more to say than that: a way out. */
  hint?(all: readonly FoundFile[]): string | undefined;
}

/** Makes the kinds for one walk. */
export type FileKinds = (workshop: Workshop) => readonly FileKind[];
