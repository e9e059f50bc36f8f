/**
 * A node, as a synchronous machine: inputs in, effects out, the time as an argument. It works for one session at a time, and only as long as its lease
 * lasts; it starts each attempt once, and keeps what it has to report until that is acknowledged. Knows no NATS and no processes.
 */

import { type Digest, messageOf, type NodeProperties } from '@pexen/core';
import { encodeThrown, type ThrownWire } from '@pexen/pool-kit';
import type { RemoteAttempt, RemoteReport } from '@pexen/pool-process/remote';
import type { BundleManifest, PieceRequest } from './bundle.ts';
import { Channel } from './channel.ts';
import { type AttemptKey, type KeptAttempt, KeptAttempts } from './kept-attempts.ts';
import {
  type Codec,
  type FromNode,
  fencedAfter,
  type Hello,
  type LeftOnNode,
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
      readonly recordsModules: boolean;
      readonly sendsOutput?: boolean | undefined;
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
  extends Pick<
    Hello,
    'node' | 'name' | 'former' | 'properties' | 'bootMark' | 'slots' | 'version' | 'format'
  > {
  readonly codec: Codec;
  /** How often a node that works for no session says so, ms. */
  readonly announceMs: number;
  /** Which attempt of its session it is; undefined for one that ends with the session, as a service does. */
  keyOf(attempt: RemoteAttempt): Omit<AttemptKey, 'session'> | undefined;
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
  /** The session before that of now, while something of it is still being ended. */
  #handingOver: Session | undefined;
  /** The first of the sessions that took over from each other without a break. */
  #tenure = '';
  readonly #kept = new KeptAttempts();
  /** Sessions that are over, and have something to report. */
  readonly #former = new Map<string, Session>();
  /** Sessions that are over: an order to join one of them is a late copy. */
  readonly #done = new Set<string>();
  /** Those that later sessions of their runs took over from. */
  readonly #superseded = new Set<string>();
  #announcedMs = Number.NEGATIVE_INFINITY;
  #isDraining = false;
  /** The current session still has to hear what earlier ones have left. */
  #isLeftOwed = false;
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
    const { node, name, former = [], bootMark, slots, version, format } = this.#options;
    const properties = this.#properties;
    const state = this.#isDraining ? 'draining' : this.#current === undefined ? 'free' : 'busy';
    const hello: Hello = {
      ...{ version, format, node, name, properties, bootMark, slots, state, stampMs: nowMs },
      ...(former.length > 0 && { former }),
      ...(this.#current !== undefined && { works: this.#current.works }),
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

  /**
   * The lease under which attempts run: the first of the sessions that have taken over from each other, and when everything has to be ended. Undefined while
   * the node works for no session.
   */
  get lease(): { readonly tenure: string; readonly endsAtMs: number; readonly endingMs: number } | undefined {
    if (this.#current === undefined) return undefined;
    const { leaseEndsMs: endsAtMs, timing } = this.#current;
    return { tenure: this.#tenure, endsAtMs, endingMs: timing.endingMs };
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
      effects.push(...refusal(packet.session, hostOf(packet.session), this.#whyNot(packet.session)));
    else if (packet.kind === 'leave') {
      session.isLeft = true;
      session.forget();
      effects.push(...session.end('the scheduler has left'));
    } else effects.push(...session.take(packet, nowMs));
    effects.push(...this.#settle(nowMs));
    return effects;
  }

  /** Reports something about the node, or the files of its run, to the scheduler of this session. */
  say(
    session: string,
    report: Extract<NodeReport, { is: 'wants' | 'unpacked' | 'other-code' | 'unfit' }>,
  ): void {
    this.#sessionOf(session)?.say(report);
  }

  /** A link reports something. */
  report(link: LinkId, report: RemoteReport, nowMs: number): NodeEffect[] {
    const effects = this.#expire(nowMs);
    effects.push(...(this.#ownerOf(link)?.report(link, report, nowMs) ?? []));
    if (this.#isLeftOwed) effects.push(...this.#settle(nowMs));
    return effects;
  }

  /** Everything of this link has ended. */
  released(link: LinkId, nowMs: number): NodeEffect[] {
    const effects = this.#expire(nowMs);
    this.#ownerOf(link)?.released(link);
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

  /** The session that has this link of the agent, which may have taken it over. */
  #ownerOf(link: LinkId): Session | undefined {
    if (this.#current?.has(link)) return this.#current;
    return this.#handingOver?.has(link) ? this.#handingOver : this.#former.get(link.session);
  }

  /** What a later session has taken over may still run. */
  #whyNot(session: string): Refusal {
    return this.#superseded.has(session) ? 'fenced' : 'unknown';
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
    const current = this.#current;
    const isSuperseded = current !== undefined && current.run === run && epoch > current.epoch;
    if (isSuperseded) this.#note(run, epoch, host);
    if (isSuperseded && !current.isEnding && !this.#isLeftOwed) return this.#takeOver(current, order, nowMs);
    if (this.#isDraining) return refusal(id, host, 'draining');
    if (current !== undefined) {
      const ended = isSuperseded ? current.end('a later session of the run took over') : [];
      return [...ended, ...refusal(id, host, 'busy')];
    }
    this.#note(run, epoch, host);
    this.#tenure = id;
    this.#kept.forgetFrom(run, order.number);
    this.#current = new Session(order, this.#options, this.#kept);
    this.#isLeftOwed = epoch > 1;
    return this.#current.beat(nowMs);
  }

  /** A later session of the run gets what runs; what it cannot take over is ended, or returned, first. */
  #takeOver(former: Session, order: JoinOrder, nowMs: number): NodeEffect[] {
    this.#done.add(former.id);
    this.#superseded.add(former.id);
    forgetOldest(this.#superseded);
    const { links, effects } = former.handOver(order.number);
    this.#kept.forgetFrom(order.run, order.number);
    const session = new Session(order, this.#options, this.#kept, links);
    this.#current = session;
    this.#handingOver = former;
    this.#isLeftOwed = true;
    if (this.#isDraining) session.say({ is: 'draining' });
    return [...effects, ...session.beat(nowMs)];
  }

  #note(run: string, epoch: number, host: string): void {
    this.#epochs.delete(run);
    this.#epochs.set(run, { epoch, host });
    forgetOldest(this.#epochs);
  }

  /** Where everything of the current session has ended, the node is free. */
  #settle(nowMs: number): NodeEffect[] {
    const session = this.#current;
    if (this.#handingOver?.hasEnded === true) this.#handingOver = undefined;
    if (this.#isLeftOwed && this.#handingOver === undefined && session?.isClear === true) {
      this.#isLeftOwed = false;
      session.sayLeft(nowMs);
      return session.flush(nowMs);
    }
    if (session === undefined || !session.hasEnded || this.#handingOver !== undefined) return [];
    this.#isLeftOwed = false;
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
  /** As the agent knows it; undefined for the link of an attempt that had ended when it was taken over. */
  readonly agent: LinkId | undefined;
  readonly slot: number;
  /** What is kept of its attempts that have not ended, by their numbers. */
  readonly attempts: Map<number, KeptAttempt>;
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
  /** Those that were taken over have negative numbers until their attempts are adopted. */
  readonly #links = new Map<number, Link>();
  /** The code of attempts, by its digest. */
  readonly #codes = new Map<Digest, SentCode>();
  /** Attempts of which something could not be sent, and why. */
  readonly #unsent = new Map<string, ThrownWire>();
  /** Starts since the last packet: what ends before the next one is one message. */
  readonly #starts = new Map<string, { readonly link: number; readonly report: Started }>();
  readonly #options: Pick<NodeIdentity, 'keyOf'>;
  readonly #all: KeptAttempts;
  /** What is kept of its attempts that are not settled, by link and number. */
  readonly #unsettled = new Map<string, KeptAttempt>();
  #beatMs = Number.NEGATIVE_INFINITY;
  /** Why everything is being ended; undefined while it works. */
  #ending: string | undefined;
  #keptUntilMs = Number.POSITIVE_INFINITY;

  /** `links`: those that it takes over. */
  constructor(
    order: JoinOrder,
    options: Pick<NodeIdentity, 'codec' | 'keyOf'>,
    all: KeptAttempts,
    links: readonly Link[] = [],
  ) {
    this.#order = order;
    this.#options = options;
    this.#all = all;
    for (const [index, link] of links.entries()) this.#links.set(-1 - index, link);
    this.id = order.session;
    this.run = order.run;
    this.epoch = order.epoch;
    this.#channel = new Channel(order.session, options.codec);
    this.leaseEndsMs = order.stampMs + order.timing.leaseMs;
  }

  /** Which session of its journal it is. */
  get number(): number {
    return this.#order.number;
  }

  get timing(): Timing {
    return this.#order.timing;
  }

  get works(): NonNullable<Hello['works']> {
    return { run: this.run, epoch: this.epoch };
  }

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Is this link of the agent one of its own? */
  has(link: LinkId): boolean {
    return this.#numberOf(link) !== undefined;
  }

  #numberOf({ session, link }: LinkId): number | undefined {
    if (session === this.id) return this.#links.has(link) ? link : undefined;
    for (const [number, { agent }] of this.#links)
      if (agent?.session === session && agent.link === link) return number;
    return undefined;
  }

  /** Everything that it took over runs: the rest was returned. */
  get isClear(): boolean {
    for (const [number, { attempts }] of this.#links)
      if (number < 0) for (const { state } of attempts.values()) if (state === 'waiting') return false;
    return true;
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

  report(id: LinkId, report: RemoteReport, nowMs: number): NodeEffect[] {
    if (this.#ending !== undefined && isOfEnding(report)) return [];
    const number = this.#numberOf(id) ?? id.link;
    const link = this.#links.get(number);
    const kept = 'id' in report ? link?.attempts.get(report.id) : undefined;
    if (kept !== undefined) this.#all.note(kept, report, nowMs, number < 0);
    const effects = number > 0 ? this.#pass(number, id, report) : [];
    if (report.is !== 'ended' || link === undefined) return effects;
    link.attempts.delete(report.id);
    // Nothing will ask for a link that was taken over and has nothing any more.
    const isUseless = number < 0 && link.attempts.size === 0 && !link.isClosing;
    return isUseless ? this.#close(number, link, 'drain') : effects;
  }

  /** `agent`: the link as the agent knows it. */
  #pass(link: number, agent: LinkId, report: RemoteReport): NodeEffect[] {
    if (report.is === 'started') {
      this.#starts.set(`${link} ${report.id}`, { link, report });
      return [];
    }
    return report.is === 'ended'
      ? this.#sayEnded(link, agent, report)
      : this.#sayReported(link, agent, report);
  }

  #sayEnded(link: number, agent: LinkId, report: Extract<RemoteReport, { is: 'ended' }>): NodeEffect[] {
    const attempt = `${link} ${report.id}`;
    const startedBy = this.#starts.get(attempt)?.report.worker;
    this.#starts.delete(attempt);
    return this.#sayReported(link, agent, startedBy === undefined ? report : { ...report, startedBy });
  }

  /** An attempt fails if something of it cannot be sent: then its outcome is that error. `agent`: the link as the agent knows it. */
  #sayReported(link: number, agent: LinkId, report: RemoteReport): NodeEffect[] {
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
      if (report.is === 'updates') return this.#creditSelf(link, agent, id);
      if (report.is !== 'service-ready') return [];
      return [{ do: 'abort', link: agent, id, reason: failure }];
    }
  }

  released(id: LinkId): void {
    const number = this.#numberOf(id);
    if (number === undefined || !this.#links.delete(number)) return;
    this.#sayReleased(number);
  }

  /**
   * When the session ends, its attempts are lost, not crashed: the last message says so for all links. The scheduler does not know a link that was taken over and
   * not adopted.
   */
  #sayReleased(number: number): void {
    if (this.#ending === undefined && number > 0) this.say({ is: 'released', link: number });
  }

  /** Ends everything. What has not started never will. */
  end(reason: string): NodeEffect[] {
    if (this.#ending !== undefined) return [];
    this.#ending = reason;
    for (const { attempts } of this.#links.values())
      for (const kept of attempts.values()) this.#all.forget(kept);
    return [...this.#links].flatMap(([number, link]) => this.#close(number, link, 'kill'));
  }

  /** Its scheduler has left: no later session will ask for what it had, nor for what was left before. */
  forget(): void {
    for (const kept of this.#unsettled.values()) this.#all.forget(kept);
    this.#unsettled.clear();
    this.#all.forgetBefore(this.run, this.number);
  }

  /** Says what there is of earlier sessions. */
  sayLeft(nowMs: number): void {
    if (this.#ending !== undefined) return;
    const running = [...this.#links.values()].flatMap(({ attempts, slot }) =>
      [...attempts.values()]
        .filter(({ key }) => key.session < this.number)
        .map((kept) => leftOf(kept, nowMs, slot)),
    );
    const over = this.#all.overOf(this.run).map((kept) => leftOf(kept, nowMs));
    this.say({ is: 'left', attempts: [...running, ...over] });
  }

  /**
   * A later session takes over: returns the links with attempts that may go on there, and ends or takes back the rest. So it does with attempts of a session
   * that the journal of the later one, whose number this is, does not know.
   */
  handOver(later: number): { readonly links: readonly Link[]; readonly effects: NodeEffect[] } {
    const links: Link[] = [];
    const effects: NodeEffect[] = [];
    this.#ending = 'a later session of the run took over';
    this.isLeft = true;
    for (const [number, link] of this.#links) {
      const attempts = [...link.attempts.values()];
      const goesOn = attempts.every(({ isStopping, key }) => !isStopping && key.session < later);
      if (attempts.length > 0 && link.agent !== undefined && goesOn) {
        this.#links.delete(number);
        links.push(link);
        effects.push({ do: 'reclaim', link: link.agent });
      } else {
        for (const kept of attempts) this.#all.forget(kept);
        effects.push(...this.#close(number, link, 'kill'));
      }
    }
    return { links, effects };
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
    if (order.do === 'settle') {
      this.#settle(order.attempts);
      return [];
    }
    const link = this.#links.get(order.link);
    const id = link?.agent ?? { session: this.id, link: order.link };
    switch (order.do) {
      case 'open':
        if (this.#ending !== undefined) return [];
        this.#links.set(order.link, { agent: id, slot: order.slot, attempts: new Map(), isClosing: false });
        return [
          {
            ...{ do: 'open', link: id, slot: order.slot, recordsModules: order.recordsModules },
            ...(order.sendsOutput === true && { sendsOutput: true }),
          },
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
        this.#keep(order.link, link, order.attempt);
        return [{ do: 'run', link: id, attempt: order.attempt, code: this.#codes.get(order.code ?? '') }];
      case 'adopt':
        return this.#adopt(order.link, order.kept);
      case 'abort': {
        if (link?.agent === undefined) return [];
        const kept = link.attempts.get(order.id);
        if (kept !== undefined) kept.isStopping = true;
        return [{ do: 'abort', link: id, id: order.id, reason: order.reason }];
      }
      case 'credit':
        return link?.agent === undefined ? [] : this.#credit(link, link.agent, order.id);
      case 'reclaim':
        return link?.agent === undefined ? [] : [{ do: 'reclaim', link: id }];
      case 'release':
        // While the session ends, a link that was not adopted may still have something: its last message says when that is over.
        if (link === undefined && this.#ending === undefined) this.say({ is: 'released', link: order.link });
        return link === undefined ? [] : this.#close(order.link, link, order.how);
      default:
        return order satisfies never;
    }
  }

  #keep(number: number, { attempts }: Link, attempt: RemoteAttempt): void {
    const key = this.#options.keyOf(attempt);
    if (key === undefined) return;
    const kept = this.#all.add(this.run, { ...key, session: this.number }, attempt.id);
    attempts.set(attempt.id, kept);
    this.#unsettled.set(`${number} ${attempt.id}`, kept);
  }

  /** A batch that comes again when an attempt is adopted is credited twice: the sender gets as much credit as it has used. */
  #credit({ attempts }: Link, agent: LinkId, id: number): NodeEffect[] {
    const kept = attempts.get(id);
    if (kept !== undefined) {
      if (kept.uncredited === 0) return [];
      kept.uncredited--;
    }
    return [{ do: 'credit', link: agent, id }];
  }

  /** What cannot be sent is processed. */
  #creditSelf(number: number, agent: LinkId, id: number): NodeEffect[] {
    const link = this.#links.get(number);
    return link === undefined ? [] : this.#credit(link, agent, id);
  }

  /** The attempt goes on over this link. What its earlier scheduler did not process is not sent once more, but for what is kept. */
  #adopt(number: number, keptNumber: number): NodeEffect[] {
    const kept = this.#all.get(keptNumber);
    if (this.#ending !== undefined) return [];
    if (kept === undefined || kept.run !== this.run) {
      this.say({ is: 'released', link: number });
      return [];
    }
    const [former, running] = [...this.#links].find(
      ([each, { attempts }]) => each < 0 && attempts.get(kept.id) === kept,
    ) ?? [number, undefined];
    const link = running ?? { agent: undefined, slot: -1, attempts: new Map(), isClosing: false };
    this.#links.delete(former);
    this.#links.set(number, link);
    this.#unsettled.set(`${number} ${kept.id}`, kept);
    const { agent } = link;
    for (const report of kept.reports)
      this.#sayReported(number, agent ?? { session: this.id, link: number }, report);
    if (agent === undefined) return [];
    const credits = Array.from({ length: kept.uncredited }, () => ({
      do: 'credit' as const,
      link: agent,
      id: kept.id,
    }));
    kept.uncredited = 0;
    return credits;
  }

  #settle(attempts: readonly (readonly [link: number, id: number])[]): void {
    for (const [link, id] of attempts) {
      const kept = this.#unsettled.get(`${link} ${id}`);
      this.#unsettled.delete(`${link} ${id}`);
      if (kept !== undefined) this.#all.forget(kept);
    }
  }

  #close(number: number, link: Link, how: 'drain' | 'kill'): NodeEffect[] {
    link.isClosing = true;
    if (how === 'kill') for (const kept of link.attempts.values()) kept.isStopping = true;
    if (link.agent !== undefined) return [{ do: 'close', link: link.agent, how }];
    this.#links.delete(number);
    this.#sayReleased(number);
    return [];
  }
}

/** The report with this error as the outcome, if it is that of an attempt that has not failed otherwise. */
function failing(report: RemoteReport, error: ThrownWire): RemoteReport {
  if (report.is !== 'ended' || report.outcome.kind !== 'returned') return report;
  return { is: 'ended', id: report.id, outcome: { kind: 'threw', error } };
}

type Started = Extract<RemoteReport, { is: 'started' }>;

function leftOf({ key, kept, id, state, startedMs }: KeptAttempt, nowMs: number, slot?: number): LeftOnNode {
  const how = state === 'waiting' ? 'running' : state;
  const runs = how === 'running' && startedMs !== undefined && { runningMs: nowMs - startedMs };
  return { ...key, kept, id, state: how, ...runs, ...(slot !== undefined && { slot }) };
}

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
