/**
 * Runs programs in one slot, one after the other: each in a process group of its own, with its output captured in files, until the program itself
 * ends; processes that it left running are noticed and ended. Returns facts, and does not interpret them.
 */
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Assignment,
  type CapturedOutput,
  defined,
  type ExecutableFacts,
  isPexenError,
  messageOf,
  PexenError,
  type ProgramStopSignal,
  type ReadyFacts,
  type SharedState,
  type TraceContext,
} from '@pexen/core';
import {
  type Connection,
  type ConnectionEvents,
  encodeThrown,
  isShortage,
  type OutcomeEnvelope,
  type SentAttempt,
  type Step,
} from '@pexen/pool-kit';
import type { Place } from '../place.ts';
import { hasOpen } from '../platform.ts';
import type { PoolResources } from '../pool-resources.ts';
import { cannotStart, cleanupOfProgram, noWorkspace } from '../problems.ts';
import { markerVariable } from '../process-markers.ts';
import {
  isGone,
  leftBehind,
  type ProcessTree,
  pause,
  send,
  signalGroup,
  stuckMs,
  survivors,
  sweep,
  terminateGroup,
} from '../process-tree.ts';
import {
  type Program,
  type ProgramWork,
  programWorkOf,
  refused,
  type ServiceWork,
} from '../serialized-work.ts';
import { describeCondition, type ServiceValues, type Sighting } from '../services/readiness.ts';
import { valueVariables } from '../services/required-values.ts';
import { ServiceStart } from '../services/service-start.ts';
import { findUser, throughSetpriv } from './other-user.ts';
import { OutputFiles } from './output-files.ts';
import { Sandbox, searchable } from './sandbox.ts';

/** How long processes that a program left running may take to end by themselves, ms. */
const leakMs = 100;

/** How long after SIGKILL a process that has not ended is abandoned, ms: the outcome comes within the grace period and four seconds. */
export const abandonedAfterMs = 1_900;

/** How long after SIGKILL the pool looks for a program whose end was not reported, ms: the helper that started it may be suspended. */
const lookedForAfterMs = 1_000;

/** The longest pause between two looks at processes that may still write to the output, ms. */
const longestWaitMs = 50;

/** How long the copy of a long output to a file may take, ms. */
const longestCopyMs = 2_000;

/** How a program ended: by an exit code or by a signal; neither if it could not be ended, or its end was not reported. */
interface ProgramEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** So many ports are tried for a service: another process may take one between its choice and the start. */
const mostPorts = 3;
const anotherPort = 'another port';

const unseen: ProgramEnd = { exitCode: null, signal: null };

export class ProgramConnection implements Connection {
  readonly name: string;
  readonly #place: Place;
  readonly #resources: PoolResources;
  readonly #events: ConnectionEvents;
  /** What its service, which is not ready yet, is expected to do. */
  #awaited: string | undefined;
  #sandbox: Sandbox | undefined;
  #running: RunningProgram | undefined;
  /** The current attempt was asked to stop. */
  #isStopping = false;
  /** No further program runs here. */
  #isEnding = false;
  #hasLeft = false;

  constructor(place: Place, resources: PoolResources, events: ConnectionEvents) {
    this.#place = place;
    this.#resources = resources;
    this.#events = events;
    this.name = place.name;
    queueMicrotask(() => events.ready());
  }

  get stepNames(): NonNullable<Connection['stepNames']> {
    const without = this.#awaited === undefined ? '' : `, still without ${this.#awaited}`;
    const { stopSignal = 'SIGTERM' } = this.#running ?? {};
    return { terminate: `ended by ${stopSignal}${without}`, kill: `ended by SIGKILL${without}` };
  }

  /** One at a time. */
  send([attempt]: readonly SentAttempt[]): void {
    if (attempt !== undefined) void this.#run(attempt);
  }

  /** A program can only be asked by a signal. One that is ended by force at once is not even asked. */
  abort(): void {
    this.#running?.stopByForce();
  }

  escalation({ assignment: { service, definition, graceMs } }: SentAttempt): readonly Step[] {
    const isKilled = service === true && definition.service?.killsOnStop === true;
    return [
      { afterMs: 0, action: isKilled ? 'abort' : 'terminate' },
      { afterMs: isKilled ? 0 : graceMs, action: 'kill' },
      { afterMs: abandonedAfterMs, action: 'abandon' },
    ];
  }

  terminate(): void {
    this.#isStopping = true;
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
    const outcome = await this.#outcomeOf(number, assignment).catch(
      (error: unknown): OutcomeEnvelope => ({ kind: 'threw', error: encodeThrown(error) }),
    );
    this.#running = undefined;
    this.#isStopping = false;
    if (outcome !== undefined) this.#events.ended(number, outcome);
    if (this.#isEnding) await this.#leave();
  }

  /** Undefined where it was returned to the engine, since this place could not be set up. */
  async #outcomeOf(number: number, assignment: Assignment): Promise<OutcomeEnvelope | undefined> {
    const work = programWorkOf(assignment);
    if (assignment.part === 'cleanup') return refused(cleanupOfProgram(work.path));
    if (work.refusal !== undefined) return { kind: 'threw', error: work.refusal };
    for (let left = mostPorts; ; left--) {
      const outcome = await this.#runOnce(number, assignment, work, left > 1);
      if (outcome !== anotherPort) return outcome;
    }
  }

  /** `mayRepeat`: a service whose port was taken by another process is started again, with another port. */
  async #runOnce(
    number: number,
    { shared, graceMs }: Assignment,
    work: ProgramWork,
    mayRepeat: boolean,
  ): Promise<OutcomeEnvelope | undefined | typeof anotherPort> {
    let program: RunningProgram;
    let sandbox: Sandbox;
    try {
      sandbox = this.#cleanSandbox();
      program = new RunningProgram(work, this.#place, sandbox, this.#resources, graceMs);
    } catch (error) {
      this.#events.slotFailed(number, error);
      return undefined;
    }
    this.#running = program;
    if (this.#isStopping) program.stop();
    const settled = await settledIn(sandbox, work.program);
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
        ? await this.#runToEnd(number, work, shared, program, mayRepeat)
        : refused(whyNotStarted(work, refusal.error));
    program.close();
    if (outcome !== anotherPort) this.#keepWorkspace(number, work);
    this.#cleanUp();
    return outcome;
  }

  async #runToEnd(
    number: number,
    { service, path, program: body }: ProgramWork,
    shared: SharedState,
    program: RunningProgram,
    mayRepeat: boolean,
  ): Promise<OutcomeEnvelope | typeof anotherPort> {
    const report: Report = (update) => this.#events.updated(number, [update]);
    const running = program.run(report, () => this.#events.ending(number));
    if (service === undefined) return await running;
    this.#awaited = body.service && describeCondition(body.service.ready);
    const sighting = await program.whenReady();
    this.#awaited = undefined;
    if (sighting?.kind === 'ready')
      this.#events.serviceReady(number, readyFactsOf(service, sighting.values, shared));
    if (sighting?.kind === 'hopeless') program.kill();
    const outcome = await running;
    if (sighting?.kind !== 'hopeless' || this.#isStopping || this.#isEnding) return outcome;
    if (sighting.isPortTaken && mayRepeat) {
      report({ kind: 'log', message: `${path} starts again with another port: ${sighting.problem.message}` });
      return anotherPort;
    }
    const { stdout, stderr } = outcome;
    return { ...refused(new PexenError([sighting.problem])), ...defined({ stdout, stderr }) };
  }

  #cleanSandbox(): Sandbox {
    const { folder } = this.#resources;
    this.#sandbox ??= new Sandbox(join(folder, this.#resources.sandboxName(this.#place)));
    return this.#sandbox;
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
      this.#sandbox?.keepWorkspace(file);
      this.#events.updated(number, [{ kind: 'attachment', attachment: { name: 'working directory', file } }]);
    } catch (error) {
      const message = `the working directory could not be kept: ${messageOf(error)}`;
      this.#events.updated(number, [{ kind: 'log', message }]);
    }
  }

  #cleanUp(): void {
    try {
      this.#sandbox?.clean();
    } catch {
      this.#sandbox = undefined; // The next program gets another one; the remains of this one are removed with the folder of the pool.
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
    await this.#sandbox?.remove();
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

/** What a service hands on: its values as those of its keys, and in its dictionary under the names of the other capabilities that it provides. */
function readyFactsOf({ keys, names }: ServiceWork, values: ServiceValues, shared: SharedState): ReadyFacts {
  const own = names.map((name) => [name, values]);
  return {
    ...(keys.length > 0 && { provided: keys.map((at) => [at, values] as const) }),
    ...(names.length > 0 && { shared: { ...shared, ...Object.fromEntries(own) } }),
  };
}

function whyNotStarted({ program, path }: ProgramWork, error: unknown): PexenError {
  return isPexenError(error) ? error : cannotStart(program, path, error);
}

/** One program, from its start to the end of all its processes. */
class RunningProgram {
  readonly #work: ProgramWork;
  readonly #place: Place;
  readonly #sandbox: Sandbox;
  readonly #graceMs: number;
  readonly #files: OutputFiles;
  readonly #resources: PoolResources;
  readonly #marker: string;
  /** How often the file system had been full before. */
  readonly #timesFull: number;
  #tree: ProcessTree | undefined;
  /** Of a service. */
  #service: ServiceStart | undefined;
  /** The signal that it got, or will get once it has started. */
  #sent: ProgramStopSignal | 'SIGKILL' | undefined;
  /** Until when its processes may end by themselves after it was asked to stop. */
  #stopByMs = 0;
  /** The run stops it; else the pool ends it. */
  #isStopped = false;
  /** The helper that started it has died. */
  #isLost = false;
  readonly #ended = Promise.withResolvers<ProgramEnd>();

  /** Throws where the system has no room for its files. */
  constructor(work: ProgramWork, place: Place, sandbox: Sandbox, resources: PoolResources, graceMs: number) {
    this.#work = work;
    this.#place = place;
    this.#sandbox = sandbox;
    this.#graceMs = graceMs;
    this.#resources = resources;
    this.#marker = resources.markers.next();
    const number = this.#marker.slice(this.#marker.lastIndexOf('/') + 1);
    const { folder, settings, holePuncher, disk } = resources;
    const { evidence } = work.program;
    this.#files = new OutputFiles(folder, `${place.id}-${number}`, settings.limits, holePuncher, evidence);
    this.#timesFull = disk.times;
  }

  get name(): string {
    const pid = this.#tree === undefined ? '' : ` (pid ${this.#tree.pid})`;
    return `${this.#place.name}${pid}`;
  }

  /** Resolves with the error if it could not be started. */
  async start(program: Program): Promise<{ readonly error: unknown } | undefined> {
    try {
      return await this.#spawn(await this.#asUser(await this.#withService(program)));
    } catch (error) {
      return { error };
    }
  }

  /** The service with its port; what is to be seen of it is observed from now on. */
  async #withService(program: Program): Promise<Program> {
    if (program.service === undefined || this.#work.service === undefined) return program;
    const { stdout, stderr, report } = this.#files;
    const outputs = { stdout: stdout.fd, stderr: stderr.fd, report: report.fd };
    const pids = (): readonly number[] => (this.#tree === undefined ? [] : survivors(this.#tree).pids);
    const { clock } = this.#resources;
    this.#service = await ServiceStart.prepare(program, this.#work.path, { outputs, pids }, clock);
    return this.#service.program;
  }

  /** What another user is to write belongs to that user. */
  async #asUser(program: Program): Promise<Program> {
    if (program.user === undefined) return program;
    const user = await findUser(program.user, this.#work.path);
    if (user.uid === process.getuid?.()) return program;
    chmodSync(this.#resources.folder, searchable);
    await this.#sandbox.giveTo(user);
    this.#files.giveReportTo(user);
    return throughSetpriv(program, user, this.#work.path);
  }

  async #spawn({
    file,
    argv,
    cwd,
    env,
    joinsOutput = false,
  }: Program): Promise<{ readonly error: unknown } | undefined> {
    const { stdout, stderr, report } = this.#files;
    const files = [stdout.path, joinsOutput ? stdout.path : stderr.path, report.path];
    const answer = Promise.withResolvers<number | { readonly error: unknown }>();
    this.#resources.spawner.start(
      { slot: this.#place.number, file, argv, cwd, env: this.#environment(env), files },
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

  /** Resolves when the service is ready, or cannot become so any more; with undefined where it ends before that. */
  async whenReady(): Promise<Sighting | undefined> {
    return await this.#service?.watch(this.#ended.promise, () => this.#sent !== undefined);
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
    await this.#outputEnded(tree);
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
    this.#stopByMs = this.#resources.clock.now() + this.#graceMs;
    this.#signal(this.stopSignal);
  }

  /** The signal that asks it to end. */
  get stopSignal(): ProgramStopSignal {
    const { service, stopSignal } = this.#work.program;
    return service?.stopSignal ?? stopSignal ?? 'SIGTERM';
  }

  /** The same by force: `kill` follows. */
  stopByForce(): void {
    this.#isStopped = true;
  }

  kill(): void {
    this.#signal('SIGKILL');
    const cancel = this.#resources.clock.after(lookedForAfterMs, () => {
      if (this.#tree !== undefined && survivors(this.#tree).pids.length === 0) this.#ended.resolve(unseen);
    });
    void this.#ended.promise.then(cancel);
  }

  #signal(signal: ProgramStopSignal | 'SIGKILL'): void {
    this.#sent = signal;
    if (this.#tree === undefined) return;
    if (signal === 'SIGKILL') signalGroup(this.#tree, signal);
    else terminateGroup(this.#tree, signal);
  }

  /** Removes its files. */
  close(): void {
    this.#service?.close();
    this.#files.close();
  }

  #environment(own: Program['env']): Record<string, string | null> {
    const { attempt, interruptions = 0, rebootCount = 0, trace, path, timeoutMs, values } = this.#work;
    const { home } = this.#sandbox;
    const { slot } = this.#place;
    return {
      HOME: home,
      TMPDIR: home,
      ...valueVariables(values),
      ...traceVariables(trace),
      ...own,
      [markerVariable]: this.#marker,
      PEXEN_ATTEMPT_NUMBER: String(attempt),
      PEXEN_INTERRUPTIONS: String(interruptions),
      PEXEN_REBOOT_COUNT: String(rebootCount),
      PEXEN_REPORT: this.#files.reportPath,
      PEXEN_SLOT: slot === undefined ? null : String(slot),
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

  /** Resolves when no process can write to its output any more, if the program wants to wait for that and was not asked to stop. */
  async #outputEnded(tree: ProcessTree): Promise<void> {
    const { clock, leaders } = this.#resources;
    if (this.#work.program.background === undefined || isGone(tree, leaders)) return;
    const outputs = [this.#files.stdout, this.#files.stderr].map(({ fd }) => fd);
    const isHeld = (): boolean => survivors(tree).pids.some((pid) => hasOpen(pid, outputs));
    for (let wait = 1; this.#sent === undefined && isHeld(); wait = Math.min(wait * 2, longestWaitMs))
      await pause(clock, wait);
  }

  /** Ends the processes that the program left running, and resolves with their number. */
  async #endRest(tree: ProcessTree, report: Report): Promise<number> {
    const { clock, leaders } = this.#resources;
    // Those that it keeps are ended with the pool.
    if (this.#work.program.background === 'keep' && this.#sent === undefined) return 0;
    const left = isGone(tree, leaders) ? [] : await leftBehind(tree, this.#askRest(tree), clock);
    if (left.length === 0) return 0;
    const unkillable = await sweep(tree, stuckMs, clock);
    if (unkillable.length > 0)
      report({
        kind: 'log',
        message: `cannot be ended, stuck in the kernel: process ${unkillable.join(', ')}`,
      });
    return left.length;
  }

  /** How long they may take to end by themselves, ms. Those of a service that was asked to stop are asked as well: some left its group. */
  #askRest(tree: ProcessTree): number {
    const signal = this.#sent;
    if (this.#work.service === undefined || signal === undefined || signal === 'SIGKILL') return leakMs;
    survivors(tree, (pid) => send(pid, signal));
    return Math.max(leakMs, this.#stopByMs - this.#resources.clock.now());
  }

  #reportOutput(report: Report): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = this.#files[stream].readNew();
      if (text !== '') report({ kind: 'output', stream, text });
    }
    // The report is read at the end; now it is only a sign of life.
    if (this.#files.hasReported()) report({ kind: 'heartbeat' });
  }

  /** Copies output that cannot be returned whole, and that of services. A slow disk does not hold up the slot: the copy is then given up. */
  async #copyLongOutput(): Promise<void> {
    const { settings, clock } = this.#resources;
    const { path, attempt, service } = this.#work;
    for (const stream of ['stdout', 'stderr'] as const) {
      const capture = this.#files[stream];
      const isKept = capture.isLong || (service !== undefined && !capture.isEmpty);
      const target = isKept ? settings.outputFile?.(path, attempt, stream) : undefined;
      if (target === undefined) continue;
      const late = Promise.withResolvers<never>();
      const isFile = 'file' in target;
      const copied = isFile ? capture.copyTo(target.file) : capture.writeTo(target).then(() => target.end());
      const cancel = isFile
        ? clock.after(longestCopyMs, () => late.reject(new Error('too slow')))
        : undefined;
      await Promise.race([copied, late.promise]).catch(() => target.failed());
      cancel?.();
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
      ...(this.#isStopped && this.#work.service !== undefined && defined({ stopSignal: this.#sent })),
    };
    if (this.#isLost) return { kind: 'crashed', reason: 'the process that started it died', stdout, stderr };
    if (exitCode !== null || this.#sent === undefined || this.#endedAsService(signal))
      return { kind: 'returned', value: facts, stdout, stderr };
    if (!this.#isStopped) return { kind: 'crashed', reason: 'the pool was closed', stdout, stderr };
    return { kind: 'stopped', how: 'killed', stdout, stderr };
  }

  /** The end of a service that was asked to stop is a fact to be judged, unless it was forced. */
  #endedAsService(signal: string | null): boolean {
    return this.#work.service !== undefined && signal !== null && signal !== 'SIGKILL';
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

/** By the names that OpenTelemetry gives them. Variables that pexen itself was started with name the span above the run. */
function traceVariables(trace: TraceContext | undefined): Record<string, string | null> {
  return trace === undefined ? {} : { TRACEPARENT: trace.traceparent, TRACESTATE: trace.tracestate ?? null };
}
