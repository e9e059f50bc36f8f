/**
 * The host's end of one worker process: its pipes, its output, its process group and descendants. Sends attempts, validates and reports what comes back,
 * and reports how the process ended. Knows nothing of slots or of other workers.
 */
import { join } from 'node:path';
import type { CapturedOutput, TaskUpdate } from '@pexen/core';
import {
  type AssignmentEnvelope,
  type BodyAddress,
  type Connection,
  type ConnectionEvents,
  encodeOutcome,
  encodeThrown,
  refusedByTransport,
  type SentAttempt,
} from '@pexen/pool-kit';
import { allOrNone, Capture, type CaptureLimits, type HolePuncher } from '../capture.ts';
import { ChildConnection, type Exit, ownProgram } from '../child-connection.ts';
import type { Place } from '../place.ts';
import { residentMb } from '../platform.ts';
import type { PoolResources } from '../pool-resources.ts';
import { markerVariable } from '../process-markers.ts';
import { type ProcessTree, signalGroup, stuckMs, sweep, terminateGroup } from '../process-tree.ts';
import { type BodyWork, bodyWorkOf } from '../serialized-work.ts';
import { codeDirectory } from './code-directory.ts';
import { type Ended, type FromWorker, isFromWorker, type ToWorker } from './messages.ts';
import { StartMarkerFile } from './start-marker.ts';

/** A worker that has so many attempts has enough to do: more may be sent in batches. */
const well = 12;

/** After so long without an attempt, ms, the output until then does not belong to the next one. */
const idleMs = 1;

export class WorkerConnection implements Connection {
  readonly name: string;
  readonly prefetches = true;
  readonly stepNames = { kill: 'ended by SIGKILL' };
  readonly mostAttempts: number;
  readonly #resources: PoolResources;
  readonly #events: ConnectionEvents;
  readonly #streams: WorkerStreams;
  /** The number of the attempt that started last, where the worker cannot report it. */
  readonly #startMarker: StartMarkerFile;
  readonly #pipes: ChildConnection;
  readonly #tree: ProcessTree;
  /** Numbers of the addresses that the worker knows, so that each is sent only once. */
  readonly #addresses = new Map<BodyAddress, number>();
  /** Its attempts, in the order in which they were sent: only the first can have started. */
  readonly #held = new Map<number, BodyWork>();
  #startedUpTo = -1;
  /** Infinite for a new worker: its output belongs to no other attempt, and may explain why it does not become ready. */
  #idleSinceMs = Number.POSITIVE_INFINITY;
  #stopFollowing = (): void => {};
  #isReady = false;
  /** Why it ends, if that is known. */
  #cause: string | undefined;

  constructor(place: Place, resources: PoolResources, events: ConnectionEvents) {
    this.#resources = resources;
    this.#events = events;
    this.mostAttempts = resources.settings.recycleAfter;
    const marker = resources.markers.next();
    const number = marker.slice(marker.lastIndexOf('/') + 1);
    const { folder, settings, holePuncher } = resources;
    const [streams, startMarker] = allOrNone<WorkerStreams | StartMarkerFile>([
      () => new WorkerStreams(folder, `worker-${number}`, settings.limits, holePuncher),
      () => new StartMarkerFile(join(folder, `worker-${number}-started`)),
    ]);
    this.#streams = streams as WorkerStreams;
    this.#startMarker = startMarker as StartMarkerFile;
    const { stdout, stderr } = this.#streams;
    const program = {
      ...ownProgram(
        import.meta.resolve('@pexen/pool-process/worker'),
        argumentsFor(place, settings.execArgv),
      ),
      env: {
        ...resources.env,
        ...codeDirectory(resources.env),
        ...slotVariable(place),
        [markerVariable]: marker,
      },
      cwd: resources.cwd,
      stdio: { kind: 'pipes' as const, stdout: stdout.fd, stderr: stderr.fd, files: [this.#startMarker.fd] },
    };
    this.#pipes = new ChildConnection(program, resources.clock, {
      heard: (message) => this.#hear(message),
      garbled: (error) => events.violated(`sent ${error.message}`),
      gone: (exit) => void this.#end(exit),
    });
    this.#tree = { pid: this.#pipes.pid, marker };
    if (this.#tree.pid !== undefined) resources.leaders.add(this.#tree.pid);
    if (events.wantsModules) this.#send({ do: 'record-modules' });
    this.name = `${place.name} (pid ${this.#tree.pid ?? 'none'})`;
  }

  send(attempts: readonly SentAttempt[]): void {
    if (this.#held.size === 0) this.#startFollowing();
    const isUrgent = this.#held.size <= well;
    for (const { number, assignment } of attempts) {
      const work = bodyWorkOf(assignment);
      const message: ToWorker = { do: 'run', id: number, ...this.#abbreviate(work.envelope) };
      try {
        if (isUrgent) this.#pipes.hold(message);
        else this.#pipes.sendLater(message);
        this.#held.set(number, work);
      } catch (error) {
        this.#refuse(number, message, error);
      }
    }
    if (isUrgent) this.#pipes.flush();
  }

  /** The message was not sent, so the worker does not know its address, should that be new. */
  #refuse(number: number, { address, envelope }: Extract<ToWorker, { do: 'run' }>, error: unknown): void {
    if (address !== undefined) this.#addresses.delete(address);
    if (this.#held.size === 0) this.#rest();
    this.#events.ended(number, encodeOutcome(refusedByTransport(envelope.path, error), envelope.path));
  }

  abort(number: number, reason: unknown): void {
    this.#send({ do: 'abort', id: number, reason: encodeThrown(reason) });
  }

  reclaim(numbers: readonly number[]): undefined {
    for (const number of numbers) this.#send({ do: 'reclaim', id: number });
  }

  startedUpTo(): number {
    const first = this.#first();
    if (first !== undefined && first > this.#startedUpTo && this.#startMarker.is(first))
      this.#startedUpTo = first;
    return this.#startedUpTo;
  }

  hasReadSignal(number: number): boolean {
    return this.#startMarker.hasReadSignal(number);
  }

  /** SIGTERM to the whole group. */
  terminate(): void {
    terminateGroup(this.#tree);
  }

  kill(cause: string): void {
    this.#cause ??= `it ${cause}`;
    signalGroup(this.#tree, 'SIGKILL');
  }

  leave(): void {
    this.#send({ do: 'leave' });
  }

  /** Its pipes and files stay open until it ends. */
  abandon(): void {
    this.#stopFollowing();
    this.#pipes.unref();
  }

  lastOutput(number: number): ReturnType<WorkerStreams['last']> {
    return this.#streams.last((update) => this.#events.updated(number, [update]));
  }

  #send(message: ToWorker): void {
    this.#pipes.send(message);
  }

  /** The envelope with the number of its address, and the address itself if the worker does not know it yet. */
  #abbreviate({ address, ...envelope }: AssignmentEnvelope): {
    readonly at: number;
    readonly address?: BodyAddress;
    readonly envelope: Omit<AssignmentEnvelope, 'address'>;
  } {
    if (address === undefined) return { at: -1, envelope };
    const known = this.#addresses.get(address);
    if (known !== undefined) return { at: known, envelope };
    const at = this.#addresses.size;
    this.#addresses.set(address, at);
    return { at, address, envelope };
  }

  #startFollowing(): void {
    if (this.#resources.clock.now() - this.#idleSinceMs > idleMs) this.#streams.begin();
    this.#stopFollowing = this.#resources.poller.follow(() => this.#look());
  }

  #rest(): void {
    this.#stopFollowing();
    this.#idleSinceMs = this.#resources.clock.now();
  }

  #first(): number | undefined {
    return this.#held.keys().next().value;
  }

  #hear(message: unknown): void {
    this.startedUpTo(); // Forged messages of a body may come before the message that it has started.
    if (!isFromWorker(message) || !this.#accept(message)) this.#events.violated('sent an invalid message');
  }

  /** False if the message contradicts the state. */
  #accept(message: FromWorker): boolean {
    switch (message.is) {
      case 'ready':
        this.#isReady = true;
        this.#events.ready();
        return true;
      case 'started':
        return message.id <= this.#startedUpTo || this.#started(message.id);
      case 'service-ready':
        if (!this.#isRunning(message.id)) return false;
        this.#events.serviceReady(message.id, message.facts);
        return true;
      case 'updates':
        if (!this.#isRunning(message.id)) return false;
        this.#events.updated(message.id, message.updates);
        this.#send({ do: 'credit', id: message.id, batches: 1 });
        return true;
      case 'ended':
        return this.#ended(message);
      case 'returned':
        return this.#returned(message.id);
      case 'late':
        this.#events.lateError(message.error);
        return true;
      case 'spoiled':
        this.#events.spoiled();
        return true;
      case 'dying':
        this.#cause ??= message.why;
        return true;
      default:
        return message satisfies never;
    }
  }

  #isRunning(number: number): boolean {
    return number === this.#first() && number <= this.#startedUpTo;
  }

  #started(number: number): boolean {
    if (number !== this.#first()) return false;
    this.#startedUpTo = number;
    this.#events.started(number);
    return true;
  }

  #ended({ id, out, err, outcome, left, next }: Ended): boolean {
    if (!this.#isRunning(id)) return this.#endedAgain(id, next);
    const work = this.#held.get(id);
    this.#held.delete(id);
    const report = (update: Parameters<ConnectionEvents['updated']>[1][number]): void =>
      this.#events.updated(id, [update]);
    const output = this.#streams.finish(report, { stdout: out, stderr: err }, this.#held.size === 0);
    if (left !== undefined && work?.mayLeave === false) {
      const message = `It ended and left open: ${left.join(', ')}.`;
      report({ kind: 'finding', finding: { name: 'handles left open', status: 'warn', message } });
    }
    if (this.#held.size === 0) this.#rest();
    this.#events.ended(id, { ...outcome, ...output });
    return next === undefined || this.#started(next);
  }

  /** A forged message had ended it before: that attempt is over, and must not affect the current one. */
  #endedAgain(number: number, next: number | undefined): boolean {
    this.#events.spoiled();
    return number <= this.#startedUpTo && (next === undefined || this.#started(next));
  }

  #returned(number: number): boolean {
    if (number <= this.#startedUpTo || !this.#held.delete(number)) return false;
    if (this.#held.size === 0) this.#rest();
    this.#events.returned(number);
    return true;
  }

  /** Called at intervals while it works: reports output, checks memory. */
  #look(): void {
    const first = this.#first();
    if (first !== undefined && this.#isRunning(first))
      this.#streams.report((update) => this.#events.updated(first, [update]));
    const overuse = this.#overuse();
    if (overuse !== undefined) this.#events.mustEnd(overuse);
  }

  /** The reason to end it, if it uses too much memory. */
  #overuse(): string | undefined {
    const { memoryLimitMb } = this.#resources.settings;
    const { pid } = this.#tree;
    if (memoryLimitMb === undefined || pid === undefined) return undefined;
    const usedMb = residentMb(pid) ?? 0;
    if (usedMb <= memoryLimitMb) return undefined;
    return `used ${Math.round(usedMb)} MiB of memory, its limit is ${memoryLimitMb}`;
  }

  /** The process has ended. */
  async #end(exit: Exit): Promise<void> {
    this.#stopFollowing();
    this.#events.ending();
    await sweep(this.#tree, stuckMs, this.#resources.clock);
    const how = this.#cause === undefined ? exit : `${exit}: ${this.#cause}`;
    this.#events.gone(this.#isReady ? how : withOutput(how, this.#streams.stderr.finish().head));
    if (this.#tree.pid !== undefined) this.#resources.leaders.delete(this.#tree.pid);
    this.#pipes.close();
    this.#streams.close();
    this.#startMarker.close();
  }
}

/** A debugger follows the worker of a slot: a service would wait for one at the same port, and that for ever. */
function argumentsFor({ slot }: Place, execArgv: readonly string[]): readonly string[] {
  return slot === undefined ? execArgv.filter((argument) => !argument.startsWith('--inspect')) : execArgv;
}

/** Slots have numbers that are free for the attempt in them; a service has none. */
function slotVariable({ slot }: Place): Readonly<Record<string, string>> {
  return slot === undefined ? {} : { PEXEN_SLOT: String(slot) };
}

function withOutput(how: string, output: string): string {
  const printed = output.trim();
  return printed === '' ? how : `${how}\n${printed}`;
}

// The output of the bodies of a worker: reported while they run, and split by the sizes of the files at their ends.

/** Where in the files an attempt's output ends. */
export interface OutputEnds {
  readonly stdout: number;
  readonly stderr: number;
}

/** Reports output. */
export type ReportUpdate = (update: TaskUpdate) => void;

export interface Output {
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
}

/** A file that is larger than that is emptied when no attempt runs, bytes. */
const emptiedAt = 1024 * 1024;

export class WorkerStreams {
  readonly stdout: Capture;
  readonly stderr: Capture;

  /** `name` is used by no other worker of the pool. */
  constructor(folder: string, name: string, limits: CaptureLimits, holePuncher: HolePuncher) {
    const [stdout, stderr] = allOrNone(
      ['stdout', 'stderr'].map(
        (stream) => () => new Capture(join(folder, `${name}-${stream}`), limits, holePuncher),
      ),
    );
    this.stdout = stdout as Capture;
    this.stderr = stderr as Capture;
  }

  /** The output until now belongs to no attempt. */
  begin(): void {
    this.stdout.begin();
    this.stderr.begin();
  }

  /** Reports the output since the last call. */
  report(report: ReportUpdate, ends?: OutputEnds): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = this[stream].readNew(ends?.[stream]);
      if (text !== '') report({ kind: 'output', stream, text });
    }
  }

  /** Reports the rest of an attempt's output, and returns all of it. `isIdle`: no attempt runs in the worker now. */
  finish(report: ReportUpdate, ends: OutputEnds, isIdle: boolean): Output {
    if (this.stdout.isAt(ends.stdout) && this.stderr.isAt(ends.stderr)) return silence;
    this.report(report, ends);
    return {
      stdout: finish(this.stdout, ends.stdout, isIdle),
      stderr: finish(this.stderr, ends.stderr, isIdle),
    };
  }

  /** The same for a worker that is gone. */
  last(report: ReportUpdate): Output {
    return this.finish(report, { stdout: this.stdout.size, stderr: this.stderr.size }, true);
  }

  close(): void {
    this.stdout.close();
    this.stderr.close();
  }
}

const silence: Output = {};

function finish(capture: Capture, end: number, isIdle: boolean): CapturedOutput {
  const trueEnd = capture.isCut ? capture.size : end;
  return capture.finishAt(trueEnd, isIdle && trueEnd > emptiedAt);
}
