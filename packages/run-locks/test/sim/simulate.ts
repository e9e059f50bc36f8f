/**
 * Several runs, a directory and connections, played from a seed. Runs crash, stop and go on at any step, also between two orders; connections break;
 * messages take their time. Until the end of the faults; then every task has to get its turn.
 */
import { LockNode } from '../../src/protocol/lock-node.ts';
import type {
  Command,
  FromTable,
  Input,
  Link,
  SharedRequest,
  ToTable,
  WrittenHolds,
} from '../../src/protocol/messages.ts';
import { tickMs } from '../../src/protocol/messages.ts';
import { Random } from './random.ts';

const faultsEndAtMs = 20_000;
/** A run that is stopped for so long is as good as stopped forever. */
const foreverMs = 200_000;
/** By then everything has its turn that does not wait for a run which is stopped. */
const settledMs = 120_000;
const endOfTimeMs = 500_000;
const places = [['db'], ['dev'], ['dev', 'gpu'], ['dev', 'gpu', '0'], ['dev', 'cam'], []];
const capacity = 3;

/** How a simulation went. */
export interface Simulated {
  readonly seed: number;
  readonly violation?: string;
  readonly grants: number;
  readonly epochs: number;
  readonly crashes: number;
}

interface Task {
  readonly request: SharedRequest;
  readonly durationMs: number;
  state: 'asking' | 'holding' | 'done';
}

/** A fact without its time. */
type Fact = Input extends infer I ? (I extends { readonly atMs: number } ? Omit<I, 'atMs'> : never) : never;

class Process {
  readonly name: string;
  readonly node: LockNode;
  /** Orders that are not carried out yet. */
  readonly orders: Command[] = [];
  readonly inbox: Fact[] = [];
  readonly tasks: Task[] = [];
  isDead = false;
  stoppedUntilMs = 0;
  hasLeft = false;
  remaining: number;

  get isIdle(): boolean {
    return this.orders.length + this.inbox.length === 0;
  }

  constructor(name: string, remaining: number) {
    this.name = name;
    this.remaining = remaining;
    this.node = new LockNode({ run: name, label: `the run ${name}` });
  }
}

interface Connection {
  readonly ends: readonly [Process, Process];
  readonly queues: readonly [(ToTable | FromTable)[], (ToTable | FromTable)[]];
  isOpen: boolean;
}

/** Plays one seed. Never throws. `log` receives every step. */
export function simulate(seed: number, log: (line: string) => void = () => {}): Simulated {
  const world = new World(seed, log);
  try {
    world.play();
    return world.summary();
  } catch (error) {
    return { ...world.summary(), violation: error instanceof Error ? error.message : String(error) };
  }
}

class World {
  readonly #seed: number;
  readonly #random: Random;
  readonly #log: (line: string) => void;
  readonly #processes: Process[] = [];
  readonly #owners = new Map<number, Process>();
  readonly #files = new Map<string, WrittenHolds>();
  readonly #connections = new Map<Link, Connection>();
  /** Runs whose end some process wants to know. */
  readonly #watched = new Map<Process, Set<string>>();
  #links = 0;
  #nowMs = 0;
  #grants = 0;
  #crashes = 0;
  #epochs = 0;
  #ids = 0;
  readonly #faults: { readonly crash: number; readonly stop: number; readonly cut: number };
  readonly #agenda: { atMs: number; readonly act: () => void }[] = [];

  constructor(seed: number, log: (line: string) => void) {
    this.#seed = seed;
    this.#log = log;
    this.#random = new Random(seed);
    const often = (most: number) => (this.#random.chance(0.5) ? this.#random.next() * most : 0);
    this.#faults = { crash: often(0.004), stop: often(0.01), cut: often(0.01) };
    this.#at(settledMs, () => this.#checkSettled());
    const count = this.#random.int(2, 5);
    for (let nth = 0; nth < count; nth++) this.#at(this.#random.int(0, 3_000), () => this.#begin());
  }

  summary(): Simulated {
    return { seed: this.#seed, grants: this.#grants, epochs: this.#epochs, crashes: this.#crashes };
  }

  play(): void {
    for (let steps = 0; ; steps++) {
      if (steps > 300_000) throw new Error('it goes on forever');
      if (this.#nowMs > endOfTimeMs) throw new Error(`some task never gets its turn: ${this.#open()}`);
      if (this.#step()) continue;
      if (!this.#advance()) break;
    }
    if (this.#open() !== '') throw new Error(`nothing happens any more, and tasks wait: ${this.#open()}`);
  }

  #open(): string {
    const waiting = this.#processes.filter(
      ({ isDead, tasks }) => !isDead && tasks.some(({ state }) => state === 'asking'),
    );
    return waiting.map(({ name }) => name).join(' ');
  }

  get #isFaulty(): boolean {
    return this.#nowMs < faultsEndAtMs;
  }

  /** One step of a run that can do one: an order, else a fact. False if there is none. */
  #step(): boolean {
    const isAble = (each: Process): boolean =>
      !each.isDead && each.stoppedUntilMs <= this.#nowMs && (each.hasLeft || !each.isIdle);
    const able = this.#processes.filter(isAble);
    if (able.length === 0) return false;
    const process = this.#random.pick(able);
    if (this.#isFaulty && this.#trouble(process)) return true;
    const order = process.orders.shift();
    if (order !== undefined) this.#obey(process, order);
    else if (process.hasLeft && process.isIdle) this.#end(process);
    else this.#handle(process, process.inbox.shift() as Fact);
    return true;
  }

  /** Something happens to the run instead of its next step. */
  #trouble(process: Process): boolean {
    if (this.#random.chance(this.#faults.crash)) this.#crash(process);
    else if (this.#random.chance(this.#faults.stop)) {
      process.stoppedUntilMs = this.#nowMs + this.#random.pick([1, 50, 1_000, 5_000, 15_000, foreverMs]);
      this.#log(`${process.name} stops until ${process.stoppedUntilMs}`);
      this.#at(process.stoppedUntilMs, () => {});
    } else if (this.#random.chance(this.#faults.cut)) this.#cut(process);
    else return false;
    return true;
  }

  #crash(process: Process): void {
    this.#crashes++;
    this.#log(`${process.name} dies`);
    this.#end(process);
    if (this.#random.chance(0.5)) this.#at(this.#nowMs + this.#random.int(0, 2_000), () => this.#begin());
  }

  #end(process: Process): void {
    process.isDead = true;
    process.tasks.length = 0;
    for (const [link, { ends }] of this.#connections) if (ends.includes(process)) this.#close(link, process);
    for (const [watcher, runs] of this.#watched)
      if (runs.has(process.name)) this.#reportGone(watcher, process);
  }

  #cut(process: Process): void {
    const mine = [...this.#connections].filter(([, { ends, isOpen }]) => isOpen && ends.includes(process));
    if (mine.length > 0) this.#close(this.#random.pick(mine)[0]);
  }

  /** What is under way gets lost, as far as it goes to `dead`. */
  #close(link: Link, dead?: Process): void {
    const connection = this.#connections.get(link) as Connection;
    if (!connection.isOpen) return;
    connection.isOpen = false;
    for (const end of connection.ends)
      if (end !== dead)
        this.#at(this.#nowMs + this.#random.int(0, 5), () => end.inbox.push({ type: 'link-closed', link }));
  }

  #advance(): boolean {
    const next = this.#agenda.sort((a, b) => a.atMs - b.atMs).shift();
    if (next === undefined) return false;
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.act();
    return true;
  }

  #at(atMs: number, act: () => void): void {
    this.#agenda.push({ atMs, act });
  }

  #begin(): void {
    const process = new Process(`r${this.#processes.length}`, this.#random.int(1, 8));
    this.#processes.push(process);
    const tick = () => {
      if (process.isDead || process.hasLeft) return;
      if (process.node.isBusy && process.stoppedUntilMs <= this.#nowMs) process.inbox.push({ type: 'tick' });
      this.#at(this.#nowMs + tickMs, tick);
    };
    this.#at(this.#nowMs + tickMs, tick);
    this.#ask(process);
    if (this.#random.chance(0.5)) this.#ask(process);
  }

  /** The run asks for its next task, or leaves. */
  #ask(process: Process): void {
    if (process.isDead || process.hasLeft) return;
    if (process.remaining === 0) {
      if (process.tasks.some(({ state }) => state !== 'done')) return;
      process.hasLeft = true;
      process.inbox.push({ type: 'leave' });
      return;
    }
    process.remaining--;
    const some = (most: number) => this.#random.some(places, this.#random.int(0, most));
    const claims = some(2);
    const uses = some(2);
    const amounts = this.#random.chance(0.3)
      ? [{ resource: ['units'], count: this.#random.int(1, capacity), capacity }]
      : [];
    const isEmpty = claims.length + uses.length + amounts.length === 0;
    const request: SharedRequest = {
      ...{ id: ++this.#ids, task: `t${this.#ids}`, uses, amounts, priority: this.#random.int(0, 1), rank: 0 },
      claims: isEmpty ? [['db']] : claims,
    };
    process.tasks.push({ request, durationMs: this.#random.pick([1, 20, 300, 3_000]), state: 'asking' });
    process.inbox.push({ type: 'acquire', request });
    if (this.#isFaulty && this.#random.chance(0.05))
      this.#at(this.#nowMs + this.#random.int(0, 500), () => this.#giveUp(process, request.id));
  }

  #giveUp(process: Process, id: number): void {
    const task = process.tasks.find((each) => each.request.id === id);
    if (task?.state !== 'asking' || process.isDead) return;
    task.state = 'done';
    process.inbox.push({ type: 'release', id });
    this.#ask(process);
  }

  #handle(process: Process, fact: Fact): void {
    this.#log(`${this.#nowMs} ${process.name} > ${JSON.stringify(fact)}`);
    process.orders.push(...process.node.handle({ ...fact, atMs: this.#nowMs } as Input));
  }

  #obey(process: Process, command: Command): void {
    this.#log(`${this.#nowMs} ${process.name} < ${JSON.stringify(command)}`);
    const answer = (fact: Fact): void => {
      process.inbox.unshift(fact);
    };
    switch (command.type) {
      case 'find-epoch':
        answer({ type: 'epoch-found', epoch: this.#epochs });
        return;
      case 'dial':
        this.#dial(process, command.epoch);
        return;
      case 'claim-epoch':
        this.#claim(process, command.epoch);
        return;
      case 'load-holds': {
        // One file after the other: others write meanwhile.
        const runs = [...this.#files.keys()].filter((run) => run !== process.name);
        this.#load(process, command.epoch, runs, []);
        return;
      }
      case 'read-holds': {
        const ids = this.#files.get(command.run)?.holds.map(({ request }) => request.id) ?? [];
        answer({ type: 'holds-read', run: command.run, ids });
        return;
      }
      case 'write-holds': {
        const { name } = process;
        this.#files.set(name, { run: name, label: `the run ${name}`, holds: command.holds });
        return;
      }
      case 'check-epoch':
        answer({ type: 'epoch-checked', check: command.check, isInForce: this.#epochs === command.epoch });
        return;
      case 'send':
        this.#send(process, command.link, command.message);
        return;
      case 'close-link':
        if (this.#connections.has(command.link)) this.#close(command.link);
        return;
      case 'watch-run':
        this.#watch(process, command.run);
        return;
      case 'granted':
        this.#granted(process, command.id);
        return;
      case 'awaited':
        return;
      case 'refused':
        throw new Error(`${command.id} is refused: ${command.resource}`);
      default:
        command satisfies never;
    }
  }

  /** A continuation of an order: it comes before all other orders, but other runs may do something in between. */
  #load(process: Process, epoch: number, left: string[], loaded: WrittenHolds[]): void {
    const run = left.shift();
    if (run === undefined) {
      process.inbox.unshift({ type: 'holds-loaded', epoch, runs: loaded });
      return;
    }
    const file = this.#files.get(run);
    if (file !== undefined) loaded.push(file);
    this.#at(this.#nowMs + this.#random.int(0, 3), () => {
      if (!process.isDead) this.#load(process, epoch, left, loaded);
    });
  }

  #claim(process: Process, epoch: number): void {
    const isOurs = this.#epochs === epoch - 1;
    if (isOurs) {
      this.#epochs = epoch;
      this.#owners.set(epoch, process);
    }
    process.inbox.unshift({ type: 'epoch-claimed', epoch, isOurs });
  }

  #dial(process: Process, epoch: number): void {
    const owner = this.#owners.get(epoch) as Process;
    if (owner.isDead || owner.hasLeft || owner === process) {
      process.inbox.push({ type: 'dial-failed', epoch, isGone: owner.isDead || owner.hasLeft });
      return;
    }
    const link = ++this.#links;
    this.#connections.set(link, { ends: [process, owner], queues: [[], []], isOpen: true });
    process.inbox.push({ type: 'dialed', epoch, link });
  }

  #send(process: Process, link: Link, message: ToTable | FromTable): void {
    const connection = this.#connections.get(link);
    if (connection?.isOpen !== true) return;
    const to = connection.ends[0] === process ? 1 : 0;
    const queue = connection.queues[to];
    const end = connection.ends[to];
    queue.push(message);
    this.#at(this.#nowMs + this.#random.int(0, 4), () => {
      const first = queue.shift();
      if (first !== undefined && connection.isOpen && !end.isDead)
        end.inbox.push({ type: 'received', link, message: first });
    });
  }

  #watch(process: Process, run: string): void {
    const watched = this.#watched.get(process) ?? new Set<string>();
    this.#watched.set(process, watched.add(run));
    const other = this.#processes.find(({ name }) => name === run) as Process;
    if (other.isDead || other.hasLeft) this.#reportGone(process, other);
  }

  /** What it has written down is removed before the others hear of its end. */
  #reportGone(watcher: Process, { name }: Process): void {
    this.#at(this.#nowMs + this.#random.int(0, 50), () => {
      if (watcher.isDead) return;
      this.#files.delete(name);
      watcher.inbox.push({ type: 'run-gone', run: name });
    });
  }

  #granted(process: Process, id: number): void {
    const task = process.tasks.find((each) => each.request.id === id);
    if (task?.state !== 'asking') {
      if (task?.state === 'done') return; // given up meanwhile
      throw new Error(`${id} is granted twice`);
    }
    task.state = 'holding';
    this.#grants++;
    this.#check(process, task);
    this.#at(this.#nowMs + task.durationMs, () => {
      if (process.isDead) return;
      task.state = 'done';
      process.inbox.push({ type: 'release', id });
      this.#ask(process);
    });
  }

  /** Nothing that a stopped run does not hold is kept from the others, unless it was stopped just before it could say that it gives it back. */
  #checkSettled(): void {
    const written = [...this.#files.values()].flatMap(({ holds }) => holds.map(({ request }) => request));
    for (const { orders, tasks } of this.#processes)
      for (const order of orders)
        if (order.type === 'send' && order.message.type === 'release') {
          const { id } = order.message;
          written.push(...tasks.map(({ request }) => request).filter((request) => request.id === id));
        }
    for (const { isDead, stoppedUntilMs, tasks, name } of this.#processes)
      for (const { state, request } of isDead || stoppedUntilMs > this.#nowMs ? [] : tasks)
        if (state === 'asking' && !written.some((held) => collide(held, request) || lackUnits(held, request)))
          throw new Error(`at ${this.#nowMs} ms: ${request.task} of ${name} waits for nothing that is held`);
  }

  /** Nothing that conflicts is held by any run, whatever it believes. */
  #check(process: Process, task: Task): void {
    let units = 0;
    for (const other of this.#processes)
      for (const each of other.tasks) {
        if (each.state !== 'holding' || other.isDead) continue;
        units += each.request.amounts.reduce((sum, { count }) => sum + count, 0);
        if (each !== task && collide(each.request, task.request))
          throw new Error(
            `at ${this.#nowMs} ms: ${task.request.task} of ${process.name} and ${each.request.task} of ${other.name} hold what conflicts`,
          );
      }
    if (units > capacity) throw new Error(`at ${this.#nowMs} ms: ${units} units are taken, of ${capacity}`);
  }
}

/** The rule of conflict, naively. A task's hold ends when it says so. */
function collide(one: SharedRequest, other: SharedRequest): boolean {
  const isWithin = (a: readonly string[], b: readonly string[]) => b.every((part, at) => a[at] === part);
  const meet = (a: readonly string[], b: readonly string[]) => isWithin(a, b) || isWithin(b, a);
  const heldBy = ({ uses, claims, amounts }: SharedRequest) => [
    ...uses,
    ...claims,
    ...amounts.map(({ resource }) => resource),
  ];
  const claimsOf = (a: SharedRequest, b: SharedRequest) =>
    a.claims.some((claim) => heldBy(b).some((held) => meet(claim, held)));
  return claimsOf(one, other) || claimsOf(other, one);
}

function lackUnits(held: SharedRequest, request: SharedRequest): boolean {
  return held.amounts.length > 0 && request.amounts.length > 0;
}
