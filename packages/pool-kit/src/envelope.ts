/**
 * What is sent for one attempt: the assignment to the worker, the outcome back, both as plain data that structured clone
 * carries. In both directions, a value that cannot be sent becomes an error of the task that names the value. Knows no transport.
 */
import {
  type Address,
  type Assignment,
  type Capability,
  capabilitiesOf,
  closureProblem,
  isKey,
  isRefusedKey,
  mergeShared,
  PexenError,
  type PoolOutcome,
  type PoolOutcomeFacts,
  type Problem,
  type ReadyFacts,
  type ReceivedKey,
  type SharedState,
  type TaskMeta,
  type TraceContext,
  tornDown,
  tornDownBy,
} from '@pexen/core';
import { decodeThrown, encodeThrown, type ThrownWire } from './error-codec.ts';
import { type ChannelRules, describeViolation, findViolation, type Violation } from './serializability.ts';

/** Addresses of bodies that a worker loads: all but those of programs. */
export type BodyAddress = Exclude<Address, { readonly kind: 'executable' }>;

/** An assignment as plain data. What is empty is left out. */
export interface AssignmentEnvelope {
  readonly address?: BodyAddress;
  readonly path: string;
  readonly attempt: number;
  /** Left out: 0. */
  readonly interruptions?: number;
  /** Left out: 0. */
  readonly rebootCount?: number;
  readonly trace?: TraceContext;
  /** Left out: the body. */
  readonly part?: 'cleanup';
  readonly args?: unknown;
  readonly shared?: SharedState;
  readonly received?: readonly ReceivedKey[];
  readonly timeoutMs?: number;
  /** Why it cannot be carried out; the worker answers with this error when the attempt starts. */
  readonly refusal?: ThrownWire;
}

/** An outcome as plain data. */
export type OutcomeEnvelope = PoolOutcomeFacts &
  (
    | Exclude<PoolOutcome, { readonly kind: 'failed' | 'threw' | 'stopped' }>
    | {
        readonly kind: 'failed';
        readonly error: ThrownWire;
        readonly depsOk: boolean;
        readonly locksOk: boolean;
      }
    | { readonly kind: 'threw'; readonly error: ThrownWire }
    | { readonly kind: 'stopped'; readonly how: 'aborted' | 'killed'; readonly error?: ThrownWire }
  );

/** Packs an assignment. Never throws: an assignment that cannot be sent becomes an envelope with the refusal. `pool` names the pool. */
export function encodeAssignment(
  assignment: Assignment,
  pool: string,
  rules: ChannelRules = {},
): AssignmentEnvelope {
  const {
    path,
    attempt,
    interruptions = 0,
    rebootCount = 0,
    trace,
    part,
    args,
    shared,
    received,
    timeoutMs,
    address,
  } = assignment;
  if (
    address?.kind === 'made' &&
    part === 'body' &&
    timeoutMs === undefined &&
    trace === undefined &&
    interruptions + rebootCount === 0
  ) {
    if (isEmpty(args) && isEmpty(shared) && received.length === 0) return { address, path, attempt };
  }
  const keyed = received.flatMap((each) => receivedValues(each, assignment.definition.meta));
  const values = { args, shared, keyed, address };
  const problem = problemOf(assignment, pool) ?? problemOfValues(values, path, rules);
  if (problem !== undefined) return { path, attempt, refusal: encodeThrown(new PexenError([problem])) };
  return {
    address: address as BodyAddress,
    path,
    attempt,
    ...(interruptions > 0 && { interruptions }),
    ...(rebootCount > 0 && { rebootCount }),
    ...(trace !== undefined && { trace }),
    ...(part === 'cleanup' && { part }),
    ...(!isEmpty(args) && { args }),
    ...(!isEmpty(shared) && { shared }),
    ...(received.length > 0 && { received }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/**
 * Packs an outcome. Never throws: a value that cannot be sent makes it `threw`, with an error that names the value; values of typed keys
 * are named by what the metadata `provides`.
 */
export function encodeOutcome(
  outcome: PoolOutcome,
  path: string,
  rules: ChannelRules = {},
  { provides = [] }: Pick<TaskMeta, 'provides'> = {},
): OutcomeEnvelope {
  if (outcome.kind === 'returned' && !rules.json && isBare(outcome)) return outcome;
  const value = outcome.kind === 'returned' ? outcome.value : undefined;
  const keyed = outcome.provided?.map(([at, given]): KeyValue => [provides[at], given]);
  const problem = problemOfValues({ value, shared: outcome.shared, keyed }, path, rules);
  if (problem === undefined) return withError(outcome, rules);
  const { shared: _shared, provided: _provided, ...rest } = outcome;
  if (outcome.kind !== 'returned') return withError(rest as PoolOutcome, rules);
  return { kind: 'threw', error: encodeThrown(new PexenError([problem])), ...outputOf(outcome) };
}

/**
 * What a service that is ready hands on, as plain data. Values of typed keys are named by what the metadata `provides`.
 * @throws PexenError PEXEN_CANNOT_CROSS for a value that cannot be sent
 */
export function encodeReady(
  { shared, provided = [] }: ReadyFacts,
  path: string,
  rules: ChannelRules = {},
  { provides = [] }: Pick<TaskMeta, 'provides'> = {},
): ReadyFacts {
  const keyed = provided.map(([at, given]): KeyValue => [provides[at], given]);
  const problem = problemOfValues({ shared, keyed }, path, rules);
  if (problem !== undefined) throw new PexenError([problem]);
  return { ...(shared !== undefined && { shared }), ...(provided.length > 0 && { provided }) };
}

/** Unpacks an outcome that came from the worker of this name. */
export function decodeOutcome(envelope: OutcomeEnvelope, worker: string): PoolOutcome {
  const shared = envelope.shared === undefined ? undefined : mergeShared(envelope.shared);
  const outcome = (
    'error' in envelope && envelope.error !== undefined
      ? { ...envelope, error: decodeThrown(envelope.error, worker) }
      : envelope
  ) as PoolOutcome;
  return shared === undefined ? outcome : { ...outcome, shared };
}

/**
 * The outcome for an assignment or an outcome that the transport itself refused although no violation was found in it; with the modules of the
 * outcome that was refused.
 */
export function refusedByTransport(
  path: string,
  error: unknown,
  { modules }: Pick<PoolOutcomeFacts, 'modules'> = {},
): PoolOutcome {
  const problem = cannotCross(path, `a value cannot cross to or from the worker: ${String(error)}`);
  return { kind: 'threw', error: new PexenError([problem]), ...(modules !== undefined && { modules }) };
}

/** True where no part of it needs to be checked. */
function isBare({ value, shared, provided }: Extract<PoolOutcome, { readonly kind: 'returned' }>): boolean {
  const isPrimitive = typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol';
  return isPrimitive && shared === undefined && provided === undefined;
}

function withError(outcome: PoolOutcome, rules: ChannelRules): OutcomeEnvelope {
  if (!('error' in outcome)) return outcome as OutcomeEnvelope;
  return { ...outcome, error: encodeThrown(outcome.error, rules) } as OutcomeEnvelope;
}

function outputOf({ stdout, stderr }: PoolOutcomeFacts): PoolOutcomeFacts {
  return { ...(stdout !== undefined && { stdout }), ...(stderr !== undefined && { stderr }) };
}

function problemOf({ address, definition, path }: Assignment, pool: string): Problem | undefined {
  if (address === undefined) return closureProblem(definition, path, pool);
  if (address.kind !== 'executable') return undefined;
  return {
    code: 'PEXEN_EXECUTABLE',
    task: path,
    message: `the pool "${pool}" does not run programs`,
    hint: 'Give it a pool that does, as processes().',
  };
}

interface Values {
  readonly args?: unknown;
  readonly value?: unknown;
  readonly shared?: SharedState | undefined;
  readonly keyed?: readonly KeyValue[] | undefined;
  readonly address?: Address | undefined;
}

/** A value and its typed key. */
type KeyValue = readonly [key: Capability | undefined, value: unknown];

function receivedValues({ requirement, member, values }: ReceivedKey, meta: TaskMeta): KeyValue[] {
  const entry = meta.requires?.[requirement];
  const members = requirement === tornDown ? tornDownBy(meta) : entry && capabilitiesOf(entry);
  const key = members?.[member];
  return values.map((value) => [key, value]);
}

function keyedViolation(keyed: readonly KeyValue[], rules: ChannelRules): Violation | undefined {
  for (const [key, value] of keyed) {
    const found = findViolation(value, isKey(key) ? key.name : 'the value of a key', rules);
    if (found !== undefined) return found;
  }
  return undefined;
}

function problemOfValues(values: Values, path: string, rules: ChannelRules): Problem | undefined {
  const refused = Object.keys(values.shared ?? {}).find(isRefusedKey);
  if (refused !== undefined) return cannotCross(path, `shared has the key "${refused}", which is refused`);
  const input = values.address?.kind === 'maker' ? values.address.input : undefined;
  const violation =
    findViolation(values.args, 'args', rules) ??
    findViolation(values.value, 'value', rules) ??
    findViolation(values.shared, 'shared', rules) ??
    keyedViolation(values.keyed ?? [], rules) ??
    findViolation(input, 'input', rules);
  return (
    violation && cannotCross(path, `${describeViolation(violation)} and cannot cross to or from a worker`)
  );
}

function cannotCross(path: string, message: string): Problem {
  const hint = 'Hand over plain data, or make what is needed inside the body.';
  return { code: 'PEXEN_CANNOT_CROSS', task: path, message, hint };
}

function isEmpty(value: unknown): boolean {
  if (value === undefined) return true;
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isEmptyPlain(value);
}

function isEmptyPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const _key in value) return false;
  return true;
}
