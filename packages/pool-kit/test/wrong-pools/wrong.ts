/** How a right pool is made wrong in one thing. */
import type { Assignment, Pool, PoolOutcome, Ticket } from '@pexen/core';
import type { ConformanceCase, NetworkFaults } from '@pexen/pool-kit/conformance';
import { InProcess, type Job } from './in-process.ts';

/** A pool that breaks one rule, and the case that must find out. */
export interface WrongPool {
  /** What it does wrong. */
  readonly does: string;
  readonly breaks: ConformanceCase;
  readonly make: () => Pool;
  /** Makes the same pool over a network. It is wrong in nothing else: only the rules about networks are tried. */
  readonly network?: (faults: NetworkFaults) => Pool;
  /** It is made of a pool that all rules are tried on, and wrong in this chapter alone: only that is tried. */
  readonly chapter?: string;
}

export function wrong(breaks: ConformanceCase, does: string, make: () => Pool): WrongPool {
  return { does, breaks, make };
}

/** The assignment, with some of it otherwise. */
export function otherwise(assignment: Assignment, changes: Partial<Assignment>): Assignment {
  return Object.create(assignment, Object.getOwnPropertyDescriptors(changes)) as Assignment;
}

/** What is changed on the way in and out. */
export interface Changes {
  readonly transport?: 'reference' | 'clone' | 'serialize';
  readonly executables?: boolean;
  readonly assignment?: (assignment: Assignment) => Assignment;
  readonly ticket?: (ticket: Ticket, assignment: Assignment) => Ticket;
  /** Also given whether the attempt was asked to stop. */
  readonly outcome?: (outcome: PoolOutcome, assignment: Assignment, wasStopped: boolean) => PoolOutcome;
}

/** A pool in this thread with these changes. */
export function changed({ transport = 'reference', executables = false, ...changes }: Changes): Pool {
  const { assignment = same, ticket = same, outcome = same } = changes;
  class Changed extends InProcess {
    override async begin(job: Job): Promise<PoolOutcome> {
      const given = assignment(job.assignment);
      const result = await super.begin({ ...job, assignment: given, ticket: ticket(job.ticket, given) });
      return outcome(result, job.assignment, job.ticket.signal.aborted);
    }
  }
  return new Changed(transport, executables);
}

function same<T>(value: T): T {
  return value;
}

/** Changes outcomes of one kind only. */
export function onlyOf<K extends PoolOutcome['kind']>(
  kind: K,
  change: (
    outcome: Extract<PoolOutcome, { readonly kind: K }>,
    assignment: Assignment,
    wasStopped: boolean,
  ) => PoolOutcome,
): NonNullable<Changes['outcome']> {
  return (outcome, assignment, wasStopped) =>
    outcome.kind === kind
      ? change(outcome as Extract<PoolOutcome, { readonly kind: K }>, assignment, wasStopped)
      : outcome;
}

/** Changes errors that bodies threw, and nothing else. */
export function onlyErrors(
  change: (error: Error, assignment: Assignment) => PoolOutcome | undefined,
): NonNullable<Changes['outcome']> {
  return (outcome, assignment) => {
    if (outcome.kind !== 'threw' && outcome.kind !== 'failed') return outcome;
    return (outcome.error instanceof Error && change(outcome.error, assignment)) || outcome;
  };
}

/** The name of the task that an assignment is of. */
export function nameOf({ definition }: Assignment): string | undefined {
  return definition.meta.name;
}
