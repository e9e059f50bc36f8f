/** Runs the factories of a configuration, collects their tasks and problems, and sets what overrides say. */
import { type PlacedTask, type Problem, place, type Resource, type Runnable, refuse } from '@pexen/core';
import { collect as collectFrom, type Factory, type LazyFacts, together, under } from '@pexen/factory';
import { type LoadedConfig, layersOf } from './config/config.ts';
import type { SuiteConfig } from './config/define-suite.ts';
import { applyOverrides } from './options/overrides.ts';
import { statedIn, workersOf } from './run-options.ts';

/** What the factories of a suite made. */
export interface CollectedTasks {
  readonly tasks: readonly PlacedTask[];
  /** Those of the catalogue. */
  readonly candidates: readonly PlacedTask[];
  /** The capacities that factories stated, and those of the configuration, which take precedence. */
  readonly capacities: ReadonlyMap<Resource, number>;
}

/**
 * All tasks of the suite, in the order of the configuration.
 * @throws PexenError with the problems of all factories together.
 */
export async function collectTasks(
  loaded: LoadedConfig,
  facts: LazyFacts,
  onWarning: (warning: Problem) => void,
): Promise<CollectedTasks> {
  const { config, root } = loaded;
  const sources = Object.entries(config.from).map(([callPath, factory]) => under(partsOf(callPath), factory));
  const workers = workersOf(statedIn(layersOf(loaded)), config);
  const context = { root, facts: facts.facts, workers };
  const collectAll = async () => {
    const tasks = await collectFrom(together(...sources), context);
    return [tasks, await collectFrom(catalogueOf(config), context)] as const;
  };
  let collected = await collectAll();
  // A factory has asked for a fact that takes time: once it is known, the factories start over.
  while (facts.wasMissed) {
    await facts.settle();
    collected = await collectAll();
  }
  const [{ tasks }, { tasks: candidates }] = collected;
  for (const warning of collected.flatMap(({ warnings }) => warnings)) onWarning(warning);
  refuse(collected.flatMap(({ problems }) => problems));
  const capacities = new Map<Resource, number>();
  for (const [resource, count] of collected.flatMap((each) => [...each.capacities]))
    capacities.set(resource, Math.min(count, capacities.get(resource) ?? count));
  const own = config.capacities ?? {};
  const configured = Symbol.iterator in own ? own : Object.entries(own);
  const all = [...tasks, ...candidates].map(placed);
  const overridden = applyOverrides(all, layersOf(loaded).overrides(), root);
  overridden.warnings.forEach(onWarning);
  return {
    tasks: overridden.tasks.slice(0, tasks.length),
    candidates: overridden.tasks.slice(tasks.length),
    capacities: new Map([...capacities, ...configured, ...capacitiesIn(config)]),
  };
}

/** Those that stand with other rules for resources. What there is on each node is counted there. */
function capacitiesIn({ resources = {} }: SuiteConfig): [Resource, number][] {
  return Object.entries(resources).flatMap(([name, { scope, capacity }]) =>
    scope === 'node' || typeof capacity !== 'number' ? [] : [[name, capacity] as [Resource, number]],
  );
}

/** Factories of others may yield tasks without a place. */
function placed(entry: PlacedTask | Runnable): PlacedTask {
  return typeof entry === 'function' ? place([], entry) : entry;
}

/** The factories and the tasks of the catalogue, in one. */
function catalogueOf({ catalogue = [] }: SuiteConfig): Factory {
  const entries = 'make' in catalogue ? [catalogue] : catalogue;
  return together(...entries.map((entry) => (isFactory(entry) ? entry : factoryOf(entry))));
}

function isFactory(entry: Factory | Runnable | PlacedTask): entry is Factory {
  return typeof entry === 'object' && 'make' in entry;
}

function factoryOf(entry: Runnable | PlacedTask): Factory {
  return {
    ...{ kind: 'task', describe: 'a task of the catalogue' },
    async *make() {
      yield placed(entry);
    },
  };
}

function partsOf(callPath: string): string[] {
  return callPath.split('/').filter((part) => part !== '');
}
