/** Where a service is, from its events: pure data. Knows nothing of other tasks. */
import type { AttemptEnded, ServicePhase, ServiceReady, ServiceStopping } from '@pexen/core';

/** A service that has started. Times are milliseconds from the start of the run. */
export interface ServiceState {
  /** `down`: it has no worker. It starts again if `startsAgain`, or is retried; otherwise only its result is missing. */
  readonly phase: ServicePhase;
  /** When it entered this phase. */
  readonly sinceMs: number;
  /** How long its latest successful start took until it was ready, ms; absent where it never was. */
  readonly readyAfterMs?: number;
  /** How often it ended after it was ready and before it was asked to stop. */
  readonly deaths: number;
  /** Why it is, or was last, asked to stop; absent where its latest attempt was not. */
  readonly stopped?: ServiceStopping['why'];
  /** How its attempt ended; only while it is down. `failed`: before it was ready. */
  readonly end?: 'died' | 'failed' | 'stopped';
  /** It is down, and starts again as soon as a task needs it. */
  readonly startsAgain: boolean;
}

/** An attempt of the service started at that time. */
export function serviceStarted(before: ServiceState | undefined, atMs: number): ServiceState {
  const { readyAfterMs, deaths = 0 } = before ?? {};
  return {
    ...{ phase: 'starting', sinceMs: atMs, deaths, startsAgain: false },
    ...(readyAfterMs !== undefined && { readyAfterMs }),
  };
}

/** It is ready. */
export function serviceReady(before: ServiceState, { atMs, afterMs }: ServiceReady): ServiceState {
  return { ...before, phase: 'up', sinceMs: atMs, readyAfterMs: afterMs };
}

/** It was asked to stop. */
export function serviceStopping(before: ServiceState, { atMs, why }: ServiceStopping): ServiceState {
  return { ...before, phase: 'stopping', sinceMs: atMs, stopped: why };
}

/** Its attempt ended. */
export function serviceEnded(before: ServiceState, event: AttemptEnded): ServiceState {
  const { atMs, died, startsAgain } = event;
  const hasDied = died === true;
  return {
    ...before,
    ...{ phase: 'down', sinceMs: atMs, startsAgain: startsAgain === true },
    ...{ deaths: before.deaths + Number(hasDied), end: endOf(before, hasDied) },
  };
}

function endOf({ stopped }: ServiceState, died: boolean): NonNullable<ServiceState['end']> {
  if (died) return 'died';
  return stopped === undefined ? 'failed' : 'stopped';
}
