/** The program of a worker process: runs bodies one after the other, and reports their updates and outcomes to the host. */

import { fstatSync } from 'node:fs';
import process from 'node:process';
import type { ReadyFacts, TaskUpdate } from '@pexen/core';
import {
  type AssignmentEnvelope,
  type BodyAddress,
  decodeThrown,
  encodeOutcome,
  type OutcomeEnvelope,
  refusedByTransport,
  type ThrownWire,
} from '@pexen/pool-kit';
import {
  asWorker,
  BodyAttempt,
  CreditedSender,
  Gaps,
  type LateError,
  own,
  recordModules,
  untilQuiet,
  type WorkerLink,
  watchErrors,
} from '@pexen/pool-kit/worker';
import { Channel } from '../channel.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { StartMarker } from './start-marker.ts';

/** How many turns of the event loop closing handles may take. */
const closingTurns = 5;

/** Messages of the host are read before the next attempt starts if they were not for so long, ms. */
const lookAfterMs = 1;
/** How long the worker waits for pending timers and requests of its last body before it leaves, ms. */
const leavingMs = 250;

const { pid } = process;
const channel = new Channel(3, 4);
const mark = new StartMarker(5);
let isToFlush = false;

/** Sends a message, after all that were held. */
function send(message: FromWorker): void {
  channel.send(message);
}

/** Sends a message at the end of the current synchronous code: a body that has ended by then costs one message less. */
function sendSoon(message: FromWorker): void {
  channel.hold(message);
  if (isToFlush) return;
  isToFlush = true;
  own.nextTick(flush);
}

function flush(): void {
  isToFlush = false;
  channel.flush();
}

/** The working directory in which every attempt starts. */
const home = own.currentFolder();

/** An attempt that was sent and has not started. */
interface Sent {
  readonly id: number;
  readonly envelope: AssignmentEnvelope;
}

class WorkerSide {
  readonly #queue: Sent[] = [];
  readonly #addresses = new Map<number, BodyAddress>();
  #current: Current | undefined;
  #lookedAtMs = 0;
  /** The start of the next attempt is scheduled. */
  #isPumping = false;
  /** It starts no further attempt: an earlier body may disturb it. */
  #isSpoiled = false;
  readonly #gaps = new Gaps();

  start(): void {
    watchErrors();
    const hear = (message: unknown): void => asWorker(() => this.#hear(message as ToWorker));
    channel.listen(hear, endWithHost);
    process.on('uncaughtExceptionMonitor', (error) => send({ is: 'dying', why: describe(error) }));
    // The processes of a body are in the same group, and get the signal directly.
    process.on('SIGTERM', () =>
      asWorker(() => this.#current?.abort(new Error('The worker was asked to stop.'))),
    );
    send({ is: 'ready' });
  }

  #hear(message: ToWorker): void {
    switch (message.do) {
      case 'run':
        this.#take(message);
        break;
      case 'abort':
        if (this.#current?.id === message.id) this.#current.abort(reasonOf(message.reason));
        break;
      case 'record-modules':
        recordModules();
        break;
      case 'reclaim':
        this.#return(message.id);
        break;
      case 'credit':
        if (this.#current?.id === message.id) this.#current.credited(message.batches);
        break;
      case 'leave':
        void leave();
        break;
      default:
        message satisfies never;
    }
  }

  #take({ id, at, address, envelope }: Extract<ToWorker, { do: 'run' }>): void {
    if (address !== undefined) this.#addresses.set(at, address);
    const known = this.#addresses.get(at);
    this.#queue.push({ id, envelope: known === undefined ? envelope : { ...envelope, address: known } });
    if (this.#isSpoiled) this.#returnAll();
    else this.#pump(true);
  }

  #return(id: number): void {
    const at = this.#queue.findIndex((sent) => sent.id === id);
    if (at === -1) return;
    this.#queue.splice(at, 1);
    send({ is: 'returned', id });
  }

  /**
   * Schedules the next attempt if none is running, so that messages of the host are read first. Between two attempts
   * that takes a turn of the event loop; an idle worker reads the messages of one chunk together.
   */
  #pump(wasIdle: boolean): void {
    if (this.#current !== undefined || this.#isPumping || this.#queue.length === 0) return;
    this.#isPumping = true;
    if (wasIdle) own.soon(this.#startNext);
    else own.later(this.#startNext);
  }

  readonly #startNext = (): void => {
    this.#isPumping = false;
    this.#lookedAtMs = own.now();
    const next = this.#queue.shift();
    if (next === undefined) return;
    if (mark.set(next.id)) sendSoon({ is: 'started', id: next.id });
    else send({ is: 'started', id: next.id });
    this.#runFrom(next);
  };

  /** Runs the attempt, and then the next ones until it is time to read the host's messages. */
  #runFrom(sent: Sent): void {
    const current = new Current(sent, this);
    this.#current = current;
    const goOn = (): void => {
      const next = this.#end(current);
      if (next !== undefined) this.#runFrom(next);
    };
    current.run((isQuiet) => {
      if (isQuiet) this.#gaps.next(goOn, this.#queue.length);
      else void this.#closing(current, goOn);
    });
  }

  /**
   * Handles that were just closed stay open for some more turns of the event loop, and so do connections that `fetch` keeps
   * without waiting for them: only handles that are open after these turns were left open. One turn is always taken: errors that surface by then
   * fail the body.
   */
  async #closing(current: Current, goOn: () => void): Promise<void> {
    let turns = 0;
    do await nextTurn();
    while (++turns < closingTurns && current.leavesOpen().length > 0);
    goOn();
  }

  #rest(): void {
    if (!channel.isOpen) dieSilently();
    this.#pump(false);
  }

  /** An error surfaced after its body had ended. */
  late(error: LateError): void {
    this.#spoil({ is: 'late', error });
  }

  /** A failed body may still run. */
  spoiled(): void {
    this.#spoil({ is: 'spoiled' });
  }

  #spoil(message: FromWorker): void {
    this.#isSpoiled = true;
    send(message);
    this.#returnAll();
  }

  #returnAll(): void {
    for (const { id } of this.#queue.splice(0)) send({ is: 'returned', id });
  }

  /** Reports how it ended, and returns the attempt that starts at once. */
  #end(current: Current): Sent | undefined {
    const outcome = current.conclude();
    const isTimeToLook = own.now() - this.#lookedAtMs > lookAfterMs;
    const next = isTimeToLook ? undefined : this.#queue.shift();
    this.#current = undefined;
    if (own.currentFolder() !== home) own.changeFolder(home);
    current.end(outcome, next?.id);
    if (next === undefined) this.#rest();
    return next;
  }
}

/** The attempt that runs. */
class Current implements WorkerLink {
  readonly id: number;
  readonly #path: string;
  readonly #handles = new OpenHandles();
  readonly #body: BodyAttempt;
  readonly #worker: WorkerSide;
  #controller: AbortController | undefined;
  #updates: CreditedSender | undefined;

  constructor({ id, envelope }: Sent, worker: WorkerSide) {
    this.id = id;
    this.#path = envelope.path;
    this.#worker = worker;
    this.#body = new BodyAttempt(envelope, this);
  }

  get signal(): AbortSignal {
    this.#controller ??= new own.OwnAbortController();
    return this.#controller.signal;
  }

  /** Calls back when its body has ended; `isQuiet`: its uncaught errors surface before the next callback of the event loop. */
  run(whenEnded: (isQuiet: boolean) => void): void {
    this.#body.run(() => whenEnded(this.#body.isQuiet));
  }

  conclude(): OutcomeEnvelope {
    return this.#body.conclude();
  }

  signalRead(): void {
    mark.setSignalRead(this.id);
  }

  late(error: LateError): void {
    this.#worker.late(error);
  }

  spoiled(): void {
    this.#worker.spoiled();
  }

  /** The start was reported before. */
  started(): void {}

  ready(facts: ReadyFacts): void {
    send({ is: 'service-ready', id: this.id, facts });
  }

  report(update: TaskUpdate): void {
    this.#updates ??= new CreditedSender({
      send: (batch) => send({ is: 'updates', id: this.id, updates: batch }),
    });
    this.#updates.send(update);
  }

  credited(batches: number): void {
    for (let batch = 0; batch < batches; batch++) this.#updates?.credited();
  }

  abort(reason: unknown): void {
    this.#controller ??= new own.OwnAbortController();
    const controller = this.#controller;
    this.#body.within(() => controller.abort(reason));
  }

  /** The kinds of handles that are open now and were not when it started. */
  leavesOpen(): string[] {
    return this.#handles.opened();
  }

  end(outcome: OutcomeEnvelope, next: number | undefined): void {
    this.#updates?.flush();
    const left = this.leavesOpen();
    const facts = {
      id: this.id,
      out: sizeOf(1),
      err: sizeOf(2),
      ...(left.length > 0 && { left }),
      ...(next !== undefined && { next }),
    };
    try {
      send({ is: 'ended', outcome: lean(outcome), ...facts });
    } catch (error) {
      const instead = encodeOutcome(refusedByTransport(this.#path, error, outcome), this.#path);
      send({ is: 'ended', outcome: instead, ...facts });
    }
  }
}

/** Without entries that are defaults: the message is smaller, and JSON suffices more often. */
function lean(outcome: OutcomeEnvelope): OutcomeEnvelope {
  const { provided, ...rest } = outcome;
  const kept = provided === undefined || provided.length === 0 ? rest : outcome;
  if (kept.kind !== 'returned' || kept.value !== undefined) return kept as OutcomeEnvelope;
  const { value: _, ...nothing } = kept;
  return nothing as OutcomeEnvelope;
}

function reasonOf(wire: ThrownWire): unknown {
  return decodeThrown(wire, 'host');
}

/** Bytes in the file behind a descriptor; 0 if the body closed it. */
function sizeOf(fd: number): number {
  try {
    return fstatSync(fd).size;
  } catch {
    return 0;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void own.later(resolve));
}

/** Ends in an orderly way: pending timers and requests get a short time, since they may throw. */
async function leave(): Promise<void> {
  await untilQuiet(leavingMs);
  own.endProcess(0);
}

/** The body closed the descriptor of the host's messages: this worker must be replaced. */
function dieSilently(): void {
  own.sendSignal(pid, 'SIGKILL');
}

/** The host is gone: ends this process group, which this process leads. */
function endWithHost(): void {
  try {
    own.sendSignal(-pid, 'SIGKILL');
  } finally {
    own.endProcess(1);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

// Which handles a body left open: those that keep the event loop alive now and did not before.

/** Created when a body starts, read when it ends. Costs a tenth of a microsecond where few handles are open. */
export class OpenHandles {
  readonly #before: readonly string[] = own.activeResources();

  /** The kinds of the handles that are open now and were not, one entry for each handle. */
  opened(): string[] {
    const now = own.activeResources();
    if (now.length <= this.#before.length) return [];
    const before = [...this.#before];
    return now.filter((kind) => {
      if (transient.has(kind) || this.#isAccepted(kind)) return false;
      const at = before.indexOf(kind);
      if (at !== -1) before.splice(at, 1);
      return at === -1;
    });
  }

  /** A server that was open before may have accepted it: it belongs to the task that opened the server. */
  #isAccepted(kind: string): boolean {
    const server = servers.get(kind);
    return server !== undefined && this.#before.includes(server);
  }
}

const servers: ReadonlyMap<string, string> = new Map([
  ['TCPSocketWrap', 'TCPServerWrap'],
  ['PipeWrap', 'PipeServerWrap'],
]);

/** Requests that end by themselves, and those of this program. */
const transient: ReadonlySet<string> = new Set([
  'Immediate',
  'FSReqCallback',
  'FSReqPromise',
  'CloseReq',
  'TickObject',
  'WriteWrap',
  'ShutdownWrap',
]);

// Reads messages on fd 3, and answers on fd 4.

new WorkerSide().start();
