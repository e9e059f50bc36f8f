/**
 * A small process that outlives this one: when this process dies, however suddenly, it starts the program that kills the processes which still carry
 * the pool's markers and removes the pool's folder. It costs nothing while tasks run: it waits in a read that ends with this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { conditions, ownProgram } from './child-connection.ts';
import { ownStartTicks } from './platform.ts';
import { markerVariable } from './process-markers.ts';

/** `$1`: the folder. The rest is the command line of the program. */
const script = `
trap '' INT TERM HUP QUIT
read -r word
folder=$1
shift
"$@" || rm -rf "$folder"
`;

export class OrphanReaper {
  readonly #process: ChildProcess;
  readonly #isGone: Promise<void>;

  /** Where the system has no sh, it does nothing; without /proc it only removes the folder. */
  constructor(marker: string, folder: string) {
    const { command, argv } = ownProgram(import.meta.resolve('@pexen/pool-process/reaper'), conditions());
    const program = [command, ...argv, marker, folder, String(ownStartTicks() ?? '')];
    const { [markerVariable]: _, NODE_OPTIONS: __, ...env } = process.env;
    this.#process = spawn('/bin/sh', ['-c', script, 'pexen-reaper', folder, ...program], {
      detached: true,
      cwd: '/',
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#isGone = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', () => resolve());
    });
    this.#process.stdin?.once('error', () => {});
    this.#process.unref();
    (this.#process.stdin as { unref?: () => void } | null)?.unref?.();
  }

  /** Ends it; nothing is killed. */
  async dismiss(): Promise<void> {
    this.#process.ref();
    this.#process.kill('SIGKILL');
    await this.#isGone;
  }
}
