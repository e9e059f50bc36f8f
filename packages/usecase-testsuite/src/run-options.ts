/** Converts the configuration of a suite to options of the scheduler. */
import { availableParallelism } from 'node:os';
import { type Digester, type Facts, PexenError, type Pool, type Problem, type RunJournal } from '@pexen/core';
import { type ProcessesOptions, processes } from '@pexen/pool-process';
import { threads } from '@pexen/pool-thread';
import { inline, type NodeResources, type PlannedRunOptions, type PlanOptions } from '@pexen/sched';
import type { Checks } from './checks/checks.ts';
import type { PoolRequest, poolNames, SuiteConfig } from './config/define-suite.ts';
import type { OptionLayers } from './options/layers.ts';
import type { PausableClock } from './pausable-clock.ts';
import { sharedLocks } from './shared-locks.ts';
import type { Expectations } from './verdict/expectations.ts';
import { judge } from './verdict/verdict.ts';

/** A test may run for five minutes, and may start again after its worker was lost. The grace period is that of the scheduler, 10 s, unless it is set. */
export const suiteDefaults = { timeout: 300_000, slowAfter: 60_000, rerunnable: true } as const;

/** What a command or the environment states. It wins over the configuration and over what tests state themselves. Times are milliseconds. */
export interface StatedOptions {
  /** How many tasks run at the same time. */
  readonly workers?: number;
  /** How often each test is retried. */
  readonly retries?: SuiteConfig['retries'];
  readonly timeout?: number;
  readonly idleTimeout?: number;
  readonly grace?: number;
  readonly slowAfter?: number;
  readonly rerunnable?: boolean;
  /** The pool of all tasks that name no other. `inline` runs them in this process, where a debugger sees them. */
  readonly pool?: (typeof poolNames)[number];
  /** The port at which the workers of that pool wait for a debugger; then no task has a time limit. */
  readonly inspectPort?: number;
}

/** The options of these that are in effect for all tasks, whatever they state themselves. */
export function statedIn(layers: OptionLayers): StatedOptions {
  const { workers, retries, timeout, idleTimeout, grace, slowAfter, rerunnable, pool } = layers.strong();
  return definedOf({
    ...{ workers, retries, timeout, idleTimeout, grace, slowAfter, rerunnable },
    pool: typeof pool === 'string' ? pool : undefined,
  });
}

/** What a plan needs to know besides the configuration. */
export interface PlanGiven {
  readonly stated: StatedOptions;
  /** Expected durations of tasks without a `weight`; random ones give a random order. */
  readonly weights: PlanOptions['weights'];
  /** Tasks that come before others. */
  readonly first: PlanOptions['first'];
  readonly schedule: PlanOptions['schedule'];
  readonly loader: string | undefined;
  /** The folder for private directories that are kept. */
  readonly keep: string | undefined;
  readonly facts: Facts;
  readonly onWarning: (warning: Problem) => void;
  /** Around the attempts of all pools. */
  readonly checks: Checks | undefined;
  /** Undefined means the system's clock. */
  readonly clock: PausableClock | undefined;
  readonly outputFile: PoolRequest['outputFile'] | undefined;
  /** Are some of the tasks programs? */
  readonly hasPrograms: boolean;
}

/** Inputs of a run besides the configuration. */
export interface RunGiven {
  readonly expectations: Expectations;
  readonly onWarning: (warning: Problem) => void;
  readonly clock: PausableClock;
  readonly digester: Digester | undefined;
  readonly journal: RunJournal | undefined;
}

/** The options of a run of the suite's plan. */
export function runOptions(
  config: SuiteConfig,
  { expectations, onWarning, clock, digester, journal }: RunGiven,
): PlannedRunOptions {
  const { shared, deadline } = config;
  return {
    ...definedOf({ shared, deadline, digester, journal, runLocks: sharedLocks(config, clock) }),
    judge: (result) =>
      judge(
        result,
        (path) => expectations.reasonFor(path),
        (path) => expectations.ofFindings(path),
      ),
    ...{ clock, onWarning },
  };
}

/** The options of the suite's plan. Pools are made with the plan, and opened only when a run starts. */
export function planOptions(
  config: SuiteConfig,
  {
    stated,
    weights,
    first,
    schedule,
    loader,
    keep,
    facts,
    onWarning,
    clock,
    outputFile,
    checks,
    hasPrograms,
  }: PlanGiven,
): PlanOptions {
  const request: PoolRequest = {
    workers: workersOf(stated, config),
    ...definedOf({ loader, keep, clock, outputFile }),
  };
  const { pools = {}, groups = {}, capacities, spare } = config;
  const nodeResources = resourcesOfNodes(config);
  const around = (made: Pool, name: string): Pool => checks?.around(made, name) ?? made;
  const expects = hasPrograms ? ({ expects: 'programs' } as const) : {};
  const pool = poolOf(stated, config, expects);
  const { timeout, idleTimeout, grace, slowAfter, retries, rerunnable } = config;
  const own = definedOf({ timeout, idleTimeout, grace, slowAfter, retries, rerunnable });
  return {
    ...definedOf({ capacities, nodeResources, spare, weights, first, schedule }),
    pool: () => around(checkedPool('pool', pool(request)), 'default'),
    programPool: () => around(processes({ ...request, ...expects }), 'programs'),
    pools: mapValues(pools, (make, name) => () => around(checkedPool(`pools.${name}`, make(request)), name)),
    groups: mapValues(groups, (group, name) => ({
      ...group,
      pool: () => around(checkedPool(`groups.${name}.pool`, group.pool(request)), name),
    })),
    defaults: { ...suiteDefaults, ...own },
    overrides: limitsOf(stated),
    ...{ facts, onWarning },
  };
}

/** How many tasks run at the same time. */
export function workersOf({ workers }: StatedOptions, config: SuiteConfig): number {
  return workers ?? config.workers ?? availableParallelism();
}

function poolOf(
  { pool, inspectPort }: StatedOptions,
  config: SuiteConfig,
  expects: Pick<ProcessesOptions, 'expects'>,
): (request: PoolRequest) => Pool {
  const chosen = pool ?? config.pool ?? 'processes';
  if (inspectPort !== undefined) return waitingFor(inspectPort, pool);
  if (typeof chosen === 'function') return chosen;
  if (chosen === 'inline') return ({ workers }) => inline({ concurrency: workers });
  return chosen === 'threads' ? threads : (request) => processes({ ...request, ...expects });
}

/** One worker, which waits for a debugger before it loads anything. Inline there is nothing to wait for. */
function waitingFor(port: number, pool: StatedOptions['pool']): (request: PoolRequest) => Pool {
  if (pool === 'inline') return () => inline();
  const execArgv = [...process.execArgv, `--inspect-wait=127.0.0.1:${port}`];
  return (request) => processes({ ...request, workers: 1, execArgv });
}

/** The limits for all tasks, whatever they state themselves. */
function limitsOf(stated: StatedOptions): PlanOptions['overrides'] {
  const { retries, timeout, idleTimeout, grace, slowAfter, rerunnable, inspectPort } = stated;
  const off = { timeout: Infinity, idleTimeout: Infinity, slowAfter: Infinity };
  return definedOf({
    ...{ retries, timeout, idleTimeout, grace, slowAfter, rerunnable },
    ...(inspectPort !== undefined && off),
  });
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

/** Those of which there is one on each node. */
function resourcesOfNodes({ resources = {} }: SuiteConfig): NodeResources | undefined {
  const found = Object.entries(resources).filter(([, { scope }]) => scope === 'node');
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.map(([name, { capacity }]) => [name, { capacity }]));
}
