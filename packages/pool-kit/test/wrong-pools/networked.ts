/**
 * A right pool over a network that may lose, delay and duplicate messages, to be made wrong. Its "machines" are objects of this process, each
 * with a thread for the bodies; but host and machine share nothing except the messages that go through the faults of the kit.
 *
 * Messages are numbered, acknowledged and sent again. A machine runs bodies only as long as its lease lasts: it asks for a longer one with
 * every message, and the host grants it by its answer. So the host knows without hearing anything when a machine that it gave up
 * has ended what it ran. Time is counted in beats of this thread, so that a busy machine cuts nothing off.
 */
import { Worker } from 'node:worker_threads';
import type { Pool, PoolManifest } from '@pexen/core';
import {
  type Connection,
  type ConnectionEvents,
  type Connector,
  MessageConnection,
  SlotEngine,
} from '@pexen/pool-kit';
import type { NetworkFaults } from '@pexen/pool-kit/conformance';

/** What the connections of a networked pool do otherwise than they should. */
export interface Slips {
  /** Takes a message that comes twice for two. */
  readonly takesTwins?: true;
  /** Gives a worker up as soon as a message is late. */
  readonly isHasty?: true;
  /** Never says that it is back. */
  readonly hidesReturn?: true;
  /** Does not send again the outcomes that got lost. */
  readonly forgetsOutcomes?: true;
  /** Calls a body fenced that may still run. */
  readonly fencesAtOnce?: true;
  /** Waits forever for a worker that is out of reach. */
  readonly neverGivesUp?: true;
  /** Reports a worker as gone that may have started attempts without a report. */
  readonly callsItGone?: true;
  /** Reports attempts as unstarted although their worker does not answer. */
  readonly guessesReturns?: true;
  /** Takes silence for the answer that an attempt will not start. */
  readonly trustsSilence?: true;
  /** Is closed only when each worker that it ends by then has said that it has ended. */
  readonly waitsForFarewells?: true;
}

/** In beats: how long without a message until a worker is out of reach, until it is given up, and how long a lease lasts. */
const timeouts = { away: 8, lost: 30 };
const leaseBeats = 40;
const beatMs = 20;

export function networked(faults: NetworkFaults, slips: Slips = {}): Pool {
  return new SlotEngine(new NetworkConnector(faults, slips));
}

export class NetworkConnector implements Connector {
  readonly manifest: PoolManifest = {
    name: 'networked',
    kills: true,
    transport: 'clone',
    closures: false,
    executables: false,
  };
  readonly slots = 2;
  readonly #faults: NetworkFaults;
  readonly #slips: Slips;
  readonly #hosts: Host[] = [];
  #connected = 0;

  constructor(faults: NetworkFaults, slips: Slips) {
    this.#faults = faults;
    this.#slips = slips;
  }

  connect(slot: number, events: ConnectionEvents): Connection {
    const name = `machine ${slot}, worker ${++this.#connected}`;
    const host = new Host(name, this.#faults, this.#slips, events);
    this.#hosts.push(host);
    return host.connection;
  }

  async close(): Promise<void> {
    const hosts = this.#hosts.splice(0);
    if (this.#slips.waitsForFarewells) await Promise.all(hosts.map(({ farewell }) => farewell.promise));
  }
}

/** A message on its way: its number (0: only a sign of life), how far the other side has been heard, and the beat of the lease. */
interface Frame {
  readonly number: number;
  readonly heardUpTo: number;
  readonly message: unknown;
  /** From the machine: its beat. From the host: the beat that it answers. */
  readonly beat: number;
}

/** One end of a connection: what was not acknowledged is sent again with each beat. */
class Channel {
  #sent = 0;
  #heard = 0;
  #unheard: { readonly number: number; readonly message: unknown }[] = [];
  readonly #transmit: (frame: Frame) => void;
  readonly #hear: (message: unknown) => void;
  readonly #takesTwins: boolean;
  readonly #taken = new WeakSet<Frame>();
  beat = 0;

  constructor(transmit: (frame: Frame) => void, hear: (message: unknown) => void, takesTwins = false) {
    this.#transmit = transmit;
    this.#hear = hear;
    this.#takesTwins = takesTwins;
  }

  send(message: unknown): void {
    const each = { number: ++this.#sent, message: structuredClone(message) };
    this.#unheard.push(each);
    this.#send(each);
  }

  /** Says that it is there, and everything that the other side has not heard. */
  sendAgain(): void {
    this.#send({ number: 0, message: undefined });
    for (const each of this.#unheard) this.#send(each);
  }

  /** Gives up what was not heard, where that is wanted. */
  forget(isToForget: (message: unknown) => boolean): void {
    this.#unheard = this.#unheard.map((each) =>
      isToForget(each.message) ? { number: each.number, message: undefined } : each,
    );
  }

  take(frame: Frame): void {
    const { number, heardUpTo, message } = frame;
    this.#unheard = this.#unheard.filter((each) => each.number > heardUpTo);
    if (this.#takesTwins && this.#taken.has(frame) && message !== undefined) this.#hear(message);
    if (number !== this.#heard + 1) return;
    this.#taken.add(frame);
    this.#heard = number;
    if (message !== undefined) this.#hear(message);
  }

  #send({ number, message }: { readonly number: number; readonly message: unknown }): void {
    this.#transmit({ number, message, heardUpTo: this.#heard, beat: this.beat });
  }
}

const isOutcome = (message: unknown): boolean =>
  (message as { readonly message?: { readonly is?: string } } | undefined)?.message?.is === 'ended';

type ToMachine = { readonly message: unknown } | { readonly end: string };
type FromMachine = { readonly message: unknown } | { readonly ended: string };

/** The host's end. */
class Host {
  readonly connection: MessageConnection;
  /** The machine has reported its end, or nothing waits for that. */
  readonly farewell = Promise.withResolvers<void>();
  readonly #events: ConnectionEvents;
  readonly #slips: Slips;
  readonly #channel: Channel;
  readonly #machine: Machine;
  readonly #beating = setInterval(() => this.#beat(), beatMs);
  #beatsInSilence = 0;
  /** Since it answered the machine last, and made its lease longer by that. */
  #beatsSinceGrant = 0;
  #isAway = false;
  #isLost = false;
  /** It is being ended: its lease is not made longer. */
  #isEnding = false;
  #isOver = false;
  #whenLeaseOver: (() => void) | undefined;

  constructor(name: string, faults: NetworkFaults, slips: Slips, events: ConnectionEvents) {
    this.#events = events;
    this.#slips = slips;
    this.#machine = new Machine(slips, (frame) => faults.fromWorker(name, () => this.#take(frame)));
    this.#channel = new Channel(
      (frame) => faults.toWorker(name, () => this.#machine.take(frame)),
      (message) => this.#hear(message as FromMachine),
      slips.takesTwins,
    );
    const send = (message: unknown): void => this.#channel.send({ message });
    this.connection = new MessageConnection(
      {
        name,
        pool: 'networked',
        mayFallSilent: slips.trustsSilence !== true,
        send,
        kill: (cause) => this.#end(cause),
      },
      events,
    );
    if (slips.guessesReturns)
      this.connection.reclaim = (numbers) => {
        send({ do: 'reclaim', numbers });
        if (this.#isAway) for (const number of numbers) events.returned(number);
        return undefined;
      };
  }

  #take(frame: Frame): void {
    if (this.#isOver || this.#isLost) return; // What comes of a worker that was given up counts no more.
    this.#beatsInSilence = 0;
    if (this.#isAway) {
      this.#isAway = false;
      if (!this.#slips.hidesReturn) this.#events.reconnected('same');
    }
    this.#channel.take(frame);
    if (frame.number !== 0 || this.#isEnding) return;
    this.#channel.beat = frame.beat;
    this.#beatsSinceGrant = 0;
    this.#channel.sendAgain();
  }

  #hear(message: FromMachine): void {
    if ('ended' in message) {
      this.farewell.resolve();
      this.#gone(message.ended);
    } else this.connection.hear(message.message);
  }

  #beat(): void {
    this.#beatsSinceGrant++;
    // The machine ends what it runs by itself; that it has done so takes a moment of this thread.
    if (this.#beatsSinceGrant > leaseBeats) void this.#machine.ended.then(() => this.#leaseOver());
    if (this.#isOver || this.#isLost) return;
    this.#beatsInSilence++;
    const limits = this.#slips.isHasty ? { away: 1, lost: 2 } : timeouts;
    if (this.#beatsInSilence > limits.away && !this.#isAway) {
      this.#isAway = true;
      this.#events.disconnected();
    }
    if (this.#beatsInSilence > limits.lost && !this.#slips.neverGivesUp) this.#giveUp();
    if (this.#isEnding) this.#channel.sendAgain();
  }

  #giveUp(): void {
    if (this.#isEnding) return; // It is gone when its lease is over.
    this.#isLost = true;
    this.farewell.resolve();
    const how = `did not answer for ${timeouts.lost * beatMs} ms`;
    const fenced = new Promise<void>((resolve) => {
      this.#whenLeaseOver = resolve;
    });
    if (this.#slips.callsItGone)
      void fenced.then(() => {
        this.#events.reconnected('same');
        this.#gone(how);
      });
    else this.#events.lost(how, this.#slips.fencesAtOnce ? Promise.resolve() : fenced);
  }

  #end(cause: string): void {
    this.#isEnding = true;
    if (cause !== 'the pool was closed') this.farewell.resolve();
    this.#channel.send({ end: cause } satisfies ToMachine);
  }

  #leaseOver(): void {
    clearInterval(this.#beating);
    this.#whenLeaseOver?.();
    if (this.#isEnding) this.#gone('was ended when its lease was over');
  }

  #gone(how: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#beating);
    this.#machine.rest();
    this.#events.gone(how);
  }
}

/** The other end. */
class Machine {
  readonly ended: Promise<unknown>;
  readonly #channel: Channel;
  readonly #thread = new Worker(new URL('./networked-worker.ts', import.meta.url));
  readonly #beating = setInterval(() => this.#beat(), beatMs);
  #beatNow = 0;
  #leasedUntil = leaseBeats;
  #why = 'ended by itself';

  constructor(slips: Slips, transmit: (frame: Frame) => void) {
    this.#channel = new Channel(transmit, (message) => this.#hear(message as ToMachine), slips.takesTwins);
    this.#thread.on('message', (message) => {
      this.#channel.send({ message } satisfies FromMachine);
      // An outcome that is lost on its way is not sent again.
      if (slips.forgetsOutcomes && message.is === 'ended')
        setImmediate(() => this.#channel.forget(isOutcome));
    });
    this.#thread.on('error', () => {});
    this.ended = new Promise((resolve) => this.#thread.once('exit', resolve));
    void this.ended.then(() => this.#channel.send({ ended: this.#why } satisfies FromMachine));
  }

  take(frame: Frame): void {
    this.#leasedUntil = Math.max(this.#leasedUntil, frame.beat + leaseBeats);
    this.#channel.take(frame);
  }

  /** Its host has heard that it has ended. */
  rest(): void {
    clearInterval(this.#beating);
  }

  #hear(message: ToMachine): void {
    if ('end' in message) this.#end(`was ended: ${message.end}`);
    else this.#thread.postMessage(message.message);
  }

  #beat(): void {
    this.#channel.beat = ++this.#beatNow;
    this.#channel.sendAgain();
    if (this.#beatNow <= this.#leasedUntil) return;
    this.#end('lost its lease');
    // The message may never arrive.
    void this.ended.then(() => this.rest());
  }

  #end(why: string): void {
    this.#why = why;
    void this.#thread.terminate();
  }
}
