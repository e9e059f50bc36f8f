/** Turns the names in the metadata of tasks into gates and edges of the graph. Here names become integers, once. */
import {
  type Capability,
  type CompoundRequirement,
  capabilitiesOf,
  formOf,
  isCompound,
  isKey,
  type Requirement,
  type Runnable,
  type TaskMeta,
  tornDownBy,
} from '@pexen/core';
import { AFTER, BEFORE, type GateId, GROUP, type Graph, NEEDS, NEEDS_ALL, SALVAGE } from './graph.ts';
import { EXEMPT, ORDERED, PROVIDES, REQUIRES } from './metadata.ts';
import { Identities, NameIndex } from './names.ts';
import type { LiveRun, Planned } from './planned.ts';
import { Teardowns } from './teardowns.ts';
import type { UndoLog } from './undo-log.ts';

/** What the wiring has to know of the plan. */
type Wired = Pick<Planned, 'graph' | 'count' | 'runnableOf' | 'options' | 'metaOf'>;

export class GraphBuilder {
  readonly graph: Graph;
  /** Capabilities → gates. */
  readonly names: NameIndex;
  /** Requirements that may be unmeetable: task and gate, in turn. */
  readonly suspects: number[] = [];
  /** Some capability is a typed key. */
  hasKeys = false;
  readonly #plan: Wired;
  readonly #undoLog: UndoLog;
  readonly #teardowns: Teardowns;
  /** Form, number and capabilities of a compound requirement → its gate: those that say the same are one, whoever made them. */
  readonly #compounds = new Map<string, GateId>();
  /** Capability → the gate that opens when all its providers are over. */
  readonly #after = new Map<GateId, GateId>();
  /** Capability → the gate for which its providers wait. */
  readonly #before = new Map<GateId, GateId>();
  /** Pool of a group → the gate for which its tasks wait. */
  readonly #groups = new Map<number, GateId>();
  /** Tasks by what they are; made when somebody asks for an object that is no key. */
  #identities: Identities | undefined;

  /** Empty, or a copy for a copy of the plan. */
  constructor(plan: Wired, undoLog: UndoLog, of?: GraphBuilder) {
    this.graph = plan.graph;
    this.#plan = plan;
    this.#undoLog = undoLog;
    this.names = new NameIndex(plan.graph.subjects, of?.names);
    this.#teardowns = new Teardowns(plan, this.names, undoLog, of === undefined ? undefined : of.#teardowns);
    if (of === undefined) return;
    this.hasKeys = of.hasKeys;
    this.#compounds = new Map(of.#compounds);
    this.#after = new Map(of.#after);
    this.#before = new Map(of.#before);
    this.#groups = new Map(of.#groups);
  }

  /** Takes the gates and tasks from these on away again, as long as the plan still has the tasks. */
  cut(gateCount: number, taskCount: number): void {
    this.names.cut(gateCount);
    this.#identities?.cut(taskCount);
  }

  /** What the task gives. To be called for all new tasks before `need` is called for any. */
  give(task: number, meta: TaskMeta, metaFlags: number): void {
    if ((metaFlags & PROVIDES) !== 0)
      for (const capability of meta.provides ?? []) this.#provide(task, this.gateOf(capability));
    if (this.#identities !== undefined) this.#identify();
  }

  /**
   * What the task waits for. A requirement's gate may turn out to have too few feeders: `unmeetable` tells. `live` is the run that the
   * task is added to, if it goes on.
   */
  need(task: number, meta: TaskMeta, metaFlags: number, live: LiveRun | undefined): void {
    if ((metaFlags & REQUIRES) !== 0)
      for (const requirement of meta.requires ?? []) this.#require(task, requirement, meta, metaFlags, live);
    if ((metaFlags & (ORDERED | EXEMPT)) !== 0) this.#order(task, meta);
    const pool = this.graph.pool[task] as number;
    if (this.#isGroup(pool)) this.graph.waits.add(this.#groupGate(pool), task);
  }

  #order(task: number, meta: TaskMeta): void {
    const { after = [], before = [], salvages } = meta;
    for (const capability of after) this.#wait(this.#afterGate(capability, task), task);
    for (const capability of before) this.#goBefore(task, capability);
    if (salvages !== undefined) this.#salvage(task, salvages);
    const torn = tornDownBy(meta);
    if (torn.length > 0) this.#tearDown(task, torn);
  }

  /** The gate of a capability; made where there is none yet. */
  gateOf(capability: Capability): GateId {
    const { gateCount } = this.graph;
    const gate = this.names.find(capability, gateCount);
    if (gate !== gateCount) return gate;
    this.graph.addGate(NEEDS, capability);
    if (typeof capability === 'string') return gate;
    if (isKey(capability)) this.hasKeys = true;
    else for (const task of this.#identify().tasksOf(capability)) this.#giveIdentity(task, gate);
    return gate;
  }

  /** The tasks that were made of just this: several, if it was added more than once. */
  madeOf(runnable: Runnable): readonly number[] {
    return this.#identify()
      .tasksOf(runnable)
      .filter((task) => this.#plan.runnableOf(task) === runnable);
  }

  /** The tasks that are this object, or were made from it. */
  tasksOf(identity: object): readonly number[] {
    return this.#identify().tasksOf(identity);
  }

  /** The capabilities of a requirement that has too few providers to be ever met; empty if it can be met. */
  unmeetable(gate: GateId): readonly Capability[] {
    const { feeds, kind, need } = this.graph;
    const capabilities = capabilitiesOf(this.graph.subjects[gate] as Requirement);
    if (kind[gate] === NEEDS_ALL) return capabilities.filter((capability) => !this.#isFed(gate, capability));
    const enough =
      need[gate] === 1 ? feeds.in.first(gate) !== 0 : feeds.in.ends(gate).length >= (need[gate] as number);
    return enough ? [] : capabilities;
  }

  /** Does anybody who gives the capability count for the requirement? */
  #isFed(gate: GateId, capability: Capability): boolean {
    const { feeds } = this.graph;
    const givers = feeds.in;
    for (let edge = givers.first(this.gateOf(capability)); edge !== 0; edge = givers.next[edge] as number)
      if (feeds.has(givers.end[edge] as number, gate)) return true;
    return false;
  }

  #provide(task: number, gate: GateId): void {
    this.graph.feed(task, gate);
    if (this.#before.size === 0) return;
    const before = this.#before.get(gate);
    if (before !== undefined) this.#holdBehind(before, task, this.graph.subjects[gate] as Capability);
  }

  #require(
    task: number,
    requirement: Requirement,
    meta: TaskMeta,
    metaFlags: number,
    live: LiveRun | undefined,
  ): void {
    let gate =
      typeof requirement === 'string' ? this.gateOf(requirement) : this.#requirementGate(requirement, live);
    const provides = (metaFlags & PROVIDES) === 0 ? undefined : meta.provides;
    if (this.#meetsItself(task, requirement, provides)) gate = this.#withoutSelf(gate, requirement, task);
    this.#wait(gate, task);
    const { feeds, kind, need } = this.graph;
    if (feeds.in.first(gate) === 0 || kind[gate] !== NEEDS || need[gate] !== 1 || live?.hasWithdrawn)
      this.suspects.push(task, gate);
    if (this.#teardowns.isUsed) this.#teardowns.required(gate, task);
  }

  #requirementGate(requirement: Requirement, live: LiveRun | undefined): GateId {
    if (!isCompound(requirement)) return this.gateOf(requirement);
    const all = formOf(requirement) === 'every';
    const need = all ? 0 : requirement.count;
    const likeness = `${all}${need}:${requirement.capabilities.map((each) => this.gateOf(each))}`;
    let gate = this.#compounds.get(likeness);
    if (gate === undefined || live?.isOutdated(gate)) {
      gate = this.graph.addGate(all ? NEEDS_ALL : NEEDS, requirement, need);
      this.#undoLog.put(this.#compounds, likeness, gate);
      this.#followMembers(requirement, gate);
    }
    return gate;
  }

  /** Only own provisions can be met by oneself; nearly no task has any that it also requires. */
  #meetsItself(task: number, requirement: Requirement, provides: readonly Capability[] | undefined): boolean {
    if (typeof requirement === 'string') return provides?.includes(requirement) ?? false;
    const self = this.#plan.runnableOf(task);
    return capabilitiesOf(requirement).some(
      (capability) => capability === self || provides?.includes(capability),
    );
  }

  #withoutSelf(gate: GateId, requirement: Requirement, task: number): GateId {
    const { kind, need } = this.graph;
    const own = this.graph.addGate(kind[gate] as number, requirement, need[gate]);
    this.#followMembers(requirement, own, task);
    return own;
  }

  #followMembers(
    requirement: Capability | CompoundRequirement<'any-of' | 'every' | 'at-least', Capability>,
    gate: GateId,
    exceptTask = -1,
  ): void {
    for (const capability of capabilitiesOf(requirement)) {
      const member = this.gateOf(capability);
      this.graph.follow(member, gate, exceptTask);
      this.#teardowns.followed(member, gate);
    }
  }

  /** The gate that opens when all providers but the task itself are over. */
  #afterGate(capability: Capability, task: number): GateId {
    const gate = this.gateOf(capability);
    if (this.graph.feeds.has(task, gate)) return this.#orderGate(AFTER, capability, [gate], task);
    const known = this.#after.get(gate);
    if (known !== undefined) return known;
    const after = this.#orderGate(AFTER, capability, [gate]);
    this.#undoLog.put(this.#after, gate, after);
    return after;
  }

  #orderGate(kind: number, subject: unknown, of: readonly GateId[], exceptTask = -1): GateId {
    const gate = this.graph.addGate(kind, subject);
    for (const followed of of) this.graph.follow(followed, gate, exceptTask);
    return gate;
  }

  #goBefore(task: number, capability: Capability): void {
    const gate = this.gateOf(capability);
    let before = this.#before.get(gate);
    if (before === undefined) {
      before = this.graph.addGate(BEFORE, capability);
      this.#undoLog.put(this.#before, gate, before);
      for (const provider of this.graph.feeds.in.ends(gate)) this.#holdBehind(before, provider, capability);
    }
    this.graph.feed(task, before);
  }

  #holdBehind(before: GateId, provider: number, capability: Capability): void {
    const isBeforeItself = this.#plan.metaOf(provider).before?.includes(capability) ?? false;
    this.#wait(isBeforeItself ? this.#beforeOthers(before, capability, provider) : before, provider);
  }

  /** A task that is before what it provides itself waits for all others that are before it. */
  #beforeOthers(before: GateId, capability: Capability, task: number): GateId {
    const others = this.graph.addGate(BEFORE, capability);
    this.graph.follow(before, others, task);
    return others;
  }

  #salvage(task: number, capabilities: readonly Capability[]): void {
    const gates = capabilities.map((capability) => this.gateOf(capability));
    this.#wait(this.#orderGate(SALVAGE, capabilities, gates, task), task);
  }

  #tearDown(task: number, capabilities: readonly Capability[]): void {
    for (const capability of capabilities) this.#wait(this.#afterGate(capability, task), task);
    const gates = capabilities.map((capability) => this.gateOf(capability));
    this.#teardowns.add(task, [...new Set(gates)]);
  }

  /** A member of a group makes the whole group wait for what it waits for outside. */
  #wait(gate: GateId, task: number): void {
    this.graph.waits.add(gate, task);
    const pool = this.graph.pool[task] as number;
    if (!this.#isGroup(pool)) return;
    const group = this.#groupGate(pool);
    if (!this.graph.followersOf(gate).includes(group)) this.graph.follow(gate, group, -1, pool);
  }

  #groupGate(pool: number): GateId {
    const known = this.#groups.get(pool);
    if (known !== undefined) return known;
    const gate = this.graph.addGate(GROUP, pool);
    this.#undoLog.put(this.#groups, pool, gate);
    return gate;
  }

  #isGroup(pool: number): boolean {
    return this.#plan.options.pools[pool]?.group !== undefined;
  }

  /** The identities, with all tasks there are. */
  #identify(): Identities {
    this.#identities ??= new Identities(this.#plan);
    this.#identities.update((task, identity) => {
      const gate = this.names.find(identity);
      if (gate >= 0) this.#giveIdentity(task, gate);
    });
    return this.#identities;
  }

  #giveIdentity(task: number, gate: GateId): void {
    if (this.graph.feeds.has(task, gate)) return;
    this.#provide(task, gate);
    this.#teardowns.provided(task, gate);
  }
}
