/** One attempt: what is passed to the pool, what the pool reports, and how its outcome is read. Makes signals and dictionaries on first use. */

import {
  type Address,
  type Assignment,
  type Attachment,
  type CapturedOutput,
  checkedAttachment,
  defined,
  type ExecutableFacts,
  type Finding,
  messageOf,
  misuse,
  PexenError,
  type PoolOutcome,
  type ProviderGone,
  type ReadyFacts,
  type ReceivedKey,
  type Runnable,
  type SharedState,
  type TaskDefinition,
  TaskFailError,
  type TaskMeta,
  type TaskUpdate,
  type Ticket,
  type TraceContext,
  type TraceContexts,
  unsetKeys,
} from '@pexen/core';
import { isAbandoned } from '../machine/attempts.ts';
import type { Part, StopCause, TaskId } from '../machine/protocol.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import type { Rules } from '../plan/metadata.ts';
import type { TaskOutputs } from './task-outputs.ts';

/** The part of the run that an attempt uses. */
export interface AttemptHost {
  readonly plan: CompiledTasks;
  readonly outputs: Pick<TaskOutputs, 'inherit' | 'receive'>;
  interruptionsOf(task: TaskId, attempt: number): number;
  rebootCountOf(task: TaskId): number;
  readonly traceContexts: TraceContexts | undefined;
  started(attempt: Attempt, worker: string): void;
  ready(attempt: Attempt, facts: ReadyFacts): void;
  reported(attempt: Attempt, update: TaskUpdate): void;
}

const none: readonly never[] = Object.freeze([]);
/** How long a body without its locks may take to end, ms. */
const withoutLocksMs = 1_000;

export class Attempt implements Assignment, Ticket {
  readonly id: TaskId;
  readonly attempt: number;
  readonly part: Part;
  readonly node: string | undefined;
  readonly definition: TaskDefinition;
  /** The findings that the body reported. */
  findings: Finding[] | undefined = undefined;
  /** The providers whose workers were gone when the attempt had failed. */
  providersGone: readonly ProviderGone[] = none;
  /** The last sign of life after the start; undefined if there was none. */
  lastSignMs: number | undefined = undefined;
  /** After the outcome, further reports of the pool are ignored. */
  isOver = false;
  /** The earlier session that has started it; undefined where this one does. */
  adoptedFrom: number | undefined = undefined;
  /** For how long it had run when it was adopted, ms. */
  ranMs = 0;
  /** Why the attempt was asked to stop; undefined if it was not. */
  stopCause: StopCause | undefined = undefined;
  /** What the service handed on when it was ready was refused, so that it does not count as ready. */
  readyProblem: Error | undefined = undefined;
  /** Reports that the service is ready, once: in the next turn of the event loop, or when its body ends before that. */
  onReady: (() => void) | undefined = undefined;
  /** Called when the attempt must stop, after its signal was aborted. */
  onStop: (() => void) | undefined = undefined;
  readonly #host: AttemptHost;
  #shared: SharedState | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #abortReason: Error | undefined = undefined;
  #withoutLocks: { readonly reason: string; readonly ended: (() => void)[] } | undefined = undefined;

  constructor(host: AttemptHost, id: TaskId, attempt: number, part: Part, node?: string) {
    this.node = node;
    this.#host = host;
    this.id = id;
    this.attempt = attempt;
    this.part = part;
    this.definition = host.plan.definition(id);
  }

  get task(): object {
    return this.#host.plan.runnableOf(this.id) as object;
  }

  get address(): Address | undefined {
    return this.#host.plan.addresses.get(this.id);
  }

  get path(): string {
    return this.#host.plan.pathOf(this.id);
  }

  /** How often the end of a session interrupted it. */
  get interruptions(): number {
    return this.#host.interruptionsOf(this.id, this.attempt);
  }

  /** How often the machine was rebooted for the task. */
  get rebootCount(): number {
    return this.#host.rebootCountOf(this.id);
  }

  get trace(): TraceContext | undefined {
    return this.#host.traceContexts?.(this.path, this.attempt);
  }

  get rules(): Rules {
    return this.#host.plan.rulesOf(this.id);
  }

  get graceMs(): number {
    const { graceMs } = this.rules;
    return this.#withoutLocks === undefined ? graceMs : Math.min(graceMs, withoutLocksMs);
  }

  get isDefaultGrace(): boolean {
    return this.rules.isDefaultGrace;
  }

  get timeoutMs(): number | undefined {
    return this.rules.timeoutMs;
  }

  get args(): unknown {
    return this.definition.args;
  }

  get service(): true | undefined {
    return this.definition.service === undefined ? undefined : true;
  }

  get shared(): SharedState {
    this.#shared ??= this.#host.outputs.inherit(this.id);
    return this.#shared;
  }

  /** The dictionary, if the body has read it. */
  get touchedShared(): SharedState | undefined {
    return this.#shared;
  }

  get received(): readonly ReceivedKey[] {
    return this.#host.outputs.receive(this.id);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /** True if the attempt was asked to stop. */
  get isStopped(): boolean {
    return this.#abortReason !== undefined;
  }

  /** Asks the body to stop. The reason in its signal is an error named TimeoutError or AbortError. */
  stop(why: StopCause, message: string): void {
    const reason = new Error(message);
    reason.name = why === 'timed-out' ? 'TimeoutError' : 'AbortError';
    this.stopCause = why;
    this.#abortReason = reason;
    this.#abort?.abort(reason);
    this.onStop?.();
  }

  /** The task has lost its locks of other runs: the body is stopped, and has no say any more. Resolves when it certainly does not run. */
  endWithoutLocks(reason: string): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#withoutLocks ??= { reason, ended: [] };
      this.#withoutLocks.ended.push(resolve);
    });
    const { stopCause } = this;
    if (!this.isStopped) this.stop('cancelled', reason);
    this.stopCause = stopCause; // the machine has not stopped it
    return ended;
  }

  get isWithoutLocks(): boolean {
    return this.#withoutLocks !== undefined;
  }

  /** The outcome, as far as it counts for a task that has lost its locks. */
  withoutLocks(outcome: PoolOutcome): PoolOutcome {
    if (this.#withoutLocks === undefined) return outcome;
    const { reason, ended } = this.#withoutLocks;
    if (outcome.kind === 'stopped' && outcome.how === 'abandoned') return outcome; // it may still run
    for (const resolve of ended) resolve();
    return outcome.kind === 'not-started' ? outcome : { kind: 'lost', reason };
  }

  flushReady(): void {
    const { onReady } = this;
    this.onReady = undefined;
    onReady?.();
  }

  /** What the service provides cannot be handed on: it ends, and has failed. */
  refuseReady(problem: Error): void {
    if (this.isStopped) return;
    this.stop('cancelled', `its ready() was refused: ${problem.message}`);
    this.stopCause = undefined; // the machine has not stopped it
  }

  /** A cleanup continues the record of the attempt before it. */
  continueFrom(body: Attempt | undefined): void {
    this.findings = body?.findings;
    this.providersGone = body?.providersGone ?? none;
  }

  addFinding(finding: Finding): void {
    this.findings ??= [];
    this.findings.push(finding);
  }

  /** Adds an attachment from the interpretation of its output, which exists only once the attempt is over. */
  attach(attachment: Attachment): void {
    this.#host.reported(this, { kind: 'attachment', attachment });
  }

  started(worker: string): void {
    if (!this.isOver) this.#host.started(this, worker);
  }

  report(update: TaskUpdate): void {
    if (!this.isOver) this.#host.reported(this, update);
  }

  ready(facts: ReadyFacts): void {
    if (!this.isOver && this.service) this.#host.ready(this, facts);
  }
}

// Reading outcomes: exit codes as outcomes, unset keys as failures, the rules of the user.

/**
 * Applies the executable's `interpret` (its findings are added to the attempt), then the check of typed keys, then `reinterpret`. If one of
 * them throws, the attempt threw. `hasKeys`: some task provides a typed key.
 */
export function readOutcome(
  attempt: Attempt,
  outcome: PoolOutcome,
  reinterpret: ((outcome: PoolOutcome, task: Runnable, path: string) => PoolOutcome) | undefined,
  hasKeys: boolean,
): PoolOutcome {
  if (attempt.part === 'cleanup' || outcome.kind === 'not-started' || isAbandoned(outcome)) return outcome;
  if (attempt.readyProblem !== undefined)
    return { kind: 'threw', error: attempt.readyProblem, locksOk: true };
  if (attempt.service && attempt.isStopped) return endOfStopped(outcome, attempt);
  const { body, meta } = attempt.definition;
  if (typeof body === 'function' && reinterpret === undefined)
    return hasKeys ? checkKeys(attempt, outcome) : outcome;
  try {
    const interpreted = withoutReboot(meta, interpret(attempt, outcome));
    const checked = hasKeys ? checkKeys(attempt, interpreted) : interpreted;
    return reinterpret === undefined
      ? checked
      : reinterpreted(reinterpret(checked, attempt.task as Runnable, attempt.path));
  } catch (error) {
    return { kind: 'threw', error };
  }
}

/** The signals that ask a program to end. */
const askingSignals: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** A service ended after it was asked to. A program has then ended well with exit code 0, or by the signal that asked it. */
function endOfStopped(outcome: PoolOutcome, attempt: Attempt): PoolOutcome {
  const { body } = attempt.definition;
  if (typeof body === 'function' || outcome.kind !== 'returned') return outcome;
  const { exitCode, signal, stopSignal = 'SIGTERM' } = outcome.value as ExecutableFacts;
  const code = 128 + (askingSignals[stopSignal] ?? 0);
  const isAsked = signal === null ? exitCode === 0 || exitCode === code : signal === stopSignal;
  if (isAsked) return outcome;
  if (signal === 'SIGKILL') return { kind: 'stopped', how: 'killed' };
  const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`;
  const error = new TaskFailError(`it ended with ${how} after it was asked to stop`);
  removeFrames(error);
  return { kind: 'failed', error, depsOk: false, locksOk: false };
}

const kinds: readonly PoolOutcome['kind'][] = [
  ...([
    'returned',
    'failed',
    'threw',
    'skipped-itself',
    'reboot-asked',
    'stopped',
    'crashed',
    'lost',
    'not-started',
  ] as const),
];

/** @throws PexenError PEXEN_BAD_OPTION if it is not an outcome. */
function reinterpreted(outcome: unknown): PoolOutcome {
  const { kind } = (outcome ?? {}) as { readonly kind?: PoolOutcome['kind'] };
  if (kind !== undefined && kinds.includes(kind)) return outcome as PoolOutcome;
  const what =
    typeof outcome === 'object' && outcome !== null ? `one of the kind "${String(kind)}"` : String(outcome);
  throw misuse('PEXEN_BAD_OPTION', `reinterpret must return an outcome, not ${what}`);
}

/** A program asks for a reboot by its exit code, which has another meaning where it may not. */
function withoutReboot({ mayReboot = false }: TaskMeta, outcome: PoolOutcome): PoolOutcome {
  if (outcome.kind !== 'reboot-asked' || mayReboot) return outcome;
  const error = new TaskFailError('asks for a reboot, and has no mayReboot: true in its metadata');
  removeFrames(error);
  return { kind: 'failed', error, depsOk: false, locksOk: true };
}

function interpret(attempt: Attempt, outcome: PoolOutcome): PoolOutcome {
  const { body } = attempt.definition;
  if (typeof body === 'function' || outcome.kind !== 'returned') return outcome;
  const facts = outcome.value as ExecutableFacts;
  const { outcome: read, findings, attachments = [] } = body.interpret(facts);
  if ('error' in read) removeFrames(read.error);
  attempt.findings = [...(attempt.findings ?? []), ...findings];
  for (const attachment of attachments) attempt.attach(checkedAttachment(attachment));
  const { ranMs, step } = outcome;
  const stdout = annotated(outcome.stdout, read.stdout);
  const stderr = annotated(outcome.stderr, read.stderr);
  const trusted = facts.incomplete === undefined ? read : distrust(attempt, read, facts.incomplete);
  return { ...trusted, ...defined({ ranMs, stdout, stderr, step }) };
}

/** An error that an interpretation made: its frames are those of the code that reads outputs, which says nothing about the test. */
function removeFrames(error: unknown): void {
  for (let each = error; each instanceof Error && !Object.isFrozen(each); each = each.cause) {
    const stack = `${each.name}: ${each.message}`;
    if (each.stack === stack) return; // Also where causes form a cycle.
    Object.defineProperty(each, 'stack', { value: stack, writable: true, configurable: true });
  }
}

/** The output as the pool captured it; of its interpretation only the lines that no finding shows are added. */
function annotated(
  captured: CapturedOutput | undefined,
  read: CapturedOutput | undefined,
): CapturedOutput | undefined {
  const besidesFindings = read?.besidesFindings;
  return captured === undefined || besidesFindings === undefined
    ? captured
    : { ...captured, besidesFindings };
}

/** If evidence may be missing, it is unknown whether the program passed: the attempt fails. Outcomes with unknown resources stay so. */
function distrust({ path }: Attempt, outcome: PoolOutcome, why: string): PoolOutcome {
  const hint = 'Give the program and TMPDIR more room, or have it report less, and run it again.';
  const cause = 'error' in outcome ? outcome.error : undefined;
  const message = cause === undefined ? why : `${why}; it ended with ${messageOf(cause).split('\n')[0]}`;
  const error = new PexenError([{ code: 'PEXEN_EVIDENCE_LOST', task: path, message, hint }], { cause });
  error.stack = String(error); // The place where it was made has no meaning for the program.
  if (outcome.kind === 'threw') return { kind: 'threw', error };
  const locksOk = outcome.kind !== 'failed' || outcome.locksOk;
  return { kind: 'failed', error, depsOk: false, locksOk };
}

/** Without the values of its keys a task provides nothing: its dependents could not run, whatever the failure reports. */
function checkKeys({ service, definition: { meta } }: Attempt, outcome: PoolOutcome): PoolOutcome {
  const { kind } = outcome;
  if (service) return outcome; // its keys were checked when it was ready
  if ((kind !== 'returned' && kind !== 'failed') || meta.provides === undefined) return outcome;
  const unset = unsetKeys(meta, outcome.provided ?? []);
  if (unset.length === 0) return outcome;
  if (kind === 'failed') return { ...outcome, depsOk: false };
  const error = new TaskFailError(`returned without having set ${unset.join(', ')}`, { depsOk: false });
  return { kind: 'failed', error, depsOk: false, locksOk: true };
}
