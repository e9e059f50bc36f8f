/**
 * Assigns uncaught errors to attempts: exceptions thrown out of a timer or a listener, and unhandled
 * rejections. Each attempt runs in an asynchronous context of its own, so an error is assigned to its attempt even when that
 * has ended and another one runs. Knows no transport and no outcome.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import process from 'node:process';
import { encodeThrown, type ThrownWire } from '../error-codec.ts';
import { later } from '../own-globals.ts';

/** An error that surfaced after its body had ended. */
export interface LateError {
  /** Call paths of the tasks that it may come from; mostly one. */
  readonly tasks: readonly string[];
  readonly error: ThrownWire;
}

/** An attempt, as far as it concerns errors. */
export interface Watched {
  readonly path: string;
  /** An exception surfaced while it runs. */
  fail(error: unknown): void;
  /** Is the error only the reason of its own signal? */
  isAbort(error: unknown): boolean;
  /** An error that may belong to it surfaced after it had ended. */
  late(error: LateError): void;
}

/** The owner of code that belongs to no body. */
const ours = Symbol('the worker itself');

type Owner = Watched | typeof ours;

const owners = new AsyncLocalStorage<Owner>();
const withOwner = owners.run.bind(owners) as <T>(owner: Owner, code: () => T) => T;
const currentOwner = owners.getStore.bind(owners) as () => Owner | undefined;
/** A context that bodies cannot change by `enterWith`; older Node versions store that in the resource, so each body has its own. */
const outsideOfBodies = AsyncLocalStorage.snapshot();

/** Attempts that run, and the paths of those that ended last. */
const running = new Set<Watched>();
const ended: Watched[] = [];
const mostEnded = 32;

interface Rejection {
  readonly owner: Owner | undefined;
  readonly reason: unknown;
}

/** Rejections that nothing handles yet. */
const rejections = new Map<unknown, Rejection>();

let isWatching = false;

/**
 * Starts to watch for uncaught errors; call it once, when a worker starts. From then on such an error does not
 * end the process: it fails its attempt, or is reported by `late` of the attempt's link.
 */
export function watchErrors(): void {
  if (isWatching) return;
  isWatching = true;
  process.on('uncaughtException', surfaced);
  process.on('unhandledRejection', rejected);
  process.on('rejectionHandled', handled);
}

/** Runs code of the worker itself: an uncaught error in it ends the worker, as without `watchErrors`. */
export function asWorker<T>(code: () => T): T {
  return withOwner(ours, code);
}

/** Runs code that belongs to no single body, such as loading a module. */
export function outsideBodies<T>(code: () => T): T {
  return outsideOfBodies(code);
}

/** Runs code of the attempt. */
export function within<T>(watched: Watched, code: () => T): T {
  return outsideOfBodies(() => new AsyncResource('PEXEN').runInAsyncScope(() => withOwner(watched, code)));
}

/** The attempt starts. */
export function attemptStarted(watched: Watched): void {
  running.add(watched);
}

/** The attempt is over: errors that surface from now on are late. Returns the reasons of its unhandled rejections. */
export function attemptEnded(watched: Watched): readonly unknown[] {
  running.delete(watched);
  ended.push(watched);
  if (ended.length > mostEnded) ended.shift();
  if (rejections.size === 0) return [];
  const reasons: unknown[] = [];
  for (const [promise, { owner, reason }] of rejections) {
    if (ownerOf(owner) !== watched) continue;
    rejections.delete(promise);
    if (!watched.isAbort(reason)) reasons.push(reason);
  }
  return reasons;
}

function surfaced(error: unknown): void {
  const owner = currentOwner();
  if (owner === ours) endWith(error);
  const watched = ownerOf(owner);
  if (watched === undefined || !running.has(watched)) reportLate(watched, error);
  else if (!watched.isAbort(error)) watched.fail(error);
}

function rejected(reason: unknown, promise: unknown): void {
  const owner = currentOwner();
  if (owner === ours) endWith(reason);
  rejections.set(promise, { owner, reason });
  const watched = ownerOf(owner);
  if (watched !== undefined && running.has(watched)) return;
  // Like the rejection of a running body, it may be handled within a turn.
  later(() => {
    if (rejections.delete(promise)) reportLate(watched, reason);
  });
}

function handled(promise: unknown): void {
  rejections.delete(promise);
}

/** An error without a context belongs to the first attempt as long as there was no other. */
function ownerOf(owner: Owner | undefined): Watched | undefined {
  if (owner !== undefined) return owner === ours ? undefined : owner;
  return ended.length === 0 && running.size === 1 ? [...running][0] : undefined;
}

function reportLate(owner: Watched | undefined, error: unknown): void {
  if (owner?.isAbort(error)) return;
  const candidates = owner === undefined ? [...ended, ...running] : [owner];
  const tasks = [...new Set(candidates.map(({ path }) => path))];
  candidates.at(-1)?.late({ tasks, error: encodeThrown(error) });
  if (candidates.length === 0) endWith(error);
}

/** No body has run yet, or the error is the worker's own: it ends the worker, as it would end any process. */
function endWith(error: unknown): never {
  process.off('uncaughtException', surfaced);
  process.off('unhandledRejection', rejected);
  throw error;
}
