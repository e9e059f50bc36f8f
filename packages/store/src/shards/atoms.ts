/** Divides the tasks of a suite into atoms: tasks that have to belong to one shard. Knows nothing of durations. */
import type { TaskInfo } from '@pexen/core';
import { siblingLists } from '../resume/task-record.ts';
import type { PullGraph } from './pull-graph.ts';

/** Why two tasks belong to one shard, said of either of them. Continues a sentence after the path of the task. */
interface Bond {
  readonly of: number;
  readonly to: number;
  /** Said of `of`. */
  readonly why: string;
  /** Said of `to`. */
  readonly whyOther: string;
}

/** Tasks that belong to one shard. */
export interface Atoms {
  /** Ascending numbers, in the order of their first ones. */
  readonly members: readonly (readonly number[])[];
  /** Why a task does not stand alone: continues a sentence after its path. Undefined where it does. */
  whyBound(task: number): string | undefined;
}

/**
 * - A task that may not start twice, and all tasks that pull it in: two shards would both start it.
 * - The tasks that hold a resource which all machines share, something below it or something above it.
 * - A salvage and the tasks that it salvages; a teardown and the providers of what it tears down: each starts only where the others run.
 * - A service, and the first of the tasks that require it: it starts only where tasks need it, and its owner has to have its result.
 * - Siblings with the same derived name: which of them has which path depends on the whole list.
 */
export function atomsOf(
  tasks: readonly TaskInfo[],
  graph: PullGraph,
  sharedResources: readonly string[],
): Atoms {
  const sets = new DisjointSets(tasks.length);
  const bonds = [
    ...unrepeatable(tasks, graph),
    ...holders(tasks, sharedResources),
    ...followers(tasks, graph),
    ...services(tasks, graph),
    ...siblings(tasks),
  ].filter(({ of, to }) => sets.unite(of, to));
  const why = new Map<number, string>();
  for (const bond of bonds) {
    if (!why.has(bond.of)) why.set(bond.of, bond.why);
    if (!why.has(bond.to)) why.set(bond.to, bond.whyOther);
  }
  return { members: sets.members(), whyBound: (task) => why.get(task) };
}

/** A task of this kind that another one of this kind pulls in is bound to all that pull in that one, too. A service binds nothing itself, and starts in several shards. */
function* unrepeatable(tasks: readonly TaskInfo[], graph: PullGraph): Generator<Bond> {
  for (const [task, { path, rerunnable, service }] of tasks.entries()) {
    if (rerunnable || service) continue;
    const seen = new Set([task]);
    for (const next of seen)
      for (const other of graph.pulledBy[next] as readonly number[]) {
        if (seen.has(other)) continue;
        if (tasks[other]?.rerunnable === true || tasks[other]?.service) seen.add(other);
        yield {
          ...{ of: other, to: task },
          why: `needs "${path}", which may not start twice`,
          whyOther: `may not start twice, and "${tasks[other]?.path}" needs it`,
        };
      }
  }
}

function* holders(tasks: readonly TaskInfo[], sharedResources: readonly string[]): Generator<Bond> {
  for (const shared of [...new Set(sharedResources)].sort(byText)) {
    const node = partsOf(shared);
    const held = tasks.flatMap(({ uses = [], claims = [] }, task) => {
      const resources = [...uses.map(({ resource }) => resource), ...claims];
      return resources.some((resource) => overlap(partsOf(resource), node)) ? [task] : [];
    });
    for (const bond of chained(tasks, held, `holds ${shared}, which all shards share, as does`)) yield bond;
  }
}

function* followers(tasks: readonly TaskInfo[], graph: PullGraph): Generator<Bond> {
  for (const [task, { path, salvages, tearsDown }] of tasks.entries()) {
    for (const to of graph.providersOf(salvages))
      yield {
        ...{ of: task, to },
        ...{ why: `salvages "${tasks[to]?.path}"`, whyOther: `"${path}" salvages it` },
      };
    for (const to of graph.providersOf(tearsDown))
      yield {
        ...{ of: task, to },
        why: `tears down what "${tasks[to]?.path}" provides`,
        whyOther: `"${path}" tears down what it provides`,
      };
  }
}

/** Whether a dependent applies is known only on its machine, so that it must not decide here. */
function* services(tasks: readonly TaskInfo[], graph: PullGraph): Generator<Bond> {
  for (const [of, { path, service }] of tasks.entries()) {
    const to = service ? graph.pulledBy[of]?.[0] : undefined;
    if (to === undefined) continue;
    const other = tasks[to]?.path;
    yield {
      of,
      to,
      why: `starts only where tasks like "${other}" need it`,
      whyOther: `needs the service "${path}"`,
    };
  }
}

function* siblings(tasks: readonly TaskInfo[]): Generator<Bond> {
  const numbers = new Map(tasks.map(({ path }, task) => [path, task]));
  for (const list of siblingLists(tasks).values()) {
    const members = list.map(({ path }) => numbers.get(path) as number);
    for (const bond of chained(tasks, members, 'is named by its place in a list, as is')) yield bond;
  }
}

/** Binds each of the tasks to the first; `as` is followed by the path of the other. */
function chained(tasks: readonly TaskInfo[], members: readonly number[], as: string): Bond[] {
  const [first, ...others] = members;
  if (first === undefined) return [];
  return others.map((of) => ({
    ...{ of, to: first },
    why: `${as} "${tasks[first]?.path}"`,
    whyOther: `${as} "${tasks[of]?.path}"`,
  }));
}

/** The nodes from the root of the tree to a resource. Only names that begin with a slash are paths; `db` is the same as `/db`. */
function partsOf(resource: string): readonly string[] {
  return resource.startsWith('/') ? resource.split('/').filter((part) => part !== '') : [resource];
}

/** True if one of them is the other, or above it. */
function overlap(one: readonly string[], other: readonly string[]): boolean {
  const shorter = Math.min(one.length, other.length);
  return one.slice(0, shorter).every((part, at) => part === other[at]);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Union-find over numbers. */
class DisjointSets {
  readonly #above: Int32Array;

  constructor(count: number) {
    this.#above = Int32Array.from({ length: count }, (_, index) => index);
  }

  /** False if they were in one set already. The smaller root stays. */
  unite(one: number, other: number): boolean {
    const [a, b] = [this.#rootOf(one), this.#rootOf(other)];
    if (a === b) return false;
    this.#above[Math.max(a, b)] = Math.min(a, b);
    return true;
  }

  members(): number[][] {
    const sets = new Map<number, number[]>();
    for (let each = 0; each < this.#above.length; each++) {
      const root = this.#rootOf(each);
      const set = sets.get(root);
      if (set === undefined) sets.set(root, [each]);
      else set.push(each);
    }
    return [...sets.values()];
  }

  #rootOf(of: number): number {
    let root = of;
    while (this.#above[root] !== root) {
      this.#above[root] = this.#above[this.#above[root] as number] as number;
      root = this.#above[root] as number;
    }
    return root;
  }
}
