/** Gives every task its call path, unique in the run. */

import { formatCallPath } from '@pexen/core';
import { clear } from './clear.ts';
import type { Journal } from './journal.ts';
import { NameIndex } from './name-index.ts';

export class Naming {
  readonly paths: string[] = [];
  readonly #journal: Journal;
  readonly #tasks = new NameIndex(this.paths);
  /** Call paths of those that are not just their path. */
  readonly #placed = new Map<number, readonly string[]>();
  /** Derived path → the suffix given last. */
  readonly #suffixes = new Map<string, number>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Takes the tasks from this one on away again. */
  cut(end: number): void {
    clear(this.paths, end);
    this.#tasks.cut(end);
  }

  /** Adds the next task. One without a name gets its path from `derive`. False if the path was given already. */
  name(under: readonly string[], name: string | undefined): boolean {
    const task = this.paths.length;
    this.paths.push('');
    const isPlain = under.length === 0 && name !== undefined && !/[\\/]/.test(name);
    if (!isPlain) this.#journal.put(this.#placed, task, name === undefined ? under : [...under, name]);
    return name === undefined || this.#give(task, isPlain ? name : formatCallPath([...under, name]));
  }

  /** Gives the task a name that was derived from its function, made unique by a suffix. */
  derive(task: number, name: string): void {
    const under = this.callPathOf(task);
    const base = formatCallPath([...under, name]);
    let suffix = this.#suffixes.get(base) ?? 1;
    let callPath = [...under, name];
    while (this.#tasks.find(formatCallPath(callPath)) >= 0) callPath = [...under, `${name}-${++suffix}`];
    this.#suffixes.set(base, suffix);
    this.#journal.put(this.#placed, task, callPath);
    this.#give(task, formatCallPath(callPath));
  }

  /** The task of this path; -1 if there is none. */
  taskAt(path: string): number {
    return this.#tasks.find(path);
  }

  callPathOf(task: number): readonly string[] {
    return this.#placed.get(task) ?? [this.paths[task] as string];
  }

  #give(task: number, path: string): boolean {
    this.paths[task] = path;
    return this.#tasks.find(path, task) === task;
  }
}
