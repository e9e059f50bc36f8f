/** Makes a plan's view of the pools and options that a run was given. */
import {
  isPexenError,
  type Pool,
  type PoolManifest,
  type Problem,
  poolInUse,
  problem,
  refuse,
} from '@pexen/core';
import { Plan } from '../plan/plan.ts';
import type { Entry, PlanOptions, PlanPool } from '../plan/planned.ts';
import { inline } from './inline-pool.ts';
import { checkOptions, checkPool, isGiven } from './option-types.ts';
import type { GroupOptions, PoolSource, RunOptions } from './options.ts';

/** The pools, in the order in which the plan numbers them. */
export interface Setup {
  readonly pools: readonly Pool[];
  /** Without tasks yet. */
  readonly plan: Plan;
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

/**
 * Calls the pool factories; opens nothing.
 * @throws PexenError PEXEN_BAD_OPTION; PEXEN_BAD_META and PEXEN_UNKNOWN_META for the defaults.
 */
function setUp(options: RunOptions): Setup {
  refuse(checkOptions(options));
  const { capacities, facts, defaults, partial, onWarning } = options;
  const pools: Pool[] = [];
  const problems: Problem[] = [];
  const planned: PlanPool[] = [];
  const add = (
    key: string,
    name: string,
    source: PoolSource,
    spare = options.spare,
    group?: GroupOptions,
  ): void => {
    const pool = isGiven(source) ? source : source();
    const found = isGiven(source)
      ? checkGiven(key, pool, pools)
      : checkPool(`what ${key}() makes`, pool ?? null);
    problems.push(...found);
    if (found.length > 0) return;
    const { manifest } = pool;
    pools.push(pool);
    planned.push({
      ...{ name, manifest, spare: spare ?? (manifest.transport === 'reference' ? 0 : 1) },
      group: group && { exclusive: group.exclusive ?? true, workers: group.workers ?? Infinity },
    });
  };
  add('pool', 'default', options.pool ?? inline());
  for (const [name, source] of Object.entries(options.pools ?? {})) add(`pools.${name}`, name, source);
  for (const [name, group] of Object.entries(options.groups ?? {}))
    add(`groups.${name}.pool`, name, group.pool, group.spare, group);
  refuse(problems);
  const { weights } = options;
  return {
    pools,
    plan: new Plan({ pools: planned, capacities, facts, weights, defaults, partial, onWarning }),
  };
}

/** One object cannot be two pools of a run, nor a pool of two runs at the same time. */
function checkGiven(key: string, pool: Pool, others: readonly Pool[]): readonly Problem[] {
  if (inUse.has(pool))
    return poolInUse().problems.map((each) => ({ ...each, message: `${key}: ${each.message}` }));
  if (!others.includes(pool)) return [];
  const message = `${key} is a pool that the run has already under another name`;
  return [problem('PEXEN_POOL_IN_USE', message, 'Make one for each, as in pool: () => inline().')];
}

/**
 * As `setUp`; where the options are wrong, what is wrong with the tasks is told in the same error.
 * @throws PexenError as `setUp` does.
 */
export function setUpFor(entries: Iterable<Entry>, options: RunOptions): Setup {
  try {
    return setUp(options);
  } catch (error) {
    if (isPexenError(error)) refuse([...error.problems, ...problemsOfTasks(entries, options)]);
    throw error;
  }
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

function problemsOfTasks(entries: Iterable<Entry>, options: RunOptions): readonly Problem[] {
  const { pools, groups, capacities, facts } = options ?? {};
  const planned = ['default', ...namesOf(pools)].map(
    (name): PlanPool => ({ name, manifest: standIn, spare: 0 }),
  );
  const group = { exclusive: true, workers: Infinity };
  for (const name of namesOf(groups)) planned.push({ name, manifest: standIn, spare: 0, group });
  const plan = planUnlessRefused({ pools: planned, capacities, facts });
  try {
    (plan ?? new Plan({ pools: planned })).add(entries);
  } catch (error) {
    // Anything else comes of the wrong options.
    if (isPexenError(error))
      return error.problems.filter(({ code }) => plan !== undefined || !consequences.has(code));
  }
  return [];
}

/** Undefined where capacities or facts are wrong. */
function planUnlessRefused(options: PlanOptions): Plan | undefined {
  if (!['object', 'undefined'].includes(typeof options.facts) || options.facts === null) return undefined;
  try {
    return new Plan(options);
  } catch {
    return undefined;
  }
}

function namesOf(record: unknown): string[] {
  return typeof record === 'object' && record !== null ? Object.keys(record) : [];
}
