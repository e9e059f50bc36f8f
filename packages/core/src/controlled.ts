/** Turns whatever a body throws into controlled failures; the metadata of the body does not change. */
import { wrappedKey } from './address.ts';
import { type CallSite, captureCallSite, locationOf } from './call-site.ts';
import { definitionOf, hasMeta, isTask, metaOf, rewrapped, withMeta } from './define-task.ts';
import { kindOf } from './entry-check.ts';
import { misuse, refuse } from './errors.ts';
import {
  isSkipSignal,
  isTaskFailError,
  isThenable,
  messageOf,
  TaskFailError,
  type TaskFailOptions,
} from './failure.ts';
import { callable, flag, type KindsOf, optionProblems } from './options.ts';
import type { Body, Task, UnboundTask } from './task.ts';

/** How `controlled` turns what a body throws into a TaskFailError. */
export interface ControlledOptions {
  /** May the tasks that require what this one provides go on? Default true. */
  readonly depsOk?: boolean | undefined;
  /** Are the resources it held in order? Default true. */
  readonly locksOk?: boolean | undefined;
  /** The class to throw, called as `new as(message, { cause, depsOk, locksOk })`. */
  readonly as?: (new (message: string, options: TaskFailOptions) => TaskFailError) | undefined;
}

const optionKinds: KindsOf<ControlledOptions> = { depsOk: flag, locksOk: flag, as: callable() };

/**
 * Wraps a body so that whatever it throws becomes a TaskFailError (or `as`) with the original error as its `cause`. A
 * TaskFailError and a skip pass unchanged. The wrapped body returns what the original returns.
 *
 * Metadata is kept: a function with metadata becomes another function with it, and a task becomes another task, which also
 * provides the identity of the original.
 *
 * @example const safe = controlled(task({ claims: ['db'] }, migrate), { depsOk: false });
 * @throws PexenError PEXEN_NOT_A_TASK where the argument is not a body; PEXEN_NOT_CALLABLE for a program; PEXEN_BAD_OPTION.
 */
export function controlled<T extends Task | UnboundTask<never>>(task: T, options?: ControlledOptions): T;
export function controlled<Context, Value>(
  body: (context: Context) => Value,
  options?: ControlledOptions,
): (context: Context) => Value;
export function controlled(body: Task | Body, options: ControlledOptions = {}): Task | Body {
  const site = captureCallSite(controlled);
  check(body, options, site);
  if (!isTask(body)) return wrap(body, options);
  const definition = definitionOf(body);
  if (typeof definition.body === 'function') return rewrapped(body, wrap(definition.body, options), site);
  throw misuse(
    'PEXEN_NOT_CALLABLE',
    `"${body.name || definition.body.file}" is a program, whose exit code says how it failed`,
    'Run it as it is.',
    undefined,
    locationOf(site),
  );
}

function check(body: unknown, options: object, site: CallSite): void {
  if (typeof body !== 'function') {
    const message = `controlled() was given ${kindOf(body)} for its body`;
    throw misuse('PEXEN_NOT_A_TASK', message, 'Write controlled(() => …).', undefined, locationOf(site));
  }
  refuse(optionProblems('controlled', options, optionKinds));
}

function wrap(body: Body, { depsOk = true, locksOk = true, as = TaskFailError }: ControlledOptions): Body {
  const rethrow = (error: unknown): never => {
    if (isTaskFailError(error) || isSkipSignal(error)) throw error;
    throw new as(messageOf(error), { cause: error, depsOk, locksOk });
  };
  const wrapped: Body = (context) => {
    try {
      const value = body(context);
      return isThenable(value) ? Promise.resolve(value).then(undefined, rethrow) : value;
    } catch (error) {
      return rethrow(error);
    }
  };
  Object.defineProperty(wrapped, 'name', { value: body.name, configurable: true });
  Object.defineProperty(wrapped, wrappedKey, { value: body });
  if (hasMeta(body)) withMeta(wrapped as never, metaOf(body));
  return wrapped;
}
