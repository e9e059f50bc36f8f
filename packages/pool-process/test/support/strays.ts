/** Looks for processes that carry our cookie, to show that none is left. */
import { readdirSync, readFileSync } from 'node:fs';

/** The pids of living processes with such an entry in their environment; zombies have none. */
export function processesWith(entry: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && environmentOf(pid).includes(entry));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
