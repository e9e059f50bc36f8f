/** Entries of tasks before they are read: how those of defaults, templates and tasks come together, and how values are put into them. */

import { didYouMean } from '@pexen/core';
import { type Complain, entriesOf, type NamedEntry, sourceOf } from '../yaml/values.ts';
import type { YamlEntry, YamlNode, YamlScalar, YamlText } from '../yaml/yaml-tree.ts';

/** Name → entry. */
export type Entries = ReadonlyMap<string, NamedEntry>;

/** Name → value, for `${{ name }}`. */
export type Values = ReadonlyMap<string, YamlNode>;

export const noEntries: Entries = new Map();
export const noValues: Values = new Map();

/** Maps that several sources add to; of other entries the last one counts. */
const additive: ReadonlySet<string> = new Set(['env', 'with']);

/** The entries of both; `over` takes precedence. */
export function merged(below: Entries, over: Iterable<NamedEntry>): Entries {
  const all = new Map(below);
  for (const entry of over) {
    const before = additive.has(entry.name) ? all.get(entry.name) : undefined;
    all.set(
      entry.name,
      before === undefined ? entry : { ...entry, value: together(before.value, entry.value) },
    );
  }
  return all;
}

function together(below: YamlNode | undefined, over: YamlNode | undefined): YamlNode | undefined {
  if (below?.kind !== 'map' || over?.kind !== 'map') return over;
  const entries = new Map<string, YamlEntry>();
  for (const entry of [...below.entries, ...over.entries]) entries.set(entry.key.source, entry);
  return { ...over, entries: [...entries.values()], size: below.size + over.size };
}

/** The values in a map. */
export function valuesIn(node: YamlNode | undefined): Values {
  if (node?.kind !== 'map') return noValues;
  return new Map(
    entriesOf(node).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])),
  );
}

/** `${{ name }}`; with a further `$` before it, it stays as text. */
const placeholder = /\$?\$\{\{\s*([^{}]*?)\s*\}\}/g;

const opening = '${{';

export function hasPlaceholder(text: string): boolean {
  return text.includes(opening);
}

/** The node with values in the place of placeholders. A text that is nothing but a placeholder becomes the value itself; undefined where it complained. */
export function substituted(node: YamlNode, values: Values, complain: Complain): YamlNode | undefined {
  if (!mayHavePlaceholders(node.within)) return node;
  if (node.kind === 'scalar') return inScalar(node, values, complain);
  if (node.kind === 'list') {
    const items = node.items.map((item) => substituted(item, values, complain));
    if (items.every((item, at) => item === node.items[at])) return node;
    return items.every((item) => item !== undefined) ? { ...node, items } : undefined;
  }
  const entries = node.entries.map((entry) => inEntry(entry, values, complain));
  if (entries.every((entry, at) => entry === node.entries[at])) return node;
  const names = new Set<string>();
  for (const entry of entries) {
    if (entry !== undefined && names.has(entry.key.source))
      return complain(entry.key, `is there twice with its value: "${entry.key.source}"`);
    if (entry !== undefined) names.add(entry.key.source);
  }
  return entries.every((entry) => entry !== undefined) ? { ...node, entries } : undefined;
}

const texts = new WeakMap<YamlText, boolean>();

/** Most files have none, so that their nodes need not be looked at. */
function mayHavePlaceholders(within: YamlText): boolean {
  const known = texts.get(within);
  if (known !== undefined) return known;
  const found = hasPlaceholder(within.text);
  texts.set(within, found);
  return found;
}

function inEntry(entry: YamlEntry, values: Values, complain: Complain): YamlEntry | undefined {
  const key = hasPlaceholder(entry.key.source) ? inText(entry.key, values, complain) : entry.key;
  const value = substituted(entry.value, values, complain);
  if (key === entry.key && value === entry.value) return entry;
  return key === undefined || value === undefined ? undefined : { key, value };
}

function inScalar(node: YamlScalar, values: Values, complain: Complain): YamlNode | undefined {
  if (!hasPlaceholder(node.source)) return node;
  const [only] = node.source.matchAll(placeholder);
  if (only === undefined || only[0] !== node.source || only[0].startsWith('$$'))
    return inText(node, values, complain);
  return namedValue(only[1] ?? '', node, values, complain);
}

/** The text with the texts of values in it. Also for names. */
export function inText(node: YamlScalar, values: Values, complain: Complain): YamlScalar | undefined {
  let isWhole = true;
  const text = node.source.replaceAll(placeholder, (found, name: string) => {
    if (found.startsWith('$$')) return found.slice(1);
    const value = namedValue(name, node, values, complain);
    const source = sourceOf(value);
    if (value !== undefined && source === undefined)
      complain(
        node,
        `has the value "${name}" within a text, which is ${value.kind === 'map' ? 'a map' : 'not a text'}`,
      );
    isWhole &&= source !== undefined;
    return source ?? '';
  });
  return isWhole ? { ...node, value: text, source: text, firstCharacter: undefined } : undefined;
}

function namedValue(
  name: string,
  node: YamlScalar,
  values: Values,
  complain: Complain,
): YamlNode | undefined {
  const value = values.get(name);
  if (value !== undefined) return value;
  const hint =
    values.size === 0
      ? `It has no values: give it some with "with" or "matrix", or write $${opening} for the text itself.`
      : (didYouMean(name, values.keys()) ?? `There are: ${[...values.keys()].join(', ')}.`);
  return complain(node, `has the unknown value "${name}"`, hint);
}
