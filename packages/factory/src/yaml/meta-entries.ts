/**
 * The entries of metadata in YAML, in headers of programs and in suite files alike: entries in, metadata and problems out. Loaded on demand, since it
 * brings a YAML parser along.
 */
import {
  type Amount,
  amount,
  anyOf,
  atLeast,
  checkMeta,
  defined,
  every,
  isRefusedKey,
  nearest,
  type Problem,
  problem,
  type Requirement,
  type SourceLocation,
  type TaskMeta,
} from '@pexen/core';
import type * as Language from '../conditions/language.ts';
import { allOf, type Condition, conditionOf, type Needs } from '../conditions/needs.ts';
import type { FileMeta, ProgramEntries } from '../file-meta.ts';
import { readyForms, readyKind, serviceKinds } from '../options.ts';
import {
  anyText,
  type Complain,
  choice,
  duration,
  entriesOf,
  finite,
  flag,
  limit,
  listOf,
  mapOf,
  type NamedEntry,
  nodeAt,
  ofKind,
  plainValue,
  type Reader,
  recordOf,
  size,
  someTexts,
  text,
  texts,
  wholeNumber,
} from './values.ts';
import { locationOf, type YamlMap, type YamlNode } from './yaml-tree.ts';

/** What the entries may refer to, and what they are called. */
export interface MetaContext {
  /** The task, for messages; undefined where they are entries of several. */
  readonly task: string | undefined;
  /** The directory that paths in `needs` are relative to. */
  readonly directory: string;
  /** The location of problems without a better one. */
  readonly at: SourceLocation;
  /** The facts that conditions may name. Default: any. */
  readonly facts?: readonly string[] | undefined;
  /** Reads conditions; needed where `mayHaveExpression` says so. */
  readonly language?: typeof Language | undefined;
}

/** What entries say. */
export interface ReadEntries {
  /** Name of the entry → its value, of those that could be read. `needs` is part of `when`. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Name → the node of the key. */
  readonly keys: ReadonlyMap<string, YamlNode>;
  readonly problems: readonly Problem[];
}

/** Must `readEntries` be able to read conditions in this text? */
export function mayHaveExpression(text: string): boolean {
  return /\bif\b|\bon["']?\s*:/.test(text);
}

/** Metadata that only tasks in modules can have. */
const entriesOfCode = ['args', 'cleanup'] as const;

/** The entries of metadata in YAML. */
type MetaName = Exclude<keyof TaskMeta, (typeof entriesOfCode)[number]> | 'needs' | 'restarts';

/** Reads entries that have these readers. All problems are reported. */
export function readEntries(
  entries: readonly NamedEntry[],
  readers: Readonly<Record<string, Reader>>,
  context: MetaContext,
): ReadEntries {
  const problems: Problem[] = [];
  const keys = new Map<string, YamlNode>();
  const read = new Map<string, unknown>();
  for (const { name, key, value } of entries) {
    const report = (
      code: Problem['code'],
      node: YamlNode,
      message: string,
      hint?: string,
      character?: number,
    ): undefined => {
      const location = locationOf(node, character);
      problems.push(problem(code, message, hint, context.task, location));
    };
    const complain: Complain = (node, message, hint, character) =>
      report('PEXEN_BAD_META', node, `${name} ${message}`, hint, character);
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    keys.set(name, key);
    if (name === 'needs' && !keys.has('when')) keys.set('when', key); // they are one condition
    if (reader === undefined)
      report('PEXEN_UNKNOWN_META', key, `unknown metadata "${name}"`, hintFor(name, readers));
    else if (value === undefined) complain(key, 'has no value');
    else {
      const found = reader(value, complain);
      const known = found instanceof Expression ? compiled(found, complain, context) : found;
      if (name === 'on') checkNodeQuery(value, known, complain, context);
      if (known !== undefined) read.set(name, known);
    }
  }
  const values = withCondition(read, context.directory);
  return { values, keys, problems: [...problems, ...contradictions(values, keys, context)] };
}

/** The values of these entries that are metadata of the task. */
export function metaOf(values: ReadonlyMap<string, unknown>): FileMeta['meta'] {
  const own = [...values].filter(([name]) => Object.hasOwn(metaReaders, name));
  const isKilled = values.get('service') === true && values.get('stop') === 'kill';
  return Object.fromEntries(isKilled ? [...own, ['stop', 'kill']] : own) as FileMeta['meta'];
}

/** `needs` and `when` are one condition of the task. */
function withCondition(read: Map<string, unknown>, directory: string): ReadonlyMap<string, unknown> {
  const needs = read.get('needs') as Needs | undefined;
  if (needs === undefined) return read;
  const when = read.get('when') as TaskMeta['when'];
  const own: Condition[] = when === undefined ? [] : [typeof when === 'function' ? when : () => when];
  read.delete('needs');
  read.delete('when');
  return read.set('when', allOf([conditionOf(needs, directory), ...own]));
}

function compiled(
  { node, text, because }: Expression,
  complain: Complain,
  { language, facts }: MetaContext,
): Condition | undefined {
  if (language === undefined)
    return complain(node, 'has an expression behind an escaped "if"', 'Write if: …');
  const found = language.readExpression(text, defined({ because, names: facts }));
  if ('condition' in found) return found.condition;
  const { message, hint, at } = found.fault;
  return complain(node, `has an expression that ${message}`, hint, at);
}

/** The plan reads it once more; here it has a place in the file. */
function checkNodeQuery(node: YamlNode, text: unknown, complain: Complain, { language }: MetaContext): void {
  if (language === undefined || typeof text !== 'string') return;
  const read = language.readNodeQuery(text);
  if (!('fault' in read)) return;
  const { message, hint, at } = read.fault;
  complain(node, `has an expression that ${message}`, hint, at);
}

/** Entries that may contradict another one. */
const rivals = ['uses', 'claims', 'group', 'pool'] as const;

const entriesOfServices = ['ready', 'restarts', 'stop'] as const;

/** Checks the entries together, for problems such as a resource both used and claimed, or a service that is never ready. */
function contradictions(
  values: ReadonlyMap<string, unknown>,
  keys: ReadonlyMap<string, YamlNode>,
  { task, at }: MetaContext,
): Problem[] {
  const placeOf = (name: string): SourceLocation => {
    const key = keys.get(name);
    return key === undefined ? at : locationOf(key);
  };
  const isService = values.get('service') === true;
  const problems = serviceProblems(keys, isService).map(({ name, message, hint }) =>
    problem('PEXEN_BAD_META', message, hint, task, placeOf(name)),
  );
  if (!isService && rivals.filter((name) => keys.has(name)).length < 2) return problems;
  const { restarts, ...meta } = metaOf(values);
  const found = checkMeta(isService ? { ...meta, restarts } : meta, task ?? '', isService);
  const others = found.map(({ task: _, ...each }) => ({
    ...each,
    ...(task !== undefined && { task }),
    location: placeOf(blamedFor(each)),
  }));
  return [...problems, ...others];
}

/** The entry that a problem is about. */
function blamedFor({ code, message }: Problem): string {
  if (code === 'PEXEN_USED_AND_CLAIMED') return 'claims';
  if (code === 'PEXEN_GROUP_AND_POOL') return 'pool';
  return /metadata "([^"]+)"/.exec(message)?.[1] ?? message.split(' ', 1)[0] ?? '';
}

/** A service needs a condition, and only services have some entries. */
function serviceProblems(
  keys: ReadonlyMap<string, YamlNode>,
  isService: boolean,
): readonly { readonly name: string; readonly message: string; readonly hint: string }[] {
  if (!isService)
    return entriesOfServices
      .filter((name) => keys.has(name))
      .map((name) => ({
        name,
        message: `${name} is of services only`,
        hint: 'Add service: true, or remove it.',
      }));
  if (keys.has('ready')) return [];
  const message = 'service needs "ready", which says when it can be used';
  return [{ name: 'service', message, hint: readyForms }];
}

/** What other tools call entries. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ...['run', 'script', 'cmd', 'exec'].map((name) => [name, 'command'] as const),
  ...['depends', 'depends_on', 'dependsOn', 'deps'].map((name) => [name, 'requires'] as const),
  ...[['environment', 'env'] as const, ['if', 'when'] as const, ['workdir', 'cwd'] as const],
  ...[['working-directory', 'cwd'] as const, ['vars', 'with'] as const, ['extends', 'template'] as const],
]);

function hintFor(name: string, readers: Readonly<Record<string, Reader>>): string {
  if (name === 'name') return 'The name of a task is its key.';
  if (name === 'args') return 'Write argv for the arguments of a program.';
  if ((entriesOfCode as readonly string[]).includes(name)) return 'Only tasks in modules can have it.';
  const names = Object.keys(readers);
  const near = names.find((each) => each === elsewhere.get(name)) ?? nearest(name, names);
  return near === undefined ? `The entries are: ${names.join(', ')}.` : `Did you mean "${near}"?`;
}

const conditionHint = `Write { if: 'os.id == "debian"', because: it uses apt }.`;

/** An expression that has not been read yet. */
class Expression {
  readonly node: YamlNode;
  readonly text: string;
  readonly because: string | undefined;

  constructor(node: YamlNode, text: string, because: string | undefined) {
    this.node = node;
    this.text = text;
    this.because = because;
  }
}

const expression = recordOf({ if: text, because: text });

/** True, false, a reason, or an expression and the reason where that is false. */
const condition: Reader<boolean | string | Expression> = (node, complain) => {
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  if (node.kind !== 'map') return text(node, complain);
  const read = expression(node, complain);
  if (read === undefined) return undefined;
  const written = entriesOf(node).find(({ name }) => name === 'if')?.value;
  if (written === undefined) return complain(node, 'has no "if"', conditionHint);
  return new Expression(written, read.if as string, read.because as string | undefined);
};

const sizes: Reader<string | Readonly<Record<string, string>>> = (node, complain) =>
  node.kind === 'map' ? mapOf(size)(node, complain) : size(node, complain);

const needsRecord = recordOf({
  memory: size,
  disk: sizes,
  programs: someTexts,
  files: someTexts,
  kernelModules: someTexts,
  env: someTexts,
  user: text,
  os: someTexts,
  arch: someTexts,
} satisfies Record<keyof Needs, Reader>);

const needs: Reader = (node, complain) =>
  node.kind === 'map'
    ? needsRecord(node, complain)
    : complain(node, 'must be a map', 'Write { programs: [docker], memory: 2G }.');

const requirement: Reader<Requirement> = (node, complain) => {
  if (node.kind !== 'map') return text(node, complain);
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

function compound(
  names: readonly string[] | undefined,
  make: (...names: readonly string[]) => Requirement,
): Requirement | undefined {
  return names === undefined ? undefined : make(...names);
}

function atLeastOf(node: YamlNode, complain: Complain): Requirement | undefined {
  const [first, ...rest] = node.kind === 'list' ? node.items : [];
  const count = first?.kind === 'scalar' ? first.value : undefined;
  if (!Number.isSafeInteger(count) || rest.length === 0) {
    return complain(node, 'is not a number followed by names', 'Write { atLeast: [2, a, b, c] }.');
  }
  const names = rest.map((each) => text(each, complain));
  return names.every((name) => name !== undefined) ? atLeast(count as number, ...names) : undefined;
}

const use: Reader<string | Amount> = (node, complain) => {
  if (node.kind !== 'map') return text(node, complain);
  const only = onlyEntryOf(node);
  const count = only?.value.kind === 'scalar' ? only.value.value : undefined;
  if (only === undefined || typeof count !== 'number' || !(count > 0 && Number.isFinite(count))) {
    return complain(
      node,
      'is not an amount',
      'Write { name: count }, the count above 0: { memory-mb: 512 }.',
    );
  }
  return amount(only.name, count);
};

function onlyEntryOf(map: YamlMap): { readonly name: string; readonly value: YamlNode } | undefined {
  const [first, second] = entriesOf(map);
  return first?.value === undefined || second !== undefined
    ? undefined
    : { name: first.name, value: first.value };
}

const retriesRecord = recordOf({
  count: wholeNumber,
  delay: duration,
  factor: finite,
  maxDelay: duration,
  jitter: finite,
});

/** A number, or a record with delays. */
const retries: Reader = (node, complain) =>
  node.kind === 'map' ? retriesRecord(node, complain) : wholeNumber(node, complain);

const variables = mapOf(anyText, (key, complain) => {
  const name = key.kind === 'scalar' ? key.source : '';
  const isName = /^[^=\0]+$/.test(name) && !isRefusedKey(name);
  return isName ? name : complain(key, 'is not a valid name of a variable');
});

const env: Reader<Readonly<Record<string, string>>> = (node, complain) =>
  node.kind === 'map'
    ? variables(node, complain)
    : complain(node, 'must be a map of strings', 'Write { NAME: value }.');

/** The readers of metadata. */
export const metaReaders: Readonly<Record<MetaName, Reader>> = {
  name: text,
  requires: listOf(requirement),
  after: texts,
  before: texts,
  salvages: texts,
  tearsDown: (node, complain) => (node.kind === 'list' ? texts(node, complain) : text(node, complain)),
  provides: texts,
  uses: listOf<string | Amount>(use),
  claims: texts,
  exclusive: flag,
  priority: finite,
  preference: finite,
  weight: duration,
  group: text,
  pool: text,
  on: text,
  perNode: flag,
  timeout: limit,
  idleTimeout: limit,
  grace: duration,
  slowAfter: duration,
  retries,
  rerunnable: flag,
  scope: choice('run', 'boot', 'process'),
  mayReboot: flag,
  inputs: texts,
  digestEnv: texts,
  tags: texts,
  lintIgnore: texts,
  when: condition,
  needs,
  restarts: wholeNumber,
};

/** The condition by which a service is ready, checked as in a configuration. */
const ready: Reader = (node, complain) => {
  const value = plainValue(node);
  const [found] = readyKind(value, []);
  if (found === undefined) return value;
  const inside = found.path.length === 0 ? '' : `has "${found.path.join('.')}", which `;
  return complain(nodeAt(node, found.path), `${inside}${found.complaint}`, found.hint);
};

/** The readers of entries about a program, in headers and in suite files. */
export const programReaders: Readonly<Record<keyof ProgramEntries, Reader>> = {
  argv: listOf(anyText),
  env,
  cwd: text,
  tap: choice<boolean | 'perl'>(true, false, 'perl'),
  user: text,
  service: flag,
  ready,
  stop: ofKind(serviceKinds.stop),
};
