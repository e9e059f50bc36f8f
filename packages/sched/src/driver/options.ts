/** The options of `plan` and `run`. */

import {
  type Capability,
  type Clock,
  type CodeSource,
  checkMeta,
  checkShared,
  type Digester,
  type ExpectedDuration,
  type GivenFacts,
  type Judgement,
  type NodePredicate,
  type NodeProperties,
  type Pool,
  type PoolOutcome,
  type Problem,
  type Result,
  type RunJournal,
  type RunLocks,
  type Runnable,
  type TraceContexts,
} from '@pexen/core';
import {
  byName,
  callable,
  clock,
  flag,
  flaw,
  hasMethods,
  having,
  isA,
  isRecord,
  type Kind,
  type KindsOf,
  number,
  optionProblems,
  problemsOf,
  record,
  table,
  wholeOrInfinity,
} from '@pexen/core/options';
import type { Capacities } from '@pexen/lock';
import type { TaskDefaults } from '../plan/metadata.ts';
import type { NodeResource, NodeResources, ScheduledOrder } from '../plan/planned.ts';
import type { Recorder } from './recording.ts';
import type { Random } from './run-identity.ts';

/** A pool, or a function that makes one when the run starts. */
export type PoolSource = Pool | (() => Pool);

/** An exclusive group: its tasks run together, in a pool of their own. */
export interface GroupOptions {
  readonly pool: PoolSource;
  /** Use at most so many of the pool's slots. */
  readonly workers?: number | undefined;
  /** See `RunOptions.spare`. */
  readonly spare?: number | undefined;
  /** Nothing outside the group runs while it is open. Default true. */
  readonly exclusive?: boolean | undefined;
}

/** Where tasks run. Everything is optional. */
export interface PoolOptions {
  /** The pool of tasks that name none. Default `inline()`. */
  readonly pool?: PoolSource | undefined;
  /** Pools for tasks with `pool` in their metadata, by name. */
  readonly pools?: Readonly<Record<string, PoolSource>> | undefined;
  /** The pool of programs that name none, where `pool` takes no programs. Made only then. Default: such programs are refused. */
  readonly programPool?: PoolSource | undefined;
  /** Groups for tasks with `group` in their metadata, by name. */
  readonly groups?: Readonly<Record<string, GroupOptions>> | undefined;
}

/** Options of `plan`. Everything is optional; times are milliseconds. */
export interface PlanOptions extends PoolOptions {
  /** How many units there are of resources that are used by amount. */
  readonly capacities?: Capacities | undefined;
  /**
   * Resources of which there is one on each node, such as a device, by names and patterns: `*` stands for any characters of one part, `**` for any parts.
   * What is below such a resource is on the node, too; who claims what is above it claims it on all nodes. Tasks that need it run where it is free. With
   * `capacity` there are so many units on each; as a text it is the name of the property of nodes that says how many. Pools without nodes share what is
   * where the run is. Default: none.
   */
  readonly nodeResources?: NodeResources | undefined;
  /** How many attempts may wait in a pool beyond its workers. Default 0 for pools in this thread, otherwise 1. */
  readonly spare?: number | undefined;
  /** Passed to the `when` of tasks. */
  readonly facts?: GivenFacts | undefined;
  /** Expected durations of tasks without a `weight`, by call path, for example measured in earlier runs: ms, or with what is known besides. */
  readonly weights?: ((path: string) => number | ExpectedDuration | undefined) | undefined;
  /** Tasks that start before others of the same priority, with all that they wait for, by call path: for example those that failed in the last run. */
  readonly first?: ((path: string) => boolean) | undefined;
  /**
   * The order of an earlier run, which is repeated as far as tasks allow: `new Schedule(steps)` of `@pexen/sched/replay`. It replaces all priorities.
   * Where it contradicts what tasks wait for by now, the part of it that does is given up.
   */
  readonly schedule?: ScheduledOrder | undefined;
  /**
   * Capabilities that may be missing, and why: a task that requires one which no task provides does not apply, for this reason, and orders may
   * name them without effect. Default: none; missing capabilities are refused.
   */
  readonly unavailable?: ReadonlyMap<Capability, string> | undefined;
  /**
   * Reads the expressions in the `on` of tasks, once each; throws an error with the reason where it cannot. Default: only functions are accepted.
   */
  readonly readOn?: ((expression: string) => NodePredicate) | undefined;
  /** What the `on` of tasks sees in pools that report no nodes: the properties of the place where the run is. Default: none. */
  readonly here?: NodeProperties | undefined;
  /** For tasks whose metadata states nothing else. */
  readonly defaults?: TaskDefaults | undefined;
  /** For all tasks, whatever their metadata states: what a command line asks for. */
  readonly overrides?: TaskDefaults | undefined;
  /** Called with problems that do not affect the run: a capability that no task requires, a listener that throws. */
  readonly onWarning?: ((problem: Problem) => void) | undefined;
}

/** Options of `run` for a plan. Pools replace those of the plan that have the same names. */
export interface PlannedRunOptions extends PoolOptions {
  /** The dictionary with which every task starts. */
  readonly shared?: Readonly<Record<string, unknown>> | undefined;
  /** Aborting it is `run.abort(signal.reason)`. */
  readonly signal?: AbortSignal | undefined;
  /** Cancels the run after so many milliseconds. */
  readonly deadline?: number | undefined;
  /** The clock. Default `systemClock`. */
  readonly clock?: Clock | undefined;
  /** The run's id: letters, digits, `-`, `_` and `.`, at most 64. Default: a UUID of version 7, made of the time and random bits. */
  readonly id?: string | undefined;
  /** Fills the bytes with random bits, for the id. Default `crypto.getRandomValues`. */
  readonly random?: Random | undefined;
  /**
   * The directory to which file names in events are relative, an absolute path. Default: that of the nearest package.json above the working
   * directory.
   */
  readonly root?: string | undefined;
  /**
   * Converts a pool's outcome before the machine sees it, for rules of the user: a test suite treats an exception of a body as a failed
   * check. Applied after an executable's own `interpret`. `path` is the call path of the task.
   */
  readonly reinterpret?: ((outcome: PoolOutcome, task: Runnable, path: string) => PoolOutcome) | undefined;
  /** Records the inputs and decisions of the run. See `@pexen/sched/replay`. */
  readonly record?: Recorder | undefined;
  /**
   * Records the run, so that a run which was cut can be continued: `@pexen/store` has one on the disk. A result is given once it is recorded, and a
   * task that is not `rerunnable` starts once its start is.
   */
  readonly journal?: RunJournal | undefined;
  /**
   * Locks that this run shares with others, for resources of which there is one for several runs: `machineLocks(…)` of `@pexen/run-locks`. A task gets
   * them just before it starts, with all that it needs of this run, and waits without holding anything. Default: none.
   */
  readonly runLocks?: RunLocks | undefined;
  /** Gives each attempt the span that spans of its body belong to: `otel().traceContexts(…)` of `@pexen/otel`. Default: none. */
  readonly traceContexts?: TraceContexts | undefined;
  /** Judges a result. Called once for each, before it is published or given. */
  readonly judge?: ((result: Result) => Judgement | undefined) | undefined;
  /**
   * Computes digests for events, which show whether a task is the same as in another run: `new TaskDigester(…)` of `@pexen/store`. Used only
   * while events have listeners. Default: events carry no digests, and workers record nothing.
   */
  readonly digester?: Digester | undefined;
  /**
   * Knows the code of tasks, for pools whose workers have files of their own, and refuse what they have otherwise: `new TaskDigester(…)` of
   * `@pexen/store`. Default: nothing is compared.
   */
  readonly code?: CodeSource | undefined;
  /** Called with problems that do not affect the run: a capability that no task requires, a listener that throws. */
  readonly onWarning?: ((problem: Problem) => void) | undefined;
}

/** Options of `run` for tasks. Everything is optional; times are milliseconds. */
export interface RunOptions extends PlanOptions, PlannedRunOptions {}

// Validation of the options by themselves, without the tasks.

const pool = isA('a pool', isPool);
/** A pool, or a function that makes one. */
const sourceOf = (hint?: string): Kind =>
  isA('a pool, or a function that makes one', (value) => typeof value === 'function' || isPool(value), hint);
export const poolSource: Kind = sourceOf();

const writeGroup = 'Write { pool: () => … }.';
const groupTable = table(
  {
    pool: sourceOf(writeGroup),
    workers: wholeOrInfinity(1),
    spare: wholeOrInfinity(0),
    exclusive: flag,
  } satisfies KindsOf<GroupOptions>,
  ['pool'],
  writeGroup,
);
const group: Kind = (value, path) =>
  isPool(value) || typeof value === 'function'
    ? [flaw(path, 'must be an object with a pool, not the pool itself', writeGroup)]
    : groupTable(value, path);

const writeNodeResources = "Write nodeResources: { '/dev/kvm': {}, gpu: { capacity: 2 } }.";
const units = isA(
  'a number above 0, or the name of a property of nodes',
  (value) => (typeof value === 'number' && value > 0) || (typeof value === 'string' && value !== ''),
);
const nodeResource = table({ capacity: units } satisfies KindsOf<NodeResource>, [], writeNodeResources);
const nodeResources: Kind = (value, path) => {
  const flaws = byName(nodeResource, writeNodeResources)(value, path);
  if (flaws.length > 0) return flaws;
  const counted = Object.entries(value as NodeResources).filter(
    ([name, { capacity }]) => name.includes('*') && capacity !== undefined,
  );
  return counted.map(([name]) =>
    flaw([...path, name, 'capacity'], 'must be that of one resource, and this is a pattern'),
  );
};

const planKinds: KindsOf<PlanOptions> = {
  pool: poolSource,
  pools: byName(poolSource),
  groups: byName(group),
  capacities: isA('an object, or a list of pairs', (value) => typeof value === 'object' && value !== null),
  nodeResources,
  spare: wholeOrInfinity(0),
  facts: record,
  weights: callable(),
  first: callable(),
  schedule: having('a schedule', ['priorityOf', 'follow'], 'Write schedule: new Schedule(…).'),
  readOn: callable(),
  here: record,
  unavailable: isA('a map from capabilities to reasons', (value) => value instanceof Map),
  defaults: record,
  overrides: record,
  programPool: poolSource,
  onWarning: callable(),
};

const runKinds: KindsOf<RunOptions> = {
  ...planKinds,
  shared: record,
  signal: having(
    'an AbortSignal',
    ['addEventListener', 'removeEventListener'],
    'Write signal: controller.signal.',
  ),
  deadline: number(0),
  clock,
  id: isA('a name of letters, digits, "-", "_" and ".", 64 at the most', isId),
  random: callable(),
  root: isA('an absolute path', isAbsolutePath, 'Write root: import.meta.dirname.'),
  reinterpret: callable(),
  judge: callable(),
  traceContexts: callable(),
  record: having('a recorder', ['tasks', 'inputs', 'commands'], 'Write record: new Recorder(…).'),
  journal: having(
    'a journal',
    ['added', 'append', 'intend', 'onRecorded'],
    'Write journal: a journal of @pexen/store.',
  ),
  code: having('a source of code', ['filesOf'], 'Write code: new TaskDigester(…).'),
  runLocks: having(
    'locks of several runs',
    ['concerns', 'open', 'acquire', 'release', 'close'],
    'Write runLocks: machineLocks(…) of @pexen/run-locks.',
  ),
  digester: having('a digester', ['loaded', 'digestsOf', 'codeOf'], 'Write digester: new TaskDigester(…).'),
};

/** All problems of the options of `plan` or of `run`, taken alone. */
export function checkOptions(of: 'plan' | 'run', options: RunOptions): Problem[] {
  const problems = optionProblems(of, options, of === 'plan' ? planKinds : runKinds);
  if (!isRecord(options)) return problems;
  const { defaults, overrides, shared } = options;
  return [
    ...problems,
    ...(isRecord(shared) ? checkShared(shared, 'shared') : []),
    ...(isRecord(defaults) ? checkMeta(defaults, 'defaults') : []),
    ...(isRecord(overrides) ? checkMeta(overrides, 'overrides') : []),
  ];
}

/** The problems of the pool that was given or that a pool factory returned. */
export function checkPool(name: string, value: unknown): Problem[] {
  return problemsOf('run', pool(value, [name]));
}

/** An id becomes the name of a directory. */
function isId(value: unknown): boolean {
  return typeof value === 'string' && /^[\w-][\w.-]{0,63}$/.test(value);
}

function isAbsolutePath(value: unknown): boolean {
  return typeof value === 'string' && /^(?:\/|[A-Za-z]:[\\/])/.test(value);
}

function isPool(value: unknown): value is Pool {
  return hasMethods(value, ['open', 'run', 'close']) && isRecord((value as Pool).manifest);
}

/** True if the option is the pool itself, not a function that makes one. */
export function isGiven(source: PoolSource): source is Pool {
  return typeof source !== 'function';
}
