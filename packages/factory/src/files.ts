/** The disk, as factories see it: three operations, so that tests can replace them. Knows nothing of tasks. */
import { Buffer } from 'node:buffer';
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs';

/** The operations that factories need. Each throws an error with a `code`, as `node:fs` does. */
export interface Files {
  /** The entries of a directory, in no particular order. Links are not followed. */
  list(dir: string): readonly Listed[];
  /** The file or directory at a path; links are followed. */
  look(path: string): Looked;
  /** The first bytes of a regular file; never waits for a pipe or a device. */
  head(path: string, bytes: number): Buffer;
}

/** One name in a directory. */
export interface Listed {
  /** The bytes of the name, which may not be valid text. */
  readonly name: Buffer;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
}

/** A file or directory. */
export interface Looked {
  readonly kind: 'file' | 'directory' | 'other';
  /** Permissions, as in `stat`. */
  readonly mode: number;
  /** The user id of the owner. */
  readonly uid: number;
  /** Identifies the file or directory: all paths that lead to it have the same identity. */
  readonly identity: string;
}

/** The real disk. */
export const realFiles: Files = {
  list: (dir) =>
    readdirSync(dir, { withFileTypes: true, encoding: 'buffer' }).map((entry) => ({
      name: entry.name,
      kind: entry.isSymbolicLink() ? 'link' : kindOf(entry),
    })),
  look: (path) => {
    const stat = statSync(path, { bigint: true });
    const { mode, uid, dev, ino } = stat;
    return { kind: kindOf(stat), mode: Number(mode), uid: Number(uid), identity: `${dev}:${ino}` };
  },
  head: readHead,
};

/** The system's code of an error: `ENOENT`. */
export function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | null)?.code ?? error);
}

function kindOf(entry: Pick<Dirent, 'isFile' | 'isDirectory'>): Looked['kind'] {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'directory' : 'other';
}

/** Does not block if a pipe has replaced the file meanwhile: hence O_NONBLOCK, and a second check. */
function readHead(path: string, bytes: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const head = Buffer.alloc(bytes);
    if (!fstatSync(fd).isFile()) return head.subarray(0, 0);
    return head.subarray(0, fill(fd, head));
  } finally {
    closeSync(fd);
  }
}

function fill(fd: number, buffer: Buffer): number {
  let filled = 0;
  while (filled < buffer.length) {
    const got = readSync(fd, buffer, filled, buffer.length - filled, filled);
    if (got === 0) break;
    filled += got;
  }
  return filled;
}
