/**
 * What runs and the table that they share send each other, and what a run asks of the world around it. One of the runs keeps the table. Who does is
 * settled by numbered *epochs*: a number is claimed once, by one run, and the highest one is in force.
 */

/** What a task needs of what runs share. Resources are places in one tree, from the root down. */
export interface SharedRequest {
  /** From 1; never used again by the same run. */
  readonly id: number;
  /** The call path of the task. */
  readonly task: string;
  readonly uses: readonly (readonly string[])[];
  readonly claims: readonly (readonly string[])[];
  /** Units of resources that have a capacity. */
  readonly amounts: readonly SharedAmount[];
  /** Smaller goes first among the requests of one run, then larger `rank`, then smaller `id`. */
  readonly priority: number;
  readonly rank: number;
}

export interface SharedAmount {
  readonly resource: readonly string[];
  readonly count: number;
  /** As this run states it; all runs have to state the same. */
  readonly capacity: number;
}

/** A run, for the others. */
export interface RunInfo {
  /** Unique. */
  readonly run: string;
  /** How others name it: `the run 0196f3ab in /home/ann/shop (process 4711)`. */
  readonly label: string;
}

/** A request that was granted. Grants have an order: that of their epochs, and of their numbers within these. */
export interface Grant {
  readonly request: SharedRequest;
  readonly epoch: number;
  readonly number: number;
}

/** What a run holds, as it is written down before it starts the task, and removed after its end. */
export interface WrittenHolds extends RunInfo {
  readonly holds: readonly Grant[];
}

/** A resource that a run held when it died. */
export interface LeftBehind {
  readonly resource: string;
  readonly task: string;
  readonly by: string;
}

/** The request can never be granted: runs state different capacities of a resource. */
export interface CapacityConflict {
  readonly resource: string;
  /** As this run states it, and as runs do that came before it. */
  readonly capacity: number;
  readonly others: number;
}

/** From a run to the table. */
export type ToTable =
  /** The first message of a connection: everything that the run holds, and what it waits for. Whatever else the table believes of it is wrong. */
  | {
      readonly type: 'hello';
      readonly info: RunInfo;
      readonly holds: readonly SharedRequest[];
      readonly wants: readonly SharedRequest[];
    }
  | { readonly type: 'acquire'; readonly request: SharedRequest }
  /** What was granted is written down, under the epoch that is in force. */
  | { readonly type: 'confirmed'; readonly id: number }
  | { readonly type: 'release'; readonly id: number }
  | { readonly type: 'ping' };

/** From the table to a run. */
export type FromTable =
  /** `number`: of the grant, in its epoch. `left`: what dead runs held of it; each is reported once. */
  | {
      readonly type: 'granted';
      readonly id: number;
      readonly number: number;
      readonly left: readonly LeftBehind[];
    }
  | {
      readonly type: 'awaited';
      readonly id: number;
      readonly resource: string;
      readonly holders: readonly string[];
    }
  | ({ readonly type: 'refused'; readonly id: number } & CapacityConflict)
  | { readonly type: 'pong' };

/** A connection between two runs, or of a run with itself. Never used again. */
export type Link = number;

/** A fact for a run. Times are milliseconds of a clock that never goes back. */
export type Input = { readonly atMs: number } & (
  | { readonly type: 'acquire'; readonly request: SharedRequest }
  | { readonly type: 'release'; readonly id: number }
  /** Answers `find-epoch`: the highest epoch that was claimed; 0 if there is none. */
  | { readonly type: 'epoch-found'; readonly epoch: number }
  /** Answers `dial`. */
  | { readonly type: 'dialed'; readonly epoch: number; readonly link: Link }
  /** Answers `dial`: no connection. `isGone`: the run that claimed the epoch is certainly over. */
  | { readonly type: 'dial-failed'; readonly epoch: number; readonly isGone: boolean }
  /** Answers `claim-epoch`. */
  | { readonly type: 'epoch-claimed'; readonly epoch: number; readonly isOurs: boolean }
  /** Answers `load-holds`: what all other runs have written down. */
  | { readonly type: 'holds-loaded'; readonly epoch: number; readonly runs: readonly WrittenHolds[] }
  /** Answers `read-holds`: the requests that the run has written down as held. */
  | { readonly type: 'holds-read'; readonly run: string; readonly ids: readonly number[] }
  /** Answers `check-epoch`. */
  | { readonly type: 'epoch-checked'; readonly check: number; readonly isInForce: boolean }
  | { readonly type: 'received'; readonly link: Link; readonly message: ToTable | FromTable }
  | { readonly type: 'link-closed'; readonly link: Link }
  /** Answers `watch-run`: the run is certainly over, and so is everything that it has started. */
  | { readonly type: 'run-gone'; readonly run: string }
  /** Comes every `tickMs`, while the run has any requests or keeps the table. */
  | { readonly type: 'tick' }
  /** Everything is to be released. Nothing follows. */
  | { readonly type: 'leave' }
);

/** An order to the world. Orders must be obeyed in their sequence, and their answers passed on in any. */
export type Command =
  | { readonly type: 'find-epoch' }
  /** Connect to the run that claimed the epoch. */
  | { readonly type: 'dial'; readonly epoch: number }
  /** Claim the epoch, unless another run has. From that moment on others can connect. */
  | { readonly type: 'claim-epoch'; readonly epoch: number }
  | { readonly type: 'load-holds'; readonly epoch: number }
  /** Look up what this run, which cannot be reached, has written down. */
  | { readonly type: 'read-holds'; readonly run: string }
  /** Write down what this run holds. Done when the next command begins. */
  | { readonly type: 'write-holds'; readonly holds: readonly Grant[] }
  /** Look whether a later epoch was claimed. Must be looked up after everything that was ordered before. */
  | { readonly type: 'check-epoch'; readonly check: number; readonly epoch: number }
  | { readonly type: 'send'; readonly link: Link; readonly message: ToTable | FromTable }
  | { readonly type: 'close-link'; readonly link: Link }
  /** Say when the run is over, and forget what it has written down. */
  | { readonly type: 'watch-run'; readonly run: string }
  // Answers to the tasks of this run:
  | { readonly type: 'granted'; readonly id: number; readonly left: readonly LeftBehind[] }
  | {
      readonly type: 'awaited';
      readonly id: number;
      readonly resource: string;
      readonly holders: readonly string[];
    }
  | ({ readonly type: 'refused'; readonly id: number } & CapacityConflict);

/** How often `tick` comes, ms. */
export const tickMs = 500;
/** After so long without an answer of the table a task gives up its place and waits, ms. */
export const answerTimeoutMs = 1_000;
/** After so long without a sign of life of the table its epoch is over, ms. */
export const silenceMs = 3_000;
