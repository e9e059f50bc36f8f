/** What holds for the attempts of a task: its own metadata, else the defaults. */
import { defined, type Retries, type TaskMeta } from '@pexen/core';

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
