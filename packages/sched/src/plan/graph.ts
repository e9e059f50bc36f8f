/**
 * Who waits for whom, as integers. Between tasks stand *gates*: what a task gives feeds gates, and tasks wait for gates, so that a
 * thousand tasks which require what a thousand others provide are two thousand edges and not a million. Only grows.
 */
import { grown } from './columns.ts';
import { Edges } from './edges.ts';

/** A gate's place in the graph, from 0. */
export type GateId = number;

/** Met when `need` of its feeders ended well; impossible when too few can. The first three are requirements. */
export const NEEDS = 0;
/** Met when all feeders ended well. */
export const NEEDS_ALL = 1;
/** Gates from here on open when all that feeds them is over, however it ended. */
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

/** What an added edge makes happen with all further feeders of its gate. */
interface Follower {
  readonly gate: GateId;
  /** This one feeds it not. */
  readonly exceptTask: number;
  /** Nor do those of this pool. */
  readonly exceptPool: number;
}

export class Graph {
  taskCount = 0;
  gateCount = 0;
  /** Task → gate. */
  readonly feeds: Edges = new Edges();
  /** Gate → the task that waits for it, in the order of its `requires`. */
  readonly waits: Edges = new Edges();
  /** Gate → gate. */
  readonly relays: Edges = new Edges();
  kind: Uint8Array = new Uint8Array(16);
  need: Int32Array = new Int32Array(16);
  /** The pool of each task. */
  pool: Int32Array = new Int32Array(16);
  /** What the gate is about: a requirement, a task, the name of a group. */
  readonly subjects: unknown[] = [];
  readonly #followers = new Map<GateId, Follower[]>();
  readonly #followed: GateId[] = [];

  addTask(pool: number): number {
    const task = this.taskCount++;
    if (task >= this.pool.length) this.pool = grown(this.pool, task + 1);
    this.pool[task] = pool;
    return task;
  }

  addGate(kind: number, subject: unknown, need = 1): GateId {
    const gate = this.gateCount++;
    if (gate >= this.kind.length) {
      this.kind = grown(this.kind, gate + 1);
      this.need = grown(this.need, gate + 1);
    }
    this.kind[gate] = kind;
    this.need[gate] = need;
    this.subjects.push(subject);
    return gate;
  }

  /** Takes the last gate away again; nothing may lead to it. */
  dropGate(): void {
    this.gateCount--;
    this.subjects.pop();
  }

  /** The task feeds the gate, and the gates that follow it. */
  feed(task: number, gate: GateId): void {
    this.feeds.add(task, gate);
    if (this.#followers.size > 0) this.#feedFollowers(task, gate);
  }

  /** From now on all that feeds `gate`, or did so already, feeds `follower` too, once. */
  follow(gate: GateId, follower: GateId, exceptTask = -1, exceptPool = -1): void {
    const list = this.#followers.get(gate);
    const entry = { gate: follower, exceptTask, exceptPool };
    if (list === undefined) this.#followers.set(gate, [entry]);
    else list.push(entry);
    this.#followed.push(gate);
    for (const task of this.feeds.sources(gate)) this.#feedFollower(task, entry);
  }

  /** The gates that follow the gate. */
  followersOf(gate: GateId): readonly GateId[] {
    return this.#followers.get(gate)?.map((follower) => follower.gate) ?? [];
  }

  isRequirement(gate: GateId): boolean {
    return (this.kind[gate] as number) < ORDER;
  }

  /** What `restore` needs to take back all that was added since. */
  mark(): GraphMark {
    const { taskCount, gateCount, feeds, waits, relays } = this;
    return {
      ...{ taskCount, gateCount, feeds: feeds.size, waits: waits.size, relays: relays.size },
      follows: this.#followed.length,
    };
  }

  restore(mark: GraphMark): void {
    this.taskCount = mark.taskCount;
    this.gateCount = mark.gateCount;
    this.subjects.length = mark.gateCount;
    this.feeds.cutAfter(mark.feeds);
    this.waits.cutAfter(mark.waits);
    this.relays.cutAfter(mark.relays);
    while (this.#followed.length > mark.follows) this.#followers.get(this.#followed.pop() as number)?.pop();
  }

  #feedFollowers(task: number, gate: GateId): void {
    for (const follower of this.#followers.get(gate) ?? []) this.#feedFollower(task, follower);
  }

  #feedFollower(task: number, { gate, exceptTask, exceptPool }: Follower): void {
    if (task === exceptTask || this.pool[task] === exceptPool) return;
    if (!this.feeds.has(task, gate)) this.feed(task, gate);
  }
}

export interface GraphMark {
  readonly taskCount: number;
  readonly gateCount: number;
  readonly feeds: number;
  readonly waits: number;
  readonly relays: number;
  readonly follows: number;
}
