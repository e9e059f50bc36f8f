/**
 * Runs a program as an attempt: in a group of its own, with what it writes caught in files, until the program itself ends;
 * what it left running is noticed and ended. Brings back facts. Knows nothing of what they mean.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { ExecutableFacts, PoolOutcome } from '@pexen/core';
import type { Attempt, ExecutableAddress, Job, Means, Slot } from './attempt.ts';
import { cannotStart } from './cannot-start.ts';
import { cookieVariable } from './cookie.ts';
import { climb, stuckMs } from './ladder.ts';
import { leftBehind, type ProcessTree, signalGroup, sweep, terminateGroup } from './process-tree.ts';

/** How long what a program left running may take to end by itself. */
const leakMs = 100;

/** How a program ended: by an exit code or by a signal; neither if it could not be ended. */
interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A program that could not be ended. */
const stuck: Ending = { exitCode: null, signal: null };

/** Starts the program in the slot, which must be free. */
export function startExecutable(address: ExecutableAddress, job: Job, slot: Slot, means: Means): Attempt {
  return new ExecutableAttempt(address, job, slot, means);
}

class ExecutableAttempt implements Attempt {
  readonly outcome: Promise<PoolOutcome>;
  isLeaky = false;
  readonly #job: Job;
  readonly #slot: Slot;
  readonly #means: Means;
  readonly #cookie: string;
  #tree: ProcessTree | undefined;
  #stopLadder = (): void => {};
  /** We sent it a signal. */
  #isSignalled = false;
  #giveUp = (): void => {};

  constructor(address: ExecutableAddress, job: Job, slot: Slot, means: Means) {
    this.#job = job;
    this.#slot = slot;
    this.#means = means;
    this.#cookie = means.cookies.next();
    this.outcome = this.#run(address).catch((error: unknown) => ({ kind: 'threw', error }));
  }

  kill(): void {
    this.#stop(0);
  }

  async #run(address: ExecutableAddress): Promise<PoolOutcome> {
    const { ticket, assignment } = this.#job;
    const child = this.#spawn(address);
    if (!isRunning(child)) {
      ticket.started(this.#worker());
      return { kind: 'threw', error: cannotStart(address, assignment.path, await child.error) };
    }
    this.#tree = { pid: child.process.pid, cookie: this.#cookie };
    ticket.started(this.#worker());
    const stopFollowing = this.#means.tail.follow(() => this.#tellNews());
    const stopListening = onAbort(ticket.signal, () => this.#stop(assignment.graceMs));
    const ending = await this.#ending(child.process);
    stopListening();
    this.#stopLadder();
    const leaked = await this.#endRest(this.#tree);
    stopFollowing();
    this.#tellNews();
    return this.#report(ending, leaked);
  }

  #worker(): string {
    const pid = this.#tree === undefined ? '' : ` (pid ${this.#tree.pid})`;
    return `process ${this.#slot.index}${pid}`;
  }

  #spawn(address: ExecutableAddress): Started {
    const { stdout, stderr, report } = this.#slot.place.streams;
    try {
      const process = spawn(address.file, address.argv, {
        cwd: address.cwd,
        env: this.#environment(address),
        stdio: ['ignore', stdout.fd, stderr.fd, report.fd],
        detached: true,
      });
      const error = new Promise((resolve) => process.once('error', resolve));
      return { process, error };
    } catch (error) {
      return { process: undefined, error: Promise.resolve(error) };
    }
  }

  #environment(address: ExecutableAddress): NodeJS.ProcessEnv {
    const { assignment } = this.#job;
    const { home, reportPath } = this.#slot.place;
    return {
      ...this.#means.env,
      HOME: home,
      TMPDIR: home,
      ...address.env,
      [cookieVariable]: this.#cookie,
      PEXEN_ATTEMPT_NUMBER: String(assignment.attempt),
      PEXEN_REPORT: reportPath,
      PEXEN_SLOT: String(this.#slot.index),
      PEXEN_TASK: assignment.path,
      PEXEN_TIMEOUT_MS: assignment.timeoutMs === undefined ? undefined : String(assignment.timeoutMs),
    };
  }

  #ending(process: ChildProcess): Promise<Ending> {
    return new Promise((resolve) => {
      this.#giveUp = () => resolve(stuck);
      process.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
    });
  }

  /** There is no way to ask a program but by a signal. */
  #stop(graceMs: number): void {
    const tree = this.#tree;
    if (tree === undefined) return;
    this.#stopLadder();
    this.#isSignalled = true;
    this.#stopLadder = climb(this.#means.clock, [
      { afterMs: 0, take: () => terminateGroup(tree) },
      { afterMs: graceMs, take: () => signalGroup(tree, 'SIGKILL') },
      { afterMs: stuckMs, take: () => this.#giveUp() },
    ]);
  }

  /** Ends what the program left running, and says how many that were. */
  async #endRest(tree: ProcessTree): Promise<number> {
    const left = await leftBehind(tree, leakMs, this.#means.clock);
    if (left.length === 0) return 0;
    this.isLeaky = true;
    const unkillable = await sweep(tree, stuckMs, this.#means.clock);
    if (unkillable.length > 0) {
      const pids = unkillable.join(', ');
      this.#job.ticket.tell({
        kind: 'log',
        message: `cannot be ended, stuck in the kernel: process ${pids}`,
      });
    }
    return left.length;
  }

  #tellNews(): void {
    const { stdout, stderr, report } = this.#slot.place.streams;
    this.#tellText('stdout', stdout.news());
    this.#tellText('stderr', stderr.news());
    report.news(); // Told to nobody until the end; this keeps it from growing without bounds.
  }

  #tellText(stream: 'stdout' | 'stderr', text: string): void {
    if (text !== '') this.#job.ticket.tell({ kind: 'output', stream, text });
  }

  #report({ exitCode, signal }: Ending, leaked: number): PoolOutcome {
    const { place } = this.#slot;
    const stdout = place.streams.stdout.finish();
    const stderr = place.streams.stderr.finish();
    const facts: ExecutableFacts = { exitCode, signal, stdout, stderr, report: place.takeReport(), leaked };
    if (exitCode !== null || !this.#isSignalled) return { kind: 'returned', value: facts, stdout, stderr };
    if (!this.#job.ticket.signal.aborted)
      return { kind: 'crashed', reason: 'the pool was closed', stdout, stderr };
    return { kind: 'stopped', how: 'killed', stdout, stderr };
  }
}

/** A process, or why there is none. */
interface Started {
  readonly process: ChildProcess | undefined;
  readonly error: Promise<unknown>;
}

function isRunning(started: Started): started is Started & { process: ChildProcess & { pid: number } } {
  return started.process?.pid !== undefined;
}

/** Calls back once, at once if it is aborted already; the returned function takes that back. */
function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}
