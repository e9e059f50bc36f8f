/**
 * The metadata of a task: which entries it has, as bits, because looking up twenty absent entries would be the largest cost of a task; and
 * the rules for its attempts.
 */
import { defined, type Retries, type TaskMeta } from '@pexen/core';

export const REQUIRES = 1;
export const PROVIDES = 2;
/** `after`, `before`. */
export const ORDERED = 4;
/** `salvages`, `tearsDown`: the task may use poisoned resources. */
export const EXEMPT = 8;
/** `uses`, `claims`, `exclusive`. */
export const HOLDS = 16;
/** The entries that `rulesOf` reads. */
export const RULED = 32;
export const CONDITIONAL = 64;
/** `priority`, `weight`. */
export const RANKED = 128;
/** The expected duration is known, from `weight` or from the run. Set when the task is weighed. */
export const MEASURED = 256;
export const CLEANS = 512;
/** `group`, `pool`. */
export const PLACED = 1024;
/** `args`. */
export const TAKES = 2048;
/** The task is a plain function. */
export const PLAIN = 4096;
/** The task is a service. */
export const SERVICE = 8192;
export const PER_NODE = 16_384;
export const ON = 32_768;

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
  on: ON,
  perNode: PER_NODE,
} satisfies Partial<Record<keyof TaskMeta, number>>);

/** An undefined value of one of these does not count. The others are checked again where they are used. */
const EXACT = EXEMPT | CLEANS;

/** The bits of the entries that are present. Reads few values: reading a value by its name is the largest cost here. */
export function metaFlagsOf(meta: TaskMeta): number {
  let metaFlags = 0;
  for (const name in meta) {
    const bit = bits[name] ?? 0;
    if ((bit & EXACT) === 0 || (meta as Record<string, unknown>)[name] !== undefined) metaFlags |= bit;
  }
  return metaFlags;
}

// The rules for the attempts of a task

/** Used for tasks whose metadata states nothing else. Times are milliseconds; a missing one means no limit. */
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

/** Times are milliseconds; an undefined one means no limit. */
export interface Rules {
  readonly timeoutMs: number | undefined;
  readonly idleMs: number | undefined;
  readonly graceMs: number;
  /** True if neither the task nor the run states the grace period. */
  readonly isDefaultGrace: boolean;
  readonly slowAfterMs: number;
  readonly retries: { readonly [K in keyof Retries]-?: Exclude<Retries[K], undefined> };
  readonly rerunnable: boolean;
}

/** The rules of a task with exactly these entries, or of all tasks with none. */
function defaultRules(defaults: TaskDefaults = {}): Rules {
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

/** The rules of a task that states some of them itself; `overrides` wins over what it states. */
export function rulesOf(meta: TaskMeta, defaults: TaskDefaults = {}, overrides: TaskDefaults = {}): Rules {
  return defaultRules({ ...defaults, ...defined(meta), ...defined(overrides) });
}

/** Infinity in metadata cancels a default. */
function limit(ms: number | undefined): number | undefined {
  return ms === Infinity ? undefined : ms;
}
