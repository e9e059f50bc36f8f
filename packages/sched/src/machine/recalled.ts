/**
 * What earlier sessions of the run left to be done: tasks that start from where they were interrupted, and tasks that wait until these have a
 * result, because what those used and claimed may be half changed. Knows no locks.
 */
import type { Guarding, RecalledStart } from '@pexen/core';

export class Recalled {
  /** Tasks whose next attempt is not a usual one, until it is dispatched. */
  readonly #starts = new Map<number, RecalledStart>();
  /** Tasks whose results are about to be recalled. */
  readonly #results = new Set<number>();
  /** By owner. */
  readonly #guards = new Map<number, Guarding>();
  /** How many guards a task waits for. */
  readonly #waits = new Map<number, number>();

  /** The result of the task is about to be recalled: until then nothing skips it. */
  expectResult(task: number): void {
    this.#results.add(task);
  }

  /** True until the result of the task is taken. */
  hasResultOf(task: number): boolean {
    return this.#results.has(task);
  }

  takeResultOf(task: number): void {
    this.#results.delete(task);
  }

  expectStart(start: RecalledStart): void {
    this.#starts.set(start.task, start);
  }

  /** What is special about the next attempt of the task; undefined if nothing is. */
  startOf(task: number): RecalledStart | undefined {
    return this.#starts.get(task);
  }

  /** True where an attempt of the task may have started in an earlier session, and has no end. */
  wasInterrupted(task: number): boolean {
    const start = this.#starts.get(task);
    return start !== undefined && (start.interruptions > 0 || start.crashed !== undefined);
  }

  /** As `startOf`, once. */
  takeStart(task: number): RecalledStart | undefined {
    const start = this.#starts.get(task);
    if (start !== undefined) this.#starts.delete(task);
    return start;
  }

  guard(guarding: Guarding): void {
    const known = this.#guards.get(guarding.owner);
    const tasks = [...new Set([...(known?.tasks ?? []), ...guarding.tasks])];
    this.#guards.set(guarding.owner, { ...guarding, tasks });
    for (const task of tasks)
      if (known?.tasks.includes(task) !== true) this.#waits.set(task, (this.#waits.get(task) ?? 0) + 1);
  }

  /** True if something is guarded against the task. */
  isKeptOut(task: number): boolean {
    return this.#waits.has(task);
  }

  /** The owner that the task waits for. */
  ownerFor(task: number): number | undefined {
    for (const { owner, tasks } of this.#guards.values()) if (tasks.includes(task)) return owner;
    return undefined;
  }

  get hasGuards(): boolean {
    return this.#guards.size > 0;
  }

  /** True if a guard keeps some of these tasks out, and its owner is none of them. */
  keepsOut(isMember: (task: number) => boolean): boolean {
    for (const { owner, tasks } of this.#guards.values())
      if (!isMember(owner) && tasks.some(isMember)) return true;
    return false;
  }

  /** The task has a result. Returns the tasks that nothing is guarded against any more. */
  ended(task: number): readonly number[] {
    const guard = this.#guards.get(task);
    if (guard === undefined) return none;
    this.#guards.delete(task);
    return guard.tasks.filter((each) => this.#unguard(each));
  }

  /** Removes all guards. Returns what they guarded. */
  giveUpGuards(): readonly Guarding[] {
    const guards = [...this.#guards.values()];
    this.#guards.clear();
    this.#waits.clear();
    return guards;
  }

  #unguard(task: number): boolean {
    const left = (this.#waits.get(task) ?? 0) - 1;
    if (left > 0) this.#waits.set(task, left);
    else this.#waits.delete(task);
    return left <= 0;
  }
}

const none: readonly number[] = [];
