/**
 * Who waits for whom, as integers. Between tasks stand *conditions*: what a task gives feeds conditions, and tasks wait for conditions, so that a
 * thousand tasks which require what a thousand others provide are two thousand edges and not a million. Only grows.
 */

import { bytes, ints, Table } from '@pexen/core/columns';
import { clear, type UndoLog } from './undo-log.ts';

/** A condition's place in the graph, from 0. */
export type ConditionId = number;

/** Met when `need` of its feeders ended well; impossible when too few can. The first three are requirements. */
export const NEEDS = 0;
/** Met when all feeders ended well. */
export const NEEDS_ALL = 1;
/** Conditions from here on open when all that feeds them is over, however it ended. */
const ORDER = 2;
/** `after`: all providers of a capability are over. */
export const AFTER = 2;
/** `before`: all that declared to be before a capability are over. */
export const BEFORE = 3;
/** `salvages`: all listed tasks are over. */
export const SALVAGE = 4;
/** Nobody needs the capability any more: all who require it are done with all that they provide. */
export const UNNEEDED = 5;
/** `UNNEEDED`, and torn down. */
export const TORN_DOWN = 6;
/** A task is over, and nobody needs what it provides. */
export const DONE_WITH = 7;
/** All that the tasks of a group wait for outside the group is over. */
export const GROUP = 8;

/** What an added edge makes happen with all further feeders of its condition. */
interface Follower {
  readonly condition: ConditionId;
  /** This one feeds it not. */
  readonly exceptTask: number;
  /** Nor do those of this pool. */
  readonly exceptPool: number;
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
  /** What the condition is about: a requirement, a task, the name of a group. */
  readonly subjects: unknown[];
  readonly #undoLog: UndoLog;
  readonly #followers = new Map<ConditionId, Follower[]>();

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
    for (const [condition, list] of other === undefined ? [] : other.#followers)
      this.#followers.set(condition, [...list]);
  }

  /** To be called before tasks are added that may be refused. */
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

  /** The task feeds the condition, and the conditions that follow it. */
  feed(task: number, condition: ConditionId): void {
    this.feeds.add(task, condition);
    if (this.#followers.size === 0) return;
    for (const follower of this.#followers.get(condition) ?? []) this.#feedFollower(task, follower);
  }

  /** From now on all that feeds `condition`, or did so already, feeds `follower` too, once. */
  follow(condition: ConditionId, follower: ConditionId, exceptTask = -1, exceptPool = -1): void {
    const list = this.#followers.get(condition) ?? [];
    if (list.length === 0) this.#followers.set(condition, list);
    const entry = { condition: follower, exceptTask, exceptPool };
    list.push(entry);
    this.#undoLog.note(() => list.pop());
    for (const task of this.feeds.in.ends(condition)) this.#feedFollower(task, entry);
  }

  /** The conditions that follow the condition. */
  followersOf(condition: ConditionId): readonly ConditionId[] {
    return this.#followers.get(condition)?.map((follower) => follower.condition) ?? [];
  }

  isRequirement(condition: ConditionId): boolean {
    return (this.kind[condition] as number) < ORDER;
  }

  #feedFollower(task: number, { condition, exceptTask, exceptPool }: Follower): void {
    if (task === exceptTask || this.pool[task] === exceptPool) return;
    if (!this.feeds.has(task, condition)) this.feed(task, condition);
  }
}

// Edges

/** The arrows as they are seen from one end: a list for each node. */
export class Side extends Table {
  /** Where each edge leads. */
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

  /** The first edge of the node; 0 if there is none. */
  first(node: number): number {
    return node < this.heads.length ? (this.heads[node] as number) : 0;
  }

  /** Where the edges of the node lead. */
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

  /** Takes the edges after the given one from the node. */
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

/** Edges are numbered from 1; 0 is no edge. */
export class Edges {
  /** The number of the last edge. */
  size: number;
  readonly out: Side;
  readonly in: Side;

  /** None, or a copy. */
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

  /** Takes back all edges after the given one. */
  cutAfter(size: number): void {
    for (let edge = this.size; edge > size; edge--) {
      this.out.cut(this.in.end[edge] as number, size);
      this.in.cut(this.out.end[edge] as number, size);
    }
    this.size = size;
  }
}
