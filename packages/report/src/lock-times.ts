/**
 * How long tasks of a run held resources, and how long others waited for these at most: computed from the attempts and the metadata of the tasks. A
 * task waited for a resource while all that it requires and comes after was over, and another task held what it needs; it may have had to wait for a
 * worker as well, so the times are upper bounds. Amounts are left out, since the capacities are not known.
 */
import type { RequirementInfo, TaskInfo } from '@pexen/core';
import type { TaskAttempt } from './model/run-task.ts';

/** A task with its attempts, as far as there were any. Times are milliseconds from the start of the run. */
export interface TimedTask {
  readonly info: TaskInfo;
  readonly attempts: readonly Pick<TaskAttempt, 'startedAtMs' | 'durationMs' | 'outcome'>[];
  /** When it had its result; undefined if it has none. */
  readonly endedAtMs: number | undefined;
  /** May tasks that require it run? */
  readonly provides: boolean;
}

/** What became of one resource. */
export interface LockTimes {
  readonly resource: string;
  /** How many tasks have used and claimed it. */
  readonly used: number;
  readonly claimed: number;
  /** How long some task held it, ms. */
  readonly heldMs: number;
  /** Tasks that waited for it or for one above or below it, those that waited longest first. */
  readonly waits: readonly { readonly path: string; readonly atMostMs: number }[];
  /** The sum over all of them. */
  readonly waitedMs: number;
}

interface Hold {
  readonly path: string;
  readonly resource: string;
  readonly isClaim: boolean;
  readonly fromMs: number;
  readonly toMs: number;
}

/** By resource, in the order of their names, so that what is below another follows it. */
export function lockTimes(tasks: readonly TimedTask[]): LockTimes[] {
  const holds = tasks.flatMap((task) => holdsOf(task));
  const providers = providersIn(tasks);
  const waits = new Map<string, { path: string; atMostMs: number }[]>();
  for (const task of tasks)
    for (const [resource, atMostMs] of waitsOf(task, holds, providers)) {
      const known = waits.get(resource) ?? [];
      known.push({ path: task.info.path, atMostMs });
      waits.set(resource, known);
    }
  return [...new Set(holds.map(({ resource }) => resource))].sort().map((resource) => {
    const own = holds.filter((hold) => hold.resource === resource);
    const waited = (waits.get(resource) ?? []).sort((one, other) => other.atMostMs - one.atMostMs);
    return {
      resource,
      used: own.filter(({ isClaim }) => !isClaim).length,
      claimed: own.filter(({ isClaim }) => isClaim).length,
      heldMs: lengthOf(own),
      waits: waited,
      waitedMs: waited.reduce((sum, { atMostMs }) => sum + atMostMs, 0),
    };
  });
}

/** From the first start to the end of the last attempt: between attempts a task keeps what it holds. */
function holdsOf({ info, attempts }: TimedTask): Hold[] {
  const [first] = attempts;
  const last = attempts.at(-1);
  if (first === undefined || last === undefined || first.startedAtMs < 0) return [];
  const span = { path: info.path, fromMs: first.startedAtMs, toMs: last.startedAtMs + last.durationMs };
  const { uses = [], claims = [] } = info;
  const shared = uses.filter(({ count }) => count === undefined).map(({ resource }) => resource);
  return [
    ...shared.map((resource) => ({ ...span, resource, isClaim: false })),
    ...claims.map((resource) => ({ ...span, resource, isClaim: true })),
  ];
}

function waitsOf(
  task: TimedTask,
  holds: readonly Hold[],
  providers: ReadonlyMap<string, readonly TimedTask[]>,
): [resource: string, atMostMs: number][] {
  const own = holdsOf(task);
  const startMs = own[0]?.fromMs;
  if (startMs === undefined) return [];
  const readyMs = readyAt(task.info, providers);
  const byResource = new Map<string, Hold[]>();
  for (const other of holds) {
    if (other.path === task.info.path || other.toMs <= readyMs || other.fromMs >= startMs) continue;
    if (!own.some((mine) => (mine.isClaim || other.isClaim) && isRelated(mine.resource, other.resource)))
      continue;
    const clipped = {
      ...other,
      fromMs: Math.max(readyMs, other.fromMs),
      toMs: Math.min(startMs, other.toMs),
    };
    byResource.set(other.resource, [...(byResource.get(other.resource) ?? []), clipped]);
  }
  return [...byResource].map(([resource, spans]) => [resource, lengthOf(spans)]);
}

/** How long at least one of the spans lasted. */
function lengthOf(spans: readonly Pick<Hold, 'fromMs' | 'toMs'>[]): number {
  let length = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const { fromMs, toMs } of [...spans].sort((one, other) => one.fromMs - other.fromMs)) {
    length += Math.max(0, toMs - Math.max(fromMs, reached));
    reached = Math.max(reached, toMs);
  }
  return length;
}

/** When all that the task requires and comes after was there. */
function readyAt(
  { requires = [], after = [], salvages = [], tearsDown = [] }: TaskInfo,
  providers: ReadonlyMap<string, readonly TimedTask[]>,
): number {
  const behind = [...after, ...salvages, ...tearsDown].flatMap((name) => providers.get(name) ?? []);
  const ends = behind.flatMap(({ endedAtMs }) => endedAtMs ?? []);
  return Math.max(0, ...ends, ...requires.map((requirement) => metAt(requirement, providers)));
}

function metAt(
  { form, capabilities, count = 1 }: RequirementInfo,
  providers: ReadonlyMap<string, readonly TimedTask[]>,
): number {
  const those = new Set(capabilities.flatMap((name) => providers.get(name) ?? []));
  const met = [...those].filter(({ provides }) => provides).flatMap(({ endedAtMs }) => endedAtMs ?? []);
  const ends = met.sort((one, other) => one - other);
  return (form === 'every' ? ends.at(-1) : ends[(form === 'at-least' ? count : 1) - 1]) ?? 0;
}

function providersIn(tasks: readonly TimedTask[]): ReadonlyMap<string, readonly TimedTask[]> {
  const found = new Map<string, TimedTask[]>();
  for (const task of tasks)
    for (const name of [`task:${task.info.path}`, ...(task.info.provides ?? [])])
      found.set(name, [...(found.get(name) ?? []), task]);
  return found;
}

/** The same resource, or one above the other: names that begin with a slash are paths. */
function isRelated(one: string, other: string): boolean {
  return isAtOrBelow(one, other) || isAtOrBelow(other, one);
}

function isAtOrBelow(low: string, high: string): boolean {
  return low === high || high === '/' || (high.startsWith('/') && low.startsWith(`${high}/`));
}
