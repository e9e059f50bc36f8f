/**
 * Determines when a capability may be torn down: once all tasks that require it, directly or through what they provide in turn, are over,
 * and what those provide is torn down. Made of conditions, which are added only for tasks that depend on something that is torn down.
 */
import { type Capability, tornDownBy } from '@pexen/core';
import { type ConditionId, DONE_WITH, type Graph, TORN_DOWN, UNNEEDED } from './graph.ts';
import type { NameIndex } from './names.ts';
import type { Planned } from './planned.ts';
import type { UndoLog } from './undo-log.ts';

/** The conditions of one capability. */
interface Watched {
  readonly unneeded: ConditionId;
  readonly tornDown: ConditionId;
  /** The task for whose view these are: a task that tears down several capabilities does not wait for itself. `all` for every other task. */
  readonly tearer: number;
}

interface DoneWith {
  readonly condition: ConditionId;
  /** This capability is left out: the task needs it itself. */
  readonly except: ConditionId;
  /** See `Watched`. */
  readonly tearer: number;
}

const all = -1;

export class Teardowns {
  readonly #plan: Pick<Planned, 'graph' | 'metaOf'>;
  readonly #graph: Graph;
  readonly #names: NameIndex;
  readonly #undoLog: UndoLog;
  /** Capability → its conditions. */
  readonly #watched = new Map<ConditionId, readonly Watched[]>();
  /** Capability → the tasks that tear it down. */
  readonly #tearers = new Map<ConditionId, readonly number[]>();
  /** Requirement → the watched capabilities that it names. */
  readonly #watchers = new Map<ConditionId, readonly ConditionId[]>();
  /** Task → the conditions that are fulfilled when it is over and no task needs what it provides. */
  readonly #doneWith = new Map<number, readonly DoneWith[]>();
  /** Work to do: tasks whose `DONE_WITH` condition is not connected yet, and capabilities that are not watched yet. */
  readonly #pending: (() => void)[] = [];

  /** `names`: capabilities → their conditions. Starts empty, or as a copy. */
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

  /** The task tears the capabilities down as soon as no task needs any of them. */
  add(task: number, capabilities: readonly ConditionId[]): void {
    const tearer = capabilities.length > 1 ? task : all;
    for (const condition of capabilities) {
      for (const watched of this.#watched.get(condition) ?? [])
        if (watched.tearer !== task) this.#graph.feed(task, watched.tornDown);
      this.#undoLog.put(this.#tearers, condition, [...(this.#tearers.get(condition) ?? []), task]);
    }
    for (const condition of capabilities)
      this.#graph.waits.add(this.#watch(condition, tearer).unneeded, task);
    this.settle();
  }

  /** True if some task tears something down. */
  get isUsed(): boolean {
    return this.#watchers.size > 0;
  }

  /** The service is over once no task needs what it provides. `settle` must be called when it is known what that is. */
  addService(task: number): void {
    this.#graph.addService(task, this.#doneWithCondition(task, -1, all));
  }

  /** The task requires the subject of the condition. */
  required(condition: ConditionId, task: number): void {
    for (const capability of this.#watchers.get(condition) ?? []) this.#needs(task, capability);
    this.settle();
  }

  /** A requirement that names the capability was added. */
  followed(capability: ConditionId, requirement: ConditionId): void {
    if (this.#watched.has(capability)) this.#watchRequirement(requirement, capability);
  }

  /** The task provides this capability as well. */
  provided(task: number, condition: ConditionId): void {
    for (const done of this.#doneWith.get(task) ?? [])
      if (condition !== done.except) this.#connect(done, condition);
    this.settle();
  }

  #watch(condition: ConditionId, tearer: number): Watched {
    const known = this.#watched.get(condition) ?? [];
    const found = known.find((each) => each.tearer === tearer);
    if (found !== undefined) return found;
    const subject = this.#graph.subjects[condition];
    const unneeded = this.#graph.addCondition(UNNEEDED, subject);
    const tornDown = this.#graph.addCondition(TORN_DOWN, subject);
    const watched = { unneeded, tornDown, tearer };
    this.#undoLog.put(this.#watched, condition, [...known, watched]);
    this.#graph.relays.add(unneeded, tornDown);
    for (const task of this.#tearers.get(condition) ?? [])
      if (task !== tearer) this.#graph.feed(task, tornDown);
    this.#pending.push(() => this.#watchDependents(condition));
    return watched;
  }

  #watchDependents(condition: ConditionId): void {
    const requirements = this.#graph.followersOf(condition).filter((of) => this.#graph.isRequirement(of));
    for (const requirement of [condition, ...requirements]) {
      this.#watchRequirement(requirement, condition);
      for (const task of this.#graph.waits.out.ends(requirement)) this.#needs(task, condition);
    }
  }

  #watchRequirement(requirement: ConditionId, capability: ConditionId): void {
    const known = this.#watchers.get(requirement) ?? [];
    if (!known.includes(capability)) this.#undoLog.put(this.#watchers, requirement, [...known, capability]);
  }

  /**
   * A task does not need what it requires in order to tear it down. What a task provides itself it needs from others only: its other
   * provisions must be released.
   */
  #needs(task: number, capability: ConditionId): void {
    const subject = this.#graph.subjects[capability] as Capability;
    if (tornDownBy(this.#plan.metaOf(task)).includes(subject)) return;
    const except = this.#conditionsFedBy(task).includes(capability) ? capability : -1;
    for (const { unneeded, tearer } of this.#watched.get(capability) ?? []) {
      const doneWith = this.#doneWithCondition(task, except, tearer);
      if (!this.#graph.relays.has(doneWith, unneeded)) this.#graph.relays.add(doneWith, unneeded);
    }
  }

  #doneWithCondition(task: number, except: ConditionId, tearer: number): ConditionId {
    const known = this.#doneWith.get(task) ?? [];
    const found = known.find((each) => each.except === except && each.tearer === tearer);
    if (found !== undefined) return found.condition;
    const condition = this.#graph.addCondition(DONE_WITH, task);
    const doneWith = { condition, except, tearer };
    this.#undoLog.put(this.#doneWith, task, [...known, doneWith]);
    this.#graph.feed(task, condition);
    this.#pending.push(() => {
      for (const given of this.#conditionsFedBy(task)) if (given !== except) this.#connect(doneWith, given);
    });
    return condition;
  }

  #connect({ condition, tearer }: DoneWith, given: ConditionId): void {
    const { tornDown } = this.#watch(given, tearer);
    if (!this.#graph.relays.has(tornDown, condition)) this.#graph.relays.add(tornDown, condition);
  }

  #conditionsFedBy(task: number): ConditionId[] {
    const { feeds, subjects } = this.#graph;
    return feeds.out.ends(task).filter((condition) => this.#names.find(subjects[condition]) === condition);
  }

  /** Makes the connections that are due. A loop instead of recursion, because chains may be long. */
  settle(): void {
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) next();
  }
}
