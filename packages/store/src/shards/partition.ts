/**
 * Divides the tasks of a suite among shards. A pure function: it depends on the tasks and the options only, neither on their order nor on the
 * machine or what it remembers, so that all shards, each of which computes it for itself, agree on it.
 */
import type { Digest, TaskInfo } from '@pexen/core';
import { hashOf } from '../identity/hash.ts';
import { type Atoms, atomsOf } from './atoms.ts';
import { Costs, Load } from './load.ts';
import { PullGraph } from './pull-graph.ts';

/** What a partition depends on besides the tasks. */
export interface PartitionOptions {
  /** The number of shards. */
  readonly count: number;
  /** How many tasks run at the same time in each shard: the same number for all of them. */
  readonly workers: number;
  /** Names of resources that exist once for all shards, such as a database server: `/srv/db`. */
  readonly sharedResources?: readonly string[];
}

/** Which shard owns which task. Every task has exactly one owner. */
export interface Partition {
  readonly count: number;
  /** Of the paths that each shard owns: shards belong together if and only if it is the same. */
  readonly digest: Digest;
  /** In the order of their numbers: the first is shard 1. */
  readonly shards: readonly PartitionedShard[];
  /** By call path. */
  readonly tasks: ReadonlyMap<string, OwnedTask>;
}

/** One shard. Paths are sorted. */
export interface PartitionedShard {
  /** The tasks whose results it reports. */
  readonly owned: readonly string[];
  /** The tasks that it runs as well, since what it owns pulls them in. */
  readonly copies: readonly string[];
  /** An estimate of its duration, as far as the weights are right. */
  readonly costMs: number;
}

/** The owner of a task, and why. */
export interface OwnedTask {
  /** From 1. */
  readonly shard: number;
  /** Why it has to be where others are: continues a sentence after its path. Absent where it may be anywhere. */
  readonly boundBy?: string;
}

/**
 * The atoms, those that cost most first, go each to a shard that runs it anyway, since what it owns needs it; else to the shard that then costs least, among equals
 * to the one where fewer tasks are added to what it runs, then to the one with less work, then to the first. If dealing the atoms out in turn gives a cheaper
 * result, that is used.
 */
export function partition(tasks: readonly TaskInfo[], options: PartitionOptions): Partition {
  const { count, workers, sharedResources = [] } = options;
  const sorted = [...tasks].sort((a, b) => compare(a.path, b.path));
  const graph = new PullGraph(sorted);
  const atoms = atomsOf(sorted, graph, sharedResources);
  const costs = new Costs(sorted, graph, workers);
  const greedy = assignGreedily(atoms, costs, count);
  const inTurn = assignInTurn(atoms, costs, count);
  const chosen = costOf(inTurn) < costOf(greedy) ? inTurn : greedy;
  return describe(sorted, atoms, chosen);
}

/** The shards, and the shard of each atom. */
interface Assignment {
  readonly loads: readonly Load[];
  /** From 0. */
  readonly shardOf: readonly number[];
}

function assignGreedily({ members }: Atoms, costs: Costs, count: number): Assignment {
  const loads = Array.from({ length: count }, () => new Load(costs));
  const alone = members.map((tasks) => new Load(costs).with(tasks).costMs);
  const order = [...members.keys()].sort((a, b) => (alone[b] as number) - (alone[a] as number) || a - b);
  const shardOf: number[] = Array(members.length);
  for (const atom of order) {
    const offers = loads.map((load) => load.with(members[atom] as readonly number[]));
    let best = 0;
    for (let shard = 1; shard < count; shard++) {
      const [offer, leader] = [offers[shard] as Offer, offers[best] as Offer];
      if (isBetter(offer, leader)) best = shard;
    }
    loads[best]?.add(offers[best] as Offer);
    shardOf[atom] = best;
  }
  return { loads, shardOf };
}

type Offer = ReturnType<Load['with']>;

function isBetter(one: Offer, other: Offer): boolean {
  const [isCopied, isOtherCopied] = [one.tasks.length === 0, other.tasks.length === 0];
  if (isCopied !== isOtherCopied) return isCopied;
  if (one.costMs !== other.costMs) return one.costMs < other.costMs;
  if (one.addedMs !== other.addedMs) return one.addedMs < other.addedMs;
  return one.workMs < other.workMs;
}

function assignInTurn({ members }: Atoms, costs: Costs, count: number): Assignment {
  const loads = Array.from({ length: count }, () => new Load(costs));
  const shardOf = members.map((_, atom) => atom % count);
  for (const [atom, tasks] of members.entries()) {
    const load = loads[shardOf[atom] as number] as Load;
    load.add(load.with(tasks));
  }
  return { loads, shardOf };
}

function costOf({ loads }: Assignment): number {
  return Math.max(...loads.map(({ costMs }) => costMs));
}

function describe(sorted: readonly TaskInfo[], atoms: Atoms, { loads, shardOf }: Assignment): Partition {
  const pathOf = (task: number): string => (sorted[task] as TaskInfo).path;
  const owner = new Map<number, number>();
  for (const [atom, members] of atoms.members.entries())
    for (const task of members) owner.set(task, shardOf[atom] as number);
  const numbers = [...sorted.keys()];
  const shards = loads.map(({ tasks, costMs }, shard) => ({
    owned: numbers.filter((task) => owner.get(task) === shard).map(pathOf),
    copies: numbers.filter((task) => tasks.has(task) && owner.get(task) !== shard).map(pathOf),
    costMs,
  }));
  const tasks = numbers.map((task): readonly [string, OwnedTask] => {
    const boundBy = atoms.whyBound(task);
    const shard = (owner.get(task) as number) + 1;
    return [pathOf(task), { shard, ...(boundBy !== undefined && { boundBy }) }];
  });
  return {
    ...{ count: loads.length, shards, tasks: new Map(tasks) },
    digest: ownershipDigest(shards.map(({ owned }) => owned)),
  };
}

/** The digest of a partition, from the sorted paths that each shard owns. */
export function ownershipDigest(owned: readonly (readonly string[])[]): Digest {
  return hashOf(JSON.stringify(owned));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
