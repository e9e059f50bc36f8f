/** The disk, as factories see it: three questions, so that tests can give other answers. Knows nothing of tasks. */
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

/** What the factories ask of the disk. Each throws an error with a `code`, as `node:fs` does. */
export interface Files {
  /** What is in a directory, in no particular order. Links are not followed. */
  list(dir: string): readonly Listed[];
  /** What is at a path, links followed. */
  look(path: string): Looked;
  /** The first bytes of a regular file; never waits for a pipe or a device. */
  head(path: string, bytes: number): Buffer;
}

/** One name in a directory. */
export interface Listed {
  /** The very bytes of the name, which need not be text. */
  readonly name: Buffer;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
}

/** A file or directory. */
export interface Looked {
  readonly kind: 'file' | 'directory' | 'other';
  /** Permissions, as of `stat`. */
  readonly mode: number;
  /** The owner's number. */
  readonly uid: number;
  /** The same for every path that leads here, different for everything else. */
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

/** The system's name of an error: `ENOENT`. */
export function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | null)?.code ?? error);
}

function kindOf(entry: Pick<Dirent, 'isFile' | 'isDirectory'>): Looked['kind'] {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'directory' : 'other';
}

/** A pipe that took the file's place meanwhile must not make us wait: hence O_NONBLOCK, and a second look. */
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
