/** The worker's side of one attempt: find the body, run it, and make an outcome of whatever happens. Knows no transport. */
import {
  isThenable,
  mergeShared,
  type News,
  OwnContext,
  outcomeOfError,
  type PoolOutcome,
  type PoolOutcomeFacts,
  type TaskDefinition,
} from '@pexen/core';
import type { Border } from '../crossing.ts';
import { type AssignmentEnvelope, encodeOutcome, type OutcomeEnvelope } from '../envelope.ts';
import { decodeThrown } from '../error-codec.ts';
import { findBody } from './find-body.ts';

/** What a transport gives to the attempt that runs. */
export interface WorkerLink {
  /**
   * Aborted, with an Error as its reason, when the host asks the attempt to stop. May be a getter that makes it on first use:
   * it is read only when the body asks for it, and when the body has thrown.
   */
  readonly signal: AbortSignal;
  /** The attempt begins: to be told to the host before anything else, since deadlines count from here. Called exactly once. */
  started(): void;
  /** News of the body, until the outcome. */
  tell(news: News): void;
  /** What may cross beside plain data. */
  readonly border?: Border;
}

/**
 * Runs one attempt and gives its outcome, ready to be sent. Never throws and never rejects; answers at once where neither the
 * loading nor the body took a promise. What the body prints is the transport's business.
 *
 * @example
 * socket.on('message', async ({ id, envelope }) => {
 *   const controller = new AbortController();
 *   aborts.set(id, controller);
 *   const outcome = await runAssignment(envelope, {
 *     signal: controller.signal,
 *     started: () => socket.send({ id, started: true }),
 *     tell: (news) => socket.send({ id, news }),
 *   });
 *   socket.send({ id, outcome });
 * });
 */
export function runAssignment(
  envelope: AssignmentEnvelope,
  link: WorkerLink,
): OutcomeEnvelope | Promise<OutcomeEnvelope> {
  link.started();
  const beganAtMs = performance.now();
  let definition: TaskDefinition | undefined;
  const finish = (outcome: PoolOutcome): OutcomeEnvelope => {
    const ranMs = Math.round((performance.now() - beganAtMs) * 1000) / 1000;
    return encodeOutcome({ ...outcome, ranMs }, envelope.path, link.border, definition?.meta);
  };
  const run = (found: TaskDefinition): PoolOutcome | Promise<PoolOutcome> => {
    definition = found;
    return runBody(found, envelope, link);
  };
  try {
    const outcome = attempt(envelope, run);
    return isThenable(outcome) ? outcome.then(finish, (error) => finish(threw(error))) : finish(outcome);
  } catch (error) {
    return finish(threw(error));
  }
}

function attempt(
  { refusal, address }: AssignmentEnvelope,
  run: (found: TaskDefinition) => PoolOutcome | Promise<PoolOutcome>,
): PoolOutcome | Promise<PoolOutcome> {
  if (refusal !== undefined) return threw(decodeThrown(refusal, ''));
  if (address === undefined) return threw(new TypeError('an envelope without an address'));
  const definition = findBody(address);
  return isThenable(definition) ? definition.then(run) : run(definition);
}

type Input = Omit<AssignmentEnvelope, 'address' | 'refusal'>;

function runBody(
  { meta, body }: TaskDefinition,
  { part, args = {}, shared = {}, received = [], attempt, path }: Input,
  link: WorkerLink,
): PoolOutcome | Promise<PoolOutcome> {
  const code = part === 'cleanup' ? meta.cleanup : body;
  if (typeof code !== 'function')
    return threw(new TypeError(`the task has no ${part ?? 'body'} that a worker could call`));
  const own = mergeShared(shared);
  const context = new OwnContext(meta, { args, shared: own, received, attempt, path, ticket: link });
  const facts = (): PoolOutcomeFacts => ({
    ...(hasEntries(own) || hasEntries(shared) ? { shared: own } : {}),
    ...(context.provided.length > 0 && { provided: context.provided }),
  });
  const returned = (value: unknown): PoolOutcome => ({ kind: 'returned', value, ...facts() });
  const failed = (error: unknown): PoolOutcome => ({ ...outcomeOfError(error, link.signal), ...facts() });
  try {
    const value: unknown = code(context as never);
    return isThenable(value) ? Promise.resolve(value).then(returned, failed) : returned(value);
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
