/** The state of every task: one row each, in columns, and the last steps of all. The table knows no rules except which state may follow which. */
import type { AttemptRecord } from '@pexen/core';
import { bytes, floats, ints, Table } from '@pexen/core/columns';
import type { TaskState } from './protocol.ts';

/** States as the table keeps them; the names are for people. */
export const WAITING = 0;
export const READY = 1;
export const PARKED = 2;
export const DISPATCHED = 3;
export const RUNNING = 4;
export const BACKING_OFF = 5;
export const DONE = 6;

/** The names, by number. */
export const STATES: readonly TaskState[] = [
  'waiting',
  'ready',
  'parked',
  'dispatched',
  'running',
  'backing-off',
  'done',
];

/** Which states may follow which. */
const TRANSITIONS: Readonly<Record<TaskState, readonly TaskState[]>> = {
  waiting: ['ready', 'done'],
  ready: ['waiting', 'parked', 'dispatched', 'done'],
  parked: ['waiting', 'ready', 'dispatched', 'done'],
  dispatched: ['running', 'ready', 'parked', 'waiting', 'backing-off', 'done', 'dispatched'],
  running: ['backing-off', 'dispatched', 'waiting', 'done'],
  'backing-off': ['ready', 'waiting', 'done'],
  done: [],
};

// Flags of a task: bits of a set.

/** The task has provided its capabilities. A service: it is up. */
export const PROVIDED = 1;
/** It ended in a way that salvages wait for. */
export const BAD = 2;
/** A worker has started an attempt of it. */
export const STARTED = 4;
/** Its cleanup runs instead of its body. */
export const CLEANING_UP = 8;
/** The lock table knows the task. */
export const ENROLLED = 16;
/** It retains what it uses and claims between attempts. */
export const RETAINS_LOCKS = 32;
/** Some attempt took longer than `slowAfter`. */
export const SLOW = 64;
/** Its result was given to the consumer. */
export const GIVEN = 128;

/** How an attempt was asked to stop. */
export const TIMED_OUT = 1;
export const CANCELLED = 2;
/** Only a service: its tasks are over, or it makes way, or a service that it needs is down. */
export const UNNEEDED = 3;

/** The same table as bits. */
const allowed = Uint8Array.from(STATES, (from) =>
  TRANSITIONS[from].reduce((bits, to) => bits | (1 << STATES.indexOf(to)), 0),
);

/** Numbers by task. Only the table writes them. */
interface Column {
  readonly [task: number]: number;
}

export class TaskTable extends Table {
  #count = 0;
  readonly state: Column = bytes();
  /** Conditions that the task still waits for. Counted only while the task waits. */
  readonly blockers: Column = ints();
  /** The number of the last attempt that was dispatched. */
  readonly attempt: Column = ints();
  /** How many attempts there were in earlier sessions. */
  readonly before: Column = ints();
  /** How the attempt was asked to stop; 0 if it was not. */
  readonly stop: Column = bytes();
  /** When the task was added, by the counter of the lock table. */
  readonly added: Column = ints();
  /** How often in a row it was dispatched and returned unstarted. */
  readonly returned: Column = bytes();
  readonly flags: Column = bytes();
  /** When the attempt was dispatched, and once it has started, when that was. */
  readonly since: Column = floats();
  /** When it took what it uses and claims. */
  readonly heldSince: Column = floats();
  /** Index into `STATUSES`. */
  readonly status: Column = bytes();
  readonly #workers: (string | undefined)[] = [];
  readonly #records: (AttemptRecord[] | undefined)[] = [];
  readonly #values: unknown[] = [];

  get count(): number {
    return this.#count;
  }

  /** Makes room for so many tasks. The new ones were added at `tick`. */
  grow(count: number, tick: number): void {
    const from = this.#count;
    this.#count = count;
    while (this.#workers.length < count) {
      this.#workers.push(undefined);
      this.#records.push(undefined);
      this.#values.push(undefined);
    }
    this.reserve(count);
    (this.added as Int32Array).fill(tick, from, count);
  }

  /** @throws Error where the transitions do not allow it: the machine is wrong, not the user. */
  move(task: number, to: number): void {
    const from = this.state[task] as number;
    if (((allowed[from] as number) & (1 << to)) === 0)
      throw new Error(`task ${task}: ${STATES[from]} → ${STATES[to]}`);
    (this.state as Uint8Array)[task] = to;
  }

  has(task: number, flag: number): boolean {
    return ((this.flags[task] as number) & flag) !== 0;
  }

  set(task: number, flag: number): void {
    (this.flags as Uint8Array)[task] = (this.flags[task] as number) | flag;
  }

  clear(task: number, flag: number): void {
    (this.flags as Uint8Array)[task] = (this.flags[task] as number) & ~flag;
  }

  isDone(task: number): boolean {
    return this.state[task] === DONE;
  }

  /** Dispatched and not settled yet. */
  isOut(task: number): boolean {
    const state = this.state[task] as number;
    return state === DISPATCHED || state === RUNNING;
  }

  /** The task waits for so many conditions. */
  setBlockers(task: number, count: number): void {
    (this.blockers as Int32Array)[task] = count;
  }

  /** The task waits for one condition less. Returns how many are left. */
  unblock(task: number): number {
    const left = (this.blockers[task] as number) - 1;
    (this.blockers as Int32Array)[task] = left;
    return left;
  }

  /** True from its first dispatch on. */
  hasStarted(task: number): boolean {
    return this.attempt[task] !== this.before[task];
  }

  /** The task had these attempts in earlier sessions: the numbers go on after them. */
  continueAfter(task: number, attempts: readonly AttemptRecord[]): void {
    (this.attempt as Int32Array)[task] = attempts.length;
    (this.before as Int32Array)[task] = attempts.length;
    if (attempts.length > 0) this.#records[task] = [...attempts];
  }

  /** The next attempt of the task is dispatched. Returns its number, from 1. */
  nextAttempt(task: number, nowMs: number): number {
    const attempt = (this.attempt[task] as number) + 1;
    (this.attempt as Int32Array)[task] = attempt;
    (this.since as Float64Array)[task] = nowMs;
    return attempt;
  }

  /** The pool returned the attempt unstarted: its number is used again. */
  undoAttempt(task: number): void {
    (this.attempt as Int32Array)[task] = (this.attempt[task] as number) - 1;
    (this.stop as Uint8Array)[task] = 0;
  }

  /** The pool returned the attempt unstarted. Returns how often that has happened in a row. */
  countReturn(task: number): number {
    const times = (this.returned[task] as number) + 1;
    (this.returned as Uint8Array)[task] = times;
    return times;
  }

  /** The task has taken what it uses and claims. */
  took(task: number, nowMs: number): void {
    (this.heldSince as Float64Array)[task] = nowMs;
  }

  /** The body of the attempt is dispatched after the cleanup of what was interrupted. */
  dispatchedAgain(task: number, nowMs: number): void {
    (this.since as Float64Array)[task] = nowMs;
  }

  /** What was dispatched has started. */
  attemptStarted(task: number, nowMs: number): void {
    (this.since as Float64Array)[task] = nowMs;
  }

  /** The attempt was asked to stop. */
  stopAttempt(task: number, how: number): void {
    (this.stop as Uint8Array)[task] = how;
  }

  /** The attempt has ended: the next one starts without its stop request and its returns. */
  attemptEnded(task: number): void {
    (this.returned as Uint8Array)[task] = 0;
    (this.stop as Uint8Array)[task] = 0;
  }

  /** The cleanup of the last attempt is dispatched. */
  startCleanup(task: number, nowMs: number): void {
    this.set(task, CLEANING_UP);
    (this.since as Float64Array)[task] = nowMs;
  }

  cleanupEnded(task: number): void {
    this.clear(task, CLEANING_UP);
    (this.stop as Uint8Array)[task] = 0;
  }

  /** The task has a result with this status. */
  setStatus(task: number, status: number): void {
    (this.status as Uint8Array)[task] = status;
  }

  /** The worker of the last attempt that started. */
  workerOf(task: number): string | undefined {
    return this.#workers[task];
  }

  setWorker(task: number, worker: string): void {
    this.#workers[task] = worker;
  }

  /** The attempts of the task that have ended. */
  recordsOf(task: number): readonly AttemptRecord[] {
    return this.#records[task] ?? none;
  }

  record(task: number, record: AttemptRecord): void {
    const records = this.#records[task];
    if (records === undefined) this.#records[task] = [record];
    else records.push(record);
  }

  /** Something more became known about the outcome of the last attempt. */
  amendLastOutcome(task: number, facts: Partial<AttemptRecord['outcome']>): void {
    const records = this.#records[task] as AttemptRecord[];
    const last = records.pop() as AttemptRecord;
    records.push({ ...last, outcome: { ...last.outcome, ...facts } });
  }

  /** What the body returned. */
  valueOf(task: number): unknown {
    return this.#values[task];
  }

  setValue(task: number, value: unknown): void {
    this.#values[task] = value;
  }

  /** Its result was given: what is in the result is not needed any more. */
  forget(task: number): void {
    this.#values[task] = undefined;
    this.#records[task] = undefined;
    this.#workers[task] = undefined;
  }
}

const none: readonly never[] = [];

/** The most steps that are kept. */
const longest = 1 << 16;

/** The last steps of all tasks, in a ring of bounded size, so that a run can list what happened to a task. */
export class TaskHistory extends Table {
  #size = 256;
  #next = 0;
  protected task: Int32Array = ints();
  protected step: Uint8Array = bytes();
  protected at: Float64Array = floats();

  /** The task has entered this state. */
  note(task: number, step: number, atMs: number): void {
    if (this.#next === this.#size && this.#size < longest) this.#size *= 2;
    this.reserve(this.#size);
    const place = this.#next++ & (this.#size - 1);
    this.task[place] = task;
    this.step[place] = step;
    this.at[place] = atMs;
  }

  /** The steps of the task that are still kept. */
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
