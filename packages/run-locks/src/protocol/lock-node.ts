/**
 * One run among those that share locks: its requests, its way to the table, and the table itself while this run keeps it. Facts go in, orders come out;
 * knows no clock, no file and no socket.
 *
 * Nothing is held twice, whatever stops or dies at whichever moment. A run that was granted something first writes down that it holds it, and then looks
 * whether the epoch of the grant is still in force. A run that keeps the table from now on first claims the next epoch, and then reads what the others have
 * written down. Whichever of the two comes second sees what the other one has done: either the grant comes to nothing, or the new table knows of it.
 */
import {
  answerTimeoutMs,
  type Command,
  type FromTable,
  type Input,
  type LeftBehind,
  type Link,
  type RunInfo,
  type SharedRequest,
  silenceMs,
  type ToTable,
  tickMs,
  type WrittenHolds,
} from './messages.ts';
import { SharedTable } from './shared-table.ts';

/** Where the run is on its way to a table. */
type Phase = 'idle' | 'finding' | 'dialing' | 'claiming' | 'loading' | 'joined' | 'left';

/** Where a request of this run stands. */
interface Own {
  readonly request: SharedRequest;
  /** `confirming`: it was granted and is written down, and it is not known yet whether the epoch of the grant is still in force. */
  state: 'wanted' | 'confirming' | 'held';
  /** The number of that check. */
  check: number;
  /** When it was granted, in the order of grants. */
  epoch: number;
  number: number;
  readonly askedAtMs: number;
  /** Its task knows whether it has to wait. */
  isAnswered: boolean;
}

/** The link of a run to the table that it keeps itself. */
const OWN: Link = 0;

export class LockNode {
  readonly #info: RunInfo;
  readonly #requests = new Map<number, Own>();
  /** What came with grants that are not confirmed yet. */
  readonly #left = new Map<number, readonly LeftBehind[]>();
  #phase: Phase = 'idle';
  /** The epoch that is claimed, dialed or joined. */
  #epoch = 0;
  /** The link to the table, once it is joined. */
  #link: Link = OWN;
  #table: SharedTable | undefined;
  /** The runs that are connected to the table of this run, by their links, and back. */
  readonly #runs = new Map<Link, string>();
  readonly #links = new Map<string, Link>();
  /** What others sent before the table was there. */
  #early: [Link, ToTable][] = [];
  #checks = 0;
  /** The check that asks whether this run still keeps the table. */
  #standing = 0;
  #nowMs = 0;
  #heardAtMs = 0;
  #tickAtMs = 0;
  #out: Command[] = [];

  constructor(info: RunInfo) {
    this.#info = info;
  }

  /** True while this run keeps the table. */
  get keepsTable(): boolean {
    return this.#table !== undefined;
  }

  /** Ticks are wanted. */
  get isBusy(): boolean {
    return this.#phase !== 'left' && (this.#requests.size > 0 || this.keepsTable || this.#phase !== 'idle');
  }

  handle(input: Input): readonly Command[] {
    this.#nowMs = input.atMs;
    if (this.#phase !== 'left') this.#accept(input);
    return this.#out.splice(0);
  }

  #accept(input: Input): void {
    switch (input.type) {
      case 'acquire':
        this.#acquire(input.request);
        break;
      case 'release':
        this.#release(input.id);
        break;
      case 'epoch-found':
        if (this.#phase === 'finding') this.#found(input.epoch);
        break;
      case 'dialed':
        this.#dialed(input.epoch, input.link);
        break;
      case 'dial-failed':
        if (this.#phase === 'dialing' && input.epoch === this.#epoch) this.#missed(input.isGone);
        break;
      case 'epoch-claimed':
        if (this.#phase === 'claiming' && input.epoch === this.#epoch) this.#claimed(input.isOurs);
        break;
      case 'holds-loaded':
        if (this.#phase === 'loading' && input.epoch === this.#epoch) this.#keep(input.runs);
        break;
      case 'holds-read':
        this.#table?.holdsOnly(input.run, input.ids);
        break;
      case 'epoch-checked':
        this.#checked(input.check, input.isInForce);
        break;
      case 'received':
        this.#received(input.link, input.message);
        break;
      case 'link-closed':
        this.#closed(input.link);
        break;
      case 'run-gone':
        this.#table?.gone(input.run);
        break;
      case 'tick':
        this.#tick();
        break;
      case 'leave':
        this.#leave();
        break;
      default:
        input satisfies never;
    }
  }

  // The requests of this run

  #acquire(request: SharedRequest): void {
    const fresh = { state: 'wanted', check: 0, epoch: 0, number: 0 } as const;
    this.#requests.set(request.id, { request, ...fresh, askedAtMs: this.#nowMs, isAnswered: false });
    if (this.#phase === 'idle') this.#find();
    else if (this.#phase === 'joined') this.#sendToTable({ type: 'acquire', request });
  }

  #release(id: number): void {
    const own = this.#requests.get(id);
    if (own === undefined) return;
    this.#requests.delete(id);
    if (own.state !== 'wanted') this.#writeHolds();
    if (this.#phase === 'joined') this.#sendToTable({ type: 'release', id });
  }

  /** What is held, and what may be: the latter must be written before it is known. */
  #writeHolds(): void {
    const held = [...this.#requests.values()].filter(({ state }) => state !== 'wanted');
    const holds = held.map(({ request, epoch, number }) => ({ request, epoch, number }));
    this.#out.push({ type: 'write-holds', holds });
  }

  #granted(own: Own, number: number): void {
    if (own.state !== 'wanted') return;
    own.state = 'confirming';
    own.epoch = this.#epoch;
    own.number = number;
    own.check = ++this.#checks;
    this.#writeHolds();
    this.#out.push({ type: 'check-epoch', check: own.check, epoch: this.#epoch });
  }

  #checked(check: number, isInForce: boolean): void {
    if (check === this.#standing) {
      if (!isInForce && this.#table !== undefined) this.#rejoin();
      return;
    }
    const own = [...this.#requests.values()].find(
      (each) => each.state === 'confirming' && each.check === check,
    );
    if (own === undefined) return;
    if (!isInForce) {
      this.#rejoin();
      return;
    }
    own.state = 'held';
    own.isAnswered = true;
    this.#sendToTable({ type: 'confirmed', id: own.request.id });
    this.#out.push({ type: 'granted', id: own.request.id, left: this.#left.get(own.request.id) ?? [] });
    this.#left.delete(own.request.id);
  }

  /** A grant that is not confirmed when the table is lost comes to nothing. */
  #dropUnconfirmed(): void {
    let isChanged = false;
    for (const own of this.#requests.values()) {
      if (own.state !== 'confirming') continue;
      own.state = 'wanted';
      isChanged = true;
    }
    if (isChanged) this.#writeHolds();
  }

  // The way to the table

  #find(): void {
    this.#phase = 'finding';
    this.#heardAtMs = this.#nowMs;
    this.#out.push({ type: 'find-epoch' });
  }

  #found(epoch: number): void {
    if (epoch === 0) this.#claim(1);
    else {
      this.#phase = 'dialing';
      this.#epoch = epoch;
      this.#out.push({ type: 'dial', epoch });
    }
  }

  /** The run that claimed the epoch does not answer. Where it is over, another one takes its place at once; else it gets some time. */
  #missed(isGone: boolean): void {
    if (isGone || this.#nowMs - this.#heardAtMs > silenceMs) this.#claim(this.#epoch + 1);
    else this.#phase = 'finding'; // again with the next tick
  }

  #dialed(epoch: number, link: Link): void {
    if (this.#phase !== 'dialing' || epoch !== this.#epoch) this.#out.push({ type: 'close-link', link });
    else this.#join(link);
  }

  #join(link: Link): void {
    this.#phase = 'joined';
    this.#link = link;
    this.#heardAtMs = this.#nowMs;
    const open = [...this.#requests.values()].filter(({ state }) => state !== 'held');
    const wants = open.map(({ request }) => request);
    this.#sendToTable({ type: 'hello', info: this.#info, holds: this.#held, wants });
  }

  get #held(): SharedRequest[] {
    return [...this.#requests.values()].filter(({ state }) => state === 'held').map(({ request }) => request);
  }

  #claim(epoch: number): void {
    this.#phase = 'claiming';
    this.#epoch = epoch;
    this.#out.push({ type: 'claim-epoch', epoch });
  }

  #claimed(isOurs: boolean): void {
    if (!isOurs) {
      this.#find();
      return;
    }
    this.#phase = 'loading';
    this.#out.push({ type: 'load-holds', epoch: this.#epoch });
  }

  #rejoin(): void {
    this.#quit();
    this.#find();
  }

  /** Leaves the table, and gives up keeping it. */
  #quit(): void {
    if (this.#phase === 'joined' && this.#link !== OWN)
      this.#out.push({ type: 'close-link', link: this.#link });
    for (const link of this.#runs.keys()) this.#out.push({ type: 'close-link', link });
    this.#runs.clear();
    this.#links.clear();
    this.#table = undefined;
    this.#early = [];
    this.#link = OWN;
    this.#phase = 'idle';
    this.#dropUnconfirmed();
  }

  #tick(): void {
    const sleptMs = this.#nowMs - this.#tickAtMs - tickMs;
    this.#tickAtMs = this.#nowMs;
    if (sleptMs > tickMs) this.#heardAtMs += sleptMs; // this run was stopped for a while, not the table
    this.#answerPatiently();
    if (this.#phase === 'finding') this.#out.push({ type: 'find-epoch' });
    else if (this.#table !== undefined) {
      if (this.#table.look() * tickMs > silenceMs) {
        this.#startEpoch();
        return;
      }
      for (const run of this.#table.outOfReach) this.#out.push({ type: 'read-holds', run });
      this.#standing = ++this.#checks;
      this.#out.push({ type: 'check-epoch', check: this.#standing, epoch: this.#epoch });
    } else if (this.#phase === 'joined' && this.#waits) this.#listen();
  }

  get #waits(): boolean {
    for (const { state } of this.#requests.values()) if (state === 'wanted') return true;
    return false;
  }

  /** The run that keeps the table has to give signs of life to those that wait. */
  #listen(): void {
    if (this.#nowMs - this.#heardAtMs <= silenceMs) this.#sendToTable({ type: 'ping' });
    else this.#startEpoch();
  }

  /** What was granted in this epoch and is not written down comes to nothing, whenever the run that it was granted to goes on. */
  #startEpoch(): void {
    const next = this.#epoch + 1;
    this.#quit();
    this.#claim(next);
  }

  /** A task has its place until it is answered: not for long. */
  #answerPatiently(): void {
    for (const own of this.#requests.values()) {
      const { request, state, askedAtMs, isAnswered } = own;
      if (isAnswered || state === 'held' || this.#nowMs - askedAtMs < answerTimeoutMs) continue;
      own.isAnswered = true;
      const [resource = []] = [
        ...request.claims,
        ...request.uses,
        ...request.amounts.map((each) => each.resource),
      ];
      const holders = ['the run that keeps the locks, which has not answered yet'];
      this.#out.push({ type: 'awaited', id: request.id, resource: `/${resource.join('/')}`, holders });
    }
  }

  #leave(): void {
    for (const id of [...this.#requests.keys()]) this.#release(id);
    this.#writeHolds();
    this.#quit();
    this.#phase = 'left';
  }

  // Messages

  #sendToTable(message: ToTable): void {
    if (this.#link === OWN) this.#toTable(OWN, message);
    else this.#out.push({ type: 'send', link: this.#link, message });
  }

  #received(link: Link, message: ToTable | FromTable): void {
    if (this.#phase === 'joined' && link === this.#link) this.#fromTable(message as FromTable);
    else if (this.#phase === 'claiming' || this.#phase === 'loading')
      this.#receivedEarly(link, message as ToTable);
    else this.#toTable(link, message as ToTable);
  }

  /** Making the table may take long: those that wait have to know that someone does so. */
  #receivedEarly(link: Link, message: ToTable): void {
    if (message.type !== 'ping') this.#early.push([link, message]);
    else this.#out.push({ type: 'send', link, message: { type: 'pong' } });
  }

  #fromTable(message: FromTable): void {
    this.#heardAtMs = this.#nowMs;
    if (message.type === 'pong') return;
    const own = this.#requests.get(message.id);
    if (own === undefined) return; // released meanwhile
    switch (message.type) {
      case 'granted':
        this.#left.set(message.id, message.left);
        this.#granted(own, message.number);
        break;
      case 'awaited':
        own.isAnswered = true;
        this.#out.push(message);
        break;
      case 'refused':
        this.#requests.delete(message.id);
        this.#out.push(message);
        break;
      default:
        message satisfies never;
    }
  }

  #closed(link: Link): void {
    if (this.#phase === 'joined' && link === this.#link && link !== OWN) {
      this.#rejoin();
      return;
    }
    this.#early = this.#early.filter(([from]) => from !== link);
    const run = this.#runs.get(link);
    if (run === undefined) return;
    this.#runs.delete(link);
    this.#links.delete(run);
    this.#table?.lost(run);
    this.#out.push({ type: 'watch-run', run });
  }

  // The table, while this run keeps it

  /** Knows what the others hold before anything is granted. They will come and say so themselves; those that are over will not. */
  #keep(others: readonly WrittenHolds[]): void {
    this.#table = new SharedTable((run, message) => this.#send(run, message));
    this.#table.hello(this.#info, this.#held, []); // certain, unlike what others have written down
    this.#table.recover(others);
    for (const { run } of others) this.#out.push({ type: 'watch-run', run });
    this.#join(OWN);
    for (const [link, message] of this.#early.splice(0)) this.#toTable(link, message);
  }

  #send(run: string, message: FromTable): void {
    const link = this.#links.get(run);
    if (run === this.#info.run) this.#fromTable(message);
    else if (link !== undefined) this.#out.push({ type: 'send', link, message });
  }

  #toTable(link: Link, message: ToTable): void {
    const table = this.#table;
    if (table === undefined) return;
    if (message.type === 'hello') {
      const { info, holds, wants } = message;
      if (link !== OWN) this.#welcome(link, info.run);
      table.hello(info, holds, wants);
      return;
    }
    const run = link === OWN ? this.#info.run : this.#runs.get(link);
    if (run === undefined) return; // an earlier connection of the run
    switch (message.type) {
      case 'acquire':
        table.acquire(run, message.request);
        break;
      case 'confirmed':
        table.confirmed(run, message.id);
        break;
      case 'release':
        table.release(run, message.id);
        break;
      case 'ping':
        this.#send(run, { type: 'pong' });
        break;
      default:
        message satisfies never;
    }
  }

  /** Only the latest connection of a run counts. */
  #welcome(link: Link, run: string): void {
    const former = this.#links.get(run);
    if (former !== undefined) {
      this.#runs.delete(former);
      this.#out.push({ type: 'close-link', link: former });
    }
    this.#links.set(run, link);
    this.#runs.set(link, run);
  }
}
