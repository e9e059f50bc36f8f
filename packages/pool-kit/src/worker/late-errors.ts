/**
 * Finds out which attempt an error belongs to that no promise brings home: one that is thrown out of a timer or a listener, or a
 * rejection that nothing handles. Each attempt runs in an asynchronous context of its own, so an error names its attempt even when that
 * has ended and another one runs. Knows no transport and no outcome.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import process from 'node:process';
import { encodeThrown, type ThrownWire } from '../error-codec.ts';
import { later } from '../own-globals.ts';

/** An error that surfaced after its body had ended. */
export interface LateError {
  /** Call paths of the tasks that it may come from; mostly it is certain. */
  readonly tasks: readonly string[];
  readonly error: ThrownWire;
}

/** An attempt, as far as it concerns errors. */
export interface Watched {
  readonly path: string;
  /** An exception surfaced while it runs. */
  fail(error: unknown): void;
  /** Is that no more than the reason of its own signal? */
  isAbort(error: unknown): boolean;
  /** An error surfaced that may be its own, after it had ended. */
  late(error: LateError): void;
}

/** What is done on behalf of no body. */
const ours = Symbol('the worker itself');

type Owner = Watched | typeof ours;

const owners = new AsyncLocalStorage<Owner>();
const withOwner = owners.run.bind(owners) as <T>(owner: Owner, code: () => T) => T;
const currentOwner = owners.getStore.bind(owners) as () => Owner | undefined;
/** Without what bodies do to asynchronous contexts for good, by `enterWith`; older Nodes keep that in the resource, so each body has one. */
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
 * Begins to watch for errors that surface outside of bodies; to be called once, when a worker starts. From then on such an error does not
 * end the process: it fails the attempt that it belongs to, or comes as `late` of its link.
 */
export function watchErrors(): void {
  if (isWatching) return;
  isWatching = true;
  process.on('uncaughtException', surfaced);
  process.on('unhandledRejection', rejected);
  process.on('rejectionHandled', handled);
}

/** Runs code of the worker itself: an error that surfaces out of it ends the worker, as it would without a watch. */
export function asWorker<T>(code: () => T): T {
  return withOwner(ours, code);
}

/** Runs code that belongs to no body, as a module that is loaded for several. */
export function outsideBodies<T>(code: () => T): T {
  return outsideOfBodies(code);
}

/** Runs code of the attempt. */
export function within<T>(watched: Watched, code: () => T): T {
  return outsideOfBodies(() => new AsyncResource('PEXEN').runInAsyncScope(() => withOwner(watched, code)));
}

/** The attempt begins. */
export function attemptStarted(watched: Watched): void {
  running.add(watched);
}

/** The attempt is over: what surfaces from now on is late. The reason of a rejection of it that nothing handled, in a list. */
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
  // Like that of a body, it may be handled within a turn.
  later(() => {
    if (rejections.delete(promise)) reportLate(watched, reason);
  });
}

function handled(promise: unknown): void {
  rejections.delete(promise);
}

/** Where the context is lost it can only be that of the first attempt, as long as there was no other. */
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

/** Nothing was run yet, or the fault is our own: the worker dies of it, as any process does. */
function endWith(error: unknown): never {
  process.off('uncaughtException', surfaced);
  process.off('unhandledRejection', rejected);
  throw error;
}
