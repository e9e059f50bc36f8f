/** Finds everything that is wrong with one task's metadata. */
import type { Problem } from './errors.ts';
import { isCompound } from './requirement.ts';
import { isAmount } from './resource.ts';
import { nearest } from './suggest.ts';
import type { Retries, TaskMeta } from './task.ts';

type Check = (value: unknown) => string | undefined;

const text: Check = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'must be a non-empty string';
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const finite: Check = (value) => (Number.isFinite(value) ? undefined : 'must be a finite number');
const duration: Check = (value) =>
  typeof value === 'number' && value >= 0 && !Number.isNaN(value)
    ? undefined
    : 'must be a number of milliseconds, 0 or more';
const body: Check = (value) => (typeof value === 'function' ? undefined : 'must be a function');
const list: Check = (value) => (Array.isArray(value) ? undefined : 'must be a list');
const strings: Check = (value) =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string')
    ? undefined
    : 'must be a list of strings';
const capability: Check = (value) =>
  isCapability(value) && !isCompound(value)
    ? undefined
    : 'must be a capability: a string, a key, a task or another object';
const capabilities: Check = (value) => listOf(value, capability);
const requirements: Check = (value) =>
  listOf(value, (entry) => {
    if (!isCompound(entry)) return capability(entry);
    if (entry.capabilities.length === 0) return 'names no capability';
    return entry.capabilities.map(capability).find((complaint) => complaint !== undefined);
  });
const resources: Check = (value) =>
  listOf(value, (entry) => {
    if (isAmount(entry))
      return entry.count > 0 && Number.isFinite(entry.count)
        ? undefined
        : 'has an amount that is not above 0';
    return entry === undefined || entry === null ? 'must be a resource, not null or undefined' : undefined;
  });
const claimed: Check = (value) =>
  resources(value) ??
  (Array.isArray(value) && value.some(isAmount) ? 'has an amount; amounts belong into uses' : undefined);
const whole: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 0 ? undefined : 'must be a whole number, 0 or more';
const retryEntries: Readonly<Record<keyof Retries, Check>> = {
  count: whole,
  delay: duration,
  factor: (value) => (typeof value === 'number' && value >= 0 ? undefined : 'must be a number, 0 or more'),
  maxDelay: duration,
  jitter: (value) =>
    typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'must be a number from 0 to 1',
};
const retries: Check = (value) => {
  if (typeof value !== 'object' || value === null)
    return whole(value) && 'must be a whole number, or { count, delay, … }';
  for (const [name, entry] of Object.entries({ count: undefined, ...value })) {
    const check = (retryEntries as Readonly<Record<string, Check | undefined>>)[name];
    if (check === undefined) return `has no entry "${name}", but ${Object.keys(retryEntries).join(', ')}`;
    const complaint = entry === undefined && name !== 'count' ? undefined : check(entry);
    if (complaint !== undefined) return `has an entry "${name}" that ${complaint}`;
  }
  return undefined;
};
const condition: Check = (value) =>
  ['boolean', 'string', 'function'].includes(typeof value)
    ? undefined
    : 'must be true, false, a reason or a function of the facts';
const record: Check = (value) =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? undefined
    : 'must be a schema or an object';

const checks: Readonly<Record<keyof TaskMeta, Check>> = Object.assign(Object.create(null) as object, {
  name: text,
  requires: requirements,
  after: capabilities,
  before: capabilities,
  salvages: capabilities,
  tearsDown: capability,
  provides: capabilities,
  uses: resources,
  claims: claimed,
  exclusive: flag,
  priority: finite,
  weight: duration,
  args: record,
  group: text,
  pool: text,
  timeout: duration,
  idleTimeout: duration,
  grace: duration,
  slowAfter: duration,
  retries,
  rerunnable: flag,
  cleanup: body,
  tags: strings,
  when: condition,
});

/** The names that metadata may have. */
export const metaKeys: readonly (keyof TaskMeta)[] = Object.keys(checks) as (keyof TaskMeta)[];

/**
 * Everything that is wrong with the metadata taken alone: unknown entries, wrong types, a resource both used and claimed.
 * `task` is the name to speak of in the problems.
 */
export function checkMeta(meta: object, task: string): Problem[] {
  let problems = none;
  let seen = 0; // entries that may contradict each other
  for (const name in meta) {
    const value = (meta as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (name === 'uses' || name === 'claims' || name === 'group' || name === 'pool') seen++;
    const check = (checks as Readonly<Record<string, Check | undefined>>)[name];
    if (check !== undefined && check(value) === undefined) continue;
    const problem =
      check === undefined ? unknownEntry(name, task) : checkEntry(name as keyof TaskMeta, value, task);
    if (problem !== undefined) problems = [...problems, problem];
  }
  if (seen < 2) return problems;
  return [...problems, ...usedAndClaimed(meta, task), ...groupAndPool(meta, task)];
}

/** Returned for nearly every task: it is not worth a list of its own. */
const none: Problem[] = [];
Object.freeze(none);

function checkEntry(name: keyof TaskMeta, value: unknown, task: string): Problem | undefined {
  const complaint = checks[name](value);
  if (complaint === undefined) return undefined;
  const hint =
    typeof value === 'string' && checks[name]([value]) === undefined
      ? `Write ${name}: ['${value}'].`
      : undefined;
  return { code: 'PEXEN_BAD_META', task, message: `${name} ${complaint}`, ...(hint && { hint }) };
}

function unknownEntry(name: string, task: string): Problem {
  const match = nearest(name, metaKeys);
  const hint =
    match === undefined ? `The entries there are: ${metaKeys.join(', ')}.` : `Did you mean "${match}"?`;
  return { code: 'PEXEN_UNKNOWN_META', task, message: `there is no metadata "${name}"`, hint };
}

function usedAndClaimed({ uses, claims }: TaskMeta, task: string): Problem[] {
  if (!Array.isArray(uses) || !Array.isArray(claims)) return [];
  const used = new Set<unknown>(uses);
  return claims
    .filter((resource) => used.has(resource))
    .map((resource) => ({
      code: 'PEXEN_USED_AND_CLAIMED',
      task,
      message: `${describeResource(resource)} is both used and claimed`,
      hint: 'A claim includes the use: remove it from uses.',
    }));
}

function groupAndPool({ group, pool }: TaskMeta, task: string): Problem[] {
  if (group === undefined || pool === undefined) return [];
  return [
    {
      code: 'PEXEN_GROUP_AND_POOL',
      task,
      message: `it names both group "${group}" and pool "${pool}"`,
      hint: 'A group has a pool of its own: remove pool.',
    },
  ];
}

/** A resource as people read it. */
export function describeResource(resource: unknown): string {
  return typeof resource === 'string'
    ? `"${resource}"`
    : String((resource as { name?: unknown } | null)?.name ?? resource);
}

function isCapability(value: unknown): boolean {
  return (
    (typeof value === 'string' && value !== '') ||
    (typeof value === 'object' && value !== null) ||
    typeof value === 'function'
  );
}

function listOf(value: unknown, check: Check): string | undefined {
  if (!Array.isArray(value)) return list(value);
  for (let index = 0; index < value.length; index++) {
    const complaint = check(value[index]);
    if (complaint !== undefined) return `[${index}] ${complaint}`;
  }
  return undefined;
}
