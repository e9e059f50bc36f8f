/** Gives every task its call path, unique in the run. Of a call path only its text is kept: it says the same. */

import { formatCallPath } from '@pexen/core';
import { NameIndex } from './names.ts';
import { clear, type UndoLog } from './undo-log.ts';

const nowhere: readonly string[] = [];

export class CallPaths {
  readonly paths: string[] = [];
  readonly #undoLog: UndoLog;
  readonly #tasks: NameIndex;
  /** Where tasks are that have no name yet, unless that is the top. */
  readonly #unnamed = new Map<number, readonly string[]>();
  /** Derived path → the suffix given last, where there is one. */
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

  /** Knows the derived names that several tasks share in a larger set, of which these are some. */
  countFrom(whole: CallPaths): void {
    for (const [base, suffix] of whole.#suffixes) this.#suffixes.set(base, suffix);
  }

  /** Takes the tasks from this one on away again. */
  cut(end: number): void {
    clear(this.paths, end);
    this.#tasks.cut(end);
    this.#unnamed.clear();
  }

  /** Adds the next task. One without a name gets its path from `derive`. False if the path was given already. */
  name(under: readonly string[], name: string | undefined): boolean {
    const task = this.paths.length;
    this.paths.push('');
    if (name !== undefined) return this.#give(task, pathOf(under, name));
    if (under.length > 0) this.#unnamed.set(task, under);
    return true;
  }

  /** Adds the next task, whose path is known. False if the path was given already. */
  nameAs(path: string): boolean {
    return this.#give(this.paths.push('') - 1, path);
  }

  /**
   * Gives the task a name that was derived from its function. Where its path is taken, the name gets the suffix `-2`, `-3` …: it counts
   * those of this name at this place, in the order of declaration.
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

  /** Do several tasks at the place of the task share this derived name, so that a suffix tells them apart? */
  isShared(task: number, name: string): boolean {
    return this.#suffixes.size > 0 && this.#suffixes.has(pathOf(this.callPathOf(task).slice(0, -1), name));
  }

  /** The task of this path; -1 if there is none. */
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

/** What `formatCallPath` made a text of. */
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
