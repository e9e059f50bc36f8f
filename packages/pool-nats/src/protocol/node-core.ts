/**
 * A node, as a synchronous machine: inputs in, effects out, the time as an argument. It works for one session at a time, and only as long as its lease
 * lasts; it starts each attempt once, and keeps what it has to report until that is acknowledged. Knows no NATS and no processes.
 */

import { type Digest, messageOf, type NodeProperties } from '@pexen/core';
import { encodeThrown, type ThrownWire } from '@pexen/pool-kit';
import type { RemoteAttempt, RemoteReport } from '@pexen/pool-process/remote';
import type { BundleManifest, PieceRequest } from './bundle.ts';
import { Channel } from './channel.ts';
import {
  type Codec,
  type FromNode,
  fencedAfter,
  type Hello,
  type NodeOrder,
  type NodeReport,
  type Refusal,
  type SentCode,
  type Timing,
  type ToNode,
} from './messages.ts';

/** What a node wants to be done, in this order. Links go by the session and their number. */
export type NodeEffect =
  | { readonly do: 'announce'; readonly hello: Hello }
  | { readonly do: 'transmit'; readonly host: string; readonly packet: FromNode }
  | {
      readonly do: 'open';
      readonly link: LinkId;
      readonly slot: number;
      readonly run: string;
      readonly recordsModules: boolean;
    }
  /** These files are to be brought here: `wants` and `unpacked` are to be said. */
  | { readonly do: 'bundle'; readonly session: string; readonly manifest: BundleManifest }
  | ({
      readonly do: 'piece';
      readonly session: string;
      readonly bytes: Uint8Array | undefined;
    } & PieceRequest)
  /** `other-code` is to be said, and the attempt is to end as `not-started`, where the code is not that. */
  | {
      readonly do: 'run';
      readonly link: LinkId;
      readonly attempt: RemoteAttempt;
      readonly code: SentCode | undefined;
    }
  | { readonly do: 'abort'; readonly link: LinkId; readonly id: number; readonly reason: ThrownWire }
  | { readonly do: 'credit'; readonly link: LinkId; readonly id: number }
  /** The attempts of this link that have not started are to end as `not-started`. */
  | { readonly do: 'reclaim'; readonly link: LinkId }
  /** `released` of the core is to be called when everything of this link has ended. */
  | { readonly do: 'close'; readonly link: LinkId; readonly how: 'drain' | 'kill' };

/** A link of a session. */
export interface LinkId {
  readonly session: string;
  readonly link: number;
}

/** What a node is. */
export interface NodeIdentity
  extends Pick<Hello, 'node' | 'name' | 'properties' | 'bootMark' | 'slots' | 'version' | 'format'> {
  readonly codec: Codec;
  /** How often a node that works for no session says so, ms. */
  readonly announceMs: number;
}

/** A node remembers so many runs, and so many sessions. */
const mostRemembered = 1_000;

function forgetOldest(memory: Set<string> | Map<string, unknown>): void {
  const [oldest] = memory.keys();
  if (memory.size > mostRemembered && oldest !== undefined) memory.delete(oldest);
}

export class NodeCore {
  readonly #options: NodeIdentity;
  /** The highest epoch of each run, and whose it is. */
  readonly #epochs = new Map<string, { readonly epoch: number; readonly host: string }>();
  #current: Session | undefined;
  /** Sessions that are over, and have something to report. */
  readonly #former = new Map<string, Session>();
  /** Sessions that are over: an order to join one of them is a late copy. */
  readonly #done = new Set<string>();
  #announcedMs = Number.NEGATIVE_INFINITY;
  #isDraining = false;
  #properties: NodeProperties;

  constructor(options: NodeIdentity) {
    this.#options = options;
    this.#properties = options.properties;
  }

  /** Works for no session, and has nothing left to report. */
  get isIdle(): boolean {
    return this.#current === undefined && this.#former.size === 0;
  }

  /** Says to all schedulers what it is, and whether it is free. `answers`: the id of the question. */
  announce(nowMs: number, answers?: string): NodeEffect[] {
    this.#announcedMs = nowMs;
    const { node, name, bootMark, slots, version, format } = this.#options;
    const properties = this.#properties;
    const state = this.#isDraining ? 'draining' : this.#current === undefined ? 'free' : 'busy';
    const hello: Hello = {
      ...{ version, format, node, name, properties, bootMark, slots, state, stampMs: nowMs },
      ...(answers !== undefined && { answers }),
    };
    return [{ do: 'announce', hello }];
  }

  /** It is and has these from now on; it reports that to the scheduler that it works for. */
  change(properties: NodeProperties, nowMs: number): NodeEffect[] {
    this.#properties = properties;
    this.#current?.say({ is: 'changed', properties });
    return [...this.announce(nowMs), ...(this.#current?.flush(nowMs) ?? [])];
  }

  /** Takes no further session, and asks that of now to send nothing more. */
  drain(nowMs: number): NodeEffect[] {
    if (this.#isDraining) return [];
    this.#isDraining = true;
    this.#current?.say({ is: 'draining' });
    return [...this.announce(nowMs), ...(this.#current?.flush(nowMs) ?? [])];
  }

  /** Ends everything, and takes no further session. */
  stop(nowMs: number): NodeEffect[] {
    const effects = this.drain(nowMs);
    effects.push(...(this.#current?.end('the agent was ended') ?? []), ...this.#settle(nowMs));
    return effects;
  }

  /** The lease under which attempts run: of which session, and when everything of it has to be ended. Undefined while the node works for no session. */
  get lease():
    | { readonly session: string; readonly endsAtMs: number; readonly endingMs: number }
    | undefined {
    if (this.#current === undefined) return undefined;
    const { id: session, leaseEndsMs: endsAtMs, timing } = this.#current;
    return { session, endsAtMs, endingMs: timing.endingMs };
  }

  /** How often `tick` is to be called, ms. */
  get tickMs(): number {
    const { heartbeatMs } = this.#current?.timing ?? { heartbeatMs: this.#options.announceMs };
    return Math.max(5, heartbeatMs / 4);
  }

  /** A packet of a scheduler has come. */
  take(packet: ToNode, nowMs: number): NodeEffect[] {
    const effects = this.#expire(nowMs);
    const session = this.#sessionOf(packet.session);
    if (packet.kind === 'join') effects.push(...this.#join(packet, nowMs));
    else if (session === undefined)
      effects.push(...refusal(packet.session, hostOf(packet.session), 'unknown'));
    else if (packet.kind === 'leave') {
      session.isLeft = true;
      effects.push(...session.end('the scheduler has left'));
    } else effects.push(...session.take(packet, nowMs));
    effects.push(...this.#settle(nowMs));
    return effects;
  }

  /** Reports something about the files of its run to the scheduler of this session. */
  say(session: string, report: Extract<NodeReport, { is: 'wants' | 'unpacked' | 'other-code' }>): void {
    this.#sessionOf(session)?.say(report);
  }

  /** A link reports something. */
  report({ session: id, link }: LinkId, report: RemoteReport, nowMs: number): NodeEffect[] {
    const effects = this.#expire(nowMs);
    effects.push(...(this.#sessionOf(id)?.report(link, report) ?? []));
    return effects;
  }

  /** Everything of this link has ended. */
  released({ session: id, link }: LinkId, nowMs: number): NodeEffect[] {
    const effects = this.#expire(nowMs);
    this.#sessionOf(id)?.released(link);
    effects.push(...this.#settle(nowMs));
    return effects;
  }

  /** Sends what was reported since. */
  flush(nowMs: number): NodeEffect[] {
    return this.#current?.flush(nowMs) ?? [];
  }

  /** Time has passed. */
  tick(nowMs: number): NodeEffect[] {
    const effects = this.#expire(nowMs);
    if (this.#current === undefined) {
      if (nowMs - this.#announcedMs >= this.#options.announceMs) effects.push(...this.announce(nowMs));
    } else effects.push(...this.#current.tick(nowMs));
    for (const [id, former] of this.#former)
      if (former.isForgotten(nowMs)) this.#former.delete(id);
      else effects.push(...former.flush(nowMs));
    effects.push(...this.#settle(nowMs));
    return effects;
  }

  /** Checks the lease before anything else: the node may have been stopped for a while. */
  #expire(nowMs: number): NodeEffect[] {
    const isExpired = this.#current?.isLeaseOver(nowMs) ?? false;
    return isExpired ? (this.#current?.end('its lease was over, since no answer came') ?? []) : [];
  }

  #sessionOf(id: string): Session | undefined {
    return this.#current?.id === id ? this.#current : this.#former.get(id);
  }

  #join(order: JoinOrder, nowMs: number): NodeEffect[] {
    const { session: id, host, run, epoch, stampMs, timing } = order;
    if (this.#current?.id === id) return this.#current.beat(nowMs);
    if (nowMs >= stampMs + timing.leaseMs || this.#done.has(id)) return [];
    const seen = this.#epochs.get(run);
    if (seen !== undefined && (epoch < seen.epoch || (epoch === seen.epoch && host !== seen.host)))
      return refusal(id, host, 'fenced', seen.epoch);
    if (this.#isDraining) return refusal(id, host, 'draining');
    if (this.#current !== undefined) {
      const isSuperseded = this.#current.run === run && epoch > this.#current.epoch;
      if (isSuperseded) this.#note(run, epoch, host);
      const ended = isSuperseded ? this.#current.end('a later session of the run took over') : [];
      return [...ended, ...refusal(id, host, 'busy')];
    }
    this.#note(run, epoch, host);
    this.#current = new Session(order, this.#options.codec);
    return this.#current.beat(nowMs);
  }

  #note(run: string, epoch: number, host: string): void {
    this.#epochs.delete(run);
    this.#epochs.set(run, { epoch, host });
    forgetOldest(this.#epochs);
  }

  /** Where everything of the current session has ended, the node is free. */
  #settle(nowMs: number): NodeEffect[] {
    const session = this.#current;
    if (session === undefined || !session.hasEnded) return [];
    this.#current = undefined;
    this.#done.add(session.id);
    forgetOldest(this.#done);
    session.close(nowMs);
    if (!session.isLeft) this.#former.set(session.id, session);
    return [...session.flush(nowMs), ...this.announce(nowMs)];
  }
}

type JoinOrder = Extract<ToNode, { kind: 'join' }>;

/** A link whose slot runs what it gets, one attempt after the other. */
interface Link {
  isClosing: boolean;
}

/** One session of a scheduler with this node. */
class Session {
  readonly id: string;
  readonly run: string;
  readonly epoch: number;
  /** The scheduler needs nothing of it any more. */
  isLeft = false;
  /** By the clock of the node. */
  leaseEndsMs: number;
  readonly #order: JoinOrder;
  readonly #channel: Channel;
  readonly #links = new Map<number, Link>();
  /** The code of attempts, by its digest. */
  readonly #codes = new Map<Digest, SentCode>();
  /** Attempts of which something could not be sent, and why. */
  readonly #unsent = new Map<string, ThrownWire>();
  /** Starts since the last packet: what ends before the next one is one message. */
  readonly #starts = new Map<string, { readonly link: number; readonly report: Started }>();
  #beatMs = Number.NEGATIVE_INFINITY;
  /** Why everything is being ended; undefined while it works. */
  #ending: string | undefined;
  #keptUntilMs = Number.POSITIVE_INFINITY;

  constructor(order: JoinOrder, codec: Codec) {
    this.#order = order;
    this.id = order.session;
    this.run = order.run;
    this.epoch = order.epoch;
    this.#channel = new Channel(order.session, codec);
    this.leaseEndsMs = order.stampMs + order.timing.leaseMs;
  }

  get timing(): Timing {
    return this.#order.timing;
  }

  get hasEnded(): boolean {
    return this.#ending !== undefined && this.#links.size === 0;
  }

  isLeaseOver(nowMs: number): boolean {
    return this.#ending === undefined && nowMs >= this.leaseEndsMs;
  }

  /** The scheduler has heard everything, needs it no more, or has given up. */
  isForgotten(nowMs: number): boolean {
    return this.isLeft || this.#channel.isEmpty || nowMs > this.#keptUntilMs;
  }

  take(packet: Extract<ToNode, { kind: 'frames' }>, nowMs: number): NodeEffect[] {
    const { leaseMs } = this.#order.timing;
    // A late answer cannot prolong the lease: it counts from the stamp that is answered.
    if (packet.echoMs !== undefined) this.leaseEndsMs = Math.max(this.leaseEndsMs, packet.echoMs + leaseMs);
    let orders: readonly unknown[];
    try {
      orders = this.#channel.take(packet);
    } catch (error) {
      return this.end(`the scheduler sent what this node cannot read: ${messageOf(error)}`);
    }
    const effects = orders.flatMap((order) => this.#obey(order as NodeOrder));
    effects.push(...this.flush(nowMs));
    return effects;
  }

  say(report: NodeReport): void {
    this.#sayStarts();
    this.#channel.push(report);
  }

  #sayStarts(): void {
    for (const { link, report } of this.#starts.values())
      this.#channel.push({ is: 'reported', link, report } satisfies NodeReport);
    this.#starts.clear();
  }

  report(link: number, report: RemoteReport): NodeEffect[] {
    if (this.#ending !== undefined && isOfEnding(report)) return [];
    if (report.is === 'started') {
      this.#starts.set(`${link} ${report.id}`, { link, report });
      return [];
    }
    return report.is === 'ended' ? this.#sayEnded(link, report) : this.#sayReported(link, report);
  }

  #sayEnded(link: number, report: Extract<RemoteReport, { is: 'ended' }>): NodeEffect[] {
    const attempt = `${link} ${report.id}`;
    const startedBy = this.#starts.get(attempt)?.report.worker;
    this.#starts.delete(attempt);
    return this.#sayReported(link, startedBy === undefined ? report : { ...report, startedBy });
  }

  /** An attempt fails if something of it cannot be sent: then its outcome is that error. */
  #sayReported(link: number, report: RemoteReport): NodeEffect[] {
    const id = 'id' in report ? report.id : 0;
    const attempt = `${link} ${id}`;
    const earlier = this.#unsent.get(attempt);
    if (report.is === 'ended') this.#unsent.delete(attempt);
    try {
      const sent = earlier === undefined ? report : failing(report, earlier);
      if (sent.is === 'ended')
        this.#channel.push({ is: 'reported', link, report: sent } satisfies NodeReport);
      else this.say({ is: 'reported', link, report: sent });
      return [];
    } catch (error) {
      const failure = encodeThrown(error);
      if (report.is === 'ended') this.say({ is: 'reported', link, report: failing(report, failure) });
      else this.#unsent.set(attempt, failure);
      if (report.is === 'updates') return [{ do: 'credit', link: { session: this.id, link }, id }];
      if (report.is !== 'service-ready') return [];
      return [{ do: 'abort', link: { session: this.id, link }, id, reason: failure }];
    }
  }

  released(number: number): void {
    if (!this.#links.delete(number)) return;
    // When the session ends, its attempts are lost, not crashed: the last message says so for all links.
    if (this.#ending === undefined) this.say({ is: 'released', link: number });
  }

  /** Ends everything. What has not started never will. */
  end(reason: string): NodeEffect[] {
    if (this.#ending !== undefined) return [];
    this.#ending = reason;
    return [...this.#links].flatMap(([number, link]) => this.#close(number, link, 'kill'));
  }

  /** Everything has ended. */
  close(nowMs: number): void {
    this.say({ is: 'over', reason: this.#ending ?? '' });
    this.#keptUntilMs = nowMs + fencedAfter(this.#order.timing);
  }

  tick(nowMs: number): NodeEffect[] {
    const { heartbeatMs } = this.#order.timing;
    return nowMs - this.#beatMs >= heartbeatMs ? this.beat(nowMs) : this.flush(nowMs);
  }

  /** Sends a sign of life. */
  beat(nowMs: number): NodeEffect[] {
    this.#beatMs = nowMs;
    const packet = { kind: 'frames', ...this.#channel.packet(), stampMs: nowMs } as const;
    return [{ do: 'transmit', host: this.#order.host, packet }, ...this.flush(nowMs)];
  }

  flush(nowMs: number): NodeEffect[] {
    this.#sayStarts();
    const { host, timing } = this.#order;
    const packets = this.#channel.packets(nowMs, timing.heartbeatMs * 1.5);
    if (packets.length === 0 && this.#channel.owesAnswer) packets.push(this.#channel.packet());
    return packets.map((frames) => ({ do: 'transmit', host, packet: { kind: 'frames', ...frames } }));
  }

  #obey(order: NodeOrder): NodeEffect[] {
    const link = this.#links.get(order.link);
    const id = { session: this.id, link: order.link };
    switch (order.do) {
      case 'open':
        if (this.#ending !== undefined) return [];
        this.#links.set(order.link, { isClosing: false });
        return [
          { do: 'open', link: id, slot: order.slot, run: this.run, recordsModules: order.recordsModules },
        ];
      case 'bundle':
        return [{ do: 'bundle', session: this.id, manifest: order.manifest }];
      case 'piece': {
        const { hash, at, bytes } = order;
        return [{ do: 'piece', session: this.id, hash, at, bytes }];
      }
      case 'code':
        this.#codes.set(order.code.digest, order.code);
        return [];
      case 'run':
        if (link === undefined || link.isClosing) {
          this.say({ is: 'returned', link: order.link, id: order.attempt.id });
          return [];
        }
        return [{ do: 'run', link: id, attempt: order.attempt, code: this.#codes.get(order.code ?? '') }];
      case 'abort':
        return link === undefined ? [] : [{ do: 'abort', link: id, id: order.id, reason: order.reason }];
      case 'credit':
        return link === undefined ? [] : [{ do: 'credit', link: id, id: order.id }];
      case 'reclaim':
        return link === undefined ? [] : [{ do: 'reclaim', link: id }];
      case 'release':
        if (link === undefined) this.say({ is: 'released', link: order.link });
        return link === undefined ? [] : this.#close(order.link, link, order.how);
      default:
        return order satisfies never;
    }
  }

  #close(number: number, link: Link, how: 'drain' | 'kill'): NodeEffect[] {
    link.isClosing = true;
    return [{ do: 'close', link: { session: this.id, link: number }, how }];
  }
}

/** The report with this error as the outcome, if it is that of an attempt that has not failed otherwise. */
function failing(report: RemoteReport, error: ThrownWire): RemoteReport {
  if (report.is !== 'ended' || report.outcome.kind !== 'returned') return report;
  return { is: 'ended', id: report.id, outcome: { kind: 'threw', error } };
}

type Started = Extract<RemoteReport, { is: 'started' }>;

/** What the node itself causes when it ends everything. */
function isOfEnding(report: RemoteReport): boolean {
  return report.is === 'lost' || (report.is === 'ended' && report.outcome.kind === 'crashed');
}

function refusal(session: string, host: string, reason: Refusal, epoch?: number): NodeEffect[] {
  const packet = { kind: 'refused', session, reason, ...(epoch !== undefined && { epoch }) } as const;
  return [{ do: 'transmit', host, packet }];
}

/** The address of the scheduler, which is the first part of the id of a session. */
function hostOf(session: string): string {
  return session.slice(0, session.indexOf('.'));
}
