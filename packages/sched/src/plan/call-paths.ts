/** Gives every task its call path, which is unique in the run. Only the text of a call path is kept; its parts can be recovered from it. */

import { formatCallPath } from '@pexen/core';
import { NameIndex } from './names.ts';
import { clear, type UndoLog } from './undo-log.ts';

const nowhere: readonly string[] = [];

export class CallPaths {
  readonly paths: string[] = [];
  readonly #undoLog: UndoLog;
  readonly #tasks: NameIndex;
  /** The parents of tasks that have no name yet, unless they are at the top. */
  readonly #unnamed = new Map<number, readonly string[]>();
  /** Derived path → the last suffix that it got. */
  readonly #suffixes = new Map<string, number>();

  /** Empty, or a copy. */
  constructor(undoLog: UndoLog, of?: CallPaths) {
    this.#undoLog = undoLog;
    if (of === undefined) this.#tasks = new NameIndex(this.paths);
    else {
      this.paths = of.paths.slice();
      this.#tasks = new NameIndex(this.paths, of.#tasks);
      this.#suffixes = new Map(of.#suffixes);
    }
  }

  /** Takes over the derived names that several tasks share in a larger set from which these tasks were selected. */
  countFrom(whole: CallPaths): void {
    for (const [base, suffix] of whole.#suffixes) this.#suffixes.set(base, suffix);
  }

  /** Removes the tasks from this one on. */
  cut(end: number): void {
    clear(this.paths, end);
    this.#tasks.cut(end);
    this.#unnamed.clear();
  }

  /** Adds the next task. A task without a name gets its path from `derive`. False if another task has the path. */
  name(under: readonly string[], name: string | undefined): boolean {
    const task = this.paths.length;
    this.paths.push('');
    if (name !== undefined) return this.#give(task, pathOf(under, name));
    if (under.length > 0) this.#unnamed.set(task, under);
    return true;
  }

  /** Adds the next task with a known path. False if another task has the path. */
  nameAs(path: string): boolean {
    return this.#give(this.paths.push('') - 1, path);
  }

  /** Removes the last task, whose path another one has. */
  dropLast(): void {
    this.paths.pop();
  }

  /**
   * Gives the task a name that was derived from its function. If its path is taken, the name gets the suffix `-2`, `-3` …, which counts the
   * tasks of this name at this place in the order of declaration.
   */
  derive(task: number, name: string): void {
    const under = this.#unnamed.get(task) ?? nowhere;
    this.#unnamed.delete(task);
    const base = pathOf(under, name);
    let path = base;
    if (this.#tasks.find(base) >= 0) {
      let suffix = this.#suffixes.get(base) ?? 1;
      while (this.#tasks.find(path) >= 0) path = pathOf(under, `${name}-${++suffix}`);
      this.#undoLog.put(this.#suffixes, base, suffix);
    }
    this.#give(task, path);
  }

  /** True if several tasks at the same place share this derived name, so that a suffix distinguishes them. */
  isShared(task: number, name: string): boolean {
    return this.#suffixes.size > 0 && this.#suffixes.has(pathOf(this.callPathOf(task).slice(0, -1), name));
  }

  /** The task with this path; -1 if there is none. */
  taskAt(path: string): number {
    return this.#tasks.find(path);
  }

  callPathOf(task: number): readonly string[] {
    return partsOf(this.paths[task] as string);
  }

  #give(task: number, path: string): boolean {
    this.paths[task] = path;
    return this.#tasks.find(path, task) === task;
  }
}

function pathOf(under: readonly string[], name: string): string {
  return under.length === 0 ? textOf(name) : formatCallPath([...under, name]);
}

function textOf(name: string): string {
  return /[\\/]/.test(name) ? formatCallPath([name]) : name;
}

/** The parts from which `formatCallPath` made the text. */
function partsOf(path: string): readonly string[] {
  if (!path.includes('\\')) return path.includes('/') ? path.split('/') : [path];
  const parts: string[] = [];
  let part = '';
  for (let at = 0; at < path.length; at++) {
    if (path[at] === '/') {
      parts.push(part);
      part = '';
    } else part += path.charAt(path[at] === '\\' ? ++at : at);
  }
  return [...parts, part];
}
