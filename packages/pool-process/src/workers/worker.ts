/** What goes on in a worker process: bodies run one after the other, and the host hears of each as soon as there is news. */

import { fstatSync } from 'node:fs';
import process from 'node:process';
import type { TaskUpdate } from '@pexen/core';
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

/** How many turns of the event loop what is being closed may take. */
const closingTurns = 5;

/** After so long without a look at the host's messages, ms, we look before the next attempt begins. */
const lookAfterMs = 1;
/** How long what the last body left behind may take before the worker leaves, ms. */
const leavingMs = 250;

const { pid } = process;
const channel = new Channel(3, 4);
const mark = new StartMarker(5);
let isToFlush = false;

/** Says it, after all that was held back. */
function send(message: FromWorker): void {
  channel.send(message);
}

/** Says it once all has been done that can be done at once: a body that has ended by then costs one message less. */
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

/** Every attempt begins there. */
const home = own.currentFolder();

/** An attempt that was sent and has not begun. */
interface Sent {
  readonly id: number;
  readonly envelope: AssignmentEnvelope;
}

class WorkerSide {
  readonly #queue: Sent[] = [];
  readonly #addresses = new Map<number, BodyAddress>();
  #current: Current | undefined;
  #lookedAtMs = 0;
  /** The next one is about to begin without being asked again. */
  #isPumping = false;
  /** It begins no further attempt: what ran in it may disturb what would run. */
  #isSpoiled = false;
  readonly #gaps = new Gaps();

  start(): void {
    watchErrors();
    const hear = (message: unknown): void => asWorker(() => this.#hear(message as ToWorker));
    channel.listen(hear, endWithHost);
    process.on('uncaughtExceptionMonitor', (error) => send({ is: 'dying', why: describe(error) }));
    // The processes that a body started are in our group, and are told directly.
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
   * Begins the next attempt if none is running: soon, so that what the host said meanwhile is heard first. Between two of them
   * that takes a turn of the event loop; when it was idle, what came in one go is heard in one go.
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

  /** Runs it, and then those behind it until it is time to look at the host's messages. */
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
   * What was closed a moment ago is open for some more turns of the event loop, and so is a connection that `fetch` keeps
   * without waiting for it: only what is open after them was left open. One turn is always taken: what surfaces by then fails the body.
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

  /** An error surfaced of a body that had ended. */
  late(error: LateError): void {
    this.#spoil({ is: 'late', error });
  }

  /** A body that failed may go on. */
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

  /** Says how it ended, and gives the one that begins at once. */
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

  /** Calls back when its body has ended; `isQuiet`: what can surface of it does so before the next callback. */
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

  /** The host has been told. */
  started(): void {}

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

  /** What is open now and was not when it began. */
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

/** Without what is said as well by leaving it out: the message is smaller, and plain more often. */
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

/** Ends in an orderly way: what is pending may still throw, but not for long. */
async function leave(): Promise<void> {
  await untilQuiet(leavingMs);
  own.endProcess(0);
}

/** The body closed what we hear the host by: another worker is better than a deaf one. */
function dieSilently(): void {
  own.sendSignal(pid, 'SIGKILL');
}

/** The host is gone: so must be all that came of it. We lead a group of our own. */
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

// Which handles a body left open: what keeps the event loop alive now and did not before.

/** Taken when it begins; asked when it ends. Costs a tenth of a microsecond where few are open. */
export class OpenHandles {
  readonly #before: readonly string[] = own.activeResources();

  /** The kinds of those that are open now and were not, one entry each. */
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

  /** A server that was open before may have accepted it: that is of the task that opened the server. */
  #isAccepted(kind: string): boolean {
    const server = servers.get(kind);
    return server !== undefined && this.#before.includes(server);
  }
}

const servers: ReadonlyMap<string, string> = new Map([
  ['TCPSocketWrap', 'TCPServerWrap'],
  ['PipeWrap', 'PipeServerWrap'],
]);

/** Requests that are about to be over by themselves, and our own. */
const transient: ReadonlySet<string> = new Set([
  'Immediate',
  'FSReqCallback',
  'FSReqPromise',
  'CloseReq',
  'TickObject',
  'WriteWrap',
  'ShutdownWrap',
]);

// The program of a worker process. It is told what to do on fd 3, and answers on fd 4.

new WorkerSide().start();
