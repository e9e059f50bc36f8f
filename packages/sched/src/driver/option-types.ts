/** Finds options of a run that are of a wrong type. Knows no tasks. */
import {
  checkMeta,
  checkNumber,
  checkShared,
  kindOf,
  type Pool,
  type Problem,
  problem,
  unknownOptions,
} from '@pexen/core';
import type { GroupOptions, PoolSource, RunOptions } from './options.ts';

const known: readonly (keyof RunOptions)[] = [
  ...(['pool', 'pools', 'groups', 'capacities', 'spare', 'shared', 'signal', 'deadline', 'clock'] as const),
  ...(['facts', 'weights', 'reinterpret', 'judge', 'record', 'defaults', 'onWarning'] as const),
];
const knownOfGroup: readonly (keyof GroupOptions)[] = ['pool', 'workers', 'spare', 'exclusive'];

/** Everything that is wrong with the options, taken alone. */
export function checkOptions(options: RunOptions): Problem[] {
  const found = unknownOptions('run', options, known);
  if (!isRecord(options)) return found;
  const { defaults = {}, shared } = options;
  return [
    ...found,
    ...checkNumber('spare', options.spare, 0),
    ...checkWhole('spare', options.spare),
    ...checkNumber('deadline', options.deadline, 0),
    ...functions.flatMap((name) => check(name, options[name], 'a function', isFunction)),
    ...check('facts', options.facts, 'an object', isRecord),
    ...check('shared', shared, 'an object', isRecord),
    ...(isRecord(shared) ? checkShared(shared, 'shared') : []),
    ...check('signal', options.signal, 'an AbortSignal', isSignal, 'Write signal: controller.signal.'),
    ...check('record', options.record, 'a recorder', isRecorder, 'Write record: new Recorder(…).'),
    ...check('clock', options.clock, 'a clock with now(), wallNow() and after()', isClock),
    ...check('capacities', options.capacities, 'an object, or a list of pairs', isPairs),
    ...(isRecord(defaults)
      ? checkMeta(defaults, 'defaults')
      : check('defaults', defaults, 'an object', isRecord)),
    ...(options.pool === undefined ? [] : checkSource('pool', options.pool)),
    ...checkRecord('pools', options.pools, checkSource),
    ...checkRecord('groups', options.groups, checkGroup),
  ];
}

/** What is wrong with what a pool factory made, or with the pool that was given. */
export function checkPool(name: string, pool: unknown): Problem[] {
  return check(name, pool, 'a pool, or a function that makes one', isPool);
}

const functions = ['weights', 'reinterpret', 'judge', 'onWarning'] as const;

function check(
  name: string,
  value: unknown,
  be: string,
  isSo: (value: unknown) => boolean,
  hint?: string,
): Problem[] {
  if (value === undefined || isSo(value)) return [];
  return [problem('PEXEN_BAD_OPTION', `${name} must be ${be}, not ${kindOf(value)}`, hint)];
}

function checkWhole(name: string, value: unknown): Problem[] {
  if (typeof value !== 'number' || !(value >= 0) || value === Infinity || Number.isInteger(value)) return [];
  return [problem('PEXEN_BAD_OPTION', `${name} must be a whole number, not ${value}`)];
}

function checkSource(name: string, source: unknown): Problem[] {
  return isFunction(source) ? [] : checkPool(name, source ?? null);
}

function checkGroup(name: string, group: unknown): Problem[] {
  if (isPool(group) || isFunction(group))
    return [problem('PEXEN_BAD_OPTION', `${name} must be an object with a pool`, 'Write { pool: () => … }.')];
  if (!isRecord(group)) return check(name, group ?? null, 'an object with a pool', isRecord);
  const { pool, workers, spare, exclusive } = group;
  return [
    ...unknownOptions(name, group, knownOfGroup),
    ...(pool === undefined
      ? [problem('PEXEN_BAD_OPTION', `${name} has no pool`, 'Write { pool: () => … }.')]
      : checkSource(`${name}.pool`, pool)),
    ...checkNumber(`${name}.workers`, workers, 1),
    ...checkWhole(`${name}.workers`, workers),
    ...checkNumber(`${name}.spare`, spare, 0),
    ...checkWhole(`${name}.spare`, spare),
    ...check(`${name}.exclusive`, exclusive, 'true or false', (value) => typeof value === 'boolean'),
  ];
}

function checkRecord(
  name: string,
  record: unknown,
  checkEntry: (name: string, value: unknown) => Problem[],
): Problem[] {
  if (!isRecord(record)) return check(name, record, 'an object, by name', isRecord);
  return Object.entries(record).flatMap(([key, value]) => checkEntry(`${name}.${key}`, value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return isRecord(value) && names.every((name) => isFunction(value[name]));
}

function isPool(value: unknown): value is Pool {
  return hasMethods(value, ['open', 'run', 'close']) && isRecord((value as unknown as Pool).manifest);
}

function isClock(value: unknown): boolean {
  return hasMethods(value, ['now', 'wallNow', 'after']);
}

function isRecorder(value: unknown): boolean {
  return hasMethods(value, ['tasks', 'inputs', 'commands']);
}

function isSignal(value: unknown): boolean {
  return hasMethods(value, ['addEventListener', 'removeEventListener']);
}

function isPairs(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** A pool that is given itself, not made for the run. */
export function isGiven(source: PoolSource): source is Pool {
  return typeof source !== 'function';
}
