/** The dictionaries that tasks pass on to the tasks that require them. */
import { type Problem, problem } from './errors.ts';

/** A task's private dictionary. It has no prototype; `__proto__`, `constructor` and `prototype` are refused as keys. */
export type SharedState = Record<string, unknown>;

const refusedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** True for keys that could reach a prototype. */
export function isRefusedKey(key: string): boolean {
  return refusedKeys.has(key);
}

/** The problem of a dictionary: the first of its keys that is refused. `of` names where it comes from. */
export function checkShared(dictionary: object, of: string): Problem[] {
  const key = Object.keys(dictionary).find(isRefusedKey);
  if (key === undefined) return [];
  return [
    problem('PEXEN_REFUSED_KEY', `${of} has the key "${key}", which is refused`, 'Give it another name.'),
  ];
}

/** An empty dictionary, or one with the entries of the given ones, later ones winning. The values are not copied. */
export function mergeShared(...dictionaries: readonly SharedState[]): SharedState {
  const merged = Object.create(null) as SharedState;
  for (const dictionary of dictionaries) {
    for (const key of Object.keys(dictionary)) if (!refusedKeys.has(key)) merged[key] = dictionary[key];
  }
  return merged;
}
