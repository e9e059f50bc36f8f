/**
 * The scheduler's side of one session with one node, as a synchronous machine: inputs in, effects out, the time as an argument. It knows whether
 * the node is within reach, and when nothing of the session can run there any more. Knows no NATS and no attempts.
 */
import { messageOf } from '@pexen/core';
import { Channel } from './channel.ts';
import {
  awayAfter,
  type Codec,
  type FromNode,
  fencedAfter,
  type Hello,
  type NodeOrder,
  type NodeReport,
  type Refusal,
  silentAfter,
  type Timing,
  type ToNode,
} from './messages.ts';

/** What a session wants to be done, in this order. */
export type HostEffect =
  | { readonly do: 'transmit'; readonly packet: ToNode }
  /** The node works for this session: orders may be sent. */
  | { readonly do: 'joined' }
  | { readonly do: 'hear'; readonly report: NodeReport }
  /** The node is out of reach: nothing further should be sent. */
  | { readonly do: 'away' }
  /** The node is back, and nothing is missing. */
  | { readonly do: 'back' }
  /** The node still sends, though another start of it says that this one is over. */
  | { readonly do: 'doubled' }
  /** The node sends what no node sends: it is not asked again, and `over` follows when nothing of the session can run there any more. */
  | { readonly do: 'distrusted'; readonly what: string }
  /** The session is over: nothing of it runs any more. `refusal`: the node did not take it. */
  | {
      readonly do: 'over';
      readonly reason: string;
      readonly refusal?: Refusal;
      readonly epoch?: number | undefined;
    };

/** Whose session with which node it is. */
export interface HostSessionOptions {
  readonly session: string;
  /** The address of the scheduler. */
  readonly host: string;
  readonly run: string;
  readonly epoch: number;
  readonly number: number;
  readonly node: Pick<Hello, 'stampMs'>;
  readonly timing: Timing;
  readonly codec: Codec;
}

/** A node that has not answered after so many heartbeats does not take the session. */
const joiningBeats = 4;

export class HostSession {
  readonly #options: HostSessionOptions;
  readonly #channel: Channel;
  #state: 'joining' | 'joined' | 'leaving' | 'over' = 'joining';
  readonly #sinceMs: number;
  #askedMs: number;
  #heardMs: number;
  /** When it received the last sign of life that it has answered: the lease of the node may start there. */
  #answeredMs: number;
  #isAway = false;
  /** The server has said that no one listens there, and nothing was heard since. */
  #isUnheard = false;
  /** A later start of the node says that this one is over; `denied` once it was heard after that. */
  #ending: 'reported' | 'denied' | undefined;
  /** What the node has done that no node does. From then on nothing of it is read, and its lease is not prolonged. */
  #misdeed: string | undefined;

  constructor(options: HostSessionOptions, nowMs: number) {
    this.#options = options;
    this.#channel = new Channel(options.session, options.codec);
    this.#sinceMs = nowMs;
    this.#askedMs = nowMs;
    this.#heardMs = nowMs;
    this.#answeredMs = nowMs;
  }

  /** When nothing of the session can run any more, if nothing else is heard. */
  get fencedAtMs(): number {
    return this.#answeredMs + fencedAfter(this.#options.timing);
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Asks the node to work for the session. */
  start(): HostEffect[] {
    const { session, host, run, epoch, number, node, timing } = this.#options;
    const { stampMs } = node;
    return [transmit({ kind: 'join', session, host, run, epoch, number, stampMs, timing })];
  }

  /**
   * Adds an order; `flush` sends it.
   * @throws what the codec throws for a value that it cannot carry
   */
  send(order: NodeOrder): void {
    this.#channel.push(order);
  }

  /** Sends what was added, and again what was not acknowledged in time. */
  flush(nowMs: number): HostEffect[] {
    if (this.#state !== 'joined' || this.#isAway) return [];
    const packets = this.#channel.packets(nowMs, this.#resendMs);
    if (packets.length === 0 && this.#channel.owesAnswer) packets.push(this.#channel.packet());
    return packets.map((frames) => transmit({ kind: 'frames', ...frames }));
  }

  /** A packet of the node has come. */
  take(packet: FromNode, nowMs: number): HostEffect[] {
    if (this.#state === 'over') return [];
    if (packet.kind === 'refused') return this.#refused(packet);
    if (this.#misdeed !== undefined) return [];
    const effects: HostEffect[] = [];
    if (this.#state === 'joining') {
      this.#state = 'joined';
      effects.push({ do: 'joined' });
    }
    this.#heardMs = nowMs;
    this.#isUnheard = false;
    if (this.#ending === 'reported') {
      this.#ending = 'denied';
      effects.push({ do: 'doubled' });
    }
    if (this.#isAway) {
      this.#isAway = false;
      effects.push({ do: 'back' });
    }
    let messages: readonly unknown[];
    try {
      messages = this.#channel.take(packet);
    } catch (error) {
      return [...effects, ...this.distrust(`sent what cannot be read: ${messageOf(error)}`)];
    }
    for (const message of messages) {
      const report = message as NodeReport;
      if (report.is === 'over') {
        effects.push(
          transmit({ kind: 'leave', session: this.#options.session }),
          ...this.#end(report.reason),
        );
        return effects;
      }
      effects.push({ do: 'hear', report });
    }
    if (packet.stampMs !== undefined && this.#state === 'joined') {
      this.#answeredMs = nowMs;
      effects.push(transmit({ kind: 'frames', ...this.#channel.packet(), echoMs: packet.stampMs }));
    }
    effects.push(...this.flush(nowMs));
    return effects;
  }

  /** The node cannot be trusted with anything more, for this reason. */
  distrust(what: string): HostEffect[] {
    if (this.#state === 'over' || this.#misdeed !== undefined) return [];
    this.#misdeed = what;
    return [{ do: 'distrusted', what }, ...this.#goAway(), ...this.leave()];
  }

  /** No one listens at the node's address. */
  unreachable(nowMs: number): HostEffect[] {
    this.#isUnheard = true;
    const ended = this.#endIfSilent(nowMs);
    return ended.length > 0 || this.#state !== 'joined' ? ended : this.#goAway();
  }

  /** A later start of the node says that this one is over. It ends the session once nothing is heard of it any more. */
  succeeded(nowMs: number): HostEffect[] {
    this.#ending ??= 'reported';
    return this.#endIfSilent(nowMs);
  }

  #endIfSilent(nowMs: number): HostEffect[] {
    if (this.#ending !== 'reported' || this.#state === 'over') return [];
    const isSilent = this.#isUnheard || nowMs - this.#heardMs > silentAfter(this.#options.timing);
    return isSilent ? this.#end('was ended, and started again') : [];
  }

  /** Time has passed. */
  tick(nowMs: number): HostEffect[] {
    const { timing } = this.#options;
    const effects: HostEffect[] = [];
    if (this.#state === 'over') return effects;
    effects.push(...this.#endIfSilent(nowMs));
    if (effects.length > 0) return effects;
    if (this.#state === 'joining') {
      if (nowMs - this.#sinceMs > timing.heartbeatMs * joiningBeats)
        return [transmit({ kind: 'leave', session: this.#options.session }), ...this.#end('did not answer')];
      if (nowMs - this.#askedMs >= timing.heartbeatMs) {
        this.#askedMs = nowMs;
        return this.start();
      }
      return effects;
    }
    if (nowMs > this.fencedAtMs)
      return this.#end(this.#misdeed ?? `was out of reach for ${secondsSince(this.#heardMs, nowMs)} s`);
    if (this.#state === 'leaving') return this.#leaving();
    if (nowMs - this.#heardMs > awayAfter(timing)) effects.push(...this.#goAway());
    effects.push(...this.flush(nowMs));
    return effects;
  }

  /** The scheduler needs the node no more. The node ends what still runs; `over` follows. */
  leave(): HostEffect[] {
    if (this.#state === 'over') return [];
    this.#state = 'leaving';
    return this.#leaving();
  }

  #leaving(): HostEffect[] {
    return [transmit({ kind: 'leave', session: this.#options.session })];
  }

  #refused({ reason, epoch }: Extract<FromNode, { kind: 'refused' }>): HostEffect[] {
    if (reason === 'unknown' && this.#state === 'joining') return []; // An answer to an earlier packet.
    if (reason !== 'unknown' && reason !== 'fenced' && this.#state !== 'joining') return [];
    this.#state = 'over';
    return [{ do: 'over', reason: refusals[reason], refusal: reason, epoch }];
  }

  #goAway(): HostEffect[] {
    if (this.#isAway) return [];
    this.#isAway = true;
    return [{ do: 'away' }];
  }

  #end(reason: string): HostEffect[] {
    this.#state = 'over';
    return [{ do: 'over', reason }];
  }

  /** Longer than an acknowledgement takes. */
  get #resendMs(): number {
    return this.#options.timing.heartbeatMs * 1.5;
  }
}

const refusals: Readonly<Record<Refusal, string>> = {
  busy: 'works for another run',
  draining: 'is being drained',
  fenced: 'works for a later session of this run',
  unknown: 'does not know this session any more',
};

function transmit(packet: ToNode): HostEffect {
  return { do: 'transmit', packet };
}

function secondsSince(thenMs: number, nowMs: number): string {
  return ((nowMs - thenMs) / 1000).toFixed(1);
}
