/**
 * A process that was started as the leader of its own group, with all its descendants: signals to the group,
 * survivors after the leader's end, and the sweep of processes that left the group. Knows nothing of tasks.
 */

import type { Clock } from '@pexen/pool-kit';
import {
  adopters,
  allPids,
  environmentOf,
  hasMemory,
  hasProc,
  isThread,
  latestPid,
  ownStartTicks,
  processFacts,
} from './platform.ts';
import { carriesMarker, shortestMarker } from './process-markers.ts';

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
export function terminateGroup(tree: ProcessTree, signal: NodeJS.Signals = 'SIGTERM'): void {
  signalGroup(tree, signal);
  signalGroup(tree, 'SIGCONT');
}

/**
 * True if no process of it is left after its leader has ended. Cheap enough for every program: it checks the group, and the
 * markers of the processes that were started since, which are mostly few. Processes in `known` belong to others.
 */
export function isGone(tree: ProcessTree, known: ReadonlySet<number> = noPids): boolean {
  if (signalGroup(tree, 0)) return false;
  for (const pid of startedSince(tree.pid)) {
    if (!known.has(pid) && standingOf(pid, carries(tree)) !== 'foreign' && !isThread(pid)) return false;
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
  return scan((pid) => (isMember(tree, pid) ? 'ours' : standingOf(pid, carries(tree))), act);
}

/** Where a scan reads which processes there are. */
export interface ProcessList {
  readonly allPids: () => readonly number[];
  readonly latestPid: () => number | undefined;
}

const ofMachine: ProcessList = { allPids, latestPid };

/** The living processes with this standing, in one look at all processes. Calls `act` with each at the moment at which it is found. */
export function scan(
  standing: (pid: number) => Standing,
  act: (pid: number) => void,
  list: ProcessList = ofMachine,
): Survivors {
  const found = new Set<number>();
  const find = (pid: number): void => {
    act(pid);
    found.add(pid);
  };
  let isUnclear = false;
  const examine = (pid: number): void => {
    const has = standing(pid);
    if (has === 'foreign' || isThread(pid)) return;
    if (has === 'ours') find(pid);
    isUnclear ||= has === 'unclear';
  };
  // Read before the list: a process of the list may end while the list is examined, and its child is not in the list.
  const newest = list.latestPid();
  for (const pid of list.allPids()) examine(pid);
  for (const pid of beingForked(newest)) examine(pid);
  for (const pid of startedSince(newest, list)) examine(pid);
  return { pids: [...found], isUnclear };
}

/** Its living processes once they had `timeoutMs` to end after the leader; longer, while it cannot be seen whether one is left. */
export async function leftBehind(
  tree: ProcessTree,
  timeoutMs: number,
  clock: Clock,
  look: (tree: ProcessTree) => Survivors = survivors,
): Promise<readonly number[]> {
  const deadline = clock.now() + timeoutMs;
  for (let wait = 1; ; wait *= 2) {
    const { pids, isUnclear } = look(tree);
    const left = deadline - clock.now();
    const isClear = pids.length > 0 ? left <= 0 : !isUnclear || left <= -unclearMs;
    if (isClear) return pids;
    await pause(clock, Math.min(wait, left > 0 ? left : unclearMs / 10));
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
export const unclearMs = 100;

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
export type Standing = 'ours' | 'unclear' | 'foreign';

/** Whether a process belongs to a tree, by its environment; reads that once, since it may change at any moment. */
export function standingOf(pid: number, isOurs: (environment: Buffer) => boolean): Standing {
  const environment = environmentOf(pid);
  if (environment === undefined) return 'foreign';
  if (environment.length > 0) return isOurs(environment) ? 'ours' : 'foreign';
  const isOrphan = adopters().has(processFacts(pid)?.parent ?? 0);
  return isOrphan && hasMemory(pid) ? 'unclear' : 'foreign';
}

function carries({ marker }: ProcessTree): (environment: Buffer) => boolean {
  return (environment) => marker.length >= shortestMarker && carriesMarker(environment, marker);
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
function* startedSince(pid: number | undefined, list: ProcessList = ofMachine): Generator<number> {
  let from = pid;
  for (let round = 0; round < mostRounds; round++) {
    const latest = list.latestPid();
    if (latest === undefined || from === undefined || latest === from) return;
    if (latest > from && latest - from <= fewPids)
      for (let next = from + 1; next <= latest; next++) yield next;
    else {
      yield* list.allPids().filter(isSince(from, latest));
      yield* beingForked(latest);
    }
    from = latest;
  }
}

/**
 * The pids up to this one that were given out last: the system gives a process its pid before it shows the process, so that a list made meanwhile
 * lacks it, and its parent may be gone when the list is examined.
 */
function* beingForked(latest: number | undefined): Generator<number> {
  if (latest === undefined) return;
  for (let pid = Math.max(latest - fewPids, 2); pid <= latest; pid++) yield pid;
}

/** Pids are assigned upwards, and then from the start again. */
function isSince(from: number, latest: number): (pid: number) => boolean {
  return latest > from ? (pid) => pid > from : (pid) => pid !== from;
}

/** Up to so many pids, checking each is cheaper than listing all processes. */
const fewPids = 48;
const mostRounds = 100;

/** Sends a signal. False if there is no such process, or this one may not signal it. */
export function send(target: number, signal: NodeJS.Signals | 0): boolean {
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
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
