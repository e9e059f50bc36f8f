/**
 * A small process that outlives us: when we die, however suddenly, it kills whoever carries our cookies and removes our
 * folder. It needs nothing told while tasks run, so it costs nothing then; it waits in a read that ends with us.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cookieVariable } from './cookie.ts';
import { hasProc } from './proc.ts';

/** `$1`: the cookie of the pool. `$2`: the folder. */
const script = `
trap '' INT TERM HUP QUIT
read -r word
for round in 1 2 3 4 5 6 7 8 9 10; do
  found=$(grep -lsF "${cookieVariable}=$1/" /proc/[0-9]*/environ)
  [ -z "$found" ] && break
  for file in $found; do
    pid=\${file#/proc/}
    kill -KILL "\${pid%/environ}"
  done
done
rm -rf "$2"
`;

export class Watchdog {
  readonly #process: ChildProcess;
  readonly #isGone: Promise<void>;

  /** Where the system has no /proc (or no sh) it does less, or nothing. */
  constructor(cookie: string, folder: string) {
    const argv = ['-c', script, 'pexen-watchdog', hasProc() ? cookie : '\\0', folder];
    const { [cookieVariable]: _, ...env } = process.env;
    this.#process = spawn('/bin/sh', argv, {
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

  /** Sends it home; nothing is killed. */
  async dismiss(): Promise<void> {
    this.#process.ref();
    this.#process.kill('SIGKILL');
    await this.#isGone;
  }
}
