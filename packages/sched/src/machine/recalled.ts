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
    const [before, now] = [waitingFor(known), waitingFor(guarding)];
    const tasks = [...new Set([...(known?.tasks ?? []), ...guarding.tasks])];
    const untilStart = [...(known?.untilStart ?? []), ...(guarding.untilStart ?? [])];
    this.#guards.set(guarding.owner, { ...guarding, tasks, untilStart });
    for (const task of now) if (!before.has(task)) this.#waits.set(task, (this.#waits.get(task) ?? 0) + 1);
  }

  /** The task has started, or counts as started. Returns the tasks that nothing is guarded against any more. */
  started(task: number): readonly number[] {
    const guard = this.#guards.get(task);
    if (guard?.untilStart === undefined) return none;
    const { untilStart, ...rest } = guard;
    this.#guards.set(task, rest);
    return untilStart.filter((each) => !rest.tasks.includes(each) && this.#unguard(each));
  }

  /** True if something is guarded against the task. */
  isKeptOut(task: number): boolean {
    return this.#waits.has(task);
  }

  /** True if only a schedule keeps the task out: the services that it needs start when it is their turn, and not when it is its turn. */
  isOnlyScheduled(task: number): boolean {
    for (const guard of this.#guards.values())
      if (guard.isScheduled !== true && guard.tasks.includes(task)) return false;
    return true;
  }

  /** The first guard that the task waits for. */
  guardAgainst(task: number): Guarding | undefined {
    for (const guard of this.#guards.values()) if (waitingFor(guard).has(task)) return guard;
    return undefined;
  }

  get hasGuards(): boolean {
    return this.#guards.size > 0;
  }

  /** True if a guard keeps some of these tasks out, and its owner is none of them. */
  keepsOut(isMember: (task: number) => boolean): boolean {
    for (const guard of this.#guards.values())
      if (!isMember(guard.owner) && [...waitingFor(guard)].some(isMember)) return true;
    return false;
  }

  /** The task has a result. Returns the tasks that nothing is guarded against any more. */
  ended(task: number): readonly number[] {
    const guard = this.#guards.get(task);
    if (guard === undefined) return none;
    this.#guards.delete(task);
    return [...waitingFor(guard)].filter((each) => this.#unguard(each));
  }

  /** Removes the oldest guard of a schedule; if there is none, all guards. Returns what they guarded. */
  giveUpGuards(): readonly Guarding[] {
    const guards = [...this.#guards.values()];
    const oldest = guards.find(({ isScheduled }) => isScheduled);
    if (oldest !== undefined) return [{ ...oldest, tasks: this.ended(oldest.owner) }];
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

function waitingFor(guard: Guarding | undefined): ReadonlySet<number> {
  return new Set([...(guard?.tasks ?? none), ...(guard?.untilStart ?? none)]);
}

const none: readonly number[] = [];
