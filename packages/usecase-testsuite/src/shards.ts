/** Plans one part of a suite, for one of several machines: see docs/shards.md. Which task belongs to which part is decided by `@pexen/store`. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, misuse, type PexenError, type TaskInfo } from '@pexen/core';
import type { Plan } from '@pexen/sched';
import { type Partition, partition, type RunDescription } from '@pexen/store';
import type { CatalogueChoice } from './catalogue/catalogue.ts';
import type { LoadedConfig } from './config/config.ts';
import { planSuite, type SuitePlanGiven } from './plan-suite.ts';
import type { Selection } from './query/selection.ts';

/** One of several parts of a suite. */
export interface ShardChoice {
  /** From 1. */
  readonly index: number;
  readonly count: number;
  /** A file of JSON lines with `path` and `weightMs`: the same file for all shards. Relative to the current directory. */
  readonly weights?: string;
}

/** What a shard runs, and who owns what. */
export interface ShardPlan {
  readonly plan: Plan;
  readonly partition: Partition;
}

/** The number of workers where the configuration has none: that of the machine would divide the suite differently on each. */
const usualWorkers = 4;

/**
 * Plans the tasks that a shard owns, with everything that they need.
 * @throws PexenError as `planSuite` does; PEXEN_BAD_WEIGHTS.
 */
export async function planShard(
  loaded: LoadedConfig,
  selection: Selection,
  given: Omit<SuitePlanGiven, 'weights' | 'shuffle'>,
  { index, count, weights }: ShardChoice,
): Promise<ShardPlan> {
  const weightOf = weights === undefined ? () => undefined : readWeights(resolve(weights));
  let choice: CatalogueChoice | undefined;
  const onCatalogue = (found: CatalogueChoice): void => {
    choice = found;
    given.onCatalogue?.(found);
  };
  const whole = await planSuite(loaded, selection, { ...given, onCatalogue, weights: weightOf });
  const { workers = usualWorkers, sharedResources = [] } = loaded.config;
  const { tasks, bonds } = withoutCatalogue(whole.describe(loaded.root), choice);
  const parts = partition(tasks, { count, workers, sharedResources: [...sharedResources, ...bonds] });
  const plan = whole.select(({ path }) => parts.tasks.get(path)?.shard === index);
  return { plan, partition: parts };
}

/**
 * What is divided depends on no facts about this machine: tasks of the suite alone, of which each shard pulls in what it needs. Those that may pull in
 * one that may not start twice stay together.
 */
function withoutCatalogue(
  all: readonly TaskInfo[],
  choice: CatalogueChoice | undefined,
): { readonly tasks: readonly TaskInfo[]; readonly bonds: readonly string[] } {
  if (choice === undefined) return { tasks: all, bonds: [] };
  const unrepeatable = choice.unrepeatable();
  const tasks = all
    .filter(({ path }) => !choice.pulledIn.has(path))
    .map((info) => {
      const bonds = (unrepeatable.get(info.path) ?? []).map((path) => ({ resource: bondOf(path) }));
      return bonds.length === 0 ? info : { ...info, uses: [...(info.uses ?? []), ...bonds] };
    });
  return { tasks, bonds: [...unrepeatable.values()].flat().map(bondOf) };
}

/** The name that stands for a candidate among the resources. */
function bondOf(path: string): string {
  return `the catalogue's ${path.replaceAll('/', ' ')}`;
}

/** What the journal of a run says of its shard. */
export function placeInPartition({ index, count }: ShardChoice, parts: Partition): Partial<RunDescription> {
  const shardPaths = parts.shards.map(({ owned }) => owned);
  return { shard: `${index}/${count}`, shardPaths, planDigest: parts.digest };
}

/** `Shard 2/3 owns 4 of 9 tasks, and runs 1 more that they need.` */
export function shardSentence({ index, count }: ShardChoice, { shards, tasks }: Partition): string {
  const { owned, copies } = shards[index - 1] as Partition['shards'][number];
  const name = `Shard ${index}/${count}`;
  if (owned.length === 0) return `${name} owns none of the ${tasks.size} tasks: nothing to run.`;
  const more = copies.length === 0 ? '' : `, and runs ${copies.length} more that they need`;
  return `${name} owns ${owned.length} of ${tasks.size} tasks${more}.`;
}

/**
 * Expected durations by call path. Tasks that the file does not name are expected to take as long as the median of those that it names.
 * @throws PexenError PEXEN_BAD_WEIGHTS
 */
function readWeights(file: string): (path: string) => number {
  const weights = new Map<string, number>();
  for (const [index, line] of linesOf(file).entries()) {
    if (line.trim() === '') continue;
    const { path, weightMs } = parsed(line, file, index + 1);
    if (typeof path === 'string' && typeof weightMs === 'number' && weightMs >= 0)
      weights.set(path, weightMs);
  }
  if (weights.size === 0) throw badWeights(`${file} has no line with "path" and "weightMs"`);
  const all = [...weights.values()].sort((a, b) => a - b);
  const median = all[all.length >> 1] as number;
  return (path) => weights.get(path) ?? median;
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    throw badWeights(`the weights cannot be read: ${messageOf(error)}`);
  }
}

function parsed(line: string, file: string, number: number): { path?: unknown; weightMs?: unknown } {
  try {
    return Object(JSON.parse(line)) as { path?: unknown; weightMs?: unknown };
  } catch {
    throw badWeights(`${file}:${number} is not JSON`);
  }
}

function badWeights(message: string): PexenError {
  return misuse('PEXEN_BAD_WEIGHTS', message, 'Write a file of weights with: pexen history --export FILE');
}
