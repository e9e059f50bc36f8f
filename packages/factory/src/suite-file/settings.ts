/** Entries at the top of a suite file that its reader hands on. */

import { type NamedEntry, nodeAt, plainValue } from '../yaml/values.ts';
import { locationOf } from '../yaml/yaml-tree.ts';
import type { SuiteSetting } from '../yaml-factory.ts';

export function settingOf({ name, key, value }: NamedEntry): SuiteSetting {
  return {
    name,
    value: value === undefined ? undefined : plainValue(value),
    locate: (path) => locationOf(value === undefined ? key : path.length === 0 ? value : nodeAt(value, path)),
  };
}
