/** The parts of a table, put together. For the table itself, and for those in this package that describe and check it. */
import { describeResource, type Problem, problem, type Resource, refuse } from '@pexen/core';
import { isA, type KindsOf, number, optionProblems, whole } from '@pexen/core/options';
import { Demands } from './demands.ts';
import { Footprint } from './footprint.ts';
import { HoldCounts } from './hold-counts.ts';
import { Holders } from './holders.ts';
import { Obstacles } from './obstacles.ts';
import { Parking } from './parking.ts';
import { Poison } from './poison.ts';
import { ResourceTree } from './resource-tree.ts';
import { Waiting } from './waiting.ts';

/** How many units there are of resources: by name, or in pairs, for those that are no text. */
export type Capacities = Readonly<Record<string, number>> | Iterable<readonly [Resource, number]>;

/** What a lock table is made with. */
export interface LockTableOptions {
  /** How many units there are of a resource; others have none to count. */
  readonly capacities?: Capacities | undefined;
  /** So many lanes there are: kinds of holders of which any can be closed (`setLane`). Default 1. */
  readonly lanes?: number | undefined;
  /** After so many overtakings a parked holder is starved. At least 1, default 64. */
  readonly overtakings?: number | undefined;
  /**
   * After so many starts of better holders that were added after it was parked, the one that waits longest at its place is starved.
   * At least 1, default 512.
   */
  readonly latecomers?: number | undefined;
}

const kinds: KindsOf<LockTableOptions> = {
  capacities: isA('an object, or a list of pairs', (value) => typeof value === 'object' && value !== null),
  lanes: whole(1),
  overtakings: number(1),
  latecomers: number(1),
};

export class Inside {
  readonly tree: ResourceTree = new ResourceTree();
  readonly demands: Demands = new Demands(this.tree);
  readonly footprint: Footprint = new Footprint(this.tree, this.demands);
  readonly holders: Holders = new Holders();
  readonly obstacles: Obstacles;
  readonly waiting: Waiting;
  readonly poison: Poison;

  constructor(options: LockTableOptions) {
    const problems = optionProblems('locks', options, kinds);
    const { capacities = [], overtakings = 64, latecomers = 512, lanes = 1 } = options ?? {};
    const { tree, demands, footprint, holders } = this;
    const pairs = pairsOf(capacities);
    refuse([...problems, ...pairs.flatMap(checkCapacity)]);
    for (const [resource, capacity] of pairs) tree.declare(resource, capacity);
    const counts = (): HoldCounts => new HoldCounts(tree, demands, footprint);
    this.obstacles = new Obstacles(tree, demands, counts(), counts());
    const parking = new Parking(holders, demands, tree, footprint, this.obstacles, lanes);
    const limits = { overtakings, latecomers };
    this.waiting = new Waiting(holders, tree, footprint, this.obstacles, parking, counts(), limits);
    this.poison = new Poison(tree, demands, counts());
  }
}

function pairsOf(capacities: Capacities): (readonly [Resource, number])[] {
  if (typeof capacities !== 'object' || capacities === null) return []; // refused by its kind
  return Symbol.iterator in capacities ? [...capacities] : Object.entries(capacities);
}

function checkCapacity([resource, capacity]: readonly [Resource, number]): Problem[] {
  if (typeof capacity === 'number' && capacity > 0) return [];
  const message = `the capacity of ${describeResource(resource)} must be a number above 0`;
  return [problem('PEXEN_BAD_OPTION', message)];
}
