/**
 * Records which module imports which in this process or thread, as Node resolves them: static and computed imports, `require`, JSON and TypeScript,
 * with any loader. Knows nothing of tasks, and hashes nothing.
 */
import { subscribe } from 'node:diagnostics_channel';
import { statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fileStamp, type LoadedModules, loadedBefore, loadersForOthers, modulePlace } from '@pexen/core';

/** The modules that a process or thread has loaded since it started to record. */
export interface ModuleRecord {
  /** Grows with everything that is recorded. */
  readonly length: number;
  /** The part of the record after this length; everything for 0. */
  since(length: number): LoadedModules;
}

const recordKey: unique symbol = Symbol.for('pexen.modules') as never;
type World = { [recordKey]?: Recorder | undefined };

/**
 * Starts to record, once in a process or thread. Modules that were loaded before are not in the record: call it before users' modules are loaded.
 * Undefined where the runtime has no synchronous module hooks.
 */
export function recordModules(): ModuleRecord | undefined {
  const world = globalThis as World;
  if (world[recordKey] === undefined && typeof nodeModule.registerHooks === 'function') {
    const recorder = new Recorder();
    world[recordKey] = recorder;
    recorder.start();
  }
  return world[recordKey];
}

/** The record of this process or thread, if it records. */
export function moduleRecord(): ModuleRecord | undefined {
  return (globalThis as World)[recordKey];
}

let reported = 0;

/** For a worker: the modules loaded since the last call; undefined if there are none or it does not record. */
export function newModules(): LoadedModules | undefined {
  const record = moduleRecord();
  if (record === undefined || record.length === reported) return undefined;
  const modules = record.since(reported);
  reported = record.length;
  return modules;
}

/** What pexen's own packages import depends on the pool that a task runs in, and on what the command does; their version is enough. */
const ourPackages = /\/node_modules\/(?:pexen|@pexen\/[^/]+)\/$/;
/** The same packages as they are developed: they are linked, and not installed. */
const ourWorkspace = /^((?:(?!\/node_modules\/).)*\/)packages\/pool-kit\/(?:src|dist)\//.exec(
  import.meta.url,
)?.[1];

function isOurs(place: string): boolean {
  if (ourPackages.test(place)) return true;
  if (ourWorkspace === undefined || !place.startsWith(ourWorkspace)) return false;
  return /^(?:packages\/[^/]+|apps\/pexen)\/(?:src|dist)\//.test(place.slice(ourWorkspace.length));
}

/** The message of Node on `tracing:module.require:end`. */
interface Required {
  readonly parentFilename?: string | undefined;
  readonly id?: string | undefined;
}

class Recorder implements ModuleRecord {
  readonly #loaders = loadersForOthers();
  readonly #nodes = new Map<string, number>();
  readonly #urls: string[] = [];
  readonly #stamps: string[] = [];
  /** Both in the order in which they came: numbers below 0 are modules, others are edges. */
  readonly #log: number[] = [];
  readonly #parents: number[] = [];
  readonly #children: number[] = [];
  readonly #known = new Set<string>();
  /** Specifiers that were resolved, by the module that has them. */
  readonly #resolved = new Set<string>();

  get length(): number {
    return this.#log.length;
  }

  start(): void {
    nodeModule.registerHooks({
      resolve: (specifier, context, next) => {
        const resolved = next(specifier, context);
        this.#note(context.parentURL, specifier, resolved.url);
        return resolved;
      },
    });
    // A second module of a directory that requires the same is answered from a cache, and no hook is called.
    subscribe('tracing:module.require:end', (message) => this.#required(message as Required));
  }

  since(length: number): LoadedModules {
    const excerpt = new Excerpt(this.#urls, this.#stamps);
    const edges: number[] = [];
    for (const entry of this.#log.slice(length)) {
      if (entry < 0) excerpt.at(-entry - 1);
      else
        edges.push(excerpt.at(this.#parents[entry] as number), excerpt.at(this.#children[entry] as number));
    }
    return { urls: excerpt.urls, stamps: excerpt.stamps, edges };
  }

  /** Modules without a parent are entries of a process, or are resolved twice. */
  #note(parent: string | undefined, specifier: string, child: string): void {
    if (parent === undefined) return;
    this.#resolved.add(`${parent}\n${specifier}`);
    this.#add(parent, child);
  }

  #add(parent: string, child: string): void {
    if (child.startsWith('node:')) return;
    const to = this.#nodeAt(child);
    if (this.#loaders.has(parent) || isOurs(modulePlace(parent))) return;
    const from = this.#nodeAt(parent, loadedBefore);
    const key = `${from} ${to}`;
    if (from === to || this.#known.has(key)) return;
    this.#known.add(key);
    this.#log.push(this.#parents.length);
    this.#parents.push(from);
    this.#children.push(to);
  }

  #nodeAt(url: string, stamp?: string): number {
    const place = modulePlace(url);
    const known = this.#nodes.get(place);
    if (known !== undefined) return known;
    const node = this.#urls.push(place) - 1;
    this.#nodes.set(place, node);
    this.#stamps.push(stamp === undefined || isPackage(place) ? stampOf(place) : stamp);
    this.#log.push(-node - 1);
    return node;
  }

  #required({ parentFilename, id }: Required): void {
    if (parentFilename === undefined || id === undefined || nodeModule.isBuiltin(id)) return;
    const parent = pathToFileURL(parentFilename).href;
    if (this.#resolved.has(`${parent}\n${id}`)) return;
    this.#resolved.add(`${parent}\n${id}`);
    try {
      this.#add(parent, pathToFileURL(nodeModule.createRequire(parentFilename).resolve(id)).href);
    } catch {
      // The module does not exist: the file that requires it handles that, or its attempt fails.
    }
  }
}

/** Some of the modules, with numbers of their own. */
class Excerpt {
  readonly urls: string[] = [];
  readonly stamps: string[] = [];
  readonly #all: readonly string[];
  readonly #allStamps: readonly string[];
  readonly #places = new Map<number, number>();

  constructor(urls: readonly string[], stamps: readonly string[]) {
    this.#all = urls;
    this.#allStamps = stamps;
  }

  at(node: number): number {
    const known = this.#places.get(node);
    if (known !== undefined) return known;
    const place = this.urls.push(this.#all[node] as string) - 1;
    this.stamps.push(this.#allStamps[node] as string);
    this.#places.set(node, place);
    return place;
  }
}

/** The state of a file of the project, before it is read: it must be the same when it is hashed. */
function stampOf(place: string): string {
  if (!place.startsWith('file:') || isPackage(place)) return '';
  try {
    return fileStamp(statSync(fileURLToPath(place), { bigint: true, throwIfNoEntry: false }));
  } catch {
    return '';
  }
}

function isPackage(place: string): boolean {
  return place.endsWith('/');
}
