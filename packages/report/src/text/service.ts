/** What a service did, in words: for rows, lines and reports. */
import { lastReady } from '../model/results.ts';
import type { TaskAttempt, TaskResult } from '../model/run-task.ts';
import type { ServiceState } from '../model/services.ts';
import { formatSpan } from './format.ts';

/** `ready after 1.2s, up for 31.0s`, with the number of starts where there were several; empty for other tasks, and for one that was never ready. */
export function serviceText({ attempts }: TaskResult): string {
  const { readyAfterMs } = lastReady(attempts) ?? {};
  if (readyAfterMs === undefined) return '';
  const upMs = attempts.reduce((sum, each) => sum + (each.readyAfterMs === undefined ? 0 : upMsOf(each)), 0);
  const starts = attempts.length === 1 ? '' : ` in ${attempts.length} starts`;
  return `ready after ${formatSpan(readyAfterMs)}, up for ${formatSpan(upMs)}${starts}`;
}

/** Why a service is stopped: `no task needs it any more`. */
export function serviceStopText(why: NonNullable<ServiceState['stopped']>): string {
  switch (why) {
    case 'unneeded':
      return 'no task needs it any more';
    case 'made-way':
      return 'makes way for a task that it kept away';
    case 'provider-down':
      return 'a service that it needs is down';
    case 'run-stopped':
      return 'the run was stopped';
    default:
      return why satisfies never;
  }
}

/** `died once`, `died 3 times`. */
export function deathsText(deaths: number): string {
  return deaths === 1 ? 'died once' : `died ${deaths} times`;
}

function upMsOf({ durationMs, readyAfterMs = 0 }: TaskAttempt): number {
  return Math.max(0, durationMs - readyAfterMs);
}
