/** What is in effect and where it comes from, for people: each option of a suite, and each entry of the metadata of a task. Runs no task. */
import {
  type Capability,
  definitionOf,
  describeCapability,
  describeRequirement,
  describeResource,
  isAmount,
  isPlaced,
  type MetaOrigin,
  metaKeys,
  type Problem,
  type Requirement,
  type Resource,
  relativeTo,
  type SourceLocation,
  type TaskDefinition,
  type TaskMeta,
} from '@pexen/core';
import type { Plan, PlannedTask } from '@pexen/sched';
import { type LoadedConfig, layersOf } from '../config/config.ts';
import { planSuite } from '../plan-suite.ts';
import { declaredOptions, type OptionName, suiteOptions, Words } from './declarations.ts';
import type { OptionLayers, Origin, ResolvedOption } from './layers.ts';
import type { EntryPath, LocateEntry } from './locate.ts';
import type { TextForm } from './text-forms.ts';

/** Grows by one with every change that breaks readers of the JSON form. */
export const configReportVersion = 1;

/** A value, and where it comes from. */
export interface DescribedValue {
  readonly name: string;
  /** For people. */
  readonly text: string;
  /** Absent where it cannot be written as JSON. */
  readonly value?: unknown;
  readonly origin: DescribedOrigin;
}

/** Where a value comes from. Files are relative to the root. */
export type DescribedOrigin = (Origin | TaskOrigin) & { readonly location?: SourceLocation };

/** Where an entry of the metadata of a task comes from, if it is not an option of the suite. */
export type TaskOrigin =
  /** The task itself: its definition, or its header or side file. */
  | { readonly kind: 'task' }
  /** The default metadata of a factory. */
  | { readonly kind: 'factory'; readonly by: string }
  /** An override: its place in the configuration. It may add to what the task states itself. */
  | { readonly kind: 'override'; readonly entry: string; readonly isAdded: boolean };

/** The options of a suite. */
export interface ConfigReport {
  readonly version: typeof configReportVersion;
  /** An absolute path. */
  readonly root: string;
  /** Relative to the root; absent without a configuration. */
  readonly file?: string;
  readonly profiles: readonly string[];
  readonly options: readonly DescribedValue[];
}

/** The metadata of one task. */
export interface TaskConfigReport {
  readonly path: string;
  readonly location?: SourceLocation;
  readonly entries: readonly DescribedValue[];
}

/** Each option of the suite, with its value and its origin. */
export async function describeConfig(loaded: LoadedConfig): Promise<ConfigReport> {
  const { root, file } = loaded;
  const layers = layersOf(loaded);
  const places = await placesIn(loaded);
  return {
    ...{ version: configReportVersion, root },
    ...(file !== undefined && { file: relativeTo(root)(file) }),
    profiles: layers.profiles,
    options: layers.resolved().map((option) => describeOption(option, places)),
  };
}

/**
 * Each entry of the metadata of the tasks that a query selects, with its value and its origin.
 * @throws PexenError as `listSuite` does
 */
export async function describeTasks(
  loaded: LoadedConfig,
  query: string,
  onWarning: (warning: Problem) => void = () => {},
): Promise<readonly TaskConfigReport[]> {
  const plan = await planSuite(loaded, { queries: [query] }, { onWarning });
  const all = await describePlan(loaded, plan);
  return all.filter((_, at) => plan.tasks[at]?.pulledIn === undefined);
}

/** The same for all tasks of a plan, in its order. */
export async function describePlan(loaded: LoadedConfig, plan: Plan): Promise<readonly TaskConfigReport[]> {
  const places = await placesIn(loaded);
  const layers = layersOf(loaded);
  const infos = plan.describe(loaded.root);
  return plan.tasks.map((task, at) => {
    const location = infos[at]?.location;
    const entries = entriesOfTask(task, layers, places, location);
    return { path: task.path, ...(location !== undefined && { location }), entries };
  });
}

/** Finds places of what is in effect. Files are relative to the root. */
interface Places {
  /** Of an entry of the configuration. */
  readonly ofEntry: LocateEntry;
  readonly relative: (location: SourceLocation) => SourceLocation;
}

async function placesIn({ file, root, data }: LoadedConfig): Promise<Places> {
  const fromRoot = relativeTo(root);
  const relative = (location: SourceLocation) => ({ ...location, file: fromRoot(location.file) });
  if (file === undefined) return { relative, ofEntry: () => undefined };
  const entries = data?.locate ?? (await import('./locate.ts')).entriesOf(file);
  return { relative, ofEntry: (path) => relative(entries(path) ?? { file }) };
}

function describeOption({ name, value, origin }: ResolvedOption, places: Places): DescribedValue {
  const location = entryOf(name, origin).flatMap((path) => places.ofEntry(path) ?? [])[0];
  return {
    ...{ name, text: textOf(value, suiteOptions[name].text), ...asJson(value) },
    origin: { ...origin, ...(location !== undefined && { location }) },
  };
}

/** Where the entry stands in the configuration; nowhere if it is stated elsewhere. */
function entryOf(name: OptionName, origin: Origin): EntryPath[] {
  if (origin.kind === 'profile') return [['profiles', origin.profile, name]];
  return origin.kind === 'configuration' ? [[name]] : [];
}

/** Those that the task has, and the limits that every task has. */
function entriesOfTask(
  { entry }: PlannedTask,
  layers: OptionLayers,
  places: Places,
  location: SourceLocation | undefined,
): DescribedValue[] {
  const definition = definitionOf(isPlaced(entry) ? entry.task : entry);
  const options = new Map<string, ResolvedOption>(layers.resolved().map((each) => [each.name, each]));
  return metaKeys.flatMap((name): DescribedValue[] => {
    const option = isLimit(name) ? options.get(name) : undefined;
    const isStrong = option?.origin.kind === 'command' || option?.origin.kind === 'environment';
    const value = definition.meta[name];
    if (option !== undefined && (isStrong || value === undefined)) return [describeOption(option, places)];
    if (value === undefined) return [];
    return [
      {
        ...{ name, text: textOfMeta(name, value), ...asJson(value) },
        origin: originOfMeta(name, definition, places, location),
      },
    ];
  });
}

/** Is it an option of the suite and an entry of tasks with the same meaning? */
function isLimit(name: string): name is OptionName {
  return declaredOptions.some(([option, { isOfTasks }]) => option === name && isOfTasks === true);
}

function originOfMeta(
  name: keyof TaskMeta,
  { originOf }: TaskDefinition,
  places: Places,
  location: SourceLocation | undefined,
): DescribedOrigin {
  const origin: MetaOrigin = originOf?.(name) ?? { kind: 'file', location };
  if (origin.kind === 'defaults') return { kind: 'factory', by: origin.by ?? '' };
  if (origin.kind === 'override') {
    const { by = '', isAdded = false } = origin;
    const at = places.ofEntry([...pathOf(by), 'set', name]);
    return { kind: 'override', entry: by, isAdded, ...(at !== undefined && { location: at }) };
  }
  return {
    kind: 'task',
    ...(origin.location !== undefined && { location: places.relative(origin.location) }),
  };
}

/** `profiles.ci.overrides.0` as a path. */
function pathOf(entry: string): EntryPath {
  const [, profile, index = ''] = /^(?:profiles\.(.*)\.)?overrides\.(\d+)$/s.exec(entry) ?? [];
  return [...(profile === undefined ? [] : ['profiles', profile]), 'overrides', index];
}

function textOfMeta(name: keyof TaskMeta, value: unknown): string {
  const listed = (describe: (item: never) => string): string =>
    (Array.isArray(value) ? value : [value]).map((item) => describe(item as never)).join(', ');
  switch (name) {
    case 'requires':
      return listed((item: Requirement) => describeRequirement(item));
    case 'after':
    case 'before':
    case 'provides':
    case 'salvages':
    case 'tearsDown':
      return listed((item: Capability) => describeCapability(item));
    case 'uses':
    case 'claims':
      return listed((item: Resource) =>
        isAmount(item) ? `${item.count} of ${describeResource(item.resource)}` : describeResource(item),
      );
    default:
      return textOf(value, isLimit(name) ? suiteOptions[name].text : undefined);
  }
}

/** As people read it: functions and objects by what they are. */
function textOf(value: unknown, form?: TextForm): string {
  if (value instanceof Words) return value.text;
  if (form?.write !== undefined && !isObject(value)) return form.write(value);
  if (typeof value === 'function') return 'a function';
  if (value instanceof RegExp) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((item) => textOf(item)).join(', ');
  if (!isObject(value)) return String(value);
  if ('describe' in value && typeof value.describe === 'string') return value.describe;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return entries.map(([key, each]) => `${String(key) || "''"}: ${textOf(each)}`).join(', ');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Nothing where a part of the value would be lost. */
function asJson(value: unknown): { readonly value?: unknown } {
  return isJson(value) ? { value } : {};
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return (
    isObject(value) && Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isJson)
  );
}
