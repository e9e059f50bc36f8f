/** The configuration of a suite, as its author writes it. */
import type { GivenFacts, PlacedTask, Pool, Resource, Retries, Runnable, TaskMeta } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import type { Clock, ProcessesOptions } from '@pexen/pool-process';
import type { FileReporterName, FileReporterOptions, LinesOptions, Reporter } from '@pexen/report';
import type { ChecksChoice } from '../checks/built-in.ts';
import type { LintRule } from '../lint/rules.ts';

/** The environment that a configuration may depend on. */
export interface SuiteEnvironment {
  /** Is this a run in continuous integration (`CI` is set)? */
  readonly ci: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a configured pool is made with. */
export interface PoolRequest {
  /** The number of workers from the command line or the configuration. */
  readonly workers: number;
  /** The URL of the suite's loader, if it has one. `processes` and `threads` accept it as it is. */
  readonly loader?: string;
  /** Where the private directories of programs are kept; absent unless they are to be kept. `processes` and `threads` accept it as it is. */
  readonly keep?: string;
  /** The clock of the run, which pauses while the process is stopped. `processes` also stops its workers meanwhile. */
  readonly clock?: Clock;
  /** Names files for outputs of programs that are too long for memory. `processes` and `nats` accept it as it is. */
  readonly outputFile?: NonNullable<ProcessesOptions['outputFile']>;
}

/** A group of exclusivity: its tasks run together, in a pool of their own, while nothing else does. */
export interface SuiteGroup {
  readonly pool: (request: PoolRequest) => Pool;
  /** How many attempts are dispatched beyond the number of workers. */
  readonly spare?: number;
  /** Does nothing else run at the same time? Default true. */
  readonly exclusive?: boolean;
}

/** The name of a reporter, a name with options, or a custom reporter. Files are relative to the configuration. */
export type ReporterChoice =
  | ReporterName
  | readonly [name: ReporterName, options?: TerminalReporterOptions]
  | FileReporterName
  | {
      readonly [Name in FileReporterName]: readonly [name: Name, options?: FileReporterOptions[Name]];
    }[FileReporterName]
  | PageReporterName
  | readonly [name: PageReporterName, options?: PageReporterOptions]
  | OtelReporterName
  | readonly [name: OtelReporterName, options?: OtelReporterOptions]
  | OtherReporterName
  | readonly [name: OtherReporterName, options?: Readonly<Record<string, unknown>>]
  | Reporter;

/** The reporter that writes a page. Its package, `@pexen/page`, is installed where it is wanted. */
export type PageReporterName = 'html';

/** The options of `html` in a configuration. */
export interface PageReporterOptions {
  /** Default: `report.html`. */
  readonly file?: string;
  /** The heading. Default: the name of the suite's folder. */
  readonly title?: string;
  /** Images up to this size are in the report, bytes. Default: 1 MiB; 0: none. */
  readonly images?: number;
}

/** The reporter that sends a trace. Its package, `@pexen/otel`, is installed where it is wanted. */
export type OtelReporterName = 'otel';

/** The options of `otel` in a configuration. Where it sends the trace is in the `OTEL_*` variables. */
export interface OtelReporterOptions {
  /** The name of the suite. Default: that of its folder. */
  readonly suite?: string;
  /** How long the end of the run waits for the collector, ms. Default: 5,000. */
  readonly closeTimeoutMs?: number;
}

/** A reporter of others: the name of its package, or the path of a module, relative to the configuration. */
export type OtherReporterName =
  | `pexen-reporter-${string}`
  | `@${string}/pexen-reporter-${string}`
  | `./${string}`
  | `../${string}`
  | `/${string}`;

/** The reporters for a terminal: `terminal` selects one of the other two. */
export type ReporterName = 'terminal' | 'live' | 'lines';

/** The options of the terminal reporters in a configuration. */
export type TerminalReporterOptions = Pick<
  LinesOptions,
  'color' | 'passes' | 'outputLines' | 'slowAfter' | 'showOutput' | 'verbosity' | 'failures'
>;

/** The largest number of workers. */
export const mostWorkers = 10_000;

/** The pools that have a name. */
export const poolNames = ['processes', 'threads', 'inline'] as const;

/** Who shares a resource. */
export const resourceScopes = ['run', 'node', 'machine', 'cluster'] as const;

/** When an event counts as recorded. */
export const durabilities = ['process', 'power', 'memory'] as const;

/** What `pexen lint` does not report. */
export interface LintChoice {
  /** By rule: patterns over the call paths of tasks and the names of resources. `**` switches the rule off. */
  readonly ignore?: Readonly<Partial<Record<LintRule, string | readonly string[]>>>;
}

/** How much of past runs stays. The newest run always does. */
export interface RetentionChoice {
  readonly runs?: number;
  readonly days?: number;
  /** The size of all of them together. */
  readonly mebibytes?: number;
}

/** Metadata for the tasks that a pattern selects. */
export interface SuiteOverride {
  /** Which tasks: a query, as `pexen run` takes them, or several, of which one has to match. */
  readonly match: string | readonly string[];
  /**
   * What is set for them, unless they state it themselves. Lists (`tags`, `requires`, `uses`, …) are added to those of the task, and a `when` has to be
   * met besides its own. What a task is, its name, its args and what it provides, cannot be set.
   */
  readonly set: Pick<
    TaskMeta,
    | ('timeout' | 'idleTimeout' | 'grace' | 'slowAfter' | 'retries' | 'rerunnable')
    | ('priority' | 'preference' | 'weight' | 'exclusive' | 'group' | 'pool' | 'on' | 'scope' | 'mayReboot')
    | ('tags' | 'requires' | 'after' | 'before' | 'uses' | 'claims' | 'inputs' | 'digestEnv' | 'when')
  >;
}

/** Other values of options, in effect where the profile is chosen. An entry takes the place of the whole entry of the configuration. */
export type SuiteProfile = Partial<Omit<SuiteConfig, 'profiles'>>;

/** Rules for resources whose names match a pattern: `*` stands for any characters of one part of a path, `**` for any parts. */
export interface ResourceRules {
  /**
   * Who shares the resource and everything below it. `run` (default): the tasks of one run. `node`: those of them that run on the same node, of which each
   * has its own; see docs/nodes.md. `machine`: all runs of this user on this machine; see docs/shared-locks.md. `cluster`: all runs that reach the server
   * which `cluster` names; see docs/cluster-locks.md.
   */
  readonly scope?: (typeof resourceScopes)[number];
  /**
   * How many units there are of it, as in `capacities`; on each node, with the scope `node`, where it may also be the name of the property of nodes that says
   * it. Only for a name without `*`.
   */
  readonly capacity?: number | string;
}

/** The server through which runs on several machines share locks: NATS with JetStream. What is not stated is taken from `PEXEN_NATS_…`. Times are ms. */
export interface ClusterChoice {
  /** Addresses. Default `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[];
  /** Runs of the same pool share locks. Default `default`. */
  readonly pool?: string;
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** Files: the seed of an nkey; credentials. */
  readonly nkey?: string;
  readonly creds?: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Allows connections without TLS to other machines. */
  readonly insecure?: boolean;
  /** A run that does not reach the server for so long has lost what it holds. Default 10,000. All runs have to state the same, as for `endingMs`. */
  readonly leaseMs?: number;
  /** How long what runs with lost locks may take to end. Default 5,000. */
  readonly endingMs?: number;
}

/** The whole configuration of a suite. Times are milliseconds; every entry but `from` may be left out. */
export interface SuiteConfig {
  /** The factories of the tasks: call path → factory. `''` is the root. */
  readonly from: Readonly<Record<string, Factory>>;
  /**
   * Facts about the environment, for `when`, in addition to the standard ones. A function as an entry is called when a task asks for its fact, once,
   * and may be async; a function of all facts is called before the run.
   */
  readonly facts?: GivenFacts | (() => GivenFacts | Promise<GivenFacts>);
  /** How long one of these facts may take. Default 10,000. */
  readonly factsTimeout?: number;
  /**
   * Tasks that are pulled in where something requires what they provide and the suite does not: a factory, or a list of factories and tasks. See
   * docs/catalogue.md.
   */
  readonly catalogue?: Factory | readonly (Factory | Runnable | PlacedTask)[];
  /**
   * Metadata by pattern. It comes after what a task states itself, and before the defaults of the suite; of several overrides that match a task, the
   * first one counts for each entry.
   */
  readonly overrides?: readonly SuiteOverride[];
  /** Other values, by the name of the profile: `--profile ci`. */
  readonly profiles?: Readonly<Record<string, SuiteProfile>>;
  /** The pool of all tasks that do not name another one: a function, or `processes` (default), `threads` or `inline`. */
  readonly pool?: (typeof poolNames)[number] | ((request: PoolRequest) => Pool);
  /** Further pools, for the tasks that name them. */
  readonly pools?: Readonly<Record<string, (request: PoolRequest) => Pool>>;
  readonly groups?: Readonly<Record<string, SuiteGroup>>;
  /** The capacities of resources that are used by amount. */
  readonly capacities?: ReadonlyMap<Resource, number> | Readonly<Record<string, number>>;
  /** Rules for resources, by names and patterns: `{ '/dev/**': { scope: 'machine' } }`. Of several that match a resource, all count. */
  readonly resources?: Readonly<Record<string, ResourceRules>>;
  /** How runs on several machines reach each other, for resources with the scope `cluster`. */
  readonly cluster?: ClusterChoice;
  /** Names of resources that exist once for all machines, such as a server: with `--shard`, the tasks that hold one of them run in one shard. */
  readonly sharedResources?: readonly string[];
  /**
   * What tests must not leave behind: processes, ports, files, messages of the kernel, core dumps, and checks of your own. See docs/checks.md. Default: nothing is
   * checked besides the processes that pools find.
   */
  readonly checks?: ChecksChoice;
  /** How many tasks run at the same time, at most 10,000. Default: one per processor. `-j` takes precedence. */
  readonly workers?: number;
  /** A module that loads what Node's type stripping cannot, in this process and in the workers: `'tsx'`, or a path relative to the configuration. */
  readonly loader?: string;
  readonly spare?: number;
  /** Entries of every task's dictionary. */
  readonly shared?: Readonly<Record<string, unknown>>;
  /** Environment variables that are part of the digests of all tasks, in addition to the `digestEnv` of each. */
  readonly digestEnv?: readonly string[];
  /** Patterns of files and folders, relative to the configuration, whose changes start no run of `pexen run --watch`. */
  readonly watchIgnore?: readonly string[];
  /** The longest duration of the whole run. */
  readonly deadline?: number;
  readonly retries?: TaskMeta['retries'];
  /** Default 300,000. */
  readonly timeout?: number;
  /** After so many failures nothing more is started. Default: no limit. */
  readonly bail?: number;
  /** Whether a task that passed only after retries makes the run a failed one. Default: false. */
  readonly failOnFlaky?: boolean;
  readonly idleTimeout?: number;
  /** Default 10,000. */
  readonly grace?: number;
  /** Default 60,000. */
  readonly slowAfter?: number;
  /** Default true: a test may start again after its worker was lost. A crash is retried only with `retries`. */
  readonly rerunnable?: boolean;
  /** A command line for the shell that reboots the machine when a task asks for it. Default: pexen ends with exit code 102. */
  readonly rebootCommand?: string;
  /** Are the private directories of programs that failed kept (`cwd: 'private'` or `'copy'`)? Default false. `--keep` takes precedence. */
  readonly keep?: boolean;
  /** Is the run recorded, so that it can be resumed? Default true. `--no-journal` takes precedence. */
  readonly journal?: boolean;
  /**
   * What a recorded result survives. `process`: the death of the command. `power`: also that of the machine. `memory`: neither; nothing is written.
   * Default `process`. `--durability` takes precedence.
   */
  readonly durability?: (typeof durabilities)[number];
  /** The folder for what runs leave behind, relative to the configuration. Default `.pexen`. `--state-dir` takes precedence. */
  readonly stateDir?: string;
  /** Does a run that cannot be recorded stop, with exit code 3? Default false: it warns and goes on. `--require-journal` takes precedence. */
  readonly requireJournal?: boolean;
  /** How many recorded runs stay, and for how long. Default: 100 runs, 30 days, 2048 MiB. */
  readonly retention?: RetentionChoice;
  /**
   * Are durations and verdicts of runs kept, to plan later ones, and how many of them? Default: 500 runs, 180 days, 64 MiB. `false`: nothing is added, and
   * runs do not depend on what is there.
   */
  readonly history?: boolean | RetentionChoice;
  /**
   * What is never recorded: a string is the name of an environment variable, in which `*` stands for any characters, and means its value; an expression
   * means every text that matches. Recorded texts have `***` in their place, and values that contain one are not recorded at all.
   */
  readonly secrets?: readonly (string | RegExp)[];
  /** What `pexen lint` does not report. See docs/lint.md. */
  readonly lint?: LintChoice;
  /**
   * Tests that cannot pass yet: pattern over call paths → reason. With ` › ` and the name of a finding behind the pattern, only that finding
   * is expected to fail: `'a/hash.sh › sha1 of empty'`.
   */
  readonly expectedFailures?: Readonly<Record<string, string>>;
  /** Default: `['terminal']`. */
  readonly reporters?: readonly ReporterChoice[];
  /** For the reporters that write to a terminal, unless they state it themselves. */
  readonly verbosity?: NonNullable<TerminalReporterOptions['verbosity']>;
  readonly showOutput?: NonNullable<TerminalReporterOptions['showOutput']>;
  readonly failures?: NonNullable<TerminalReporterOptions['failures']>;
  /**
   * Is the run shown in a browser while it goes on? A number is the port; `true` takes a free one. Needs the package @pexen/page. Default false. `--ui`
   * takes precedence.
   */
  readonly ui?: boolean | number;
  /** The IP address at which that page is served. Default `127.0.0.1`: only this machine reaches it. */
  readonly uiHost?: string;
  /** May that page stop the run, and run tests again? Only where no other machine reaches it. Default false. */
  readonly uiControl?: boolean;
  /** Starts the tasks in a random order, as far as dependencies allow: a seed repeats an order, `true` takes another one in each run. Default false. */
  readonly shuffle?: string | boolean;
  /** Starts the tasks that failed in the last run, with what they need, before others of the same priority. Default false. */
  readonly failedFirst?: boolean;
  /** How often the suite runs; each round is a run of its own. Default 1. */
  readonly repeat?: number;
  /** Repeats until a round fails, `repeat` times at the most. Default false. */
  readonly untilFail?: boolean;
  /** Distinguishes runs of one suite in different environments when their reports are merged: `arm64`. */
  readonly label?: string;
}

/** A suite: made by `defineSuite`, run by `runSuite`. */
export type Suite = SuiteConfig | ((environment: SuiteEnvironment) => SuiteConfig | Promise<SuiteConfig>);

/** Turns unknown entries into type errors. */
type Unknown<T, Known> = { readonly [K in Exclude<keyof T, keyof Known>]: never };

/** Makes unknown entries a compile error, also where a function returns the configuration. */
type OnlyKnown<C> = Unknown<C, SuiteConfig> & {
  readonly groups?: C extends { readonly groups: infer G }
    ? { readonly [K in keyof G]: Unknown<G[K], SuiteGroup> }
    : unknown;
  readonly profiles?: C extends { readonly profiles: infer P }
    ? { readonly [K in keyof P]: Unknown<P[K], SuiteProfile> }
    : unknown;
  readonly retries?: C extends { readonly retries: infer R extends Retries } ? Unknown<R, Retries> : unknown;
};

/**
 * Returns its argument. Editors then complete its entries, and unknown entries do not compile.
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
