/** Frees the room that a part of a file takes on the disk, while others go on writing to it. */
import { execFile } from 'node:child_process';

/** Makes holes in files. */
export interface Punch {
  /** Whether it is worth trying. */
  readonly isPossible: boolean;
  /** Makes that part of the file a hole: it reads as zeros, and the size stays. Happens soon, or never. */
  make(path: string, from: number, to: number): void;
}

/** Node has no call for it, util-linux has a program. If that cannot do it, it is not possible from then on. */
class SystemPunch implements Punch {
  isPossible: boolean = process.platform === 'linux';

  make(path: string, from: number, to: number): void {
    const argv = ['--punch-hole', '--offset', String(from), '--length', String(to - from), path];
    execFile('fallocate', argv, (error) => {
      // A file that is gone meanwhile proves nothing.
      if (error !== null && !error.message.includes('No such file')) this.isPossible = false;
    });
  }
}

/** What there is here. */
export const systemPunch: Punch = new SystemPunch();
