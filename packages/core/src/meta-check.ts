/** Validates the metadata of one task. */
import { isSchema } from './args.ts';
import { badEntry, type Check, didYouMean, listOf, must, numberHint } from './entry-check.ts';
import { type Problem, problem } from './errors.ts';
import { formOf, isCapability, isCompound } from './requirement.ts';
import { claimed, describeResource, isAmount, used } from './resource.ts';
import type { Retries, ServiceMeta, TaskMeta } from './task.ts';

type Checks = Readonly<Record<string, Check | undefined>>;

const isObject = (value: unknown): boolean =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';
const isFrom0 = (value: unknown): boolean => typeof value === 'number' && value >= 0;

const text = must('a non-empty string', (value) => typeof value === 'string' && value !== '');
const flag = must('true or false', (value) => typeof value === 'boolean');
const finite = must('a finite number', Number.isFinite);
const limit = must('a number of milliseconds above 0', (value) => isFrom0(value) && value !== 0);
const duration = must('a number of milliseconds, 0 or more', isFrom0);
const body = must('a function', (value) => typeof value === 'function');
const strings = must(
  'a list of strings',
  (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'string'),
);
const names = must(
  'a list of non-empty strings',
  (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry !== ''),
);
const capability = must(
  'a capability: a string, a key, a task or another object, but not a list, an amount or a result of anyOf, every or atLeast',
  isCapability,
);
const capabilities = listOf(capability);
const requirements = listOf((entry) => {
  if (!isCompound(entry)) return capability(entry);
  if (entry.capabilities.length === 0) return 'names no capability';
  if (formOf(entry) === 'at-least' && !(entry.count >= 1 && Number.isInteger(entry.count)))
    return 'needs a whole number of providers, 1 or more';
  return entry.capabilities.map(capability).find((complaint) => complaint !== undefined);
});
const tearsDown: Check = (value) => {
  if (!Array.isArray(value)) return capability(value);
  return value.length === 0 ? 'names no capability' : capabilities(value);
};
const whole = must('a whole number, 0 or more', (value) => Number.isInteger(value) && isFrom0(value));
const retryEntries: Readonly<Record<keyof Retries, Check>> = {
  count: whole,
  delay: duration,
  factor: must('a number, 0 or more', isFrom0),
  maxDelay: duration,
  jitter: must('a number from 0 to 1', (value) => isFrom0(value) && (value as number) <= 1),
};
const retries: Check = (value) => {
  if (typeof value !== 'object' || value === null)
    return whole(value) && 'must be a whole number, or { count, delay, … }';
  for (const [name, entry] of Object.entries({ ...value, count: (value as Partial<Retries>).count })) {
    const check = (retryEntries as Checks)[name];
    if (check === undefined) return `has no entry "${name}", but ${Object.keys(retryEntries).join(', ')}`;
    const complaint = entry === undefined && name !== 'count' ? undefined : check(entry);
    if (complaint !== undefined) return `has an entry "${name}" that ${complaint}`;
  }
  return undefined;
};
const condition = must('true, false, a reason or a function of the facts', (value) =>
  ['boolean', 'string', 'function'].includes(typeof value),
);
const on = must(
  'an expression over the properties of nodes, or a function of a node',
  (value) => typeof value === 'function' || (typeof value === 'string' && value.trim() !== ''),
);
const scope = must('run, boot or process', (value) => ['run', 'boot', 'process'].includes(value as string));
const record = must(
  'a schema or an object with names, not a list',
  (value) => isSchema(value) || (isObject(value) && typeof value !== 'function' && !Array.isArray(value)),
);

const checks: Readonly<Record<keyof TaskMeta, Check>> = Object.assign(Object.create(null) as object, {
  name: text,
  requires: requirements,
  after: capabilities,
  before: capabilities,
  salvages: capabilities,
  tearsDown,
  provides: capabilities,
  uses: used,
  claims: claimed,
  exclusive: flag,
  priority: finite,
  preference: finite,
  weight: duration,
  args: record,
  group: text,
  pool: text,
  on,
  perNode: flag,
  timeout: limit,
  idleTimeout: limit,
  grace: duration,
  slowAfter: duration,
  retries,
  rerunnable: flag,
  mayReboot: flag,
  scope,
  cleanup: body,
  inputs: names,
  digestEnv: names,
  tags: strings,
  lintIgnore: names,
  when: condition,
});

/** The names that metadata may have. */
export const metaKeys: readonly (keyof TaskMeta)[] = Object.keys(checks) as (keyof TaskMeta)[];

/** Why a service has no such entry. */
const notOfServices = {
  exclusive: 'It would run alone, without the tasks that need it: claim resources instead.',
  group: 'It goes on while tasks inside and outside of the group need it.',
  salvages: 'Write a task that salvages, and have it require the service.',
  tearsDown: 'Write a task that tears down, and have it require the service.',
  scope: 'What a service provides lasts as long as the process that runs pexen.',
  rerunnable: 'A service may always start again.',
  mayReboot: 'Write a task for the reboot.',
  cleanup: 'Clean up when the signal is aborted, or in a task that tears down what the service provides.',
} as const satisfies Partial<Record<keyof TaskMeta, string>>;

const serviceChecks: Readonly<Record<keyof ServiceMeta, Check>> = Object.assign(
  Object.create(null) as object,
  Object.fromEntries(Object.entries(checks).filter(([name]) => !Object.hasOwn(notOfServices, name))) as Omit<
    typeof checks,
    keyof typeof notOfServices
  >,
  { restarts: whole, stop: must('kill', (value) => value === 'kill') },
);

/** The names that the metadata of a service may have. */
export const serviceMetaKeys: readonly (keyof ServiceMeta)[] = Object.keys(
  serviceChecks,
) as (keyof ServiceMeta)[];

/** Returned for nearly every task, so that valid tasks need no list of their own. */
const none: Problem[] = [];
Object.freeze(none);

/**
 * All problems of the metadata by itself: unknown entries, wrong types, a resource both used and claimed.
 * `task` is the name of the task in the problems.
 */
export function checkMeta(meta: object, task: string, isService = false): Problem[] {
  const known: Checks = isService ? serviceChecks : checks;
  let problems = none;
  let rivals = 0; // entries that may contradict another one
  for (const name in meta) {
    const value = (meta as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (name === 'uses' || name === 'claims' || name === 'group' || name === 'pool' || name === 'perNode')
      rivals++;
    const check = known[name];
    const complaint = check === undefined ? '' : check(value);
    if (complaint === undefined) continue;
    problems = [...problems, wrongEntry(name, value, check, complaint, task, isService)];
  }
  return rivals < 2 ? problems : [...problems, ...contradictions(meta, task)];
}

function wrongEntry(
  name: string,
  value: unknown,
  check: Check | undefined,
  complaint: string,
  task: string,
  isService: boolean,
): Problem {
  if (check === undefined) return unknownEntry(name, task, isService);
  const hint = check === retries ? retriesHint(value) : undefined;
  const found = badEntry(name, value, check, complaint, task);
  return hint === undefined ? found : { ...found, hint };
}

/** A hint for the first wrong entry of `retries`: how it was probably meant. */
function retriesHint(value: unknown): string | undefined {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const hintOf = ([name, entry]: [string, unknown]): string | undefined => {
    const check = (retryEntries as Checks)[name];
    return check === undefined ? didYouMean(name, Object.keys(retryEntries)) : numberHint(name, entry, check);
  };
  return entries.map(hintOf).find((hint) => hint !== undefined);
}

function unknownEntry(name: string, task: string, isService: boolean): Problem {
  if (isService && Object.hasOwn(notOfServices, name)) {
    const hint = notOfServices[name as keyof typeof notOfServices];
    return problem('PEXEN_UNKNOWN_META', `a service has no metadata "${name}"`, hint, task);
  }
  const known = isService ? serviceMetaKeys : metaKeys;
  const isOfServices = !isService && (serviceMetaKeys as readonly string[]).includes(name);
  const hint = isOfServices
    ? 'Only services have it: make the task with service().'
    : (didYouMean(name, known) ?? `The entries are: ${known.join(', ')}.`);
  return problem('PEXEN_UNKNOWN_META', `unknown metadata "${name}"`, hint, task);
}

function contradictions({ uses, claims, group, pool, perNode }: TaskMeta, task: string): Problem[] {
  const used = new Set<unknown>(
    Array.isArray(uses) ? uses.map((use) => (isAmount(use) ? use.resource : use)) : [],
  );
  const both = Array.isArray(claims) ? claims.filter((resource) => used.has(resource)) : [];
  const problems = both.map((resource) =>
    problem(
      'PEXEN_USED_AND_CLAIMED',
      `${describeResource(resource)} is both used and claimed`,
      'A claim includes the use: remove it from uses.',
      task,
    ),
  );
  if (group !== undefined && perNode === true)
    problems.push(
      problem(
        'PEXEN_GROUP_AND_NODES',
        `it is perNode, and of the group "${group}"`,
        'Set up the nodes before the group opens: remove group.',
        task,
      ),
    );
  if (group === undefined || pool === undefined) return problems;
  const message = `it names both group "${group}" and pool "${pool}"`;
  const hint = 'A group has a pool of its own: remove pool.';
  return [...problems, problem('PEXEN_GROUP_AND_POOL', message, hint, task)];
}
