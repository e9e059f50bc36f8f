/** Makes tasks of the content of suite files, and lets the factories that they call make theirs. */
import { resolve } from 'node:path';
import {
  defined,
  type ExecutableBody,
  executableTask,
  formatCallPath,
  isPexenError,
  kindOf,
  type MetaOrigin,
  messageOf,
  type PlacedTask,
  type Problem,
  type SourceLocation,
  serviceMetaKeys,
  serviceRules,
  type TaskMeta,
} from '@pexen/core';
import type { Factory, FactoryContext } from '../factory.ts';
import type { ProgramEntries } from '../file-meta.ts';
import type { Files } from '../files.ts';
import { exitCodesKind } from '../options.ts';
import { type InterpretOptions, interpreter } from '../programs/interpret.ts';
import { linesKind } from '../programs/line-patterns.ts';
import { findProgram, placeIn, serviceOf, serviceReading } from '../programs/program.ts';
import { type MetaContext, metaOf, metaReaders, programReaders, readEntries } from '../yaml/meta-entries.ts';
import {
  anyText,
  type Complain,
  entriesOf,
  finite,
  type NamedEntry,
  nodeAt,
  ofKind,
  plainValue,
  type Reader,
} from '../yaml/values.ts';
import { locationOf, type YamlMap, type YamlNode } from '../yaml/yaml-tree.ts';
import { type Entries, noValues, substituted } from './entries.ts';
import type { FactoryTable } from './factories.ts';
import type { CommonEntries, FactoryEntry, SuiteContent, TaskEntry } from './read-suite.ts';
import type { DefaultsData, TemplateData } from './suite-data.ts';

/** Makes the tasks of a suite file in their order. Problems are reported when everything has been read. */
export async function* tasksOf(
  content: SuiteContent,
  context: FactoryContext,
  files: Files,
  factories: FactoryTable,
  report: (problem: Problem) => void,
): AsyncGenerator<PlacedTask, void> {
  const language = content.mayHaveExpressions ? await import('../conditions/language.ts') : undefined;
  const names = Object.keys(context.facts ?? {});
  const maker = new TaskMaker(context, files, factories, report, {
    facts: names.length > 0 ? names : undefined,
    language,
  });
  for (const common of content.common) maker.checkCommon(common);
  for (const entry of content.capacities) maker.stateCapacity(entry);
  for (const part of content.parts) {
    if (part.kind === 'factory') yield* maker.tasksOfFactory(part);
    else {
      const task = maker.taskOf(part);
      if (task !== undefined) yield task;
    }
  }
}

/** A program and its arguments, or text for the shell. */
type Command = readonly [program: string, ...argv: string[]] | string;

const command: Reader<Command> = (node, complain) => {
  const hint = 'Write [make, test], or make test for the shell.';
  if (node.kind === 'map')
    return complain(node, 'must be a list of a program and its arguments, or text', hint);
  if (node.kind === 'scalar') {
    const source = anyText(node, complain);
    return source === undefined || source.trim() !== '' ? source : complain(node, 'is empty', hint);
  }
  const [program, ...argv] = node.items.map((item) => anyText(item, complain));
  if (node.items.length === 0 || program === '') return complain(node, 'names no program', hint);
  return program !== undefined && argv.every((each) => each !== undefined)
    ? [program, ...(argv as string[])]
    : undefined;
};

const { name: _, ...ownMeta } = metaReaders;

const defaultReaders = {
  ...ownMeta,
  ...programReaders,
  lines: ofKind(linesKind),
  exitCodes: ofKind(exitCodesKind),
} satisfies Record<keyof DefaultsData, Reader>;

/** Read with the structure of the suite; their names are known here for hints. */
const isRead: Reader = () => true;

const taskReaders = {
  ...{ command, ...defaultReaders },
  ...{ template: isRead, with: isRead, matrix: isRead, exclude: isRead, cells: isRead },
} satisfies Record<keyof TemplateData, Reader>;

const shell = '/bin/sh';

class TaskMaker {
  readonly #context: FactoryContext;
  readonly #files: Files;
  readonly #factories: FactoryTable;
  readonly #report: (problem: Problem) => void;
  readonly #reading: Pick<MetaContext, 'facts' | 'language'>;
  /** Folder and name of a program → its path, or undefined if there is none. */
  readonly #programs = new Map<string, string | undefined>();

  constructor(
    context: FactoryContext,
    files: Files,
    factories: FactoryTable,
    report: (problem: Problem) => void,
    reading: Pick<MetaContext, 'facts' | 'language'>,
  ) {
    this.#context = context;
    this.#files = files;
    this.#factories = factories;
    this.#report = report;
    this.#reading = reading;
  }

  /** Entries with placeholders are checked with the values of each task. */
  checkCommon({ kind, entries, directory, key }: CommonEntries): void {
    const context = { ...this.#reading, task: undefined, directory, at: locationOf(key) };
    const readers = kind === 'defaults' ? defaultReaders : taskReaders;
    const isComplete = ({ value }: NamedEntry): boolean => value === undefined || isLiteral(value);
    readEntries(entries.filter(isComplete), readers, context).problems.forEach(this.#report);
  }

  stateCapacity({ name, key, value }: NamedEntry): void {
    const complain = this.#complain('PEXEN_BAD_SUITE_FILE', `the capacity of "${name}"`);
    const count = value === undefined ? complain(key, 'has no value') : finite(value, complain);
    if (count !== undefined && count > 0) this.#context.capacity?.(name, count);
    else if (count !== undefined) complain(value as YamlNode, 'must be above 0');
  }

  taskOf({ under, name, entries, defaults, key, directory }: TaskEntry): PlacedTask | undefined {
    const task = formatCallPath([...under, name]);
    const at = locationOf(key);
    const context = { ...this.#reading, task, directory, at };
    const { values, keys, problems } = readEntries(ofItsKind(entries, defaults), taskReaders, context);
    problems.forEach(this.#report);
    if (problems.length > 0 || entries.has('template')) return undefined;
    const body = this.#bodyOf(entries, values, { task, directory, at });
    if (body === undefined) return undefined;
    const path = [...(this.#context.under ?? []), ...under];
    const originOf = (entry: keyof TaskMeta): MetaOrigin | undefined => {
      const place = keys.get(entry);
      if (place === undefined) return undefined;
      const isDefault = defaults.get(entry)?.key === place;
      return {
        kind: isDefault ? 'defaults' : 'file',
        location: locationOf(place),
        ...(isDefault && { by: 'the defaults' }),
      };
    };
    const meta = { name, ...metaOf(values) };
    const rules = values.get('service') === true ? { service: serviceRules(meta) } : {};
    const source = { location: at, nameKind: 'explicit', originOf, ...rules } as const;
    return { under: path, task: executableTask(meta, body, source) };
  }

  #bodyOf(
    entries: Entries,
    values: ReadonlyMap<string, unknown>,
    {
      task,
      directory,
      at,
    }: { readonly task: string; readonly directory: string; readonly at: SourceLocation },
  ): ExecutableBody | undefined {
    const written = entries.get('command');
    const given = values.get('command') as Command | undefined;
    if (written === undefined) {
      const hint = 'Write command: [make, test], or command: make test for the shell.';
      this.#report({ code: 'PEXEN_BAD_SUITE_FILE', task, location: at, message: 'it has no command', hint });
    }
    if (given === undefined) return undefined;
    const program = Object.fromEntries(values) as ProgramEntries;
    const { argv = [], env = {}, cwd, user } = program;
    const [name, ...first] = typeof given === 'string' ? [shell, '-ec', given, shell] : given;
    const file = this.#programAt(name, directory);
    if (file === undefined && !values.has('when')) {
      const node = written?.value as YamlNode;
      const location = locationOf(node.kind === 'list' ? (node.items[0] as YamlNode) : node);
      const hint = 'Install it, give its path, or say that the task needs it: needs: { programs: … }.';
      this.#report({
        code: 'PEXEN_NO_PROGRAM',
        task,
        location,
        message: `the program "${name}" was not found`,
        hint,
      });
      return undefined;
    }
    const place = placeIn(cwd, directory);
    const service = serviceOf(program);
    const ofTests = {
      tap: values.get('tap'),
      lines: values.get('lines'),
      exitCodes: values.get('exitCodes'),
      user,
    };
    const reading =
      service === undefined ? (defined(ofTests) as InterpretOptions) : serviceReading(service, user);
    return {
      ...{ file: file ?? name, argv: [...first, ...argv], ...place, env },
      ...{ interpret: interpreter(reading, place.cwd), interpretOptions: { ...reading } },
      ...defined({ user, service }),
    };
  }

  /** A path is relative to the folder of the suite file, and may be that of a file that another task makes. */
  #programAt(program: string, directory: string): string | undefined {
    if (program.includes('/')) return resolve(directory, program);
    const key = `${directory}\n${program}`;
    const { root, env = process.env } = this.#context;
    const lookUp = { root, env, dir: directory, files: this.#files };
    if (!this.#programs.has(key)) this.#programs.set(key, findProgram(program, lookUp, true));
    return this.#programs.get(key);
  }

  async *tasksOfFactory(entry: FactoryEntry): AsyncGenerator<PlacedTask, void> {
    const factory = this.#factoryOf(entry);
    if (factory === undefined) return;
    const { under, directory, options } = entry;
    const path = [...(this.#context.under ?? []), ...under];
    try {
      yield* factory.make({ ...this.#context, root: directory, under: path });
    } catch (error) {
      for (const each of problemsOf(error, entry.name))
        this.#report({ location: locationOf(options), ...each });
    }
  }

  #factoryOf({ name, key, options, defaults, directory }: FactoryEntry): Factory | undefined {
    const service = (options as YamlMap).entries.find(
      (each) => name === 'programs' && each.key.source === 'service',
    );
    if (service !== undefined) {
      const hint = 'Write tasks: { db: { command: …, service: true, ready: { port: … }, provides: [db] } }.';
      this.#complain('PEXEN_BAD_SUITE_FILE', 'programs')(
        service.key,
        'has "service": here, a service is a task',
        hint,
      );
      return undefined;
    }
    const meta = this.#metaOf(options as YamlMap, defaults, directory, key);
    const { meta: _own, ...given } = optionsIn(options as YamlMap);
    const env = { ...meta.env, ...(given.env as object | undefined) };
    const needsEnv = !withoutEnv.has(name) && Object.keys(env).length > 0;
    try {
      return this.#factories[name]({ ...given, ...(needsEnv && { env }), meta: meta.meta });
    } catch (error) {
      for (const each of problemsOf(error, name))
        this.#report({ ...each, location: placeOfOption(each, name, options) });
      return undefined;
    }
  }

  /** The metadata and the environment that the tasks of a factory have by default. */
  #metaOf(
    options: YamlMap,
    defaults: Entries,
    directory: string,
    key: YamlNode,
  ): { readonly meta: TaskMeta; readonly env: object } {
    const context = { ...this.#reading, task: undefined, directory, at: locationOf(key) };
    const { values, problems } = readEntries([...defaults.values()], defaultReaders, context);
    problems.forEach(this.#report);
    const own = entriesOf(options).find(({ name }) => name === 'meta');
    const complain = this.#complain('PEXEN_BAD_OPTION', 'meta');
    if (own !== undefined && own.value?.kind !== 'map') complain(own.value ?? own.key, 'must be a map');
    const read = own?.value?.kind === 'map' ? readEntries(entriesOf(own.value), ownMeta, context) : undefined;
    read?.problems.forEach(this.#report);
    const meta = { ...metaOf(values), ...metaOf(read?.values ?? new Map()) };
    return { meta, env: (values.get('env') as object | undefined) ?? {} };
  }

  #complain(code: Problem['code'], what: string): Complain {
    return (node, message, hint, character) =>
      void this.#report({
        ...{ code, location: locationOf(node, character), message: `${what} ${message}` },
        ...(hint !== undefined && { hint }),
      });
  }
}

/** The entries of a task; a service has no defaults that services do not have. */
function ofItsKind(entries: Entries, defaults: Entries): readonly NamedEntry[] {
  const all = [...entries.values()];
  const service = entries.get('service')?.value;
  if (service?.kind !== 'scalar' || service.value !== true) return all;
  const isOfService = (name: string): boolean =>
    name === 'needs' ||
    !Object.hasOwn(ownMeta, name) ||
    (serviceMetaKeys as readonly string[]).includes(name);
  return all.filter(({ name, key }) => isOfService(name) || defaults.get(name)?.key !== key);
}

/** Has it no placeholders? Those in defaults get their values from the tasks. */
function isLiteral(node: YamlNode): boolean {
  return substituted(node, noValues, () => undefined) === node;
}

/** Options whose values are text in any form, as in tasks: `1.10` stays as it was written. */
const textOptions: ReadonlySet<string> = new Set(['env', 'argv', 'args', 'command', 'variables']);
/** Factories that have no option `env`. */
const withoutEnv: ReadonlySet<string> = new Set(['modules', 'kyua', 'automake']);

function optionsIn({ entries }: YamlMap): Record<string, unknown> {
  const values = entries.map(({ key: { source: name }, value }) => [
    name,
    textOptions.has(name) ? plainValue(value, 'text') : plainValue(value),
  ]);
  return Object.fromEntries(values) as Record<string, unknown>;
}

/** The problem of a factory begins with its name and the path of the option: `executables: include.0 must be …`. */
function placeOfOption({ message }: Problem, name: string, options: YamlNode): SourceLocation {
  const [option = '', ...rest] =
    message
      .slice(name.length + 2)
      .split(' ', 1)[0]
      ?.split('.') ?? [];
  const [, unknown] = /has no option "([^"]*)"/.exec(message) ?? [];
  if (options.kind !== 'map') return locationOf(options);
  const entry = options.entries.find((each) => each.key.source === (unknown ?? option));
  if (entry === undefined) return locationOf(options);
  return locationOf(unknown === undefined ? nodeAt(entry.value, rest) : entry.key);
}

function problemsOf(error: unknown, name: string): readonly Problem[] {
  if (isPexenError(error)) return error.problems;
  const message = `the factory "${name}" threw ${error instanceof Error ? messageOf(error) : kindOf(error)}`;
  return [{ code: 'PEXEN_FACTORY_FAILED', message }];
}
