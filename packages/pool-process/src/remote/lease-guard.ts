/**
 * A small process that ends what a remote slot runs when its lease is over, even if the agent itself cannot: it was stopped, or is too busy. It is in a
 * session of its own, so that what stops the agent does not stop it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { conditions, ownProgram } from '../child-connection.ts';
import { markerVariable } from '../process-markers.ts';

export class LeaseGuard {
  #process: ChildProcess | undefined;
  #line = '';
  #isClosed = false;

  constructor() {
    this.#start();
  }

  /** Kills the processes with this marker in so many milliseconds, unless it is called again before that. */
  renew(marker: string, ms: number): void {
    this.#send(`${Math.max(0, Math.ceil(ms))} ${marker}\n`);
  }

  /** Kills nothing from now on. */
  dismiss(): void {
    if (this.#line !== dismissal) this.#send(dismissal);
  }

  /** Ends the process. */
  close(): void {
    this.#isClosed = true;
    this.#process?.stdin?.end();
  }

  #send(line: string): void {
    this.#line = line;
    this.#process?.stdin?.write(line);
  }

  /** One that was killed is replaced. */
  #start(): void {
    if (this.#isClosed) return;
    const { command, argv } = ownProgram(
      import.meta.resolve('@pexen/pool-process/lease-guard'),
      conditions(),
    );
    const { [markerVariable]: _, NODE_OPTIONS: __, ...env } = process.env;
    const child = spawn(command, argv, {
      detached: true,
      cwd: '/',
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#process = child;
    child.once('exit', () => this.#start());
    child.once('error', () => {}); // There is no room for a process: the agent alone has to see to it.
    child.stdin?.once('error', () => {});
    child.stdin?.write(this.#line);
    child.unref();
    (child.stdin as { unref?: () => void } | null)?.unref?.();
  }
}

const dismissal = '0\n';
