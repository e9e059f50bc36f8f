/** What holds for the attempts of a task: its own metadata, else the defaults. */
import { defined, type Retries, type TaskMeta } from '@pexen/core';

/** What tasks are held to where their metadata says nothing. See `TaskMeta`. */
export type RuleDefaults = Pick<
  TaskMeta,
  'timeout' | 'idleTimeout' | 'grace' | 'slowAfter' | 'retries' | 'rerunnable'
>;

/** Times are milliseconds; an absent one is no limit. */
export interface Rules {
  readonly timeoutMs: number | undefined;
  readonly idleMs: number | undefined;
  readonly graceMs: number;
  readonly slowAfterMs: number;
  readonly retries: { readonly [K in keyof Retries]-?: Exclude<Retries[K], undefined> };
  readonly rerunnable: boolean;
}

/** The rules of a task that says just this, or of all that say nothing. */
export function defaultRules(defaults: RuleDefaults = {}): Rules {
  const { retries = 0 } = defaults;
  return {
    timeoutMs: limit(defaults.timeout),
    idleMs: limit(defaults.idleTimeout),
    graceMs: defaults.grace ?? 10_000,
    slowAfterMs: defaults.slowAfter ?? Infinity,
    retries: {
      ...{ delay: 0, factor: 2, maxDelay: 30_000, jitter: 0 },
      ...(typeof retries === 'number' ? { count: retries } : defined(retries)),
    },
    rerunnable: defaults.rerunnable ?? false,
  };
}

/** The rules of a task that says something itself. */
export function rulesOf(meta: TaskMeta, defaults: RuleDefaults): Rules {
  return defaultRules({ ...defaults, ...defined(meta) });
}

/** Infinity is how metadata says that a default is not to hold. */
function limit(ms: number | undefined): number | undefined {
  return ms === Infinity ? undefined : ms;
}
