/** Makes a plan's view of the pools and options that a run was given. */
import {
  checkMeta,
  checkNumber,
  isPexenError,
  type Pool,
  type PoolManifest,
  type Problem,
  refuse,
  unknownOptions,
} from '@pexen/core';
import { Plan } from '../plan/plan.ts';
import type { Entry, PlanOptions, PlanPool } from '../plan/planned.ts';
import { inline } from './inline-pool.ts';
import type { GroupOptions, PoolSource, RunOptions } from './options.ts';

/** The pools, in the order in which the plan numbers them. */
export interface Setup {
  readonly pools: readonly Pool[];
  readonly plan: PlanOptions;
}

const known: readonly (keyof RunOptions)[] = [
  ...(['pool', 'pools', 'groups', 'capacities', 'spare', 'shared', 'signal', 'deadline', 'clock'] as const),
  ...(['facts', 'weights', 'reinterpret', 'judge', 'defaults', 'onWarning'] as const),
];

/**
 * Calls the pool factories; opens nothing.
 * @throws PexenError PEXEN_BAD_OPTION; PEXEN_BAD_META and PEXEN_UNKNOWN_META for the defaults.
 */
export function setUp(options: RunOptions): Setup {
  const { capacities, facts, weights, defaults, onWarning } = options;
  const groups = Object.entries(options.groups ?? {});
  refuse([
    ...unknownOptions('run', options, known),
    ...checkNumber('spare', options.spare, 0),
    ...checkNumber('deadline', options.deadline, 0),
    ...groups.flatMap(([name, { workers, spare }]) => [
      ...checkNumber(`groups.${name}.workers`, workers, 1),
      ...checkNumber(`groups.${name}.spare`, spare, 0),
    ]),
    ...checkMeta(defaults ?? {}, 'defaults'),
  ]);
  const pools: Pool[] = [];
  const planned: PlanPool[] = [];
  const add = (name: string, source: PoolSource, spare = options.spare, group?: GroupOptions): void => {
    const pool = typeof source === 'function' ? source() : source;
    const { manifest } = pool;
    pools.push(pool);
    planned.push({
      ...{ name, manifest, spare: spare ?? (manifest.transport === 'reference' ? 0 : 1) },
      group: group && { exclusive: group.exclusive ?? true, workers: group.workers ?? Infinity },
    });
  };
  add('default', options.pool ?? inline());
  for (const [name, source] of Object.entries(options.pools ?? {})) add(name, source);
  for (const [name, group] of groups) add(name, group.pool, group.spare, group);
  return { pools, plan: { pools: planned, capacities, facts, weights, defaults, onWarning } };
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

function problemsOfTasks(entries: Iterable<Entry>, options: RunOptions): readonly Problem[] {
  const { pools, groups, capacities, facts } = options ?? {};
  const planned = ['default', ...namesOf(pools)].map(
    (name): PlanPool => ({ name, manifest: standIn, spare: 0 }),
  );
  const group = { exclusive: true, workers: Infinity };
  for (const name of namesOf(groups)) planned.push({ name, manifest: standIn, spare: 0, group });
  try {
    new Plan({ pools: planned, capacities, facts }).add(entries);
  } catch (error) {
    // Anything else comes of the wrong options.
    if (isPexenError(error)) return error.problems;
  }
  return [];
}

function namesOf(record: unknown): string[] {
  return typeof record === 'object' && record !== null ? Object.keys(record) : [];
}
