/**
 * A process that was started as the leader of its own group, with all its descendants: signals to the group,
 * survivors after the leader's end, and the sweep of processes that left the group. Knows nothing of tasks.
 */

import { randomUUID } from 'node:crypto';
import type { Clock } from '@pexen/pool-kit';
import {
  adopters,
  allPids,
  environmentOf,
  hasMemory,
  hasProc,
  latestPid,
  ownStartTicks,
  processFacts,
} from './platform.ts';

/** The leader of the group, if there is one, and the marker in the environment of its descendants. */
export interface ProcessTree {
  readonly pid: number | undefined;
  readonly marker: string;
  /** Processes that were started before do not belong to it, in ticks since the machine was started. Default: the start of this process. */
  readonly sinceTicks?: number;
}

/** Sends a signal to the whole group. False if the group is empty. */
export function signalGroup({ pid }: ProcessTree, signal: NodeJS.Signals | 0): boolean {
  return pid !== undefined && pid > 1 && send(-pid, signal);
}

/** Asks the group to end. Suspended processes are resumed, so that they can. */
export function terminateGroup(tree: ProcessTree): void {
  signalGroup(tree, 'SIGTERM');
  signalGroup(tree, 'SIGCONT');
}

/**
 * True if no process of it is left after its leader has ended. Cheap enough for every program: it checks the group, and the
 * markers of the processes that were started since, which are mostly few. Processes in `known` belong to others.
 */
export function isGone(tree: ProcessTree, known: ReadonlySet<number> = noPids): boolean {
  if (signalGroup(tree, 0)) return false;
  for (const pid of startedSince(tree.pid)) {
    if (!known.has(pid) && standingOf(tree, pid) !== 'foreign') return false;
  }
  return true;
}

const noPids: ReadonlySet<number> = new Set();

/** The processes that a scan found. */
export interface Survivors {
  /** Living processes in its group or with its marker; no zombies. */
  readonly pids: readonly number[];
  /** Some processes cannot be identified at the moment; scan again. */
  readonly isUnclear: boolean;
}

/** Its living processes. Calls `act` with each process at the moment at which it is found. */
export function survivors(tree: ProcessTree, act: (pid: number) => void = () => {}): Survivors {
  if (!hasProc()) return { pids: signalGroup(tree, 0) ? [tree.pid ?? 0] : [], isUnclear: false };
  const found = new Set<number>();
  const find = (pid: number): void => {
    act(pid);
    found.add(pid);
  };
  let isUnclear = false;
  const examine = (pid: number): void => {
    const standing = isMember(tree, pid) ? 'ours' : standingOf(tree, pid);
    if (standing === 'ours') find(pid);
    isUnclear ||= standing === 'unclear';
  };
  // Read before the list: a process of the list may end while the list is examined, and its child is not in the list.
  const newest = latestPid();
  for (const pid of allPids()) examine(pid);
  for (const pid of startedSince(newest)) examine(pid);
  return { pids: [...found], isUnclear };
}

/** Its living processes once they had `timeoutMs` to end after the leader. */
export async function leftBehind(
  tree: ProcessTree,
  timeoutMs: number,
  clock: Clock,
): Promise<readonly number[]> {
  const deadline = clock.now() + timeoutMs;
  for (let wait = 1; ; wait *= 2) {
    const { pids, isUnclear } = survivors(tree);
    const left = deadline - clock.now();
    if (left <= 0 || (pids.length === 0 && !isUnclear)) return pids;
    await pause(clock, Math.min(wait, left));
  }
}

/**
 * Kills the group, and then each process that carries the marker, at the moment at which it is found: one that replaces itself by
 * forking every millisecond is gone before a scan is complete. Repeats that until a scan finds none. Resolves with the processes
 * that survived for `timeoutMs`: they are stuck in the kernel.
 */
export async function sweep(
  tree: ProcessTree,
  timeoutMs: number,
  clock: Clock,
  look: (tree: ProcessTree, act: (pid: number) => void) => Survivors = survivors,
): Promise<readonly number[]> {
  const start = clock.now();
  const kill = (pid: number): void => {
    if (mayBeKilled(tree, pid)) send(pid, 'SIGKILL');
  };
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    signalGroup(tree, 'SIGKILL');
    const { pids, isUnclear } = look(tree, kill);
    const passed = clock.now() - start;
    const isDone = pids.length === 0 && (!isUnclear || passed > unclearMs);
    if (isDone || passed >= timeoutMs) return pids;
    await pause(clock, wait);
  }
}

/** A process without an environment for longer is not just becoming another program: it was started without one, ms. */
const unclearMs = 100;

/**
 * A safeguard before killing: a process of the tree is not older than the tree, and is neither this process
 * nor its ancestor.
 */
function mayBeKilled({ sinceTicks = ownStartTicks() }: ProcessTree, pid: number): boolean {
  const start = processFacts(pid)?.startTicks;
  return (
    pid > 1 && !adopters().has(pid) && start !== undefined && sinceTicks !== undefined && start >= sinceTicks
  );
}

/** `unclear`: an orphan that is just becoming another program, and may belong to the tree. */
type Standing = 'ours' | 'unclear' | 'foreign';

/** All markers are at least so long, so that none is found by accident. */
const shortestMarker = 16;

/** Whether a process belongs to the tree, by its marker; reads its environment once, since that may change at any moment. */
function standingOf({ marker }: ProcessTree, pid: number): Standing {
  const environment = environmentOf(pid);
  if (environment === undefined) return 'foreign';
  if (environment.length > 0)
    return marker.length >= shortestMarker && carriesMarker(environment, marker) ? 'ours' : 'foreign';
  const isOrphan = adopters().has(processFacts(pid)?.parent ?? 0);
  return isOrphan && hasMemory(pid) ? 'unclear' : 'foreign';
}

function isMember({ pid: leader }: ProcessTree, pid: number): boolean {
  if (leader === undefined || leader <= 1) return false;
  const facts = processFacts(pid);
  return facts !== undefined && facts.group === leader && facts.state !== 'Z';
}

/**
 * The processes that may have been started since this one, itself left out. Ends when no process was started during
 * the scan: a process cannot escape by forking and ending.
 */
function* startedSince(pid: number | undefined): Generator<number> {
  let from = pid;
  for (let round = 0; round < mostRounds; round++) {
    const latest = latestPid();
    if (latest === undefined || from === undefined || latest === from) return;
    if (latest > from && latest - from <= fewPids)
      for (let next = from + 1; next <= latest; next++) yield next;
    else yield* allPids().filter(isSince(from, latest));
    from = latest;
  }
}

/** Pids are assigned upwards, and then from the start again. */
function isSince(from: number, latest: number): (pid: number) => boolean {
  return latest > from ? (pid) => pid > from : (pid) => pid !== from;
}

/** Up to so many pids, checking each is cheaper than listing all processes. */
const fewPids = 48;
const mostRounds = 100;

function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    // A process is there that this one may not signal.
    return signal === 0 && (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** How long after SIGKILL a process may take to end, ms. One that takes longer is stuck in the kernel, and is abandoned. */
export const stuckMs = 1000;

/** Resolves after so many milliseconds. */
function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

// The marker in the environment by which the descendants of an attempt are found in any group or session. Markers are nested
// like paths: a pool that itself runs inside an attempt puts that attempt's marker in front of its own, so that sweeping the outer attempt also
// finds what the inner pool started.

/** The variable that carries it. */
export const markerVariable = 'PEXEN_ATTEMPT';

/** Hands out the markers of one pool. */
export class ProcessMarkers {
  /** The marker of the pool itself: those it hands out are nested in it. */
  readonly own: string;
  #count = 0;

  constructor(outer: string | undefined = process.env[markerVariable]) {
    const own = randomUUID().replaceAll('-', '').slice(0, 16);
    this.own = outer === undefined || outer === '' ? own : `${outer}/${own}`;
  }

  /** A new marker. */
  next(): string {
    this.#count++;
    return `${this.own}/${this.#count}`;
  }
}

/** True if the environment, in the format of `/proc/PID/environ`, carries this marker or one nested in it. */
export function carriesMarker(environment: Buffer, marker: string): boolean {
  const entry = `${markerVariable}=${marker}`;
  for (let at = environment.indexOf(entry); at !== -1; at = environment.indexOf(entry, at + 1)) {
    const after = environment[at + entry.length];
    const isWhole = after === undefined || after === 0 || after === slash;
    if (isWhole && (at === 0 || environment[at - 1] === 0)) return true;
  }
  return false;
}

const slash = 0x2f;
