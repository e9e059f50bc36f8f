/** What a process is told to do for one attempt: an assignment as plain data, ready to cross any border. */
import type { Address, Assignment, PexenError } from '@pexen/core';
import {
  type AssignmentEnvelope,
  encodeAssignment,
  encodeThrown,
  type OutcomeEnvelope,
} from '@pexen/pool-kit';
import { cleanupOfProgram } from './problems.ts';

/** A program to start: what its address says of it. */
export type Program = Omit<Extract<Address, { kind: 'executable' }>, 'kind'>;

export type Order = BodyOrder | ProgramOrder;

/** Load a body and run it. */
export interface BodyOrder {
  readonly kind: 'body';
  readonly envelope: AssignmentEnvelope;
  readonly graceMs: number;
  /** Need it not be given its grace on a timeout if it has not read its signal? */
  readonly isHasty: boolean;
  /** May it leave handles open when it ends, since others are to use what it provides? */
  readonly mayLeave: boolean;
}

/** Start a program. */
export interface ProgramOrder {
  readonly kind: 'program';
  readonly program: Program;
  readonly path: string;
  readonly attempt: number;
  readonly graceMs: number;
  readonly timeoutMs?: number;
}

/** The order for an assignment, or why there is none. */
export function orderOf(assignment: Assignment, pool: string): Order | OutcomeEnvelope {
  const { address, attempt, definition, graceMs, part, path, timeoutMs } = assignment;
  if (address?.kind === 'executable') {
    if (part === 'cleanup') return refused(cleanupOfProgram(path));
    const { kind: _, ...program } = address;
    return {
      kind: 'program',
      program,
      path,
      attempt,
      graceMs,
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
  }
  const envelope = encodeAssignment(assignment, pool);
  if (envelope.refusal !== undefined) return { kind: 'threw', error: envelope.refusal };
  const isHasty =
    assignment.isDefaultGrace === true && part === 'body' && definition.meta.cleanup === undefined;
  return { kind: 'body', envelope, graceMs, isHasty, mayLeave: (definition.meta.provides?.length ?? 0) > 0 };
}

/** Tells an order from the outcome that stands in its place. */
export function isOrder(order: Order | OutcomeEnvelope): order is Order {
  return order.kind === 'body' || order.kind === 'program';
}

/** The outcome for an order that cannot be carried out. */
export function refused(error: PexenError): OutcomeEnvelope {
  return { kind: 'threw', error: encodeThrown(error) };
}

/** The call path of the task it is about. */
export function pathOf(order: Order): string {
  return order.kind === 'body' ? order.envelope.path : order.path;
}
