/** Which entries a task's metadata has, as bits: looking for twenty that are not there costs more than all else. */
import { defined, type Retries, type TaskMeta } from '@pexen/core';

export const REQUIRES = 1;
export const PROVIDES = 2;
/** `after`, `before`. */
export const ORDERED = 4;
/** `salvages`, `tearsDown`: it takes poisoned resources, too. */
export const EXEMPT = 8;
/** `uses`, `claims`, `exclusive`. */
export const HOLDS = 16;
/** What `rulesOf` reads. */
export const RULED = 32;
export const CONDITIONAL = 64;
/** `priority`, `weight`. */
export const RANKED = 128;
/** Its expected duration is known, from `weight` or from the run: set where it is weighed. */
export const MEASURED = 256;
export const CLEANS = 512;
/** `group`, `pool`. */
export const PLACED = 1024;
/** `args`. */
export const TAKES = 2048;
/** The task is a plain function. */
export const PLAIN = 4096;

const bits: Readonly<Partial<Record<string, number>>> = Object.assign(Object.create(null) as object, {
  requires: REQUIRES,
  provides: PROVIDES,
  after: ORDERED,
  before: ORDERED,
  salvages: EXEMPT,
  tearsDown: EXEMPT,
  uses: HOLDS,
  claims: HOLDS,
  exclusive: HOLDS,
  timeout: RULED,
  idleTimeout: RULED,
  grace: RULED,
  slowAfter: RULED,
  retries: RULED,
  rerunnable: RULED,
  when: CONDITIONAL,
  priority: RANKED,
  weight: RANKED,
  cleanup: CLEANS,
  args: TAKES,
  group: PLACED,
  pool: PLACED,
} satisfies Partial<Record<keyof TaskMeta, number>>);

/** Of these, what is given as undefined does not count; others are looked at again where they are used. */
const EXACT = EXEMPT | CLEANS;

/** The bits of the entries that are there. Reading a value by its name costs more than all else here: few are read. */
export function metaFlagsOf(meta: TaskMeta): number {
  let metaFlags = 0;
  for (const name in meta) {
    const bit = bits[name] ?? 0;
    if ((bit & EXACT) === 0 || (meta as Record<string, unknown>)[name] !== undefined) metaFlags |= bit;
  }
  return metaFlags;
}

// The rules for the attempts of a task

/** Used for tasks whose metadata does not say. Times are milliseconds; where nothing is said there is no limit. */
export interface TaskDefaults {
  readonly timeout?: number | undefined;
  readonly idleTimeout?: number | undefined;
  /** Default 10,000. */
  readonly grace?: number | undefined;
  readonly slowAfter?: number | undefined;
  /** Default 0. */
  readonly retries?: number | Retries | undefined;
  /** Default false. */
  readonly rerunnable?: boolean | undefined;
}

/** Times are milliseconds; an absent one is no limit. */
export interface Rules {
  readonly timeoutMs: number | undefined;
  readonly idleMs: number | undefined;
  readonly graceMs: number;
  /** Nobody has said what the grace is. */
  readonly isDefaultGrace: boolean;
  readonly slowAfterMs: number;
  readonly retries: { readonly [K in keyof Retries]-?: Exclude<Retries[K], undefined> };
  readonly rerunnable: boolean;
}

/** The rules of a task that says just this, or of all that say nothing. */
export function defaultRules(defaults: TaskDefaults = {}): Rules {
  const { retries = 0 } = defaults;
  return {
    timeoutMs: limit(defaults.timeout),
    idleMs: limit(defaults.idleTimeout),
    graceMs: defaults.grace ?? 10_000,
    isDefaultGrace: defaults.grace === undefined,
    slowAfterMs: defaults.slowAfter ?? Infinity,
    retries: {
      ...{ delay: 0, factor: 2, maxDelay: 30_000, jitter: 0 },
      ...(typeof retries === 'number' ? { count: retries } : defined(retries)),
    },
    rerunnable: defaults.rerunnable ?? false,
  };
}

/** The rules of a task that says something itself. */
export function rulesOf(meta: TaskMeta, defaults: TaskDefaults): Rules {
  return defaultRules({ ...defaults, ...defined(meta) });
}

/** Infinity is how metadata says that a default is not to hold. */
function limit(ms: number | undefined): number | undefined {
  return ms === Infinity ? undefined : ms;
}
