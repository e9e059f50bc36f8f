/** The worker's side of one attempt: resolves the body, runs it, and turns whatever happens into an outcome. Knows no transport. */
import { AsyncResource } from 'node:async_hooks';
import {
  type ContextTicket,
  isThenable,
  mergeShared,
  OwnContext,
  outcomeOfError,
  type PoolOutcome,
  type PoolOutcomeFacts,
  type ReadyFacts,
  type TaskDefinition,
  type TaskUpdate,
} from '@pexen/core';
import { type AssignmentEnvelope, encodeOutcome, encodeReady, type OutcomeEnvelope } from '../envelope.ts';
import { decodeThrown } from '../error-codec.ts';
import { later, now } from '../own-globals.ts';
import type { ChannelRules } from '../serializability.ts';
import {
  attemptEnded,
  attemptStarted,
  type LateError,
  outsideBodies,
  type Watched,
  within,
} from './late-errors.ts';
import { newModules } from './module-graph.ts';
import { resolveBody } from './resolve-body.ts';

/** The connection of an attempt to its host, implemented by the transport. */
export interface WorkerLink {
  /**
   * Aborted, with an Error as its reason, when the host asks the attempt to stop. May be a getter that makes it on first use:
   * it is read only when the body reads it, and when the body has thrown.
   */
  readonly signal: AbortSignal;
  /** The attempt starts. Report it to the host before anything else, since deadlines count from here. Called exactly once. */
  started(): void;
  /** The body reports an update. Not called after the outcome. */
  report(update: TaskUpdate): void;
  /** The body of a service reports that it is ready, once: pass the facts on to `serviceReady` of the host's end. Needed by pools that run services. */
  ready?(facts: ReadyFacts): void;
  /** What the transport carries besides plain data. */
  readonly channelRules?: ChannelRules;
  /** The body reads its signal, for the first time. */
  signalRead?(): void;
  /**
   * An error surfaced after its body had ended; may come at any time, long after the outcome of this attempt. The host reports it with
   * `PoolContext.lateError`, and the worker takes no further attempt. Needs `watchErrors`.
   */
  late?(error: LateError): void;
  /** An exception failed the attempt while its body goes on: the worker takes no further attempt. Comes before the outcome. */
  spoiled?(): void;
}

/**
 * Runs one attempt and resolves with its outcome, ready to be sent, after one more turn of the event loop: errors that surface by then fail the
 * attempt. Never rejects. Does not capture output.
 *
 * @example
 * watchErrors();
 * socket.on('message', async ({ id, envelope }) => {
 *   const controller = new AbortController();
 *   aborts.set(id, controller);
 *   const outcome = await runAssignment(envelope, {
 *     signal: controller.signal,
 *     started: () => socket.send({ id, started: true }),
 *     report: (update) => socket.send({ id, update }),
 *     late: (error) => socket.send({ late: error }),
 *   });
 *   socket.send({ id, outcome });
 * });
 */
export function runAssignment(envelope: AssignmentEnvelope, link: WorkerLink): Promise<OutcomeEnvelope> {
  return new Promise((resolve) => {
    const attempt = new BodyAttempt(envelope, link);
    attempt.run(() => later(() => resolve(attempt.conclude())));
  });
}

/** One attempt, for transports that order the turns of the event loop themselves. */
export class BodyAttempt implements Watched {
  readonly path: string;
  readonly #envelope: AssignmentEnvelope;
  readonly #link: WorkerLink;
  readonly #startedAtMs: number = now();
  #definition: TaskDefinition | undefined;
  #ranMs = 0;
  /** The outcome of the body itself. */
  #outcome: PoolOutcome | undefined;
  /** An uncaught error of the body. */
  #surfaced: { readonly error: unknown } | undefined;
  #hasEnded = false;
  #isQuiet = false;
  #whenEnded: () => void = () => {};

  constructor(envelope: AssignmentEnvelope, link: WorkerLink) {
    this.path = envelope.path;
    this.#envelope = envelope;
    this.#link = link;
  }

  /** The body ended synchronously and started nothing asynchronous: its uncaught errors surface before the next callback of the event loop. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /** Runs the attempt, and calls back once its body has ended or an uncaught error has failed it; never throws. */
  run(whenEnded: () => void): void {
    this.#whenEnded = whenEnded;
    attemptStarted(this);
    this.#link.started();
    try {
      this.#start();
    } catch (error) {
      this.#settle(threw(error));
    }
  }

  /** Returns the outcome; call it once. Errors that surface from now on are late. */
  conclude(): OutcomeEnvelope {
    const [rejection] = attemptEnded(this).map((error) => ({ error }));
    if (this.#outcome === undefined) this.#link.spoiled?.();
    const failure = this.#surfaced ?? rejection;
    const outcome = failure === undefined ? this.#outcome : this.#failedBy(failure.error);
    const settled = { ...(outcome ?? threw(undefined)), ranMs: this.#ranMs };
    const encoded = encodeOutcome(settled, this.path, this.#link.channelRules, this.#definition?.meta);
    const modules = newModules();
    return modules === undefined ? encoded : { ...encoded, modules };
  }

  /** Runs code that belongs to the body, such as the listeners of its signal. */
  within(code: () => void): void {
    within(this, code);
  }

  fail(error: unknown): void {
    this.#surfaced ??= { error };
    this.#end();
  }

  isAbort(error: unknown): boolean {
    return outcomeOfError(error, this.#link.signal).kind === 'stopped';
  }

  late(error: LateError): void {
    this.#link.late?.(error);
  }

  #start(): void {
    const { refusal, address } = this.#envelope;
    if (refusal !== undefined) throw decodeThrown(refusal, '');
    if (address === undefined) throw new TypeError('an envelope without an address');
    const found = outsideBodies(() => resolveBody(address));
    if (isThenable(found)) void this.#runLater(found);
    else this.#runBody(found);
  }

  async #runLater(found: Promise<TaskDefinition>): Promise<void> {
    try {
      this.#runBody(await found);
    } catch (error) {
      this.#settle(threw(error));
    }
  }

  #runBody(definition: TaskDefinition): void {
    this.#definition = definition;
    let isAlone = false;
    const outcome = within(this, () => {
      const before = asyncId();
      const ended = runBody(definition, this.#envelope, this.#link);
      isAlone = asyncId() === before + 1;
      return ended;
    });
    if (isThenable(outcome)) void this.#settleLater(outcome);
    else {
      this.#isQuiet = isAlone;
      this.#settle(outcome);
    }
  }

  async #settleLater(outcome: Promise<PoolOutcome>): Promise<void> {
    this.#settle(await outcome);
  }

  #settle(outcome: PoolOutcome): void {
    this.#outcome = outcome;
    this.#end();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#ranMs = Math.round((now() - this.#startedAtMs) * 1000) / 1000;
    this.#whenEnded();
  }

  /** A body that failed keeps its own error. */
  #failedBy(error: unknown): PoolOutcome {
    const own = this.#outcome;
    if (own !== undefined && own.kind !== 'returned' && own.kind !== 'skipped-itself') return own;
    const outcome = outcomeOfError(error, this.#link.signal);
    const failed = outcome.kind === 'skipped-itself' ? threw(error) : outcome;
    if (own === undefined) return failed;
    const { shared, provided } = own;
    return { ...failed, ...(shared && { shared }), ...(provided && { provided }) };
  }
}

/** The id of a new asynchronous resource: the next one in this thread gets the next id. */
function asyncId(): number {
  return new AsyncResource('PEXEN').asyncId();
}

type Input = Omit<AssignmentEnvelope, 'address' | 'refusal'>;

function runBody(
  { meta, body, service }: TaskDefinition,
  { part, args = {}, shared = {}, received = [], attempt, interruptions, rebootCount, trace, path }: Input,
  link: WorkerLink,
): PoolOutcome | Promise<PoolOutcome> {
  const code = part === 'cleanup' ? meta.cleanup : body;
  if (typeof code !== 'function')
    return threw(new TypeError(`the task has no ${part ?? 'body'} that a worker could call`));
  const own = mergeShared(shared);
  const dictionary = () => (hasEntries(own) || hasEntries(shared) ? { shared: own } : {});
  /** What a service hands on is what it has at that moment; a value that cannot be sent is an error of the call of `ready`. */
  const ticketOfService = (): ContextTicket => ({
    get signal() {
      return link.signal;
    },
    report: (update) => link.report(update),
    ready: (facts) => link.ready?.(encodeReady({ ...facts, ...dictionary() }, path, link.channelRules, meta)),
  });
  const parts = { args, shared: own, received, attempt, interruptions, rebootCount, trace, path };
  const context = new OwnContext(meta, parts, service === undefined ? link : ticketOfService());
  noteReadingOfSignal(context, link);
  const facts = (): PoolOutcomeFacts => ({
    ...dictionary(),
    ...(context.provided.length > 0 && { provided: context.provided }),
  });
  const returned = (value: unknown): PoolOutcome => ({ kind: 'returned', value, ...facts() });
  const failed = (error: unknown): PoolOutcome => ({ ...outcomeOfError(error, link.signal), ...facts() });
  try {
    const value: unknown = code(context as never);
    return isThenable(value) ? settled(value, returned, failed) : returned(value);
  } catch (error) {
    return failed(error);
  }
}

/** As an own property, so that destructuring and spreading the context count as reading it. */
function noteReadingOfSignal(context: OwnContext, link: WorkerLink): void {
  if (link.signalRead === undefined) return;
  let isRead = false;
  Object.defineProperty(context, 'signal', {
    enumerable: true,
    configurable: true,
    get: () => {
      if (!isRead) link.signalRead?.();
      isRead = true;
      return link.signal;
    },
  });
}

async function settled(
  value: PromiseLike<unknown>,
  returned: (value: unknown) => PoolOutcome,
  failed: (error: unknown) => PoolOutcome,
): Promise<PoolOutcome> {
  try {
    return returned(await value);
  } catch (error) {
    return failed(error);
  }
}

function threw(error: unknown): PoolOutcome {
  return { kind: 'threw', error };
}

function hasEntries(dictionary: object): boolean {
  for (const _key in dictionary) return true;
  return false;
}
