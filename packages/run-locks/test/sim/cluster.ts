/**
 * Several runs, a store and a network between them, played from a seed in a time of its own. Runs die, are stopped and go on; the network and its server fail,
 * and the server may lose everything; machines die with all that watches over them. What is really held is known to the simulation alone.
 */
import type { LockRequestOfRun, RunLocks, RunLocksListener } from '@pexen/core';
import { clusterLocksOver } from '../../src/cluster/cluster-locks.ts';
import type { ClusterNetwork, LeaseGuard, NetworkListener, Stored } from '../../src/cluster/network.ts';
import { Random } from './random.ts';

const faultsEndAtMs = 90_000;
const endOfTimeMs = 400_000;
const timing = { leaseMs: 10_000, endingMs: 5_000 };
/** How long what a run has started may take to end after SIGKILL. */
const killMs = 1_000;
const foreverMs = 1_000_000;
const names = ['/db', '/dev', '/dev/gpu', '/dev/gpu/0', '/dev/cam'];

/** How a simulation went. */
export interface SimulatedCluster {
  readonly seed: number;
  readonly violation?: string;
  readonly grants: number;
  readonly losses: number;
  readonly crashes: number;
  readonly wipes: number;
  readonly epochs: number;
}

/** What is really held, whatever the run believes. */
interface Hold {
  readonly machine: Machine;
  readonly claim: string;
  isOver: boolean;
}

/** A run and what is on its machine. */
class Machine {
  readonly name: string;
  isDead = false;
  stoppedUntilMs = 0;
  /** What happens to it once it goes on. */
  readonly held: (() => void)[] = [];
  isCut = false;
  /** The guard of its lease: a process of its own, which is stopped by nothing. */
  deadlineMs: number | undefined;
  record: { readonly run: string; readonly afterMs: number } | undefined;
  remaining: number;
  /** It does not end after its last task. */
  readonly goesOn: boolean;
  listener: NetworkListener | undefined;
  run = '';
  locks: RunLocks | undefined;
  readonly wanted = new Map<number, string>();
  readonly holds = new Map<number, Hold>();

  constructor(name: string, remaining: number, goesOn: boolean) {
    this.name = name;
    this.remaining = remaining;
    this.goesOn = goesOn;
  }
}

/** Plays one seed. Never rejects. `log` receives every step. */
export async function simulateCluster(
  seed: number,
  log: (line: string) => void = () => {},
): Promise<SimulatedCluster> {
  const world = new World(seed, log);
  try {
    await world.play();
    return world.summary();
  } catch (error) {
    return { ...world.summary(), violation: error instanceof Error ? error.message : String(error) };
  }
}

class World {
  readonly #seed: number;
  readonly #random: Random;
  readonly #log: (line: string) => void;
  readonly #machines: Machine[] = [];
  readonly #store = new Map<string, Stored>();
  readonly #agenda: { atMs: number; readonly order: number; readonly act: () => void }[] = [];
  #orders = 0;
  #revision = 0;
  #nowMs = 0;
  #ids = 0;
  #isDown = false;
  #violation: string | undefined;
  readonly #counts = { grants: 0, losses: 0, crashes: 0, wipes: 0 };
  #epochs = 0;
  readonly #faults: Readonly<Record<'crash' | 'stop' | 'cut' | 'down' | 'wipe', number>>;

  constructor(seed: number, log: (line: string) => void) {
    this.#seed = seed;
    this.#log = (line) => log(`${this.#nowMs} ${line}`);
    this.#random = new Random(seed);
    const often = (most: number): number => (this.#random.chance(0.5) ? this.#random.next() * most : 0);
    this.#faults = { crash: often(0.5), stop: often(1), cut: often(1), down: often(0.5), wipe: often(0.3) };
    const count = this.#random.int(2, 5);
    for (let nth = 0; nth < count; nth++) this.#at(this.#random.int(0, 5_000), () => this.#begin());
    this.#at(3_000, () => this.#trouble());
  }

  summary(): SimulatedCluster {
    return { seed: this.#seed, ...this.#counts, epochs: this.#epochs };
  }

  async play(): Promise<void> {
    for (let steps = 0; this.#violation === undefined; steps++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (steps > 100_000) throw new Error('it goes on forever');
      if (this.#waiting() === '' && this.#nowMs > faultsEndAtMs) return;
      if (this.#nowMs > endOfTimeMs) throw new Error(`some task never gets its turn: ${this.#waiting()}`);
      const next = this.#next();
      if (next === undefined) throw new Error(`nothing happens any more: ${this.#waiting()}`);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.act();
    }
    throw new Error(this.#violation);
  }

  #next() {
    let best = 0;
    for (const [at, { atMs, order }] of this.#agenda.entries()) {
      const first = this.#agenda[best];
      if (first === undefined || atMs < first.atMs || (atMs === first.atMs && order < first.order)) best = at;
    }
    return this.#agenda.splice(best, 1)[0];
  }

  /** Those that live and have tasks left. A run that is stopped forever waits for nothing. */
  #waiting(): string {
    const isAlive = ({ isDead, stoppedUntilMs }: Machine): boolean =>
      !isDead && stoppedUntilMs < this.#nowMs + foreverMs / 2;
    const hasTasks = ({ wanted, holds, remaining }: Machine): boolean =>
      wanted.size + holds.size + remaining > 0;
    return this.#machines
      .filter((each) => isAlive(each) && hasTasks(each))
      .map(({ name }) => name)
      .join(' ');
  }

  #at(atMs: number, act: () => void): void {
    this.#agenda.push({ atMs, order: ++this.#orders, act });
  }

  #in(ms: number, act: () => void): void {
    this.#at(this.#nowMs + ms, act);
  }

  /** Something happens to a run: later, if it is stopped. */
  #happen(machine: Machine, act: () => void): void {
    if (machine.isDead) return;
    if (machine.stoppedUntilMs > this.#nowMs) machine.held.push(act);
    else act();
  }

  // Faults

  #trouble(): void {
    if (this.#nowMs >= faultsEndAtMs) return;
    const machine = this.#machines.length === 0 ? undefined : this.#random.pick(this.#machines);
    if (machine !== undefined && !machine.isDead) {
      if (this.#random.chance(this.#faults.crash)) this.#crash(machine);
      else if (this.#random.chance(this.#faults.stop)) this.#stop(machine);
      else if (this.#random.chance(this.#faults.cut)) this.#cut(machine);
    }
    if (!this.#isDown && this.#random.chance(this.#faults.down)) this.#takeDown();
    this.#in(this.#random.int(500, 8_000), () => this.#trouble());
  }

  #crash(machine: Machine): void {
    this.#counts.crashes++;
    const isWhole = this.#random.chance(0.4);
    this.#log(`${machine.name} dies${isWhole ? ' with its machine' : ''}`);
    this.#die(machine, isWhole ? 0 : this.#random.int(0, killMs));
    const { record, isCut } = machine;
    if (!isWhole && record !== undefined && !isCut)
      this.#in(killMs, () => {
        if (!this.#isDown) this.#store.delete(`run.${record.run}`);
      });
    if (this.#random.chance(0.5)) this.#in(this.#random.int(0, 5_000), () => this.#begin());
  }

  #die(machine: Machine, afterMs: number): void {
    machine.isDead = true;
    machine.wanted.clear();
    const holds = [...machine.holds.values()];
    machine.holds.clear();
    this.#in(afterMs, () => {
      for (const hold of holds) hold.isOver = true;
    });
  }

  #stop(machine: Machine): void {
    if (machine.stoppedUntilMs > this.#nowMs) return;
    const ms = this.#random.pick([50, 1_000, 5_000, 12_000, 30_000, foreverMs]);
    machine.stoppedUntilMs = this.#nowMs + ms;
    this.#log(`${machine.name} stops for ${ms}`);
    this.#in(ms, () => {
      for (const act of machine.held.splice(0)) if (!machine.isDead) act();
    });
  }

  #cut(machine: Machine): void {
    if (machine.isCut) return;
    const ms = this.#random.pick([300, 2_000, 8_000, 14_000, 40_000]);
    this.#log(`${machine.name} is cut off for ${ms}`);
    machine.isCut = true;
    this.#in(ms, () => {
      machine.isCut = false;
      this.#happen(machine, () => machine.listener?.disconnected());
    });
  }

  #takeDown(): void {
    const isWiped = this.#random.chance(this.#faults.wipe);
    const ms = this.#random.pick([100, 1_500, 6_000, 20_000]);
    this.#log(`the server is down for ${ms}${isWiped ? ', and loses everything' : ''}`);
    this.#isDown = true;
    if (isWiped) {
      this.#counts.wipes++;
      this.#store.clear();
      this.#revision = 0;
    }
    this.#in(ms, () => {
      this.#isDown = false;
      for (const machine of this.#machines)
        this.#in(this.#random.int(0, 2_000), () =>
          this.#happen(machine, () => machine.listener?.disconnected()),
        );
    });
  }

  // One machine

  #begin(): void {
    const { length } = this.#machines;
    const machine = new Machine(`m${length}`, this.#random.int(1, 7), this.#random.chance(0.5));
    this.#machines.push(machine);
    const clock = {
      now: () => this.#nowMs,
      wallNow: () => this.#nowMs,
      after: (ms: number, ring: () => void) => {
        if (ms >= foreverMs) return () => {};
        let isOff = false;
        this.#in(Math.max(ms, 0), () => this.#happen(machine, () => !isOff && ring()));
        return () => {
          isOff = true;
        };
      },
    };
    let lives = 0;
    machine.locks = clusterLocksOver({
      ...{ resources: ['**'], capacities: {}, timing, clock, leaseNow: () => this.#nowMs },
      label: machine.name,
      newId: () => `${machine.name}-${++lives}`,
      connect: (run, listener) => this.#connect(machine, run, listener),
      guard: () => this.#guard(machine),
    });
    machine.locks.open(this.#listenerOf(machine));
    this.#ask(machine);
    if (this.#random.chance(0.5)) this.#ask(machine);
  }

  #guard(machine: Machine): LeaseGuard {
    return {
      setDeadline: (atMs) => {
        machine.deadlineMs = atMs;
        if (atMs === undefined) return;
        this.#at(atMs, () => {
          if (machine.isDead || machine.deadlineMs !== atMs) return;
          this.#log(`${machine.name} is ended by its guard`);
          this.#die(machine, this.#random.int(0, killMs));
        });
      },
      watch: (run, afterMs) => {
        machine.record = { run, afterMs };
      },
      dismiss: async () => {},
    };
  }

  #listenerOf(machine: Machine): RunLocksListener {
    return {
      ...{ runId: machine.name, outlivesMs: 0 },
      granted: (id) => this.#granted(machine, id),
      awaited: () => {},
      lost: (id) => this.#lost(machine, id),
      warn: () => {},
      fail: (error) => {
        this.#violation ??= `${machine.name} fails: ${error.stack}`;
      },
    };
  }

  #ask(machine: Machine): void {
    if (machine.isDead) return;
    if (machine.remaining === 0) {
      // A run may go on with tasks that share nothing. What it has released must be free all the same.
      if (machine.wanted.size + machine.holds.size === 0 && !machine.goesOn) void machine.locks?.close();
      return;
    }
    machine.remaining--;
    this.#want(machine, this.#random.pick(names));
  }

  #want(machine: Machine, claim: string): void {
    const id = ++this.#ids;
    machine.wanted.set(id, claim);
    const request: LockRequestOfRun = { id, path: `t${id}`, meta: { claims: [claim] }, priority: 0, rank: 0 };
    machine.locks?.acquire(request);
  }

  #granted(machine: Machine, id: number): void {
    const claim = machine.wanted.get(id);
    if (claim === undefined) return;
    machine.wanted.delete(id);
    this.#log(`${machine.name} is granted ${claim} by ${id}`);
    this.#counts.grants++;
    const hold: Hold = { machine, claim, isOver: false };
    const other = this.#holds.find((each) => !each.isOver && meet(each.claim, claim));
    if (other !== undefined)
      this.#violation ??= `at ${this.#nowMs} ms: ${machine.name} gets ${claim}, and ${other.machine.name} still holds ${other.claim}`;
    this.#holds.push(hold);
    machine.holds.set(id, hold);
    this.#in(this.#random.pick([5, 100, 2_000, 15_000]), () =>
      this.#happen(machine, () => {
        if (machine.holds.get(id) !== hold) return;
        this.#release(machine, id);
        this.#ask(machine);
      }),
    );
  }

  readonly #holds: Hold[] = [];

  #release(machine: Machine, id: number): void {
    const hold = machine.holds.get(id);
    machine.holds.delete(id);
    if (hold !== undefined) hold.isOver = true;
    machine.locks?.release(id);
  }

  /** The scheduler ends the task, which takes its time; then the task asks again. */
  #lost(machine: Machine, id: number): Promise<void> {
    this.#counts.losses++;
    this.#log(`${machine.name} has lost ${id}`);
    const hold = machine.holds.get(id);
    machine.locks?.release(id);
    return new Promise((resolve) => {
      this.#in(this.#random.int(0, 2_000), () =>
        this.#happen(machine, () => {
          machine.holds.delete(id);
          if (hold !== undefined && !hold.isOver) {
            hold.isOver = true;
            this.#want(machine, hold.claim);
          }
          resolve();
        }),
      );
    });
  }

  // The network

  async #connect(machine: Machine, run: string, listener: NetworkListener): Promise<ClusterNetwork> {
    machine.run = run;
    machine.listener = listener;
    const trip = <T>(act: () => T) => this.#trip(machine, act);
    return {
      get: (key) => trip(() => this.#store.get(key)),
      put: (key, value, last) =>
        trip(() => {
          if ((this.#store.get(key)?.revision ?? 0) !== last) return undefined;
          if (key === 'epoch') this.#epochs++;
          this.#log(`${machine.name} puts ${key} ${value.slice(0, 300)}`);
          this.#store.set(key, { value, revision: ++this.#revision });
          return this.#revision;
        }),
      remove: (key, revision) =>
        trip(() => {
          if (this.#store.get(key)?.revision !== revision) return false;
          this.#log(`${machine.name} removes ${key}`);
          this.#store.delete(key);
          return true;
        }),
      keys: (prefix) => trip(() => [...this.#store.keys()].filter((key) => key.startsWith(prefix))),
      send: (to, text) => this.#send(machine, to, text),
      close: async () => {
        if (machine.run === run) machine.listener = undefined;
      },
    };
  }

  /** There and back again. On either way it may get lost; then the one who asked is left in the dark. */
  #trip<T>(machine: Machine, act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const settle = (how: () => void): void =>
        this.#happen(machine, () => {
          if (!isOver) how();
          isOver = true;
        });
      this.#in(2_000, () => settle(() => reject(new Error('timeout'))));
      const isLate = this.#nowMs < faultsEndAtMs && this.#random.chance(0.01);
      this.#in(this.#random.int(0, 5) + (isLate ? this.#random.int(0, 15_000) : 0), () => {
        if (machine.isCut || this.#isDown) return;
        const value = act();
        this.#in(this.#random.int(0, 5), () => {
          if (!machine.isCut && !this.#isDown) settle(() => resolve(value));
        });
      });
    });
  }

  #send(from: Machine, to: string, text: string): void {
    this.#in(this.#random.int(0, 5), () => {
      const target = this.#machines.find(({ run, listener }) => run === to && listener !== undefined);
      const isLost = this.#isDown || from.isCut || target === undefined || target.isCut;
      if (isLost || (this.#nowMs < faultsEndAtMs && this.#random.chance(0.002))) return;
      this.#happen(target, () => target.run === to && target.listener?.received(text));
    });
  }
}

function meet(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
