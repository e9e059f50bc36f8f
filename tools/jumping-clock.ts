/** A time of day that jumps, for tests: a library that is preloaded into a process moves the clock that it sees. See `jumping-clock.c`. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('jumping-clock.c', import.meta.url));

export class JumpingClock {
  /** The variables with which a process sees it. */
  readonly variables: Readonly<Record<string, string>>;
  readonly #file: string;

  private constructor(library: string, file: string) {
    this.#file = file;
    this.variables = { LD_PRELOAD: library, PEXEN_CLOCK: file };
  }

  /** Built in the folder; `undefined` where this is not Linux or there is no compiler. It shows the true time at first. */
  static in(folder: string): JumpingClock | undefined {
    if (process.platform !== 'linux') return undefined;
    const library = join(folder, 'jumping-clock.so');
    const { status } = spawnSync('cc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);
    if (status !== 0) return undefined;
    const file = join(folder, 'clock');
    writeFileSync(file, Buffer.alloc(8));
    return new JumpingClock(library, file);
  }

  /** From now on it is so many seconds fast. Processes have the file in their memory: it must stay the same one. */
  set(seconds: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    const file = openSync(this.#file, 'r+');
    writeSync(file, bytes, 0, 8, 0);
    closeSync(file);
  }
}
