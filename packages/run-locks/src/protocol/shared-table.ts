/**
 * The table that runs share, in the run that keeps it: who holds what, who waits, and who is next. Fair between runs: of the requests that could be granted,
 * one of the run goes first whose last grant was the longest ago. Knows neither time nor connections.
 */
import { amount } from '@pexen/core';
import { describeWait, type Holder, LockTable, NONE, path, type RequestId, TAKEN } from '@pexen/lock';
import type {
  CapacityConflict,
  FromTable,
  LeftBehind,
  RunInfo,
  SharedRequest,
  WrittenHolds,
} from './messages.ts';

/** Receives what the table says to a run. */
export type Send = (run: string, message: FromTable) => void;

/** A request in the table. */
interface Row {
  readonly holder: Holder;
  readonly compiled: RequestId;
  readonly request: SharedRequest;
  readonly run: Member;
  /** What the run was reported last that the request waits for. */
  reported: string;
  /** How many looks ago it was granted, while the run has not confirmed that. */
  unconfirmed?: number | undefined;
}

class Member {
  readonly info: RunInfo;
  readonly rows = new Map<number, Row>();
  /** The number of its last grant; 0 if it had none. A run that asked for nothing meanwhile has nothing to make up for: it is the next one, once. */
  lastGrant = 0;
  /** Whether it can be reached. */
  isPresent = false;

  constructor(info: RunInfo) {
    this.info = info;
  }
}

/** What a run held when it died, until another one has taken it. */
interface Remains {
  readonly compiled: RequestId;
  readonly request: SharedRequest;
  readonly label: string;
}

export class SharedTable {
  readonly #table = new LockTable();
  readonly #capacities = new Map<string, number>();
  readonly #members = new Map<string, Member>();
  readonly #rows: (Row | undefined)[] = [];
  readonly #free: Holder[] = [];
  #remains: Remains[] = [];
  /** Requests that were not tried yet. */
  readonly #fresh: Row[] = [];
  #grants = 0;
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  /** The runs that hold or want something, or are connected. */
  get runs(): string[] {
    return [...this.#members.keys()];
  }

  /**
   * Takes over what runs have written down; they may not be there to say it. Where two holds conflict, that of the later epoch counts: it was granted by a
   * table that knew of the other one, if that counted at all. The run that wrote the other one down was stopped meanwhile, and will find its epoch over; or
   * it has released the resource since, and then neither of the two counts.
   */
  recover(runs: readonly WrittenHolds[]): void {
    const all = runs.flatMap((info) => info.holds.map((grant) => ({ info, ...grant })));
    all.sort((a, b) => b.epoch - a.epoch || a.number - b.number);
    for (const { run, label } of runs) this.#memberOf({ run, label });
    for (const { info, request } of all) this.#addHeld(this.#memberOf(info), request);
    for (const { info } of all.toReversed()) this.#memberOf(info).lastGrant = ++this.#grants;
  }

  /** A run is there, and says what it holds and wants: that, and nothing else. */
  hello(info: RunInfo, holds: readonly SharedRequest[], wants: readonly SharedRequest[]): void {
    const member = this.#memberOf(info);
    member.isPresent = true;
    const held = new Set(holds.map(({ id }) => id));
    for (const [id, row] of [...member.rows])
      if (!held.has(id) || !this.#table.isHolding(row.holder)) this.#remove(row);
    for (const request of holds) if (!member.rows.has(request.id)) this.#addHeld(member, request);
    for (const request of wants) this.#want(member, request);
    this.#reorder(member);
    this.#grant();
    for (const { id } of wants) this.#report(member.rows.get(id));
  }

  acquire(run: string, request: SharedRequest): void {
    const member = this.#members.get(run);
    if (member === undefined || member.rows.has(request.id)) return;
    this.#want(member, request);
    this.#reorder(member);
    this.#grant();
    this.#report(member.rows.get(request.id));
  }

  confirmed(run: string, id: number): void {
    const row = this.#members.get(run)?.rows.get(id);
    if (row !== undefined) row.unconfirmed = undefined;
  }

  release(run: string, id: number): void {
    const member = this.#members.get(run);
    const row = member?.rows.get(id);
    if (member === undefined || row === undefined) return;
    this.#remove(row);
    this.#reorder(member);
    this.#grant();
  }

  /** The run cannot be reached. What it holds stays taken; it will ask again for what it wants. */
  lost(run: string): void {
    const member = this.#members.get(run);
    if (member === undefined) return;
    member.isPresent = false;
    for (const row of [...member.rows.values()]) if (!this.#table.isHolding(row.holder)) this.#remove(row);
    this.#forgetIdle(member);
    this.#grant();
  }

  /** The runs that hold something and cannot be reached. */
  get outOfReach(): string[] {
    const isAway = ({ isPresent, rows }: Member): boolean => !isPresent && rows.size > 0;
    return [...this.#members.values()].filter(isAway).map(({ info }) => info.run);
  }

  /** The run cannot be reached, and this is what it has written down. What it had confirmed and is not there any more, it has released. */
  holdsOnly(run: string, ids: readonly number[]): void {
    const member = this.#members.get(run);
    if (member === undefined || member.isPresent) return;
    const isGivenBack = ({ request, unconfirmed }: Row): boolean =>
      unconfirmed === undefined && !ids.includes(request.id);
    for (const row of [...member.rows.values()].filter(isGivenBack)) this.#remove(row);
    this.#forgetIdle(member);
    this.#grant();
  }

  /** The run is over. What it held can be had by others, which are reported once. */
  gone(run: string): void {
    const member = this.#members.get(run);
    if (member === undefined) return;
    for (const row of [...member.rows.values()]) {
      const { request } = row;
      if (this.#table.isHolding(row.holder) && request.uses.length + request.claims.length > 0)
        this.#remains.push({ compiled: this.#compile(request), request, label: member.info.label });
      this.#remove(row);
    }
    this.#members.delete(run);
    this.#grant();
  }

  /**
   * Looks at everything: reports to those that wait what they wait for now, where that has changed. Returns for how many looks a grant was not confirmed: the
   * run is stopped, perhaps forever.
   */
  look(): number {
    let most = 0;
    for (const row of this.#rows) {
      this.#report(row);
      if (row?.unconfirmed === undefined) continue;
      row.unconfirmed++;
      most = Math.max(most, row.unconfirmed);
    }
    return most;
  }

  #memberOf(info: RunInfo): Member {
    const known = this.#members.get(info.run);
    if (known !== undefined) return known;
    const member = new Member(info);
    this.#members.set(info.run, member);
    return member;
  }

  #want(member: Member, request: SharedRequest): void {
    const row = this.#enrol(member, request);
    if (row !== undefined) this.#fresh.push(row);
  }

  #forgetIdle(member: Member): void {
    if (!member.isPresent && member.rows.size === 0) this.#members.delete(member.info.run);
  }

  /** Where it conflicts with what was granted since, it does not count: the run has released it while it was saying that it holds it. */
  #addHeld(member: Member, request: SharedRequest): void {
    const row = this.#enrol(member, request);
    if (row !== undefined && this.#table.tryTake(row.holder, () => true) !== TAKEN) this.#remove(row);
  }

  /** Undefined if the request is refused. */
  #enrol(member: Member, request: SharedRequest): Row | undefined {
    const conflict = this.#conflictIn(request);
    if (conflict !== undefined) {
      this.#send(member.info.run, { type: 'refused', id: request.id, ...conflict });
      return undefined;
    }
    const holder = this.#free.pop() ?? this.#rows.length;
    const row: Row = { holder, compiled: this.#compile(request), request, run: member, reported: '' };
    this.#rows[holder] = row;
    member.rows.set(request.id, row);
    this.#table.enrol(holder, row.compiled, member.lastGrant);
    return row;
  }

  /** All runs must mean the same by a unit. */
  #conflictIn({ amounts }: SharedRequest): CapacityConflict | undefined {
    for (const { resource, capacity } of amounts) {
      const name = nameOf(resource);
      const known = this.#capacities.get(name);
      if (known === undefined) {
        this.#capacities.set(name, capacity);
        this.#table.declare(path(...resource), capacity);
      } else if (known !== capacity) return { resource: name, capacity, others: known };
    }
    return undefined;
  }

  #compile({ uses, claims, amounts }: SharedRequest): RequestId {
    return this.#table.compile({
      uses: [
        ...uses.map((parts) => path(...parts)),
        ...amounts.map(({ resource, count }) => amount(path(...resource), count)),
      ],
      claims: claims.map((parts) => path(...parts)),
    });
  }

  #remove(row: Row): void {
    const { holder, compiled, request, run } = row;
    if (this.#table.isHolding(holder)) this.#table.release(holder);
    else this.#table.withdraw(holder);
    this.#table.forget(compiled);
    this.#rows[holder] = undefined;
    this.#free.push(holder);
    run.rows.delete(request.id);
  }

  /** The requests of a run keep their order among each other, and all of them have the turn of the run. */
  #reorder(member: Member): void {
    const waiting = [...member.rows.values()].filter(({ holder }) => !this.#table.isHolding(holder));
    waiting.sort(
      ({ request: a }, { request: b }) => a.priority - b.priority || b.rank - a.rank || a.id - b.id,
    );
    for (const [place, { holder }] of waiting.entries())
      this.#table.setRank(holder, member.lastGrant, -place);
  }

  /** Grants all that can be granted. New requests are tried once, and then wait in the table. */
  #grant(): void {
    for (const row of this.#fresh.splice(0)) if (this.#rows[row.holder] === row) this.#take(row);
    for (let next = this.#table.nextRunnable(); next !== NONE; next = this.#table.nextRunnable()) {
      this.#take(this.#rows[next] as Row);
    }
  }

  #take(row: Row): void {
    const { holder, run, request } = row;
    if (this.#table.tryTake(holder) !== TAKEN) {
      this.#table.park(holder);
      return;
    }
    run.lastGrant = ++this.#grants;
    row.unconfirmed = 0;
    this.#reorder(run);
    const left = this.#leftFor(row);
    this.#send(run.info.run, { type: 'granted', id: request.id, number: run.lastGrant, left });
  }

  /** What dead runs held of what is taken now. */
  #leftFor({ compiled }: Row): LeftBehind[] {
    const meets = (remains: Remains): boolean => this.#table.isBlockedBy(compiled, [remains.compiled]);
    const found = this.#remains.filter(meets);
    if (found.length === 0) return [];
    this.#remains = this.#remains.filter((remains) => !found.includes(remains));
    return found.map(({ compiled: old, request, label }) => {
      this.#table.forget(old);
      const resource = [...request.claims, ...request.uses].map(nameOf).join(', ');
      return { resource, task: request.task, by: label };
    });
  }

  #report(row: Row | undefined): void {
    if (row === undefined || !row.run.isPresent) return;
    const wait = describeWait(this.#table, row.holder);
    if (wait === undefined || this.#table.isHolding(row.holder)) return;
    const { resource, blockers, reservedFor } = wait;
    const holders = blockers.map((holder) => this.#describe(holder));
    if (reservedFor !== undefined) holders.push(`${this.#describe(reservedFor)}, which has waited longer`);
    const reported = JSON.stringify([resource, holders]);
    if (reported === row.reported) return;
    row.reported = reported;
    this.#send(row.run.info.run, { type: 'awaited', id: row.request.id, resource, holders });
  }

  #describe(holder: Holder): string {
    const { request, run } = this.#rows[holder] as Row;
    const state = run.isPresent ? '' : ', which does not answer';
    return `"${request.task}" of ${run.info.label}${state}`;
  }
}

function nameOf(parts: readonly string[]): string {
  return `/${parts.join('/')}`;
}
