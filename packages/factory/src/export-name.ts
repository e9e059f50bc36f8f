/**
 * Names for tasks that have none of their own: where others require the task itself, that is how it is told. Functions get the
 * name of their variable in the same way.
 */
import type { Runnable } from '@pexen/core';

/** Those whose name is ours. */
const named = new WeakSet<Runnable>();

/** Gives a runnable without a name that of its export. */
export function nameAfterExport(runnable: Runnable, name: string): void {
  if (runnable.name === '' && Reflect.defineProperty(runnable, 'name', { value: name })) named.add(runnable);
}

/** Has it no name but that of its export? A factory can be used again. */
export function isNameless(runnable: Runnable): boolean {
  return runnable.name === '' || named.has(runnable);
}
