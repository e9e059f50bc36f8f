/**
 * Runs a program as an attempt: in a group of its own, with what it writes caught in files, until the program itself ends;
 * what it left running is noticed and ended. Brings back facts. Knows nothing of what they mean.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { ExecutableFacts } from '@pexen/core';
import { encodeThrown, type OutcomeEnvelope } from '@pexen/pool-kit';
import { cannotStart } from './cannot-start.ts';
import { cookieVariable } from './cookie.ts';
import type { Job } from './job.ts';
import { climb, stuckMs } from './ladder.ts';
import type { Means } from './means.ts';
import { type ProgramOrder, refused } from './order.ts';
import { leftBehind, type ProcessTree, signalGroup, sweep, terminateGroup } from './process-tree.ts';
import type { Workplace } from './workplace.ts';

/** How long what a program left running may take to end by itself. */
const leakMs = 100;

/** How a program ended: by an exit code or by a signal; neither if it could not be ended. */
interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A program that could not be ended. */
const stuck: Ending = { exitCode: null, signal: null };

/** A program under way. */
export class ProgramAttempt {
  /** Never rejects. */
  readonly outcome: Promise<OutcomeEnvelope>;
  /** Did it leave processes running, which may still write where it wrote? Known with the outcome. */
  isLeaky = false;
  readonly #job: Job;
  readonly #order: ProgramOrder;
  readonly #slot: number;
  readonly #place: Workplace;
  readonly #means: Means;
  readonly #cookie: string;
  #tree: ProcessTree | undefined;
  #stopLadder = (): void => {};
  /** We sent it a signal. */
  #isSignalled = false;
  #giveUp = (): void => {};

  /** Starts it at once. The place must be clean. */
  constructor(job: Job, order: ProgramOrder, slot: number, place: Workplace, means: Means) {
    this.#job = job;
    this.#order = order;
    this.#slot = slot;
    this.#place = place;
    this.#means = means;
    this.#cookie = means.cookies.next();
    this.outcome = this.#run().catch((error: unknown) => ({ kind: 'threw', error: encodeThrown(error) }));
  }

  /** Ends it by force, at once: the pool is being closed. */
  kill(): void {
    this.#stop(0);
  }

  async #run(): Promise<OutcomeEnvelope> {
    const job = this.#job;
    const child = this.#spawn();
    if (!isRunning(child)) {
      job.started(this.#worker());
      return refused(cannotStart(this.#order.program, this.#order.path, await child.error));
    }
    this.#tree = { pid: child.process.pid, cookie: this.#cookie };
    job.started(this.#worker());
    const stopFollowing = this.#means.tail.follow(() => this.#tellNews());
    job.onAbort(() => this.#stop(this.#order.graceMs));
    const ending = await this.#ending(child.process);
    job.over();
    this.#stopLadder();
    const leaked = await this.#endRest(this.#tree);
    stopFollowing();
    this.#tellNews();
    return this.#report(ending, leaked);
  }

  #worker(): string {
    const pid = this.#tree === undefined ? '' : ` (pid ${this.#tree.pid})`;
    return `process ${this.#slot}${pid}`;
  }

  #spawn(): Started {
    const { file, argv, cwd } = this.#order.program;
    const { stdout, stderr, report } = this.#place.streams;
    try {
      const process = spawn(file, argv, {
        cwd,
        env: this.#environment(),
        stdio: ['ignore', stdout.fd, stderr.fd, report.fd],
        detached: true,
      });
      const error = new Promise((resolve) => process.once('error', resolve));
      return { process, error };
    } catch (error) {
      return { process: undefined, error: Promise.resolve(error) };
    }
  }

  #environment(): NodeJS.ProcessEnv {
    const { program, attempt, path, timeoutMs } = this.#order;
    const { home, reportPath } = this.#place;
    return {
      ...this.#means.env,
      HOME: home,
      TMPDIR: home,
      ...program.env,
      [cookieVariable]: this.#cookie,
      PEXEN_ATTEMPT_NUMBER: String(attempt),
      PEXEN_REPORT: reportPath,
      PEXEN_SLOT: String(this.#slot),
      PEXEN_TASK: path,
      PEXEN_TIMEOUT_MS: timeoutMs === undefined ? undefined : String(timeoutMs),
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
    const { stdout, stderr, report } = this.#place.streams;
    this.#tellText('stdout', stdout.news());
    this.#tellText('stderr', stderr.news());
    report.news(); // Told to nobody until the end; this keeps it from growing without bounds.
  }

  #tellText(stream: 'stdout' | 'stderr', text: string): void {
    if (text !== '') this.#job.ticket.tell({ kind: 'output', stream, text });
  }

  #report({ exitCode, signal }: Ending, leaked: number): OutcomeEnvelope {
    const place = this.#place;
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
