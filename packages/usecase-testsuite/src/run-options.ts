/** Converts the configuration of a suite to options of the scheduler. */
import { availableParallelism } from 'node:os';
import { type Digester, type Facts, PexenError, type Pool, type Problem } from '@pexen/core';
import { processes } from '@pexen/pool-process';
import type { PlannedRunOptions, PlanOptions } from '@pexen/sched';
import type { PoolRequest, SuiteConfig } from './define-suite.ts';
import type { Expectations } from './expectations.ts';
import type { PausableClock } from './pausable-clock.ts';
import { thrownFails } from './thrown.ts';
import { judge } from './verdict.ts';

/** A test may run for five minutes, and may start again after its worker was lost. The grace period is that of the scheduler, 10 s, unless it is set. */
const suiteDefaults = { timeout: 300_000, slowAfter: 60_000, rerunnable: true } as const;

/** Inputs of a plan besides the configuration. */
export interface PlanGiven {
  /** Instead of the configured number. */
  readonly workers: number | undefined;
  readonly loader: string | undefined;
  readonly facts: Facts;
  readonly onWarning: (warning: Problem) => void;
  /** Undefined means the system's clock. */
  readonly clock: PausableClock | undefined;
}

/** Inputs of a run besides the configuration. */
export interface RunGiven {
  readonly expectations: Expectations;
  readonly onWarning: (warning: Problem) => void;
  readonly clock: PausableClock;
  readonly digester: Digester | undefined;
}

/** The options of a run of the suite's plan. */
export function runOptions(
  { shared, deadline }: SuiteConfig,
  { expectations, onWarning, clock, digester }: RunGiven,
): PlannedRunOptions {
  return {
    ...definedOf({ shared, deadline, digester }),
    reinterpret: thrownFails,
    judge: (result) => judge(result, (path) => expectations.reasonFor(path)),
    ...{ clock, onWarning },
  };
}

/** The options of the suite's plan. Pools are made with the plan, and opened only when a run starts. */
export function planOptions(
  config: SuiteConfig,
  { workers, loader, facts, onWarning, clock }: PlanGiven,
): PlanOptions {
  const request: PoolRequest = {
    workers: workers ?? config.workers ?? availableParallelism(),
    ...definedOf({ loader, clock }),
  };
  const { pool = processes, pools = {}, groups = {}, capacities, spare } = config;
  const { timeout, idleTimeout, grace, slowAfter, retries, rerunnable } = config;
  const own = definedOf({ timeout, idleTimeout, grace, slowAfter, retries, rerunnable });
  return {
    ...definedOf({ capacities, spare }),
    pool: () => checkedPool('pool', pool(request)),
    pools: mapValues(pools, (make, name) => () => checkedPool(`pools.${name}`, make(request))),
    groups: mapValues(groups, (group, name) => ({
      ...group,
      pool: () => checkedPool(`groups.${name}.pool`, group.pool(request)),
    })),
    defaults: { ...suiteDefaults, ...own },
    ...{ facts, onWarning },
  };
}

/** Returns the result of a configured function if it is a pool. @throws PexenError PEXEN_BAD_CONFIG. */
function checkedPool(entry: string, pool: Pool): Pool {
  if (typeof pool?.manifest === 'object' && typeof pool.open === 'function') return pool;
  const message = `${entry}: its function returned something that is not a pool`;
  const hint = 'Write processes, threads, or (request) => processes({ ...request, recycleAfter: 100 }).';
  throw new PexenError([{ code: 'PEXEN_BAD_CONFIG', message, hint }]);
}

/** The entries that are not undefined. */
function definedOf<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const defined = Object.entries(entries).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function mapValues<In, Out>(
  record: Readonly<Record<string, In>>,
  make: (value: In, name: string) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(value, name)]));
}
