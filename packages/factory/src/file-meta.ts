/** What a file can say of itself, in a header or beside it. Knows not how it is read: see read-file-meta.ts. */
import type { Problem, TaskMeta } from '@pexen/core';

/** How a program is started, as its file says. */
export interface ProgramEntries {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Relative to the file's directory. */
  readonly cwd?: string;
  readonly tap?: boolean | 'perl';
}

/** What a file says of itself. */
export interface FileMeta {
  readonly meta: TaskMeta;
  readonly program: ProgramEntries;
  readonly problems: readonly Problem[];
}

/** What a file says that says nothing. */
export const noFileMeta: FileMeta = { meta: {}, program: {}, problems: [] };

/** Longer metadata is refused, characters. */
export const longestMeta = 65_536;
