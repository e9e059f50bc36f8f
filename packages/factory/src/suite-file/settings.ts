/** Entries at the top of a suite file that its reader hands on. */

import { dirname } from 'node:path';
import type { readExpression } from '../conditions/expression.ts';
import { metaOf, metaReaders, readEntries } from '../yaml/meta-entries.ts';
import { entriesOf, type NamedEntry, nodeAt, plainValue } from '../yaml/values.ts';
import { locationOf, type YamlNode } from '../yaml/yaml-tree.ts';
import type { SuiteSetting } from '../yaml-factory.ts';

/** The entry as a setting. */
export function settingOf(
  { name, key, value }: NamedEntry,
  expressions?: typeof readExpression,
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
      const context = { task: undefined, directory: dirname(at.file), at, readExpression: expressions };
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
