/** Which tasks need locks that other runs may hold, and where each of them stands. Knows neither the other runs nor the lock table. */
import type { LockWait } from '@pexen/core';

/** It was dispatched, and the other runs are asked. */
const ASKED = 0;
/** It has everything until it is released. */
const GRANTED = 1;

interface Standing {
  /** The number of its request, from 1. Answers to earlier requests mean nothing. */
  readonly request: number;
  /** `ASKED`, `GRANTED`, or what the task waits for; it holds nothing meanwhile. */
  readonly is: typeof ASKED | typeof GRANTED | LockWait;
}

export class AcrossRuns {
  readonly #concerned = new Set<number>();
  readonly #standings = new Map<number, Standing>();
  #requests = 0;

  /** The tasks need such locks. */
  concern(tasks: readonly number[]): void {
    for (const task of tasks) this.#concerned.add(task);
  }

  concerns(task: number): boolean {
    return this.#concerned.size > 0 && this.#concerned.has(task);
  }

  /** The tasks for which others were asked, with or without an answer. */
  get all(): Iterable<number> {
    return this.#standings.keys();
  }

  get isEmpty(): boolean {
    return this.#standings.size === 0;
  }

  /** Returns the number of the request. */
  ask(task: number): number {
    this.#standings.set(task, { request: ++this.#requests, is: ASKED });
    return this.#requests;
  }

  /** The number of the request of the task, if it was not granted yet. */
  openRequestOf(task: number): number | undefined {
    return this.isGranted(task) ? undefined : this.#standings.get(task)?.request;
  }

  /** The number of the request of the task, if it was granted. */
  requestGranted(task: number): number | undefined {
    return this.isGranted(task) ? this.#standings.get(task)?.request : undefined;
  }

  grant(task: number): void {
    this.#answer(task, GRANTED);
  }

  wait(task: number, wait: LockWait): void {
    this.#answer(task, wait);
  }

  isAsked(task: number): boolean {
    return this.#standings.get(task)?.is === ASKED;
  }

  isGranted(task: number): boolean {
    return this.#standings.get(task)?.is === GRANTED;
  }

  /** What the task waits for; undefined if it does not wait for other runs. */
  waitOf(task: number): LockWait | undefined {
    const standing = this.#standings.get(task)?.is;
    return typeof standing === 'object' ? standing : undefined;
  }

  /** The task gives up what it has or waits for. Returns its request; 0 if there is none. */
  release(task: number): number {
    const { request = 0 } = this.#standings.get(task) ?? {};
    this.#standings.delete(task);
    return request;
  }

  #answer(task: number, is: Standing['is']): void {
    const { request = 0 } = this.#standings.get(task) ?? {};
    this.#standings.set(task, { request, is });
  }
}
