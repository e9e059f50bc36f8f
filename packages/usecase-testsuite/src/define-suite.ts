/** What a suite is made of, as its author writes it down. */
import type { Facts, Pool, Resource, Retries, TaskMeta } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import type { Clock } from '@pexen/pool-process';
import type { JUnitOptions, LinesOptions, Reporter } from '@pexen/report';

/** The environment a configuration may depend on. */
export interface SuiteEnvironment {
  /** Is this a run of a continuous integration (`CI` is set)? */
  readonly ci: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a pool is made for. */
export interface PoolRequest {
  /** How many workers the command line or the configuration asks for. */
  readonly workers: number;
  /** The address of the suite's loader, where it has one. `processes` and `threads` take it as it is. */
  readonly loader?: string;
  /** The time of the run, which stands still while the process is stopped. `processes` stops what it runs meanwhile. */
  readonly clock?: Clock;
}

/** A group of exclusivity: its tasks run together, in a pool of their own, while nothing else does. */
export interface SuiteGroup {
  readonly pool: (request: PoolRequest) => Pool;
  /** Attempts dispatched beyond the workers. */
  readonly spare?: number;
  /** May nothing else run meanwhile? Default true. */
  readonly exclusive?: boolean;
}

/** The name of a reporter, a name with options, or a reporter of one's own. The file of `junit` is relative to the configuration. */
export type ReporterChoice =
  | ReporterName
  | readonly [name: ReporterName, options?: TerminalReporterOptions]
  | readonly [name: 'junit', options: JUnitOptions]
  | Reporter;

/** The reporters for a terminal: `terminal` is one of the other two, as fits. */
export type ReporterName = 'terminal' | 'live' | 'lines';

/** What a configuration may say of the reporters on a terminal. */
export type TerminalReporterOptions = Pick<LinesOptions, 'color' | 'passes' | 'outputLines' | 'slowAfter'>;

/** More workers would only cost memory. */
export const mostWorkers = 10_000;

/** The whole configuration of a suite. Times are milliseconds; every entry but `from` may be left out. */
export interface SuiteConfig {
  /** Where the tasks come from: call path → factory. `''` puts them at the root. */
  readonly from: Readonly<Record<string, Factory>>;
  /** What is known of the environment, for `when`; asked once, before the run. */
  readonly facts?: Facts | (() => Facts | Promise<Facts>);
  /** The pool of all tasks that name no other. Default: child processes. */
  readonly pool?: (request: PoolRequest) => Pool;
  /** Further pools, for tasks that name them. */
  readonly pools?: Readonly<Record<string, (request: PoolRequest) => Pool>>;
  readonly groups?: Readonly<Record<string, SuiteGroup>>;
  /** How much there is of resources that are taken by amount. */
  readonly capacities?: ReadonlyMap<Resource, number> | Readonly<Record<string, number>>;
  /** How many run at the same time, at most 10,000. Default: one a processor. `-j` wins. */
  readonly workers?: number;
  /** A module that loads what Node's type stripping cannot, here and in the workers: `'tsx'`, or a path from the configuration. */
  readonly loader?: string;
  readonly spare?: number;
  /** Entries of every task's dictionary. */
  readonly shared?: Readonly<Record<string, unknown>>;
  /** Variables of the environment that count in the digests of all tasks, besides the `digestEnv` of each. */
  readonly digestEnv?: readonly string[];
  /** Longest time of the whole run. */
  readonly deadline?: number;
  readonly retries?: TaskMeta['retries'];
  /** Default 300,000. */
  readonly timeout?: number;
  readonly idleTimeout?: number;
  /** Default 10,000. */
  readonly grace?: number;
  /** Default 60,000. */
  readonly slowAfter?: number;
  /** Default true: a test may start again after its worker was lost. A crash is retried only with `retries`. */
  readonly rerunnable?: boolean;
  /** Tests that cannot pass yet: pattern over call paths → reason. */
  readonly expectedFailures?: Readonly<Record<string, string>>;
  /** Default: `['terminal']`. */
  readonly reporters?: readonly ReporterChoice[];
}

/** A suite as it is handed around: made by `defineSuite`, read by `runSuite`. */
export type Suite = SuiteConfig | ((environment: SuiteEnvironment) => SuiteConfig | Promise<SuiteConfig>);

/** Entries that are none: never what one may write. */
type Unknown<T, Known> = { readonly [K in Exclude<keyof T, keyof Known>]: never };

/** Makes entries that are none a compile error also where a function gives the configuration. */
type OnlyKnown<C> = Unknown<C, SuiteConfig> & {
  readonly groups?: C extends { readonly groups: infer G }
    ? { readonly [K in keyof G]: Unknown<G[K], SuiteGroup> }
    : unknown;
  readonly retries?: C extends { readonly retries: infer R extends Retries } ? Unknown<R, Retries> : unknown;
};

/**
 * Returns its argument; editors then know what may stand in it, and entries that are none do not compile.
 *
 * @example
 * export default defineSuite(({ ci }) => ({ from: { sys: executables({ dir: 'tests' }) }, retries: ci ? 1 : 0 }));
 */
export function defineSuite<const C extends SuiteConfig>(
  suite:
    | (C & OnlyKnown<C>)
    | ((environment: SuiteEnvironment) => (C & OnlyKnown<C>) | Promise<C & OnlyKnown<C>>),
): Suite {
  return suite;
}
