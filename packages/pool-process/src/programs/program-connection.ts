/**
 * Runs programs in one slot, one after the other: each in a process group of its own, with its output captured in files, until the program itself
 * ends; processes that it left running are noticed and ended. Returns facts, and does not interpret them.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type CapturedOutput, type ExecutableFacts, messageOf } from '@pexen/core';
import {
  type Connection,
  type ConnectionEvents,
  encodeThrown,
  isShortage,
  type OutcomeEnvelope,
  type SentAttempt,
  type Step,
} from '@pexen/pool-kit';
import type { PoolResources } from '../pool-resources.ts';
import { cannotStart, cleanupOfProgram, noWorkspace } from '../problems.ts';
import { markerVariable } from '../process-markers.ts';
import {
  isGone,
  leftBehind,
  type ProcessTree,
  signalGroup,
  stuckMs,
  survivors,
  sweep,
  terminateGroup,
} from '../process-tree.ts';
import { type Program, type ProgramWork, programWorkOf, refused } from '../serialized-work.ts';
import { OutputFiles } from './output-files.ts';
import { Sandbox } from './sandbox.ts';

/** How long processes that a program left running may take to end by themselves, ms. */
const leakMs = 100;

/** How long after SIGKILL a process that has not ended is abandoned, ms: the outcome comes within the grace period and four seconds. */
export const abandonedAfterMs = 1_900;

/** How long after SIGKILL the pool looks for a program whose end was not reported, ms: the helper that started it may be suspended. */
const lookedForAfterMs = 1_000;

/** How long the copy of a long output may take, ms. */
const longestCopyMs = 2_000;

/** How a program ended: by an exit code or by a signal; neither if it could not be ended, or its end was not reported. */
interface ProgramEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

const unseen: ProgramEnd = { exitCode: null, signal: null };

export class ProgramConnection implements Connection {
  readonly name: string;
  readonly stepNames = { terminate: 'ended by SIGTERM', kill: 'ended by SIGKILL' };
  readonly #slot: number;
  readonly #resources: PoolResources;
  readonly #events: ConnectionEvents;
  #place: Sandbox | undefined;
  #running: RunningProgram | undefined;
  /** No further program runs here. */
  #isEnding = false;
  #hasLeft = false;

  constructor(slot: number, resources: PoolResources, events: ConnectionEvents) {
    this.#slot = slot;
    this.#resources = resources;
    this.#events = events;
    this.name = `process ${slot}`;
    queueMicrotask(() => events.ready());
  }

  /** One at a time. */
  send([attempt]: readonly SentAttempt[]): void {
    if (attempt !== undefined) void this.#run(attempt);
  }

  /** A program can only be asked by a signal. */
  abort(): void {}

  escalation({ assignment }: SentAttempt): readonly Step[] {
    return [
      { afterMs: 0, action: 'terminate' },
      { afterMs: assignment.graceMs, action: 'kill' },
      { afterMs: abandonedAfterMs, action: 'abandon' },
    ];
  }

  terminate(): void {
    this.#running?.stop();
  }

  kill(): void {
    this.#running?.kill();
    this.#end();
  }

  leave(): void {
    this.#end();
  }

  async #run({ number, assignment }: SentAttempt): Promise<void> {
    const outcome = await this.#outcomeOf(number, programWorkOf(assignment), assignment.part).catch(
      (error: unknown): OutcomeEnvelope => ({ kind: 'threw', error: encodeThrown(error) }),
    );
    this.#running = undefined;
    if (outcome !== undefined) this.#events.ended(number, outcome);
    if (this.#isEnding) await this.#leave();
  }

  async #outcomeOf(
    number: number,
    work: ProgramWork,
    part: 'body' | 'cleanup',
  ): Promise<OutcomeEnvelope | undefined> {
    if (part === 'cleanup') return refused(cleanupOfProgram(work.path));
    let program: RunningProgram;
    let place: Sandbox;
    try {
      place = this.#cleanPlace();
      program = new RunningProgram(work, this.#slot, place.home, this.#resources);
    } catch (error) {
      this.#events.slotFailed(number, error);
      return undefined;
    }
    this.#running = program;
    const settled = await settledIn(place, work.program);
    if ('error' in settled) return this.#withoutWorkspace(number, work, program, settled.error);
    const refusal = await program.start(settled);
    if (refusal !== undefined && isShortage(refusal.error)) {
      program.close();
      this.#events.slotFailed(number, refusal.error);
      return undefined;
    }
    this.#events.started(number, program.name);
    const outcome =
      refusal === undefined
        ? await program.run(
            (update) => this.#events.updated(number, [update]),
            () => this.#events.ending(number),
          )
        : refused(cannotStart(work.program, work.path, refusal.error));
    program.close();
    this.#keepWorkspace(number, work);
    this.#cleanUp();
    return outcome;
  }

  #cleanPlace(): Sandbox {
    this.#place ??= new Sandbox(join(this.#resources.folder, this.#resources.sandboxName(this.#slot)));
    return this.#place;
  }

  /** Ends an attempt whose workspace could not be made: its program never started. */
  #withoutWorkspace(
    number: number,
    { program, path }: ProgramWork,
    running: RunningProgram,
    error: unknown,
  ): OutcomeEnvelope | undefined {
    running.close();
    this.#cleanUp();
    if (isShortage(error)) {
      this.#events.slotFailed(number, error);
      return undefined;
    }
    this.#events.started(number, this.name);
    return refused(noWorkspace(program, path, error));
  }

  /** Keeps the workspace of a program if the pool should, and reports where it is. */
  #keepWorkspace(number: number, { program, path, attempt }: ProgramWork): void {
    const { keep } = this.#resources.settings;
    if (keep === undefined || program.workspace === undefined) return;
    const name = `${path.replaceAll(/[^\w.-]+/g, '-').slice(-100)}-${attempt}`;
    try {
      mkdirSync(keep, { recursive: true });
      const file = mkdtempSync(join(keep, `${name}-`));
      this.#place?.keepWorkspace(file);
      this.#events.updated(number, [{ kind: 'attachment', attachment: { name: 'working directory', file } }]);
    } catch (error) {
      const message = `the working directory could not be kept: ${messageOf(error)}`;
      this.#events.updated(number, [{ kind: 'log', message }]);
    }
  }

  #cleanUp(): void {
    try {
      this.#place?.clean();
    } catch {
      this.#place = undefined; // The next program gets another one; the remains of this one are removed with the folder of the pool.
    }
  }

  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (this.#running === undefined) void this.#leave();
  }

  async #leave(): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    await this.#place?.remove();
    this.#events.gone('left');
  }
}

/** The program in its workspace, or why that could not be made. Only a program that wants one waits for it. */
function settledIn(
  place: Sandbox,
  program: Program,
): Program | Promise<Program | { readonly error: unknown }> {
  if (program.workspace === undefined) return program;
  return place.settle(program).catch((error: unknown) => ({ error }));
}

/** One program, from its start to the end of all its processes. */
class RunningProgram {
  readonly #work: ProgramWork;
  readonly #slot: number;
  readonly #home: string;
  readonly #files: OutputFiles;
  readonly #resources: PoolResources;
  readonly #marker: string;
  /** How often the file system had been full before. */
  readonly #timesFull: number;
  #tree: ProcessTree | undefined;
  /** The signal that it got, or will get once it has started. */
  #sent: 'SIGTERM' | 'SIGKILL' | undefined;
  /** The run stops it; else the pool ends it. */
  #isStopped = false;
  /** The helper that started it has died. */
  #isLost = false;
  readonly #ended = Promise.withResolvers<ProgramEnd>();

  /** Throws where the system has no room for its files. */
  constructor(work: ProgramWork, slot: number, home: string, resources: PoolResources) {
    this.#work = work;
    this.#slot = slot;
    this.#home = home;
    this.#resources = resources;
    this.#marker = resources.markers.next();
    const number = this.#marker.slice(this.#marker.lastIndexOf('/') + 1);
    const { folder, settings, holePuncher, disk } = resources;
    this.#files = new OutputFiles(folder, `${slot}-${number}`, settings.limits, holePuncher);
    this.#timesFull = disk.times;
  }

  get name(): string {
    const pid = this.#tree === undefined ? '' : ` (pid ${this.#tree.pid})`;
    return `process ${this.#slot}${pid}`;
  }

  /** Resolves with the error if it could not be started. */
  async start({ file, argv, cwd }: Program): Promise<{ readonly error: unknown } | undefined> {
    const { stdout, stderr, report } = this.#files;
    const files = [stdout.path, stderr.path, report.path];
    const answer = Promise.withResolvers<number | { readonly error: unknown }>();
    this.#resources.spawner.start(
      { slot: this.#slot, file, argv, cwd, env: this.#environment(), files },
      {
        running: answer.resolve,
        refused: (error) => answer.resolve({ error }),
        ended: (exitCode, signal) => this.#ended.resolve({ exitCode, signal }),
        lost: (how) => {
          answer.resolve({ error: new Error(`the process that was to start it ${how}`) });
          this.#lose();
        },
      },
    );
    const pid = await answer.promise;
    if (typeof pid !== 'number') return pid;
    this.#tree = { pid, marker: this.#marker };
    this.#resources.leaders.add(pid);
    if (this.#sent !== undefined) this.#signal(this.#sent);
    return undefined;
  }

  /** Resolves with its outcome, once it has started. */
  async run(report: Report, hasEnded: () => void): Promise<OutcomeEnvelope> {
    const { disk, leaders, poller } = this.#resources;
    const tree = this.#tree as ProcessTree;
    const stopFollowing = poller.follow(() => {
      disk.look();
      this.#reportOutput(report);
    });
    const end = await this.#ended.promise;
    hasEnded();
    disk.look(); // Before files are removed that may have filled it.
    leaders.delete(tree.pid as number);
    const leaked = await this.#endRest(tree, report);
    stopFollowing();
    this.#reportOutput(report);
    await this.#files.stdout.readToEnd();
    await this.#copyLongOutput();
    return this.#report(end, leaked);
  }

  /** Asks it to end, with all its processes. */
  stop(): void {
    this.#isStopped = true;
    this.#signal('SIGTERM');
  }

  kill(): void {
    this.#signal('SIGKILL');
    const cancel = this.#resources.clock.after(lookedForAfterMs, () => {
      if (this.#tree !== undefined && survivors(this.#tree).pids.length === 0) this.#ended.resolve(unseen);
    });
    void this.#ended.promise.then(cancel);
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#sent = signal;
    if (this.#tree === undefined) return;
    if (signal === 'SIGTERM') terminateGroup(this.#tree);
    else signalGroup(this.#tree, signal);
  }

  /** Removes its files. */
  close(): void {
    this.#files.close();
  }

  #environment(): Record<string, string | null> {
    const { program, attempt, interruptions = 0, rebootCount = 0, path, timeoutMs } = this.#work;
    return {
      HOME: this.#home,
      TMPDIR: this.#home,
      ...program.env,
      [markerVariable]: this.#marker,
      PEXEN_ATTEMPT_NUMBER: String(attempt),
      PEXEN_INTERRUPTIONS: String(interruptions),
      PEXEN_REBOOT_COUNT: String(rebootCount),
      PEXEN_REPORT: this.#files.reportPath,
      PEXEN_SLOT: String(this.#slot),
      PEXEN_TASK: path,
      PEXEN_TIMEOUT_MS: timeoutMs === undefined ? null : String(timeoutMs),
    };
  }

  /** Its end cannot be reported any more: it is killed. */
  #lose(): void {
    this.#isLost = true;
    if (this.#tree !== undefined) signalGroup(this.#tree, 'SIGKILL');
    this.#ended.resolve(unseen);
  }

  /** Ends the processes that the program left running, and resolves with their number. */
  async #endRest(tree: ProcessTree, report: Report): Promise<number> {
    const { clock, leaders } = this.#resources;
    const left = isGone(tree, leaders) ? [] : await leftBehind(tree, leakMs, clock);
    if (left.length === 0) return 0;
    const unkillable = await sweep(tree, stuckMs, clock);
    if (unkillable.length > 0)
      report({
        kind: 'log',
        message: `cannot be ended, stuck in the kernel: process ${unkillable.join(', ')}`,
      });
    return left.length;
  }

  #reportOutput(report: Report): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = this.#files[stream].readNew();
      if (text !== '') report({ kind: 'output', stream, text });
    }
    // The report is read at the end; now it is only a sign of life.
    if (this.#files.hasReported()) report({ kind: 'heartbeat' });
  }

  /** Copies output that cannot be returned whole. A slow disk does not hold up the slot: the copy is then given up. */
  async #copyLongOutput(): Promise<void> {
    const { settings, clock } = this.#resources;
    const { path, attempt } = this.#work;
    for (const stream of ['stdout', 'stderr'] as const) {
      const capture = this.#files[stream];
      const target = capture.isLong ? settings.outputFile?.(path, attempt, stream) : undefined;
      if (target === undefined) continue;
      const copied = capture.copyTo(target.file).then(
        () => true,
        () => false,
      );
      const late = Promise.withResolvers<boolean>();
      const cancel = clock.after(longestCopyMs, () => late.resolve(false));
      if (!(await Promise.race([copied, late.promise]))) target.failed();
      cancel();
    }
  }

  #report({ exitCode, signal }: ProgramEnd, leaked: number): OutcomeEnvelope {
    const { disk } = this.#resources;
    const missing: string[] = [];
    if (disk.times > this.#timesFull)
      missing.push(`the file system of its output ${disk.why}: some of what it reported may be missing`);
    const { stdout, stderr, evidence, report, isEmptied } = this.#takeOutput(missing);
    const facts: ExecutableFacts = {
      ...{ exitCode, signal, stdout, stderr, report, leaked },
      ...(evidence !== undefined && { evidence }),
      ...(isEmptied && { isEmptied }),
      ...(missing.length > 0 && { incomplete: missing.join('; ') }),
    };
    if (this.#isLost) return { kind: 'crashed', reason: 'the process that started it died', stdout, stderr };
    if (exitCode !== null || this.#sent === undefined)
      return { kind: 'returned', value: facts, stdout, stderr };
    if (!this.#isStopped) return { kind: 'crashed', reason: 'the pool was closed', stdout, stderr };
    return { kind: 'stopped', how: 'killed', stdout, stderr };
  }

  /** Its output. Output that cannot be read makes the facts incomplete, too. */
  #takeOutput(missing: string[]): TakenOutput {
    const note = (why: string): void => void missing.push(why);
    try {
      const { isEmptied } = this.#files.stdout;
      const evidence = this.#files.takeEvidence(note);
      const [stdout, stderr] = [this.#files.stdout.finishLast(), this.#files.stderr.finishLast()];
      return { stdout, stderr, evidence, isEmptied, report: this.#files.takeReport(note) };
    } catch (error) {
      note(`what it wrote cannot be read: ${messageOf(error)}`);
      return { stdout: silence, stderr: silence, evidence: undefined, isEmptied: false, report: '' };
    }
  }
}

type Report = (update: Parameters<ConnectionEvents['updated']>[1][number]) => void;

interface TakenOutput extends Pick<ExecutableFacts, 'stdout' | 'stderr' | 'report'> {
  readonly evidence: string | undefined;
  readonly isEmptied: boolean;
}

const silence: CapturedOutput = { head: '', tail: '', totalBytes: 0 };
