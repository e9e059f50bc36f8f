/** The state of a run at one moment, as plain data for people and programs. */

/** Grows by one with every change that breaks readers of old inspections. */
export const inspectionVersion = 1;

/** All of a run at one moment: `run.inspect()`. Times ending in `Ms` are milliseconds, counted from the start of the run. */
export interface Inspection {
  readonly version: typeof inspectionVersion;
  readonly atMs: number;
  /** How many tasks there are of each kind; together they are all. */
  readonly counts: {
    readonly waiting: number;
    readonly running: number;
    readonly finished: number;
    readonly skipped: number;
  };
  /** Handed to a pool and not settled yet. */
  readonly running: readonly RunningAttempt[];
  readonly waiting: readonly WaitingTask[];
  /**
   * The services that have started and are not over. Those with a worker are also among the running ones, those that are down also among the
   * waiting ones. Absent where there are none.
   */
  readonly services?: readonly InspectedService[];
  /** Those that are held, waited for or poisoned. */
  readonly resources: readonly HeldResource[];
  readonly pools: readonly PoolState[];
  /** The group whose turn it is. */
  readonly group?: string;
}

/** An attempt that a pool has. */
export interface RunningAttempt {
  readonly path: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly pool: string;
  /** Undefined while it is dispatched but has not started. */
  readonly worker?: string;
  /** When it started; before that, when it was handed to the pool. */
  readonly sinceMs: number;
  /** When its last update arrived: output, progress, a finding. */
  readonly lastSignOfLifeMs: number;
}

/**
 * Where a service is. `down`: it ended, or made way, and starts again once a task needs it. A service that has not started yet waits like any other
 * task.
 */
export type ServicePhase = 'starting' | 'up' | 'stopping' | 'down';

/** A service at one moment. */
export interface InspectedService {
  readonly path: string;
  readonly phase: ServicePhase;
  /** When it entered this phase. */
  readonly sinceMs: number;
  /** How many tasks without a result need it, directly or through what others provide. */
  readonly needs: number;
  /** The paths of such tasks, those that run first; at most 8. */
  readonly neededBy: readonly string[];
}

/** A task that is not running yet. */
export interface WaitingTask {
  readonly path: string;
  readonly for: WaitingFor;
}

/** What a task waits for, the nearest condition first: once that is met, it may wait for another. */
export type WaitingFor =
  /** A requirement that is not met, and the providers that could still meet it. */
  | { readonly kind: 'requirement'; readonly requirement: string; readonly providers: readonly string[] }
  /**
   * These tasks have to end first, by its `after`, `before`, `salvages` or `tearsDown`. `recovery`: they were interrupted in an earlier session, and
   * what they used and claimed may be half changed. `schedule`: a replayed run has them before it. `served`: a service starts again when the tasks of its last start are over. `alone`: services
   * run that it does not need, and it runs alone. `rivals`: they could not run beside this service, and precede tasks that need it. Absent: `after`.
   */
  | {
      readonly kind: 'order';
      readonly as?:
        | 'after'
        | 'before'
        | 'salvages'
        | 'tears-down'
        | 'recovery'
        | 'schedule'
        | 'served'
        | 'alone'
        | 'rivals';
      readonly tasks: readonly string[];
      /** With `tears-down`: what it tears down, which is still needed. */
      readonly capability?: string;
    }
  /**
   * Others hold it, or a resource above or below it. `alone`: the task runs alone (`itself`), or one of the holders does (`other`); then the
   * resource says nothing.
   */
  | {
      readonly kind: 'resource';
      readonly resource: string;
      readonly holders: readonly string[];
      readonly alone?: 'itself' | 'other';
      /** There is one on each node: it is held on these, which are all that could run the task; at most 8. */
      readonly nodes?: readonly string[];
      /** Tasks of other runs hold it: `machine`, or another scope. The holders are then named with their runs. */
      readonly scope?: string;
    }
  /** What it needs is free, but reserved for the first of the starved tasks. */
  | { readonly kind: 'reservation'; readonly of: string }
  /** It is not the turn of its group: it is that of `current`, or its group comes after these tasks, of which at most 8 are named. */
  | {
      readonly kind: 'group';
      readonly group: string;
      readonly current?: string;
      readonly after?: readonly string[];
    }
  /** Its pool is full, or is being opened. */
  | { readonly kind: 'slot'; readonly pool: string; readonly isOpening?: true }
  /** No node of its pool can run it now: what each of them lacks, at most 8. */
  | {
      readonly kind: 'node';
      readonly pool: string;
      /** What it asks for in `on`. */
      readonly asked?: string;
      readonly nodes: readonly { readonly name: string; readonly lacks: string }[];
      /** How many nodes there are besides. */
      readonly more?: number;
    }
  /** A service that no task needs yet: it starts once one of these tasks, of which at most 8 are named, waits for nothing but services. */
  | { readonly kind: 'need'; readonly tasks: readonly string[] }
  /** The delay before its next attempt. */
  | { readonly kind: 'backoff'; readonly untilMs: number }
  /** Only the consumer, which is working on a result. */
  | { readonly kind: 'consumer' };

/** A resource that is held, waited for or poisoned. Tasks are named by their call paths. */
export interface HeldResource {
  readonly resource: string;
  readonly holders: readonly {
    readonly path: string;
    readonly how: 'uses' | 'claims' | 'amount';
    /** How many units, of an amount. */
    readonly count?: number;
    /** Since when the task holds what it uses and claims. */
    readonly sinceMs?: number;
  }[];
  /** The tasks that wait at it, best first. */
  readonly waiting: readonly string[];
  /** The task whose failure left it in an unknown state. */
  readonly poisonedBy?: string;
}

/** How full a pool is. */
export interface PoolState {
  /** `default`, its key in `pools`, or the name of its group. */
  readonly name: string;
  /** The name in its manifest. */
  readonly kind: string;
  readonly slots: number;
  /** Attempts handed to it and not settled, including those that have not started. */
  readonly dispatched: number;
}
