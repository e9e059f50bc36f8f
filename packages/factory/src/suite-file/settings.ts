/** Entries at the top of a suite file that its reader hands on. */

import { dirname } from 'node:path';
import type { Problem, SourceLocation, TaskMeta } from '@pexen/core';
import { type MetaContext, metaOf, metaReaders, readEntries } from '../yaml/meta-entries.ts';
import { entriesOf, type NamedEntry, nodeAt, plainValue } from '../yaml/values.ts';
import { locationOf, type YamlNode } from '../yaml/yaml-tree.ts';

/** An entry at the top of a suite file that factories do not know: its value, and the places of its parts. */
export interface SuiteSetting {
  readonly name: string;
  /** As JSON would have it. */
  readonly value: unknown;
  /** The location of a part of the value, `['count']` of `retries`, or of its name. Where it does not exist, of the part that should have it. */
  locate(path: readonly string[], of?: 'value' | 'key'): SourceLocation;
  /** The metadata at that path, as far as it could be read, with the entries of these names. */
  readMeta(path: readonly string[], names: readonly string[]): SettingMeta;
}

/** Metadata in a setting. */
interface SettingMeta {
  readonly meta: TaskMeta;
  readonly problems: readonly Problem[];
}

/** The entry as a setting. */
export function settingOf(
  { name, key, value }: NamedEntry,
  language?: MetaContext['language'],
): SuiteSetting {
  const nodeOf = (path: readonly string[]): YamlNode => (value === undefined ? key : nodeAt(value, path));
  return {
    name,
    value: value === undefined ? undefined : plainValue(value),
    locate: (path, of = 'value') =>
      locationOf(of === 'key' && value !== undefined ? keyAt(value, path, key) : nodeOf(path)),
    readMeta(path, names) {
      const node = nodeOf(path);
      const readers = Object.fromEntries(
        Object.entries(metaReaders).filter(([each]) => each === 'needs' || names.includes(each)),
      );
      const at = locationOf(node);
      const context = { task: undefined, directory: dirname(at.file), at, language };
      const { values, problems } = readEntries(node.kind === 'map' ? entriesOf(node) : [], readers, context);
      return { meta: metaOf(values), problems };
    },
  };
}

/** The node of the last name of the path, as far as it is there. */
function keyAt(value: YamlNode, path: readonly string[], key: YamlNode): YamlNode {
  const name = path.at(-1);
  if (name === undefined) return key;
  const above = nodeAt(value, path.slice(0, -1));
  const entry = above.kind === 'map' ? above.entries.find((each) => each.key.source === name) : undefined;
  return entry?.key ?? above;
}
