/**
 * Nobody waits for ever for a resource that others take turns in holding. Counts overtakings naively, of tasks that hold one single
 * flat thing, for which there is no doubt what an overtaking is, and only while nothing is reserved; of all others only what is
 * reserved is guarded.
 */
import type { Shadow, TaskShadow } from './shadow.ts';
import type { Glimpses } from './watcher.ts';

export class Fairness {
  readonly #shadow: Shadow;
  readonly #glimpses: Glimpses;
  readonly #limit: number;
  readonly #overtaken = new Map<TaskShadow, number>();

  constructor(shadow: Shadow, glimpses: Glimpses, limit: number) {
    this.#shadow = shadow;
    this.#glimpses = glimpses;
    this.#limit = limit;
  }

  /**
   * A task starts; `headBefore` is the one for which things were reserved before that. Who could not have started for want of a slot
   * is not overtaken. Answers what is wrong with it.
   */
  started(
    task: TaskShadow,
    headBefore: number,
    nowMs: number,
    hasSlot: (task: TaskShadow) => boolean,
  ): string | undefined {
    this.#overtaken.delete(task);
    const head = headBefore === this.#glimpses.starvedHead() ? this.#shadow.tasks[headBefore] : undefined;
    if (
      head !== undefined &&
      head !== task &&
      this.#shadow.wouldTakeFrom(head, task) &&
      !this.#isBrief(task, head, nowMs)
    )
      return `${task.spec.name} starts and takes what is reserved for ${head.spec.name}`;
    if (headBefore >= 0) return undefined;
    for (const other of this.#shadow.tasks) {
      if (other === task || !this.#glimpses.isParked(other.index) || other.attempts > 0) continue;
      if (this.#glimpses.goesBefore(task.index, other.index) || !isSingle(other)) continue;
      if (this.#shadow.wouldTakeFrom(other, task) && hasSlot(other))
        this.#overtaken.set(other, (this.#overtaken.get(other) ?? 0) + 1);
    }
    return undefined;
  }

  /** Once the machine has spoken: whoever was overtaken too often has something reserved, or somebody before it has. */
  check(): string | undefined {
    if (this.#glimpses.starvedHead() >= 0) return undefined;
    for (const [{ index, spec }, count] of this.#overtaken)
      if (count >= this.#limit && this.#glimpses.isParked(index))
        return `${spec.name} was overtaken ${count} times, and nothing is reserved for it`;
    return undefined;
  }

  /** All weights are known, and by them the task is over before the one for which things are reserved could start. */
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

/** It waits for one thing only, above and below which there is nothing but the top of all. */
function isSingle({ spec: { uses, claims, amounts, exclusive } }: TaskShadow): boolean {
  const [held, ...more] = [...uses, ...claims];
  return held !== undefined && !held.startsWith('/') && more.length + amounts.length === 0 && !exclusive;
}
