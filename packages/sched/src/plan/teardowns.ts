/**
 * When a capability may be torn down: once all who require it, directly or through what they provide in turn, are over, and what
 * those provide is torn down. Made of gates, for those tasks only which stand below something that is torn down.
 */
import type { Capability } from '@pexen/core';
import { DONE_WITH, type GateId, type Graph, TORN_DOWN, UNNEEDED } from './graph.ts';
import type { Journal } from './journal.ts';
import type { NameIndex } from './name-index.ts';
import type { Planned } from './planned.ts';

/** The gates about one capability, and who tears it down. */
interface Watched {
  readonly unneeded: GateId;
  readonly tornDown: GateId;
}

interface DoneWith {
  readonly gate: GateId;
  /** This is left out: the task needs it itself. */
  readonly except: GateId;
}

export class Teardowns {
  readonly #plan: Pick<Planned, 'graph' | 'metaOf'>;
  readonly #graph: Graph;
  readonly #names: NameIndex;
  readonly #journal: Journal;
  /** Capability → its gates. */
  readonly #watched = new Map<GateId, Watched>();
  /** Requirement → the capabilities it speaks of that are watched. */
  readonly #watchers = new Map<GateId, readonly GateId[]>();
  /** Task → the gates that open when it is over and nobody needs what it gives. */
  readonly #doneWith = new Map<number, readonly DoneWith[]>();
  /** Tasks whose `DONE_WITH` gate is not connected yet, and capabilities that are not watched yet. */
  readonly #pending: (() => void)[] = [];

  /** `names`: capabilities → their gates. */
  constructor(plan: Pick<Planned, 'graph' | 'metaOf'>, names: NameIndex, journal: Journal) {
    this.#plan = plan;
    this.#graph = plan.graph;
    this.#names = names;
    this.#journal = journal;
  }

  /** The task tears the capability down. */
  add(task: number, gate: GateId, capability: Capability): void {
    const { unneeded, tornDown } = this.#watch(gate, capability);
    this.#graph.waits.add(unneeded, task);
    this.#graph.feed(task, tornDown);
    this.#settle();
  }

  /** Does anybody tear anything down? */
  get isUsed(): boolean {
    return this.#watchers.size > 0;
  }

  /** The task requires what the gate stands for. */
  required(gate: GateId, task: number): void {
    for (const capability of this.#watchers.get(gate) ?? []) this.#needs(task, capability);
    this.#settle();
  }

  /** A requirement that speaks of the capability was made. */
  followed(capability: GateId, requirement: GateId): void {
    if (this.#watched.has(capability)) this.#watchRequirement(requirement, capability);
  }

  /** The task turned out to give this as well. */
  provided(task: number, gate: GateId): void {
    for (const done of this.#doneWith.get(task) ?? [])
      if (gate !== done.except) this.#connect(done.gate, gate);
    this.#settle();
  }

  #watch(gate: GateId, subject: unknown): Watched {
    const known = this.#watched.get(gate);
    if (known !== undefined) return known;
    const unneeded = this.#graph.addGate(UNNEEDED, subject);
    const tornDown = this.#graph.addGate(TORN_DOWN, subject);
    const watched = { unneeded, tornDown };
    this.#journal.put(this.#watched, gate, watched);
    this.#graph.relays.add(unneeded, tornDown);
    this.#pending.push(() => this.#watchDependents(gate));
    return watched;
  }

  #watchDependents(gate: GateId): void {
    const requirements = this.#graph.followersOf(gate).filter((of) => this.#graph.isRequirement(of));
    for (const requirement of [gate, ...requirements]) {
      this.#watchRequirement(requirement, gate);
      for (const task of this.#graph.waits.out.ends(requirement)) this.#needs(task, gate);
    }
  }

  #watchRequirement(requirement: GateId, capability: GateId): void {
    const known = this.#watchers.get(requirement) ?? [];
    if (!known.includes(capability)) this.#journal.put(this.#watchers, requirement, [...known, capability]);
  }

  /**
   * To require what one tears down is not to need it. What a task gives itself it needs from others only: it must be done with the
   * rest of what it gives.
   */
  #needs(task: number, capability: GateId): void {
    if (this.#plan.metaOf(task).tearsDown === this.#graph.subjects[capability]) return;
    const { unneeded } = this.#watched.get(capability) as Watched;
    const except = this.#gatesGivenBy(task).includes(capability) ? capability : -1;
    const doneWith = this.#doneWithGate(task, except);
    if (!this.#graph.relays.has(doneWith, unneeded)) this.#graph.relays.add(doneWith, unneeded);
  }

  #doneWithGate(task: number, except: GateId): GateId {
    const known = this.#doneWith.get(task) ?? [];
    const found = known.find((each) => each.except === except);
    if (found !== undefined) return found.gate;
    const gate = this.#graph.addGate(DONE_WITH, task);
    this.#journal.put(this.#doneWith, task, [...known, { gate, except }]);
    this.#graph.feed(task, gate);
    this.#pending.push(() => {
      for (const given of this.#gatesGivenBy(task)) if (given !== except) this.#connect(gate, given);
    });
    return gate;
  }

  #connect(doneWith: GateId, given: GateId): void {
    const { tornDown } = this.#watch(given, this.#graph.subjects[given]);
    this.#graph.relays.add(tornDown, doneWith);
  }

  #gatesGivenBy(task: number): GateId[] {
    const { feeds, subjects } = this.#graph;
    return feeds.out.ends(task).filter((gate) => this.#names.find(subjects[gate]) === gate);
  }

  /** A loop, not a recursion: chains may be long. */
  #settle(): void {
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) next();
  }
}
