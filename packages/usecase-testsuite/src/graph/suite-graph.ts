/**
 * The tasks of a suite as a graph: what requires what, what comes after what, what is torn down, and which resources are used and claimed. Made of the
 * list of the tasks; plain data. Does not know how graphs are drawn.
 */
import type { RequirementInfo } from '@pexen/core';
import type { ListedTask } from '../list-suite.ts';

/** Grows by one with every change that breaks readers of old graphs. */
export const graphVersion = 1;

/** What edges say. `requires` is always there. */
export const graphLayers = ['orders', 'teardowns', 'locks'] as const;

/** A layer of a graph. */
export type GraphLayer = (typeof graphLayers)[number];

/** A graph. */
export interface SuiteGraph {
  readonly version: typeof graphVersion;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** How many tasks the nodes stand for. */
  readonly tasks: number;
  /** Folders of tasks stand for the tasks in them, from this depth of their call paths on; absent where each task has a node. */
  readonly collapsedAt?: number;
}

/** A task, a folder with several tasks, or a resource. */
export interface GraphNode {
  /** Its call path, that of the folder, or the name of the resource. Unique together with `kind`. */
  readonly name: string;
  readonly kind: 'task' | 'service' | 'folder' | 'resource';
  /** How many tasks a folder stands for. */
  readonly tasks?: number;
}

/** From what comes first to what comes later; from a task to a resource. `from` and `to` are positions in `nodes`. */
export interface GraphEdge {
  readonly from: number;
  readonly to: number;
  /**
   * `requires`: the later one requires what the earlier one provides. `order`: by `after`, `before` or `salvages`. `teardown`: the later one tears down
   * what the earlier one provides. `uses` and `claims`: the task holds the resource.
   */
  readonly kind: 'requires' | 'order' | 'teardown' | 'uses' | 'claims';
  /** What is required or torn down, or how: `any of`, `after`, `before`, `salvages`; several with commas. */
  readonly label?: string;
  /** How many edges between tasks it stands for; absent: one. */
  readonly count?: number;
}

/** Options of `graphOf`. */
export interface GraphOptions {
  /** Default: all. */
  readonly layers?: readonly GraphLayer[];
  /** With more tasks than this, folders stand for the tasks in them. Default: 100. */
  readonly mostNodes?: number;
}

/** The graph of the tasks. */
export function graphOf(tasks: readonly ListedTask[], options: GraphOptions = {}): SuiteGraph {
  const { layers = graphLayers, mostNodes = 100 } = options;
  const depth = depthFor(tasks, mostNodes);
  const nodes = new Nodes(tasks, depth);
  const edges = new Edges(nodes);
  const names = new Names(tasks);
  for (const task of tasks) {
    for (const requirement of task.requires ?? []) addRequirement(edges, task, requirement, names);
    if (layers.includes('orders')) addOrders(edges, task, names);
    if (layers.includes('teardowns'))
      for (const name of task.tearsDown ?? [])
        for (const provider of names.providersOf(name)) edges.add(provider, task.path, 'teardown', name);
    if (!layers.includes('locks')) continue;
    for (const { resource } of task.uses ?? []) edges.hold(task.path, resource, 'uses');
    for (const resource of task.claims ?? []) edges.hold(task.path, resource, 'claims');
  }
  return {
    ...{ version: graphVersion, nodes: nodes.all, edges: edges.all, tasks: tasks.length },
    ...(depth !== Number.POSITIVE_INFINITY && { collapsedAt: depth }),
  };
}

function addRequirement(
  edges: Edges,
  task: ListedTask,
  { form, capabilities, count }: RequirementInfo,
  names: Names,
): void {
  const how = { one: '', every: '', 'any-of': 'any of ', 'at-least': `at least ${count} of ` }[form];
  for (const name of capabilities)
    for (const provider of names.providersOf(name)) {
      const what = name === `task:${provider}` ? '' : plain(name);
      edges.add(provider, task.path, 'requires', `${how}${what}`.trim());
    }
}

function addOrders(edges: Edges, task: ListedTask, names: Names): void {
  const { after = [], before = [], salvages = [] } = task;
  for (const name of after)
    for (const other of names.providersOf(name)) edges.add(other, task.path, 'order', 'after');
  for (const name of salvages)
    for (const other of names.providersOf(name)) edges.add(other, task.path, 'order', 'salvages');
  for (const name of before)
    for (const other of names.providersOf(name)) edges.add(task.path, other, 'order', 'before');
}

/** `site` of `key:site`. */
function plain(name: string): string {
  return name.replace(/^(?:key:|object:|\\)/, '');
}

/** Which tasks provide what. */
class Names {
  readonly #providers = new Map<string, string[]>();

  constructor(tasks: readonly ListedTask[]) {
    for (const { path, provides = [] } of tasks)
      for (const name of [`task:${path}`, ...provides])
        this.#providers.set(name, [...(this.#providers.get(name) ?? []), path]);
  }

  providersOf(name: string): readonly string[] {
    return this.#providers.get(name) ?? [];
  }
}

/** The greatest depth of folders at which there are few enough nodes; infinite where each task can have its own. */
function depthFor(tasks: readonly ListedTask[], mostNodes: number): number {
  if (tasks.length <= mostNodes) return Number.POSITIVE_INFINITY;
  let depth = 1;
  const deepest = Math.max(...tasks.map(({ callPath }) => callPath.length));
  while (depth < deepest && countAt(tasks, depth + 1) <= mostNodes) depth++;
  return depth;
}

function countAt(tasks: readonly ListedTask[], depth: number): number {
  return new Set(tasks.map((task) => folderAt(task, depth))).size;
}

function folderAt({ callPath, path }: Pick<ListedTask, 'callPath' | 'path'>, depth: number): string {
  if (callPath.length <= depth) return path;
  return callPath
    .slice(0, depth)
    .map((part) => part.replaceAll(/[\\/]/g, '\\$&'))
    .join('/');
}

class Nodes {
  readonly all: GraphNode[] = [];
  readonly #places = new Map<string, number>();
  readonly #resources = new Map<string, number>();

  constructor(tasks: readonly ListedTask[], depth: number) {
    const members = new Map<string, ListedTask[]>();
    for (const task of tasks) {
      const folder = folderAt(task, depth);
      members.set(folder, [...(members.get(folder) ?? []), task]);
    }
    for (const [name, those] of members) {
      for (const { path } of those) this.#places.set(path, this.all.length);
      const [only] = those;
      const isOne = those.length === 1 && only !== undefined;
      const kind = only?.service === true ? 'service' : 'task';
      this.all.push(isOne ? { name: only.path, kind } : { name, kind: 'folder', tasks: those.length });
    }
  }

  at(path: string): number {
    return this.#places.get(path) as number;
  }

  resource(name: string): number {
    const known = this.#resources.get(name);
    if (known !== undefined) return known;
    this.#resources.set(name, this.all.length);
    return this.all.push({ name, kind: 'resource' }) - 1;
  }
}

/** Edges between the same nodes and of one kind are one. */
class Edges {
  readonly #nodes: Nodes;
  readonly #found = new Map<
    string,
    { from: number; to: number; kind: GraphEdge['kind']; labels: Set<string>; count: number }
  >();

  constructor(nodes: Nodes) {
    this.#nodes = nodes;
  }

  get all(): GraphEdge[] {
    return [...this.#found.values()].map(({ from, to, kind, labels, count }) => {
      const label = [...labels].filter((each) => each !== '').join(', ');
      return { from, to, kind, ...(label !== '' && { label }), ...(count > 1 && { count }) };
    });
  }

  add(from: string, to: string, kind: GraphEdge['kind'], label: string): void {
    this.#add(this.#nodes.at(from), this.#nodes.at(to), kind, label);
  }

  hold(path: string, resource: string, kind: 'uses' | 'claims'): void {
    this.#add(this.#nodes.at(path), this.#nodes.resource(resource), kind, '');
  }

  /** Nothing where both are in one folder. */
  #add(from: number, to: number, kind: GraphEdge['kind'], label: string): void {
    if (from === to) return;
    const key = `${from} ${to} ${kind}`;
    const known = this.#found.get(key) ?? { from, to, kind, labels: new Set<string>(), count: 0 };
    known.labels.add(label);
    known.count++;
    this.#found.set(key, known);
  }
}
