/**
 * One run of a watched suite, in a process of its own: the configuration and the modules are loaded as they are now, the tasks that the changes
 * affect are chosen, run and reported. What is known afterwards is plain JSON, for the next round.
 */
import { realpathSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  type DigestedTask,
  type Digester,
  isBad,
  type LoadedModules,
  type Result,
  type TaskInfo,
} from '@pexen/core';
import { recordModules } from '@pexen/pool-kit/module-graph';
import type { Plan } from '@pexen/sched';
import { disk, moduleOf } from '@pexen/store';
import type { LoadedConfig } from '../config/config.ts';
import { addressOfLoader } from '../loader.ts';
import { tasksMatching } from '../plan-suite.ts';
import { reporterOf } from '../reporters/reporter-names.ts';
import { runSuite, type SuiteRunOptions } from '../run-suite.ts';
import type { ExitCode } from '../verdict/exit-code.ts';
import {
  Affected,
  type Foundation,
  foundationOf,
  type TaskEnd,
  type WatchedTask,
  type WatchMemory,
} from './affected.ts';
import { changedFiles } from './changed-files.ts';
import { Contents, SourceGraph } from './source-graph.ts';

/** Which tasks a round runs: those that changes affect, all, those that failed when they ran last, those of the last round, or named ones. */
export type RoundKind = 'affected' | 'all' | 'failed' | 'again' | 'named';

/** What a round is asked to do. Plain JSON. */
export interface RoundOrder {
  readonly kind: RoundKind;
  /** The call paths of the named ones. */
  readonly paths?: readonly string[];
  /** What the round before has left. */
  readonly memory?: WatchMemory | undefined;
  /** A query: only tasks that it selects run. */
  readonly filter?: string | undefined;
  /** Absolute paths of the files that have changed, for people. */
  readonly changed: readonly string[];
  /** Absolute paths of files that count as changed, even if their contents are as before: nothing could run since they changed. */
  readonly touched: readonly string[];
}

/** How a round ended. Plain JSON. */
export interface RoundReport {
  readonly exitCode: ExitCode;
  /** How many tasks ran because they were asked for; 0 where nothing was to run. */
  readonly ran: number;
  readonly memory: WatchMemory;
  /** The root of the suite: an absolute path. */
  readonly root: string;
  /** Absolute paths of the files outside the root, or below a folder that is not watched, that tasks consist of. */
  readonly outside: readonly string[];
  /** Absolute paths of the files that reporters wrote. */
  readonly written: readonly string[];
  /** The patterns of files whose changes do not count, relative to the root. */
  readonly ignored: readonly string[];
}

/**
 * Runs the tasks that the order asks for among those that the options select.
 * @throws PexenError as `runSuite` does, also where the filter selects nothing.
 */
export async function runRound(
  loaded: LoadedConfig,
  order: RoundOrder,
  options: SuiteRunOptions,
): Promise<RoundReport> {
  const round = new Round(loaded, order);
  const { exitCode, reason } = await runSuite(loaded, {
    ...options,
    narrow: (plan, digester) => round.choose(plan, digester),
    onLoaded: (modules) => round.loaded(modules),
    onResult: (result) => round.ended(result),
    onStart: (controls) => {
      controls.note(round.reason());
      options.onStart?.(controls);
    },
  });
  return {
    exitCode,
    root: loaded.root,
    ...round.report(reason !== undefined),
    written: writtenBy(options, loaded),
    ignored: loaded.config.watchIgnore ?? [],
  };
}

interface EndedResult {
  readonly hasStarted: boolean;
  readonly wasCancelled: boolean;
  readonly failed: boolean;
}

class Round {
  readonly #loaded: LoadedConfig;
  readonly #order: RoundOrder;
  readonly #contents = new Contents(disk);
  readonly #graph: SourceGraph;
  readonly #results = new Map<string, EndedResult>();
  readonly #record = recordModules();
  #tasks: readonly WatchedTask[] = [];
  #foundation: Foundation | undefined;
  #affected: Affected | undefined;
  #chosen: readonly string[] = [];

  constructor(loaded: LoadedConfig, order: RoundOrder) {
    this.#loaded = loaded;
    this.#order = order;
    this.#graph = new SourceGraph(this.#contents, order.memory?.modules);
  }

  /** The tasks that the round is asked to run, and what they need; undefined where there are none. */
  choose(plan: Plan, digester: Digester): Plan | undefined {
    const { memory, touched } = this.#order;
    this.#readRecord();
    const ofThisProcess = new SourceGraph(this.#contents);
    if (this.#record !== undefined) ofThisProcess.add(this.#record.since(0));
    this.#foundation = foundationOf(modulesOf(this.#loaded), ofThisProcess, this.#loaded.data?.settings);
    this.#tasks = watchedTasks(plan, digester, this.#loaded.root);
    this.#affected = new Affected({
      ...{ tasks: this.#tasks, graph: this.#graph, memory },
      foundation: this.#foundation,
      touched: new Set(touched.map((path) => pathToFileURL(realPath(path)).href)),
    });
    const asked = this.#asked(plan, this.#affected);
    const chosen = plan.select(({ path, pulledIn }) => pulledIn === undefined && asked.has(path));
    this.#chosen = chosen.tasks.filter(({ pulledIn }) => pulledIn === undefined).map(({ path }) => path);
    return this.#chosen.length === 0 ? undefined : chosen;
  }

  loaded(modules: LoadedModules): void {
    this.#graph.add(modules);
  }

  ended({ path, attempts, status, judgement }: Result): void {
    this.#results.set(path, {
      ...{ hasStarted: attempts.length > 0, wasCancelled: status === 'cancelled' },
      failed: judgement !== undefined && isBad(judgement.verdict),
    });
  }

  /** Why the round runs, for people. */
  reason(): string {
    const { kind, changed, filter } = this.#order;
    const count = this.#chosen.length;
    const tests = count === 1 ? '1 test' : `${count} tests`;
    const of = filter === undefined ? '' : `, of those that ${JSON.stringify(filter)} selects`;
    switch (kind) {
      case 'affected':
        return changed.length === 0
          ? `Running ${tests}${of}.`
          : `${changedFiles(changed, this.#loaded.root)}: running ${tests}${of}.`;
      case 'all':
        return `Running ${tests}${of}.`;
      case 'failed':
        return `Running ${tests} that failed${of}.`;
      case 'again':
        return `Running the last ${tests} again${of}.`;
      case 'named':
        return `Running ${tests} as asked.`;
      default:
        return kind satisfies never;
    }
  }

  /** `wasStopped`: tasks may not have run although they could have. */
  report(wasStopped: boolean): Pick<RoundReport, 'ran' | 'memory' | 'outside'> {
    this.#readRecord();
    const { memory } = this.#order;
    if (this.#affected === undefined) throw new Error('the suite was not planned');
    const last = this.#chosen.length === 0 ? (memory?.last ?? []) : this.#chosen;
    return {
      ran: this.#chosen.length,
      memory: this.#affected.remember(this.#ended(wasStopped), last),
      outside: this.#outside(),
    };
  }

  /** A task that was skipped for what it requires runs when that changes. */
  #ended(wasStopped: boolean): ReadonlyMap<string, TaskEnd> {
    const isDone = ({ hasStarted, wasCancelled }: EndedResult): boolean =>
      hasStarted ? !wasCancelled : !wasStopped;
    return new Map(
      [...this.#results].map(([path, end]) => [path, { isDone: isDone(end), failed: end.failed }]),
    );
  }

  #asked(plan: Plan, affected: Affected): ReadonlySet<string> {
    const { kind, memory, filter, paths = [] } = this.#order;
    if (kind === 'named') return new Set(paths);
    const matching =
      filter === undefined ? undefined : tasksMatching(plan, { queries: [filter] }, this.#loaded);
    const wanted = {
      affected: affected.paths,
      all: new Set(this.#tasks.map(({ path }) => path)),
      failed: new Set(memory?.failed),
      again: new Set(memory?.last),
    }[kind];
    return matching === undefined ? wanted : new Set([...wanted].filter((path) => matching.has(path)));
  }

  #readRecord(): void {
    if (this.#record !== undefined) this.#graph.add(this.#record.since(0));
  }

  /** Files that are watched one by one, since they are not below the root. */
  #outside(): readonly string[] {
    const modules = new Set(this.#tasks.flatMap(({ module }) => module ?? []));
    const files = [...modules].flatMap((url) => this.#graph.closureOf(url));
    const programs = this.#tasks.flatMap(({ program }) => program ?? []);
    const loaded = [...files, ...programs, ...(this.#foundation?.urls ?? [])]
      .filter((url) => url.startsWith('file:') && !url.endsWith('/'))
      .map((url) => fileURLToPath(url));
    return [...new Set([...loaded, ...(this.#loaded.data?.files ?? [])])]
      .filter((path) => /^\.\.(?:\/|$)/.test(relative(this.#loaded.root, path)))
      .sort();
  }
}

function watchedTasks(plan: Plan, digester: Digester, root: string): readonly WatchedTask[] {
  const infos = plan.describe(root);
  const providers = providersBy(infos);
  return plan.digested().map((task, at) => {
    const { path, requires = [] } = infos[at] as TaskInfo;
    const needed = requires.flatMap(({ capabilities }) =>
      capabilities.flatMap((name) => providers.get(name) ?? []),
    );
    return { path, ...sourcesOf(task, digester), providers: [...new Set(needed)] };
  });
}

/** Capability → the paths of the tasks that provide it. */
function providersBy(infos: readonly TaskInfo[]): ReadonlyMap<string, readonly string[]> {
  const providers = new Map<string, string[]>();
  for (const { path, provides = [] } of infos)
    for (const name of [`task:${path}`, ...provides])
      providers.set(name, [...(providers.get(name) ?? []), path]);
  return providers;
}

/** The code of a function is what its module imports, and that is followed here, from run to run. */
function sourcesOf(
  task: DigestedTask,
  digester: Digester,
): Pick<WatchedTask, 'module' | 'program' | 'digests'> {
  const { meaning, code, data, limits } = digester.digestsOf(task);
  const { body } = task.definition;
  return typeof body === 'function'
    ? { module: moduleOf(task), digests: [meaning, data, limits] }
    : { program: pathToFileURL(body.file).href, digests: [meaning, code, data, limits] };
}

/** The modules with which everything is loaded. A configuration that is data is none: its tasks count one by one. */
function modulesOf({ config, root, file, data }: LoadedConfig): readonly string[] {
  return [
    ...(file === undefined || data !== undefined ? [] : [pathToFileURL(realPath(file)).href]),
    ...(config.loader === undefined ? [] : [addressOfLoader(config.loader, root)]),
  ];
}

/** Modules are known by their real paths. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The reports of the run: their changes are not changes of the suite. */
function writtenBy(
  { reporters, record }: SuiteRunOptions,
  { config, root }: LoadedConfig,
): readonly string[] {
  const choices = reporters ?? config.reporters ?? [];
  const reports = choices.flatMap((choice) => {
    const { file } = reporterOf(choice);
    return file === undefined ? [] : resolve(root, file);
  });
  return record === undefined ? reports : [...reports, resolve(record)];
}
