/**
 * No task waits forever for a resource that other tasks take in turns, or that better tasks take which are added again and again. Nothing
 * is reserved for a task before its time, so that without additions priority is strict. Counts naively, for tasks that hold one single flat
 * resource, for which bypasses are unambiguous, and only while nothing is reserved. For all other tasks it only watches the reservations.
 */
import type { Shadow, TaskShadow } from './shadow.ts';
import type { Glimpses } from './watcher.ts';

/** A waiting task is starved after so many starts. */
export interface Limits {
  readonly bypasses: number;
  readonly latecomers: number;
}

/** What was seen of a task while it waited for a resource. */
interface Wait {
  /** How many batches of tasks had been added when it was first seen to wait. */
  readonly batches: number;
  /** Has it waited while an exclusive task ran? Then it waits for the end of that, until it is looked at again, and not for what it holds. */
  isBehindExclusive: boolean;
  /** Starts of equal or worse rank that took what it waits for, counted for tasks for which that is unambiguous. */
  bypasses: number;
  /** At most so many starts of either kind can have been counted for it. */
  mostBypasses: number;
  mostLatecomers: number;
}

export class Fairness {
  readonly #shadow: Shadow;
  readonly #glimpses: Glimpses;
  readonly #limits: Limits;
  readonly #waits = new Map<TaskShadow, Wait>();
  /** Latecomers that took what the task waits for, while no other task waited for it. */
  readonly #latecomers = new Map<TaskShadow, number>();
  #batches = 0;

  constructor(shadow: Shadow, glimpses: Glimpses, limits: Limits) {
    this.#shadow = shadow;
    this.#glimpses = glimpses;
    this.#limits = limits;
  }

  /** Tasks were added. */
  added(): void {
    this.#batches++;
  }

  /**
   * A task starts; `headBefore` is the one for which things were reserved before that. A task that could not have started for want of a slot
   * is not bypassed. Returns what is wrong.
   */
  started(
    task: TaskShadow,
    headBefore: number,
    nowMs: number,
    hasSlot: (task: TaskShadow) => boolean,
  ): string | undefined {
    this.#noteWaits();
    if (task.spec.exclusive) for (const wait of this.#waits.values()) wait.isBehindExclusive = true;
    const own = this.#waits.get(task);
    if (own !== undefined) own.bypasses = 0;
    this.#countMost(task);
    const head = headBefore === this.#glimpses.starvedHead() ? this.#shadow.tasks[headBefore] : undefined;
    if (
      head !== undefined &&
      head !== task &&
      this.#shadow.wouldTakeFrom(head, task) &&
      !this.#isBrief(task, head, nowMs)
    )
      return `${task.spec.name} starts and takes what is reserved for ${head.spec.name}`;
    this.#latecomers.delete(task);
    if (headBefore >= 0) return undefined;
    for (const [other, wait] of this.#waits) {
      if (this.#glimpses.goesBefore(task.index, other.index) || !this.#isWaiting(other)) continue;
      if (isSingle(other) && this.#shadow.wouldTakeFrom(other, task) && hasSlot(other)) wait.bypasses++;
    }
    this.#countLatecomer(task, hasSlot);
    return undefined;
  }

  /** After the machine has answered: a task that was bypassed too often has a reservation, or a task before it has. */
  check(): string | undefined {
    this.#noteWaits();
    if (this.#glimpses.starvedHead() >= 0) return this.#unduly();
    for (const [task, { bypasses }] of this.#waits)
      if (bypasses >= this.#limits.bypasses && this.#isWaiting(task))
        return `${task.spec.name} was bypassed ${bypasses} times, and nothing is reserved for it`;
    for (const [task, count] of this.#latecomers)
      if (count >= this.#limits.latecomers && this.#isWaiting(task))
        return `${task.spec.name} was passed by ${count} latecomers, and nothing is reserved for it`;
    return undefined;
  }

  #isWaiting(task: TaskShadow): boolean {
    return this.#glimpses.isParked(task.index) && task.attempts === 0;
  }

  #noteWaits(): void {
    const isBehindExclusive = this.#shadow.tasks.some(({ holds, spec }) => holds && spec.exclusive);
    for (const task of this.#shadow.tasks)
      if (this.#isWaiting(task) && !this.#waits.has(task))
        this.#waits.set(task, { batches: this.#batches, isBehindExclusive, ...none });
  }

  /** Whatever the machine counts, it is among these. */
  #countMost(task: TaskShadow): void {
    for (const [other, wait] of this.#waits) {
      if (!this.#shadow.wouldMeet(other, task)) continue;
      if (!this.#glimpses.goesBefore(task.index, other.index)) wait.mostBypasses++;
      else if (task.batch > wait.batches) wait.mostLatecomers++;
    }
  }

  /** Only if one single task waits for what it takes: that is the one that waits longest. */
  #countLatecomer(task: TaskShadow, hasSlot: (task: TaskShadow) => boolean): void {
    const [only, ...others] = this.#shadow.tasks.filter(
      (other) => other !== task && this.#isWaiting(other) && this.#shadow.wouldMeet(other, task),
    );
    if (only === undefined || others.length > 0 || !isSingle(only) || !hasSlot(only)) return;
    const { batches, isBehindExclusive } = this.#waits.get(only) as Wait;
    if (isBehindExclusive || task.batch <= batches || !this.#glimpses.goesBefore(task.index, only.index))
      return;
    if (this.#shadow.wouldTakeFrom(only, task))
      this.#latecomers.set(only, (this.#latecomers.get(only) ?? 0) + 1);
  }

  /** Something is reserved for a task that was not bypassed so often. */
  #unduly(): string | undefined {
    const head = this.#shadow.tasks[this.#glimpses.starvedHead()];
    const wait = head && this.#waits.get(head);
    if (head === undefined || wait === undefined || !isSingle(head)) return undefined;
    if (head.elsewhere === 'granted' || head.hasLostLocks === true) return undefined;
    const { mostBypasses, mostLatecomers } = wait;
    if (mostBypasses >= this.#limits.bypasses || mostLatecomers >= this.#limits.latecomers) return undefined;
    return `things are reserved for ${head.spec.name}, which was bypassed ${mostBypasses} times, and passed by ${mostLatecomers} latecomers`;
  }

  /** All weights are known, and by them the task is over before the one with the reservation could start. */
  #isBrief(task: TaskShadow, head: TaskShadow, nowMs: number): boolean {
    const { weight } = task.spec;
    if (weight === undefined) return false;
    let headStartMs = nowMs;
    for (const other of this.#shadow.tasks) {
      if (other === head || !other.holds || !this.#shadow.wouldMeet(head, other)) continue;
      if (other.spec.weight !== undefined)
        headStartMs = Math.max(headStartMs, other.sinceMs + other.spec.weight);
    }
    return nowMs + weight <= headStartMs;
  }
}

const none = { bypasses: 0, mostBypasses: 0, mostLatecomers: 0 };

/** It waits for one flat resource only, with nothing below it and nothing above it but the top. */
function isSingle({ spec: { uses, claims, amounts, exclusive } }: TaskShadow): boolean {
  const [held, ...more] = [...uses, ...claims];
  return held !== undefined && !held.startsWith('/') && more.length + amounts.length === 0 && !exclusive;
}
