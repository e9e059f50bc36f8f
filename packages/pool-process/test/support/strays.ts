/** Looks for processes that carry our marker, to show that none is left. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The pids of living processes with such an entry in their environment; zombies have none. */
export function processesWith(entry: string): number[] {
  return pidsWith((each) => each === entry);
}

/** The pids of living processes that carry the marker of this run. */
export function processesOfRun(runId: string): number[] {
  return pidsWith((each) => each.startsWith('PEXEN_ATTEMPT=') && each.includes(runId));
}

function pidsWith(isIt: (entry: string) => boolean): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && environmentOf(pid).some(isIt));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

/** It was stopped by a signal, and does nothing until it is woken. */
export function isStopped(pid: number): boolean {
  return /\) T/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

/** Resolves once it is true; the test's own time limit is the limit. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(5);
}
