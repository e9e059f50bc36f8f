/**
 * One slot of a pool: at most one worker of each kind, only one of them busy. A slot in which no worker can be started is tried again
 * a little later, and is closed after several failures in a row.
 */
import type { Clock } from '@pexen/core';
import type { Connector, Timeouts, WorkKind } from './connector.ts';
import type { Execution } from './execution.ts';
import { workerDidNotStart } from './problems.ts';
import { WorkerLink, type WorkerLinkOwner } from './worker-link.ts';

/** What a slot reports to the engine. */
export interface SlotOwner {
  readonly clock: Clock;
  readonly graceClock: Pick<Clock, 'after'>;
  readonly timeouts: Timeouts;
  readonly wantsModules: boolean;
  /** A worker is ready. */
  ready(): void;
  /** Attempts were sent. `isWatched`: the engine must poll soon which of them have started. */
  sent(isWatched: boolean): void;
  /** There may be room for more. */
  roomChanged(): void;
  /** The slot became usable or unusable. */
  usabilityChanged(): void;
  /** See `WorkerLinkOwner`. */
  returned(attempts: readonly Execution[], death?: string): void;
  workerLost(name: string, reason: string): void;
  workerGone(name: string, reason: string): void;
  lateError(name: string, tasks: readonly string[], error: unknown): void;
  abandoned(settled: Promise<void>): void;
  /** The slot could not be set up so many times in a row, and is closed. */
  slotClosed(slot: Slot, times: number, error: unknown): void;
}

/** So many failures in a row close a slot, unless the connector sets another number. */
const usualFailures = 3;

const usualHint = 'Look at the options of the pool.';

/** How long a slot rests after a failure, ms; longer after each further one. */
const restMs = 100;
const restFactor = 4;

export class Slot implements WorkerLinkOwner {
  readonly number: number;
  readonly clock: Clock;
  readonly graceClock: Pick<Clock, 'after'>;
  readonly timeouts: Timeouts;
  readonly wantsModules: boolean;
  /** The workers that take attempts or still have some. */
  links: readonly WorkerLink[] = [];
  readonly #connector: Connector;
  readonly #owner: SlotOwner;
  readonly #linkFor: Partial<Record<WorkKind, WorkerLink>> = {};
  /** Workers that are ending. */
  readonly #leaving = new Set<WorkerLink>();
  /** How often in a row it could not be set up, for each kind of work. */
  readonly #failures: Record<WorkKind, number> = { function: 0, program: 0 };
  #cancelRest: (() => void) | undefined;
  #isClosed = false;

  constructor(number: number, connector: Connector, owner: SlotOwner) {
    this.number = number;
    this.clock = owner.clock;
    this.graceClock = owner.graceClock;
    this.timeouts = owner.timeouts;
    this.wantsModules = owner.wantsModules;
    this.#connector = connector;
    this.#owner = owner;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** No worker of it is out of reach, and it is not closed. */
  get isUsable(): boolean {
    return !this.#isClosed && this.links.every(({ isAway }) => !isAway);
  }

  /** One of its workers is on this node. */
  isOn(node: string): boolean {
    return this.links.some((link) => link.node === node);
  }

  /** No attempt is sent here, temporarily or permanently. */
  get #isOut(): boolean {
    return this.#isClosed || this.#cancelRest !== undefined;
  }

  /** Nothing runs here, and an attempt would start at once. */
  get isFree(): boolean {
    if (this.#isOut) return false;
    for (const link of this.links) if (link.isBusy || link.isAway) return false;
    return true;
  }

  /** The worker that would start such an attempt at once, started if need be. Only for a slot that is free. */
  freeFor(kind: WorkKind): WorkerLink | undefined {
    this.#dismissSpent();
    const link = this.#linkFor[kind] ?? this.connect(kind);
    return link !== undefined && link.room > 0 ? link : undefined;
  }

  /** The worker that would prefetch such an attempt. */
  aheadFor(kind: WorkKind): WorkerLink | undefined {
    const link = this.#isOut ? undefined : this.#linkFor[kind];
    if (link === undefined || link.room <= 0) return undefined;
    for (const each of this.links) if (each !== link && each.isBusy) return undefined;
    return link;
  }

  /** A worker of this slot prefetches attempts. */
  get hasRoomAhead(): boolean {
    if (this.#isOut) return false;
    for (const link of this.links) if (link.room > 0) return true;
    return false;
  }

  /** Starts a worker; undefined where that fails. */
  connect(kind: WorkKind): WorkerLink | undefined {
    try {
      const takesEarly = this.#connector.connectsAtOpen !== true;
      const link = new WorkerLink(this, kind, takesEarly, (events) =>
        this.#connector.connect(this.number, events, kind),
      );
      this.#linkFor[kind] = link;
      if (link.runsBoth) this.#linkFor[kind === 'function' ? 'program' : 'function'] = link;
      this.links = [...this.links, link];
      return link;
    } catch (error) {
      this.slotFailed(kind, error);
      return undefined;
    }
  }

  /** Starts a worker where every slot has one, unless it has or cannot have one now. */
  reconnect(): void {
    if (this.#connector.connectsAtOpen && !this.#isOut && this.links.length === 0) this.connect('function');
  }

  kill(cause: string): void {
    for (const link of [...this.links, ...this.#leaving]) link.kill(cause);
  }

  /** Asks all workers, which must be idle, to leave; resolves when they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRest?.();
    for (const link of this.links) this.#dismiss(link);
    await Promise.all([...this.#leaving].map(({ whenOver }) => whenOver));
  }

  // What links report.

  succeeded(kind: WorkKind): void {
    this.#failures[kind] = 0;
  }

  ready(): void {
    this.#owner.ready();
  }

  roomChanged(link: WorkerLink): void {
    if (link.isSpent) this.#dismissSpent();
    this.#owner.roomChanged();
  }

  sent(isWatched: boolean): void {
    this.#owner.sent(isWatched);
  }

  returned(attempts: readonly Execution[], death?: string): void {
    this.#owner.returned(attempts, death);
  }

  awayChanged(): void {
    this.#owner.usabilityChanged();
  }

  workerLost(name: string, reason: string): void {
    this.#owner.workerLost(name, reason);
  }

  workerGone(name: string, reason: string): void {
    this.#owner.workerGone(name, reason);
  }

  lateError(name: string, tasks: readonly string[], error: unknown): void {
    this.#owner.lateError(name, tasks, error);
  }

  abandoned(settled: Promise<void>): void {
    this.#owner.abandoned(settled);
  }

  over(link: WorkerLink, failure: string | undefined): void {
    this.#forget(link);
    if (failure !== undefined)
      this.slotFailed(
        link.kind,
        workerDidNotStart(link.name, failure, this.#connector.startHint ?? usualHint),
      );
    this.reconnect();
    this.#owner.usabilityChanged();
    this.#owner.roomChanged();
  }

  /** Tries the slot again a while later; closes it after too many failures. */
  slotFailed(kind: WorkKind, error: unknown): void {
    if (this.#isOut) return;
    const times = ++this.#failures[kind];
    if (times >= (this.#connector.mostFailures ?? usualFailures)) {
      this.#isClosed = true;
      this.#owner.slotClosed(this, times, error);
      return;
    }
    this.#cancelRest = this.clock.after(restMs * restFactor ** (times - 1), () => {
      this.#cancelRest = undefined;
      this.reconnect();
      this.#owner.roomChanged();
    });
  }

  #forget(link: WorkerLink): void {
    this.#leaving.delete(link);
    this.links = this.links.filter((each) => each !== link);
    for (const kind of ['function', 'program'] as const)
      if (this.#linkFor[kind] === link) delete this.#linkFor[kind];
  }

  /** Asks workers that are not used again to leave. */
  #dismissSpent(): void {
    for (const link of this.links) if (link.isSpent && !link.isBusy) this.#dismiss(link);
  }

  #dismiss(link: WorkerLink): void {
    this.#forget(link);
    this.#leaving.add(link);
    void link.leave();
  }
}
