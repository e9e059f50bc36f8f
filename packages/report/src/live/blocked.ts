/** What waits and for what, gathered by what stands in the way: made of an inspection, for people. */
import type { Inspection, WaitingFor, WaitingTask } from '@pexen/core';

/** Tasks that wait for the same thing. */
export interface BlockedGroup {
  readonly count: number;
  /** As in `61 for …`. */
  readonly what: string;
  /** As in `held by …`; the names follow. */
  readonly how: string;
  /** Tasks, groups or pools that stand in the way, by name. */
  readonly by: readonly string[];
  /** Some of those who wait. */
  readonly who: readonly string[];
}

/** What an inspection says about what does not run. */
export interface Blocked {
  /** The largest ones first; what waits for nothing but a worker comes last. */
  readonly groups: readonly BlockedGroup[];
  readonly poisoned: readonly string[];
  /** The group of exclusivity whose turn it is. */
  readonly group: string | undefined;
}

const NAMES = 8;

interface Gathering {
  readonly reason: Reason;
  readonly by: Set<string>;
  readonly who: string[];
  count: number;
}

interface Reason {
  readonly what: string;
  readonly how: string;
  readonly by: readonly string[];
  /** Nothing stands in the way: it is only not its turn yet. */
  readonly isQueue: boolean;
}

/** Gathers by what is waited for. */
export function blockedIn(inspection: Inspection): Blocked {
  const gathered = new Map<string, Gathering>();
  for (const task of inspection.waiting) gather(gathered, task, reasonOf(task.for, inspection));
  const groups = [...gathered.values()].sort(byWeight);
  return {
    groups: groups.map(({ count, reason: { what, how }, by, who }) => ({
      count,
      what,
      how,
      by: [...by],
      who,
    })),
    poisoned: inspection.resources.flatMap(({ resource, poisonedBy }) =>
      poisonedBy === undefined ? [] : [resource],
    ),
    group: inspection.group,
  };
}

function gather(gathered: Map<string, Gathering>, { path }: WaitingTask, reason: Reason): void {
  const key = `${reason.how}\n${reason.what}`;
  let gathering = gathered.get(key);
  if (gathering === undefined) {
    gathering = { reason, by: new Set(), who: [], count: 0 };
    gathered.set(key, gathering);
  }
  gathering.count++;
  if (gathering.who.length < NAMES) gathering.who.push(path);
  for (const name of reason.by) if (gathering.by.size < NAMES) gathering.by.add(name);
}

function byWeight(a: Gathering, b: Gathering): number {
  return Number(a.reason.isQueue) - Number(b.reason.isQueue) || b.count - a.count;
}

function reasonOf(waiting: WaitingFor, { atMs, pools }: Inspection): Reason {
  switch (waiting.kind) {
    case 'resource':
      return { what: waiting.resource, how: 'held by', by: waiting.holders, isQueue: false };
    case 'requirement':
      return { what: waiting.requirement, how: 'from', by: waiting.providers, isQueue: false };
    case 'order':
      return { what: 'the end of others', how: 'after', by: waiting.tasks, isQueue: false };
    case 'reservation':
      return { what: 'its turn', how: 'behind', by: [waiting.of], isQueue: false };
    case 'group': {
      const by = waiting.current === undefined ? [] : [waiting.current];
      return { what: `the turn of group ${waiting.group}`, how: 'now', by, isQueue: false };
    }
    case 'slot': {
      const pool = pools.find(({ name }) => name === waiting.pool);
      const busy =
        pool === undefined ? '' : `: ${Math.min(pool.dispatched, pool.slots)} of ${pool.slots} busy`;
      return { what: 'a free worker', how: 'in', by: [`${waiting.pool}${busy}`], isQueue: true };
    }
    case 'backoff': {
      const seconds = Math.max(0, Math.ceil((waiting.untilMs - atMs) / 1000));
      return { what: 'another attempt', how: 'due in', by: [`${seconds}s`], isQueue: true };
    }
    case 'consumer':
      return { what: 'the consumer', how: 'of the results', by: [], isQueue: true };
    default:
      return waiting satisfies never;
  }
}
