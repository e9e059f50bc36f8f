/** A scheduler as the pool is one, reduced to what concerns nodes: locks, attempts, links to slots. The core under test decides who works for it. */
import { type FleetEffect, HostCore } from '../../src/protocol/host-core.ts';
import {
  type FromNode,
  fencedAfter,
  type Hello,
  type LeftOnNode,
  type NodeReport,
} from '../../src/protocol/messages.ts';
import type { Attempt } from './ledger.ts';
import { slots } from './sim-node.ts';
import { plainCodec, type World } from './world.ts';

const tickMs = 40;

/** What is to be done, by whichever scheduler, and how far it is. */
export interface Job {
  readonly name: string;
  readonly lock: string;
  attempts: number;
  isDone: boolean;
}

interface Sent {
  readonly attempt: Attempt;
  readonly job: Job;
  hasStarted: boolean;
}

interface Link {
  readonly session: string;
  readonly number: number;
  readonly sent: Map<number, Sent>;
  isAway: boolean;
  isReleased: boolean;
  /** It has an attempt of an earlier scheduler, and gets no other. */
  readonly isAdopted: boolean;
}

export class SimScheduler {
  readonly id: string;
  readonly #number: number;
  readonly #world: World;
  readonly #jobs: readonly Job[];
  readonly #core: HostCore;
  readonly #links = new Map<string, Link>();
  readonly #held = new Set<string>();
  readonly #rate: number;
  readonly #offsetMs: number;
  /** One that continues a run starts nothing while an earlier one may still have something running that it does not know of. */
  #patienceUntilMs: number;
  /** Nodes of earlier schedulers that have not said what is left there. */
  readonly #silent: Set<string>;
  /** Sessions whose nodes have said what is left, and these nodes. */
  readonly #left = new Map<string, string>();
  readonly #dismissed = new Set<Link>();
  /** Sessions of which nothing is left but what is adopted. */
  readonly #clear = new Set<string>();
  adoptions = 0;
  #numbers = 0;
  #isUp = true;

  constructor(number: number, jobs: readonly Job[], world: World) {
    this.id = `h${number}`;
    this.#number = number;
    this.#world = world;
    this.#jobs = jobs;
    this.#rate = world.random.between(0.96, 1.04);
    this.#offsetMs = world.random.between(0, 1e6);
    this.#silent = new Set(world.joined);
    this.#patienceUntilMs = this.#nowMs + (number > 0 ? fencedAfter(world.timing) : 0);
    this.#core = new HostCore({
      host: this.id,
      run: 'run',
      epoch: number + 1,
      number: number + 1,
      timing: world.timing,
      codec: plainCodec,
      accepts: () => true,
    });
    this.#tick();
  }

  get isDone(): boolean {
    return this.#jobs.every((job) => job.isDone || job.attempts >= mostAttempts);
  }

  /** Ends it at once: its nodes hear nothing more of it. */
  crash(): void {
    this.#isUp = false;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  greet(hello: Hello): void {
    for (const node of hello.former ?? []) this.#silent.delete(node);
    if (this.#isUp) this.#obey(this.#core.greet(hello, this.#nowMs));
  }

  take(packet: FromNode): void {
    if (this.#isUp) this.#obey(this.#core.take(packet, this.#nowMs));
  }

  unreachable({ name, node }: Hello): void {
    if (this.#isUp) this.#obey(this.#core.unreachable(name, node, this.#nowMs));
  }

  get #nowMs(): number {
    return this.#offsetMs + this.#world.agenda.nowMs * this.#rate;
  }

  #tick(): void {
    if (!this.#isUp) return;
    this.#obey(this.#core.tick(this.#nowMs));
    this.#dispatch();
    this.#bother();
    this.#obey(this.#core.flush(this.#nowMs));
    this.#world.agenda.in(tickMs, () => this.#tick());
  }

  #obey(effects: readonly FleetEffect[]): void {
    for (const effect of effects) this.#obeyOne(effect);
  }

  #obeyOne(effect: FleetEffect): void {
    const links = [...this.#links.values()].filter(({ session }) => session === effect.session);
    switch (effect.do) {
      case 'transmit':
        this.#world.toNode(this.id, effect.hello, effect.packet);
        break;
      case 'joined':
        this.#world.joined.add(effect.hello.node);
        if (this.#number === 0) this.#clear.add(effect.session);
        for (let slot = 0; slot < slots; slot++) this.#open(effect.session, slot);
        break;
      case 'hear':
        if (effect.report.is === 'left') this.#takeLeft(effect, effect.report.attempts);
        else this.#hear(effect.session, effect.report);
        break;
      case 'away':
        for (const link of links) link.isAway = true;
        break;
      case 'back':
        for (const link of links) link.isAway = false;
        break;
      case 'over':
        if (effect.refusal === 'fenced') {
          this.#isUp = false; // It ends, and what it had is the matter of the later one.
          break;
        }
        if (this === this.#world.latest && this.#clear.has(effect.session))
          this.#world.joined.delete(effect.hello.node);
        for (const link of links) this.#lose(link);
        break;
      case 'doubled':
        break; // A late packet of a start that is over.
      case 'distrusted':
        this.#world.ledger.stuck(`${effect.hello.name} was distrusted: it ${effect.what}`);
        break;
      default:
        effect satisfies never;
    }
  }

  /** Goes on with some of what is left, and ends the rest; all of it once it works already. */
  #takeLeft({ session, hello }: FleetEffect, left: readonly LeftOnNode[]): void {
    const isInTime = this.#nowMs < this.#patienceUntilMs && this.#silent.size > 0;
    for (const { path: key, kept, id, state } of left) {
      const job = this.#jobs.find(({ name }) => key.startsWith(`${name} `)) as Job;
      const link = this.#link(session, true);
      this.#core.send(session, { do: 'adopt', link: link.number, kept });
      const isRecorded = job.isDone || this.#world.ledger.hasResult(key);
      if (state === 'unstarted') this.#world.ledger.returned({ key });
      if (
        isInTime &&
        state !== 'unstarted' &&
        !isRecorded &&
        !this.#held.has(job.lock) &&
        this.#world.random.chance(0.8)
      ) {
        this.adoptions++;
        this.#held.add(job.lock);
        const attempt = { key, lock: job.lock, scheduler: this.#number };
        this.#world.ledger.adopted(key, this.#number);
        link.sent.set(id, { attempt, job, hasStarted: false });
      } else {
        this.#dismissed.add(link);
        this.#release(link, 'kill');
      }
    }
    this.#left.set(session, hello.node);
    this.#lookClear();
  }

  /** A node that has said what is left may get more once what is not adopted has ended. */
  #lookClear(): void {
    for (const [session, node] of this.#left) {
      if ([...this.#dismissed].some((link) => link.session === session)) continue;
      this.#left.delete(session);
      this.#clear.add(session);
      this.#silent.delete(node);
    }
  }

  #release(link: Link, how: 'drain' | 'kill'): void {
    link.isReleased = true;
    this.#core.send(link.session, { do: 'release', link: link.number, how });
  }

  #link(session: string, isAdopted: boolean): Link {
    const number = ++this.#numbers;
    const link = { session, number, sent: new Map(), isAway: false, isReleased: false, isAdopted };
    this.#links.set(`${session} ${number}`, link);
    return link;
  }

  #open(session: string, slot: number): void {
    const { number } = this.#link(session, false);
    this.#core.send(session, { do: 'open', link: number, slot, recordsModules: false });
  }

  #hear(session: string, report: NodeReport): void {
    if (report.is === 'draining') {
      this.#obey(this.#core.leave(session)); // Not the polite way, so all the harder.
      return;
    }
    if (!('link' in report)) return; // About the node.
    if (report.link < 0) this.#world.ledger.stuck(`${report.is} of a link that no scheduler can know`);
    const link = this.#links.get(`${session} ${report.link}`);
    if (link === undefined) return;
    switch (report.is) {
      case 'reported':
        if (report.report.is === 'started') this.#started(link, report.report.id);
        if (report.report.is === 'ended' && report.report.startedBy !== undefined)
          this.#started(link, report.report.id);
        if (report.report.is === 'ended') this.#ended(link, report.report.id, report.report.outcome.kind);
        break;
      case 'returned':
        this.#returned(link, report.id);
        break;
      case 'released':
        this.#lose(link);
        if (!link.isAdopted) this.#open(session, 0);
        break;
      default:
        report satisfies never;
    }
  }

  #started(link: Link, id: number): void {
    const sent = link.sent.get(id);
    if (sent === undefined) {
      if (!link.isAdopted) this.#world.ledger.stuck(`${id} started on a link that does not have it`);
    } else if (sent.hasStarted) this.#world.ledger.stuck(`${sent.attempt.key} was reported as started twice`);
    else sent.hasStarted = true;
  }

  #ended(link: Link, id: number, how: string): void {
    const sent = link.sent.get(id);
    if (sent === undefined) return;
    if (how === 'not-started') {
      this.#returned(link, id);
      return;
    }
    if (!sent.hasStarted) this.#world.ledger.stuck(`${sent.attempt.key} ended before it started`);
    const counts = this.#world.ledger.result(sent.attempt, this.#number);
    if (counts && how !== 'crashed') sent.job.isDone = true;
    this.#drop(link, id, sent);
    if (this.#world.random.chance(0.8))
      this.#core.send(link.session, { do: 'settle', attempts: [[link.number, id]] });
    if (link.isAdopted && !link.isReleased) this.#release(link, 'drain');
  }

  #returned(link: Link, id: number): void {
    const sent = link.sent.get(id);
    if (sent === undefined) return;
    if (sent.hasStarted)
      this.#world.ledger.stuck(`${sent.attempt.key} was returned after it was reported as started`);
    this.#world.ledger.returned(sent.attempt);
    sent.job.attempts--;
    this.#drop(link, id, sent);
  }

  #lose(link: Link): void {
    for (const [id, sent] of link.sent) {
      this.#world.ledger.lost(sent.attempt, this.#number);
      this.#drop(link, id, sent);
    }
    this.#links.delete(`${link.session} ${link.number}`);
    this.#dismissed.delete(link);
    this.#lookClear();
  }

  #drop(link: Link, id: number, { job }: Sent): void {
    link.sent.delete(id);
    this.#held.delete(job.lock);
  }

  /** Sends attempts whose locks are free to links that are free, and sometimes a few ahead. */
  #dispatch(): void {
    if (this.#nowMs < this.#patienceUntilMs && this.#silent.size > 0) return;
    for (const link of this.#links.values()) {
      if (link.isAdopted || !this.#clear.has(link.session)) continue;
      const room = this.#world.random.chance(0.3) ? this.#world.random.int(2, 5) : 1;
      if (link.isAway || link.isReleased || link.sent.size >= room) continue;
      const job = this.#jobs.find((each) => this.#isReady(each));
      if (job === undefined) return;
      this.#held.add(job.lock);
      const key = `${job.name} #${++job.attempts} of ${this.id}/${++this.#numbers}`;
      const attempt = { key, lock: job.lock, scheduler: this.#number };
      link.sent.set(this.#numbers, { attempt, job, hasStarted: false });
      const work = attempt as never;
      this.#core.send(link.session, {
        do: 'run',
        link: link.number,
        attempt: { id: this.#numbers, work, graceMs: 0, isHasty: false },
      });
    }
  }

  #isReady({ isDone, lock, attempts }: Job): boolean {
    return !isDone && attempts < mostAttempts && !this.#held.has(lock);
  }

  /** Does now and then what a run may do: reclaim, stop, replace a worker. */
  #bother(): void {
    const { random } = this.#world;
    if (!random.chance(0.1)) return;
    for (const { session, number, sent, isReleased } of this.#links.values()) {
      if (isReleased || !random.chance(0.2)) continue;
      const ids = [...sent.keys()];
      if (random.chance(0.6)) this.#core.send(session, { do: 'reclaim', link: number });
      else if (random.chance(0.5) && ids[0] !== undefined)
        this.#core.send(session, { do: 'abort', link: number, id: ids[0], reason: { value: 'stop' } });
      else {
        const found = this.#links.get(`${session} ${number}`);
        if (found !== undefined) found.isReleased = true;
        const how = random.chance(0.5) ? 'kill' : 'drain';
        this.#core.send(session, { do: 'release', link: number, how });
      }
    }
  }
}

const mostAttempts = 40;
