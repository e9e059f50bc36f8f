/** A machine with its agent: the core under test, bodies that take time, a clock of its own, crashes and stops. */

import type { ToNode } from '../../src/protocol/messages.ts';
import { type LinkId, NodeCore, type NodeEffect } from '../../src/protocol/node-core.ts';
import type { Attempt } from './ledger.ts';
import { plainCodec, type World } from './world.ts';

export const slots = 2;
const tickMs = 40;

/** What a link of the agent runs. */
interface Running {
  attempt: Attempt | undefined;
  /** The number of the attempt, and whether its body has started. */
  number: number;
  hasBody: boolean;
  /** Grows with each attempt: what was meant for an earlier one does not happen. */
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
  #links = new Map<string, Running>();
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
    for (const link of this.#links.values()) this.#endBody(link);
  }

  /** Neither the agent nor a body does anything for so long. What runs by then cannot be ended in time if that is longer than a lease. */
  stop(ms: number): void {
    if (ms > this.#world.timing.leaseMs * 0.5) {
      this.#longStops++;
      this.#world.ledger.excuse(this.name);
    }
    this.#stoppedUntilMs = this.#world.agenda.nowMs + ms;
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
    return new NodeCore({ ...fixed, node: this.id, name });
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
        this.#links.set(keyOf(effect.link), {
          attempt: undefined,
          number: -1,
          hasBody: false,
          turn: 0,
          isGone: false,
        });
        break;
      case 'run':
        this.#run(effect.link, effect.attempt.id, effect.attempt.work as unknown as Attempt);
        break;
      case 'close':
        this.#close(effect.link, effect.how);
        break;
      case 'abort':
        this.#world.agenda.in(this.#world.random.between(0, 30), () => this.#finish(effect.link, effect.id));
        break;
      case 'credit':
        break;
      default:
        effect satisfies never;
    }
  }

  #run(id: LinkId, number: number, attempt: Attempt): void {
    const link = this.#links.get(keyOf(id));
    if (link === undefined || link.isGone) return;
    if (link.attempt !== undefined) this.#world.ledger.stuck(`${attempt.key} was started beside another one`);
    const turn = ++link.turn;
    link.attempt = attempt;
    link.number = number;
    const { agenda, random, ledger } = this.#world;
    const stops = this.#longStops;
    agenda.in(random.between(0, 20), () =>
      this.#unlessStopped(() => {
        if (link.isGone || link.turn !== turn) return;
        ledger.bodyStarts(attempt, this.name, this.id, stops !== this.#longStops);
        link.hasBody = true;
        this.#report(id, { is: 'started', id: number, worker: 'w' });
        const longMs = random.chance(0.15) ? 2_500 : 200;
        agenda.in(random.between(1, longMs), () => this.#unlessStopped(() => this.#finish(id, number)));
      }),
    );
  }

  #finish(id: LinkId, number: number): void {
    const link = this.#links.get(keyOf(id));
    if (link?.attempt === undefined || link.isGone || link.number !== number) return;
    const { hasBody } = link;
    this.#endBody(link);
    const outcome = hasBody
      ? ({ kind: 'returned', value: number } as const)
      : ({ kind: 'not-started', reason: 'stopped' } as const);
    this.#report(id, { is: 'ended', id: number, outcome });
    this.#act(() => this.#core.flush(this.#nowMs));
  }

  #close(id: LinkId, how: 'drain' | 'kill'): void {
    const link = this.#links.get(keyOf(id));
    if (link === undefined) return;
    const { agenda, random, timing } = this.#world;
    const isDone = how === 'drain' && link.attempt === undefined;
    const generation = this.#generation;
    const wait = (): void => {
      if (how === 'drain' && link.attempt !== undefined && !link.isGone) agenda.in(10, wait);
      else end();
    };
    const end = (): void => {
      if (link.isGone || generation !== this.#generation) return;
      this.#endBody(link);
      link.isGone = true;
      this.#act(() => this.#core.released(id, this.#nowMs));
    };
    if (how === 'drain' && !isDone) wait();
    else agenda.in(random.between(0, timing.endingMs * 0.5), end);
  }

  #endBody(link: Running): void {
    if (link.attempt !== undefined) this.#world.ledger.bodyEnds(link.attempt.key);
    link.attempt = undefined;
    link.hasBody = false;
    link.turn++;
  }

  #report(id: LinkId, report: Parameters<NodeCore['report']>[1]): void {
    this.#act(() => this.#core.report(id, report, this.#nowMs));
  }
}

function keyOf({ session, link }: LinkId): string {
  return `${session} ${link}`;
}
