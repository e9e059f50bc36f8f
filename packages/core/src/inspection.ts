/** The state of a run at one moment, as plain data for people and programs. */

export interface Inspection {
  readonly atMs: number;
  readonly counts: {
    readonly waiting: number;
    readonly running: number;
    readonly finished: number;
    readonly skipped: number;
  };
  readonly running: readonly RunningAttempt[];
  readonly waiting: readonly WaitingTask[];
  readonly resources: readonly HeldResource[];
  readonly pools: readonly PoolState[];
  /** The group whose turn it is. */
  readonly group?: string;
}

export interface RunningAttempt {
  readonly path: string;
  readonly attempt: number;
  readonly pool: string;
  /** Undefined while it is dispatched but has not begun. */
  readonly worker?: string;
  readonly sinceMs: number;
  readonly lastSignOfLifeMs: number;
}

export interface WaitingTask {
  readonly path: string;
  readonly for: WaitingFor;
}

export type WaitingFor =
  | { readonly kind: 'requirement'; readonly requirement: string; readonly providers: readonly string[] }
  | { readonly kind: 'order'; readonly tasks: readonly string[] }
  | { readonly kind: 'resource'; readonly resource: string; readonly holders: readonly string[] }
  | { readonly kind: 'reservation'; readonly of: string }
  | { readonly kind: 'group'; readonly group: string; readonly current?: string }
  | { readonly kind: 'slot'; readonly pool: string }
  | { readonly kind: 'backoff'; readonly untilMs: number }
  | { readonly kind: 'consumer' };

export interface HeldResource {
  readonly resource: string;
  readonly holders: readonly {
    readonly path: string;
    readonly how: 'uses' | 'claims' | 'amount';
    readonly count?: number;
  }[];
  readonly waiting: readonly string[];
  readonly poisonedBy?: string;
}

export interface PoolState {
  readonly name: string;
  readonly kind: string;
  readonly slots: number;
  readonly dispatched: number;
}
