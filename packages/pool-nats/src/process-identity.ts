/** A process, so that another one can say for certain that it is gone: also after its number was given to another one, or its machine has booted. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { bootMark } from './node/properties.ts';

export interface ProcessIdentity {
  /** Undefined where the system has no id of its own: then nothing is known of its processes elsewhere. */
  readonly machine?: string | undefined;
  readonly bootMark: string;
  readonly pid: number;
  /** When the process has started, as the system counts it; '' where it does not say. */
  readonly ticks: string;
}

export function thisProcess(): ProcessIdentity {
  return {
    machine: machineId(),
    bootMark: bootMark(),
    pid: process.pid,
    ticks: ticksOf(process.pid) ?? '',
  };
}

/** True if it is certain: the process was one of this machine, and is not there, or its machine has booted since. */
export function isGone({ machine, bootMark: boot, pid, ticks }: ProcessIdentity): boolean {
  if (machine === undefined || machine !== machineId()) return false;
  if (boot !== bootMark()) return true;
  return ticks !== '' && ticksOf(pid) !== ticks;
}

/** Undefined where there is no such process; '' where the system does not say. */
function ticksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program may have spaces and brackets.
    const [state = 'Z', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

function machineId(): string | undefined {
  try {
    return `${readFileSync('/etc/machine-id', 'utf8').trim()} ${hostname()}`;
  } catch {
    return undefined;
  }
}
