/** Runs the factories of a configuration, collects their tasks and problems, and sets what overrides say. */
import { type PlacedTask, type Problem, type Resource, refuse } from '@pexen/core';
import { collect as collectFrom, type LazyFacts, together, under } from '@pexen/factory';
import { type LoadedConfig, layersOf } from './config.ts';
import { applyOverrides } from './options/overrides.ts';

/** What the factories of a suite made. */
export interface CollectedTasks {
  readonly tasks: readonly PlacedTask[];
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
  const collect = () => collectFrom(together(...sources), { root, facts: facts.facts });
  let collected = await collect();
  // A factory has asked for a fact that takes time: once it is known, the factories start over.
  while (facts.wasMissed) {
    await facts.settle();
    collected = await collect();
  }
  const { tasks, problems, warnings, capacities } = collected;
  for (const warning of warnings) onWarning(warning);
  refuse(problems);
  const own = config.capacities ?? {};
  const configured = Symbol.iterator in own ? own : Object.entries(own);
  const overridden = applyOverrides(tasks, layersOf(loaded).overrides(), root);
  overridden.warnings.forEach(onWarning);
  return { tasks: overridden.tasks, capacities: new Map([...capacities, ...configured]) };
}

function partsOf(callPath: string): string[] {
  return callPath.split('/').filter((part) => part !== '');
}
