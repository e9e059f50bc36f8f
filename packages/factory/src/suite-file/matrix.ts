/** The combinations of values for which a task is made. */
import { didYouMean } from '@pexen/core';
import { type Complain, entriesOf, type NamedEntry, sourceOf } from '../yaml/values.ts';
import type { YamlMap, YamlNode } from '../yaml/yaml-tree.ts';
import type { Entries, Values } from './entries.ts';
import { valuesIn } from './entries.ts';

/** One combination. */
export interface Cell {
  /** The names of its values, or its own name. */
  readonly names: readonly string[];
  readonly values: Values;
}

/** The most combinations of one task. */
const mostCells = 10_000;

interface Choice {
  readonly name: string;
  readonly value: YamlNode;
}

interface Axis {
  readonly name: string;
  readonly choices: readonly Choice[];
}

/** The entries of a task that say which combinations there are. */
export const matrixNames = ['matrix', 'exclude', 'cells'] as const;

/** The combinations of a task; undefined where it has no matrix, and where it complained. */
export function cellsOf(
  entries: Entries,
  complainOf: (name: string) => Complain,
): readonly Cell[] | undefined {
  const [matrix, exclude, cells] = matrixNames.map((name) => entries.get(name));
  if (matrix === undefined && cells === undefined) {
    if (exclude !== undefined)
      complainOf('exclude')(exclude.key, 'has no meaning without a matrix', 'Remove it, or add a matrix.');
    return undefined;
  }
  const axes = matrix === undefined ? [] : axesOf(matrix, complainOf('matrix'));
  const named = cells === undefined ? [] : namedCells(cells, complainOf('cells'));
  if (axes === undefined || named === undefined) return undefined;
  const count = axes.length === 0 ? 0 : axes.reduce((product, { choices }) => product * choices.length, 1);
  if (count > mostCells)
    return complainOf('matrix')(
      (matrix as NamedEntry).key,
      `has ${count} combinations, and at most ${mostCells} are possible`,
    );
  const left = exclude === undefined ? () => false : excludedBy(exclude, axes, complainOf('exclude'));
  const all = [
    ...(axes.length === 0
      ? []
      : product(axes)
          .filter((choices) => !left(choices))
          .map(cellOf(axes))),
    ...named,
  ];
  if (all.length > 0) return all;
  const { key } = (matrix ?? cells) as NamedEntry;
  return complainOf(matrix === undefined ? 'cells' : 'matrix')(key, 'has no combination of values');
}

function axesOf({ key, value }: NamedEntry, complain: Complain): Axis[] | undefined {
  if (value?.kind !== 'map')
    return complain(value ?? key, 'must be a map', 'Write { host: [a, b], size: [1, 2] }.');
  const axes = entriesOf(value).map((entry) => axisOf(entry, complain));
  return axes.every((axis) => axis !== undefined) ? axes : undefined;
}

function axisOf({ name, key, value }: NamedEntry, complain: Complain): Axis | undefined {
  const complainInside: Complain = (node, message, ...rest) =>
    complain(node, `has "${name}", which ${message}`, ...rest);
  if (!/^[\w-]+$/.test(name))
    return complain(key, `has the name "${name}", which has other characters than letters, digits, _ and -`);
  const choices =
    value === undefined ? complain(key, `has no values for "${name}"`) : choicesOf(value, complainInside);
  return choices === undefined ? undefined : { name, choices };
}

function choicesOf(node: YamlNode, complain: Complain): Choice[] | undefined {
  if (node.kind === 'map') return node.entries.map(({ key, value }) => ({ name: key.source, value }));
  if (node.kind !== 'list')
    return complain(node, 'must be a list of values, or names and values', 'Write [a, b].');
  const choices = node.items.map((value): Choice | undefined => {
    const name = sourceOf(value);
    if (name !== undefined && name !== '') return { name, value };
    return complain(value, 'has a value without a name', 'Write { name: value } instead of the list.');
  });
  if (!choices.every((choice) => choice !== undefined)) return undefined;
  const names = new Set<string>();
  const twice = choices.find(({ name }) => names.size === names.add(name).size);
  return twice === undefined ? choices : complain(twice.value, `has the value "${twice.name}" twice`);
}

function product(axes: readonly Axis[]): readonly (readonly Choice[])[] {
  return axes.reduce<readonly (readonly Choice[])[]>(
    (combinations, { choices }) =>
      combinations.flatMap((before) => choices.map((choice) => [...before, choice])),
    [[]],
  );
}

function cellOf(axes: readonly Axis[]): (choices: readonly Choice[]) => Cell {
  return (choices) => ({
    names: choices.map(({ name }) => name),
    values: new Map(choices.map(({ value }, at) => [(axes[at] as Axis).name, value])),
  });
}

/** Is a combination left out? Each entry of `exclude` has to match one, so that a typo is noticed. */
function excludedBy(
  { key, value }: NamedEntry,
  axes: readonly Axis[],
  complain: Complain,
): (choices: readonly Choice[]) => boolean {
  if (value?.kind !== 'list') {
    complain(value ?? key, 'must be a list of maps', 'Write [{ host: a, size: 2 }].');
    return () => false;
  }
  const patterns = value.items
    .map((item) => patternOf(item, axes, complain))
    .filter((each) => each !== undefined);
  return (choices) =>
    patterns.some((pattern) => pattern.every((name, at) => name === undefined || choices[at]?.name === name));
}

/** For each axis the name of the value that is left out, or undefined for all. */
function patternOf(
  node: YamlNode,
  axes: readonly Axis[],
  complain: Complain,
): (string | undefined)[] | undefined {
  if (node.kind !== 'map' || node.entries.length === 0)
    return complain(node, 'must be a list of maps', 'Write [{ host: a, size: 2 }].');
  const found = node.entries.map(({ key, value }) => {
    const axis = axes.find(({ name }) => name === key.source);
    if (axis === undefined)
      return complain(key, `has the unknown name "${key.source}"`, among(key.source, axes));
    const source = sourceOf(value);
    if (source !== undefined && axis.choices.some(({ name }) => name === source))
      return [axis, source] as const;
    return complain(
      value,
      `has the unknown value "${source ?? ''}" of "${axis.name}"`,
      among(source ?? '', axis.choices),
    );
  });
  if (!found.every((each) => each !== undefined)) return undefined;
  const names = new Map<Axis, string>(found);
  return axes.map((axis) => names.get(axis));
}

function among(name: string, known: readonly { readonly name: string }[]): string {
  const names = known.map((each) => each.name);
  return didYouMean(name, names) ?? `There are: ${names.slice(0, 20).join(', ')}.`;
}

function namedCells({ key, value }: NamedEntry, complain: Complain): Cell[] | undefined {
  if (value?.kind !== 'map')
    return complain(value ?? key, 'must be a map', 'Write { small: { host: a, size: 1 } }.');
  const cells = (value satisfies YamlMap).entries.map((entry): Cell | undefined => {
    if (entry.value.kind === 'map') return { names: [entry.key.source], values: valuesIn(entry.value) };
    return complain(entry.key, `has "${entry.key.source}", which must be a map`, 'Write { name: value }.');
  });
  return cells.every((cell) => cell !== undefined) ? cells : undefined;
}
