/**
 * When a capability may be torn down: once all who require it, directly or through what they provide in turn, are over, and what
 * those provide is torn down. Made of gates, for those tasks only which stand below something that is torn down.
 */
import { type Capability, tornDownBy } from '@pexen/core';
import { DONE_WITH, type GateId, type Graph, TORN_DOWN, UNNEEDED } from './graph.ts';
import type { NameIndex } from './names.ts';
import type { Planned } from './planned.ts';
import type { UndoLog } from './undo-log.ts';

/** The gates about one capability. */
interface Watched {
  readonly unneeded: GateId;
  readonly tornDown: GateId;
  /** As this task sees it, which tears down several capabilities and does not wait for itself; `all` for everybody else. */
  readonly tearer: number;
}

interface DoneWith {
  readonly gate: GateId;
  /** This is left out: the task needs it itself. */
  readonly except: GateId;
  /** See `Watched`. */
  readonly tearer: number;
}

const all = -1;

export class Teardowns {
  readonly #plan: Pick<Planned, 'graph' | 'metaOf'>;
  readonly #graph: Graph;
  readonly #names: NameIndex;
  readonly #undoLog: UndoLog;
  /** Capability → its gates. */
  readonly #watched = new Map<GateId, readonly Watched[]>();
  /** Capability → the tasks that tear it down. */
  readonly #tearers = new Map<GateId, readonly number[]>();
  /** Requirement → the capabilities it speaks of that are watched. */
  readonly #watchers = new Map<GateId, readonly GateId[]>();
  /** Task → the gates that open when it is over and nobody needs what it gives. */
  readonly #doneWith = new Map<number, readonly DoneWith[]>();
  /** Tasks whose `DONE_WITH` gate is not connected yet, and capabilities that are not watched yet. */
  readonly #pending: (() => void)[] = [];

  /** `names`: capabilities → their gates. Knows nothing yet, or what the other knows. */
  constructor(plan: Pick<Planned, 'graph' | 'metaOf'>, names: NameIndex, undoLog: UndoLog, of?: Teardowns) {
    this.#plan = plan;
    this.#graph = plan.graph;
    this.#names = names;
    this.#undoLog = undoLog;
    if (of === undefined) return;
    this.#watched = new Map(of.#watched);
    this.#tearers = new Map(of.#tearers);
    this.#watchers = new Map(of.#watchers);
    this.#doneWith = new Map(of.#doneWith);
  }

  /** The task tears the capabilities down, once none of them is needed any more. */
  add(task: number, capabilities: readonly GateId[]): void {
    const tearer = capabilities.length > 1 ? task : all;
    for (const gate of capabilities) {
      for (const watched of this.#watched.get(gate) ?? [])
        if (watched.tearer !== task) this.#graph.feed(task, watched.tornDown);
      this.#undoLog.put(this.#tearers, gate, [...(this.#tearers.get(gate) ?? []), task]);
    }
    for (const gate of capabilities) this.#graph.waits.add(this.#watch(gate, tearer).unneeded, task);
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
    for (const done of this.#doneWith.get(task) ?? []) if (gate !== done.except) this.#connect(done, gate);
    this.#settle();
  }

  #watch(gate: GateId, tearer: number): Watched {
    const known = this.#watched.get(gate) ?? [];
    const found = known.find((each) => each.tearer === tearer);
    if (found !== undefined) return found;
    const subject = this.#graph.subjects[gate];
    const unneeded = this.#graph.addGate(UNNEEDED, subject);
    const tornDown = this.#graph.addGate(TORN_DOWN, subject);
    const watched = { unneeded, tornDown, tearer };
    this.#undoLog.put(this.#watched, gate, [...known, watched]);
    this.#graph.relays.add(unneeded, tornDown);
    for (const task of this.#tearers.get(gate) ?? []) if (task !== tearer) this.#graph.feed(task, tornDown);
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
    if (!known.includes(capability)) this.#undoLog.put(this.#watchers, requirement, [...known, capability]);
  }

  /**
   * To require what one tears down is not to need it. What a task gives itself it needs from others only: it must be done with the
   * rest of what it gives.
   */
  #needs(task: number, capability: GateId): void {
    const subject = this.#graph.subjects[capability] as Capability;
    if (tornDownBy(this.#plan.metaOf(task)).includes(subject)) return;
    const except = this.#gatesGivenBy(task).includes(capability) ? capability : -1;
    for (const { unneeded, tearer } of this.#watched.get(capability) ?? []) {
      const doneWith = this.#doneWithGate(task, except, tearer);
      if (!this.#graph.relays.has(doneWith, unneeded)) this.#graph.relays.add(doneWith, unneeded);
    }
  }

  #doneWithGate(task: number, except: GateId, tearer: number): GateId {
    const known = this.#doneWith.get(task) ?? [];
    const found = known.find((each) => each.except === except && each.tearer === tearer);
    if (found !== undefined) return found.gate;
    const gate = this.#graph.addGate(DONE_WITH, task);
    const doneWith = { gate, except, tearer };
    this.#undoLog.put(this.#doneWith, task, [...known, doneWith]);
    this.#graph.feed(task, gate);
    this.#pending.push(() => {
      for (const given of this.#gatesGivenBy(task)) if (given !== except) this.#connect(doneWith, given);
    });
    return gate;
  }

  #connect({ gate, tearer }: DoneWith, given: GateId): void {
    this.#graph.relays.add(this.#watch(given, tearer).tornDown, gate);
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
