/**
 * The dependencies between tasks, as integers. Tasks are connected by *conditions*: what a task provides feeds conditions, and tasks wait
 * for conditions. So a thousand tasks that require what a thousand others provide need two thousand edges instead of a million. The graph
 * only grows.
 */

import { bytes, ints, Table } from '@pexen/core/columns';
import { clear, type UndoLog } from './undo-log.ts';

/** The index of a condition in the graph, from 0. */
export type ConditionId = number;

/** Met when `need` of its feeders ended well; impossible when too few can. The first two kinds are requirements. */
export const NEEDS = 0;
/** Met when all feeders ended well. */
export const NEEDS_ALL = 1;
/** Conditions from this kind on are fulfilled when all their feeders are over, however these ended. */
const ORDER = 2;
/** `after`: all providers of a capability are over. */
export const AFTER = 2;
/** `before`: all tasks that declared to precede a capability are over. */
export const BEFORE = 3;
/** `salvages`: all listed tasks are over. */
export const SALVAGE = 4;
/** No task needs the capability any more: all tasks that require it, and those that need what these provide, are over. */
export const UNNEEDED = 5;
/** `UNNEEDED`, and torn down. */
export const TORN_DOWN = 6;
/** A task is over, and no task needs what it provides. */
export const DONE_WITH = 7;
/** All that the tasks of a group wait for outside the group is over. Services are not waited for, but what these wait for is. */
export const GROUP = 8;
/** All tasks are over that conflict with a service and precede tasks that need it. */
export const CLEAR = 9;

/** Makes all further feeders of a condition feed another one, too. */
interface Follower {
  readonly condition: ConditionId;
  /** This task does not feed it. */
  readonly exceptTask: number;
  /** The tasks of this pool do not feed it. */
  readonly exceptPool: number;
  /** Services do not feed it. */
  readonly exceptServices: boolean;
}

export class Graph extends Table {
  taskCount: number;
  conditionCount: number;
  /** Task → condition. */
  readonly feeds: Edges;
  /** Condition → the task that waits for it, in the order of its `requires`. */
  readonly waits: Edges;
  /** Condition → condition. */
  readonly relays: Edges;
  kind: Uint8Array = bytes();
  need: Int32Array = ints();
  /** The pool of each task. */
  pool: Int32Array = ints();
  /** The subject of the condition: a requirement, a task, or the name of a group. */
  readonly subjects: unknown[];
  readonly #undoLog: UndoLog;
  readonly #followers = new Map<ConditionId, Follower[]>();
  /**
   * Service → its `DONE_WITH` condition: it is over once no task needs what it provides. A service feeds requirements while it is up. Everything that
   * waits for its end is fed by this condition, too.
   */
  readonly overs: Map<number, ConditionId>;
  /** Service → the groups with tasks that require it. */
  readonly #groupsOf: Map<number, readonly Follower[]>;

  /** Empty, or a copy. */
  constructor(undoLog: UndoLog, other?: Graph) {
    super();
    if (other !== undefined) this.copyRows(other);
    this.#undoLog = undoLog;
    this.taskCount = other?.taskCount ?? 0;
    this.conditionCount = other?.conditionCount ?? 0;
    this.feeds = new Edges(other?.feeds);
    this.waits = new Edges(other?.waits);
    this.relays = new Edges(other?.relays);
    this.subjects = other?.subjects.slice() ?? [];
    this.overs = new Map(other?.overs);
    this.#groupsOf = new Map(other === undefined ? [] : other.#groupsOf);
    for (const [condition, list] of other === undefined ? [] : other.#followers)
      this.#followers.set(condition, [...list]);
  }

  /** Must be called before tasks are added that may be refused. */
  remember(): void {
    const { taskCount, conditionCount, subjects } = this;
    const edges = [this.feeds, this.waits, this.relays];
    const sizes = edges.map(({ size }) => size);
    this.#undoLog.note(() => {
      for (const [index, size] of sizes.entries()) edges[index]?.cutAfter(size);
      this.taskCount = taskCount;
      this.conditionCount = conditionCount;
      clear(subjects, conditionCount);
    });
  }

  addTask(pool: number): number {
    const task = this.taskCount++;
    this.reserve(this.taskCount);
    this.pool[task] = pool;
    return task;
  }

  addCondition(kind: number, subject: unknown, need = 1): ConditionId {
    const condition = this.conditionCount++;
    this.reserve(this.conditionCount);
    this.kind[condition] = kind;
    this.need[condition] = need;
    this.subjects.push(subject);
    return condition;
  }

  /** The task feeds the condition and its followers. */
  feed(task: number, condition: ConditionId): void {
    this.feeds.add(task, condition);
    if (this.overs.size > 0) this.#feedEnd(task, condition);
    if (this.#followers.size === 0) return;
    for (const follower of this.#followers.get(condition) ?? [])
      this.#feedFollower(task, condition, follower);
  }

  /** All present and future feeders of `condition` feed `follower`, too, once each. */
  follow(
    condition: ConditionId,
    follower: ConditionId,
    exceptTask = -1,
    exceptPool = -1,
    exceptServices = false,
  ): void {
    const list = this.#followers.get(condition) ?? [];
    if (list.length === 0) this.#followers.set(condition, list);
    const entry = { condition: follower, exceptTask, exceptPool, exceptServices };
    list.push(entry);
    this.#undoLog.note(() => list.pop());
    for (const task of this.feeds.in.ends(condition)) this.#feedFollower(task, condition, entry);
  }

  /** The task waits for the condition. */
  wait(condition: ConditionId, task: number): void {
    this.waits.add(condition, task);
    if (this.#groupsOf.size === 0) return;
    for (const group of this.#groupsOf.get(task) ?? []) this.#followOnce(condition, group);
  }

  /** From now on what the service feeds is fed by its end as well. */
  addService(task: number, over: ConditionId): void {
    this.#undoLog.put(this.overs, task, over);
  }

  /** The conditions that follow the condition. */
  followersOf(condition: ConditionId): readonly ConditionId[] {
    return this.#followers.get(condition)?.map((follower) => follower.condition) ?? [];
  }

  isRequirement(condition: ConditionId): boolean {
    return (this.kind[condition] as number) < ORDER;
  }

  #feedFollower(task: number, from: ConditionId, follower: Follower): void {
    const { condition, exceptTask, exceptPool, exceptServices } = follower;
    if (task === exceptTask || this.pool[task] === exceptPool) return;
    if (this.overs.size > 0 && this.overs.has(task)) {
      if (exceptServices) return;
      if (this.kind[condition] === GROUP && this.isRequirement(from)) {
        this.#bringAlong(task, follower);
        return;
      }
    }
    if (!this.feeds.has(task, condition)) this.feed(task, condition);
  }

  /** What waits for the end of a service waits for the tasks that need it. */
  #feedEnd(task: number, condition: ConditionId): void {
    const over = this.overs.get(task);
    const kind = this.kind[condition] as number;
    if (over !== undefined && over !== condition && kind >= ORDER) this.relays.add(over, condition);
  }

  /** Some task of the group requires the service: the group waits for what the service waits for. */
  #bringAlong(service: number, group: Follower): void {
    const known = this.#groupsOf.get(service) ?? [];
    if (known.some(({ condition }) => condition === group.condition)) return;
    this.#undoLog.put(this.#groupsOf, service, [...known, group]);
    for (const condition of this.waits.in.ends(service)) this.#followOnce(condition, group);
  }

  #followOnce(condition: ConditionId, { condition: group, exceptPool }: Follower): void {
    if (!this.followersOf(condition).includes(group)) this.follow(condition, group, -1, exceptPool);
  }
}

// Edges

/** The edges as seen from one end: a list for each node. Knows only integers. */
export class Side extends Table {
  /** The other end of each edge. */
  end: Int32Array = ints();
  /** The next edge of the same node; 0 after the last. */
  next: Int32Array = ints();
  heads: Int32Array = ints();
  tails: Int32Array = ints();

  /** Empty, or a copy. */
  constructor(of?: Side) {
    super();
    if (of !== undefined) this.copyRows(of);
  }

  /** The first edge of the node; 0 if it has none. */
  first(node: number): number {
    return node < this.heads.length ? (this.heads[node] as number) : 0;
  }

  /** The other ends of the edges of the node. */
  ends(node: number): number[] {
    const found: number[] = [];
    for (let edge = this.first(node); edge !== 0; edge = this.next[edge] as number)
      found.push(this.end[edge] as number);
    return found;
  }

  add(edge: number, node: number, end: number): void {
    this.reserve(Math.max(edge, node) + 1);
    this.end[edge] = end;
    this.next[edge] = 0;
    const tail = this.tails[node] as number;
    if (tail === 0) this.heads[node] = edge;
    else this.next[tail] = edge;
    this.tails[node] = edge;
  }

  /** Removes the edges after the given one from the node. */
  cut(node: number, size: number): void {
    if ((this.tails[node] as number) <= size) return;
    let tail = 0;
    for (let edge = this.first(node); edge !== 0 && edge <= size; edge = this.next[edge] as number)
      tail = edge;
    if (tail === 0) this.heads[node] = 0;
    else this.next[tail] = 0;
    this.tails[node] = tail;
  }
}

/**
 * Edges between two kinds of nodes, which can be followed from either end in the order in which they were added. They are numbered from 1; 0
 * stands for none.
 */
export class Edges {
  /** The number of the last edge. */
  size: number;
  readonly out: Side;
  readonly in: Side;

  /** Empty, or a copy. */
  constructor(of?: Edges) {
    this.size = of?.size ?? 0;
    this.out = new Side(of?.out);
    this.in = new Side(of?.in);
  }

  add(from: number, to: number): void {
    const edge = ++this.size;
    this.out.add(edge, from, to);
    this.in.add(edge, to, from);
  }

  has(from: number, to: number): boolean {
    const { end, next } = this.out;
    for (let edge = this.out.first(from); edge !== 0; edge = next[edge] as number)
      if (end[edge] === to) return true;
    return false;
  }

  /** Removes all edges after the given one. */
  cutAfter(size: number): void {
    for (let edge = this.size; edge > size; edge--) {
      this.out.cut(this.in.end[edge] as number, size);
      this.in.cut(this.out.end[edge] as number, size);
    }
    this.size = size;
  }
}
