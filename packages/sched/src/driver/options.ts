/** What `run` may be told besides the tasks. */

import {
  type Clock,
  checkMeta,
  checkShared,
  type Digester,
  type Facts,
  type Judgement,
  type Pool,
  type PoolOutcome,
  type Problem,
  type Result,
  type Runnable,
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
import type { Recorder } from './recording.ts';
import type { Random } from './run-identity.ts';

/** A pool, or what makes one when the run begins. */
export type PoolSource = Pool | (() => Pool);

/** A group of exclusivity: its tasks run together, in a pool of their own. */
export interface GroupOptions {
  readonly pool: PoolSource;
  /** Use at most so many of the pool's slots. */
  readonly workers?: number | undefined;
  /** See `RunOptions.spare`. */
  readonly spare?: number | undefined;
  /** Nothing outside the group runs while it is open. Default true. */
  readonly exclusive?: boolean | undefined;
}

/** Where tasks run. Everything may be left out. */
export interface PoolOptions {
  /** Where tasks run that name no pool. Default `inline()`. */
  readonly pool?: PoolSource | undefined;
  /** For tasks with `pool` in their metadata. */
  readonly pools?: Readonly<Record<string, PoolSource>> | undefined;
  /** For tasks with `group` in their metadata. */
  readonly groups?: Readonly<Record<string, GroupOptions>> | undefined;
}

/** What `plan` may be told besides the tasks. Everything may be left out; times are milliseconds. */
export interface PlanOptions extends PoolOptions {
  /** How many units there are of resources that are taken by amount. */
  readonly capacities?: Capacities | undefined;
  /** So many attempts may wait in a pool beyond its workers. Default 0 for pools in this thread, else 1. */
  readonly spare?: number | undefined;
  /** For the `when` of tasks. */
  readonly facts?: Facts | undefined;
  /** Expected durations of tasks that state no `weight`, by call path, ms: what was measured before. */
  readonly weights?: ((path: string) => number | undefined) | undefined;
  /** For tasks whose metadata does not say. */
  readonly defaults?: TaskDefaults | undefined;
  /** Told of what looks wrong and harms nothing: a capability that nobody requires, a listener that throws. */
  readonly onWarning?: ((problem: Problem) => void) | undefined;
}

/** What `run` may be told of a plan. Pools replace those of the plan that have the same names. */
export interface PlannedRunOptions extends PoolOptions {
  /** The dictionary that every task begins with. */
  readonly shared?: Readonly<Record<string, unknown>> | undefined;
  /** Aborting it is `run.abort(signal.reason)`. */
  readonly signal?: AbortSignal | undefined;
  /** Cancels the run after so many milliseconds. */
  readonly deadline?: number | undefined;
  /** What time it is. Default `systemClock`. */
  readonly clock?: Clock | undefined;
  /** The run's id: letters, digits, `-`, `_` and `.`, 64 at the most. Default: a UUID of version 7, made of the time and chance. */
  readonly id?: string | undefined;
  /** Fills the bytes by chance, for the id. Default `crypto.getRandomValues`. */
  readonly random?: Random | undefined;
  /** The directory that events name files from, an absolute path. Default: that of the nearest package.json above the working directory. */
  readonly root?: string | undefined;
  /**
   * Reads a pool's outcome as another one before the machine sees it, for users with rules of their own: a test suite takes
   * what a body throws for a failed check. Applied after an executable's own `interpret`.
   */
  readonly reinterpret?: ((outcome: PoolOutcome, task: Runnable) => PoolOutcome) | undefined;
  /** Records what the run decides from, and what it decides. See `@pexen/sched/replay`. */
  readonly record?: Recorder | undefined;
  /** What to make of a result; asked once for each, before anybody sees it. */
  readonly judge?: ((result: Result) => Judgement | undefined) | undefined;
  /**
   * Works out digests, for events that say whether a task is the same as in another run: `new TaskDigester(…)` of `@pexen/store`. Asked only while
   * somebody listens to events. Default: events carry none, and workers record nothing.
   */
  readonly digester?: Digester | undefined;
  /** Told of what looks wrong and harms nothing: a capability that nobody requires, a listener that throws. */
  readonly onWarning?: ((problem: Problem) => void) | undefined;
}

/** What `run` may be told of tasks. Everything may be left out; times are milliseconds. */
export interface RunOptions extends PlanOptions, PlannedRunOptions {}

// Validation of the options by themselves, without the tasks.

const pool = isA('a pool', isPool);
/** A pool, or what makes one. */
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

const planKinds: KindsOf<PlanOptions> = {
  pool: poolSource,
  pools: byName(poolSource),
  groups: byName(group),
  capacities: isA('an object, or a list of pairs', (value) => typeof value === 'object' && value !== null),
  spare: wholeOrInfinity(0),
  facts: record,
  weights: callable(),
  defaults: record,
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
  record: having('a recorder', ['tasks', 'inputs', 'commands'], 'Write record: new Recorder(…).'),
  digester: having('a digester', ['loaded', 'digestsOf', 'codeOf'], 'Write digester: new TaskDigester(…).'),
};

/** Everything that is wrong with the options of `plan` or of `run`, taken alone. */
export function checkOptions(of: 'plan' | 'run', options: RunOptions): Problem[] {
  const problems = optionProblems(of, options, of === 'plan' ? planKinds : runKinds);
  if (!isRecord(options)) return problems;
  const { defaults, shared } = options;
  return [
    ...problems,
    ...(isRecord(shared) ? checkShared(shared, 'shared') : []),
    ...(isRecord(defaults) ? checkMeta(defaults, 'defaults') : []),
  ];
}

/** What is wrong with what a pool factory returned, or with the pool that was given. */
export function checkPool(name: string, value: unknown): Problem[] {
  return problemsOf('run', pool(value, [name]));
}

/** It becomes the name of a directory. */
function isId(value: unknown): boolean {
  return typeof value === 'string' && /^[\w-][\w.-]{0,63}$/.test(value);
}

function isAbsolutePath(value: unknown): boolean {
  return typeof value === 'string' && /^(?:\/|[A-Za-z]:[\\/])/.test(value);
}

function isPool(value: unknown): value is Pool {
  return hasMethods(value, ['open', 'run', 'close']) && isRecord((value as Pool).manifest);
}

/** A pool that is given itself, not made for the run. */
export function isGiven(source: PoolSource): source is Pool {
  return typeof source !== 'function';
}
