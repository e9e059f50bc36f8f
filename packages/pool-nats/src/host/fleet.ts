/**
 * The nodes that work for one run: asks for them, lends their slots to the connections of the engine, and carries what both sides say. Carries out
 * what host-core.ts decides; knows no attempt.
 */
import { randomBytes } from 'node:crypto';
import {
  type Assignment,
  type Digest,
  type LeftAttempt,
  misuse,
  type NodePredicate,
  type PexenError,
  type Problem,
} from '@pexen/core';
import { startTicking } from '@pexen/core/timers';
import type { ConnectionEvents, ConnectorContext } from '@pexen/pool-kit';
import { checkedCodec, decodePacket, encodePacket } from '../codec.ts';
import type { Settings } from '../options.ts';
import { isFromNode, isGreeting, isHello, isNodeReport } from '../packet-checks.ts';
import type { PieceRequest } from '../protocol/bundle.ts';
import { type FleetEffect, HostCore } from '../protocol/host-core.ts';
import {
  fencedAfter,
  type Hello,
  type LeftOnNode,
  type NodeReport,
  type Question,
  type ToNode,
} from '../protocol/messages.ts';
import { Subjects } from '../subjects.ts';
import { connectTransport, type Received, type Transport } from '../transport.ts';
import { Bundle } from './bundle.ts';
import { EarlierPlaces } from './earlier-places.ts';
import { FloodGuard } from './flood-guard.ts';
import { connectionOf, connectionsOf, isFree, isUsable, leftAt, type Member } from './member.ts';
import { NodeConnection, type NodeSlot, type SlotLender } from './node-connection.ts';
import { predicateOf } from './predicate.ts';
import {
  distrustProblem,
  doubledProblem,
  noBundle,
  noNodeFits,
  otherCode,
  someOf,
  strangerProblem,
  tooFewNodes,
  unfit,
  waitsForLeases,
} from './problems.ts';
import { RunClaim } from './run-claim.ts';

/** Where packets pass on their way, for tests that disturb the network. */
export interface Wires {
  toNode(name: string, deliver: () => void): void;
  fromNode(name: string, deliver: () => void): void;
  /** Takes the place of a server. */
  readonly connect?: typeof connectTransport;
}

const openWires: Wires = { toNode: (_, deliver) => deliver(), fromNode: (_, deliver) => deliver() };

/** How long nodes may take to confirm that a scheduler has left, ms. If one does not, its lease ends by itself. */
const leavingMs = 1_000;

/** So long a run without a node that it can use waits for others to answer, ms. */
const joiningMs = 1_500;

/** A node is informed at the latest when so many attempts are settled. */
const mostSettled = 256;

/** A claim that was not renewed for so long is forgotten by the server, ms: 7 days. */
const claimAgeMs = 7 * 86_400_000;

/** A node of an earlier session usually answers within so many heartbeats. */
const answeringBeats = 2;

export class Fleet implements SlotLender {
  readonly #settings: Settings;
  readonly #wires: Wires;
  readonly #context: ConnectorContext;
  readonly #subjects: Subjects;
  readonly #host = randomBytes(9).toString('base64url');
  readonly #core: HostCore;
  readonly #members = new Map<string, Member>();
  /** Connections without a slot, in the order in which they get one. */
  readonly #waiting = new Set<NodeConnection>();
  /** Connections of services without a node, and the name of the one that each needs. */
  readonly #waitingServices = new Map<NodeConnection, string | undefined>();
  /** The ids of starts of agents that cannot run what this run has. */
  readonly #refused = new Set<string>();
  /** What nodes that do not work for the run have said, by their ids. */
  readonly #others = new Map<string, string>();
  /** Names of nodes that have sent what no node sends. */
  readonly #distrusted = new Set<string>();
  readonly #floods = new FloodGuard();
  /** The option `on`, as far as it was read. */
  #fulfilsOn: NodePredicate = () => true;
  /** The files that nodes get. */
  #bundle: Bundle | undefined;
  #earlier: EarlierPlaces;
  /** That this session has the run, and no other one; undefined before that, and for a run that no other session can know. */
  #claim: RunClaim | undefined;
  /** Until then it asks again who is there. */
  #isSearching = false;
  #askedMs = 0;
  readonly #sent = new WeakMap<Assignment, { readonly place: NodeSlot; readonly id: number }>();
  /** Called when an attempt that was dismissed does not run any more, by link. */
  readonly #dismissals = new Map<number, { readonly session: string; readonly done: () => void }>();
  #transport: Transport | undefined;
  #stopTicking = (): void => {};
  /** How many connections the engine has, or may have. */
  #slots = 0;
  #links = 0;
  #isFlushing = false;
  #isOpen = false;
  #isClosed = false;
  #whenChanged = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<never>();

  constructor(settings: Settings, context: ConnectorContext, wires: Wires = openWires) {
    this.#settings = settings;
    this.#context = context;
    this.#wires = wires;
    this.#subjects = new Subjects(settings.pool);
    this.#earlier = new EarlierPlaces(settings.pool, context.earlierPlaces);
    this.#closing.promise.catch(() => {});
    const epoch = (): number => this.#epoch;
    this.#core = new HostCore({
      host: this.#host,
      run: context.runId ?? this.#host,
      get epoch() {
        return epoch();
      },
      number: context.session,
      timing: settings.timing,
      codec: checkedCodec(isNodeReport),
      accepts: (hello) => this.#accepts(hello),
    });
  }

  get #epoch(): number {
    return this.#claim?.epoch ?? this.#context.session;
  }

  /**
   * Resolves when enough nodes work for the run.
   * @throws PexenError PEXEN_NATS_PLAINTEXT, PEXEN_NATS_CONNECT, PEXEN_RUN_IN_USE, PEXEN_NO_NODE, PEXEN_BUNDLE, PEXEN_BAD_ON
   */
  async open(): Promise<void> {
    const { bundle, on } = this.#settings;
    this.#fulfilsOn = await predicateOf(on);
    const root = this.#context.code?.root ?? process.cwd();
    this.#bundle = bundle && (await Bundle.of(root, bundle));
    const { connect = connectTransport } = this.#wires;
    const more = { inboxPrefix: this.#subjects.runsInbox };
    const transport = await connect(this.#settings.server, `pexen run ${this.#host}`, more);
    this.#transport = transport;
    if (this.#isClosed) return await this.close();
    void transport.closed.then((failure) => this.#disconnected(failure));
    await this.#claimRun(transport);
    if (this.#isClosed) return await this.close();
    transport.subscribe(this.#subjects.hello('*'), (received) => this.#greet(received));
    transport.subscribe(this.#subjects.fromNode('*', this.#host), (received) => this.#hear(received));
    transport.subscribe(this.#subjects.unheard('*', this.#host, '*'), ({ subject, isUnheard }) => {
      const id = subject.slice(subject.lastIndexOf('.') + 1);
      if (isUnheard) this.#obey(this.#core.unreachable(this.#subjects.nameIn(subject), id, this.#nowMs));
    });
    await transport.flush();
    const tickMs = Math.max(5, this.#settings.timing.heartbeatMs / 4);
    this.#stopTicking = startTicking(this.#settings.clock, tickMs, () => this.#tick());
    this.#ask();
    await Promise.all([this.#enoughNodes(), this.#earlierSessionsHeard()]);
    this.#isOpen = true;
    this.#context.left([...this.#members.values()].flatMap((member) => leftAt(member, this.#nowMs)));
  }

  /** Only one session has a run: on whatever machine, and with whatever copy of its journal. */
  async #claimRun(transport: Transport): Promise<void> {
    const { runId: run, session, warn } = this.#context;
    if (run === undefined) return;
    const { pool, timing, clock } = this.#settings;
    const { runsStream: stream, runsKept: prefix } = this.#subjects;
    const claiming = RunClaim.make({
      store: () => transport.values({ stream, prefix, maxAgeMs: claimAgeMs, use: 'keep a run for itself' }),
      ...{ run, pool, session, timing, clock, warn },
      isWanted: () => !this.#isClosed,
      lost: (error) => this.#context.failed(error, 'kill'),
    });
    const claim = await Promise.race([claiming, this.#closing.promise]);
    this.#claim = claim;
    if (claim.isFork) this.#earlier = new EarlierPlaces(pool, 'unknown');
  }

  /** No node can be reached any more. They end what they run when their leases are over, or go on for a resume before that. */
  #disconnected(failure: PexenError | undefined): void {
    if (failure === undefined || this.#isClosed) return;
    this.#closing.reject(failure);
    this.#context.failed(failure, 'kill');
  }

  get outputFile(): Settings['outputFile'] {
    return this.#settings.outputFile;
  }

  /** A connection for the engine, which gets a slot of a node at once or later. */
  connect(events: ConnectionEvents): NodeConnection {
    const connection = new NodeConnection(events, this, this.#freeSlots <= this.#waiting.size);
    this.#waiting.add(connection);
    queueMicrotask(() => this.#lend());
    return connection;
  }

  /** The same for a service, which runs beside the slots of this node, or of the one with the fewest services. */
  connectService(events: ConnectionEvents, node?: string): NodeConnection {
    const startsAway = !this.#usable.some(({ hello }) => node === undefined || hello.name === node);
    const connection = new NodeConnection(events, this, startsAway);
    this.#waitingServices.set(connection, node);
    queueMicrotask(() => this.#lend());
    return connection;
  }

  /** A connection to the attempt of an earlier session. */
  connectLeft(left: LeftAttempt, events: ConnectionEvents): NodeConnection {
    const { member, found } = this.#takeLeft(left) ?? {};
    const connection = new NodeConnection(events, this, false, found);
    if (member === undefined || found === undefined)
      queueMicrotask(() => connection.lose('does not have it any more'));
    else {
      const { slot } = found;
      if (slot === undefined || member.slots[slot] !== undefined) member.services.add(connection);
      else member.slots[slot] = connection;
      queueMicrotask(() => this.#bind(connection, member, slot));
    }
    return connection;
  }

  /** Ends these attempts of earlier sessions. Resolves when none of them runs. */
  async dismissLeft(lefts: readonly LeftAttempt[]): Promise<void> {
    await Promise.all(lefts.map((left) => this.#dismiss(left)));
  }

  #dismiss(left: LeftAttempt): Promise<void> | undefined {
    const { member, found } = this.#takeLeft(left) ?? {};
    if (member === undefined || found === undefined) return undefined;
    const { session } = member;
    const link = ++this.#links;
    this.#core.send(session, { do: 'adopt', link, kept: found.kept });
    this.#core.send(session, { do: 'release', link, how: 'kill' });
    this.#core.send(session, { do: 'settle', attempts: [[link, found.id]] });
    this.#flushSoon();
    return new Promise((done) => this.#dismissals.set(link, { session, done }));
  }

  #takeLeft(left: LeftAttempt): { readonly member: Member; readonly found: LeftOnNode } | undefined {
    for (const member of this.#members.values()) {
      const found = member.left.find((each) => member.hello.name === left.node && isSame(each, left));
      if (found === undefined) continue;
      member.left = member.left.filter((each) => each !== found);
      return { member, found };
    }
    return undefined;
  }

  sent(assignment: Assignment, place: NodeSlot, id: number): void {
    this.#sent.set(assignment, { place, id });
  }

  /** The end of the attempt is recorded: its node need not keep it. */
  settled(assignment: Assignment): void {
    const sent = this.#sent.get(assignment);
    const member = sent && this.#members.get(sent.place.session);
    if (member === undefined || sent === undefined) return;
    member.settled.push([sent.place.link, sent.id]);
    if (member.settled.length >= mostSettled) this.#tellSettled(member);
  }

  /** Sent with what is sent anyway. */
  #tellSettled(member: Member): void {
    if (member.settled.length === 0) return;
    this.#core.send(member.session, { do: 'settle', attempts: member.settled });
    member.settled = [];
  }

  withdraw(connection: NodeConnection): void {
    this.#waiting.delete(connection);
    this.#waitingServices.delete(connection);
  }

  /** Interrupts `open`. */
  closing(): void {
    this.#closing.reject(new Error('the pool was closed while it waited for nodes'));
  }

  /** Lets all nodes go, and leaves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.closing();
    this.#lateEnds();
    this.#obey(this.#core.close());
    await this.#until(() => this.#core.size === 0, leavingMs);
    this.#stopTicking();
    await this.#claim?.close();
    await this.#transport?.close();
    this.#transport = undefined;
  }

  // Nodes.

  #ask(): void {
    this.#askedMs = this.#nowMs;
    const question: Question = { id: this.#host, probe: false };
    this.#publish(this.#subjects.ask, question);
  }

  #accepts(hello: Hello): boolean {
    const { node, name } = hello;
    return !this.#distrusted.has(name) && !this.#refused.has(node) && this.#lackOf(hello) === undefined;
  }

  /** What the node lacks for this pool, to be said behind its name. */
  #lackOf({ name, properties }: Hello): string | undefined {
    const { labels } = this.#settings;
    const other = Object.entries(labels).find(([label, value]) => String(properties[label]) !== value);
    if (other !== undefined) return `has not ${other.join('=')}`;
    const answer = this.#fulfilsOn({ name, properties });
    return answer === true ? undefined : answer || 'is not wanted by the option "on"';
  }

  #greet({ bytes, subject }: Received): void {
    const name = this.#subjects.nameIn(subject);
    if (!this.#admits(name, bytes)) return;
    const hello = decodePacket(bytes);
    if (!isGreeting(hello) || hello.name !== name) {
      this.#distrust(name, 'sent a malformed greeting');
      return;
    }
    const stranger = strangerProblem(hello);
    if (stranger !== undefined) {
      if (!this.#others.has(hello.node)) this.#context.warn(stranger);
      this.#others.set(hello.node, `${hello.name} speaks another version of the protocol`);
      return;
    }
    if (!isHello(hello)) {
      this.#distrust(name, 'sent a malformed greeting');
      return;
    }
    if (this.#refused.has(hello.node)) return;
    const lack = this.#lackOf(hello);
    if (lack !== undefined) this.#others.set(hello.node, `${hello.name} ${lack}`);
    else if (hello.state === 'free') this.#others.delete(hello.node);
    else
      this.#others.set(
        hello.node,
        `${hello.name} is ${hello.state === 'busy' ? 'busy with another run' : hello.state}`,
      );
    for (const node of hello.former ?? []) this.#heard({ name, node });
    if (this.#hasNothing(hello)) this.#heard(hello);
    this.#wires.fromNode(hello.name, () => this.#obey(this.#core.greet(hello, this.#nowMs)));
  }

  /** The node does not run anything of an earlier session of the run, and will not be asked for what it keeps of one. */
  #hasNothing(hello: Hello): boolean {
    if (hello.works?.run === this.#context.runId) return false;
    return hello.state !== 'free' || !this.#accepts(hello);
  }

  #heard(hello: Pick<Hello, 'name' | 'node'>): void {
    this.#earlier.heard(hello);
    this.#changed();
  }

  /** The server lets a node send under its own name only: no other can speak for its sessions. */
  #hear({ bytes, subject }: Received): void {
    const name = this.#subjects.nameIn(subject);
    if (!this.#admits(name, bytes)) return;
    const packet = decodePacket(bytes);
    if (!isFromNode(packet)) {
      this.#distrust(name, 'sent a malformed packet');
      return;
    }
    if (this.#core.nameOf(packet.session) !== name) return;
    this.#wires.fromNode(name, () => this.#obey(this.#core.take(packet, this.#nowMs)));
  }

  /** False for what is on top of what a node has to say. */
  #admits(name: string, bytes: Uint8Array): boolean {
    if (this.#floods.admits(name, bytes.length, this.#nowMs)) return true;
    this.#distrust(name, 'sent far more than a node has to say');
    return false;
  }

  /** The node is not asked again, and what works for the run counts as lost when its lease is over. */
  #distrust(name: string, what: string): void {
    if (this.#distrusted.has(name)) return;
    this.#distrusted.add(name);
    this.#context.warn(distrustProblem(name, what));
    this.#obey(this.#core.distrust(name, what));
  }

  #obey(effects: readonly FleetEffect[]): void {
    for (const effect of effects) this.#obeyOne(effect);
  }

  #obeyOne(effect: FleetEffect): void {
    const member = this.#members.get(effect.session);
    switch (effect.do) {
      case 'transmit':
        this.#transmit(effect.hello, effect.packet);
        break;
      case 'joined':
        this.#join(effect);
        break;
      case 'hear':
        if (member !== undefined) this.#report(member, effect.report);
        break;
      case 'away':
      case 'back':
        if (member === undefined) break;
        member.isAway = effect.do === 'away';
        for (const connection of connectionsOf(member)) connection.setAway(member.isAway);
        this.#reportNode(member.hello.name);
        if (!member.isAway) this.#lend();
        break;
      case 'doubled':
        this.#context.warn(doubledProblem(effect.hello.name));
        break;
      case 'distrusted':
        this.#distrust(effect.hello.name, effect.what);
        break;
      case 'over':
        if (effect.refusal === 'fenced') this.#superseded(effect.hello, member !== undefined);
        if (member !== undefined) this.#lose(member, effect.reason);
        this.#changed();
        break;
      default:
        effect satisfies never;
    }
  }

  #join({ session, hello }: FleetEffect): void {
    const slots = Array.from<undefined>({ length: hello.slots });
    const awaits: Member['awaits'] = new Set(['files', 'record']);
    if (this.#epoch > 1) awaits.add('left');
    const member: Member = {
      ...{
        session,
        hello,
        slots,
        services: new Set(),
        codes: new Set(),
        awaits,
        left: [],
        leftAtMs: 0,
        settled: [],
      },
      ...{ isAway: false, isDraining: false },
    };
    this.#members.set(session, member);
    this.#context.joined(this.#earlier.placeOf(hello), () => this.#recorded(member));
    if (this.#bundle === undefined) {
      this.#known(member, 'files');
      return;
    }
    this.#core.send(session, { do: 'bundle', link: 0, manifest: this.#bundle.manifest });
    this.#flushSoon();
  }

  /** A session that was stopped meanwhile may not have the run any more: another one does not know of this node. */
  #recorded(member: Member): void {
    if (this.#claim === undefined) this.#known(member, 'record');
    else void this.#claim.confirm().then(() => this.#known(member, 'record'));
  }

  /** The node has all that it needs. */
  #enter({ hello }: Member): void {
    const all = [...this.#members.values()].reduce((sum, { slots }) => sum + slots.length, 0);
    if (all > this.#slots) {
      this.#slots = all;
      this.#context.slotsChanged(all);
    }
    this.#reportNode(hello.name);
    this.#lend();
    this.#changed();
  }

  /** A later session of the run has this node. If it was taken from this one, this one is over. */
  #superseded({ node, name }: Hello, isTaken: boolean): void {
    this.#others.set(node, `${name} works for a later session of this run`);
    if (isTaken)
      this.#context.failed(
        misuse(
          'PEXEN_NODE_SUPERSEDED',
          `a later session of this run works on the node "${name}"`,
          'Nothing is to be done. If you have not resumed the run yourself, find out who has.',
        ),
        'kill',
      );
  }

  /** What a node says once everything has been decided comes too late: it was given up. */
  async #leftAt(member: Member): Promise<void> {
    this.#heard(member.hello);
    if (this.#isOpen) await this.dismissLeft(leftAt(member, this.#nowMs));
    this.#known(member, 'left');
    if (member.isDraining) this.#leaveIfUnused(member);
  }

  #known(member: Member, what: 'files' | 'record' | 'left'): void {
    member.awaits.delete(what);
    if (member.awaits.size === 0 && this.#members.has(member.session)) this.#enter(member);
  }

  #report(member: Member, report: NodeReport): void {
    switch (report.is) {
      case 'left':
        member.left = report.attempts;
        member.leftAtMs = this.#nowMs;
        void this.#leftAt(member);
        break;
      case 'over':
        break; // The core has made it an effect of its own.
      case 'changed':
        member.hello = { ...member.hello, properties: report.properties };
        this.#reportNode(member.hello.name);
        break;
      case 'other-code':
        this.#refuse(
          member,
          `has other code: ${someOf(report.files)}`,
          otherCode(member.hello.name, report.files),
        );
        break;
      case 'unfit':
        this.#refuse(member, `can run nothing: ${report.failure}`, unfit(member.hello.name, report.failure));
        break;
      case 'wants':
        this.#sendPieces(member, report.pieces);
        break;
      case 'unpacked':
        if (report.failure === undefined) this.#known(member, 'files');
        else
          this.#refuse(
            member,
            `has no bundle: ${report.failure}`,
            noBundle(member.hello.name, report.failure),
          );
        break;
      case 'draining':
        this.#drain(member);
        break;
      case 'released':
        this.#take(member, report.link)?.released();
        this.#dismissals.get(report.link)?.done();
        this.#dismissals.delete(report.link);
        if (member.isDraining) this.#leaveIfUnused(member);
        else this.#lend();
        break;
      case 'reported':
      case 'returned':
        connectionOf(member, report.link)?.hear(report);
        break;
      default:
        report satisfies never;
    }
  }

  #drain(member: Member): void {
    member.isDraining = true;
    this.#reportNode(member.hello.name);
    for (const connection of connectionsOf(member)) connection.spoil();
    this.#leaveIfUnused(member);
  }

  /** The node cannot run what this run has, and is not used. If that holds for all nodes, nothing can run. */
  #refuse(member: Member, reason: string, warning: Problem): void {
    const { node, name } = member.hello;
    if (this.#refused.has(node)) return;
    this.#refused.add(node);
    this.#others.set(node, `${name} ${reason}`);
    this.#context.warn(warning);
    this.#drain(member);
    this.#settings.clock.after(joiningMs, () => this.#failIfNoneFits(warning), { keepsAlive: false });
  }

  #failIfNoneFits(warning: Problem): void {
    if (this.#isClosed || [...this.#members.values()].some(({ hello }) => !this.#refused.has(hello.node)))
      return;
    const reasons = [...this.#refused].map((each) => this.#others.get(each) ?? '');
    const failure = noNodeFits(warning, this.#settings.pool, reasons);
    this.#closing.reject(failure);
    this.#context.failed(failure);
  }

  #leaveIfUnused(member: Member): void {
    const isUsed = connectionsOf(member).length + member.left.length > 0 || member.awaits.has('left');
    if (!isUsed) this.#obey(this.#core.leave(member.session));
  }

  #lose(member: Member, reason: string): void {
    this.#members.delete(member.session);
    this.#reportNode(member.hello.name, reason);
    this.#context.parted(this.#earlier.placeOf(member.hello));
    for (const { session, done } of this.#dismissals.values()) if (session === member.session) done();
    for (const connection of connectionsOf(member)) connection.lose(reason);
  }

  /** An agent that was started again is the same node, with what it has now; its former start may still count as out of reach. */
  #reportNode(name: string, reason = 'has left'): void {
    if (this.#isClosed) return;
    const starts = [...this.#members.values()].filter(({ hello }) => hello.name === name);
    const newest = starts.at(-1);
    if (newest === undefined) {
      this.#context.nodeLeft(name, reason);
      return;
    }
    const usable = starts.filter(isUsable);
    const slots = usable.reduce((sum, { hello }) => sum + hello.slots, 0);
    const { properties, bootMark } = newest.hello;
    this.#context.nodeChanged({ name, properties, slots, bootMark });
  }

  // Slots.

  get #usable(): Member[] {
    return [...this.#members.values()].filter(isUsable);
  }

  get #readyCount(): number {
    return [...this.#members.values()].filter(({ awaits }) => awaits.size === 0).length;
  }

  get #freeSlots(): number {
    return this.#usable.flatMap((member) => member.slots.filter((_, slot) => isFree(member, slot))).length;
  }

  /** Gives free slots of nodes to the connections that wait, and places to services. */
  #lend(): void {
    const members = this.#usable;
    for (const member of members)
      for (const slot of member.slots.keys()) {
        const [connection] = this.#waiting;
        if (connection === undefined || !isFree(member, slot)) continue;
        this.#waiting.delete(connection);
        member.slots[slot] = connection;
        this.#bind(connection, member, slot);
      }
    for (const [service, node] of this.#waitingServices) {
      const [member] = members
        .filter(({ hello }) => node === undefined || hello.name === node)
        .toSorted((a, b) => a.services.size - b.services.size);
      if (member === undefined) continue;
      this.#waitingServices.delete(service);
      member.services.add(service);
      this.#bind(service, member, member.slots.length);
    }
  }

  /** `slot`: undefined for an attempt that ended before it was adopted. */
  #bind(connection: NodeConnection, member: Member, slot?: number): void {
    const { session, hello } = member;
    connection.bind({
      session,
      name: slot === undefined ? hello.name : `${hello.name}/${slot}`,
      node: hello.name,
      link: ++this.#links,
      slot: slot ?? 0,
      send: (order) => {
        this.#core.send(session, order);
        this.#flushSoon();
      },
      sendCode: (assignment) => this.#sendCode(member, assignment),
    });
  }

  /** What cannot be read any more goes without bytes: then the node cannot be used. */
  #sendPieces(member: Member, pieces: readonly PieceRequest[]): void {
    const send = async (): Promise<void> => {
      for (const { hash, at } of pieces) {
        const bytes = await this.#bundle?.piece({ hash, at });
        const order = { do: 'piece', link: 0, hash, at, ...(bytes !== undefined && { bytes }) } as const;
        this.#core.send(member.session, order);
        this.#flushSoon();
      }
    };
    member.sending = (member.sending ?? Promise.resolve()).then(send);
  }

  #sendCode({ session, codes }: Member, assignment: Assignment): Digest | undefined {
    const source = this.#settings.checkCode ? this.#context.code : undefined;
    const code = source?.filesOf(assignment);
    if (source === undefined || code === undefined) return undefined;
    if (!codes.has(code.digest)) {
      codes.add(code.digest);
      this.#core.send(session, { do: 'code', link: 0, code: { root: source.root, ...code } });
    }
    return code.digest;
  }

  /** Takes the slot back that this link uses. */
  #take(member: Member, link: number): NodeConnection | undefined {
    const connection = connectionOf(member, link);
    const at = member.slots.indexOf(connection);
    if (connection === undefined) return undefined;
    if (at >= 0) member.slots[at] = undefined;
    else member.services.delete(connection);
    return connection;
  }

  /** What could not be ended is known to have ended when the lease of its node is over, also after the pool was closed. */
  #lateEnds(): void {
    for (const member of this.#members.values()) {
      const left = connectionsOf(member);
      const inMs = this.#core.fencedAtMs(member.session) - this.#nowMs;
      const options = { keepsAlive: false };
      if (left.length > 0)
        this.#settings.clock.after(
          inMs,
          () => {
            for (const each of left) each.gone('had no lease any more');
          },
          options,
        );
    }
  }

  // What is sent.

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#obey(this.#core.flush(this.#nowMs));
    });
  }

  #tick(): void {
    if (this.#isSearching && this.#nowMs - this.#askedMs >= this.#settings.timing.heartbeatMs) this.#ask();
    for (const member of this.#members.values()) this.#tellSettled(member);
    this.#claim?.tick(this.#nowMs);
    this.#obey(this.#core.tick(this.#nowMs));
  }

  #transmit({ name, node }: Hello, packet: ToNode): void {
    const subject = this.#subjects.toNode(name, node);
    const unheard = this.#subjects.unheard(name, this.#host, node);
    this.#wires.toNode(name, () => this.#publish(subject, packet, unheard));
  }

  #publish(subject: string, packet: object, reply?: string): void {
    this.#transport?.publish(subject, encodePacket(packet), reply);
  }

  get #nowMs(): number {
    return this.#settings.clock.now();
  }

  // Waiting.

  async #enoughNodes(): Promise<void> {
    const { nodes, waitMs } = this.#settings;
    if (!(await this.#until(() => this.#readyCount >= nodes, waitMs))) {
      const found = {
        here: this.#readyCount,
        server: this.#transport?.server ?? '',
        others: [...this.#others.values()],
      };
      throw tooFewNodes(this.#settings, found);
    }
  }

  /**
   * Resolves when all nodes of earlier sessions have said what is left there. What is left on nodes that cannot be asked has ended when their leases are
   * over.
   */
  async #earlierSessionsHeard(): Promise<void> {
    const { timing } = this.#settings;
    const areHeard = (): boolean => !this.#earlier.isUnknown && this.#earlier.areHeard;
    if (areHeard()) return;
    this.#isSearching = true;
    const fencedMs = fencedAfter(timing);
    const usualMs = Math.min(fencedMs, timing.heartbeatMs * answeringBeats);
    if (!(await this.#until(areHeard, this.#earlier.isUnknown ? 0 : usualMs))) {
      this.#context.warn(waitsForLeases(fencedMs, this.#earlier.silent));
      await this.#until(areHeard, fencedMs - (this.#earlier.isUnknown ? 0 : usualMs));
    }
    this.#isSearching = false;
  }

  /** Resolves with true once this holds, or with false when the time is over. Rejects when the pool is closed meanwhile. */
  async #until(isSo: () => boolean, withinMs: number): Promise<boolean> {
    const timeout = Promise.withResolvers<'late'>();
    const cancel = this.#settings.clock.after(withinMs, () => timeout.resolve('late'));
    try {
      while (!isSo()) {
        const stopped = this.#isClosed ? [] : [this.#closing.promise];
        const next = await Promise.race([this.#whenChanged.promise, timeout.promise, ...stopped]);
        if (next === 'late') return isSo();
      }
      return true;
    } finally {
      cancel();
    }
  }

  #changed(): void {
    this.#whenChanged.resolve();
    this.#whenChanged = Promise.withResolvers<void>();
  }
}

function isSame(one: LeftAttempt, other: LeftAttempt): boolean {
  const isSameTask = one.path === other.path && one.attempt === other.attempt;
  return isSameTask && one.part === other.part && one.session === other.session;
}
