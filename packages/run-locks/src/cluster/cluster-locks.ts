/**
 * Locks that runs on several machines share. One of the runs keeps the table, as among the runs of one machine; what each run holds is in a record with a
 * lease. A run that loses its lease ends what it runs with these locks, before others can have them, and then begins a new membership. Knows no network.
 */
import { randomUUID } from 'node:crypto';
import type { Clock, LockRequestOfRun, RunLocks, RunLocksListener, TaskMeta } from '@pexen/core';
import { isPexenError } from '@pexen/core';
import type {
  FromTable,
  Grant,
  Link,
  RunInfo,
  SharedRequest,
  ToTable,
  WrittenHolds,
} from '../protocol/messages.ts';
import { firstOf, LockSession, type LockWorld } from '../session.ts';
import { SharedPart } from '../shared-part.ts';
import { MessageLinks } from './message-links.ts';
import {
  type ClusterNetwork,
  type ConnectNetwork,
  epochKey,
  expiryMs,
  keyOf,
  type LeaseGuard,
  type LeaseTiming,
  runsIn,
} from './network.ts';
import { RunRecord, readRecord } from './record.ts';

/** What locks of a cluster are made of. */
export interface ClusterLocksParts {
  readonly resources: readonly string[];
  readonly capacities: Readonly<Record<string, number>>;
  readonly timing: LeaseTiming;
  readonly connect: ConnectNetwork;
  readonly guard: (listener: RunLocksListener) => LeaseGuard;
  readonly clock: Clock;
  /** The clock of leases: it goes on while the machine sleeps. */
  readonly leaseNow: () => number;
  /** How others name this run. */
  readonly label: string;
  readonly newId?: () => string;
}

/** Between two attempts where the network does not answer, ms. */
const retryMs = 200;

/** Locks for the option `runLocks` of `run`, over the network that is passed in. */
export function clusterLocksOver(parts: ClusterLocksParts): RunLocks {
  return new ClusterLocks(parts);
}

class ClusterLocks implements RunLocks {
  readonly #parts: ClusterLocksParts;
  readonly #part: SharedPart;
  #listener: RunLocksListener | undefined;
  #guard: LeaseGuard | undefined;
  #member: Member | undefined;
  #memberships = 0;
  readonly #store = new KnownStore();
  /** What was asked for between two memberships. */
  readonly #waiting = new Map<number, SharedRequest>();

  constructor(parts: ClusterLocksParts) {
    this.#parts = parts;
    this.#part = new SharedPart(parts.resources, parts.capacities);
  }

  concerns(meta: TaskMeta): boolean {
    return this.#part.of(meta) !== undefined;
  }

  open(listener: RunLocksListener): void {
    this.#listener = listener;
    this.#guard = this.#parts.guard(listener);
    this.#begin(listener, this.#guard);
  }

  acquire(asked: LockRequestOfRun): void {
    const request = this.#part.requestOf(asked);
    if (this.#member !== undefined) this.#member.session.acquire(request);
    else {
      this.#waiting.set(request.id, request);
      queueMicrotask(() => this.#sayThatItWaits(request));
    }
  }

  release(id: number): void {
    this.#waiting.delete(id);
    this.#member?.session.release(id);
  }

  async close(): Promise<void> {
    const [member, guard] = [this.#member, this.#guard];
    this.#member = undefined;
    this.#listener = undefined;
    this.#guard = undefined;
    await member?.leave();
    await guard?.dismiss();
  }

  #begin(listener: RunLocksListener, guard: LeaseGuard): void {
    const { newId = () => randomUUID().replaceAll('-', '').slice(0, 16), label } = this.#parts;
    const ended = (reason: string): void => void this.#renew(member, reason);
    const info = { run: newId(), label };
    const isFirst = ++this.#memberships === 1;
    const { leaseMs, endingMs } = this.#parts.timing;
    const timing = { leaseMs, endingMs: Math.max(endingMs, listener.outlivesMs) };
    const given = { ...this.#parts, timing, info, isFirst, store: this.#store };
    const member = new Member({ ...given, listener, guard, ended });
    this.#member = member;
    for (const request of this.#waiting.values()) member.session.acquire(request);
    this.#waiting.clear();
    member.start();
  }

  /** The lease is lost: what runs with these locks is ended, and what waits goes on to wait, in a new membership. */
  async #renew(member: Member, reason: string): Promise<void> {
    const [listener, guard] = [this.#listener, this.#guard];
    if (listener === undefined || guard === undefined || this.#member !== member) return;
    this.#member = undefined;
    const granted = member.session.granted;
    for (const request of member.session.requests)
      if (!granted.includes(request.id)) {
        this.#waiting.set(request.id, request);
        this.#sayThatItWaits(request);
      }
    await Promise.all(granted.map((id) => listener.lost(id, reason)));
    guard.setDeadline(undefined);
    await member.forget();
    if (this.#listener === listener) this.#begin(listener, guard);
  }

  #sayThatItWaits(request: SharedRequest): void {
    if (!this.#waiting.has(request.id)) return;
    const holders = ['something that is not known while the server cannot be reached'];
    this.#listener?.awaited(request.id, { resource: firstOf(request), scope: 'cluster', holders });
  }
}

/** The last epoch, as it is in the store. */
interface Claim {
  readonly epoch: number;
  readonly owner: string;
  /** Never used again: numbers of epochs are, in a store that has lost them. */
  readonly name: string;
  /** The name of the first claim since the store was new: another one if it has lost everything since. */
  readonly store: string;
  /** Some table has waited long enough since the store was new. */
  readonly isOpen: boolean;
}

/** `store` is undefined while there is no claim. */
type LastClaim = Omit<Claim, 'store'> & { readonly store: string | undefined; readonly revision: number };

/** Since when this run knows the store as it is: all that was granted in the one before it was granted earlier. Outlasts memberships. */
class KnownStore {
  #name = '';
  #sinceMs = 0;

  see(name: string, nowMs: number): void {
    if (name === this.#name) return;
    this.#name = name;
    this.#sinceMs = nowMs;
  }

  /** For how long, ms. */
  age(nowMs: number): number {
    return nowMs - this.#sinceMs;
  }
}

interface MemberOptions extends Omit<ClusterLocksParts, 'guard'> {
  readonly info: RunInfo;
  readonly listener: RunLocksListener;
  readonly guard: LeaseGuard;
  /** An error while it connects is one of the user. Later ones are of the network, which may come back. */
  readonly isFirst: boolean;
  readonly store: KnownStore;
  /** The lease is lost. */
  readonly ended: (reason: string) => void;
}

/** One membership: ends with its lease at the latest. */
class Member implements LockWorld {
  readonly session: LockSession;
  readonly #options: MemberOptions;
  readonly #links: MessageLinks;
  #network: ClusterNetwork | undefined;
  #record: RunRecord | undefined;
  /** The names of the claims of epochs that this run has dialed or made. */
  readonly #joined = new Map<number, string>();
  #claims = 0;
  /** When the lease ends; it matters while anything is held. */
  #leaseEndMs = 0;
  #isHolding = false;
  #isOver = false;

  constructor(options: MemberOptions) {
    this.#options = options;
    const { info, listener, clock } = options;
    this.session = new LockSession({ info, scope: 'cluster', world: this, listener, clock });
    this.#links = new MessageLinks(
      info.run,
      (run, text) => this.#network?.send(run, text),
      {
        received: (link, message) => this.session.note({ type: 'received', link, message }),
        closed: (link) => this.session.note({ type: 'link-closed', link }),
      },
      clock,
    );
  }

  /** Errors come later. */
  start(): void {
    this.#start().catch((error: unknown) => this.#fail(error));
  }

  async #start(): Promise<void> {
    const { info, timing, clock, leaseNow, guard, listener } = this.#options;
    this.#network = await this.#connect();
    if (this.#network === undefined) return;
    guard.watch(info.run, listener.outlivesMs);
    this.#record = new RunRecord({
      ...{ network: this.#network, info, timing, clock, now: leaseNow },
      renewed: (untilMs) => {
        this.#leaseEndMs = untilMs;
        this.#setDeadline();
      },
      lost: (reason) => this.#lost(reason),
      failed: (error) => this.#fail(error),
    });
    await this.#record.start();
    if (!this.#isOver) this.session.begin();
  }

  /** Undefined if the membership is over before. */
  async #connect(): Promise<ClusterNetwork | undefined> {
    const { connect, info, isFirst } = this.#options;
    while (!this.#isOver) {
      try {
        const network = await connect(info.run, {
          received: (text) => this.#links.received(text),
          disconnected: () => this.#links.closeAll(),
        });
        if (!this.#isOver) return network;
        await network.close();
      } catch (error) {
        if (isFirst) throw error;
        await this.#pause(retryMs);
      }
    }
    return undefined;
  }

  async leave(): Promise<void> {
    if (!this.session.isOver) await Promise.race([this.session.leave(), this.#patience()]);
    this.session.end();
    await this.#record?.remove();
    this.#end();
    await this.#network?.close();
  }

  /** Nothing of it runs any more: removes the record, so that others need not wait for its end. */
  async forget(): Promise<void> {
    await this.#record?.remove();
    await this.#network?.close();
  }

  /** Without an answer the others wait for the end of the lease. */
  #patience(): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => void clock.after(10 * retryMs, resolve, { keepsAlive: false }));
  }

  #lost(reason: string): void {
    this.#end();
    this.#options.ended(reason);
  }

  /** The others notice: the record is removed by then, if it can be. */
  #end(): void {
    this.#isOver = true;
    this.session.end();
    this.#links.end();
  }

  /** While nothing is held, the end of the lease ends nothing. */
  #setDeadline(): void {
    const { guard, timing } = this.#options;
    guard.setDeadline(this.#isHolding ? this.#leaseEndMs + timing.endingMs / 2 : undefined);
  }

  async findEpoch(): Promise<number> {
    return (await this.#epoch()).epoch;
  }

  async claimEpoch(epoch: number): Promise<boolean> {
    const { run } = this.#options.info;
    const name = `${run}/${++this.#claims}`;
    return await this.#persist(async (network) => {
      const { revision, ...last } = await this.#epoch();
      if (last.epoch === epoch - 1) {
        const { store = name, isOpen } = last;
        const claim: Claim = { epoch, owner: run, name, store, isOpen };
        const claimed = await network.put(epochKey, JSON.stringify(claim), revision);
        if (claimed === undefined) return false;
      } else if (last.name !== name) return false;
      this.#joined.set(epoch, name);
      return true;
    });
  }

  /**
   * A store without epochs is new, or has lost them. The first table does not know which, and waits until every lease that was granted before is over; so does
   * each one that takes its place before that, from when its run first saw the store. So a new store is opened in the end even where no run that waits keeps its lease for so long.
   */
  async loadHolds(epoch: number): Promise<readonly WrittenHolds[]> {
    const { info } = this.#options;
    if (!(await this.#epoch()).isOpen) {
      await this.#untilAllIsOver();
      await this.#openTables(epoch);
    }
    return await this.#persist(async (network) => {
      const others = (await runsIn(network)).filter((run) => run !== info.run);
      const records = await Promise.all(others.map((run) => network.get(keyOf(run))));
      return records.flatMap((found) => (found && readRecord(found.value)) ?? []);
    });
  }

  async #untilAllIsOver(): Promise<void> {
    const { timing, leaseNow, store } = this.#options;
    const restMs = expiryMs(timing) - store.age(leaseNow());
    if (restMs <= 0) return;
    this.#warnOfNewTable(restMs);
    await this.#pause(restMs);
  }

  /** From now on tables need not wait. If another one has taken the place of this one, that has to do it. */
  async #openTables(epoch: number): Promise<void> {
    await this.#persist(async (network) => {
      const { revision, ...last } = await this.#epoch();
      if (last.name !== this.#joined.get(epoch) || last.isOpen) return;
      const opened = await network.put(epochKey, JSON.stringify({ ...last, isOpen: true }), revision);
      if (opened === undefined) throw new Error('the epoch has changed'); // look again
    });
  }

  async readHolds(run: string): Promise<readonly Grant[]> {
    const found = await this.#persist((network) => network.get(keyOf(run)));
    return (found && readRecord(found.value))?.holds ?? [];
  }

  async writeHolds(holds: readonly Grant[]): Promise<void> {
    this.#isHolding = holds.length > 0 || this.session.granted.length > 0;
    this.#setDeadline();
    await this.#record?.write(holds);
  }

  async isInForce(epoch: number): Promise<boolean> {
    return (await this.#epoch()).name === this.#joined.get(epoch);
  }

  async dial(epoch: number): Promise<Link | 'gone' | 'unknown'> {
    const { owner, ...last } = await this.#epoch();
    if (last.epoch !== epoch || owner === this.#options.info.run) return 'unknown';
    this.#joined.set(epoch, last.name);
    const record = await this.#persist((network) => network.get(keyOf(owner)));
    return record === undefined ? 'gone' : ((await this.#links.dial(owner)) ?? 'unknown');
  }

  send(link: Link, message: ToTable | FromTable): void {
    this.#links.send(link, message);
  }

  closeLink(link: Link): void {
    this.#links.close(link);
  }

  /** The run is over once its record is gone, or has not changed for longer than its lease lasts and what it runs may take to end. */
  async untilGone(run: string): Promise<void> {
    const { timing, leaseNow } = this.#options;
    let seen = 0;
    let sinceMs = 0;
    while (!this.#isOver) {
      const found = await this.#persist((network) => network.get(keyOf(run)));
      if (found === undefined) return;
      if (found.revision !== seen) {
        seen = found.revision;
        sinceMs = leaseNow();
      }
      const endingMs = Math.max(timing.endingMs, readRecord(found.value)?.endingMs ?? 0);
      if (leaseNow() - sinceMs > expiryMs({ ...timing, endingMs })) {
        if (await this.#persist((network) => network.remove(keyOf(run), seen))) return;
      } else await this.#pause(timing.leaseMs / 4);
    }
    await never;
  }

  async #epoch(): Promise<LastClaim> {
    const found = await this.#persist((network) => network.get(epochKey));
    if (found === undefined)
      return { epoch: 0, owner: '', name: '', store: undefined, isOpen: false, revision: 0 };
    const claim = JSON.parse(found.value) as Claim;
    this.#options.store.see(claim.store, this.#options.leaseNow());
    return { ...claim, revision: found.revision };
  }

  /** Tries until it is done, or the membership is over. */
  async #persist<T>(act: (network: ClusterNetwork) => Promise<T>): Promise<T> {
    while (!this.#isOver) {
      try {
        return await act(this.#network as ClusterNetwork);
      } catch (error) {
        if (isPexenError(error)) throw error;
        await this.#pause(retryMs);
      }
    }
    return await never;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(ms, resolve, { keepsAlive: false }));
  }

  #warnOfNewTable(restMs: number): void {
    const seconds = Math.ceil(restMs / 1_000);
    this.#options.listener.warn({
      code: 'PEXEN_LOCKS_NEW',
      message: `the server knows of no locks of the cluster: it is new, or has lost them. The first ones are given in ${seconds} s, since until then runs that it has forgotten may hold some`,
      hint: 'A server that keeps its data (JetStream with a store_dir that stays) needs that once.',
    });
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#options.listener.fail(error instanceof Error ? error : new Error(String(error)));
  }
}

const never = new Promise<never>(() => {});
