/** What one simulated run is made of, as plain data: tasks, how each attempt goes, pools, what the consumer does. */

/** Names of tasks begin with `t`, names of capabilities with `c`. */
export interface RequirementSpec {
  readonly form: 'one' | 'any-of' | 'every' | 'at-least';
  readonly names: readonly string[];
  readonly count: number;
}

/** How one attempt goes. Times are milliseconds. */
export interface AttemptScript {
  readonly ends: 'returned' | 'failed' | 'threw' | 'skipped-itself' | 'crashed' | 'lost' | 'hangs';
  readonly durationMs: number;
  readonly depsOk: boolean;
  readonly locksOk: boolean;
  /** What the body does when it is asked to stop. */
  readonly whenStopped: 'stops' | 'returns' | 'fails' | 'throws' | 'skips' | 'ignores';
  /** Gives no sign of life while it runs. */
  readonly isQuiet: boolean;
  /** How often the pool returns the attempt unstarted first. */
  readonly returnedUnstarted: number;
  /** Only of services: when it is ready. It ends when `ends` and `durationMs` say so, before or after that; one that hangs goes on. */
  readonly readyMs?: number;
}

/** What makes a task a service. */
export interface ServiceSpec {
  readonly restarts: number;
  readonly killsOnStop: boolean;
}

export interface TaskSpec {
  readonly name: string;
  readonly requires: readonly RequirementSpec[];
  readonly provides: readonly string[];
  readonly after: readonly string[];
  readonly before: readonly string[];
  readonly salvages: readonly string[];
  readonly tearsDown: readonly string[];
  readonly uses: readonly string[];
  readonly claims: readonly string[];
  readonly amounts: readonly (readonly [resource: string, count: number])[];
  readonly exclusive: boolean;
  readonly priority: number;
  readonly weight?: number;
  readonly group?: string;
  readonly pool?: string;
  /** It runs on nodes with this property only. */
  readonly on?: OnSpec;
  readonly timeout?: number;
  readonly idleTimeout?: number;
  readonly grace: number;
  readonly retries: number;
  readonly delay: number;
  readonly rerunnable: boolean;
  readonly service?: ServiceSpec;
  /** What it holds may be held by other runs. */
  readonly acrossRuns?: boolean;
  readonly cleanup?: AttemptScript;
  readonly applies: boolean;
  /** The first attempt's script first; the last one counts for all further attempts. */
  readonly script: readonly AttemptScript[];
}

/** What a node has to have. */
export interface OnSpec {
  readonly property: string;
  readonly is: string;
}

export interface NodeSpec {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly joinsAtMs: number;
  /** What happens to it at these times, until the world heals: its slots change, it leaves, or it boots. */
  readonly changes: readonly (readonly [atMs: number, what: number | 'leaves' | 'boots'])[];
}

export interface PoolSpec {
  readonly name: string;
  /** Then its slots are theirs. `slots` counts only as what a group uses at most. */
  readonly nodes?: readonly NodeSpec[];
  readonly isGroup: boolean;
  readonly exclusive: boolean;
  readonly slots: number;
  readonly spare: number;
  readonly opensInMs: number;
  /** It cannot be opened. */
  readonly fails: boolean;
  /** It never finishes opening by itself. */
  readonly neverOpens: boolean;
  /** Can it end a body that ignores its signal? Otherwise it abandons the body. */
  readonly kills: boolean;
  /** Its slots change to these at these times, until the world heals. */
  readonly changes: readonly (readonly [atMs: number, slots: number])[];
}

export interface Scenario {
  readonly seed: number;
  readonly tasks: readonly TaskSpec[];
  /** Added by the consumer after so many results. */
  readonly additions: readonly { readonly afterResults: number; readonly tasks: readonly TaskSpec[] }[];
  readonly pools: readonly PoolSpec[];
  readonly capacities: readonly (readonly [resource: string, count: number])[];
  readonly bypasses: number;
  readonly latecomers: number;
  /** How long the consumer thinks over each result; used in turn. */
  readonly pausesMs: readonly number[];
  readonly endings: readonly { readonly how: 'drain' | 'cancel' | 'kill'; readonly atMs: number }[];
  /** So many results the consumer asks for at a time. */
  readonly pulls: number;
  /** After so many batches of facts everything is gone, and a second session goes on. */
  readonly cutAfter?: number;
  /** Probabilities of the world, each 0 to 1. */
  readonly faults: {
    /** An old fact is repeated, or a fact comes about an attempt that never existed. */
    readonly duplicate: number;
    /** A fact waits for the next one. */
    readonly batch: number;
    readonly earlyAlarm: number;
  };
}
