/** Makes the pools of a run and compiles its tasks for them. Nothing is opened, and nothing runs. */
import {
  isPexenError,
  listOfTasks,
  type Pool,
  type PoolManifest,
  type Problem,
  poolInUse,
  problem,
  refuse,
} from '@pexen/core';
import { CompiledTasks } from '../plan/compiled-tasks.ts';
import type { CompileOptions, Entry, PlanPool } from '../plan/planned.ts';
import { inline } from './inline-pool.ts';
import {
  checkOptions,
  checkPool,
  type GroupOptions,
  isGiven,
  type PlanOptions,
  type PoolSource,
  type RunOptions,
} from './options.ts';

/** Pools in the order of their numbers. */
export interface Pools {
  readonly made: readonly Pool[];
  /** What the compiled tasks know about them. */
  readonly planned: readonly PlanPool[];
}

/** Tasks, which one run may extend, and the pools for which they are compiled. */
export interface Setup {
  readonly pools: Pools;
  readonly tasks: CompiledTasks;
}

/** What was checked before a run, which needs no more of it. So a run does not bring along what plans can do besides. */
export abstract class Prepared {
  abstract prepare(options: RunOptions): Setup;
}

/** Pools that are used by a run which has not closed them for good. */
const inUse = new WeakSet<Pool>();

/** Until the returned function is called, `run` refuses the pools. A pool that another run uses reports that when it is opened. */
export function occupy(pools: readonly Pool[]): () => void {
  const free = pools.filter((pool) => !inUse.has(pool));
  for (const pool of free) inUse.add(pool);
  return () => {
    for (const pool of free) inUse.delete(pool);
  };
}

/** A problem for each pool that was given as an object and is used by another run. */
export function poolsInUse(options: PlanOptions): readonly Problem[] {
  return sourcesOf(options).flatMap(({ key, source }) =>
    isGiven(source) && inUse.has(source)
      ? poolInUse().problems.map((each) => ({ ...each, message: `${key}: ${each.message}` }))
      : [],
  );
}

/**
 * Calls the pool factories; opens nothing. `known` are the problems of the pools found before.
 * @throws PexenError PEXEN_BAD_OPTION; PEXEN_POOL_IN_USE if one object is given as two pools.
 */
export function makePools(options: PlanOptions, known: readonly Problem[] = []): Pools {
  const made: Pool[] = [];
  const planned: PlanPool[] = [];
  const problems: Problem[] = [...known];
  for (const { key, name, source, spare, group, isForPrograms } of sourcesOf(options)) {
    if (isForPrograms && planned[0]?.manifest.executables !== false) continue;
    const pool = isGiven(source) ? source : source();
    const found = isGiven(source)
      ? checkGiven(key, pool, made)
      : checkPool(`what ${key}() makes`, pool ?? null);
    problems.push(...found);
    if (found.length > 0) continue;
    const { manifest } = pool;
    made.push(pool);
    planned.push({
      ...{ name, manifest, spare: spare ?? (manifest.transport === 'reference' ? 0 : 1), isForPrograms },
      group: group && { exclusive: group.exclusive ?? true, workers: group.workers ?? Infinity },
    });
  }
  refuse(problems);
  return { made, planned };
}

/**
 * Makes the pools and compiles the tasks, for a plan or directly for a run, whose pools must not be in use.
 * @throws PexenError with all problems of the options and of the tasks.
 */
export function setUp(
  entries: Iterable<Entry>,
  options: PlanOptions,
  of: 'plan' | 'run',
): Setup & { readonly entries: readonly Entry[] } {
  let pools: Pools;
  let tasks: CompiledTasks;
  try {
    refuse(checkOptions(of, options));
    pools = makePools(options, of === 'run' ? poolsInUse(options) : []);
    const { capacities, facts, defaults, overrides, onWarning, weights, first, unavailable } = options;
    const { readOn, here, nodeResources, schedule } = options;
    tasks = new CompiledTasks({
      ...{
        pools: pools.planned,
        capacities,
        nodeResources,
        facts,
        weights,
        first,
        schedule,
        unavailable,
        readOn,
        here,
        defaults,
        overrides,
        onWarning,
      },
    });
  } catch (error) {
    if (isPexenError(error)) refuse([...error.problems, ...problemsOfTasks(entries, options)]);
    throw error;
  }
  const list = listOfTasks(entries);
  tasks.add(list);
  return { entries: list, pools, tasks };
}

interface NamedSource {
  /** The option, as the user writes it. */
  readonly key: string;
  readonly name: string;
  readonly source: PoolSource;
  readonly spare: number | undefined;
  readonly isForPrograms?: true;
  readonly group?: GroupOptions;
}

function sourcesOf(options: PlanOptions): readonly NamedSource[] {
  const { pool = inline, programPool, pools = {}, groups = {}, spare } = options;
  return [
    { key: 'pool', name: 'default', source: pool, spare },
    ...(programPool === undefined
      ? []
      : [{ key: 'programPool', name: 'programs', source: programPool, spare, isForPrograms: true as const }]),
    ...Object.entries(pools).map(([name, source]) => ({ key: `pools.${name}`, name, source, spare })),
    ...Object.entries(groups).map(([name, group]) => ({
      ...{ key: `groups.${name}.pool`, name, source: group.pool },
      ...{ spare: group.spare ?? spare, group },
    })),
  ];
}

/** One object cannot be two pools of a run. */
function checkGiven(key: string, pool: Pool, others: readonly Pool[]): readonly Problem[] {
  if (!others.includes(pool)) return [];
  const message = `${key} is the same object as another pool of the run`;
  return [problem('PEXEN_POOL_IN_USE', message, 'Make one for each, as in pool: () => inline().')];
}

/** Accepts everything: with wrong options it is unknown what a pool accepts. */
const standIn: PoolManifest = {
  name: '',
  kills: false,
  transport: 'reference',
  closures: true,
  executables: true,
  nodes: 'open',
};

/** Problems that are only consequences of wrong capacities and facts. */
const consequences: ReadonlySet<string> = new Set([
  'PEXEN_AMOUNT_UNKNOWN',
  'PEXEN_AMOUNT_TOO_LARGE',
  'PEXEN_WHEN_THREW',
]);

function problemsOfTasks(entries: Iterable<Entry>, options: PlanOptions): readonly Problem[] {
  const { pools, groups, capacities, nodeResources, facts, readOn, here } = options ?? {};
  const planned = ['default', ...namesOf(pools)].map(
    (name): PlanPool => ({ name, manifest: standIn, spare: 0 }),
  );
  const group = { exclusive: true, workers: Infinity };
  for (const name of namesOf(groups)) planned.push({ name, manifest: standIn, spare: 0, group });
  const compiled = compileUnlessRefused({
    ...{ pools: planned, capacities, nodeResources, facts, readOn, here },
  });
  try {
    (compiled ?? new CompiledTasks({ pools: planned })).add(entries);
  } catch (error) {
    // Other errors are consequences of the wrong options.
    if (isPexenError(error))
      return error.problems.filter(({ code }) => compiled !== undefined || !consequences.has(code));
  }
  return [];
}

/** Undefined if capacities or facts are wrong. */
function compileUnlessRefused(options: CompileOptions): CompiledTasks | undefined {
  if (!['object', 'undefined'].includes(typeof options.facts) || options.facts === null) return undefined;
  try {
    return new CompiledTasks(options);
  } catch {
    return undefined;
  }
}

function namesOf(record: unknown): string[] {
  return typeof record === 'object' && record !== null ? Object.keys(record) : [];
}
