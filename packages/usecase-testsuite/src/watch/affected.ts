/**
 * Which tasks a change affects, and what a run leaves to remember about it. A task is up to date if it has run, and nothing that it consists of
 * has changed since. Knows no disk, no scheduler and no terminal.
 */
import { createHash } from 'node:crypto';
import type { RememberedModules, SourceGraph } from './source-graph.ts';

/** A task, as far as it matters what it consists of. */
export interface WatchedTask {
  readonly path: string;
  /** The URL of the module of its body; absent for programs. */
  readonly module?: string | undefined;
  /** The URL of the program; its bytes are part of `digests`. */
  readonly program?: string | undefined;
  /** The digests of everything else that it consists of. */
  readonly digests: readonly string[];
  /** The paths of the tasks whose capabilities it requires. */
  readonly providers: readonly string[];
}

/** What one run hands to the next. Plain JSON. */
export interface WatchMemory {
  readonly modules: RememberedModules;
  /** The digest of the foundation. */
  readonly foundation: string;
  /** Call path → the digest of everything that the task consisted of when it ran. Only tasks that are up to date are in it. */
  readonly upToDate: Readonly<Record<string, string>>;
  /** The call paths of the tasks that failed when they ran last. */
  readonly failed: readonly string[];
  /** The call paths of the tasks that the last run was about, without those that they needed. */
  readonly last: readonly string[];
}

/** How a task ended, for the next run. */
export interface TaskEnd {
  /** It ran to its end, or it will not run until a change affects it. */
  readonly isDone: boolean;
  readonly failed: boolean;
}

/** That with which everything is loaded: the configuration, the loader, and all that they import. Imports of bodies do not belong to it. */
export interface Foundation {
  /** Of the contents. */
  readonly digest: string;
  readonly urls: ReadonlySet<string>;
}

/** The foundation that these modules are, in the graph of what this process has loaded for this run. `settings` belong to it as well. */
export function foundationOf(modules: readonly string[], graph: SourceGraph, settings = ''): Foundation {
  return {
    digest: [
      ...modules.map((url) => graph.digestOfClosure(url)),
      ...(settings === '' ? [] : [settings]),
    ].join(' '),
    urls: new Set(modules.flatMap((url) => graph.closureOf(url))),
  };
}

/** The suite before one run. */
export interface WatchedSuite {
  readonly tasks: readonly WatchedTask[];
  readonly graph: SourceGraph;
  readonly foundation: Foundation;
  /** Absent before the first run. */
  readonly memory?: WatchMemory | undefined;
  /** URLs of files that count as changed, even if their contents are as before. */
  readonly touched?: ReadonlySet<string>;
}

/** The tasks that the changes since their last runs affect. */
export class Affected {
  /** Call paths. */
  readonly paths: ReadonlySet<string>;
  readonly #suite: WatchedSuite;

  constructor(suite: WatchedSuite) {
    this.#suite = suite;
    this.paths = withDependents(suite.tasks, this.#changed());
  }

  /** What the next run is to know, after a run of some of the tasks: call path → how it ended. `last`: the tasks that it was about. */
  remember(ended: ReadonlyMap<string, TaskEnd>, last: readonly string[]): WatchMemory {
    const { tasks, graph, memory } = this.#suite;
    const failed = new Set(memory?.failed);
    for (const [path, end] of ended)
      if (end.isDone) {
        if (end.failed) failed.add(path);
        else failed.delete(path);
      }
    const isUpToDate = (path: string): boolean => ended.get(path)?.isDone ?? !this.paths.has(path);
    const known = new Set(tasks.map(({ path }) => path));
    return {
      modules: graph.remembered(),
      foundation: this.#suite.foundation.digest,
      upToDate: Object.fromEntries(
        tasks.filter(({ path }) => isUpToDate(path)).map((task) => [task.path, this.#digestOf(task)]),
      ),
      failed: [...failed].filter((path) => known.has(path)),
      last,
    };
  }

  #changed(): Set<string> {
    const { tasks, memory, foundation, touched = new Set() } = this.#suite;
    const isNew =
      memory?.foundation !== foundation.digest || [...touched].some((url) => foundation.urls.has(url));
    const hasChanged = (task: WatchedTask): boolean =>
      isNew ||
      memory.upToDate[task.path] !== this.#digestOf(task) ||
      (touched.size > 0 && [...this.#filesOf(task), task.program ?? ''].some((url) => touched.has(url)));
    return new Set(tasks.filter(hasChanged).map(({ path }) => path));
  }

  #filesOf({ module }: WatchedTask): readonly string[] {
    return module === undefined ? [] : this.#suite.graph.closureOf(module);
  }

  #digestOf(task: WatchedTask): string {
    const files = this.#suite.graph.digestOfClosure(task.module);
    return createHash('sha256')
      .update([...task.digests, files].join('\n'))
      .digest('hex')
      .slice(0, 20);
  }
}

/** The tasks and everything that requires them, directly or not. */
function withDependents(tasks: readonly WatchedTask[], changed: ReadonlySet<string>): Set<string> {
  const dependents = new Map<string, string[]>();
  for (const { path, providers } of tasks)
    for (const provider of providers) {
      const known = dependents.get(provider);
      if (known === undefined) dependents.set(provider, [path]);
      else known.push(path);
    }
  const reached = new Set(changed);
  for (const path of reached) for (const dependent of dependents.get(path) ?? []) reached.add(dependent);
  return reached;
}
