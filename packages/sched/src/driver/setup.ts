/** Makes a plan's view of the pools and options that a run was given. */
import type { Pool } from '@pexen/core';
import type { PlanOptions, PlanPool } from '../plan/planned.ts';
import { inline } from './inline-pool.ts';
import type { GroupOptions, PoolSource, RunOptions } from './options.ts';

/** The pools, in the order in which the plan numbers them. */
export interface Setup {
  readonly pools: readonly Pool[];
  readonly plan: PlanOptions;
}

/** Calls the pool factories; opens nothing. */
export function setUp(options: RunOptions): Setup {
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
  for (const [name, group] of Object.entries(options.groups ?? {})) add(name, group.pool, group.spare, group);
  const { capacities, facts, weights, defaults, onWarning } = options;
  return { pools, plan: { pools: planned, capacities, facts, weights, defaults, onWarning } };
}
