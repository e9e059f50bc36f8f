/**
 * A process that we started as the leader of a group of its own, with everything that came of it: signals to the group,
 * what is left when the leader has ended, and the sweep of those who left the group. Knows nothing of tasks.
 */
import { type Clock, pause } from './clock.ts';
import { carriesCookie } from './cookie.ts';
import {
  adopters,
  allPids,
  environmentOf,
  hasProc,
  isBetweenPrograms,
  latestPid,
  type ProcessFacts,
  processFacts,
} from './proc.ts';

/** The leader, and the mark in the environment of all that came of it. */
export interface ProcessTree {
  readonly pid: number;
  readonly cookie: string;
}

/** Sends a signal to the whole group. False if there is nobody in it. */
export function signalGroup({ pid }: ProcessTree, signal: NodeJS.Signals | 0): boolean {
  return send(-pid, signal);
}

/** Asks the group to end. Those that were stopped are woken, so that they can. */
export function terminateGroup(tree: ProcessTree): void {
  signalGroup(tree, 'SIGTERM');
  signalGroup(tree, 'SIGCONT');
}

/**
 * Is nothing left of it, now that its leader has ended? Cheap enough to ask after every program: no process of its group,
 * and none with its cookie among those started since, which are few as a rule. `known` are not its own.
 */
export function isGone(tree: ProcessTree, known: ReadonlySet<number> = nobody): boolean {
  if (signalGroup(tree, 0)) return false;
  const since = startedSince(tree.pid).filter((pid) => !known.has(pid));
  return escapees(tree, since).length === 0 && suspects(since).length === 0;
}

const nobody: ReadonlySet<number> = new Set();

/** What still lives of it: in its group, or with its cookie. Zombies do not count. */
export function survivors(tree: ProcessTree): number[] {
  if (!hasProc()) return signalGroup(tree, 0) ? [tree.pid] : [];
  const pids = allPids();
  const inGroup = pids
    .map(processFacts)
    .filter((facts): facts is ProcessFacts => facts?.group === tree.pid && facts.state !== 'Z')
    .map(({ pid }) => pid);
  return [...new Set([...inGroup, ...escapees(tree, pids)])];
}

/**
 * What still lives of it once stragglers had `patienceMs` to end; the leader has ended already.
 */
export async function leftBehind(tree: ProcessTree, patienceMs: number, clock: Clock): Promise<number[]> {
  const deadline = clock.now() + patienceMs;
  for (let wait = 1; ; wait *= 2) {
    const found = survivors(tree);
    const left = deadline - clock.now();
    if (left <= 0 || (found.length === 0 && suspects(startedSince(tree.pid)).length === 0)) return found;
    await pause(clock, Math.min(wait, left));
  }
}

/**
 * Kills the group, and then whoever carries the cookie, again and again until nobody is found (what is killed may have
 * forked a moment before). Resolves with those that outlived it, `patienceMs` later: they are stuck in the kernel.
 */
export async function sweep(
  tree: ProcessTree,
  patienceMs: number,
  clock: Clock,
  look: (tree: ProcessTree) => number[] = survivors,
): Promise<number[]> {
  const start = clock.now();
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    signalGroup(tree, 'SIGKILL');
    const found = look(tree);
    for (const pid of found) send(pid, 'SIGKILL');
    const passed = clock.now() - start;
    const isDone =
      found.length === 0 && (passed > suspenseMs || suspects(startedSince(tree.pid)).length === 0);
    if (isDone || passed >= patienceMs) return found;
    await pause(clock, wait);
  }
}

/** So long we wait for those of whom nobody can tell whose they are, ms. */
const suspenseMs = 100;

/** Those of the given processes that carry the cookie. */
function escapees({ cookie }: ProcessTree, pids: readonly number[]): number[] {
  return pids.filter((pid) => carriesCookie(environmentOf(pid), cookie));
}

/** Orphans that are just becoming another program: one of them may be ours. */
function suspects(pids: readonly number[]): number[] {
  return pids.filter((pid) => isBetweenPrograms(pid) && adopters().has(processFacts(pid)?.parent ?? 0));
}

/** The processes that may have been started since this one, itself left out. */
function startedSince(pid: number): number[] {
  const latest = latestPid();
  if (latest === undefined || latest === pid) return [];
  const isWrapped = latest < pid;
  if (!isWrapped && latest - pid <= fewPids)
    return Array.from({ length: latest - pid }, (_, at) => pid + 1 + at);
  return allPids().filter((other) => (isWrapped ? other !== pid : other > pid));
}
/** Up to so many, asking for each is cheaper than listing all processes. */
const fewPids = 48;

function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    // Somebody is there, but is not ours to signal.
    return signal === 0 && (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
