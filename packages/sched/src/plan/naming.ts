/** Gives every task its call path, unique in the run. */

import { formatCallPath, type Problem, type Runnable, type TaskDefinition } from '@pexen/core';
import { clear } from './clear.ts';

export class Naming {
  readonly paths: string[] = [];
  /** Path → task. */
  readonly #tasks = new Map<string, number>();
  /** Call paths of those that are not just their path. */
  readonly #placed = new Map<number, readonly string[]>();
  /** Derived path → the suffix given last. */
  readonly #suffixes = new Map<string, number>();
  /** Tasks of this batch that have no name of their own. */
  readonly #nameless: number[] = [];
  #kept = 0;

  /** The task's path, if it has a name. The nameless get theirs from `nameRest`. */
  name(task: number, under: readonly string[], name: string | undefined): Problem | undefined {
    if (name === undefined) {
      this.paths.push('');
      this.#placed.set(task, under);
      this.#nameless.push(task);
      return undefined;
    }
    const isPlain = under.length === 0 && !name.includes('/') && !name.includes('\\');
    const path = isPlain ? name : this.#place(task, [...under, name]);
    this.paths.push(path);
    const { size } = this.#tasks;
    this.#tasks.set(path, task);
    return this.#tasks.size === size ? this.#clash(path) : undefined;
  }

  /** Names derived from functions, made unique by a suffix. */
  nameRest(definition: (task: number) => TaskDefinition, tasks: readonly Runnable[]): void {
    for (const task of this.#nameless) {
      const name = derivedName(definition(task), tasks[task] as Runnable) || `task-${task + 1}`;
      const path = this.#place(task, this.#free(this.callPathOf(task), name));
      this.paths[task] = path;
      this.#tasks.set(path, task);
    }
    clear(this.#nameless);
  }

  taskAt(path: string): number | undefined {
    return this.#tasks.get(path);
  }

  callPathOf(task: number): readonly string[] {
    return this.#placed.get(task) ?? [this.paths[task] as string];
  }

  keep(): void {
    this.#kept = this.paths.length;
  }

  undo(): void {
    for (let task = this.#kept; task < this.paths.length; task++) {
      const path = this.paths[task] as string;
      if ((this.#tasks.get(path) ?? -1) >= this.#kept) this.#tasks.delete(path);
      this.#placed.delete(task);
    }
    this.paths.length = this.#kept;
    clear(this.#nameless);
  }

  #place(task: number, callPath: readonly string[]): string {
    this.#placed.set(task, callPath);
    return formatCallPath(callPath);
  }

  /** The path was taken, and is given back to who had it: the batch is refused anyway. */
  #clash(path: string): Problem {
    this.#tasks.set(path, this.paths.indexOf(path));
    return {
      code: 'PEXEN_DUPLICATE_PATH',
      message: 'this call path is given twice',
      hint: 'Give one of them another name, or place them under different parents.',
    };
  }

  #free(under: readonly string[], name: string): readonly string[] {
    const base = formatCallPath([...under, name]);
    let suffix = this.#suffixes.get(base) ?? 1;
    let callPath = [...under, name];
    while (this.#tasks.has(formatCallPath(callPath))) callPath = [...under, `${name}-${++suffix}`];
    this.#suffixes.set(base, suffix);
    return callPath;
  }
}

function derivedName({ body, address }: TaskDefinition, runnable: Runnable): string {
  if (typeof body !== 'function') return body.file.replace(/^.*[\\/]/, '');
  if (address?.kind === 'export') return address.exportPath.at(-1) ?? '';
  return body.name || runnable.name;
}
