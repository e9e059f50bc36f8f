/** A disk that fails, for tests: a library that is preloaded into a process makes calls on files below a folder fail. See `failing-disk.c`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What fails: writing, also truncating; synchronizing; opening, also renaming, making and removing. */
export type FailingCall = 'write' | 'sync' | 'open';

export interface Fault {
  readonly call: FailingCall;
  readonly errno: number;
  /** The first call of that kind that fails, from 1. */
  readonly from: number;
  /** How many fail; 0: each one from then on. */
  readonly count: number;
}

/** The numbers of errors of the operating system. */
export const errors: Readonly<Record<string, number>> = { ENOSPC: 28, EIO: 5, EROFS: 30 };

const source = fileURLToPath(new URL('failing-disk.c', import.meta.url));

/** Builds the library in the folder. Returns undefined where this is not Linux or there is no compiler. */
export function buildLibrary(folder: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const library = join(folder, 'failing-disk.so');
  const { status } = spawnSync('cc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  return status === 0 ? library : undefined;
}

/** The fault as the library reads it. */
export function faultText({ call, errno, from, count }: Fault, folder: string): string {
  return `${call}:${errno}:${from}:${count}:${folder}`;
}

/** The variables with which a process uses the library. */
export function libraryVariables(library: string): Record<string, string> {
  // An asynchronous synchronization is then a call of the library, too.
  return { LD_PRELOAD: library, UV_USE_IO_URING: '0' };
}
