/**
 * Reads suite files: which tasks and which calls of factories there are, in which part of the suite, with which entries. Loaded on demand, since it
 * brings a YAML parser along. Knows no metadata; tasks-of.ts reads the entries.
 */
import { isUtf8 } from 'node:buffer';
import { dirname, relative, resolve } from 'node:path';
import {
  type CallPath,
  didYouMean,
  formatCallPath,
  type Problem,
  type ProblemCode,
  type SourceLocation,
} from '@pexen/core';
import { codeOf, type Files } from '../files.ts';
import { mayHaveExpression } from '../yaml/meta-entries.ts';
import { type Complain, entriesOf, type NamedEntry } from '../yaml/values.ts';
import { locationOf, readYaml, type YamlMap, type YamlNode, type YamlScalar } from '../yaml/yaml-tree.ts';
import {
  type Entries,
  hasPlaceholder,
  inText,
  merged,
  noEntries,
  noValues,
  substituted,
  type Values,
  valuesIn,
} from './entries.ts';
import { type FactoryName, factoryNames } from './factories.ts';
import { cellsOf, matrixNames } from './matrix.ts';
import type { PartData, SuiteData } from './suite-data.ts';

/** The largest suite file, MiB. */
const largestMb = 8;
const largestBytes = largestMb * 1024 * 1024;
/** Most files are smaller. */
const usualBytes = 65_536;

/** The most tasks and files of a suite, and the most parts of all their entries together: templates and includes multiply what they contain. */
const most = { tasks: 100_000, files: 1_000, nodes: 1_000_000 };

/** A task that has not been read yet. */
export interface TaskEntry {
  readonly kind: 'task';
  readonly under: CallPath;
  readonly name: string;
  /** Those of defaults and templates included, with values in the place of placeholders. */
  readonly entries: Entries;
  /** Those that many tasks have. */
  readonly defaults: Entries;
  /** Of its name. */
  readonly key: YamlScalar;
  /** The folder that its paths are relative to. */
  readonly directory: string;
}

/** A call of a factory. */
export interface FactoryEntry {
  readonly kind: 'factory';
  readonly under: CallPath;
  readonly name: FactoryName;
  readonly key: YamlScalar;
  readonly options: YamlNode;
  readonly defaults: Entries;
  readonly directory: string;
}

/** Entries that tasks may have in common. */
export interface CommonEntries {
  readonly kind: 'defaults' | 'template';
  readonly entries: readonly NamedEntry[];
  readonly directory: string;
  readonly key: YamlScalar;
}

/** What suite files contain, in their order. */
export interface SuiteContent {
  readonly parts: readonly (TaskEntry | FactoryEntry)[];
  /** What its catalogue contains; undefined where it has none. */
  readonly catalogue: readonly (TaskEntry | FactoryEntry)[] | undefined;
  /** Defaults and templates, which are checked even where no task has them. */
  readonly common: readonly CommonEntries[];
  readonly capacities: readonly NamedEntry[];
  /** Entries at the top of the file that the caller knows. */
  readonly settings: readonly NamedEntry[];
  /** Every file that was read, absolute. */
  readonly files: readonly string[];
  /** True if an expression may be in one of them. */
  readonly mayHaveExpressions: boolean;
  readonly problems: readonly Problem[];
}

/** Reads a suite file and all that it includes. `settings` are entries at the top of the file that are returned as they are. */
export function readSuite(path: string, files: Files, settings: readonly string[] = []): SuiteContent {
  const reader = new SuiteReader(files, settings);
  reader.readRoot(path);
  return reader.content();
}

/** An opened file. */
interface SuiteFile {
  readonly path: string;
  readonly directory: string;
  readonly root: YamlMap | undefined;
  /** Those of the files that it includes as well. */
  readonly templates: ReadonlyMap<string, NamedEntry>;
}

/** Where in the suite something is. */
interface Scope {
  readonly file: SuiteFile;
  readonly under: CallPath;
  readonly defaults: Entries;
  /** The files that include this one, and itself last. */
  readonly chain: readonly string[];
  /** Where tasks and calls of factories are added. */
  readonly parts: (TaskEntry | FactoryEntry)[];
}

/** The entries of a part, which a new one of the type has to join. */
const partNames = Object.keys({
  ...{ defaults: true, include: true, tasks: true, from: true },
  ...(Object.fromEntries(factoryNames.map((name) => [name, true])) as Record<FactoryName, true>),
} satisfies Record<keyof PartData, true>);

const topNames = Object.keys({ $schema: true, templates: true, capacities: true } satisfies Record<
  Exclude<keyof SuiteData, keyof PartData>,
  true
>);

const rootNames = [...topNames, ...partNames];

/** In a configuration, a part whose tasks are pulled in where something requires them. */
const catalogueName = 'catalogue';

class SuiteReader {
  readonly #files: Files;
  readonly #settingNames: readonly string[];
  readonly #opened = new Map<string, SuiteFile>();
  readonly #parts: (TaskEntry | FactoryEntry)[] = [];
  #catalogue: (TaskEntry | FactoryEntry)[] | undefined;
  readonly #common: CommonEntries[] = [];
  readonly #capacities: NamedEntry[] = [];
  readonly #settings: NamedEntry[] = [];
  readonly #problems: Problem[] = [];
  #includes = 0;
  #nodes = 0;
  #mayHaveExpressions = false;

  constructor(files: Files, settingNames: readonly string[]) {
    this.#files = files;
    this.#settingNames = settingNames;
  }

  content(): SuiteContent {
    return {
      ...{
        parts: this.#parts,
        catalogue: this.#catalogue,
        common: this.#common,
        capacities: this.#capacities,
        settings: this.#settings,
      },
      ...{
        files: [...this.#opened.keys()],
        mayHaveExpressions: this.#mayHaveExpressions,
        problems: this.#problems,
      },
    };
  }

  readRoot(path: string): void {
    const file = this.#open(path, [path], undefined);
    if (file?.root === undefined) return;
    const isSetting = ({ name }: NamedEntry): boolean =>
      this.#settingNames.includes(name) && !rootNames.includes(name) && name !== catalogueName;
    this.#settings.push(...entriesOf(file.root).filter(isSetting));
    const scope: Scope = { file, under: [], defaults: noEntries, chain: [path], parts: this.#parts };
    this.#readFile(file, scope, this.#settingNames);
    if (this.#settingNames.includes(catalogueName)) this.#readCatalogue(file.root, scope);
  }

  /** A part of its own, whose tasks are candidates. It has the defaults of the file. */
  #readCatalogue(root: YamlMap, scope: Scope): void {
    const entries = entriesOf(root);
    const catalogue = entries.find(({ name }) => name === catalogueName);
    if (catalogue === undefined || !this.#isMap(catalogue)) return;
    this.#catalogue = [];
    const { value } = entries.find(({ name }) => name === 'defaults') ?? {};
    const defaults = value?.kind === 'map' ? merged(noEntries, entriesOf(value)) : noEntries;
    this.#readPart(catalogue.value, { ...scope, defaults, parts: this.#catalogue }, partNames, () => false);
  }

  #readFile(file: SuiteFile, scope: Scope, settingNames: readonly string[] = []): void {
    if (file.root === undefined) return;
    const known = [...rootNames, ...settingNames];
    this.#capacities.push(
      ...entriesOf(file.root)
        .filter(({ name }) => name === 'capacities')
        .flatMap((entry) => (this.#isMap(entry) ? entriesOf(entry.value) : [])),
    );
    this.#readPart(file.root, scope, known, (name) => name.startsWith('x-'));
  }

  /** Opens a file, and the files that it includes at its top for their templates. */
  #open(path: string, chain: readonly string[], from: YamlNode | undefined): SuiteFile | undefined {
    const known = this.#opened.get(path);
    if (known !== undefined) return known;
    const at = from === undefined ? { file: path } : locationOf(from);
    const text = this.#textOf(path, at);
    if (text === undefined) return undefined;
    this.#mayHaveExpressions ||= mayHaveExpression(text);
    const { root, problems } = readYaml(text, path, {
      ...{ code: 'PEXEN_BAD_YAML', longest: largestBytes, deepest: 40, references: true },
    });
    this.#problems.push(...problems);
    const isMap = root?.kind === 'map';
    if (root !== undefined && !isMap)
      this.#complain(root, 'the suite is not a map', 'Write tasks: { test: { command: [make, test] } }.');
    const directory = dirname(path);
    const templates = new Map<string, NamedEntry>();
    const file: SuiteFile = { path, directory, root: isMap ? root : undefined, templates };
    this.#opened.set(path, file);
    if (isMap)
      this.#collectTemplates(root, { file, under: [], defaults: noEntries, chain, parts: [] }, templates);
    return file;
  }

  #textOf(path: string, at: SourceLocation): string | undefined {
    const refuse = (code: ProblemCode, message: string, hint?: string): undefined =>
      void this.#problems.push({ code, location: at, message, ...(hint !== undefined && { hint }) });
    try {
      if (this.#files.look(path).kind !== 'file')
        return refuse('PEXEN_UNREADABLE_FILE', `${path} is not a file`);
      const start = this.#files.head(path, usualBytes);
      const bytes = start.length < usualBytes ? start : this.#files.head(path, largestBytes + 1);
      if (bytes.length > largestBytes)
        return refuse('PEXEN_BAD_YAML', `${path} is larger than ${largestMb} MiB`);
      if (isUtf8(bytes)) return bytes.toString();
      return refuse('PEXEN_BAD_YAML', `${path} is not text in UTF-8`, 'Save it as UTF-8.');
    } catch (error) {
      const hint = 'Paths in a suite file are relative to the folder of that file.';
      return refuse('PEXEN_UNREADABLE_FILE', `${path} cannot be read (${codeOf(error)})`, hint);
    }
  }

  #collectTemplates(root: YamlMap, scope: Scope, templates: Map<string, NamedEntry>): void {
    const add = (template: NamedEntry): void => {
      const other = templates.get(template.name);
      if (other === undefined || other.key === template.key) templates.set(template.name, template);
      else
        this.#complain(
          template.key,
          `the template "${template.name}" is also in ${relative(scope.file.directory, other.key.within.file)}`,
          'Rename one of them.',
        );
    };
    for (const entry of entriesOf(root)) {
      if (entry.name === 'include')
        for (const node of this.#includesIn(entry)) this.#included(node, scope)?.file.templates.forEach(add);
      if (entry.name === 'templates' && this.#isMap(entry))
        for (const template of entriesOf(entry.value)) {
          add(template);
          this.#checkTemplate(template, scope.file);
        }
    }
  }

  #checkTemplate({ name, key, value }: NamedEntry, { directory }: SuiteFile): void {
    if (value?.kind === 'map')
      this.#common.push({ kind: 'template', entries: entriesOf(value), directory, key });
    else
      this.#complain(value ?? key, `the template "${name}" is not a map`, 'Write { command: [make, test] }.');
  }

  #readPart(map: YamlMap, scope: Scope, known: readonly string[], isFree: (name: string) => boolean): void {
    const entries = entriesOf(map);
    const own = entries.find(({ name }) => name === 'defaults');
    const defaults = own === undefined ? scope.defaults : this.#defaultsOf(own, scope);
    const inner = { ...scope, defaults };
    for (const entry of entries) {
      const { name, key } = entry;
      if (name === 'tasks') this.#readTasks(entry, inner);
      else if (name === 'from') this.#readParts(entry, inner);
      else if (name === 'include') this.#readIncludes(entry, inner);
      else if (isFactoryName(name)) this.#readFactory(entry, name, inner);
      else if (!known.includes(name) && !isFree(name))
        this.#complain(key, `unknown entry "${name}"`, hintFor(name, known));
    }
  }

  #defaultsOf(entry: NamedEntry, { defaults, file }: Scope): Entries {
    if (!this.#isMap(entry)) return defaults;
    const own = entriesOf(entry.value);
    this.#common.push({ kind: 'defaults', entries: own, directory: file.directory, key: entry.key });
    return merged(defaults, own);
  }

  #readParts(entry: NamedEntry, scope: Scope): void {
    if (!this.#isMap(entry)) return;
    for (const part of entriesOf(entry.value)) {
      const path = partsOf(part.key);
      if (part.value?.kind === 'map')
        this.#readPart(part.value, { ...scope, under: [...scope.under, ...path] }, partNames, () => false);
      else
        this.#complain(
          part.value ?? part.key,
          `"${part.name}" must be a map of what it contains`,
          'Write { executables: { dir: tests } }, or { tasks: … }.',
        );
    }
  }

  #readIncludes(entry: NamedEntry, scope: Scope): void {
    for (const node of this.#includesIn(entry)) {
      const found = this.#included(node, scope);
      if (found === undefined) continue;
      if (++this.#includes > most.files)
        return void this.#complain(node, `the suite includes more than ${most.files} files`);
      this.#readFile(found.file, { ...scope, ...found });
    }
  }

  #includesIn({ key, value }: NamedEntry): readonly YamlNode[] {
    if (value?.kind === 'list') return value.items;
    if (value !== undefined && value.kind !== 'map') return [value];
    this.#complain(value ?? key, 'include must be a file or a list of files', 'Write include: [net.yaml].');
    return [];
  }

  /** The file that is included there. Problems are reported once, when the file is opened for the first time. */
  #included(node: YamlNode, { file: from, chain }: Scope): Pick<Scope, 'file' | 'chain'> | undefined {
    const isFile = node.kind === 'scalar' && typeof node.value === 'string' && node.value !== '';
    if (!isFile)
      return this.#complain(node, 'include must be a file or a list of files', 'Write include: [net.yaml].');
    const path = resolve(from.directory, node.source);
    if (chain.includes(path)) {
      const names = [...chain.slice(chain.indexOf(path)), path].map((each) => relative(from.directory, each));
      return this.#complain(
        node,
        `it includes itself: ${names.join(' → ')}`,
        'Move what both need to a third file.',
      );
    }
    const inner = [...chain, path];
    const file = this.#open(path, inner, node);
    return file === undefined ? undefined : { file, chain: inner };
  }

  #readFactory({ key, value }: NamedEntry, name: FactoryName, { file, under, defaults, parts }: Scope): void {
    const calls = value?.kind === 'list' ? value.items : [value];
    for (const options of calls) {
      if (options?.kind === 'map')
        parts.push({ kind: 'factory', under, name, key, options, defaults, directory: file.directory });
      else
        this.#complain(
          options ?? key,
          `${name} must be a map of its options`,
          `Write ${name}: { dir: tests }.`,
        );
    }
  }

  #readTasks(entry: NamedEntry, scope: Scope): void {
    if (!this.#isMap(entry)) return;
    for (const task of entriesOf(entry.value)) this.#readTask(task, scope);
  }

  #readTask({ key, value }: NamedEntry, scope: Scope): void {
    const own = this.#entriesOfTask(key, value);
    const whole = own && this.#withTemplate(own, key, scope);
    if (whole === undefined) return;
    const task = formatCallPath([...scope.under, ...partsOf(key)]);
    const complainOf = (name: string): Complain => this.#complainOf(task, name);
    const isMultiple = matrixNames.some((name) => whole.has(name));
    const cells = isMultiple
      ? cellsOf(this.#literal(whole, complainOf), complainOf)
      : [{ names: [], values: noValues }];
    for (const cell of cells ?? []) {
      if (this.#nodes > most.nodes) return;
      this.#addTask(key, whole, cell, scope);
    }
  }

  /** A command alone is a task. */
  #entriesOfTask(key: YamlScalar, value: YamlNode | undefined): readonly NamedEntry[] | undefined {
    if (value?.kind === 'map') return entriesOf(value);
    if (value !== undefined) return [{ name: 'command', key, value }];
    return this.#complain(key, `the task "${key.source}" is empty`, 'Write { command: [make, test] }.');
  }

  /**
   * The entries of defaults, of the template and of its own template, and of the task; the last one counts. The entry `template` stays where there is
   * no such template: the task is then not complete.
   */
  #withTemplate(own: readonly NamedEntry[], key: YamlScalar, scope: Scope): Entries | undefined {
    const chain = [own];
    const names = new Set<string>();
    for (;;) {
      const entries = chain.at(-1) ?? [];
      const named = entries.find(({ name }) => name === 'template');
      const template = named && this.#templateOf(named, names, scope);
      if (template === undefined) break;
      chain.splice(
        -1,
        1,
        entries.filter((entry) => entry !== named),
        template,
      );
    }
    let all = scope.defaults;
    for (const entries of chain.reverse()) all = merged(all, entries);
    const size = [...all.values()].reduce((sum, { value }) => sum + (value?.size ?? 1), 0);
    return this.#isWithinBounds(size, key) ? all : undefined;
  }

  #templateOf(
    { key, value }: NamedEntry,
    names: Set<string>,
    { file }: Scope,
  ): readonly NamedEntry[] | undefined {
    const name = value?.kind === 'scalar' ? value.source : undefined;
    if (name === undefined)
      return this.#complain(value ?? key, 'template must be the name of a template', 'Write template: ping.');
    const template = file.templates.get(name);
    if (template === undefined) {
      const known = [...file.templates.keys()];
      const hint =
        didYouMean(name, known) ??
        (known.length === 0 ? 'Define it: templates: { … }.' : `There are: ${known.join(', ')}.`);
      return this.#complain(value as YamlNode, `there is no template "${name}"`, hint);
    }
    if (names.has(name))
      return this.#complain(
        value as YamlNode,
        `the template "${name}" uses itself`,
        'Remove one of the templates from the circle.',
      );
    names.add(name);
    return template.value?.kind === 'map' ? entriesOf(template.value) : [];
  }

  /** The matrix itself has no values to put into it. */
  #literal(entries: Entries, complainOf: (name: string) => Complain): Entries {
    for (const name of matrixNames) {
      const value = entries.get(name)?.value;
      if (value !== undefined) substituted(value, noValues, complainOf(name));
    }
    return entries;
  }

  #addTask(
    key: YamlScalar,
    entries: Entries,
    { names, values }: { readonly names: readonly string[]; readonly values: Values },
    scope: Scope,
  ): void {
    const task = formatCallPath([...scope.under, ...partsOf(key)]);
    const given = entries.get('with');
    const complainOf = (name: string): Complain => this.#complainOf(task, name);
    const all = given === undefined ? values : this.#valuesOf(given, values, complainOf('with'));
    const path = this.#pathOf(key, names, all, complainOf('its name'));
    if (path === undefined) return;
    const [name = '', ...above] = path.toReversed();
    if (scope.parts.length >= most.tasks)
      return void this.#complain(key, `the suite has more than ${most.tasks} tasks`);
    const own = new Map<string, NamedEntry>();
    for (const [each, entry] of entries) {
      if (each === 'with' || (matrixNames as readonly string[]).includes(each)) continue;
      const value = entry.value && substituted(entry.value, all, complainOf(each));
      if (entry.value === undefined || value !== undefined) own.set(each, { ...entry, value });
    }
    const size =
      names.length === 0 ? 0 : [...own.values()].reduce((sum, { value }) => sum + (value?.size ?? 1), 0);
    if (!this.#isWithinBounds(size, key)) return;
    const under = [...scope.under, ...above.toReversed()];
    const { file, defaults } = scope;
    scope.parts.push({ kind: 'task', under, name, entries: own, defaults, key, directory: file.directory });
  }

  #valuesOf({ key, value }: NamedEntry, axes: Values, complain: Complain): Values {
    if (value?.kind !== 'map') {
      complain(value ?? key, 'must be a map', 'Write { host: a }.');
      return axes;
    }
    return new Map([...valuesIn(substituted(value, axes, complain)), ...axes]);
  }

  /** As keys of `from`, it may have several parts. Where it has no values in it, the names of the values follow it. */
  #pathOf(
    key: YamlScalar,
    names: readonly string[],
    values: Values,
    complain: Complain,
  ): readonly string[] | undefined {
    const parts = partsOf(key);
    if (!hasPlaceholder(key.source))
      return parts.length === 0 ? complain(key, 'is empty') : [...parts, ...names];
    const path = parts.map((source) => inText({ ...key, source }, values, complain)?.source);
    if (path.includes('')) return complain(key, 'is empty');
    return path.every((part) => part !== undefined) ? path : undefined;
  }

  #isWithinBounds(nodes: number, key: YamlScalar): boolean {
    const before = this.#nodes;
    this.#nodes += nodes;
    if (this.#nodes <= most.nodes) return true;
    if (before <= most.nodes)
      this.#complain(key, `the entries of all tasks together have more than ${most.nodes} parts`);
    return false;
  }

  #isMap(entry: NamedEntry): entry is NamedEntry & { readonly value: YamlMap } {
    if (entry.value?.kind === 'map') return true;
    this.#complain(
      entry.value ?? entry.key,
      `${entry.name} must be a map`,
      `Write ${entry.name}: { name: … }.`,
    );
    return false;
  }

  #complain(node: YamlNode, message: string, hint?: string): undefined {
    this.#problems.push({
      ...{ code: 'PEXEN_BAD_SUITE_FILE', location: locationOf(node), message },
      ...(hint !== undefined && { hint }),
    });
  }

  #complainOf(task: string, name: string): Complain {
    return (node, message, hint, character) =>
      void this.#problems.push({
        ...{
          code: 'PEXEN_BAD_SUITE_FILE',
          task,
          location: locationOf(node, character),
          message: `${name} ${message}`,
        },
        ...(hint !== undefined && { hint }),
      });
  }
}

/** `net/ping` as `['net', 'ping']`. */
function partsOf({ source }: YamlScalar): string[] {
  return source.split('/').filter((part) => part !== '');
}

function isFactoryName(name: string): name is FactoryName {
  return (factoryNames as readonly string[]).includes(name);
}

/** Entries that people look for in the wrong place. */
const elsewhere: Readonly<Record<string, string>> = {
  templates: 'Templates are at the top of a file.',
  capacities: 'Capacities are at the top of a file.',
  yaml: 'Write include: [net.yaml].',
  command: 'Tasks are below tasks: { test: { command: [make, test] } }.',
};

function hintFor(name: string, known: readonly string[]): string {
  return (
    elsewhere[name] ??
    didYouMean(name, known) ??
    `There are: ${known.filter((each) => each !== '$schema').join(', ')}.`
  );
}
