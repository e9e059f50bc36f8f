/**
 * Reads the metadata of a file, from its header or side file: YAML in, metadata and problems out. Each problem points at the very node that is
 * wrong. Loaded on demand, since it brings a YAML parser along.
 */
import { basename, dirname } from 'node:path';
import {
  type Amount,
  amount,
  anyOf,
  atLeast,
  checkMeta,
  defined,
  didYouMean,
  every,
  isRefusedKey,
  nearest,
  type Problem,
  type Requirement,
  type SourceLocation,
  type TaskMeta,
} from '@pexen/core';
import { isMap, isNode, isScalar, isSeq, type Node } from 'yaml';
import type { readExpression } from './conditions/expression.ts';
import { allOf, type Condition, conditionOf, type Needs } from './conditions/needs.ts';
import { readSize, sizeForms } from './conditions/size.ts';
import { durationForms, readDuration } from './duration.ts';
import { type FileMeta, noFileMeta, type ProgramEntries } from './file-meta.ts';
import { readyForms, readyKind, serviceKinds } from './options.ts';
import { readYaml, sourceOf } from './yaml-text.ts';

const programNames: ReadonlySet<string> = new Set([
  'argv',
  'env',
  'cwd',
  'tap',
  'user',
  'service',
  'ready',
  'stop',
] satisfies (keyof ProgramEntries)[]);

/** Options of `readFileMeta`. */
export interface FileMetaOptions {
  /** The location of problems without a better one. Default: the file. */
  readonly at?: SourceLocation;
  /** The facts that conditions may name. Default: any. */
  readonly facts?: readonly string[];
  /** Reads expressions; needed where `mayHaveExpression` says so. */
  readonly readExpression?: typeof readExpression;
}

/** Reads the metadata in `text`, whose lines and columns are the same as in `file`. */
export function readFileMeta(text: string, file: string, options: FileMetaOptions = {}): FileMeta {
  const { root, problems, locate } = readYaml(text, file, 'PEXEN_BAD_HEADER');
  if (problems.length > 0) return { ...noFileMeta, problems };
  if (root === undefined) return noFileMeta;
  if (!isMap(root)) return { ...noFileMeta, problems: [notAMap(locate(root))] };
  return readEntries(root, file, locate, options);
}

/** Must `readFileMeta` be able to read expressions? */
export function mayHaveExpression(text: string): boolean {
  return /\bif\b/.test(text);
}

function readEntries(
  root: Node,
  file: string,
  locate: (node: Node, character?: number) => SourceLocation,
  options: FileMetaOptions,
): FileMeta {
  const task = basename(file);
  const problems: Problem[] = [];
  const places = new Map<string, SourceLocation>();
  const read: [name: string, value: unknown][] = [];
  for (const { name, key, value } of entriesOf(root)) {
    const report = (
      code: Problem['code'],
      node: Node,
      message: string,
      hint?: string,
      character?: number,
    ): undefined => {
      const location = locate(node, character);
      problems.push({ code, task, location, message, ...(hint !== undefined && { hint }) });
    };
    const complain: Complain = (node, message, hint, character) =>
      report('PEXEN_BAD_META', node, `${name} ${message}`, hint, character);
    places.set(name, locate(key));
    if (name === 'needs' && !places.has('when')) places.set('when', locate(key)); // they are one condition
    if (!isEntryName(name)) report('PEXEN_UNKNOWN_META', key, `unknown metadata "${name}"`, hintFor(name));
    else if (value === undefined) complain(key, 'has no value');
    else {
      const found = entryReaders[name](value, complain);
      read.push([name, found instanceof Expression ? compiled(found, complain, options) : found]);
    }
  }
  const known = withCondition(
    read.filter(([, value]) => value !== undefined),
    dirname(file),
  );
  const program = Object.fromEntries(known.filter(([name]) => programNames.has(name))) as ProgramEntries;
  const own = known.filter(([name]) => !programNames.has(name));
  const isKilled = program.service === true && program.stop === 'kill';
  const meta: FileMeta['meta'] = Object.fromEntries(isKilled ? [...own, ['stop', 'kill']] : own);
  const at = (name: string): SourceLocation => places.get(name) ?? options.at ?? { file };
  return {
    ...{ meta, program, places },
    problems: [
      ...problems,
      ...serviceProblems(places, program, task, at),
      ...checkTogether(meta, task, program.service === true, places, options.at ?? { file }),
    ],
  };
}

/** `needs` and `when` are one condition of the task. */
function withCondition(
  read: readonly [name: string, value: unknown][],
  directory: string,
): readonly [string, unknown][] {
  const needs = read.find(([name]) => name === 'needs')?.[1] as Needs | undefined;
  if (needs === undefined) return read;
  const when = read.find(([name]) => name === 'when')?.[1] as TaskMeta['when'];
  const own: Condition[] = when === undefined ? [] : [typeof when === 'function' ? when : () => when];
  const others = read.filter(([name]) => name !== 'needs' && name !== 'when');
  return [...others, ['when', allOf([conditionOf(needs, directory), ...own])]];
}

function compiled(
  { node, text, because }: Expression,
  complain: Complain,
  { readExpression, facts }: FileMetaOptions,
): Condition | undefined {
  if (readExpression === undefined)
    return complain(node, 'has an expression behind an escaped "if"', 'Write if: …');
  const found = readExpression(text, defined({ because, names: facts }));
  if ('condition' in found) return found.condition;
  const { message, hint, at } = found.fault;
  return complain(node, `has an expression that ${message}`, hint, at);
}

/** Checks the entries together, for problems such as a resource both used and claimed. */
function checkTogether(
  meta: TaskMeta,
  task: string,
  isService: boolean,
  places: ReadonlyMap<string, SourceLocation>,
  at: SourceLocation,
): Problem[] {
  const blamed = { PEXEN_USED_AND_CLAIMED: 'claims', PEXEN_GROUP_AND_POOL: 'pool' } as Readonly<
    Record<string, string>
  >;
  return checkMeta(isService ? meta : withoutRestarts(meta), task, isService).map((problem) => {
    const name = blamed[problem.code] ?? problem.message.split(' ', 1)[0] ?? '';
    return { ...problem, location: places.get(name) ?? at };
  });
}

function withoutRestarts({ restarts: _, ...meta }: FileMeta['meta']): FileMeta['meta'] {
  return meta;
}

const entriesOfServices = ['ready', 'restarts', 'stop'] as const;

/** A service needs a condition, and only services have some entries. */
function serviceProblems(
  places: ReadonlyMap<string, SourceLocation>,
  { service = false }: ProgramEntries,
  task: string,
  at: (name: string) => SourceLocation,
): Problem[] {
  const problem = (name: string, message: string, hint: string): Problem => {
    return { code: 'PEXEN_BAD_META', task, location: at(name), message, hint };
  };
  if (service)
    return places.has('ready')
      ? []
      : [problem('service', 'service needs "ready", which says when it can be used', readyForms)];
  return entriesOfServices
    .filter((name) => places.has(name))
    .map((name) => problem(name, `${name} is of services only`, 'Add service: true, or remove it.'));
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
const entriesOfCode = ['args', 'cleanup'] as const;

/** The entries that the metadata of a file may have. */
type EntryName =
  | Exclude<keyof TaskMeta, (typeof entriesOfCode)[number]>
  | keyof ProgramEntries
  | 'needs'
  | 'restarts';

/** Reports a problem of a node, or of a character of its text. Returns undefined, which stands for "could not be read". */
type Complain = (node: Node, message: string, hint?: string, character?: number) => undefined;

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

const conditionHint = `Write { if: 'os.id == "debian"', because: it uses apt }.`;

/** An expression that has not been read yet. */
class Expression {
  readonly node: Node;
  readonly text: string;
  readonly because: string | undefined;

  constructor(node: Node, text: string, because: string | undefined) {
    this.node = node;
    this.text = text;
    this.because = because;
  }
}

/** True, false, a reason, or an expression and the reason where that is false. */
const condition: Reader<boolean | string | Expression> = (node, complain) => {
  if (isScalar(node) && typeof node.value === 'boolean') return node.value;
  if (!isMap(node)) return text(node, complain);
  const read = recordOf({ if: text, because: text })(node, complain);
  if (read === undefined) return undefined;
  const expression = entriesOf(node).find(({ name }) => name === 'if')?.value;
  if (expression === undefined) return complain(node, 'has no "if"', conditionHint);
  return new Expression(expression, read.if as string, read.because as string | undefined);
};

const size: Reader<string> = (node, complain) =>
  isScalar(node) && readSize(node.value) !== undefined
    ? (node.value as string)
    : complain(node, `must be ${sizeForms}`);

const sizes: Reader<string | Readonly<Record<string, string>>> = (node, complain) => {
  if (!isMap(node)) return size(node, complain);
  const pairs = entriesOf(node).map(({ name, key, value }) => [
    name,
    value === undefined ? complain(key, 'has no value') : size(value, complain),
  ]);
  return pairs.every(([, value]) => value !== undefined) ? Object.fromEntries(pairs) : undefined;
};

/** One name, or several. */
const someTexts: Reader<readonly string[]> = (node, complain) => {
  if (isSeq(node)) return texts(node, complain);
  const one = text(node, complain);
  return one === undefined ? undefined : [one];
};

const needsEntries: Readonly<Record<keyof Needs, Reader>> = {
  memory: size,
  disk: sizes,
  programs: someTexts,
  files: someTexts,
  kernelModules: someTexts,
  env: someTexts,
  user: text,
  os: someTexts,
  arch: someTexts,
};

const needs: Reader = (node, complain) =>
  isMap(node)
    ? recordOf(needsEntries)(node, complain)
    : complain(node, 'must be a map', 'Write { programs: [docker], memory: 2G }.');

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

/** The condition by which a service is ready, checked as in a configuration. */
const ready: Reader = (node, complain) => {
  const value: unknown = node.toJSON();
  const [found] = readyKind(value, []);
  if (found === undefined) return value;
  const at = entriesOf(node).find(({ name }) => name === found.path[0]);
  const inside = found.path.length === 0 ? '' : `has "${found.path.join('.')}", which `;
  return complain(at?.value ?? node, `${inside}${found.complaint}`, found.hint);
};

const stop: Reader = (node, complain) => {
  const value = isScalar(node) ? node.value : undefined;
  const [found] = serviceKinds.stop(value, []);
  return found === undefined ? value : complain(node, found.complaint, found.hint);
};

/** The reader of each entry. */
const entryReaders: Readonly<Record<EntryName, Reader>> = {
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
  preference: finite,
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
  mayReboot: flag,
  inputs: texts,
  digestEnv: texts,
  tags: texts,
  when: condition,
  needs,
  argv: listOf(anyText),
  env,
  cwd: text,
  tap: dialect,
  user: text,
  service: flag,
  ready,
  stop,
  restarts: wholeNumber,
};

/** The entries of a map: name, node of the key, and node of the value unless it is missing or null. */
function entriesOf(
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
      const known = Object.keys(readers);
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
