/**
 * Metadata by pattern. For each entry: what a task states itself comes first, then the first override that matches it, then the defaults of its
 * factory, then those of the suite. Entries that do not contradict each other are joined instead.
 */
import { resolve } from 'node:path';
import {
  addressed,
  defined,
  definitionOf,
  isAmount,
  locationOf,
  type MetaOrigin,
  type PlacedTask,
  type Problem,
  relativeTo,
  type TaskMeta,
} from '@pexen/core';
import { type Condition, needs } from '@pexen/factory';
import { callPathsOf } from '@pexen/sched';
import { type Selectable, tasksOf } from '../query/selection.ts';
import { overridableMeta } from './declarations.ts';
import type { LayeredOverride } from './layers.ts';

type Entry = (typeof overridableMeta)[number];

/** Lists of which a task may have entries from several sources. */
const joinedLists: ReadonlySet<Entry> = new Set<Entry>([
  ...(['tags', 'requires', 'after', 'before', 'uses', 'claims', 'inputs', 'digestEnv'] as const),
]);

/** The tasks with the metadata that overrides set for them. */
export interface OverriddenTasks {
  readonly tasks: readonly PlacedTask[];
  /** Of overrides that match no task. */
  readonly warnings: readonly Problem[];
}

/** Applies the overrides, strongest first. The files of their queries are relative to the root. */
export function applyOverrides(
  tasks: readonly PlacedTask[],
  overrides: readonly LayeredOverride[],
  root: string,
): OverriddenTasks {
  if (overrides.length === 0 || tasks.length === 0) return { tasks, warnings: [] };
  const selectables = selectablesOf(tasks, root);
  const matching = new Map<number, LayeredOverride[]>();
  const warnings: Problem[] = [];
  for (const each of overrides) {
    const matched = tasksMatching(each, selectables, root);
    if (matched.size === 0) warnings.push(matchesNothing(each));
    for (const task of matched) matching.set(task, [...(matching.get(task) ?? []), each]);
  }
  return {
    tasks: tasks.map((placed, at) => withOverrides(placed, matching.get(at) ?? [])),
    warnings,
  };
}

function tasksMatching(
  { override: { match } }: LayeredOverride,
  tasks: readonly Selectable[],
  root: string,
): ReadonlySet<number> {
  return tasksOf(typeof match === 'string' ? [match] : match, tasks, root);
}

function selectablesOf(tasks: readonly PlacedTask[], root: string): Selectable[] {
  const paths = callPathsOf(tasks);
  const relative = relativeTo(root);
  return tasks.map(({ task }, at) => {
    const { meta, location, site } = definitionOf(task);
    const { file, line } = location ?? locationOf(site) ?? {};
    return {
      ...{ path: paths[at] as string, tags: meta.tags ?? [] },
      ...defined({ file: file && resolve(root, relative(file)), line }),
    };
  });
}

function withOverrides(placed: PlacedTask, overrides: readonly LayeredOverride[]): PlacedTask {
  if (overrides.length === 0) return placed;
  const { meta, address, originOf } = definitionOf(placed.task);
  const isDefault = (entry: Entry): boolean => originOf?.(entry)?.kind === 'defaults';
  const { set, from } = new Merge(meta, isDefault, overrides);
  if (from.size === 0) return placed;
  const source: MetaOriginOf = (entry) => from.get(entry as Entry) ?? originOf?.(entry);
  return { ...placed, task: addressed(placed.task, address, set as TaskMeta, { originOf: source }) };
}

type MetaOriginOf = (entry: keyof TaskMeta) => MetaOrigin | undefined;

/** What overrides set for one task. */
class Merge {
  readonly set: Partial<Record<Entry, unknown>> = {};
  /** Where the entries come from that are set. */
  readonly from = new Map<Entry, MetaOrigin>();

  constructor(own: TaskMeta, isDefault: (entry: Entry) => boolean, overrides: readonly LayeredOverride[]) {
    for (const entry of overridableMeta) {
      const override = overrides.find(({ override: { set } }) => set[entry] !== undefined);
      if (override === undefined) continue;
      const value = joined(entry, own[entry], override.override.set[entry]);
      const isStated = own[entry] !== undefined && !isDefault(entry);
      if (value === undefined && isStated) continue;
      this.set[entry] = value ?? override.override.set[entry];
      this.from.set(entry, { ...originOf(override), ...(value !== undefined && { isAdded: true }) });
    }
    this.#dropPlaceThatIsTaken(own, isDefault, overrides);
    this.#dropUsesThatAreClaimed(own);
  }

  /** A group has a pool of its own: the first statement that names one of the two counts, and the other is left out. */
  #dropPlaceThatIsTaken(
    own: TaskMeta,
    isDefault: (entry: Entry) => boolean,
    overrides: readonly LayeredOverride[],
  ): void {
    const states = (entry: 'group' | 'pool') => own[entry] !== undefined && !isDefault(entry);
    const first = overrides.find(({ override: { set } }) => (set.group ?? set.pool) !== undefined);
    if (first === undefined) return;
    const winner = states('group') ? 'group' : states('pool') ? 'pool' : undefined;
    const named = winner ?? (first.override.set.group === undefined ? 'pool' : 'group');
    const other = named === 'group' ? 'pool' : 'group';
    if (!states(other)) {
      this.from.delete(other);
      delete this.set[other];
      if (own[other] !== undefined) this.set[other] = undefined; // a default of the factory
    }
  }

  /** A claim includes the use. */
  #dropUsesThatAreClaimed(own: TaskMeta): void {
    if (!this.from.has('uses') && !this.from.has('claims')) return;
    const { uses = own.uses ?? [], claims = own.claims ?? [] } = this.set as TaskMeta;
    const left = uses.filter((use) => isAmount(use) || !claims.includes(use));
    if (left.length < uses.length) this.set.uses = left;
  }
}

/** Both values as one; undefined for entries of which only one can count. */
function joined(entry: Entry, own: unknown, added: unknown): unknown {
  if (own === undefined) return undefined;
  if (joinedLists.has(entry)) return [...new Set([...(own as unknown[]), ...(added as unknown[])])];
  return entry === 'when' ? needs(conditionOf(own as When), conditionOf(added as When)) : undefined;
}

type When = NonNullable<TaskMeta['when']>;

function conditionOf(when: When): Condition {
  return typeof when === 'function' ? when : () => when;
}

function originOf(override: LayeredOverride): MetaOrigin {
  return { kind: 'override', by: entryOf(override) };
}

/** Its place in the configuration: `profiles.ci.overrides.0`. */
function entryOf({ origin, index }: LayeredOverride): string {
  return origin.kind === 'profile' ? `profiles.${origin.profile}.overrides.${index}` : `overrides.${index}`;
}

function matchesNothing(override: LayeredOverride): Problem {
  const { match } = override.override;
  const queries = (typeof match === 'string' ? [match] : match).map((query) => `"${query}"`).join(' or ');
  return {
    code: 'PEXEN_UNUSED_PATTERN',
    message: `${entryOf(override)}: no task matches ${queries}`,
    hint: 'See the tasks with: pexen list',
  };
}
