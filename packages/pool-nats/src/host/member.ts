/** What the fleet knows of one node that works for the run. */
import type { Digest, LeftAttempt } from '@pexen/core';
import type { Hello, LeftOnNode } from '../protocol/messages.ts';
import type { NodeConnection } from './node-connection.ts';

/** A node that works for the run. */
export interface Member {
  readonly session: string;
  hello: Hello;
  /** The connection that uses each slot of the node. */
  readonly slots: (NodeConnection | undefined)[];
  /** The connections of services, which run beside the slots. */
  readonly services: Set<NodeConnection>;
  /** The code that it knows, by digests. */
  readonly codes: Set<Digest>;
  /** The pieces of files that are being sent to it, one after the other. */
  sending?: Promise<void>;
  /**
   * Nothing is sent there before it has the files of the run, it is recorded that it works for it, no other session had the run after that, and it has said
   * what earlier sessions left there.
   */
  readonly awaits: Set<'files' | 'record' | 'left'>;
  /** Attempts of earlier sessions that were neither adopted nor dismissed: their slots are not free. */
  left: readonly LeftOnNode[];
  /** When it has said so. */
  leftAtMs: number;
  /** Attempts whose ends are recorded, by link and number, until the node is informed. */
  settled: (readonly [link: number, id: number])[];
  isAway: boolean;
  isDraining: boolean;
}

/** Attempts may be sent there. */
export function isUsable({ isAway, isDraining, awaits }: Member): boolean {
  return awaits.size === 0 && !isAway && !isDraining;
}

/** The one that uses this link. */
export function connectionOf({ slots, services }: Member, link: number): NodeConnection | undefined {
  for (const each of slots) if (each?.link === link) return each;
  for (const each of services) if (each.link === link) return each;
  return undefined;
}

/** All that use the node. */
export function connectionsOf({ slots, services }: Member): NodeConnection[] {
  return [...slots.filter((connection) => connection !== undefined), ...services];
}

/** No connection uses the slot, and no attempt of an earlier session. */
export function isFree({ slots, left }: Member, slot: number): boolean {
  return slots[slot] === undefined && left.every((attempt) => attempt.slot !== slot);
}

/** Attempts of earlier sessions that the node still has. */
export function leftAt({ hello, left, leftAtMs }: Member, nowMs: number): LeftAttempt[] {
  return left.map(({ session, path, attempt, part, state, runningMs }) => {
    const runs = runningMs !== undefined && { runningMs: runningMs + nowMs - leftAtMs };
    return { session, path, attempt, part, state, ...runs, node: hello.name };
  });
}
