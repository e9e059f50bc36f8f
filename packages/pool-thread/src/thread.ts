/**
 * The host's end of one thread: sends it attempts, hears of them, stops it, and settles what it has when it ends. Knows no
 * other thread and no Piscina.
 */
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import type { PoolOutcome } from '@pexen/core';
import { startTimer } from '@pexen/core/timers';
import {
  type AssignmentEnvelope,
  decodeOutcome,
  decodeThrown,
  encodeAssignment,
  encodeThrown,
  refusedByTransport,
} from '@pexen/pool-kit';
import { Bell } from './bell.ts';
import { Claims, distance, numberAfter } from './claims.ts';
import { Depth } from './depth.ts';
import type { Flight } from './flight.ts';
import { threadBorder } from './move.ts';
import { pack } from './packing.ts';
import { type FromThread, laid, type Startup, type ToThread } from './protocol.ts';
import { Tray } from './tray.ts';

/** What a thread tells its pool. */
export interface ThreadListener {
  /** It can take attempts. */
  ready(thread: Thread): void;
  /** An attempt of it has ended. */
  freed(thread: Thread): void;
  /** An error surfaced in it of a body that had ended. */
  late(thread: Thread, tasks: readonly string[], error: unknown): void;
  /** Attempts that it must not begin any more, to be sent to others. */
  returned(flights: readonly Flight[]): void;
  /** It is gone, or given up; its attempts are settled. */
  ended(thread: Thread, ending: ThreadEnding): void;
}

/** `asked`: the pool ended it. `died`: it ended by itself. `stuck`: it was to be ended, and cannot be. */
export interface ThreadEnding {
  readonly how: 'asked' | 'died' | 'stuck';
  readonly reason: string;
}

/** How long a body has after a timeout that never read its signal, ms. */
const hastyMs = 250;
/** How long a thread may take to be gone, ms. */
const endingMs = 2_000;
/** How long a thread may take to say that nothing is pending in it, ms: a little longer than it waits for that. */
const leavingMs = 500;

export class Thread {
  readonly name: string;
  readonly #listener: ThreadListener;
  readonly #terminate = new AbortController();
  readonly #port: MessagePort;
  readonly #remotePort: MessagePort;
  readonly #claims = new Claims();
  readonly #bell = new Bell();
  readonly #tray = new Tray();
  readonly #depth = new Depth();
  /** By number, in the order in which they were sent. */
  readonly #flights = new Map<number, Flight>();
  #next = 1;
  #isReady = false;
  /** It is sent no further attempt, and ends when it has none. */
  #isRetired = false;
  readonly #hasLeft = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #ending: ThreadEnding | undefined;
  /** What must both be seen before it has ended: its port closed, and Piscina let go of it. */
  readonly #leftToSee: Set<'port' | 'task'> = new Set(['port', 'task']);
  #isSettled = false;
  #cancelGrace: (() => void) | undefined;
  #cancelGivingUp: (() => void) | undefined;

  constructor(name: string, listener: ThreadListener) {
    this.name = name;
    this.#listener = listener;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#remotePort = port2;
    port1.on('message', (message: FromThread) => this.#hear(message));
    port1.on('messageerror', (error) => this.end({ how: 'died', reason: `cannot read it: ${error}` }));
    port1.on('close', () => this.#see('port'));
  }

  /** What `work` in the thread is to be given, and what of it is moved there. */
  startup(inheritsOutput: boolean): { readonly startup: Startup; readonly moved: Transferable[] } {
    const port = this.#remotePort;
    const shared = { claims: this.#claims.memory, bell: this.#bell.memory, tray: this.#tray.memory };
    return { startup: { port, ...shared, inheritsOutput }, moved: [port] };
  }

  /** Aborted when the thread is to be terminated. */
  get termination(): AbortSignal {
    return this.#terminate.signal;
  }

  /** Resolves when it certainly has ended; also that of a thread which was given up. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  get hasBeenReady(): boolean {
    return this.#isReady;
  }

  /** How many attempts it has, begun or not. */
  get load(): number {
    return this.#flights.size;
  }

  /** How many more it may be sent now. */
  get room(): number {
    return this.#isReady && !this.#isRetired && this.#ending === undefined
      ? this.#depth.value - this.load
      : 0;
  }

  /** Sends attempts, to be begun one after the other. */
  send(flights: readonly Flight[]): void {
    if (this.load === 0) this.#depth.busyAgain(performance.now());
    const first = this.#next;
    for (const flight of flights) {
      this.#flights.set(this.#next, flight);
      this.#next = numberAfter(this.#next, 1);
    }
    const moved: object[] = [];
    const border = threadBorder(moved);
    const envelopes = flights.map(({ assignment }) => encodeAssignment(assignment, 'threads', border));
    try {
      this.#postRun(first, envelopes, moved);
    } catch {
      this.#sendSingly(flights, first);
    }
  }

  /** One of several could not be cloned, for a reason that only cloning finds: it must not keep the others. */
  #sendSingly(flights: readonly Flight[], first: number): void {
    for (const [index, { assignment }] of flights.entries()) {
      const moved: object[] = [];
      const envelope = encodeAssignment(assignment, 'threads', threadBorder(moved));
      const number = numberAfter(first, index);
      try {
        this.#postRun(number, [envelope], moved);
      } catch (error) {
        this.#postRun(number, [refusal(envelope, error)], []);
      }
    }
  }

  #postRun(first: number, envelopes: readonly AssignmentEnvelope[], moved: readonly object[]): void {
    const packed = pack(envelopes);
    const isPacked = packed !== undefined;
    const { epoch } = this.#claims;
    this.#post({ type: 'run', epoch, first, attempts: packed ?? envelopes, isPacked }, moved);
  }

  /** Tells the tickets of the attempts that have begun meanwhile. True if some have not. */
  notice(): boolean {
    const { begun } = this.#claims;
    for (const [number, flight] of this.#flights) {
      if (distance(number, begun) < 0) return true;
      flight.start(this.name);
    }
    return false;
  }

  /** Settles what has ended, whether the thread could say so yet or not. */
  takeOutcomes(): void {
    this.#tray.takeAll((number, value) => this.#ended(number, { kind: 'returned', value }));
  }

  /** Takes back all that it has not begun; those will not begin here. */
  takeBack(): Flight[] {
    this.#claims.takeBack();
    const { begun } = this.#claims;
    const back: Flight[] = [];
    for (const [number, flight] of this.#flights) {
      if (distance(number, begun) >= 0) continue;
      this.#flights.delete(number);
      back.push(flight);
    }
    return back;
  }

  has(flight: Flight): boolean {
    return this.#numberOf(flight) !== undefined;
  }

  /** Asks the body of this attempt, which has begun, to stop, and ends the thread if it does not within its grace. */
  stop(flight: Flight): void {
    const number = this.#numberOf(flight);
    if (number === undefined || this.#ending !== undefined) return;
    this.#post({ type: 'abort', number, reason: encodeThrown(flight.ticket.signal.reason) });
    const reason = 'its body did not stop within its grace';
    this.#cancelGrace = startTimer(this.#graceOf(flight, number), () => this.end({ how: 'asked', reason }));
  }

  /** A body that never read its signal cannot heed it: after a timeout it gets its grace only where one is stated. */
  #graceOf({ assignment, ticket }: Flight, number: number): number {
    const { graceMs, isDefaultGrace, part, definition } = assignment;
    const isTimeout =
      (ticket.signal.reason as { readonly name?: unknown } | undefined)?.name === 'TimeoutError';
    const mayHeed = isDefaultGrace !== true || part !== 'body' || definition.meta.cleanup !== undefined;
    return !isTimeout || mayHeed || this.#claims.hasReadSignal(number) ? graceMs : Math.min(hastyMs, graceMs);
  }

  /** Lets what its last body left behind surface, for a moment. It must have nothing to do. */
  async leave(): Promise<void> {
    if (!this.#isReady || this.#ending !== undefined) return;
    this.#post({ type: 'leave' });
    const cancel = startTimer(leavingMs, () => this.#hasLeft.resolve());
    await this.#hasLeft.promise;
    cancel();
  }

  /** Terminates it. What runs in it is settled when it is gone, or has turned out to be stuck. */
  end(ending: ThreadEnding): void {
    if (this.#ending !== undefined) return;
    this.expectEnd(ending);
    this.#terminate.abort();
  }

  /** It is being ended from outside. */
  expectEnd(ending: ThreadEnding): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#cancelGrace?.();
    this.#cancelGivingUp ??= startTimer(endingMs, () => this.#giveUp());
  }

  /** Piscina has let go of it, for this reason. */
  letGo(reason: string): void {
    this.expectEnd({ how: 'died', reason });
    if (!this.#isReady) this.#port.close();
    this.#see('task');
  }

  #hear(message: FromThread): void {
    if (message === laid) {
      this.takeOutcomes();
      return;
    }
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        this.#listener.ready(this);
        return;
      case 'news': {
        const flight = this.#flights.get(message.number);
        flight?.start(this.name);
        for (const news of message.news) flight?.tell(news);
        this.#post({ type: 'taken', number: message.number });
        return;
      }
      case 'ended':
        if (this.#isBrokenOff(message)) return;
        this.#ended(message.number, decodeOutcome(message.outcome, this.name));
        return;
      case 'late':
        this.#listener.late(this, message.error.tasks, decodeThrown(message.error.error, this.name));
        this.#retire();
        return;
      case 'spoiled':
        this.#retire();
        return;
      case 'left':
        this.#hasLeft.resolve();
        return;
      default:
        message satisfies never;
    }
  }

  /**
   * What it was at when it was ended: where V8 breaks off a module that is being loaded, those that import it go on for a moment, find
   * that it gives nothing, and fail. That is no outcome of theirs.
   */
  #isBrokenOff({ number, outcome }: Extract<FromThread, { readonly type: 'ended' }>): boolean {
    return this.#ending?.how === 'asked' && outcome.kind === 'threw' && number === this.#claims.begun;
  }

  #ended(number: number, outcome: PoolOutcome): void {
    const flight = this.#flights.get(number);
    if (flight === undefined) return;
    this.#flights.delete(number);
    this.#cancelGrace?.();
    this.#depth.ended(performance.now());
    flight.start(this.name);
    flight.land(outcome);
    this.#endIfRetired();
    this.#listener.freed(this);
  }

  /** What ran in it may disturb what would run: another one takes its place once it has nothing to do. */
  #retire(): void {
    this.#isRetired = true;
    this.#listener.returned(this.takeBack());
    this.#endIfRetired();
  }

  #endIfRetired(): void {
    if (this.#isRetired && this.load === 0) this.end({ how: 'asked', reason: 'it was replaced' });
  }

  #see(what: 'port' | 'task'): void {
    this.#leftToSee.delete(what);
    if (this.#leftToSee.size === 0) this.#settle(this.#ending ?? { how: 'died', reason: 'it ended' });
    else this.#cancelGivingUp ??= startTimer(endingMs, () => this.#giveUp());
  }

  #giveUp(): void {
    const reason =
      'it is stuck in native code and cannot be ended; it was replaced, and may still do something';
    this.#settle(
      this.#leftToSee.has('port') ? { how: 'stuck', reason } : (this.#ending ?? { how: 'died', reason }),
    );
  }

  #settle(ending: ThreadEnding): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#hasLeft.resolve();
    this.#cancelGivingUp?.();
    this.#cancelGrace?.();
    this.#port.removeAllListeners();
    if (ending.how === 'stuck') {
      this.#port.once('close', () => this.#gone.resolve());
      this.#port.unref();
    } else {
      this.#port.close();
      this.#gone.resolve();
    }
    this.takeOutcomes();
    for (const flight of this.takeBack())
      flight.giveBack(`the thread it waited in has ended: ${ending.reason}`);
    for (const flight of this.#flights.values()) {
      flight.start(this.name);
      flight.land(outcomeOf(ending, flight, this.gone));
    }
    this.#flights.clear();
    this.#listener.ended(this, ending);
  }

  #numberOf(flight: Flight): number | undefined {
    for (const [number, each] of this.#flights) if (each === flight) return number;
    return undefined;
  }

  #post(message: ToThread, moved: readonly object[] = []): void {
    this.#port.postMessage(message, moved as readonly Transferable[]);
    this.#bell.ring();
  }
}

function refusal({ path, attempt }: AssignmentEnvelope, error: unknown): AssignmentEnvelope {
  const outcome = refusedByTransport(path, error);
  return { path, attempt, refusal: encodeThrown('error' in outcome ? outcome.error : error) };
}

/** Only what was asked to stop was stopped: the others lost their thread. `gone` resolves when the thread certainly has ended. */
function outcomeOf({ how, reason }: ThreadEnding, flight: Flight, gone: Promise<void>): PoolOutcome {
  const { output, ticket } = flight;
  if (how === 'died' || !ticket.signal.aborted) return { kind: 'crashed', reason, ...output };
  if (how === 'stuck') return { kind: 'stopped', how: 'abandoned', settled: gone, ...output };
  return { kind: 'stopped', how: 'killed', step: 'ended with its thread', ...output };
}
