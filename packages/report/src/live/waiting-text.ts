/** What tasks wait for, in words. */
import type { PoolState } from '@pexen/core';
import type { WaitingGroup } from '../model/waiting.ts';

/** As in `61 for WHAT  HOW BY`, for example `61 for /db  held by a, b`. */
export interface WaitingText {
  readonly what: string;
  readonly how: string;
  /** Names: tasks, groups, or pools and how full they are. */
  readonly by: readonly string[];
}

/** `pools` is how full they were at the last inspection. */
export function waitingText(group: WaitingGroup, pools: readonly PoolState[]): WaitingText {
  const { kind, subject, by, isOver } = group;
  switch (kind) {
    case 'resource':
      return { what: subject, how: isOver ? 'just released' : 'held by', by };
    case 'requirement':
      return { what: subject, how: isOver ? 'just ended' : 'from', by };
    case 'order':
      return { what: 'the end of others', how: isOver ? 'just ended' : 'after', by };
    case 'reservation':
      return { what: 'its turn', how: isOver ? 'just ended' : 'behind', by };
    case 'group':
      return { what: `the turn of group ${subject}`, how: groupHow(group), by };
    case 'slot':
      return { what: 'a free worker', how: 'in', by: by.map((name) => poolText(name, pools)) };
    case 'dispatched':
      return { what: 'a worker to begin', how: 'in', by: by.map((name) => poolText(name, pools)) };
    case 'consumer':
      return { what: 'the consumer', how: 'of the results', by };
    case 'unknown':
      return { what: 'a reason not seen yet', how: '', by };
    default:
      return kind satisfies never;
  }
}

function groupHow({ isByTasks, isOver, by }: WaitingGroup): string {
  if (!isByTasks) return by.length === 0 ? '' : 'now';
  return isOver ? 'just ended' : 'after';
}

function poolText(name: string, pools: readonly PoolState[]): string {
  const pool = pools.find((each) => each.name === name);
  if (pool === undefined) return name;
  return `${name}: ${Math.min(pool.dispatched, pool.slots)} of ${pool.slots} busy`;
}
