/** One simulated run: machines, schedulers and a network that fail as the seed says, until everything is healed and all jobs are done. */
import type { Codec, FromNode, Hello, Timing, ToNode } from '../../src/protocol/messages.ts';
import { Agenda } from './agenda.ts';
import { Ledger } from './ledger.ts';
import { Network } from './network.ts';
import { Random } from './random.ts';
import { SimNode } from './sim-node.ts';
import { type Job, SimScheduler } from './sim-scheduler.ts';

/** Messages as they are: a piece is a message. */
export const plainCodec: Codec = {
  encode: (message) => [{ piece: message, size: 100 }],
  decoder: () => (piece) => piece,
};

const troubleMs = 4_000;
/** So long after the trouble everything must be done. */
const healingMs = 60_000;

export class World {
  readonly timing: Timing = { heartbeatMs: 100, leaseMs: 1_000, endingMs: 400 };
  readonly random: Random;
  readonly agenda = new Agenda();
  readonly ledger = new Ledger();
  /** The nodes that work, or have worked, for the run, as a journal knows them. */
  readonly joined = new Set<string>();
  readonly #network: Network;
  readonly #nodes: readonly SimNode[];
  readonly #schedulers: SimScheduler[] = [];
  readonly #jobs: readonly Job[];

  constructor(seed: number) {
    this.random = new Random(seed);
    this.#network = new Network(this.agenda, this.random);
    const { random } = this;
    if (random.chance(0.7))
      this.#network.weather = {
        loss: random.chance(0.5) ? random.between(0, 0.3) : 0,
        doubling: random.chance(0.5) ? random.between(0, 0.5) : 0,
        lateness: random.chance(0.5) ? random.between(0, 0.2) : 0,
      };
    this.#nodes = Array.from({ length: random.int(1, 4) }, (_, n) => new SimNode(`n${n}`, this));
    const locks = random.int(1, 5);
    this.#jobs = Array.from({ length: random.int(5, 40) }, (_, n) => ({
      name: `j${n}`,
      lock: `lock ${random.int(0, locks)}`,
      attempts: 0,
      isDone: false,
    }));
  }

  /** Plays everything. The ledger has the violations. */
  play(): Ledger {
    this.#schedulers.push(new SimScheduler(0, this.#jobs, this));
    for (const node of this.#nodes) this.agenda.in(this.random.between(0, 50), () => node.start());
    const troubles = this.random.int(0, 12);
    for (let n = 0; n < troubles; n++)
      this.agenda.in(this.random.between(0, troubleMs), () => this.#trouble());
    this.agenda.in(troubleMs, () => this.#network.clear());
    const goesOn = (): boolean => !this.#isDone && this.ledger.violations.length === 0;
    this.agenda.run(troubleMs + healingMs, goesOn);
    if (!this.#isDone && this.ledger.violations.length === 0) {
      const open = this.#jobs.filter(({ isDone }) => !isDone).map(({ name }) => name);
      this.ledger.stuck(`${open.join(', ')} not done ${healingMs} ms after everything was healed`);
    }
    return this.ledger;
  }

  /** How many attempts followed one that was lost. */
  get attemptsAgain(): number {
    return this.#jobs.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0);
  }

  /** The scheduler that continues the run. */
  get latest(): SimScheduler | undefined {
    return this.#schedulers.at(-1);
  }

  /** How many attempts were taken over. */
  get adoptions(): number {
    return this.#schedulers.reduce((sum, { adoptions }) => sum + adoptions, 0);
  }

  toAllHosts(from: string, hello: Hello): void {
    for (const host of this.#schedulers) this.#network.send(from, host.id, () => host.greet(hello));
  }

  toHost(from: string, id: string, packet: FromNode): void {
    const host = this.#schedulers.find((each) => each.id === id);
    if (host !== undefined) this.#network.send(from, id, () => host.take(packet));
  }

  toNode(from: string, hello: Hello, packet: ToNode): void {
    const node = this.#nodes.find(({ name }) => name === hello.name);
    this.#network.send(from, hello.name, () => {
      if (node?.id === hello.node) node.take(packet);
      else this.#schedulers.find(({ id }) => id === from)?.unreachable(hello);
    });
  }

  get #isDone(): boolean {
    return this.#schedulers.at(-1)?.isDone ?? false;
  }

  #trouble(): void {
    const { random, agenda } = this;
    const node = this.#nodes[random.int(0, this.#nodes.length)] as SimNode;
    const endMs = random.between(50, 3_000);
    const cut = (direction: string): void => {
      this.#network.cuts.add(direction);
      agenda.in(endMs, () => this.#network.cuts.delete(direction));
    };
    switch (random.int(0, 8)) {
      case 0:
        cut(`${node.name}>*`);
        break;
      case 1:
        cut(`*>${node.name}`);
        break;
      case 2:
        cut(`${node.name}>*`);
        cut(`*>${node.name}`);
        break;
      case 3:
        node.crash();
        agenda.in(endMs, () => node.start());
        break;
      case 4:
        this.#stop(node);
        break;
      case 5:
        node.drain();
        agenda.in(endMs, () => {
          node.crash();
          node.start();
        });
        break;
      case 6:
        this.#replaceScheduler();
        break;
      case 7:
        node.killWorker();
        break;
      default:
    }
  }

  /** For a moment, which the time for ending allows, or for longer than a lease. */
  #stop(node: SimNode): void {
    const { random, timing } = this;
    if (random.chance(0.5)) node.stop(random.between(0, timing.endingMs * 0.2));
    else node.stop(random.between(timing.leaseMs, timing.leaseMs * 3));
  }

  /** Another scheduler continues the run, whether the former one has ended or only seems to. */
  #replaceScheduler(): void {
    const former = this.#schedulers.at(-1);
    const number = this.#schedulers.length;
    if (former === undefined || number > 2) return;
    if (this.random.chance(0.6)) {
      former.crash();
      this.ledger.schedulerEnded(number - 1);
    } else if (this.random.chance(0.5)) this.agenda.in(this.random.between(0, 3_000), () => former.crash());
    this.#schedulers.push(new SimScheduler(number, this.#jobs, this));
    for (const node of this.#nodes) node.announce();
  }
}

/** Plays one seed; returns what it violated. */
export function play(seed: number): readonly string[] {
  return new World(seed).play().violations;
}
