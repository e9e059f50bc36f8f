/** The disk, as far as digests need it. A seam: tests put a scripted one in its place. */
import { createHash } from 'node:crypto';
import { closeSync, globSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileStamp } from '@pexen/core';

/** What digests ask of a disk. Paths are absolute. */
export interface Files {
  /** Changes whenever the file does; `''` where there is no such file, or it is a directory or a device. */
  stamp(path: string): string;
  /** The digest of its content. @throws where it cannot be read. */
  digest(path: string): string;
  /** The beginning of it, as text. @throws where it cannot be read. */
  head(path: string, bytes: number): string;
  /** All of it, as text. @throws where it cannot be read. */
  text(path: string): string;
  /** Without symbolic links. @throws where there is none. */
  real(path: string): string;
  /** Absolute paths of the files below `root` that a glob pattern matches; those below a directory that it matches. Sorted. */
  match(pattern: string, root: string): readonly string[];
}

/** Nobody means these by `**`. */
const leftOut: ReadonlySet<string> = new Set(['node_modules', '.git', '.pexen']);

const chunkBytes = 1 << 20;

/** The disk itself. */
export const disk: Files = {
  stamp(path) {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found?.isFile() === true ? fileStamp(found) : '';
  },
  digest(path) {
    const hash = createHash('sha256');
    eachChunk(path, (chunk) => hash.update(chunk));
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

function eachChunk(path: string, take: (chunk: Uint8Array) => void): void {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      take(buffer.subarray(0, read));
  } finally {
    closeSync(file);
  }
}
