/** Gives every task its call path, unique in the run. */
import { formatCallPath, type Problem, type Runnable, type TaskDefinition } from '@pexen/core';

export class Naming {
  /** Path → task. */
  readonly #tasks = new Map<string, number>();
  /** Derived path → the suffix given last. */
  readonly #suffixes = new Map<string, number>();
  readonly paths: string[] = [];
  readonly callPaths: (readonly string[])[] = [];
  /** Tasks of this batch that have no name of their own. */
  readonly #nameless: number[] = [];
  #kept = 0;

  /** The task's path, if it has a name. The nameless get theirs from `nameRest`. */
  name(task: number, under: readonly string[], name: string | undefined): Problem | undefined {
    const callPath = name === undefined ? under : under.length === 0 ? [name] : [...under, name];
    const path =
      name === undefined ? '' : under.length === 0 && isPlain(name) ? name : formatCallPath(callPath);
    this.paths.push(path);
    this.callPaths.push(callPath);
    if (name === undefined) this.#nameless.push(task);
    else if (this.#tasks.has(path)) return duplicate(path);
    else this.#tasks.set(path, task);
    return undefined;
  }

  /** Names derived from functions, made unique by a suffix. */
  nameRest(definitions: readonly TaskDefinition[], tasks: readonly Runnable[]): void {
    for (const task of this.#nameless) {
      const under = this.callPaths[task] as readonly string[];
      const definition = definitions[task] as TaskDefinition;
      const name = derivedName(definition, tasks[task] as Runnable) || `task-${task + 1}`;
      const callPath = this.#free(under, name);
      this.callPaths[task] = callPath;
      this.paths[task] = formatCallPath(callPath);
      this.#tasks.set(this.paths[task], task);
    }
    this.#nameless.length = 0;
  }

  taskAt(path: string): number | undefined {
    return this.#tasks.get(path);
  }

  keep(): void {
    this.#kept = this.paths.length;
  }

  undo(): void {
    for (let task = this.#kept; task < this.paths.length; task++) {
      const path = this.paths[task] as string;
      if (this.#tasks.get(path) === task) this.#tasks.delete(path);
    }
    this.paths.length = this.#kept;
    this.callPaths.length = this.#kept;
    this.#nameless.length = 0;
  }

  #free(under: readonly string[], name: string): readonly string[] {
    const base = formatCallPath([...under, name]);
    if (!this.#tasks.has(base)) return [...under, name];
    let suffix = this.#suffixes.get(base) ?? 1;
    let callPath: readonly string[];
    do callPath = [...under, `${name}-${++suffix}`];
    while (this.#tasks.has(formatCallPath(callPath)));
    this.#suffixes.set(base, suffix);
    return callPath;
  }
}

function derivedName({ body, address }: TaskDefinition, runnable: Runnable): string {
  if (typeof body !== 'function') return body.file.replace(/^.*[\\/]/, '');
  if (address?.kind === 'export') return address.exportPath.at(-1) ?? '';
  return body.name || runnable.name;
}

function isPlain(name: string): boolean {
  return !name.includes('/') && !name.includes('\\');
}

function duplicate(path: string): Problem {
  return {
    code: 'PEXEN_DUPLICATE_PATH',
    task: path,
    message: 'this call path is given twice',
    hint: 'Give one of them another name, or place them under different parents.',
  };
}
