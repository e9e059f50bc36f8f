/** Which exports of a module are tasks, the way from the module to each, and its name. Knows nothing of files or call paths. */
import {
  definitionKey,
  hasMeta,
  isMaker,
  isPlaced,
  isTask,
  metaOf,
  type PlacedTask,
  type PlainFunction,
  type Problem,
  type Runnable,
  takesInput,
} from '@pexen/core';
import { patterns } from '../names.ts';
import type { ExportOptions } from '../options.ts';

/** An exported task of a module. */
export interface ExportedTask {
  readonly runnable: Runnable;
  /** The path from the namespace to it; undefined where a worker could not follow it. */
  readonly exportPath: readonly string[] | undefined;
  /** Its place below the module; the default export takes the place of the module itself. */
  readonly under: readonly string[];
  /** Undefined where it has its own name, which the run makes unique. */
  readonly name: string | undefined;
  readonly isDefault: boolean;
  /** True for items of an exported list or generator. */
  readonly isItem: boolean;
}

/** A task whose args are not bound yet, and the name of its export. */
interface Unbound {
  readonly runnable: Runnable;
  readonly name: string;
}

/** All tasks of a module, and exports that are not tasks although they should be. */
export interface ExportedTasks {
  readonly tasks: readonly ExportedTask[];
  /** Templates: tasks whose args are not bound yet. */
  readonly unbound: readonly Unbound[];
  readonly problems: readonly Pick<Problem, 'code' | 'message' | 'hint'>[];
  /** The names of all other exported functions. */
  readonly functions: readonly string[];
}

/** Is the export of this name selected, with or without metadata? */
export type NameMatch = (name: string) => boolean;

/** Makes the predicate of the option `match`. */
export function nameMatch({ match }: ExportOptions): NameMatch {
  if (match === undefined) return () => false;
  if (match instanceof RegExp)
    return (name) => new RegExp(match.source, match.flags.replace(/[gy]/g, '')).test(name);
  const names = patterns(typeof match === 'string' ? [match] : match);
  return (name) => names.matches(name);
}

/** Searches the namespace of a module. */
export async function exportedTasks(namespace: object, isMeant: NameMatch): Promise<ExportedTasks> {
  const search = new Search(isMeant);
  for (const [name, value] of Object.entries(namespace)) {
    // Importing a CommonJS module yields this in addition to `default`.
    if (name === 'module.exports') continue;
    if (name === 'default' && isPlainObject(value) && !isPlaced(value)) {
      for (const [key, inner] of Object.entries(value)) await search.look(key, inner, ['default', key]);
    } else await search.look(name, value, [name]);
  }
  return search;
}

class Search implements ExportedTasks {
  readonly tasks: ExportedTask[] = [];
  readonly unbound: Unbound[] = [];
  readonly problems: Pick<Problem, 'code' | 'message' | 'hint'>[] = [];
  readonly functions: string[] = [];
  readonly #isMeant: NameMatch;

  constructor(isMeant: NameMatch) {
    this.#isMeant = isMeant;
  }

  async look(name: string, value: unknown, exportPath: readonly string[]): Promise<void> {
    const isDefault = name === 'default';
    const under = isDefault ? [] : [name];
    if (isMaker(value)) {
      if (!takesInput(value)) this.#lookThrough(name, under, value(undefined), undefined);
    } else if (isUnbound(value)) this.unbound.push({ runnable: value, name });
    else if (this.#isRunnable(value, name)) this.#takeExport(value, name, exportPath, []);
    else if (isPlaced(value)) this.#lookAtPlaced(name, value, [...exportPath, 'task']);
    else if (isPlainObject(value)) this.#lookIntoObject(name, value, exportPath);
    else if (isFunction(value)) this.functions.push(name);
    else if (Array.isArray(value)) this.#lookThrough(name, under, value, exportPath);
    else if (isGenerator(value)) this.#lookThrough(name, under, await itemsOf(value), undefined);
  }

  #lookAtPlaced(name: string, { under, task }: PlacedTask, exportPath: readonly string[]): void {
    if (isUnbound(task)) this.unbound.push({ runnable: task, name });
    else if (isFunction(task)) this.#takeExport(task, name, exportPath, under);
  }

  /** Takes the tasks in it; ignores everything else. */
  #lookIntoObject(
    name: string,
    object: Readonly<Record<string, unknown>>,
    exportPath: readonly string[],
  ): void {
    for (const [key, value] of Object.entries(object)) {
      const way = [...exportPath, key];
      if (isPlaced(value))
        this.#lookAtPlaced(key, { ...value, under: [name, ...value.under] }, [...way, 'task']);
      else if (isUnbound(value)) this.unbound.push({ runnable: value, name: key });
      else if (isTask(value) || hasMeta(value)) this.#takeExport(value as Runnable, key, way, [name]);
    }
  }

  #takeExport(
    runnable: Runnable,
    exportName: string,
    exportPath: readonly string[],
    under: readonly string[],
  ): void {
    const isDefault = exportName === 'default';
    const name = metaOf(runnable).name ?? (isDefault ? undefined : exportName);
    this.tasks.push({ runnable, exportPath, under, name, isDefault, isItem: false });
  }

  /** A list with a task in it is a list of tasks. */
  #lookThrough(
    name: string,
    under: readonly string[],
    items: readonly unknown[],
    exportPath: readonly string[] | undefined,
  ): void {
    const isMeant = this.#isMeant(name);
    if (
      !items.some((item) => isPlaced(item) || isTask(item) || hasMeta(item) || (isMeant && isFunction(item)))
    )
      return;
    for (const [index, item] of items.entries()) {
      const placed = isPlaced(item) ? item : { under: [], task: item };
      const way = exportPath && [...exportPath, String(index), ...(isPlaced(item) ? ['task'] : [])];
      if (!isFunction(placed.task)) this.#reportNoTask(name, index);
      else if (isUnbound(placed.task)) this.unbound.push({ runnable: placed.task, name });
      else this.#takeItem(placed.task, index, [...under, ...placed.under], way);
    }
  }

  #takeItem(
    runnable: Runnable,
    index: number,
    under: readonly string[],
    exportPath: readonly string[] | undefined,
  ): void {
    const name = metaOf(runnable).name ?? (isNameless(runnable) ? String(index) : undefined);
    this.tasks.push({ runnable, exportPath, under, name, isDefault: false, isItem: true });
  }

  #isRunnable(value: unknown, name: string): value is Runnable {
    return isTask(value) || hasMeta(value) || (isFunction(value) && this.#isMeant(name));
  }

  #reportNoTask(name: string, index: number): void {
    this.problems.push({
      code: 'PEXEN_NOT_A_TASK',
      message: `${name}[${index}] is not a task, though the list has tasks`,
      hint: 'Export a list that contains only tasks.',
    });
  }
}

function isFunction(value: unknown): value is PlainFunction {
  return typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value));
}

function isUnbound(value: unknown): value is Runnable {
  return isTask(value) && value[definitionKey].isUnbound;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** True for generators; streams and other iterables are ignored. */
function isGenerator(value: unknown): value is Generator | AsyncGenerator {
  return ['[object Generator]', '[object AsyncGenerator]'].includes(Object.prototype.toString.call(value));
}

/** Remembers the items of generators, since a generator can be read only once but a factory can be used again. */
const read = new WeakMap<object, Promise<readonly unknown[]>>();

function itemsOf(generator: Generator | AsyncGenerator): Promise<readonly unknown[]> {
  const known = read.get(generator);
  if (known !== undefined) return known;
  const items = readAll(generator);
  read.set(generator, items);
  return items;
}

/** Stops at the first item that is not a task: the generator then makes something else. */
async function readAll(generator: Generator | AsyncGenerator): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  for await (const item of generator) {
    items.push(item);
    if (!isPlaced(item) && !isFunction(item)) break;
  }
  return items;
}

/** Runnables that were named by this file. */
const named = new WeakSet<Runnable>();

/** Names a runnable without a name after its export. */
export function nameAfterExport(runnable: Runnable, name: string): void {
  if (runnable.name === '' && Reflect.defineProperty(runnable, 'name', { value: name })) named.add(runnable);
}

/** Does it have no name besides that of its export? It may have been named before, since a factory can be used again. */
function isNameless(runnable: Runnable): boolean {
  return runnable.name === '' || named.has(runnable);
}
