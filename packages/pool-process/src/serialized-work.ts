/** The work of a process for one attempt: an assignment as plain data, ready to be sent. */
import {
  type Address,
  type Assignment,
  isKey,
  isPexenError,
  isRefusedKey,
  type PexenError,
  type ServiceRules,
  type TraceContext,
} from '@pexen/core';
import {
  type AssignmentEnvelope,
  encodeAssignment,
  encodeThrown,
  type OutcomeEnvelope,
  type ThrownWire,
} from '@pexen/pool-kit';
import { type RequiredValues, requiredValues } from './services/required-values.ts';

/** A program to start, by its address. */
export type Program = Omit<Extract<Address, { kind: 'executable' }>, 'kind'>;

export type Work = BodyWork | ProgramWork;

/** Load a body and run it. */
export interface BodyWork {
  readonly kind: 'body';
  readonly envelope: AssignmentEnvelope;
  /** True if it may leave handles open, since other tasks use what it provides. */
  readonly mayLeave: boolean;
  /** Present for a service. */
  readonly service?: Pick<ServiceRules, 'killsOnStop'>;
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
  readonly trace?: TraceContext;
  readonly timeoutMs?: number;
  /** What it finds in `$PEXEN_VALUES`. Left out: nothing. */
  readonly values?: RequiredValues;
  /** Present for a service. */
  readonly service?: ServiceWork;
  /** Why it cannot be started. */
  readonly refusal?: ThrownWire;
}

/** How a service that is a program is stopped, and where its values go. */
export interface ServiceWork extends Pick<ServiceRules, 'killsOnStop'> {
  /** Positions in `provides` of the keys that get its values. */
  readonly keys: readonly number[];
  /** The names in the dictionary under which its values are handed on. */
  readonly names: readonly string[];
}

/** An assignment made of work that an agent has received. */
export class ForwardedAssignment implements Assignment {
  readonly work: Work;
  readonly graceMs: number;
  readonly isDefaultGrace: boolean;
  readonly service: true | undefined;
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
    const { service } = work;
    this.service = service && true;
    const rules = service && { restarts: 0, killsOnStop: service.killsOnStop };
    this.definition = { meta: {}, body: () => {}, args: {}, isUnbound: false, service: rules };
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

  get trace(): TraceContext | undefined {
    return this.work.kind === 'body' ? this.work.envelope.trace : this.work.trace;
  }

  get timeoutMs(): number | undefined {
    return this.work.kind === 'body' ? this.work.envelope.timeoutMs : this.work.timeoutMs;
  }
}

/** The body of an assignment. Where it cannot be sent, the envelope carries the refusal. */
export function bodyWorkOf(assignment: Assignment): BodyWork {
  if (assignment instanceof ForwardedAssignment) return assignment.work as BodyWork;
  const { definition, service } = assignment;
  const mayLeave = service === true || (definition.meta.provides?.length ?? 0) > 0;
  return {
    ...{ kind: 'body', envelope: encodeAssignment(assignment, 'processes'), mayLeave },
    ...(service && { service: { killsOnStop: definition.service?.killsOnStop === true } }),
  };
}

/** The program of an assignment. */
export function programWorkOf(assignment: Assignment): ProgramWork {
  if (assignment instanceof ForwardedAssignment) return assignment.work as ProgramWork;
  const { address, attempt, interruptions = 0, rebootCount = 0, trace, path, timeoutMs } = assignment;
  const { kind: _, ...program } = address as Extract<Address, { kind: 'executable' }>;
  return {
    ...{ kind: 'program', program, path, attempt },
    ...(interruptions > 0 && { interruptions }),
    ...(rebootCount > 0 && { rebootCount }),
    ...(trace !== undefined && { trace }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(assignment.service && { service: serviceWorkOf(assignment) }),
    ...valuesOf(assignment),
  };
}

function valuesOf(assignment: Assignment): Pick<ProgramWork, 'values' | 'refusal'> {
  const values = requiredValues(assignment);
  if (isPexenError(values)) return { refusal: encodeThrown(values) };
  return values === undefined ? {} : { values };
}

function serviceWorkOf({ definition: { meta, service } }: Assignment): ServiceWork {
  const { provides = [] } = meta;
  return {
    killsOnStop: service?.killsOnStop === true,
    keys: provides.flatMap((capability, at) => (isKey(capability) ? [at] : [])),
    names: provides.filter(
      (capability) => typeof capability === 'string' && !isRefusedKey(capability),
    ) as string[],
  };
}

/** The outcome for work that cannot be done. */
export function refused(error: PexenError): OutcomeEnvelope {
  return { kind: 'threw', error: encodeThrown(error) };
}
