/** Makes the pools of a run, and compiles its tasks for them. */
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
import { checkOptions, checkPool, isGiven } from './option-types.ts';
import type { GroupOptions, PlanOptions, PoolSource } from './options.ts';

/** Pools in the order in which they are numbered. */
export interface Pools {
  readonly made: readonly Pool[];
  /** What the compiled tasks have to know of them. */
  readonly planned: readonly PlanPool[];
}

/** Tasks, and the pools that they are compiled for. */
export interface Setup {
  readonly entries: readonly Entry[];
  readonly pools: Pools;
  readonly tasks: CompiledTasks;
}

/** Pools that a run has begun to use, and has not closed for good. */
const inUse = new WeakSet<Pool>();

/** From now on, until the returned function is called, `run` refuses the pools. Those that another run has say so when they are opened. */
export function occupy(pools: readonly Pool[]): () => void {
  const free = pools.filter((pool) => !inUse.has(pool));
  for (const pool of free) inUse.add(pool);
  return () => {
    for (const pool of free) inUse.delete(pool);
  };
}

/** A problem for each pool that was given as an object and that another run uses. */
export function poolsInUse(options: PlanOptions): readonly Problem[] {
  return sourcesOf(options).flatMap(({ key, source }) =>
    isGiven(source) && inUse.has(source)
      ? poolInUse().problems.map((each) => ({ ...each, message: `${key}: ${each.message}` }))
      : [],
  );
}

/**
 * Calls the pool factories; opens nothing. `known` is what is wrong with the pools already.
 * @throws PexenError PEXEN_BAD_OPTION; PEXEN_POOL_IN_USE where one object is given as two pools.
 */
export function makePools(options: PlanOptions, known: readonly Problem[] = []): Pools {
  const made: Pool[] = [];
  const planned: PlanPool[] = [];
  const problems: Problem[] = [...known];
  for (const { key, name, source, spare, group } of sourcesOf(options)) {
    const pool = isGiven(source) ? source : source();
    const found = isGiven(source)
      ? checkGiven(key, pool, made)
      : checkPool(`what ${key}() makes`, pool ?? null);
    problems.push(...found);
    if (found.length > 0) continue;
    const { manifest } = pool;
    made.push(pool);
    planned.push({
      ...{ name, manifest, spare: spare ?? (manifest.transport === 'reference' ? 0 : 1) },
      group: group && { exclusive: group.exclusive ?? true, workers: group.workers ?? Infinity },
    });
  }
  refuse(problems);
  return { made, planned };
}

/**
 * Makes the pools and compiles the tasks, for a plan or at once for a run, whose pools must not be in use.
 * @throws PexenError with everything that is wrong with the options and with the tasks.
 */
export function setUp(entries: Iterable<Entry>, options: PlanOptions, of: 'plan' | 'run'): Setup {
  let pools: Pools;
  let tasks: CompiledTasks;
  try {
    refuse(checkOptions(of, options));
    pools = makePools(options, of === 'run' ? poolsInUse(options) : []);
    const { capacities, facts, defaults, onWarning, weights } = options;
    tasks = new CompiledTasks({
      ...{ pools: pools.planned, capacities, facts, weights, defaults, onWarning },
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
  /** The option, as people write it. */
  readonly key: string;
  readonly name: string;
  readonly source: PoolSource;
  readonly spare: number | undefined;
  readonly group?: GroupOptions;
}

function sourcesOf({ pool = inline, pools = {}, groups = {}, spare }: PlanOptions): readonly NamedSource[] {
  return [
    { key: 'pool', name: 'default', source: pool, spare },
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
  const message = `${key} is a pool that the run has already under another name`;
  return [problem('PEXEN_POOL_IN_USE', message, 'Make one for each, as in pool: () => inline().')];
}

/** Takes everything: what a pool cannot take is not known where the options are wrong. */
const standIn: PoolManifest = {
  name: '',
  kills: false,
  transport: 'reference',
  closures: true,
  executables: true,
};

/** What only comes of wrong capacities and facts. */
const consequences: ReadonlySet<string> = new Set([
  'PEXEN_AMOUNT_UNKNOWN',
  'PEXEN_AMOUNT_TOO_LARGE',
  'PEXEN_WHEN_THREW',
]);

function problemsOfTasks(entries: Iterable<Entry>, options: PlanOptions): readonly Problem[] {
  const { pools, groups, capacities, facts } = options ?? {};
  const planned = ['default', ...namesOf(pools)].map(
    (name): PlanPool => ({ name, manifest: standIn, spare: 0 }),
  );
  const group = { exclusive: true, workers: Infinity };
  for (const name of namesOf(groups)) planned.push({ name, manifest: standIn, spare: 0, group });
  const compiled = compileUnlessRefused({ pools: planned, capacities, facts });
  try {
    (compiled ?? new CompiledTasks({ pools: planned })).add(entries);
  } catch (error) {
    // Anything else comes of the wrong options.
    if (isPexenError(error))
      return error.problems.filter(({ code }) => compiled !== undefined || !consequences.has(code));
  }
  return [];
}

/** Undefined where capacities or facts are wrong. */
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
