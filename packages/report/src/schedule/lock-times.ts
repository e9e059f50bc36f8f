/**
 * How long tasks of a run held resources, and how long others waited for these at most: computed from the attempts and the metadata of the tasks. A
 * task waited for a resource while all that it requires and comes after was over, and another task held what it needs; it may have had to wait for a
 * worker as well, so the times are upper bounds. Amounts are left out, since the capacities are not known.
 */
import { Readiness } from './readiness.ts';
import type { TaskTimes } from './task-times.ts';

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
export function lockTimes(tasks: readonly TaskTimes[]): LockTimes[] {
  const holds = tasks.flatMap((task) => holdsOf(task));
  const readiness = new Readiness(tasks);
  const waits = new Map<string, { path: string; atMostMs: number }[]>();
  for (const task of tasks)
    for (const [resource, atMostMs] of waitsOf(task, holds, readiness)) {
      const known = waits.get(resource) ?? [];
      known.push({ path: task.path, atMostMs });
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
function holdsOf({ path, facts, result }: TaskTimes): Hold[] {
  const attempts = result?.attempts ?? [];
  const [first] = attempts;
  const last = attempts.at(-1);
  if (first === undefined || last === undefined || first.startedAtMs < 0) return [];
  const span = { path, fromMs: first.startedAtMs, toMs: last.startedAtMs + last.durationMs };
  const { uses = [], claims = [] } = facts;
  const shared = uses.filter(({ count }) => count === undefined).map(({ resource }) => resource);
  return [
    ...shared.map((resource) => ({ ...span, resource, isClaim: false })),
    ...claims.map((resource) => ({ ...span, resource, isClaim: true })),
  ];
}

function waitsOf(
  task: TaskTimes,
  holds: readonly Hold[],
  readiness: Readiness,
): [resource: string, atMostMs: number][] {
  const own = holdsOf(task);
  const startMs = own[0]?.fromMs;
  if (startMs === undefined) return [];
  const readyMs = readiness.of(task, 0, startMs).atMs;
  const byResource = new Map<string, Hold[]>();
  for (const other of holds) {
    if (other.path === task.path || other.toMs <= readyMs || other.fromMs >= startMs) continue;
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

/** The same resource, or one above the other: names that begin with a slash are paths. */
function isRelated(one: string, other: string): boolean {
  return isAtOrBelow(one, other) || isAtOrBelow(other, one);
}

function isAtOrBelow(low: string, high: string): boolean {
  return low === high || high === '/' || (high.startsWith('/') && low.startsWith(`${high}/`));
}
