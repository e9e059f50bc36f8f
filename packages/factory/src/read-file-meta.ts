/**
 * Reads the metadata of a file, from its header or side file: YAML in, metadata and problems out. Each problem points at the very node that is
 * wrong. Loaded on demand, since it brings a YAML parser along.
 */
import { basename } from 'node:path';
import {
  type Amount,
  amount,
  anyOf,
  atLeast,
  checkMeta,
  every,
  isRefusedKey,
  nearest,
  type Problem,
  type Requirement,
  type SourceLocation,
  type TaskMeta,
} from '@pexen/core';
import { isMap, isNode, isScalar, isSeq, type Node } from 'yaml';
import { durationForms, readDuration } from './duration.ts';
import { type FileMeta, noFileMeta, type ProgramEntries } from './file-meta.ts';
import { readYaml, sourceOf } from './yaml-text.ts';

const programNames: ReadonlySet<string> = new Set([
  'argv',
  'env',
  'cwd',
  'tap',
] satisfies (keyof ProgramEntries)[]);

/**
 * Reads the metadata in `text`, whose lines and columns are the same as in `file`.
 * `at` is the location of problems without a better one.
 */
export function readFileMeta(text: string, file: string, at: SourceLocation = { file }): FileMeta {
  const { root, problems, locate } = readYaml(text, file, 'PEXEN_BAD_HEADER');
  if (problems.length > 0) return { ...noFileMeta, problems };
  if (root === undefined) return noFileMeta;
  if (!isMap(root)) return { ...noFileMeta, problems: [notAMap(locate(root))] };
  return readEntries(root, basename(file), locate, at);
}

function readEntries(
  root: Node,
  task: string,
  locate: (node: Node) => SourceLocation,
  at: SourceLocation,
): FileMeta {
  const problems: Problem[] = [];
  const places = new Map<string, SourceLocation>();
  const read: [name: string, value: unknown][] = [];
  for (const { name, key, value } of entriesOf(root)) {
    const report = (code: Problem['code'], node: Node, message: string, hint?: string): undefined => {
      problems.push({ code, task, location: locate(node), message, ...(hint !== undefined && { hint }) });
    };
    places.set(name, locate(key));
    if (!isEntryName(name)) report('PEXEN_UNKNOWN_META', key, `unknown metadata "${name}"`, hintFor(name));
    else if (value === undefined) report('PEXEN_BAD_META', key, `${name} has no value`);
    else
      read.push([
        name,
        entryReaders[name](value, (node, message, hint) =>
          report('PEXEN_BAD_META', node, `${name} ${message}`, hint),
        ),
      ]);
  }
  const known = read.filter(([, value]) => value !== undefined);
  const meta = Object.fromEntries(known.filter(([name]) => !programNames.has(name))) as TaskMeta;
  const program = Object.fromEntries(known.filter(([name]) => programNames.has(name))) as ProgramEntries;
  return { meta, program, problems: [...problems, ...checkTogether(meta, task, places, at)] };
}

/** Checks the entries together, for problems such as a resource both used and claimed. */
function checkTogether(
  meta: TaskMeta,
  task: string,
  places: ReadonlyMap<string, SourceLocation>,
  at: SourceLocation,
): Problem[] {
  const blamed = { PEXEN_USED_AND_CLAIMED: 'claims', PEXEN_GROUP_AND_POOL: 'pool' } as Readonly<
    Record<string, string>
  >;
  return checkMeta(meta, task).map((problem) => {
    const name = blamed[problem.code] ?? problem.message.split(' ', 1)[0] ?? '';
    return { ...problem, location: places.get(name) ?? at };
  });
}

function isEntryName(name: string): name is EntryName {
  return Object.hasOwn(entryReaders, name);
}

function hintFor(name: string): string {
  if (name === 'args') return 'Write argv for the arguments of a program.';
  if ((entriesOfCode as readonly string[]).includes(name)) return 'Only tasks in modules can have it.';
  const names = Object.keys(entryReaders);
  const near = nearest(name, names);
  return near === undefined ? `The entries are: ${names.join(', ')}.` : `Did you mean "${near}"?`;
}

function notAMap(location: SourceLocation): Problem {
  return {
    code: 'PEXEN_BAD_HEADER',
    location,
    message: 'the metadata is not a map',
    hint: 'Write { claims: [/proc/sys/net], timeout: 20s }.',
  };
}

/** Metadata that only tasks in modules can have. */
export const entriesOfCode = ['args', 'cleanup'] as const;

/** The entries that the metadata of a file may have. */
export type EntryName = Exclude<keyof TaskMeta, (typeof entriesOfCode)[number]> | keyof ProgramEntries;

/** Reports a problem of a node. Returns undefined, which stands for "could not be read". */
type Complain = (node: Node, message: string, hint?: string) => undefined;

type Reader<T = unknown> = (node: Node, complain: Complain) => T | undefined;

const text: Reader<string> = (node, complain) => {
  if (isScalar(node) && typeof node.value === 'string' && node.value !== '') return node.value;
  const source = sourceOf(node);
  const hint = source === undefined || source === '' ? undefined : `Write it in quotes: "${source}".`;
  return complain(node, 'must be text', hint);
};

const flag: Reader<boolean> = (node, complain) =>
  isScalar(node) && typeof node.value === 'boolean' ? node.value : complain(node, 'must be true or false');

const dialect: Reader<boolean | 'perl'> = (node, complain) => {
  const value = isScalar(node) ? node.value : undefined;
  return typeof value === 'boolean' || value === 'perl'
    ? value
    : complain(node, 'must be true, false or perl');
};

const finite: Reader<number> = (node, complain) =>
  isScalar(node) && Number.isFinite(node.value) ? (node.value as number) : complain(node, 'must be a number');

const wholeNumber: Reader<number> = (node, complain) =>
  isScalar(node) && Number.isSafeInteger(node.value) && (node.value as number) >= 0
    ? (node.value as number)
    : complain(node, 'must be a whole number, 0 or more');

const duration: Reader<number> = (node, complain) =>
  readDuration(isScalar(node) ? node.value : undefined) ?? complain(node, `must be ${durationForms}`);

/** A limit; `off` removes the one in the configuration. */
const limit: Reader<number> = (node, complain) => {
  if (isScalar(node) && node.value === 'off') return Number.POSITIVE_INFINITY;
  const read = duration(node, complain);
  return read === 0 ? complain(node, 'must be above 0', 'For none, write off.') : read;
};

const truth: Reader<boolean | string> = (node, complain) =>
  isScalar(node) && typeof node.value === 'boolean' ? node.value : text(node, complain);

/** Arguments and variables are always text: `1.10` stays as it was written. */
const anyText: Reader<string> = (node, complain) => sourceOf(node) ?? complain(node, 'must be text');

const texts = listOf(text);

const requirement: Reader<Requirement> = (node, complain) => {
  if (!isMap(node)) return text(node, complain);
  const only = onlyEntryOf(node);
  if (only?.name === 'anyOf') return compound(texts(only.value, complain), anyOf);
  if (only?.name === 'every') return compound(texts(only.value, complain), every);
  if (only?.name === 'atLeast') return atLeastOf(only.value, complain);
  return complain(
    node,
    'is not a requirement',
    'Write a name, { anyOf: [a, b] }, { every: [a, b] } or { atLeast: [2, a, b, c] }.',
  );
};

const use: Reader<string | Amount> = (node, complain) => {
  if (!isMap(node)) return text(node, complain);
  const only = onlyEntryOf(node);
  const count = isScalar(only?.value) ? only.value.value : undefined;
  if (only === undefined || typeof count !== 'number' || !(count > 0 && Number.isFinite(count))) {
    return complain(
      node,
      'is not an amount',
      'Write { name: count }, the count above 0: { memory-mb: 512 }.',
    );
  }
  return amount(only.name, count);
};

const retriesEntries = {
  count: wholeNumber,
  delay: duration,
  factor: finite,
  maxDelay: duration,
  jitter: finite,
};

const retries: Reader = (node, complain) =>
  isMap(node) ? recordOf(retriesEntries)(node, complain) : wholeNumber(node, complain);

const env: Reader<Readonly<Record<string, string>>> = (node, complain) => {
  if (!isMap(node)) return complain(node, 'must be a map of strings', 'Write { NAME: value }.');
  const pairs = entriesOf(node).map(({ name, key, value }) => {
    if (!/^[^=\0]+$/.test(name) || isRefusedKey(name))
      return [name, complain(key, 'is not a valid name of a variable')];
    return [name, value === undefined ? complain(key, 'has no value') : anyText(value, complain)];
  });
  return pairs.every(([, value]) => value !== undefined)
    ? (Object.fromEntries(pairs) as Record<string, string>)
    : undefined;
};

const scope: Reader<string> = (node, complain) => {
  const value = isScalar(node) ? node.value : undefined;
  return typeof value === 'string' && ['run', 'boot', 'process'].includes(value)
    ? value
    : complain(node, 'must be run, boot or process');
};

/** The reader of each entry. */
export const entryReaders: Readonly<Record<EntryName, Reader>> = {
  name: text,
  requires: listOf(requirement),
  after: texts,
  before: texts,
  salvages: texts,
  tearsDown: (node, complain) => (isSeq(node) ? texts(node, complain) : text(node, complain)),
  provides: texts,
  uses: listOf<string | Amount>(use),
  claims: texts,
  exclusive: flag,
  priority: finite,
  weight: duration,
  group: text,
  pool: text,
  timeout: limit,
  idleTimeout: limit,
  grace: duration,
  slowAfter: duration,
  retries,
  rerunnable: flag,
  scope,
  inputs: texts,
  digestEnv: texts,
  tags: texts,
  when: truth,
  argv: listOf(anyText),
  env,
  cwd: text,
  tap: dialect,
};

/** The entries of a map: name, node of the key, and node of the value unless it is missing or null. */
export function entriesOf(
  map: Node,
): readonly { readonly name: string; readonly key: Node; readonly value: Node | undefined }[] {
  if (!isMap(map)) return [];
  return map.items.map(({ key, value }) => ({
    name: sourceOf(key) ?? '',
    key: isNode(key) ? key : map,
    value: isNode(value) && !(isScalar(value) && value.value === null) ? value : undefined,
  }));
}

function onlyEntryOf(map: Node): { readonly name: string; readonly value: Node } | undefined {
  const [first, second] = entriesOf(map);
  return first?.value === undefined || second !== undefined
    ? undefined
    : { name: first.name, value: first.value };
}

function listOf<T>(item: Reader<T>): Reader<readonly T[]> {
  return (node, complain) => {
    if (!isSeq(node)) return complain(node, 'must be a list', listHint(node));
    const items = node.items.map((each) =>
      isNode(each) ? item(each, complain) : complain(node, 'has an empty place'),
    );
    return items.every((each) => each !== undefined) ? (items as T[]) : undefined;
  };
}

function listHint(node: Node): string {
  const source = sourceOf(node);
  return source === undefined ? 'Write [first, second].' : `Write [${source}].`;
}

function recordOf(readers: Readonly<Record<string, Reader>>): Reader<Readonly<Record<string, unknown>>> {
  return (node, complain) => {
    const pairs = entriesOf(node).map(({ name, key, value }) => {
      const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
      const hint = `There are: ${Object.keys(readers).join(', ')}.`;
      if (reader === undefined) return [name, complain(key, `has an unknown entry "${name}"`, hint)] as const;
      return [name, value === undefined ? complain(key, 'has no value') : reader(value, complain)] as const;
    });
    return pairs.every(([, value]) => value !== undefined) ? Object.fromEntries(pairs) : undefined;
  };
}

function atLeastOf(node: Node, complain: Complain): Requirement | undefined {
  const [first, ...rest] = isSeq(node) ? node.items : [];
  if (!isScalar(first) || !Number.isSafeInteger(first.value) || rest.length === 0) {
    return complain(node, 'is not a number followed by names', 'Write { atLeast: [2, a, b, c] }.');
  }
  const names = rest.map((each) => (isNode(each) ? text(each, complain) : undefined));
  return names.every((name) => name !== undefined) ? atLeast(first.value as number, ...names) : undefined;
}

function compound(
  names: readonly string[] | undefined,
  make: (...names: readonly string[]) => Requirement,
): Requirement | undefined {
  return names === undefined ? undefined : make(...names);
}
