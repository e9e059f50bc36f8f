/** The work of a process for one attempt: an assignment as plain data, ready to be sent. */
import type { Address, Assignment, PexenError } from '@pexen/core';
import {
  type AssignmentEnvelope,
  encodeAssignment,
  encodeThrown,
  type OutcomeEnvelope,
} from '@pexen/pool-kit';

/** A program to start, by its address. */
export type Program = Omit<Extract<Address, { kind: 'executable' }>, 'kind'>;

export type Work = BodyWork | ProgramWork;

/** Load a body and run it. */
export interface BodyWork {
  readonly kind: 'body';
  readonly envelope: AssignmentEnvelope;
  /** True if it may leave handles open, since other tasks use what it provides. */
  readonly mayLeave: boolean;
}

/** Start a program. */
export interface ProgramWork {
  readonly kind: 'program';
  readonly program: Program;
  readonly path: string;
  readonly attempt: number;
  /** Left out: 0. */
  readonly interruptions?: number;
  /** Left out: 0. */
  readonly rebootCount?: number;
  readonly timeoutMs?: number;
}

/** An assignment made of work that an agent has received. */
export class ForwardedAssignment implements Assignment {
  readonly work: Work;
  readonly graceMs: number;
  readonly isDefaultGrace: boolean;
  readonly task: object = {};
  readonly definition: Assignment['definition'];
  readonly part: Assignment['part'];
  readonly received = [];
  readonly shared = {};
  readonly args = undefined;

  /** `isHasty`: on a timeout, a body that has not read its signal gets no grace period. */
  constructor(work: Work, graceMs: number, isHasty: boolean) {
    this.work = work;
    this.graceMs = graceMs;
    this.isDefaultGrace = isHasty;
    this.definition = { meta: {}, body: () => {}, args: {}, isUnbound: false };
    this.part = work.kind === 'body' && work.envelope.part === 'cleanup' ? 'cleanup' : 'body';
  }

  get address(): Address | undefined {
    if (this.work.kind === 'body') return this.work.envelope.address;
    return { kind: 'executable', ...this.work.program };
  }

  get path(): string {
    return this.work.kind === 'body' ? this.work.envelope.path : this.work.path;
  }

  get attempt(): number {
    return this.work.kind === 'body' ? this.work.envelope.attempt : this.work.attempt;
  }

  get interruptions(): number {
    const { interruptions = 0 } = this.work.kind === 'body' ? this.work.envelope : this.work;
    return interruptions;
  }

  get rebootCount(): number {
    const { rebootCount = 0 } = this.work.kind === 'body' ? this.work.envelope : this.work;
    return rebootCount;
  }

  get timeoutMs(): number | undefined {
    return this.work.kind === 'body' ? this.work.envelope.timeoutMs : this.work.timeoutMs;
  }
}

/** The body of an assignment. Where it cannot be sent, the envelope carries the refusal. */
export function bodyWorkOf(assignment: Assignment): BodyWork {
  if (assignment instanceof ForwardedAssignment) return assignment.work as BodyWork;
  const mayLeave = (assignment.definition.meta.provides?.length ?? 0) > 0;
  return { kind: 'body', envelope: encodeAssignment(assignment, 'processes'), mayLeave };
}

/** The program of an assignment. */
export function programWorkOf(assignment: Assignment): ProgramWork {
  if (assignment instanceof ForwardedAssignment) return assignment.work as ProgramWork;
  const { address, attempt, interruptions = 0, rebootCount = 0, path, timeoutMs } = assignment;
  const { kind: _, ...program } = address as Extract<Address, { kind: 'executable' }>;
  return {
    ...{ kind: 'program', program, path, attempt },
    ...(interruptions > 0 && { interruptions }),
    ...(rebootCount > 0 && { rebootCount }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/** The outcome for work that cannot be done. */
export function refused(error: PexenError): OutcomeEnvelope {
  return { kind: 'threw', error: encodeThrown(error) };
}
