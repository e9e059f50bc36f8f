/** The machine, as facts are read from it: files and system calls. Tests have one with scripted content. */
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism, freemem, release, totalmem, type, userInfo } from 'node:os';

/** What facts are read from. Nothing of it throws. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly gid: number;
  readonly cpus: number;
  kernel(): { readonly name: string; readonly release: string };
  /** Bytes; `limit` is that of the container, 0 where it has none. */
  memory(): { readonly total: number; readonly available: number; readonly limit: number };
  /** Empty if the user has no name. */
  userName(): string;
  /** The content of a small file; undefined if it cannot be read. */
  text(path: string): string | undefined;
  exists(path: string): boolean;
  /** Is it a file that this process may execute? */
  isExecutable(path: string): boolean;
  /** Bytes in the file system of an existing path; undefined if they are unknown. */
  room(path: string): { readonly total: number; readonly free: number } | undefined;
}

/** The machine that this process runs on. */
export const thisMachine: Machine = {
  platform: process.platform,
  arch: process.arch,
  get env() {
    return process.env;
  },
  get uid() {
    return process.getuid?.() ?? -1;
  },
  get gid() {
    return process.getgid?.() ?? -1;
  },
  get cpus() {
    return availableParallelism();
  },
  kernel: () => ({ name: type(), release: release() }),
  memory: () => ({ total: totalmem(), available: availableMemory(), limit: process.constrainedMemory() }),
  userName: () => orElse(() => userInfo().username, ''),
  text: (path) => orElse(() => readFileSync(path, 'utf8'), undefined),
  exists: (path) => existsSync(path),
  isExecutable: (path) =>
    orElse(() => {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    }, false),
  room: (path) =>
    orElse(() => {
      const { bsize, blocks, bavail } = statfsSync(path);
      return { total: blocks * bsize, free: bavail * bsize };
    }, undefined),
};

/** Free memory does not count what the kernel uses as a cache; available memory does. */
function availableMemory(): number {
  const [, kibibytes] = /^MemAvailable: +(\d+) kB$/m.exec(thisMachine.text('/proc/meminfo') ?? '') ?? [];
  const available = kibibytes === undefined ? freemem() : Number(kibibytes) * 1024;
  return Math.min(available, process.availableMemory());
}

function orElse<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
