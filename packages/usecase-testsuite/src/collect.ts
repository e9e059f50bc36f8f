/** Runs the factories of a configuration and collects their tasks and problems. */
import { type Facts, type PlacedTask, type Problem, type Resource, refuse } from '@pexen/core';
import { collect as collectFrom, together, under } from '@pexen/factory';
import { environment, type LoadedConfig, ofConfiguration } from './config.ts';

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
  { config, root }: LoadedConfig,
  facts: Facts,
  onWarning: (warning: Problem) => void,
): Promise<CollectedTasks> {
  const sources = Object.entries(config.from).map(([callPath, factory]) => under(partsOf(callPath), factory));
  const { tasks, problems, warnings, capacities } = await collectFrom(together(...sources), { root, facts });
  for (const warning of warnings) onWarning(warning);
  refuse(problems);
  const own = config.capacities ?? {};
  const configured = Symbol.iterator in own ? own : Object.entries(own);
  return { tasks, capacities: new Map([...capacities, ...configured]) };
}

/**
 * The facts about the environment: the suite's own facts, which take precedence over those that every suite has.
 * @throws PexenError PEXEN_CONFIG_FAILED where the configured function throws.
 */
export async function factsOf({ config, file }: LoadedConfig): Promise<Facts> {
  const { facts } = config;
  const own = typeof facts === 'function' ? await ofConfiguration(async () => facts(), file) : facts;
  return { platform: process.platform, arch: process.arch, ci: environment().ci, ...own };
}

function partsOf(callPath: string): string[] {
  return callPath.split('/').filter((part) => part !== '');
}
