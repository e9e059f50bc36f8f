/** The locks that runs of this suite share with other runs, as the configuration states it. */
import type { Clock, RunLocks } from '@pexen/core';
import { untilNoStrays } from '@pexen/pool-process';
import { machineLocks } from '@pexen/run-locks';
import type { SuiteConfig } from './config/define-suite.ts';

/** Undefined if nothing is shared with other runs. */
export function sharedLocks(
  { resources = {}, capacities = {} }: SuiteConfig,
  clock: Clock,
): RunLocks | undefined {
  const rules = Object.entries(resources);
  const shared = rules.filter(([, { scope }]) => scope === 'machine').map(([name]) => name);
  if (shared.length === 0) return undefined;
  const stated: Iterable<readonly [unknown, number]> =
    Symbol.iterator in capacities ? capacities : Object.entries(capacities);
  const units = new Map<string, number>();
  for (const [resource, count] of stated) if (typeof resource === 'string') units.set(resource, count);
  for (const [name, { scope, capacity }] of rules)
    if (typeof capacity === 'number' && scope !== 'node') units.set(name, capacity);
  return machineLocks({
    ...{ resources: shared, capacities: Object.fromEntries(units), clock },
    settle: ({ runId }) => untilNoStrays(runId, { clock }),
  });
}
