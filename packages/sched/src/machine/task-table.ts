/** Where every task stands: one row each, in columns. Knows no rules but which state may follow which. */
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

/** What may follow what. */
const TRANSITIONS: Readonly<Record<TaskState, readonly TaskState[]>> = {
  waiting: ['ready', 'done'],
  ready: ['waiting', 'parked', 'dispatched', 'done'],
  parked: ['waiting', 'ready', 'dispatched', 'done'],
  dispatched: ['running', 'ready', 'waiting', 'backing-off', 'done', 'dispatched'],
  running: ['backing-off', 'dispatched', 'done'],
  'backing-off': ['ready', 'done'],
  done: [],
};

/** What else is known of a task: bits of a set. It gave what it provides … */
export const PROVIDED = 1;
/** … it ended in a way that salvages wait for … */
export const BAD = 2;
/** … an attempt of it was begun in a worker … */
export const BEGUN = 4;
/** … the cleanup runs instead of the body … */
export const CLEANING_UP = 8;
/** … the lock table knows it … */
export const ENROLLED = 16;
/** … it keeps what it uses and claims between attempts … */
export const RETAINS_LOCKS = 32;
/** … some attempt took longer than `slowAfter` … */
export const SLOW = 64;
/** … its result was given. */
export const GIVEN = 128;

/** How an attempt was asked to stop. */
export const TIMED_OUT = 1;
export const CANCELLED = 2;

/** The same table as bits. */
const allowed = Uint8Array.from(STATES, (from) =>
  TRANSITIONS[from].reduce((bits, to) => bits | (1 << STATES.indexOf(to)), 0),
);

export class TaskTable extends Table {
  count = 0;
  state: Uint8Array = bytes();
  /** Gates that are still closed to it. Counted only while it waits. */
  blockers: Int32Array = ints();
  /** Attempts begun or handed out, 0 before the first. */
  attempt: Int32Array = ints();
  stop: Uint8Array = bytes();
  /** The moment when it was added, by the lock table. */
  added: Int32Array = ints();
  /** Handed out and given back again, in a row. */
  returned: Uint8Array = bytes();
  bits: Uint8Array = bytes();
  /** When the attempt was handed out, and from its start on when that was. */
  since: Float64Array = floats();
  /** Place in `STATUSES`. */
  status: Uint8Array = bytes();
  readonly worker: (string | undefined)[] = [];
  readonly records: (AttemptRecord[] | undefined)[] = [];
  readonly value: unknown[] = [];

  grow(count: number): void {
    this.count = count;
    while (this.worker.length < count) {
      this.worker.push(undefined);
      this.records.push(undefined);
      this.value.push(undefined);
    }
    this.reserve(count);
  }

  /** @throws Error where the table of transitions does not allow it: the machine is wrong, not the user. */
  move(task: number, to: number): void {
    const from = this.state[task] as number;
    if (((allowed[from] as number) & (1 << to)) === 0)
      throw new Error(`task ${task}: ${STATES[from]} → ${STATES[to]}`);
    this.state[task] = to;
  }

  has(task: number, bit: number): boolean {
    return ((this.bits[task] as number) & bit) !== 0;
  }

  set(task: number, bit: number): void {
    this.bits[task] = (this.bits[task] as number) | bit;
  }

  unset(task: number, bit: number): void {
    this.bits[task] = (this.bits[task] as number) & ~bit;
  }

  /** Its result was given: nobody will ask for what is in it. */
  forget(task: number): void {
    this.value[task] = undefined;
    this.records[task] = undefined;
    this.worker[task] = undefined;
  }

  isDone(task: number): boolean {
    return this.state[task] === DONE;
  }

  /** Handed out and not settled yet. */
  isOut(task: number): boolean {
    const state = this.state[task] as number;
    return state === DISPATCHED || state === RUNNING;
  }
}
