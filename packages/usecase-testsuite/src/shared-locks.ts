/** The locks that runs of this suite share with other runs, as the configuration states it. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Clock, misuse, type RunLocks } from '@pexen/core';
import { untilNoStrays } from '@pexen/pool-process';
import { inOrder, machineLocks } from '@pexen/run-locks';
import type { SuiteConfig } from './config/define-suite.ts';

/**
 * Undefined if nothing is shared with other runs.
 * @throws PexenError PEXEN_NOT_INSTALLED where resources of the cluster need a package that is not there
 */
export function sharedLocks(config: SuiteConfig, clock: Clock): RunLocks | undefined {
  const units = unitsOf(config);
  const scopes: RunLocks[] = [];
  const machine = namesOf(config, 'machine');
  if (machine.length > 0)
    scopes.push(
      machineLocks({
        ...{ resources: machine, capacities: units, clock },
        settle: ({ runId }) => untilNoStrays(runId, { clock }),
      }),
    );
  const cluster = namesOf(config, 'cluster');
  if (cluster.length > 0)
    scopes.push(poolNats().clusterLocks({ ...config.cluster, resources: cluster, capacities: units, clock }));
  return scopes.length === 0 ? undefined : inOrder(scopes);
}

function namesOf({ resources = {} }: SuiteConfig, scope: string): string[] {
  return Object.entries(resources).flatMap(([name, rules]) => (rules.scope === scope ? [name] : []));
}

function unitsOf({ resources = {}, capacities = {} }: SuiteConfig): Record<string, number> {
  const stated: Iterable<readonly [unknown, number]> =
    Symbol.iterator in capacities ? capacities : Object.entries(capacities);
  const units = new Map<string, number>();
  for (const [resource, count] of stated) if (typeof resource === 'string') units.set(resource, count);
  for (const [name, { scope, capacity }] of Object.entries(resources))
    if (typeof capacity === 'number' && scope !== 'node') units.set(name, capacity);
  return Object.fromEntries(units);
}

/** The part of `@pexen/pool-nats/locks` that is used here. */
interface LocksModule {
  clusterLocks(options: object): RunLocks;
}

/** The package beside the suite, otherwise the one beside this one. */
function poolNats(): LocksModule {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.filename]) {
    try {
      return createRequire(from)('@pexen/pool-nats/locks') as LocksModule;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw misuse(
    'PEXEN_NOT_INSTALLED',
    'resources of the scope "cluster" need the package @pexen/pool-nats, which is not installed',
    'Install it: npm install --save-dev @pexen/pool-nats',
  );
}
