/**
 * What is to be seen of this machine around attempts: processes that belong to no living parent, and sockets that accept connections, each with the
 * task that it comes from where its environment says so. Knows nothing of what should be there.
 */
import { readFileSync, statSync } from 'node:fs';
import {
  adopters,
  allListeners,
  allPids,
  environmentOf,
  hasMemory,
  hasProc,
  hasSocket,
  type ProcessFacts,
  processFacts,
} from './platform.ts';

/** A process, and what is known of where it comes from. */
interface ProcessSeen {
  readonly pid: number;
  /** Its command line. */
  readonly command: string;
  /** The call path of the task whose program has started it. */
  readonly task?: string;
  /**
   * It was started neither by this process nor by an attempt that has emptied its environment: it has that of a user. Nothing else distinguishes what has
   * left its parents.
   */
  readonly isForeign: boolean;
}

/** A process whose parent has ended. */
interface OrphanSeen extends ProcessSeen {
  readonly startedAtMs: number;
}

/** A TCP socket that accepts connections. */
interface ListenerSeen {
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/** Can processes and sockets be seen here? */
export function isMachineVisible(): boolean {
  return hasProc();
}

/**
 * The processes of this user without a parent that may come from attempts. Looks at no known ones, and keeps them: adds those that come from elsewhere
 * or that this process has started for itself, such as the helpers and workers of pools, and takes out those that have ended, whose numbers may be given out again.
 */
export function orphansSeen(known: Set<number>): OrphanSeen[] {
  const pids = allPids();
  const present = new Set(pids);
  for (const pid of known) if (!present.has(pid)) known.delete(pid);
  const look = new Map<number, ProcessFacts | undefined>();
  return pids.flatMap((pid): OrphanSeen[] => {
    if (known.has(pid)) return [];
    const facts = factsIn(look, pid);
    if (facts === undefined || facts.state === 'Z') return [];
    const isOrphan = adopters().has(facts.parent);
    if (!isOrphan && descends(pid, look)) return [];
    // A thread of the kernel has none. An orphan without any is about to end.
    const isProcess = hasMemory(pid);
    if (!isProcess && !isOrphan) known.add(pid);
    if (!isProcess) return [];
    const seen = identified(pid, look);
    const isForItself = facts.parent === process.pid && seen.task === undefined;
    if (seen.isForeign || isForItself || adopters().has(pid) || !isOwn(pid)) known.add(pid);
    if (!isOrphan || known.has(pid)) return [];
    return [{ ...seen, startedAtMs: bootedAtMs() + facts.startTicks * msOfTick }];
  });
}

/** What one look has read of processes. */
type FactsOfLook = Map<number, ProcessFacts | undefined>;

function factsIn(look: FactsOfLook, pid: number): ProcessFacts | undefined {
  if (!look.has(pid)) look.set(pid, processFacts(pid));
  return look.get(pid);
}

/** Those that are there now: none of them comes from an attempt that starts later. */
export function processesNow(): Set<number> {
  return new Set(allPids());
}

/** When a process was started, as of `Date.now()`; undefined where that cannot be seen. */
export function processStartedAtMs(pid: number): number | undefined {
  const facts = processFacts(pid);
  return facts && bootedAtMs() + facts.startTicks * msOfTick;
}

const msOfTick = 10;

function bootedAtMs(): number {
  return Date.now() - Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1_000;
}

function isOwn(pid: number): boolean {
  try {
    return statSync(`/proc/${pid}`).uid === process.getuid?.();
  } catch {
    return false; // It has ended.
  }
}

function identified(pid: number, look: FactsOfLook = new Map()): ProcessSeen {
  const environment = `\0${(environmentOf(pid) ?? '').toString()}`;
  const named = valueIn(environment, 'PEXEN_TASK');
  const task = named === process.env.PEXEN_TASK ? undefined : named;
  const isOfUser = ['HOME', 'PATH'].some((name) => valueIn(environment, name) !== undefined);
  const isForeign = task === undefined && isOfUser && !descends(pid, look);
  return { pid, command: commandOf(pid), isForeign, ...(task !== undefined && { task }) };
}

function valueIn(environment: string, name: string): string | undefined {
  const entry = `\0${name}=`;
  const at = environment.indexOf(entry);
  if (at < 0) return undefined;
  const end = environment.indexOf('\0', at + 1);
  return environment.slice(at + entry.length, end < 0 ? undefined : end);
}

/** Is it this process, or does it come from it? */
function descends(from: number, look: FactsOfLook): boolean {
  for (let pid = from; pid > 1; pid = factsIn(look, pid)?.parent ?? 0) if (pid === process.pid) return true;
  return false;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, longestCommand);
  } catch {
    return '';
  }
}

const longestCommand = 120;

/** All sockets that accept TCP connections. */
export function listenersSeen(): readonly ListenerSeen[] {
  return allListeners();
}

/** Who has the socket; undefined where that cannot be found. Looks at all processes. */
export function ownerSeen(inode: string): ProcessSeen | undefined {
  const inodes = new Set([inode]);
  const pid = allPids().find((each) => hasSocket(each, inodes) === true);
  return pid === undefined ? undefined : identified(pid);
}
