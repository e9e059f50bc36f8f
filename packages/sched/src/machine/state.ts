/** All that the machine knows, in one place for its parts: the tasks, the pools, the alarms, what happened to each task and why it was skipped. Decides nothing. */
import { bytes, floats, ints, Table } from '@pexen/core/columns';
import type { LockTable } from '@pexen/lock';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { EXEMPT } from '../plan/meta-flags.ts';
import { Gates } from './gates.ts';
import { FAILED, PoolRow } from './pools.ts';
import type { Command, Input, MachineNews } from './protocol.ts';
import { ENROLLED, PARKED, READY, TaskTable } from './task-table.ts';

// What an alarm is for.

/** The attempt has taken as long as it may. */
export const TIMEOUT = 0;
/** The attempt may have been silent for too long. */
export const IDLE = 1;
/** The wait before the next attempt is over. */
export const BACKOFF = 2;
/** The cleanup has taken as long as it may. */
export const CLEANUP_TIMEOUT = 3;
/** A pool, whose number stands for the task and whose count of openings for the attempt, must have been opened. */
export const OPENED = 4;

/** A moment at which something may be due. The task or pool may be past it by then: it is looked at again. */
export interface Alarm {
  readonly atMs: number;
  readonly kind: number;
  readonly task: number;
  readonly attempt: number;
}

/** Earliest first; equal moments in the order in which they were set. Most are set to be the last. */
export class Alarms {
  #list: Alarm[] = [];
  #nextSweep = 1024;

  get size(): number {
    return this.#list.length;
  }

  /** When the earliest is due; undefined if there is none. */
  get nextMs(): number | undefined {
    return this.#list[0]?.atMs;
  }

  /** When the next attempt of the task is due. */
  find(task: number): number | undefined {
    return this.#list.find((alarm) => alarm.task === task && alarm.kind === BACKOFF)?.atMs;
  }

  set(atMs: number, kind: number, task: number, attempt: number): void {
    let low = 0;
    for (let high = this.#list.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#list[middle] as Alarm).atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    this.#list.splice(low, 0, { atMs, kind, task, attempt });
  }

  /** Takes the earliest away if it is due. */
  take(nowMs: number): Alarm | undefined {
    return (this.nextMs ?? Infinity) <= nowMs ? this.#list.shift() : undefined;
  }

  /** Those of the task mean nothing any more. */
  drop(task: number): void {
    this.#list = this.#list.filter((alarm) => alarm.task !== task);
  }

  /** Now and then drops the entries that mean nothing any more. */
  sweep(matters: (alarm: Alarm) => boolean): void {
    if (this.#list.length < this.#nextSweep) return;
    this.#list = this.#list.filter(matters);
    this.#nextSweep = Math.max(1024, this.#list.length * 2);
  }
}

const longest = 1 << 16;

/** The last steps of all tasks, in a ring of fixed size, so that a run can say what happened to one. */
export class TaskHistory extends Table {
  #size = 256;
  #next = 0;
  task: Int32Array = ints();
  step: Uint8Array = bytes();
  at: Float64Array = floats();

  /** The task came into this state. */
  note(task: number, step: number, atMs: number): void {
    if (this.#next === this.#size && this.#size < longest) this.#size *= 2;
    this.reserve(this.#size);
    const place = this.#next++ & (this.#size - 1);
    this.task[place] = task;
    this.step[place] = step;
    this.at[place] = atMs;
  }

  /** The steps of the task that are still known. */
  of(task: number): { readonly step: number; readonly atMs: number }[] {
    const found: { readonly step: number; readonly atMs: number }[] = [];
    for (let index = Math.max(0, this.#next - this.#size); index < this.#next; index++) {
      const place = index & (this.#size - 1);
      if (this.task[place] === task)
        found.push({ step: this.step[place] as number, atMs: this.at[place] as number });
    }
    return found;
  }
}

// Why a task was skipped; `explain.ts` puts it into words.

/** Its `when` says so. */
export const NOT_APPLICABLE = 1;
/** `subject` is the gate. */
export const REQUIREMENT = 2;
/** `subject` is the node of the lock table. */
export const POISON = 3;
export const STOPPED = 4;
export const NOTHING_TO_SALVAGE = 5;
export const NEVER_STARTED = 6;
export const STALLED = 7;
/** `subject` is the node of the lock table, `culprit` the task whose abandoned body holds it. */
export const HELD = 8;

/** Of a task that was skipped. Tasks are -1 where there is none. */
export interface Skip {
  readonly cause: number;
  readonly subject: number;
  /** The task to blame. */
  readonly culprit: number;
  /** The task at the end of the chain of those to blame. */
  readonly origin: number;
}

/** How far the run was asked to stop. */
export const GOING = 0;
export const DRAINING = 1;
export const CANCELLING = 2;
export const KILLING = 3;

/** Read by every part of the machine, written by the part that decides. */
export class State {
  readonly plan: CompiledTasks;
  readonly locks: LockTable;
  readonly tasks: TaskTable = new TaskTable();
  readonly gates: Gates;
  readonly pools: readonly PoolRow[];
  readonly alarms: Alarms = new Alarms();
  /** Why tasks were skipped. */
  readonly skips: Map<number, Skip> = new Map();
  readonly story: TaskHistory = new TaskHistory();
  /** The exclusive group whose turn it is. */
  turn: PoolRow | undefined;
  nowMs = 0;
  hasBegun = false;
  hasEnded = false;
  /** Some resource was left in an unknown state. */
  hasPoisoned = false;
  /** Where commands go while `handle` runs. */
  out: Command[] = [];
  tells: boolean;
  /** So much news there was, told or not. */
  #newsCount = 0;
  stopping = GOING;
  /** Why the run ends early. */
  reason: string | undefined;
  /** Tasks without a result. */
  remaining = 0;
  /** Attempts handed out. */
  dispatched = 0;
  /** Tasks between two attempts: they keep what they hold, and count as running for groups. */
  retrying = 0;
  /** Tasks that wait for a resource. */
  parked = 0;
  /** Tasks that have a result which nobody took yet, in the order in which they got it. */
  results: number[] = [];
  /** So many of them are given. */
  given = 0;
  /** So many are given or promised to a pull. */
  promised = 0;
  /** Something changed that may let a task start. */
  isStale = true;
  /** Tasks that are over although a body of theirs may still run: they keep what they hold. */
  readonly abandoned: Set<number> = new Set();
  /** Errors that surfaced after their bodies had ended. */
  readonly lateErrors: Extract<Input, { readonly type: 'late-error' }>[] = [];
  /** Reasons of stopped attempts. */
  readonly stopReasons: Map<number, string> = new Map();

  constructor(plan: CompiledTasks, tells: boolean) {
    this.plan = plan;
    this.locks = plan.locks;
    this.tells = tells;
    this.gates = new Gates(plan.graph, this.tasks);
    this.pools = plan.options.pools.map((pool, id) => new PoolRow(id, pool, plan));
  }

  /** Makes room for so many tasks. */
  grow(count: number): void {
    this.remaining += count - this.tasks.count;
    this.tasks.grow(count);
  }

  poolOf(task: number): PoolRow {
    return this.pools[this.plan.graph.pool[task] as number] as PoolRow;
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
    if (this.stopping === GOING) return false;
    return this.stopping === KILLING || !this.isTeardown(task) || this.poolOf(task).state === FAILED;
  }

  /** Between its first start and its end. */
  isUnderWay(task: number): boolean {
    return !this.tasks.isDone(task) && this.tasks.attempt[task] !== 0;
  }

  move(task: number, to: number): void {
    if (this.tasks.state[task] === PARKED) this.parked--;
    if (to === PARKED) this.parked++;
    this.tasks.move(task, to);
    this.story.note(task, to, this.nowMs);
  }

  /** It may start as soon as its pool has a place for it. */
  makeReady(task: number): void {
    this.move(task, READY);
    this.poolOf(task).queue.push(task);
    this.isStale = true;
  }

  /** It waits for resources no more. */
  withdraw(task: number): void {
    if (this.tasks.has(task, ENROLLED) && !this.tasks.isOut(task)) this.locks.withdraw(task);
  }

  /** Numbers the news that comes next. Does anybody listen, so that it is to be made and told? */
  announces(): boolean {
    this.#newsCount++;
    return this.tells;
  }

  /** Tells what was announced last. */
  tell(news: MachineNews): void {
    this.out.push({ type: 'tell', seq: this.#newsCount, news });
  }
}
