/** How long a set of tasks takes on one machine: a lower bound that is good enough to divide tasks by. Tasks are numbers. */
import type { TaskInfo } from '@pexen/core';
import type { PullGraph } from './pull-graph.ts';
import { roundedWeight } from './weights.ts';

/** What the load of a shard is computed from; all times are milliseconds. */
export class Costs {
  readonly graph: PullGraph;
  /** How many tasks run at the same time on one machine. */
  readonly workers: number;
  readonly weight: Float64Array;
  /** The time that each task takes of all workers together: a task that runs alone keeps all of them. */
  readonly work: Float64Array;
  /** The longest chain of tasks that each task ends. */
  readonly chain: Float64Array;
  /** The resources that each task claims. */
  readonly claims: readonly (readonly string[])[];

  constructor(tasks: readonly TaskInfo[], graph: PullGraph, workers: number) {
    this.graph = graph;
    this.workers = workers;
    this.weight = Float64Array.from(tasks, ({ weightMs = 1 }) => roundedWeight(weightMs));
    this.work = Float64Array.from(tasks, ({ exclusive }, task) => {
      return (this.weight[task] as number) * (exclusive === true ? workers : 1);
    });
    this.claims = tasks.map(({ claims = [] }) => claims);
    this.chain = this.#chains(tasks);
  }

  /** Providers before those that require them. */
  #chains(tasks: readonly TaskInfo[]): Float64Array {
    const chain = new Float64Array(tasks.length);
    const state = new Uint8Array(tasks.length);
    const required = tasks.map(({ requires = [] }) =>
      this.graph.providersOf(requires.flatMap(({ capabilities }) => capabilities)),
    );
    const open = [...tasks.keys()];
    for (let task = open.at(-1); task !== undefined; task = open.at(-1)) {
      const providers = required[task] as readonly number[];
      if (state[task] === NEW) {
        state[task] = OPEN;
        open.push(...providers.filter((provider) => state[provider] === NEW));
        continue;
      }
      open.pop();
      if (state[task] === MEASURED) continue;
      state[task] = MEASURED;
      const before = providers.reduce((most, provider) => Math.max(most, chain[provider] as number), 0);
      chain[task] = before + (this.weight[task] as number);
    }
    return chain;
  }
}

const NEW = 0;
const OPEN = 1;
const MEASURED = 2;

/** What a shard would be with further tasks. */
interface Growth {
  /** The tasks that it would run in addition, with all that they pull in. */
  readonly tasks: readonly number[];
  readonly costMs: number;
  readonly workMs: number;
  readonly addedMs: number;
}

/** The tasks that one shard runs. */
export class Load {
  readonly #costs: Costs;
  readonly #runs = new Set<number>();
  readonly #claims = new Map<string, number>();
  #work = 0;
  #chain = 0;
  #claimed = 0;

  constructor(costs: Costs) {
    this.#costs = costs;
  }

  /** All that it runs. */
  get tasks(): ReadonlySet<number> {
    return this.#runs;
  }

  /** The largest of: its work, divided by the workers; its longest chain; the tasks that claim one resource. */
  get costMs(): number {
    return Math.max(this.#work / this.#costs.workers, this.#chain, this.#claimed);
  }

  /** What it would be with these tasks and all that they pull in. Costs as much as that are tasks which it does not run yet. */
  with(tasks: readonly number[]): Growth {
    const { work, chain, claims, workers } = this.#costs;
    const added = this.#added(tasks);
    const claimed = new Map<string, number>();
    let [workMs, chainMs, claimedMs] = [this.#work, this.#chain, this.#claimed];
    for (const task of added) {
      workMs += work[task] as number;
      chainMs = Math.max(chainMs, chain[task] as number);
      for (const resource of claims[task] as readonly string[]) {
        const sum = (claimed.get(resource) ?? this.#claims.get(resource) ?? 0) + this.#weightOf(task);
        claimed.set(resource, sum);
        claimedMs = Math.max(claimedMs, sum);
      }
    }
    const costMs = Math.max(workMs / workers, chainMs, claimedMs);
    return { tasks: added, costMs, workMs, addedMs: workMs - this.#work };
  }

  add({ tasks }: Growth): void {
    const { work, chain, claims } = this.#costs;
    for (const task of tasks) {
      this.#runs.add(task);
      this.#work += work[task] as number;
      this.#chain = Math.max(this.#chain, chain[task] as number);
      for (const resource of claims[task] as readonly string[]) {
        const sum = (this.#claims.get(resource) ?? 0) + this.#weightOf(task);
        this.#claims.set(resource, sum);
        this.#claimed = Math.max(this.#claimed, sum);
      }
    }
  }

  /** Ascending, so that sums do not depend on the way to the tasks. */
  #added(tasks: readonly number[]): number[] {
    const added = new Set(tasks.filter((task) => !this.#runs.has(task)));
    for (const task of added)
      for (const pulled of this.#costs.graph.pulls[task] as readonly number[])
        if (!this.#runs.has(pulled)) added.add(pulled);
    return [...added].sort((a, b) => a - b);
  }

  #weightOf(task: number): number {
    return this.#costs.weight[task] as number;
  }
}
