/** What the parts of the machine share: the tasks, the pools, the alarms, the time, the counts, and where commands go. Decides nothing. */
import type { ReasonLink } from '@pexen/core';
import { describeWait, type LockTable, NONE, type OnNode } from '@pexen/lock';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { NEEDS_ALL } from '../plan/graph.ts';
import { EXEMPT, SERVICE } from '../plan/metadata.ts';
import { NOTHING } from '../plan/node-resources.ts';
import { ANYWHERE } from '../plan/placement.ts';
import { AcrossRuns } from './across-runs.ts';
import { Alarms } from './alarms.ts';
import { Conditions } from './conditions.ts';
import type { NodeRow } from './nodes.ts';
import { FAILED, NodePartition, type Partition, type PlacedAlike, PoolRow } from './pools.ts';
import type { Command, Input, MachineEvent, Part } from './protocol.ts';
import { Recalled } from './recalled.ts';
import {
  DISPATCHED,
  DONE,
  ENROLLED,
  PARKED,
  PROVIDED,
  READY,
  RETAINS_LOCKS,
  RUNNING,
  TaskHistory,
  TaskTable,
  WAITING,
} from './task-table.ts';

// Why a task was skipped; `explain.ts` puts it into words.

/** Its `when` says so. */
export const NOT_APPLICABLE = 1;
/** `subject` is the condition. */
export const REQUIREMENT = 2;
/** `subject` is the node of the lock table. */
export const POISON = 3;
export const STOPPED = 4;
export const NOTHING_TO_SALVAGE = 5;
export const NEVER_STARTED = 6;
export const STALLED = 7;
/** `subject` is the node of the lock table, `cause` the task whose abandoned body holds it. */
export const HELD = 8;
/** In an earlier session; `reason` is known. */
export const RECALLED = 9;
/** A service or a set-up that no task needed. */
export const NOT_NEEDED = 10;
/** The node is gone on which it was to run. */
export const NODE_LEFT = 11;

/** Why a task was skipped. Tasks are -1 where there is none. */
export interface Skip {
  /** One of the constants above. */
  readonly why: number;
  readonly subject: number;
  /** The task that caused it. */
  readonly cause: number;
  /** The first cause: the task at the end of the chain of causes. */
  readonly origin: number;
  /** Of a skip in an earlier session. */
  readonly reason?: readonly ReasonLink[];
}

// How far the run was asked to stop, in ascending order.

export const GOING = 0;
export const DRAINING = 1;
export const CANCELLING = 2;
export const KILLING = 3;

const noNeeds: readonly number[] = [];

type LateError = Extract<Input, { readonly type: 'late-error' }>;

/** Everything can be read; it changes by operations only, and a task changes its state by `move` only, which counts. */
export class State {
  readonly plan: CompiledTasks;
  readonly locks: LockTable;
  readonly tasks: TaskTable = new TaskTable();
  readonly conditions: Conditions;
  readonly pools: readonly PoolRow[];
  /** The pools, and then the sets of tasks that may run on some of the nodes of a pool only. */
  readonly partitions: Partition[];
  /** By pool and constraint. */
  readonly #nodePartitions = new Map<string, Partition>();
  /** Where tasks of pools with nodes run, or ran last. */
  readonly #nodeOf = new Map<number, NodeRow>();
  /** Where there are services of nodes: what met the requirements of tasks that are met on some nodes only, when they were placed. */
  readonly #metOn = new Map<number, ReadonlyMap<number, readonly number[]>>();
  /** Set-up → the nodes on which it has passed, and its execution on each. */
  readonly setUpOn: Map<number, Map<NodeRow, number>> = new Map();
  /** Set-ups with their executions, as far as these were added. */
  readonly executions: Map<number, number[]> = new Map();
  /** Executions of set-ups that have ended, to be taken by the machine. */
  readonly instancesEnded: number[] = [];
  /** The nodes of executions of set-ups. */
  readonly #pins = new Map<number, NodeRow>();
  /** Tasks that hold something of a node, or have it reserved for them. They run there. */
  readonly #bound = new Map<number, NodeRow>();
  /** Tasks that have waited for something of a node, and since when, by partition and in their order; some may not wait any more. */
  readonly waitingForNodes: Map<Partition, Map<number, number>> = new Map();
  readonly alarms: Alarms = new Alarms();
  readonly history: TaskHistory = new TaskHistory();
  readonly recalled: Recalled = new Recalled();
  readonly acrossRuns: AcrossRuns = new AcrossRuns();
  /** Ready tasks that have their locks across runs: they go before the queues. */
  readonly granted: Set<number> = new Set();
  /** Services that were dispatched and are not settled. */
  readonly servicesOut: Set<number> = new Set();
  /** When services entered their present phase: starting, up, stopping or down. */
  readonly servicesSince: Map<number, number> = new Map();
  /** Tasks that run alone, and wait for services to end that they do not need. */
  readonly keptAway: Set<number> = new Set();
  /** Tasks that have something of a service, or of what was built on it, and the service, which went down since. What they provide is lost. */
  readonly lostBases: Map<number, number> = new Map();
  readonly #skips = new Map<number, Skip>();
  readonly #stopReasons = new Map<number, string>();
  readonly #abandoned = new Set<number>();
  readonly #lateErrors: LateError[] = [];
  #nowMs = 0;
  #turn: PoolRow | undefined;
  /** The first of the starved, to which an exclusive group gave way. */
  #yieldedTo: number = NONE;
  #hasPoisoned = false;
  #isStale = true;
  #stopping = GOING;
  #stopReason: string | undefined;
  #remaining = 0;
  #dispatched = 0;
  #retrying = 0;
  #parked = 0;
  /** Tasks that wait for a service, and hold what their last attempt left in an unknown state. */
  readonly #unsettled = new Set<number>();
  #out: Command[] = [];
  #isPublishing: boolean;
  /** Events so far, published or not. */
  #eventCount = 0;

  constructor(plan: CompiledTasks, isPublishing: boolean) {
    this.plan = plan;
    this.locks = plan.locks;
    this.#isPublishing = isPublishing;
    this.conditions = new Conditions(plan.graph, this.tasks);
    this.pools = plan.options.pools.map((pool, id) => new PoolRow(id, pool, plan));
    this.partitions = [...this.pools];
  }

  /** Milliseconds since the run started. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** The time never goes back. */
  advanceTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  // Tasks

  /** Tasks without a result. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Attempts that were dispatched and are not settled. */
  get dispatched(): number {
    return this.#dispatched;
  }

  /** Tasks between two attempts: they retain what they hold, and count as running for groups. */
  get retrying(): number {
    return this.#retrying;
  }

  /** Tasks that wait for a service, and hold what their last attempt left in an unknown state: exclusive groups open after them. */
  get unsettled(): ReadonlySet<number> {
    return this.#unsettled;
  }

  /** Tasks that wait for a resource. */
  get parked(): number {
    return this.#parked;
  }

  /** Makes room for the tasks of the plan up to this number. */
  addTasks(to: number): void {
    const from = this.tasks.count;
    this.tasks.grow(to, this.locks.tick());
    this.#remaining += to - from;
    for (let task = from; task < to; task++) this.poolOf(task).taskAdded();
  }

  /** The task enters another state. */
  move(task: number, to: number): void {
    const { tasks } = this;
    const from = tasks.state[task] as number;
    const wasOut = from === DISPATCHED || from === RUNNING;
    const isOut = to === DISPATCHED || to === RUNNING;
    const isService = this.isService(task);
    if (wasOut !== isOut)
      if (isService) this.#noteService(task, isOut);
      else this.#countOut(task, isOut);
    if (from === PARKED) this.#parked--;
    if (from === READY && this.granted.size > 0) this.granted.delete(task);
    if (to === PARKED) this.#parked++;
    if (!isService && tasks.hasStarted(task)) {
      if (!wasOut && from !== WAITING) this.#retrying--;
      if (!isOut && to !== DONE && to !== WAITING) this.#retrying++;
    }
    if (from === WAITING && this.#unsettled.size > 0) this.#unsettled.delete(task);
    if (to === DONE) {
      if (this.#bound.size > 0) this.#bound.delete(task);
      this.#remaining--;
      this.poolOf(task).taskEnded();
      this.#isStale = true;
    }
    tasks.move(task, to);
    if (to === WAITING || (to === DONE && !this.#abandoned.has(task))) this.releaseLocks(task);
    this.history.note(task, to, this.#nowMs);
  }

  /** The task may start as soon as its pool has a place for it. */
  makeReady(task: number): void {
    this.move(task, READY);
    if (this.isService(task)) this.conditions.touch();
    else if (this.acrossRuns.isGranted(task)) this.granted.add(task);
    else if (!this.isSetup(task)) this.#enqueue(task);
    this.#isStale = true;
  }

  #enqueue(task: number): void {
    const partition = this.partitionOf(task);
    partition.queue.push(task);
    if (partition.local === NOTHING) return;
    const waiting = this.waitingForNodes.get(partition) ?? new Map<number, number>();
    if (!waiting.has(task)) waiting.set(task, this.locks.tick());
    this.waitingForNodes.set(partition, waiting);
  }

  /** True if the task is a service. Services start beside the queues, the slots and the turns of groups. */
  isService(task: number): boolean {
    return this.plan.hasServices && this.plan.states(task, SERVICE);
  }

  /** True if the task must wait though it has started, because a service is down. */
  mustWaitAgain(task: number): boolean {
    if (!this.plan.hasServices && !this.plan.hasSetups) return false;
    const { graph } = this.plan;
    const isUnmet = (condition: number): boolean =>
      graph.isRequirement(condition) && !this.conditions.isFulfilledFor(task, condition);
    return graph.waits.in.ends(task).some(isUnmet);
  }

  /** The task waits for its conditions as if it had not started. It releases what it holds, unless that is in an unknown state. */
  waitAgain(task: number): void {
    const { tasks, locks, conditions } = this;
    const isClean = tasks.recordsOf(task).at(-1)?.outcome.locksOk !== false;
    this.withdraw(task);
    if (isClean && !this.isService(task) && tasks.has(task, RETAINS_LOCKS)) {
      locks.release(task);
      tasks.clear(task, RETAINS_LOCKS);
      this.unbind(task);
    }
    this.move(task, WAITING);
    if (!this.isService(task) && tasks.has(task, RETAINS_LOCKS)) this.#unsettled.add(task);
    tasks.setBlockers(task, conditions.countUnfulfilled(task));
    conditions.touch();
    const impossible = conditions.unfulfilledOf(task, true);
    if (impossible >= 0) conditions.impossible.push(impossible);
    this.#isStale = true;
  }

  poolOf(task: number): PoolRow {
    return this.pools[this.plan.graph.pool[task] as number] as PoolRow;
  }

  /** The tasks with which the task waits for a place. */
  partitionOf(task: number): Partition {
    const pool = this.poolOf(task);
    return pool.nodes === undefined ? pool : this.#partitionIn(pool, task, this.#bound.get(task));
  }

  /** The same, as if it held nothing of a node. */
  unboundPartitionOf(task: number): Partition {
    const pool = this.poolOf(task);
    return pool.nodes === undefined ? pool : this.#partitionIn(pool, task, undefined);
  }

  #partitionIn(pool: PoolRow, task: number, bound: NodeRow | undefined): Partition {
    const { placement, nodeResources, hasSetups } = this.plan;
    const constraint = placement.constraintOf(task);
    const needs = hasSetups ? this.#setupsFor(task) : noNeeds;
    const pin = this.#pins.get(task) ?? bound;
    const all = nodeResources.needsOf(task);
    if (constraint === ANYWHERE && needs.length === 0 && pin === undefined && all === NOTHING) return pool;
    const local = bound === undefined ? all : NOTHING;
    const mayTakePoisoned = local !== NOTHING && this.is(task, EXEMPT);
    const isRetaining = local !== NOTHING && this.tasks.has(task, RETAINS_LOCKS);
    const key = [pool.id, constraint, needs, pin?.number, all, local, mayTakePoisoned, isRetaining].join(' ');
    const known = this.#nodePartitions.get(key);
    if (known !== undefined) return known;
    const alike = this.#placedAlike(pool, { constraint, needs, pin, local, mayTakePoisoned }, isRetaining);
    const partition = new NodePartition(this.locks.addPool(), pool, this.plan, alike, all !== NOTHING);
    this.#nodePartitions.set(key, partition);
    this.partitions.push(partition);
    return partition;
  }

  /** `isRetaining`: they wait for more while they hold something, so they go before all for whom something is reserved. */
  #placedAlike(
    pool: PoolRow,
    asked: Omit<PlacedAlike, 'admits' | 'takes'>,
    isRetaining: boolean,
  ): PlacedAlike {
    const { constraint, needs, pin, local } = asked;
    const { nodeResources } = this.plan;
    const admits = (node: NodeRow): boolean =>
      node.fulfils(constraint) &&
      (pin === undefined || node === pin) &&
      needs.every((condition) => this.isMetOn(condition, node)) &&
      (local === NOTHING || nodeResources.lackOf(local, node.units) === undefined);
    const takes = (node: NodeRow): boolean => admits(node) && this.#isFreeOn(node, pool, asked, !isRetaining);
    return { ...asked, admits, takes: local === NOTHING ? admits : takes };
  }

  /** What the tasks need of the node is free, and its state is known. */
  #isFreeOn(
    node: NodeRow,
    pool: PoolRow,
    { local, mayTakePoisoned }: Pick<Partition, 'local' | 'mayTakePoisoned'>,
    isReserved: boolean,
  ): boolean {
    const request = this.plan.nodeResources.requestFor(local, this.placeOf(pool, node));
    return (
      this.locks.isFree(request, NONE, isReserved) &&
      (mayTakePoisoned || this.locks.poisonedNode(request) === NONE)
    );
  }

  /** The place of the node in the tree of resources. */
  placeOf({ name }: PoolRow, node: NodeRow): OnNode {
    return this.plan.nodeResources.placeOf(name, node.name);
  }

  /** The tasks that hold something of a node, or have it reserved, each with its node. */
  get bound(): ReadonlyMap<number, NodeRow> {
    return this.#bound;
  }

  /** The task needs what it needs of this node: now it wants all that it needs, there. It holds nothing. */
  bind(task: number, node: NodeRow): void {
    const request = this.#bindTo(task, node);
    this.locks.rebind(task, request, this.partitionOf(task).id);
  }

  /** The same for a task that holds what it needs besides. False if it cannot have the rest; then nothing changes. */
  bindHolding(task: number, node: NodeRow): boolean {
    const request = this.#bindTo(task, node);
    const isBound = this.locks.exchange(task, request, this.partitionOf(task).id);
    if (!isBound) this.#bound.delete(task);
    return isBound;
  }

  #bindTo(task: number, node: NodeRow): number {
    this.#bound.set(task, node);
    const { plan } = this;
    return plan.nodeResources.compileAt(task, plan.metaOf(task), this.placeOf(this.poolOf(task), node));
  }

  /** The task may run on any node again: it releases what it holds of its own, and retains what else it holds. What it left half changed there is poisoned. */
  unbind(task: number): void {
    const node = this.#bound.get(task);
    if (node === undefined) return;
    const { plan, locks, tasks } = this;
    const place = this.placeOf(this.poolOf(task), node);
    const local = plan.nodeResources.requestFor(plan.nodeResources.needsOf(task), place);
    const request = plan.request[task] as number;
    this.#bound.delete(task);
    if (!locks.isHolding(task)) {
      locks.rebind(task, request, this.partitionOf(task).id);
      return;
    }
    const isClean = tasks.recordsOf(task).at(-1)?.outcome.locksOk !== false;
    if (!isClean) this.poison(local, task);
    if (!locks.areInConflict(request, local)) {
      locks.exchange(task, request, this.partitionOf(task).id);
      return;
    }
    // What it retains would keep it from what it needs of another node.
    if (isClean) locks.release(task);
    else this.releasePoisoned(task);
    tasks.clear(task, RETAINS_LOCKS);
    locks.rebind(task, request, this.partitionOf(task).id);
  }

  /** What the task holds, or would hold. */
  requestOf(task: number): number {
    return this.#bound.has(task) ? this.locks.requestOf(task) : (this.plan.request[task] as number);
  }

  /** Tasks in the queue of the partition may run elsewhere by now. */
  requeue(partition: Partition): void {
    const waiting: number[] = [];
    for (let task = partition.queue.pop(); task >= 0; task = partition.queue.pop())
      if (this.tasks.state[task] === READY) waiting.push(task);
    for (const task of waiting) this.#enqueue(task);
  }

  /** The requirements of the task that set-ups meet, on some nodes only. */
  #setupsFor(task: number): readonly number[] {
    const { graph, setups } = this.plan;
    const isBySetup = (condition: number): boolean =>
      graph.isRequirement(condition) && graph.feeds.in.ends(condition).some((feeder) => setups.has(feeder));
    return graph.waits.in.ends(task).filter(isBySetup);
  }

  /** True if the task sets up nodes, or tears that down. It is never dispatched itself. */
  isSetup(task: number): boolean {
    return this.plan.hasSetups && this.plan.setups.has(task);
  }

  hasPassed(setup: number, node: NodeRow): boolean {
    return this.setUpOn.get(setup)?.has(node) === true;
  }

  /** Would the requirement be met if exactly these of its feeders counted? */
  isMetBy(condition: number, counts: (feeder: number) => boolean): boolean {
    const { graph } = this.plan;
    const feeders = graph.feeds.in.ends(condition);
    const met = feeders.filter(counts).length;
    return graph.kind[condition] === NEEDS_ALL
      ? met === feeders.length
      : met >= (graph.need[condition] as number);
  }

  isMetOn(condition: number, node: NodeRow): boolean {
    return this.isMetBy(condition, (feeder) => this.#countsOn(feeder, node));
  }

  #countsOn(feeder: number, node: NodeRow): boolean {
    return this.plan.setups.has(feeder) ? this.hasPassed(feeder, node) : this.tasks.has(feeder, PROVIDED);
  }

  /** The tasks that met the requirement of the task: of set-ups the executions on its node. */
  metBy(task: number, condition: number): readonly number[] {
    return this.#metOn.get(task)?.get(condition) ?? this.#metNowBy(task, condition);
  }

  #metNowBy(task: number, condition: number): readonly number[] {
    const { plan, conditions } = this;
    const node = this.#nodeOf.get(task);
    const feeders = plan.hasSetups && node !== undefined ? plan.graph.feeds.in.ends(condition) : [];
    if (node === undefined || !feeders.some((feeder) => plan.setups.has(feeder)))
      return conditions.metBy(condition);
    const counted = feeders.filter((feeder) => this.#countsOn(feeder, node));
    const isAll = plan.graph.kind[condition] === NEEDS_ALL;
    const met = isAll ? counted : counted.slice(0, plan.graph.need[condition] as number);
    return met.map((feeder) => this.setUpOn.get(feeder)?.get(node) ?? feeder);
  }

  /** The execution of the set-up on the node of the task; the task itself if it is not a set-up. */
  onNodeOf(task: number, setup: number): number {
    const node = this.#nodeOf.get(task);
    return node === undefined ? setup : (this.setUpOn.get(setup)?.get(node) ?? setup);
  }

  /** The execution of a set-up runs on this node, or not at all. */
  pin(task: number, node: NodeRow): void {
    this.#pins.set(task, node);
  }

  pinOf(task: number): NodeRow | undefined {
    return this.#pins.get(task);
  }

  /** The node of the last attempt of the task; undefined in a pool without nodes. */
  nodeOf(task: number): NodeRow | undefined {
    return this.#nodeOf.get(task);
  }

  /** The next attempt of the task runs there. */
  placeOn(node: NodeRow, task: number): void {
    this.#nodeOf.set(task, node);
    if (!this.plan.hasServices || !this.plan.hasSetups) return;
    this.#metOn.delete(task);
    const met = this.#setupsFor(task).map(
      (condition) => [condition, this.#metNowBy(task, condition)] as const,
    );
    this.#metOn.set(task, new Map(met));
  }

  /**
   * True for an exclusive group with tasks that wait until a task outside it has ended, which an earlier session left unfinished: opened before, it
   * would have to wait for that task, which could not start. Also for one that does not need all the services that run, while an unsettled
   * task outside waits for a service, and after one has given way to a task outside.
   */
  isHeldUp(pool: PoolRow): boolean {
    if (!pool.isExclusive) return false;
    const { starvedHead } = this.locks;
    if (starvedHead !== NONE && starvedHead === this.#yieldedTo && this.poolOf(starvedHead) !== pool)
      return true;
    for (const task of this.#unsettled) if (this.poolOf(task) !== pool) return true;
    for (const service of this.servicesOut) if (!this.plan.services.isNeededIn(pool.id, service)) return true;
    return this.recalled.hasGuards && this.recalled.keepsOut((task) => this.poolOf(task) === pool);
  }

  /** While an exclusive group is open: one of its tasks, or the one outside for which something is reserved that these wait for. */
  isItsTurn(task: number): boolean {
    const { turn, tasks, locks } = this;
    if (turn === undefined || this.poolOf(task) === turn) return true;
    if (task !== locks.starvedHead) return false;
    const waits = (each: number): boolean =>
      tasks.state[each] === PARKED &&
      this.poolOf(each) === turn &&
      describeWait(locks, each)?.reservedFor === task;
    for (let each = 0; each < tasks.count; each++) if (waits(each)) return true;
    return false;
  }

  /** Does its metadata have entries of this kind? */
  is(task: number, kind: number): boolean {
    return this.plan.states(task, kind);
  }

  isTeardown(task: number): boolean {
    return this.is(task, EXEMPT) && this.plan.metaOf(task).tearsDown !== undefined;
  }

  /** The run is stopping, and the task must not start any more. */
  isForbidden(task: number): boolean {
    if (this.#stopping === GOING) return false;
    return this.#stopping === KILLING || !this.isTeardown(task) || this.poolOf(task).phase === FAILED;
  }

  /** Between its first start and its end. */
  isUnderWay(task: number): boolean {
    return !this.tasks.isDone(task) && this.tasks.hasStarted(task);
  }

  /** Why the task was skipped; undefined if it was not. */
  skipOf(task: number): Skip | undefined {
    return this.#skips.get(task);
  }

  recordSkip(task: number, skip: Skip): void {
    this.#skips.set(task, skip);
  }

  /** The attempt of the task was asked to stop. */
  requestStop(task: number, how: number, reason: string): void {
    this.tasks.stopAttempt(task, how);
    if (this.isService(task)) this.conditions.touch(); // another one may take its place
    this.#stopReasons.set(task, reason);
  }

  /** Why an attempt of the task was asked to stop last. */
  stopReasonOf(task: number): string | undefined {
    return this.#stopReasons.get(task);
  }

  /** The result of the task was given: what is in the result is not needed any more. */
  forget(task: number): void {
    this.tasks.forget(task);
    this.#stopReasons.delete(task);
    // What was built on a service of a node is lost with that.
    if (!this.plan.hasServices || !this.plan.hasSetups) this.#nodeOf.delete(task);
    this.plan.forget(task);
  }

  // Resources

  /** True if some resource was left in an unknown state. */
  get hasPoisoned(): boolean {
    return this.#hasPoisoned;
  }

  /** Tasks that are over although a body of theirs may still run: they retain what they hold. */
  get abandoned(): ReadonlySet<number> {
    return this.#abandoned;
  }

  /** The task does not wait for resources any more. */
  withdraw(task: number): void {
    if (this.tasks.has(task, ENROLLED) && !this.tasks.isOut(task)) this.locks.withdraw(task);
  }

  /** A service does not run any more: tasks that it kept away are tried again. */
  releaseKeptAway(): void {
    this.conditions.released.push(...this.keptAway);
    this.keptAway.clear();
    this.#isStale = true;
  }

  /** Releases what the task has of other runs, or does not wait for it any more. A task that waited must be made ready, too. */
  releaseLocks(task: number): void {
    const request = this.acrossRuns.isEmpty ? 0 : this.acrossRuns.release(task);
    if (request === 0) return;
    this.emit({ type: 'release-locks', request });
    if (this.granted.delete(task)) this.partitionOf(task).queue.push(task);
    this.#isStale = true;
  }

  /** Releases what the task holds. What it claims is in an unknown state. */
  releasePoisoned(task: number): void {
    this.#hasPoisoned = true;
    this.locks.releasePoisoned(task);
  }

  /** What the request uses and claims is in an unknown state, because of this task or of nothing that is known. */
  poison(request: number, by: number = NONE): void {
    this.#hasPoisoned = true;
    this.locks.poison(request, by);
  }

  /** As `poison`, for resources by their names. */
  poisonNamed(resources: readonly string[]): void {
    if (resources.length > 0) this.poison(this.locks.compile({ claims: [...new Set(resources)] }));
  }

  /** The task is over, and its body may still run. */
  abandon(task: number): void {
    this.#abandoned.add(task);
  }

  /** The abandoned body of the task has ended. False if the task has none. */
  abandonedEnded(task: number): boolean {
    if (!this.#abandoned.delete(task)) return false;
    this.releaseLocks(task);
    this.#isStale = true;
    return true;
  }

  // The course of the run

  /** The exclusive group whose turn it is. */
  get turn(): PoolRow | undefined {
    return this.#turn;
  }

  /** Now only the tasks of the group may start. */
  giveTurn(group: PoolRow): void {
    this.#turn = group;
  }

  /** The group whose turn it is can start nothing. If it waits for what is reserved for a task outside, no group opens before that has started. */
  yieldTurn(): void {
    const { starvedHead } = this.locks;
    if (starvedHead !== NONE && this.poolOf(starvedHead) !== this.#turn && this.isItsTurn(starvedHead))
      this.#yieldedTo = starvedHead;
  }

  /** The turn of the pool is over, if it has it. */
  endTurn(pool: PoolRow): void {
    if (this.#turn === pool) this.#turn = undefined;
  }

  /** Something has changed that may let a task start. */
  markStale(): void {
    this.#isStale = true;
  }

  /** True if something has changed since the last call that may let a task start. */
  takeStale(): boolean {
    const isStale = this.#isStale;
    this.#isStale = false;
    return isStale;
  }

  /** How far the run was asked to stop: `GOING`, `DRAINING`, … */
  get stopping(): number {
    return this.#stopping;
  }

  /** Why the run ends early. */
  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  /** False if the run was already asked to stop that far: then nothing changes. */
  stop(level: number, reason: string): boolean {
    if (level <= this.#stopping) return false;
    this.#stopping = level;
    this.#stopReason = reason;
    this.#isStale = true;
    return true;
  }

  /** Errors that surfaced after their bodies had ended. */
  get lateErrors(): readonly LateError[] {
    return this.#lateErrors;
  }

  addLateError(error: LateError): void {
    this.#lateErrors.push(error);
  }

  // Output

  /** Commands go to this list from now on. */
  emitTo(out: Command[]): void {
    this.#out = out;
  }

  emit(command: Command): void {
    this.#out.push(command);
  }

  /** Passes the attempt to its pool. */
  emitStart(task: number, attempt: number, part: Part): void {
    this.#out.push({ type: 'start-attempt', task, attempt, part, ...this.#placeOf(task) });
  }

  /** Asks the other runs for the locks of the task, which has its place. */
  emitAcquire(request: number, task: number, attempt: number): void {
    this.#out.push({ type: 'acquire-locks', request, task, attempt, ...this.#placeOf(task) });
  }

  #placeOf(task: number): { readonly pool: number; readonly node?: string } {
    const pool = this.poolOf(task).id;
    const node = this.#nodeOf.get(task)?.name;
    return node === undefined ? { pool } : { pool, node };
  }

  /** True if events are published. They are numbered in any case. */
  get isPublishing(): boolean {
    return this.#isPublishing;
  }

  setPublishing(on: boolean): void {
    this.#isPublishing = on;
  }

  /** Numbers the next event. True if it has to be made and published. */
  nextEvent(): boolean {
    this.#eventCount++;
    return this.#isPublishing;
  }

  /** Publishes the event that was numbered last. */
  publish(event: MachineEvent): void {
    this.#out.push({ type: 'publish', seq: this.#eventCount, event });
  }

  #noteService(task: number, isOut: boolean): void {
    this.servicesSince.set(task, this.#nowMs);
    const node = this.#nodeOf.get(task);
    if (node !== undefined) node.services += isOut ? 1 : -1;
    if (isOut) this.servicesOut.add(task);
    else {
      this.servicesOut.delete(task);
      this.#isStale = true;
    }
  }

  #countOut(task: number, isOut: boolean): void {
    const pool = this.poolOf(task);
    if (isOut) {
      this.#dispatched++;
      pool.attemptDispatched();
      if (pool.nodes !== undefined) (this.#nodeOf.get(task) as NodeRow).dispatched++;
    } else {
      this.#dispatched--;
      pool.attemptSettled();
      if (pool.nodes !== undefined) (this.#nodeOf.get(task) as NodeRow).dispatched--;
      this.#isStale = true;
    }
  }
}
