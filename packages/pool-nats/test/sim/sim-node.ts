/** A machine with its agent: the core under test, bodies that take time, a clock of its own, crashes and stops. */

import { mostFormer, type ToNode } from '../../src/protocol/messages.ts';
import { type LinkId, NodeCore, type NodeEffect } from '../../src/protocol/node-core.ts';
import type { Attempt } from './ledger.ts';
import { plainCodec, type World } from './world.ts';

export const slots = 2;
const tickMs = 40;

/** An attempt in a slot of the agent. */
interface Held {
  readonly number: number;
  readonly attempt: Attempt;
  /** The machine had been stopped so often when it came. */
  readonly stops: number;
}

/** A slot of the agent, as its pool of processes behaves: it runs one attempt after the other, and knows late which have started. */
interface Slot {
  readonly waiting: Held[];
  /** Its worker has it: the body is about to start, or runs. */
  running: Held | undefined;
  hasBody: boolean;
  /** Grows with each attempt and each worker: what was meant for an earlier one does not happen. */
  turn: number;
  isGone: boolean;
}

export class SimNode {
  readonly name: string;
  readonly #world: World;
  readonly #offsetMs: number;
  readonly #rate: number;
  #core: NodeCore;
  #starts = 0;
  #links = new Map<string, Slot>();
  #isUp = false;
  #stoppedUntilMs = 0;
  #longStops = 0;
  /** Grows with each start of the agent. */
  #generation = 0;

  constructor(name: string, world: World) {
    this.name = name;
    this.#world = world;
    this.#offsetMs = world.random.between(0, 1e6);
    this.#rate = world.random.between(0.96, 1.04);
    this.#core = this.#newCore();
  }

  get id(): string {
    return `${this.name}-${this.#starts}`;
  }

  /** Starts the agent, again if it runs. */
  start(): void {
    this.crash();
    this.#starts++;
    this.#generation++;
    this.#core = this.#newCore();
    this.#links = new Map();
    this.#isUp = true;
    this.#obey(this.#core.announce(this.#nowMs));
    this.#tick(this.#generation);
  }

  /** Ends the agent and everything that it runs, at once. */
  crash(): void {
    this.#isUp = false;
    this.#generation++;
    for (const slot of this.#links.values()) this.#endBody(slot);
  }

  /** Neither the agent nor a body does anything for so long. What runs by then cannot be ended in time if that is longer than a lease. */
  stop(ms: number): void {
    if (ms > this.#world.timing.leaseMs * 0.5) {
      this.#longStops++;
      this.#world.ledger.excuse(this.name);
    }
    this.#stoppedUntilMs = this.#world.agenda.nowMs + ms;
  }

  /** A worker process of it is killed: its attempt crashes, and what waits behind it runs in the next worker. */
  killWorker(): void {
    const links = [...this.#links].filter(([, { hasBody, isGone }]) => hasBody && !isGone);
    const [key, slot] = links[this.#world.random.int(0, links.length)] ?? [];
    if (key === undefined || slot?.running === undefined) return;
    const [session = '', link] = key.split(' ');
    const { number } = slot.running;
    this.#endBody(slot);
    this.#say({ session, link: Number(link) }, { is: 'lost', worker: 'w', reason: 'was killed' });
    this.#end({ session, link: Number(link) }, slot, number, { kind: 'crashed', reason: 'was killed' });
  }

  drain(): void {
    this.#act(() => this.#core.drain(this.#nowMs));
  }

  announce(): void {
    this.#act(() => this.#core.announce(this.#nowMs));
  }

  take(packet: ToNode): void {
    this.#act(() => this.#core.take(packet, this.#nowMs));
  }

  get #nowMs(): number {
    return this.#offsetMs + this.#world.agenda.nowMs * this.#rate;
  }

  #newCore(): NodeCore {
    const { name } = this;
    const fixed = {
      version: 1,
      format: 15,
      properties: {},
      bootMark: 'b',
      slots,
      codec: plainCodec,
      announceMs: 500,
    };
    const keyOf = ({ work }: { readonly work: unknown }) => {
      return { path: (work as Attempt).key, attempt: 1, part: 'body' as const };
    };
    // Everything that a start ran has ended with it.
    const former = Array.from({ length: Math.max(0, this.#starts - 1) }, (_, n) => `${name}-${n + 1}`);
    return new NodeCore({ ...fixed, node: this.id, name, former: former.slice(-mostFormer), keyOf });
  }

  /** Lets the agent do something, when it is not stopped. */
  #act(act: () => NodeEffect[]): void {
    const generation = this.#generation;
    this.#unlessStopped(() => {
      if (this.#isUp && generation === this.#generation) this.#obey(act());
    });
  }

  #unlessStopped(act: () => void): void {
    const leftMs = this.#stoppedUntilMs - this.#world.agenda.nowMs;
    if (leftMs > 0) this.#world.agenda.in(leftMs, () => this.#unlessStopped(act));
    else act();
  }

  #tick(generation: number): void {
    if (generation !== this.#generation) return;
    this.#act(() => this.#core.tick(this.#nowMs));
    this.#world.agenda.in(tickMs, () => this.#tick(generation));
  }

  #obey(effects: readonly NodeEffect[]): void {
    for (const effect of effects) this.#obeyOne(effect);
  }

  #obeyOne(effect: NodeEffect): void {
    switch (effect.do) {
      case 'announce':
        this.#world.toAllHosts(this.name, effect.hello);
        break;
      case 'transmit':
        this.#world.toHost(this.name, effect.host, effect.packet);
        break;
      case 'open':
        this.#links.set(nameOf(effect.link), {
          waiting: [],
          running: undefined,
          hasBody: false,
          turn: 0,
          isGone: false,
        });
        break;
      case 'run':
        this.#run(effect.link, effect.attempt.id, effect.attempt.work as unknown as Attempt);
        break;
      case 'reclaim':
        this.#world.agenda.in(this.#world.random.between(0, 10), () => this.#reclaim(effect.link));
        break;
      case 'close':
        this.#close(effect.link, effect.how);
        break;
      case 'abort':
        this.#world.agenda.in(this.#world.random.between(0, 30), () => this.#finish(effect.link, effect.id));
        break;
      case 'credit':
        break;
      case 'bundle':
      case 'piece':
        break; // No run brings files along here.
      default:
        effect satisfies never;
    }
  }

  #run(id: LinkId, number: number, attempt: Attempt): void {
    const slot = this.#links.get(nameOf(id));
    if (slot === undefined || slot.isGone) return;
    slot.waiting.push({ number, attempt, stops: this.#longStops });
    this.#startNext(id, slot);
  }

  #startNext(id: LinkId, slot: Slot): void {
    if (slot.running !== undefined || slot.isGone) return;
    const next = slot.waiting.shift();
    if (next === undefined) return;
    const turn = ++slot.turn;
    slot.running = next;
    const { agenda, random, ledger } = this.#world;
    agenda.in(random.between(0, 20), () =>
      this.#unlessStopped(() => {
        if (slot.isGone || slot.turn !== turn) return;
        ledger.bodyStarts(next.attempt, this.name, this.id, next.stops !== this.#longStops);
        slot.hasBody = true;
        this.#say(id, { is: 'started', id: next.number, worker: 'w' });
        const longMs = random.chance(0.3) ? 2_500 : 200;
        agenda.in(random.between(1, longMs), () => this.#unlessStopped(() => this.#finish(id, next.number)));
      }),
    );
  }

  /** Ends the attempt that the worker has, started or not; another one is asked to stop in vain. */
  #finish(id: LinkId, number: number): void {
    const slot = this.#links.get(nameOf(id));
    if (slot === undefined || slot.isGone || slot.running?.number !== number) return;
    const outcome: Outcome = slot.hasBody ? { kind: 'returned', value: number } : notStarted;
    this.#endBody(slot);
    this.#end(id, slot, number, outcome);
  }

  #end(id: LinkId, slot: Slot, number: number, outcome: Outcome): void {
    this.#say(id, { is: 'ended', id: number, outcome });
    this.#act(() => this.#core.flush(this.#nowMs));
    this.#startNext(id, slot);
  }

  /** Returns what waits, and sometimes what the worker has, if that has not started. */
  #reclaim(id: LinkId): void {
    const slot = this.#links.get(nameOf(id));
    if (slot === undefined || slot.isGone) return;
    const { running } = slot;
    if (running !== undefined && !slot.hasBody && this.#world.random.chance(0.5)) {
      this.#endBody(slot);
      slot.waiting.unshift(running);
    }
    this.#return(id, slot);
  }

  #return(id: LinkId, slot: Slot): void {
    for (const { number } of slot.waiting.splice(0))
      this.#say(id, { is: 'ended', id: number, outcome: notStarted });
    this.#act(() => this.#core.flush(this.#nowMs));
  }

  #close(id: LinkId, how: 'drain' | 'kill'): void {
    const slot = this.#links.get(nameOf(id));
    if (slot === undefined) return;
    const { agenda, random, timing } = this.#world;
    this.#return(id, slot);
    const isDone = how === 'drain' && slot.running === undefined;
    const generation = this.#generation;
    const wait = (): void => {
      if (how === 'drain' && slot.running !== undefined && !slot.isGone) agenda.in(10, wait);
      else end();
    };
    const end = (): void => {
      if (slot.isGone || generation !== this.#generation) return;
      this.#endBody(slot);
      slot.isGone = true;
      this.#act(() => this.#core.released(id, this.#nowMs));
    };
    if (how === 'drain' && !isDone) wait();
    else agenda.in(random.between(0, timing.endingMs * 0.5), end);
  }

  #endBody(slot: Slot): void {
    if (slot.running !== undefined) this.#world.ledger.bodyEnds(slot.running.attempt.key);
    slot.running = undefined;
    slot.hasBody = false;
    slot.turn++;
  }

  #say(id: LinkId, report: Parameters<NodeCore['report']>[1]): void {
    this.#act(() => this.#core.report(id, report, this.#nowMs));
  }
}

type Outcome = Extract<Parameters<NodeCore['report']>[1], { is: 'ended' }>['outcome'];

const notStarted: Outcome = { kind: 'not-started', reason: 'no more is started' };

function nameOf({ session, link }: LinkId): string {
  return `${session} ${link}`;
}
