/** The disk, as far as digests need it. Tests replace it with a scripted one. */
import { createHash } from 'node:crypto';
import { closeSync, globSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileStamp } from '@pexen/core';

/** The operations that digests need. Paths are absolute. */
export interface Files {
  /** A text that changes whenever the file changes; `''` where the file does not exist, or is a directory or a device. */
  stamp(path: string): string;
  /** The digest of its content. @throws where it cannot be read. */
  digest(path: string): string;
  /** The beginning of the file, as text. @throws where it cannot be read. */
  head(path: string, bytes: number): string;
  /** The whole file, as text. @throws where it cannot be read. */
  text(path: string): string;
  /** The path with symbolic links resolved. @throws where it does not exist. */
  real(path: string): string;
  /** Absolute paths, sorted, of the files below `root` that a glob pattern matches, and of all files below directories that it matches. */
  match(pattern: string, root: string): readonly string[];
}

/** Not included by `**`. */
const leftOut: ReadonlySet<string> = new Set(['node_modules', '.git', '.pexen']);

/** Shared by all files, one after the other: most of them are small, and a buffer for each would cost more than reading it. */
let chunk: Buffer | undefined;
const chunkBytes = 1 << 18;

/** The real disk. */
export const disk: Files = {
  stamp(path) {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found?.isFile() === true ? fileStamp(found) : '';
  },
  digest(path) {
    const hash = createHash('sha256');
    eachChunk(path, (bytes) => hash.update(bytes));
    return hash.digest('hex').slice(0, 32);
  },
  head(path, bytes) {
    const file = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(bytes);
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, bytes, 0));
    } finally {
      closeSync(file);
    }
  },
  text: (path) => readFileSync(path, 'utf8'),
  real: (path) => realpathSync(path),
  match(pattern, root) {
    const found = globSync([pattern, join(pattern, '**')], {
      cwd: root,
      withFileTypes: true,
      exclude: (entry) => leftOut.has(entry.name),
    });
    const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
    const paths = new Set(found.map(({ parentPath, name }) => join(parentPath, name)));
    return [...paths].filter(isFile).sort();
  },
};

function eachChunk(path: string, take: (bytes: Uint8Array) => void): void {
  const file = openSync(path, 'r');
  try {
    chunk ??= Buffer.allocUnsafe(chunkBytes);
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk))
      take(chunk.subarray(0, read));
  } finally {
    closeSync(file);
  }
}
