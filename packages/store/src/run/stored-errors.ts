/** Errors that are recalled from a journal: they read like those that were recorded. */
import { type ErrorInfo, TaskFailError } from '@pexen/core';

/** What a failure said about its dependents and its resources; absent for other errors. */
export type FailFacts = Pick<TaskFailError, 'depsOk' | 'locksOk'>;

/** An error whose `errorInfo` is the given one. With `failed` it is a `TaskFailError`, as long as that does not change what it says. */
export function errorOf(info: ErrorInfo, failed?: FailFacts): Error {
  const { name, message, stack, cause, errors, expected, actual, properties = {} } = info;
  const isControlled = failed !== undefined && !('data' in properties);
  const error = isControlled ? new TaskFailError(message, failed) : new Error(message);
  hide(error, 'name', name);
  hide(error, 'stack', stack);
  if (cause !== undefined) hide(error, 'cause', errorOf(cause));
  if (errors !== undefined)
    hide(
      error,
      'errors',
      errors.map((each) => errorOf(each)),
    );
  if (isControlled) Reflect.deleteProperty(error, 'data');
  Object.assign(error, expected === undefined ? {} : { expected, actual }, properties);
  return error;
}

/** Such properties do not show up when the error is inspected. */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false });
}
