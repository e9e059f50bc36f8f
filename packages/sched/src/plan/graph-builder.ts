/** Converts the names in the metadata of tasks to conditions and edges of the graph. Names become integers here, once. */
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
import { AFTER, BEFORE, type ConditionId, GROUP, type Graph, NEEDS, NEEDS_ALL, SALVAGE } from './graph.ts';
import { EXEMPT, ORDERED, PER_NODE, PROVIDES, REQUIRES, SERVICE } from './metadata.ts';
import { Identities, NameIndex } from './names.ts';
import type { LiveRun, Planned } from './planned.ts';
import { Teardowns } from './teardowns.ts';
import type { UndoLog } from './undo-log.ts';

/** The part of the plan that the builder reads. */
type Wired = Pick<Planned, 'graph' | 'count' | 'runnableOf' | 'options' | 'metaOf'>;

export class GraphBuilder {
  readonly graph: Graph;
  /** Capabilities → conditions. */
  readonly names: NameIndex;
  /** Requirements that may be impossible to meet: task and condition, alternating. */
  readonly suspects: number[] = [];
  /** True if some capability is a typed key. */
  hasKeys = false;
  readonly #plan: Wired;
  readonly #undoLog: UndoLog;
  readonly #teardowns: Teardowns;
  /** Form, count and capabilities of a compound requirement → its condition. Equal requirements share one. */
  readonly #compounds = new Map<string, ConditionId>();
  /** Capability → the condition that is fulfilled when all its providers are over. */
  readonly #after = new Map<ConditionId, ConditionId>();
  /** The same without services. */
  readonly #afterTasksOf = new Map<ConditionId, ConditionId>();
  /** Capability → the condition for which its providers wait. */
  readonly #before = new Map<ConditionId, ConditionId>();
  /** Pool of a group → the condition for which its tasks wait. */
  readonly #groups = new Map<number, ConditionId>();
  /** Tasks by identity. Made when a capability is first named by an object that is not a key. */
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
    this.#afterTasksOf = new Map(of.#afterTasksOf);
    this.#before = new Map(of.#before);
    this.#groups = new Map(of.#groups);
  }

  /** Removes the conditions and tasks from these on. The plan must still have the tasks. */
  cut(conditionCount: number, taskCount: number): void {
    this.names.cut(conditionCount);
    this.#identities?.cut(taskCount);
  }

  /** Adds what the task provides. Must be called for all new tasks before `addNeeds` is called for any of them. */
  addProvides(task: number, meta: TaskMeta, metaFlags: number): void {
    const isUpForOthers = (metaFlags & (SERVICE | PER_NODE)) !== 0;
    if (isUpForOthers) this.#teardowns.addService(task);
    if ((metaFlags & PROVIDES) !== 0)
      for (const capability of meta.provides ?? []) this.#provide(task, this.conditionOf(capability));
    if (this.#identities !== undefined) this.#identify();
    if (isUpForOthers) this.#teardowns.settle();
  }

  /**
   * Adds what the task waits for. The condition of a requirement may have too few providers; see `unmeetable`. `live` is the run to which
   * the task is added, if there is one.
   */
  addNeeds(task: number, meta: TaskMeta, metaFlags: number, live: LiveRun | undefined): void {
    if ((metaFlags & REQUIRES) !== 0)
      for (const requirement of meta.requires ?? []) this.#require(task, requirement, meta, metaFlags, live);
    if ((metaFlags & (ORDERED | EXEMPT)) !== 0) this.#order(task, meta);
    const pool = this.graph.pool[task] as number;
    if (this.#isGroup(pool)) this.graph.waits.add(this.#groupCondition(pool), task);
  }

  #order(task: number, meta: TaskMeta): void {
    const { after = [], before = [], salvages } = meta;
    for (const capability of after) this.#wait(this.#afterCondition(capability, task), task);
    for (const capability of before) this.#goBefore(task, capability);
    if (salvages !== undefined) this.#salvage(task, salvages);
    const torn = tornDownBy(meta);
    if (torn.length > 0) this.#tearDown(task, torn);
  }

  /** The condition of a capability. Adds it if necessary. */
  conditionOf(capability: Capability): ConditionId {
    const { conditionCount } = this.graph;
    const condition = this.names.find(capability, conditionCount);
    if (condition !== conditionCount) return condition;
    this.graph.addCondition(NEEDS, capability);
    if (typeof capability === 'string') return condition;
    if (isKey(capability)) this.hasKeys = true;
    else for (const task of this.#identify().tasksOf(capability)) this.#giveIdentity(task, condition);
    return condition;
  }

  /** The tasks made from exactly this runnable: several if it was added more than once. */
  madeOf(runnable: Runnable): readonly number[] {
    return this.#identify()
      .tasksOf(runnable)
      .filter((task) => this.#plan.runnableOf(task) === runnable);
  }

  /** The tasks that are this object or were made from it. */
  tasksOf(identity: object): readonly number[] {
    return this.#identify().tasksOf(identity);
  }

  /** The capabilities of a requirement with too few providers; empty if the requirement can be met. */
  unmeetable(condition: ConditionId): readonly Capability[] {
    const { feeds, kind, need } = this.graph;
    const capabilities = capabilitiesOf(this.graph.subjects[condition] as Requirement);
    if (kind[condition] === NEEDS_ALL)
      return capabilities.filter((capability) => !this.#isFed(condition, capability));
    const enough =
      need[condition] === 1
        ? feeds.in.first(condition) !== 0
        : feeds.in.ends(condition).length >= (need[condition] as number);
    return enough ? [] : capabilities;
  }

  /** True if some provider of the capability counts for the requirement. */
  #isFed(condition: ConditionId, capability: Capability): boolean {
    const { feeds } = this.graph;
    const givers = feeds.in;
    for (
      let edge = givers.first(this.conditionOf(capability));
      edge !== 0;
      edge = givers.next[edge] as number
    )
      if (feeds.has(givers.end[edge] as number, condition)) return true;
    return false;
  }

  #provide(task: number, condition: ConditionId): void {
    this.graph.feed(task, condition);
    if (this.#before.size === 0) return;
    const before = this.#before.get(condition);
    if (before !== undefined) this.#holdBehind(before, task, this.graph.subjects[condition] as Capability);
  }

  #require(
    task: number,
    requirement: Requirement,
    meta: TaskMeta,
    metaFlags: number,
    live: LiveRun | undefined,
  ): void {
    let condition =
      typeof requirement === 'string'
        ? this.conditionOf(requirement)
        : this.#requirementCondition(requirement, live);
    const provides = (metaFlags & PROVIDES) === 0 ? undefined : meta.provides;
    if (this.#meetsItself(task, requirement, provides))
      condition = this.#withoutSelf(condition, requirement, task);
    this.#wait(condition, task);
    const { feeds, kind, need } = this.graph;
    if (
      feeds.in.first(condition) === 0 ||
      kind[condition] !== NEEDS ||
      need[condition] !== 1 ||
      live?.hasWithdrawn
    )
      this.suspects.push(task, condition);
    if (this.#teardowns.isUsed) this.#teardowns.required(condition, task);
  }

  #requirementCondition(requirement: Requirement, live: LiveRun | undefined): ConditionId {
    if (!isCompound(requirement)) return this.conditionOf(requirement);
    const all = formOf(requirement) === 'every';
    const need = all ? 0 : requirement.count;
    const likeness = `${all}${need}:${requirement.capabilities.map((each) => this.conditionOf(each))}`;
    let condition = this.#compounds.get(likeness);
    if (condition === undefined || live?.isOutdated(condition)) {
      condition = this.graph.addCondition(all ? NEEDS_ALL : NEEDS, requirement, need);
      this.#undoLog.put(this.#compounds, likeness, condition);
      this.#followMembers(requirement, condition);
    }
    return condition;
  }

  /** A task could meet its own requirement only by its own provisions. Few tasks have a provision that they also require. */
  #meetsItself(task: number, requirement: Requirement, provides: readonly Capability[] | undefined): boolean {
    if (typeof requirement === 'string') return provides?.includes(requirement) ?? false;
    const self = this.#plan.runnableOf(task);
    return capabilitiesOf(requirement).some(
      (capability) => capability === self || provides?.includes(capability),
    );
  }

  #withoutSelf(condition: ConditionId, requirement: Requirement, task: number): ConditionId {
    const { kind, need } = this.graph;
    const own = this.graph.addCondition(kind[condition] as number, requirement, need[condition]);
    this.#followMembers(requirement, own, task);
    return own;
  }

  #followMembers(
    requirement: Capability | CompoundRequirement<'any-of' | 'every' | 'at-least', Capability>,
    condition: ConditionId,
    exceptTask = -1,
  ): void {
    for (const capability of capabilitiesOf(requirement)) {
      const member = this.conditionOf(capability);
      this.graph.follow(member, condition, exceptTask);
      this.#teardowns.followed(member, condition);
    }
  }

  /** The condition that is fulfilled when all providers except the task itself are over. */
  #afterCondition(capability: Capability, task: number): ConditionId {
    const condition = this.conditionOf(capability);
    if (this.graph.feeds.has(task, condition))
      return this.#orderCondition(AFTER, capability, [condition], task);
    const known = this.#after.get(condition);
    if (known !== undefined) return known;
    const after = this.#orderCondition(AFTER, capability, [condition]);
    this.#undoLog.put(this.#after, condition, after);
    return after;
  }

  /** As `#afterCondition`, without services: these end after what is provided was torn down. */
  #afterTasks(capability: Capability, task: number): ConditionId {
    const condition = this.conditionOf(capability);
    const isOwn = this.graph.feeds.has(task, condition);
    const known = isOwn ? undefined : this.#afterTasksOf.get(condition);
    if (known !== undefined) return known;
    const after = this.graph.addCondition(AFTER, capability);
    this.graph.follow(condition, after, isOwn ? task : -1, -1, true);
    if (!isOwn) this.#undoLog.put(this.#afterTasksOf, condition, after);
    return after;
  }

  #orderCondition(kind: number, subject: unknown, of: readonly ConditionId[], exceptTask = -1): ConditionId {
    const condition = this.graph.addCondition(kind, subject);
    for (const followed of of) this.graph.follow(followed, condition, exceptTask);
    return condition;
  }

  #goBefore(task: number, capability: Capability): void {
    const condition = this.conditionOf(capability);
    let before = this.#before.get(condition);
    if (before === undefined) {
      before = this.graph.addCondition(BEFORE, capability);
      this.#undoLog.put(this.#before, condition, before);
      for (const provider of this.graph.feeds.in.ends(condition))
        this.#holdBehind(before, provider, capability);
    }
    this.graph.feed(task, before);
  }

  #holdBehind(before: ConditionId, provider: number, capability: Capability): void {
    const isBeforeItself = this.#plan.metaOf(provider).before?.includes(capability) ?? false;
    this.#wait(isBeforeItself ? this.#beforeOthers(before, capability, provider) : before, provider);
  }

  /** A task that precedes its own provision waits for all other tasks that precede it. */
  #beforeOthers(before: ConditionId, capability: Capability, task: number): ConditionId {
    const others = this.graph.addCondition(BEFORE, capability);
    this.graph.follow(before, others, task);
    return others;
  }

  #salvage(task: number, capabilities: readonly Capability[]): void {
    const conditions = capabilities.map((capability) => this.conditionOf(capability));
    this.#wait(this.#orderCondition(SALVAGE, capabilities, conditions, task), task);
  }

  #tearDown(task: number, capabilities: readonly Capability[]): void {
    for (const capability of capabilities) this.#wait(this.#afterTasks(capability, task), task);
    const conditions = capabilities.map((capability) => this.conditionOf(capability));
    this.#teardowns.add(task, [...new Set(conditions)]);
  }

  /** If a member of a group waits for something outside the group, the whole group waits for it. */
  #wait(condition: ConditionId, task: number): void {
    this.graph.wait(condition, task);
    const pool = this.graph.pool[task] as number;
    if (!this.#isGroup(pool)) return;
    const group = this.#groupCondition(pool);
    if (!this.graph.followersOf(condition).includes(group)) this.graph.follow(condition, group, -1, pool);
  }

  #groupCondition(pool: number): ConditionId {
    const known = this.#groups.get(pool);
    if (known !== undefined) return known;
    const condition = this.graph.addCondition(GROUP, pool);
    this.#undoLog.put(this.#groups, pool, condition);
    return condition;
  }

  #isGroup(pool: number): boolean {
    return this.#plan.options.pools[pool]?.group !== undefined;
  }

  /** The identities, including those of all tasks added so far. */
  #identify(): Identities {
    this.#identities ??= new Identities(this.#plan);
    this.#identities.update((task, identity) => {
      const condition = this.names.find(identity);
      if (condition >= 0) this.#giveIdentity(task, condition);
    });
    return this.#identities;
  }

  #giveIdentity(task: number, condition: ConditionId): void {
    if (this.graph.feeds.has(task, condition)) return;
    this.#provide(task, condition);
    this.#teardowns.provided(task, condition);
  }
}
