/**
 * A small process beside the run that ends the run, and all that it has started, when it has lost its locks and does not end in time: also if it is stopped or
 * hangs. Where the run is killed, it releases what that held. It is in a session of its own, so that what stops the run does not stop it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { conditions, markerVariable, ownProgram } from '@pexen/pool-process/remote';
import type { LeaseGuard } from '@pexen/run-locks/cluster';
import type { ServerOptions } from '../transport.ts';

/** What it is to know. The last line of each kind counts. */
export type GuardLine =
  | {
      readonly kind: 'run';
      readonly pid: number;
      readonly runId: string;
      readonly server: ServerOptions;
      readonly pool: string;
    }
  /** By the clock of leases; absent: nothing has to end. */
  | { readonly kind: 'deadline'; readonly atMs?: number }
  | { readonly kind: 'record'; readonly run: string; readonly afterMs: number };

export class LockGuard implements LeaseGuard {
  readonly #lines = new Map<GuardLine['kind'], GuardLine>();
  #process: ChildProcess | undefined;
  #isDismissed = false;

  constructor(server: ServerOptions, pool: string, runId: string) {
    this.#lines.set('run', { kind: 'run', pid: process.pid, runId, server, pool });
    this.#start();
  }

  setDeadline(atMs: number | undefined): void {
    this.#send({ kind: 'deadline', ...(atMs !== undefined && { atMs }) });
  }

  watch(run: string, afterMs: number): void {
    this.#send({ kind: 'record', run, afterMs });
  }

  async dismiss(): Promise<void> {
    this.#isDismissed = true;
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await ended;
  }

  #send(line: GuardLine): void {
    this.#lines.set(line.kind, line);
    this.#process?.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  /** One that was killed is replaced. */
  #start(): void {
    if (this.#isDismissed) return;
    const program = ownProgram(import.meta.resolve('@pexen/pool-nats/lock-guard'), conditions());
    const { [markerVariable]: _, NODE_OPTIONS: __, ...env } = process.env;
    const child = spawn(program.command, [...program.argv], {
      ...{ detached: true, env },
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    this.#process = child;
    child.once('exit', () => this.#start());
    child.once('error', () => {}); // There is no room for a process: the run alone has to see to it.
    child.stdin?.once('error', () => {});
    for (const line of this.#lines.values()) child.stdin?.write(`${JSON.stringify(line)}\n`);
    child.unref();
    (child.stdin as { unref?: () => void } | null)?.unref?.();
  }
}
