/**
 * Runs a program as an attempt: in a group of its own, with what it writes caught in files, until the program itself ends;
 * what it left running is noticed and ended. Brings back facts. Knows nothing of what they mean.
 */
import { type CapturedOutput, type ExecutableFacts, messageOf } from '@pexen/core';
import { encodeThrown, type OutcomeEnvelope } from '@pexen/pool-kit';
import { cannotStart } from './cannot-start.ts';
import { cookieVariable } from './cookie.ts';
import type { NoSlot } from './ending.ts';
import type { Job } from './job.ts';
import { climb, stuckMs } from './ladder.ts';
import type { Means } from './means.ts';
import { type ProgramOrder, refused } from './order.ts';
import type { OutputFiles } from './output-files.ts';
import { isShortage } from './platform.ts';
import { isGone, leftBehind, type ProcessTree, signalGroup, sweep, terminateGroup } from './process-tree.ts';

/** How long what a program left running may take to end by itself. */
const leakMs = 100;

/** What an attempt comes to; `no-slot`: the system had no room for the program, which has not begun. */
type Attempted = OutcomeEnvelope | NoSlot;

/** How a program ended: by an exit code or by a signal; neither if it could not be ended. */
interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** Of a program that could not be ended, or whose end nobody saw. */
const unknown: Ending = { exitCode: null, signal: null };

/** Where a program runs, and where what it writes goes. */
export interface ProgramPlace {
  /** Its HOME and TMPDIR; clean. */
  readonly home: string;
  /** Of this attempt alone. */
  readonly files: OutputFiles;
}

type Start =
  | { readonly kind: 'running'; readonly pid: number }
  | { readonly kind: 'refused'; readonly error: unknown };

/** A program under way. */
export class ProgramAttempt {
  /** Never rejects. */
  readonly outcome: Promise<Attempted>;
  readonly #job: Job;
  readonly #order: ProgramOrder;
  readonly #slot: number;
  readonly #place: ProgramPlace;
  readonly #means: Means;
  readonly #cookie: string;
  #tree: ProcessTree | undefined;
  #stopLadder = (): void => {};
  /** We sent it a signal. */
  #isSignalled = false;
  /** The hardest step that was taken to stop it, for people. */
  #step: string | undefined;
  /** The pool is being closed. */
  #isToDie = false;
  /** The helper that started it has died. */
  #isLost = false;
  readonly #ended = Promise.withResolvers<Ending>();
  readonly #givenUp = Promise.withResolvers<Ending>();

  /** Starts it at once. */
  constructor(job: Job, order: ProgramOrder, slot: number, place: ProgramPlace, means: Means) {
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
    this.#isToDie = true;
    this.#stop(0);
  }

  async #run(): Promise<Attempted> {
    const job = this.#job;
    const { disk } = this.#means;
    const timesFull = disk.times;
    const start = await this.#start();
    if (start.kind === 'refused') {
      if (isShortage(start.error)) return { kind: 'no-slot', error: start.error };
      job.started(this.#worker());
      return refused(cannotStart(this.#order.program, this.#order.path, start.error));
    }
    this.#tree = { pid: start.pid, cookie: this.#cookie };
    this.#means.leaders.add(start.pid);
    job.started(this.#worker());
    const stopFollowing = this.#means.tail.follow(() => {
      disk.look();
      this.#tellNews();
    });
    job.onAbort(() => this.#stop(this.#order.graceMs));
    if (this.#isToDie) this.#stop(0);
    const ending = await Promise.race([this.#ended.promise, this.#givenUp.promise]);
    disk.look(); // Before anything is removed that may have filled it.
    job.over();
    this.#stopLadder();
    this.#means.leaders.delete(start.pid);
    const leaked = await this.#endRest(this.#tree);
    stopFollowing();
    this.#tellNews();
    await this.#place.files.stdout.readToEnd();
    return this.#report(ending, leaked, timesFull);
  }

  #worker(): string {
    const pid = this.#tree === undefined ? '' : ` (pid ${this.#tree.pid})`;
    return `process ${this.#slot}${pid}`;
  }

  #start(): Promise<Start> {
    const { file, argv, cwd } = this.#order.program;
    const { stdout, stderr, report } = this.#place.files;
    const files = [stdout.path, stderr.path, report.path];
    const { promise, resolve } = Promise.withResolvers<Start>();
    this.#means.spawner.start(
      { slot: this.#slot, file, argv, cwd, env: this.#environment(), files },
      {
        running: (pid) => resolve({ kind: 'running', pid }),
        refused: (error) => resolve({ kind: 'refused', error }),
        ended: (exitCode, signal) => this.#ended.resolve({ exitCode, signal }),
        lost: (how) => {
          const error = new Error(`the process that was to start it ${how}`);
          resolve({ kind: 'refused', error });
          this.#lose();
        },
      },
    );
    return promise;
  }

  #environment(): Record<string, string | null> {
    const { program, attempt, path, timeoutMs } = this.#order;
    const { home, files } = this.#place;
    return {
      HOME: home,
      TMPDIR: home,
      ...program.env,
      [cookieVariable]: this.#cookie,
      PEXEN_ATTEMPT_NUMBER: String(attempt),
      PEXEN_REPORT: files.reportPath,
      PEXEN_SLOT: String(this.#slot),
      PEXEN_TASK: path,
      PEXEN_TIMEOUT_MS: timeoutMs === undefined ? null : String(timeoutMs),
    };
  }

  /** Nobody will hear how it ends: it is ended. */
  #lose(): void {
    this.#isLost = true;
    if (this.#tree !== undefined) signalGroup(this.#tree, 'SIGKILL');
    this.#ended.resolve(unknown);
  }

  /** There is no way to ask a program but by a signal. */
  #stop(graceMs: number): void {
    const tree = this.#tree;
    if (tree === undefined) return;
    this.#stopLadder();
    this.#isSignalled = true;
    this.#stopLadder = climb(this.#means.clock, [
      { afterMs: 0, take: () => this.#signal('SIGTERM', () => terminateGroup(tree)) },
      { afterMs: graceMs, take: () => this.#signal('SIGKILL', () => signalGroup(tree, 'SIGKILL')) },
      { afterMs: stuckMs, take: () => this.#givenUp.resolve(unknown) },
    ]);
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL', send: () => void): void {
    this.#step = `ended by ${signal}`;
    send();
  }

  /** Ends what the program left running, and says how many that were. */
  async #endRest(tree: ProcessTree): Promise<number> {
    const left = isGone(tree, this.#means.leaders) ? [] : await leftBehind(tree, leakMs, this.#means.clock);
    if (left.length === 0) return 0;
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
    const { files } = this.#place;
    this.#tellText('stdout', files.stdout.news());
    this.#tellText('stderr', files.stderr.news());
    // What it reports is for the end; now it is no more than a sign of life.
    if (files.hasReported()) this.#job.ticket.tell({ kind: 'heartbeat' });
  }

  #tellText(stream: 'stdout' | 'stderr', text: string): void {
    if (text !== '') this.#job.ticket.tell({ kind: 'output', stream, text });
  }

  #report({ exitCode, signal }: Ending, leaked: number, timesFull: number): OutcomeEnvelope {
    const { disk } = this.#means;
    const missing: string[] = [];
    if (disk.times > timesFull)
      missing.push(`the file system of its output ${disk.why}: some of what it reported may be missing`);
    const { stdout, stderr, evidence, report, isEmptied } = this.#takeOutput(missing);
    const facts: ExecutableFacts = {
      ...{ exitCode, signal, stdout, stderr, report, leaked },
      ...(evidence !== undefined && { evidence }),
      ...(isEmptied && { isEmptied }),
      ...(missing.length > 0 && { incomplete: missing.join('; ') }),
    };
    if (this.#isLost) return { kind: 'crashed', reason: 'the process that started it died', stdout, stderr };
    const step = this.#step === undefined ? {} : { step: this.#step };
    if (exitCode !== null || !this.#isSignalled)
      return { kind: 'returned', value: facts, stdout, stderr, ...step };
    if (!this.#job.ticket.signal.aborted)
      return { kind: 'crashed', reason: 'the pool was closed', stdout, stderr };
    return { kind: 'stopped', how: 'killed', stdout, stderr, ...step };
  }

  /** What it wrote. That it cannot be read makes it incomplete, too. */
  #takeOutput(missing: string[]): TakenOutput {
    const { files } = this.#place;
    const note = (why: string): void => void missing.push(why);
    try {
      const { isEmptied } = files.stdout;
      const evidence = files.takeEvidence(note);
      const [stdout, stderr] = [files.stdout.finishLast(), files.stderr.finishLast()];
      return { stdout, stderr, evidence, isEmptied, report: files.takeReport(note) };
    } catch (error) {
      note(`what it wrote cannot be read: ${messageOf(error)}`);
      return { stdout: silence, stderr: silence, evidence: undefined, isEmptied: false, report: '' };
    }
  }
}

interface TakenOutput extends Pick<ExecutableFacts, 'stdout' | 'stderr' | 'report'> {
  readonly evidence: string | undefined;
  readonly isEmptied: boolean;
}

const silence: CapturedOutput = { head: '', tail: '', totalBytes: 0 };
