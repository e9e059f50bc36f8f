/** Reads values of YAML nodes. Each problem points at the very node that is wrong. Knows no entry. */
import { didYouMean } from '@pexen/core';
import { durationForms, readDuration } from '@pexen/core/duration';
import type { Kind } from '@pexen/core/options';
import { readSize, sizeForms } from '../conditions/size.ts';
import type { YamlMap, YamlNode, YamlScalar } from './yaml-tree.ts';

/** Reports a problem of a node, or of a character of its text. Returns undefined, which stands for "could not be read". */
export type Complain = (node: YamlNode, message: string, hint?: string, character?: number) => undefined;

/** Returns the value of a node, or undefined where it complained. */
export type Reader<T = unknown> = (node: YamlNode, complain: Complain) => T | undefined;

/** The value of a scalar; undefined for null and for all other nodes. */
function scalarValue(node: YamlNode | undefined): string | number | boolean | undefined {
  return node?.kind === 'scalar' && node.value !== null ? node.value : undefined;
}

/** The text of a scalar as it was written, `1.10` rather than 1.1; undefined for null and for all other nodes. */
export function sourceOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === 'scalar' && node.value !== null ? node.source : undefined;
}

/** An entry of a map: its name, the node of the key, and that of the value unless it is missing or null. */
export interface NamedEntry {
  readonly name: string;
  readonly key: YamlScalar;
  readonly value: YamlNode | undefined;
}

/** The entries of a map. */
export function entriesOf({ entries }: YamlMap): readonly NamedEntry[] {
  return entries.map(({ key, value }) => ({
    name: key.source,
    key,
    value: value.kind === 'scalar' && value.value === null ? undefined : value,
  }));
}

/** Non-empty text. */
export const text: Reader<string> = (node, complain) => {
  const value = scalarValue(node);
  if (typeof value === 'string' && value !== '') return value;
  const source = sourceOf(node);
  const hint = source === undefined || source === '' ? undefined : `Write it in quotes: "${source}".`;
  return complain(node, 'must be text', hint);
};

/** Text in any form: `1.10` stays as it was written. */
export const anyText: Reader<string> = (node, complain) => sourceOf(node) ?? complain(node, 'must be text');

export const flag: Reader<boolean> = (node, complain) => {
  const value = scalarValue(node);
  return typeof value === 'boolean' ? value : complain(node, 'must be true or false');
};

/** One of some words, or true or false where these are among them. */
export function choice<T extends string | boolean>(...words: readonly T[]): Reader<T> {
  const shown = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return (node, complain) => {
    const value = scalarValue(node);
    if (words.includes(value as T)) return value as T;
    const hint = typeof value === 'string' ? didYouMean(value, words.map(String)) : undefined;
    return complain(node, `must be ${shown}`, hint);
  };
}

export const finite: Reader<number> = (node, complain) => {
  const value = scalarValue(node);
  return typeof value === 'number' && Number.isFinite(value) ? value : complain(node, 'must be a number');
};

export const wholeNumber: Reader<number> = (node, complain) => {
  const value = scalarValue(node);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : complain(node, 'must be a whole number, 0 or more');
};

/** Milliseconds. */
export const duration: Reader<number> = (node, complain) =>
  readDuration(scalarValue(node)) ?? complain(node, `must be ${durationForms}`);

/** A limit in milliseconds; `off` removes the one in the configuration. */
export const limit: Reader<number> = (node, complain) => {
  if (scalarValue(node) === 'off') return Number.POSITIVE_INFINITY;
  const read = duration(node, complain);
  return read === 0 ? complain(node, 'must be above 0', 'For none, write off.') : read;
};

/** A size as it is written: `2G`. */
export const size: Reader<string> = (node, complain) => {
  const value = scalarValue(node);
  return readSize(value) !== undefined ? (value as string) : complain(node, `must be ${sizeForms}`);
};

export function listOf<T>(item: Reader<T>): Reader<readonly T[]> {
  return (node, complain) => {
    if (node.kind !== 'list') return complain(node, 'must be a list', listHint(node));
    const items = node.items.map((each) =>
      each.kind === 'scalar' && each.value === null
        ? complain(node, 'has an empty place')
        : item(each, complain),
    );
    return items.every((each) => each !== undefined) ? (items as T[]) : undefined;
  };
}

function listHint(node: YamlNode): string {
  const source = sourceOf(node);
  return source === undefined ? 'Write [first, second].' : `Write [${source}].`;
}

export const texts = listOf(text);

/** One name, or several. */
export const someTexts: Reader<readonly string[]> = (node, complain) => {
  if (node.kind === 'list') return texts(node, complain);
  const one = text(node, complain);
  return one === undefined ? undefined : [one];
};

/** A map whose entries have these names and kinds. */
export function recordOf(
  readers: Readonly<Record<string, Reader>>,
): Reader<Readonly<Record<string, unknown>>> {
  const known = Object.keys(readers);
  return (node, complain) => {
    if (node.kind !== 'map') return complain(node, 'must be a map', `The entries are: ${known.join(', ')}.`);
    const pairs = entriesOf(node).map(({ name, key, value }) => {
      const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
      const hint = didYouMean(name, known) ?? `There are: ${known.join(', ')}.`;
      if (reader === undefined) return [name, complain(key, `has an unknown entry "${name}"`, hint)] as const;
      if (value === undefined) return [name, complain(key, `has no value for "${name}"`)] as const;
      const inside: Complain = (place, message, ...rest) =>
        complain(place, `has "${name}", which ${message}`, ...rest);
      return [name, reader(value, inside)] as const;
    });
    return pairs.every(([, value]) => value !== undefined) ? Object.fromEntries(pairs) : undefined;
  };
}

/** A map with any names whose values are all of one kind. */
export function mapOf<T>(
  item: Reader<T>,
  checkName: Reader<string> = (key) => (key as YamlScalar).source,
): Reader<Readonly<Record<string, T>>> {
  return (node, complain) => {
    if (node.kind !== 'map') return complain(node, 'must be a map', 'Write { name: value }.');
    const pairs = entriesOf(node).map(({ key, value }) => {
      const name = checkName(key, complain);
      return [name, value === undefined ? complain(key, 'has no value') : item(value, complain)] as const;
    });
    return pairs.every(([name, value]) => name !== undefined && value !== undefined)
      ? recordOfPairs(pairs as readonly (readonly [string, T])[])
      : undefined;
  };
}

function recordOfPairs<T>(pairs: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries(pairs);
}

/** The node as a value of JavaScript. With `text`, numbers, true and false are text as they were written. */
export function plainValue(node: YamlNode, as: 'value' | 'text' = 'value'): unknown {
  if (node.kind === 'scalar') return as === 'text' && node.value !== null ? node.source : node.value;
  if (node.kind === 'list') return node.items.map((item) => plainValue(item, as));
  return recordOfPairs(node.entries.map(({ key, value }) => [key.source, plainValue(value, as)] as const));
}

/** A value that options of that kind have in code as well: its flaws are reported at their places. */
export function ofKind(kind: Kind): Reader {
  return (node, complain) => {
    const value = plainValue(node);
    const flaws = kind(value, []);
    for (const { path, complaint, hint } of flaws) complain(nodeAt(node, path), complaint, hint);
    return flaws.length === 0 ? value : undefined;
  };
}

/** The node at a path from another one, as far as it is there. */
export function nodeAt(node: YamlNode, path: readonly string[]): YamlNode {
  const [name, ...rest] = path;
  if (name === undefined || node.kind === 'scalar') return node;
  if (node.kind === 'list') {
    const item = node.items[Number(name)];
    return item === undefined ? node : nodeAt(item, rest);
  }
  const entry = node.entries.find(({ key }) => key.source === name);
  if (entry === undefined) return node;
  return rest.length === 0 && entry.value.kind === 'scalar' && entry.value.value === null
    ? entry.key
    : nodeAt(entry.value, rest);
}
