/**
 * What Linux tells of processes under /proc. Knows nothing of attempts or pools. Where there is no /proc, or it shows
 * another pid namespace than ours (so that its numbers must not be used), everything here finds nothing.
 */
import { existsSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';

/** A process at one moment. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The letter of proc(5): Z is a zombie, D is stuck in the kernel. */
  readonly state: string;
}

/** True where /proc is there and speaks of our own pid namespace. */
export function hasProc(): boolean {
  usable ??= isUsable();
  return usable;
}
let usable: boolean | undefined;

/** The pids of all processes. */
export function allPids(): number[] {
  if (!hasProc()) return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

/** The pid given out last on this machine, or undefined. Reading it costs a few microseconds. */
export function latestPid(): number | undefined {
  if (!hasProc()) return undefined;
  loadFile ??= openSync('/proc/loadavg', 'r');
  const length = readSync(loadFile, line, 0, line.length, 0);
  const pid = Number(line.toString('latin1', 0, length).split(' ')[4]);
  return pid > 0 ? pid : undefined;
}
let loadFile: number | undefined;
const line = Buffer.alloc(256);

/** The environment a process was started with; empty for zombies, kernel threads, and those we must not read. */
export function environmentOf(pid: number): Buffer {
  return read(pid, 'environ') ?? nothing;
}

/**
 * Is it between two programs? For a moment then it has memory but no environment, and nobody can tell whose it is. (So have
 * those that were started without any environment.)
 */
export function isBetweenPrograms(pid: number): boolean {
  return read(pid, 'environ')?.length === 0 && (residentMb(pid) ?? 0) > 0;
}

/** The processes that become the parents of orphans: the first one, and whoever is above us. */
export function adopters(): ReadonlySet<number> {
  if (above === undefined) {
    above = new Set([1]);
    for (let pid = process.pid; pid > 1; pid = processFacts(pid)?.parent ?? 0) above.add(pid);
  }
  return above;
}
let above: Set<number> | undefined;

/** Undefined if there is no such process. */
export function processFacts(pid: number): ProcessFacts | undefined {
  const text = (read(pid, 'stat') ?? nothing).toString('latin1');
  // The command is in parentheses and may itself contain any character.
  const [state = '', parent, group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text === '' ? undefined : { pid, parent: Number(parent), group: Number(group), state };
}

/** Memory that a process has in use, MiB; undefined if there is no such process. */
export function residentMb(pid: number): number | undefined {
  const pages = read(pid, 'statm')?.toString('latin1').split(' ')[1];
  return pages === undefined ? undefined : (Number(pages) * pageBytes) / (1024 * 1024);
}
const pageBytes = 4096;

/** Undefined if it is not there or not for us. */
function read(pid: number, file: string): Buffer | undefined {
  const path = `/proc/${pid}/${file}`;
  // Asking first is much cheaper than an exception, and most of those we ask for are gone.
  if (!hasProc() || !existsSync(path)) return undefined;
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
const nothing = Buffer.alloc(0);

function isUsable(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid) && existsSync('/proc/self/environ');
  } catch {
    return false;
  }
}
