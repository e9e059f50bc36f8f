/** The dictionaries that tasks hand on to those who require them. */

/** A task's private dictionary. It has no prototype; `__proto__`, `constructor` and `prototype` are refused as keys. */
export type SharedState = Record<string, unknown>;

const refusedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** True for keys that could reach a prototype. */
export function isRefusedKey(key: string): boolean {
  return refusedKeys.has(key);
}

/** An empty dictionary, or one with the entries of the given ones, later ones winning. The values are not copied. */
export function mergeShared(...dictionaries: readonly SharedState[]): SharedState {
  const merged = Object.create(null) as SharedState;
  for (const dictionary of dictionaries) {
    for (const key of Object.keys(dictionary)) if (!refusedKeys.has(key)) merged[key] = dictionary[key];
  }
  return merged;
}
