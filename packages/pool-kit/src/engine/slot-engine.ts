/**
 * The pool contract, implemented once for every kind of worker: a queue before numbered slots, prefetch of short attempts, and everything
 * that must happen when attempts are stopped or reclaimed, or lose their worker. A connector implements what is special about one kind of worker.
 */
import {
  type Assignment,
  type Clock,
  type LeftAttempt,
  type PexenError,
  type Pool,
  type PoolContext,
  type PoolManifest,
  type PoolNode,
  type PoolOutcome,
  poolAbandoned,
  poolInUse,
  type Ticket,
} from '@pexen/core';
import { startTimer, systemClock } from '@pexen/core/timers';
import type { Connector, ConnectorContext, Timeouts, WorkKind } from './connector.ts';
import { Execution } from './execution.ts';
import { NodeQueues } from './node-queues.ts';
import {
  functionRefused,
  noSlotLeft,
  serviceRefused,
  serviceUnknown,
  slotClosed,
  workersDieOf,
} from './problems.ts';
import { ServiceSlot, type ServiceSlotOwner } from './service-slot.ts';
import { Slot, type SlotOwner } from './slot.ts';
import type { WorkerLink } from './worker-link.ts';

/** Options of an engine. */
export interface SlotEngineOptions {
  /** Default: the real time. */
  readonly clock?: Clock;
}

/**
 * A pool over a connector.
 *
 * @example
 * export const cluster = (options: ClusterOptions): Pool => new SlotEngine(new ClusterConnector(options));
 */
export class SlotEngine implements Pool {
  readonly manifest: PoolManifest;
  readonly #connector: Connector;
  readonly #clock: Clock | undefined;
  #session: Session | undefined;
  /** The one that is being closed: `close('kill')` may still interrupt its drain. */
  #closing: Session | undefined;
  /** Workers that could not be ended and have not ended yet. */
  readonly #abandoned = new Set<Promise<void>>();

  constructor(connector: Connector, { clock }: SlotEngineOptions = {}) {
    this.manifest = connector.manifest;
    this.#connector = connector;
    this.#clock = clock;
  }

  /** Rejects while the pool is open, and where the connector cannot be opened or, if it connects at open, no worker becomes ready. */
  async open(context: PoolContext): Promise<void> {
    if (this.#session !== undefined) throw poolInUse();
    if (this.#abandoned.size > 0) throw poolAbandoned();
    const session = new Session(this.#connector, this.#clock, context, (settled) => this.#note(settled));
    this.#session = session;
    try {
      await session.open();
    } catch (error) {
      if (this.#session === session) this.#session = undefined;
      await session.close('kill');
      throw error;
    }
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    if (this.#session === undefined) return { kind: 'not-started', reason: 'the pool is not open' };
    return this.#session.run(assignment, ticket);
  }

  adopt(left: LeftAttempt, assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    if (this.#session === undefined) return { kind: 'lost', reason: 'the pool is not open' };
    return this.#session.adopt(left, assignment, ticket);
  }

  async dismiss(left: readonly LeftAttempt[]): Promise<void> {
    await this.#connector.dismissLeft?.(left);
  }

  settled(assignment: Assignment): void {
    this.#connector.settled?.(assignment);
  }

  reclaim(): void {
    this.#session?.reclaim();
  }

  async close(how: 'drain' | 'kill'): Promise<void> {
    const session = this.#session ?? this.#closing;
    this.#session = undefined;
    this.#closing = session;
    await session?.close(how);
    if (this.#closing === session) this.#closing = undefined;
  }

  #note(settled: Promise<void>): void {
    this.#abandoned.add(settled);
    void settled.then(() => this.#abandoned.delete(settled));
  }
}

const usualTimeouts: Timeouts = { connectMs: 30_000, takeUpMs: 10_000, answerMs: 1_000, stuckMs: 2_000 };

/** After so many workers have died before they started it, an attempt counts as the cause. */
const mostDeaths = 3;

/** So many attempts are sent at once while outcomes are still being processed: workers and host then work at the same time. */
const chunk = 8;

/** How often the engine polls which attempts have started, ms: less and less often while nothing changes. */
const poll = { shortestMs: 2, longestMs: 64 };

/** Everything between `open` and `close`. */
class Session implements SlotOwner, ServiceSlotOwner {
  readonly clock: Clock;
  readonly graceClock: Pick<Clock, 'after'>;
  readonly timeouts: Timeouts;
  readonly wantsModules: boolean;
  readonly abandoned: (settled: Promise<void>) => void;
  readonly #connector: Connector;
  readonly #context: PoolContext;
  readonly #slots: Slot[] = [];
  /** The places of services, until their workers are gone. */
  readonly #services = new Set<ServiceSlot>();
  #serviceCount = 0;
  /** How many attempts of earlier sessions run here. */
  #adopted = 0;
  readonly #queue = new NodeQueues<Execution>(({ assignment }) => assignment.node);
  /** The nodes that the connector has reported, and whether they have slots. */
  readonly #nodes = new Map<string, boolean>();
  /** How many slots the connector allows. */
  #allowed: number;
  #reportedSlots = -1;
  #isOpen = false;
  /** How many attempts have no outcome yet. */
  #unsettled = 0;
  #reclaims = 0;
  #isScheduled = false;
  /** Attempts whose signals are not listened to yet: most are over before that is worth its cost. */
  #fresh: Execution[] = [];
  #cancelPoll: (() => void) | undefined;
  #pollMs = 0;
  /** Since the last poll, attempts were sent that may start without a message. */
  #hasSent = false;
  #whenIdle: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  /** Resolves when the first worker is ready, rejects when no worker can be started. */
  readonly #firstReady = Promise.withResolvers<void>();
  /** Why no attempt can run any more. */
  #failure: PexenError | undefined;

  constructor(
    connector: Connector,
    clock: Clock | undefined,
    context: PoolContext,
    abandoned: (settled: Promise<void>) => void,
  ) {
    this.clock = clock ?? systemClock;
    this.graceClock = clock ?? { after: context.after ?? startTimer };
    this.abandoned = abandoned;
    this.timeouts = { ...usualTimeouts, ...connector.timeouts };
    this.wantsModules = context.wantsModules === true;
    this.#connector = connector;
    this.#context = context;
    this.#allowed = connector.slots;
    this.#firstReady.promise.catch(() => {});
  }

  async open(): Promise<void> {
    const pool = this.#context;
    let hasLeft = false;
    const context: ConnectorContext = {
      slotsChanged: (slots) => this.#allow(slots),
      nodeChanged: (node) => this.#nodeChanged(node),
      nodeLeft: (name, reason) => this.#nodeLeft(name, reason),
      failed: (error, how) => this.#fail(error, how),
      warn: (warning) => pool.warn?.(warning),
      code: pool.code,
      get runId() {
        return pool.runId;
      },
      session: pool.session ?? 1,
      earlierPlaces: pool.earlierPlaces,
      left: (attempts) => {
        hasLeft = attempts.length > 0;
        pool.left?.(attempts);
      },
      joined: (place, recorded) => (pool.joined === undefined ? recorded() : pool.joined(place, recorded)),
      parted: (place) => pool.parted?.(place),
    };
    await this.#connector.open?.(context);
    this.#throwIfClosed();
    this.#addSlots();
    if (this.#connector.connectsAtOpen) {
      for (const slot of this.#slots) slot.connect('function');
      // Attempts of earlier sessions may have all slots: these become free once they are adopted or dismissed, which comes after this.
      if (!hasLeft) await this.#firstReady.promise;
    }
    this.#isOpen = true;
    this.#reportSlots();
  }

  run(assignment: Assignment, ticket: Ticket): Promise<PoolOutcome> {
    if (assignment.service) return this.#runBeside(assignment, ticket);
    return new Promise((resolve) => {
      const attempt = new Execution(assignment, ticket, this.#kindOf(assignment), resolve, this.#settled);
      this.#unsettled++;
      attempt.reclaims = this.#reclaims;
      const refusal = this.#refusalOf(attempt);
      if (refusal !== undefined) {
        this.refuse(attempt, refusal);
        return;
      }
      if (this.#isUnreachable(attempt)) {
        attempt.return('its node is not there');
        return;
      }
      this.#queue.push(attempt);
      if (attempt.kind === 'program')
        attempt.listen(); // It costs little beside a program.
      else if (this.#fresh.push(attempt) === 1) this.#pollWithin(poll.shortestMs);
      if (this.#queue.length === chunk) queueMicrotask(this.#distributeIfScheduled);
      this.#schedule();
    });
  }

  /** The attempt counts as one of a slot, until its worker gives that slot back. */
  adopt(left: LeftAttempt, assignment: Assignment, ticket: Ticket): Promise<PoolOutcome> {
    this.#adopted++;
    this.#reportSlots();
    const connect: Connector['connect'] = (_slot, events) => {
      if (this.#connector.connectLeft === undefined) throw new TypeError('a connector without connectLeft');
      return this.#connector.connectLeft(left, events);
    };
    return this.#runBeside(assignment, ticket, connect).finally(() => {
      this.#adopted--;
      this.#reportSlots();
    });
  }

  /** Gives the service a worker of its own, which ends with it. `adopts`: a worker that has the attempt already. */
  #runBeside(assignment: Assignment, ticket: Ticket, adopts?: Connector['connect']): Promise<PoolOutcome> {
    return new Promise((resolve) => {
      const place = new ServiceSlot(this.#serviceCount++, this.#connector, this, assignment.node, adopts);
      const settled = (): void => {
        this.#settled();
        void place.close().then(() => this.#services.delete(place));
      };
      const service = new Execution(assignment, ticket, this.#kindOf(assignment), resolve, settled);
      this.#unsettled++;
      this.#services.add(place);
      const refusal = this.#refusalOf(service);
      if (refusal !== undefined) this.refuse(service, refusal);
      else if (adopts === undefined && this.#isUnreachable(service)) service.return('its node is not there');
      else place.run(service);
    });
  }

  readonly #settled = (): void => {
    if (--this.#unsettled === 0) this.#whenIdle?.();
  };

  /** Returns the attempts that have not started. */
  reclaim(): void {
    this.#reclaims++;
    for (const attempt of this.#queue.takeAll()) attempt.return('no more is started');
    for (const slot of this.#slots) for (const link of slot.links) link.reclaim();
  }

  /** Resolves when all attempts are settled and all workers are gone. A second call with `kill` interrupts a drain. */
  close(how: 'drain' | 'kill'): Promise<void> {
    this.#firstReady.reject(new Error('the pool was closed while it was opening'));
    this.reclaim();
    for (const service of this.#services) service.returnWaiting('the pool was closed');
    if (how === 'kill') this.#connector.closing?.();
    if (how === 'kill')
      for (const place of [...this.#slots, ...this.#services]) place.kill('the pool was closed');
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  async #shutDown(): Promise<void> {
    if (this.#unsettled > 0)
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    this.#connector.closing?.();
    await Promise.all([...this.#slots, ...this.#services].map((place) => place.close()));
    this.#cancelPoll?.();
    this.#cancelPoll = undefined;
    await this.#connector.close?.();
  }

  // What slots report.

  ready(): void {
    this.#firstReady.resolve();
  }

  roomChanged(): void {
    if (this.#queue.length > 0) this.#schedule();
  }

  sent(isWatched: boolean): void {
    this.#hasSent ||= isWatched;
    this.#pollWithin(isWatched ? poll.shortestMs : poll.longestMs);
  }

  usabilityChanged(): void {
    this.#reportSlots();
  }

  returned(attempts: readonly Execution[], death?: string): void {
    const again: Execution[] = [];
    for (const attempt of attempts) {
      attempt.link = undefined;
      attempt.number = -1;
      if (death !== undefined) attempt.deaths++;
      if (attempt.isAborted) attempt.return('stopped before it was started');
      else if (attempt.reclaims < this.#reclaims) attempt.return('no more is started');
      else if (this.#failure !== undefined) this.refuse(attempt, this.#failure);
      else if (death !== undefined && attempt.deaths >= mostDeaths)
        this.refuse(attempt, workersDieOf(attempt.assignment.path, death));
      else if (this.#isUnreachable(attempt)) attempt.return('its node is not there any more');
      else again.push(attempt);
    }
    this.#queue.putBack(again);
    if (again.length > 0) this.#schedule();
  }

  refuse(attempt: Execution, error: PexenError): void {
    attempt.start('none', this.clock.now());
    attempt.settle({ kind: 'threw', error });
  }

  workerLost(name: string, reason: string): void {
    this.#context.workerLost(name, reason);
  }

  workerGone(name: string, reason: string): void {
    this.#context.workerGone?.(name, reason);
  }

  lateError(name: string, tasks: readonly string[], error: unknown): void {
    this.#context.lateError(name, tasks, error);
  }

  slotClosed(slot: Slot, times: number, error: unknown): void {
    if (this.#slots.some(({ isClosed }) => !isClosed)) {
      this.#context.warn?.(slotClosed(slot.number, times, error));
      this.#reportSlots();
      return;
    }
    this.#fail(noSlotLeft(error));
  }

  #fail(failure: PexenError, how?: 'cancel' | 'kill'): void {
    this.#failure = failure;
    this.#firstReady.reject(failure);
    if (this.#isOpen) this.#context.failed?.(failure, how); // The run reclaims what it can.
    for (const attempt of this.#queue.takeAll()) this.refuse(attempt, failure);
  }

  // Which attempt goes where.

  /** Distributes at once where a slot is free; else, where there is room, when all outcomes that have arrived are processed. */
  #schedule(): void {
    if (this.#isScheduled) return;
    const room = this.#room();
    if (room === 'none') return; // `roomChanged` follows.
    this.#isScheduled = true;
    if (room === 'free') queueMicrotask(this.#distributeIfScheduled);
    else setImmediate(this.#distributeIfScheduled);
  }

  #room(): 'free' | 'ahead' | 'none' {
    let room: 'ahead' | 'none' = 'none';
    for (const slot of this.#slots) {
      if (slot.number >= this.#allowed) break;
      if (slot.isFree) return 'free';
      if (slot.hasRoomAhead) room = 'ahead';
    }
    return room;
  }

  readonly #distributeIfScheduled = (): void => {
    if (this.#isScheduled) this.#distribute();
  };

  /** Sends waiting attempts in their order, as far as there is room. */
  #distribute(): void {
    this.#isScheduled = false;
    const chosen: WorkerLink[] = [];
    for (const queue of this.#queue.all)
      for (let attempt = queue.peek(); attempt !== undefined; attempt = queue.peek()) {
        const link = this.#linkFor(attempt);
        if (link === undefined) break;
        queue.shift();
        if (link.add(attempt) === 1) chosen.push(link);
      }
    for (const link of chosen) link.flush();
  }

  /**
   * The worker of the free slot with the lowest number, so that the numbers in use are compact; else the least busy worker that prefetches. Of those on
   * its node, where the attempt names one.
   */
  #linkFor({ kind, assignment: { node } }: Execution): WorkerLink | undefined {
    let best: WorkerLink | undefined;
    for (const slot of this.#slots) {
      if (slot.number >= this.#allowed) break;
      if (node !== undefined && !slot.isOn(node)) continue;
      if (slot.isFree) {
        const link = slot.freeFor(kind);
        if (link !== undefined) return link;
        continue;
      }
      const link = slot.aheadFor(kind);
      if (link !== undefined && (best === undefined || link.load < best.load)) best = link;
    }
    return best;
  }

  #pollWithin(delayMs: number): void {
    if (this.#cancelPoll !== undefined && this.#pollMs <= delayMs) return;
    this.#cancelPoll?.();
    this.#pollMs = delayMs;
    this.#cancelPoll = this.clock.after(delayMs, this.#poll);
  }

  /** Starts listening to the signals of attempts that are not over, finds those that have started without a report, and reclaims those behind a slow one. */
  readonly #poll = (): void => {
    this.#cancelPoll = undefined;
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const attempt of fresh) attempt.listen();
    const nowMs = this.clock.now();
    const free = this.#slots.filter((slot) => slot.isFree && slot.number < this.#allowed);
    const canRunElsewhere = ({ assignment: { node } }: Execution): boolean =>
      free.some((slot) => node === undefined || slot.isOn(node));
    let isWorthIt = false;
    for (const { links } of [...this.#slots, ...this.#services])
      for (const link of links) if (link.poll(nowMs, canRunElsewhere)) isWorthIt = true;
    if (isWorthIt)
      this.#pollWithin(this.#hasSent ? poll.shortestMs : Math.min(this.#pollMs * 2, poll.longestMs));
    this.#hasSent = false;
  };

  // Nodes.

  #nodeChanged(node: PoolNode): void {
    this.#nodes.set(node.name, node.slots > 0);
    this.#context.nodeChanged?.(node);
    if (node.slots === 0) this.#returnWaitingFor(node.name);
    else this.roomChanged();
  }

  #nodeLeft(name: string, reason: string): void {
    this.#nodes.delete(name);
    this.#context.nodeLeft?.(name, reason);
    this.#returnWaitingFor(name);
  }

  /** The run decides on another node for them. */
  #returnWaitingFor(node: string): void {
    for (const attempt of this.#queue.takeFor(node)) attempt.return('its node is not there any more');
    for (const service of this.#services)
      if (service.node === node) service.returnWaiting('its node is not there any more');
  }

  #isUnreachable({ assignment: { node } }: Execution): boolean {
    return node !== undefined && this.#nodes.get(node) !== true;
  }

  // Slots.

  /** In a pool without programs, a worker for functions refuses them. */
  #kindOf({ address }: Assignment): WorkKind {
    const { executables } = this.#connector.manifest;
    return executables && address?.kind === 'executable' ? 'program' : 'function';
  }

  #allow(slots: number): void {
    this.#allowed = slots;
    this.#addSlots();
    if (this.#isOpen && this.#closed === undefined)
      for (const slot of this.#slots) if (slot.number < slots) slot.reconnect();
    this.#reportSlots();
    this.roomChanged();
  }

  #addSlots(): void {
    while (this.#slots.length < this.#allowed)
      this.#slots.push(new Slot(this.#slots.length, this.#connector, this));
  }

  #reportSlots(): void {
    if (!this.#isOpen || this.#closed !== undefined) return;
    const own = this.#slots.filter((slot) => slot.number < this.#allowed && slot.isUsable).length;
    const usable = own + this.#adopted;
    if (usable === this.#reportedSlots) return;
    this.#reportedSlots = usable;
    this.#context.slotsChanged(usable);
  }

  #throwIfClosed(): void {
    if (this.#closed !== undefined) throw new Error('the pool was closed while it was opening');
  }

  /** Why the attempt cannot run in this pool; undefined if it can. */
  #refusalOf({ kind, assignment }: Execution): PexenError | undefined {
    const { functions = true, services = false, name } = this.#connector.manifest;
    const { service, definition, path, part } = assignment;
    if (service && !services) return serviceRefused(path, name);
    // A host that knows no services would wait for its end.
    if (!service && part === 'body' && definition.service !== undefined) return serviceUnknown(path);
    return kind === 'function' && !functions ? functionRefused(assignment.path, name) : this.#failure;
  }
}
