/** What the options of a run may be, taken alone. Knows no tasks. */
import { checkMeta, checkShared, type Pool, type Problem } from '@pexen/core';
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
import type { GroupOptions, PlanOptions, PoolSource, RunOptions } from './options.ts';

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
