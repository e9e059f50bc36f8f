/** Distinguishes tasks that run programs from those that run functions. */
import { definitionOf, type Runnable } from '@pexen/core';

export function isProgram(task: Runnable): boolean {
  return typeof definitionOf(task).body !== 'function';
}
