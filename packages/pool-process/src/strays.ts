/**
 * Ends what earlier sessions of a run left running. When pexen is killed, a process of its own ends what it has started; a kill of everything
 * at once, or a machine without memory, prevents that too. So a run that is resumed looks again before it starts anything.
 */
import { type Clock, systemClock } from '@pexen/pool-kit';
import { adopters, hasProc, listedProcesses } from './platform.ts';
import { carrierOfRun } from './process-markers.ts';
import { pause, type Survivors, scan, send, standingOf, unclearMs } from './process-tree.ts';

/** What `endStrays` has done. */
export interface EndedStrays {
  /** How many processes it has ended. */
  readonly ended: number;
  /** The processes that still run although they were killed: they are stuck in the kernel, or belong to another user. */
  readonly left: readonly number[];
  /** Why there may be processes that it cannot see. Absent where it sees all of this user. */
  readonly unseen?: string;
}

/** Options of `endStrays`. */
export interface StraysOptions {
  /** How long a process may take to end after SIGKILL, ms. Default 10,000. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/** So long it looks for processes to stop before it kills those it has found, ms. */
const freezingMs = 1_000;

/**
 * Ends all processes on this machine that carry the id of one of the runs: those of its attempts, and those of runs inside of them. It stops them all
 * first, so that none reacts to the end of another, then kills them, and repeats that until it finds none. Call it before the run starts
 * or marks anything in this session. This process and its ancestors are spared.
 *
 * @throws PexenError PEXEN_BAD_OPTION if an id has less than 16 characters
 * @example
 * const { ended, left } = await endStrays(runId);
 */
export async function endStrays(
  runIds: string | readonly string[],
  { timeoutMs = 10_000, clock = systemClock }: StraysOptions = {},
): Promise<EndedStrays> {
  const look = lookFor(typeof runIds === 'string' ? [runIds] : runIds);
  if (look !== undefined) return await endFound(look, timeoutMs, clock);
  return { ended: 0, left: [], unseen: 'the processes of this machine cannot be listed from here' };
}

/**
 * Resolves once no process on this machine carries the id of the run any more, for at most so long. For runs that were killed: what they had started is
 * ended by a process of its own, and this waits for that. Ends nothing. At once where processes cannot be listed.
 *
 * @throws PexenError PEXEN_BAD_OPTION if the id has less than 16 characters
 */
export async function untilNoStrays(
  runId: string,
  { timeoutMs = 10_000, clock = systemClock }: StraysOptions = {},
): Promise<void> {
  const look = lookFor([runId]);
  const start = clock.now();
  while (look !== undefined && clock.now() - start < timeoutMs) {
    const { pids, isUnclear } = look(() => {});
    if (pids.length === 0 && !isUnclear) return;
    await pause(clock, 20);
  }
}

/** One look at all processes: calls `act` with each of the run at the moment at which it is found. */
type Look = (act: (pid: number) => void) => Survivors;

/** Ends what `look` finds. */
export async function endFound(look: Look, timeoutMs: number, clock: Clock): Promise<EndedStrays> {
  const start = clock.now();
  const stopped = new Set<number>();
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    let foundNew = false;
    const { pids, isUnclear } = look((pid) => {
      if (stopped.has(pid)) return;
      foundNew = true;
      stopped.add(pid);
      send(pid, 'SIGSTOP');
    });
    const passed = clock.now() - start;
    const isDone = pids.length === 0 && (!isUnclear || passed > unclearMs);
    if (isDone || passed >= timeoutMs) return { ended: stopped.size - pids.length, left: pids };
    if (!foundNew || passed > freezingMs) for (const pid of pids) send(pid, 'SIGKILL');
    await pause(clock, wait);
  }
}

/** Undefined where processes cannot be listed. */
function lookFor(runIds: readonly string[]): Look | undefined {
  const carriers = runIds.map(carrierOfRun);
  const isOfRun = (environment: Buffer): boolean => carriers.some((carries) => carries(environment));
  if (hasProc()) {
    const spared = adopters();
    return (act) => scan((pid) => (spared.has(pid) ? 'foreign' : standingOf(pid, isOfRun)), act);
  }
  return listedProcesses() === undefined ? undefined : (act) => listed(isOfRun, act);
}

/** The same by `ps`, which separates the entries of an environment by spaces. */
function listed(isOfRun: (environment: Buffer) => boolean, act: (pid: number) => void): Survivors {
  const all = listedProcesses() ?? [];
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const spared = new Set<number>();
  for (let pid = process.pid; pid > 1 && !spared.has(pid); pid = parents.get(pid) ?? 0) spared.add(pid);
  const pids = all
    .filter(({ pid, state }) => pid > 1 && !spared.has(pid) && !state.startsWith('Z'))
    .filter(({ text }) => isOfRun(Buffer.from(text.replaceAll(' ', '\0'), 'latin1')))
    .map(({ pid }) => pid);
  for (const pid of pids) act(pid);
  return { pids, isUnclear: false };
}
