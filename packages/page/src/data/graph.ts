/**
 * Which tests need which, as nodes in columns: what a test needs stands to its left. Large graphs are collapsed to the folders of call paths. Knows no
 * browser.
 */
import type { RequirementInfo } from '@pexen/core';
import { type Counts, countOne } from './looks.ts';
import type { PageTask } from './page-run.ts';

/** A test, a folder of tests, or a resource that tests need. */
export interface GraphNode {
  readonly key: string;
  readonly label: string;
  readonly kind: 'task' | 'folder' | 'resource';
  readonly counts: Counts;
  /** Of a test. */
  readonly task?: PageTask;
  readonly column: number;
  readonly row: number;
}

/** An arrow from what is needed to what needs it. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** `order`: only to run after it. `teardown`: it tears down what the other one provides. `resource`: it takes it. */
  readonly kind: 'requires' | 'order' | 'teardown' | 'resource';
}

/** A graph with places for its nodes. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly columns: number;
  readonly rows: number;
  /** How many parts of call paths the nodes have in common; undefined where each is a test. */
  readonly collapsedTo: number | undefined;
}

/** More nodes are collapsed. */
const MOST_NODES = 400;

/** What is drawn. */
export interface GraphChoice {
  /** Only this test, with all that it needs and all that needs it. */
  readonly around?: string | undefined;
  /** Resources as nodes. */
  readonly resources: boolean;
}

/** The graph of these tests; those without any edge are left out, unless one of them is `around`. */
export function graphOf(tasks: readonly PageTask[], { around, resources }: GraphChoice): Graph {
  const all = [...edgesBetween(tasks), ...(resources ? resourceEdges(tasks) : [])];
  const kept = around === undefined ? undefined : reachable(all, around);
  const edges = kept === undefined ? all : all.filter(({ from, to }) => kept.has(from) && kept.has(to));
  const byPath = new Map(tasks.map((task) => [task.path, task]));
  const keys = new Set(edges.flatMap(({ from, to }) => [from, to]));
  if (around !== undefined) keys.add(around);
  const deepest = Math.max(1, ...tasks.map(({ callPath }) => callPath.length));
  for (let depth = deepest; depth > 0; depth--) {
    const names = depth === deepest ? new Map<string, string>() : namesAt(keys, byPath, depth);
    const nodes = new Set([...keys].map((key) => names.get(key) ?? key));
    if (nodes.size > MOST_NODES && depth > 1) continue;
    return placed(names, keys, byPath, edges, depth === deepest ? undefined : depth);
  }
  return { nodes: [], edges: [], columns: 0, rows: 0, collapsedTo: undefined };
}

/** The shortest way along arrows from one test to another, both included; empty where there is none. */
export function pathBetween(edges: readonly GraphEdge[], from: string, to: string): readonly string[] {
  const next = new Map<string, string[]>();
  for (const edge of edges) append(next, edge.from, edge.to);
  const before = new Map<string, string>([[from, from]]);
  const queue = [from];
  for (const at of queue) {
    if (at === to) return backFrom(before, to);
    for (const each of next.get(at) ?? [])
      if (!before.has(each)) {
        before.set(each, at);
        queue.push(each);
      }
  }
  return [];
}

function backFrom(before: ReadonlyMap<string, string>, to: string): readonly string[] {
  const path = [to];
  for (let at = to; before.get(at) !== at; ) {
    at = before.get(at) ?? at;
    path.unshift(at);
  }
  return path;
}

function edgesBetween(tasks: readonly PageTask[]): readonly GraphEdge[] {
  const providers = new Map<string, string[]>();
  for (const { path, task } of tasks)
    for (const name of [`task:${path}`, ...(task.facts.provides ?? [])]) append(providers, name, path);
  const edges = new Map<string, GraphEdge>();
  const add = (names: readonly string[], to: string, kind: GraphEdge['kind'], isReversed = false): void => {
    for (const name of names)
      for (const provider of providers.get(name) ?? []) {
        const [from, end] = isReversed ? [to, provider] : [provider, to];
        if (from !== end && !edges.has(`${from}\n${end}`))
          edges.set(`${from}\n${end}`, { from, to: end, kind });
      }
  };
  for (const { path, task } of tasks) {
    const { requires = [], after = [], before = [], salvages = [], tearsDown = [] } = task.facts;
    add(
      requires.flatMap(({ capabilities }: RequirementInfo) => capabilities),
      path,
      'requires',
    );
    add(tearsDown, path, 'teardown');
    add([...after, ...salvages], path, 'order');
    add(before, path, 'order', true);
  }
  return [...edges.values()];
}

function resourceEdges(tasks: readonly PageTask[]): readonly GraphEdge[] {
  return tasks.flatMap(({ path, task: { facts } }) =>
    [...(facts.claims ?? []), ...(facts.uses ?? []).map(({ resource }) => resource)].map((resource) => ({
      ...{ from: resourceKey(resource), to: path, kind: 'resource' as const },
    })),
  );
}

/** No call path begins so. */
function resourceKey(resource: string): string {
  return `\u0000${resource}`;
}

/** The node and all from which a way leads to it, and to which a way leads from it. */
function reachable(edges: readonly GraphEdge[], around: string): ReadonlySet<string> {
  const found = new Set([around]);
  for (const isForward of [true, false]) {
    const next = new Map<string, string[]>();
    for (const { from, to, kind } of edges)
      if (kind !== 'resource') append(next, isForward ? from : to, isForward ? to : from);
    const queue = [around];
    for (const at of queue)
      for (const each of next.get(at) ?? [])
        if (!found.has(each)) {
          found.add(each);
          queue.push(each);
        }
  }
  for (const { from, to, kind } of edges) if (kind === 'resource' && to === around) found.add(from);
  return found;
}

function namesAt(
  keys: ReadonlySet<string>,
  byPath: ReadonlyMap<string, PageTask>,
  depth: number,
): ReadonlyMap<string, string> {
  return new Map([...keys].map((key) => [key, byPath.get(key)?.callPath.slice(0, depth).join('/') ?? key]));
}

function placed(
  names: ReadonlyMap<string, string>,
  keys: ReadonlySet<string>,
  byPath: ReadonlyMap<string, PageTask>,
  all: readonly GraphEdge[],
  collapsedTo: number | undefined,
): Graph {
  const nameOf = (key: string): string => names.get(key) ?? key;
  const edges = new Map<string, GraphEdge>();
  for (const { from, to, kind } of all) {
    const edge = { from: nameOf(from), to: nameOf(to), kind };
    const key = `${edge.from}\n${edge.to}`;
    if (edge.from !== edge.to && (!edges.has(key) || kind === 'requires')) edges.set(key, edge);
  }
  const members = new Map<string, string[]>();
  for (const key of keys) append(members, nameOf(key), key);
  const columns = columnsOf([...members.keys()], [...edges.values()]);
  const rows = rowsIn(columns, [...edges.values()]);
  const nodes = [...members].map(([key, within]) => nodeOf(key, within, byPath, columns, rows));
  return {
    ...{ nodes, edges: [...edges.values()], collapsedTo },
    columns: Math.max(0, ...nodes.map(({ column }) => column + 1)),
    rows: Math.max(0, ...nodes.map(({ row }) => row + 1)),
  };
}

function nodeOf(
  key: string,
  within: readonly string[],
  byPath: ReadonlyMap<string, PageTask>,
  columns: ReadonlyMap<string, number>,
  rows: ReadonlyMap<string, number>,
): GraphNode {
  const counts: Counts = {};
  for (const path of within) countOne(counts, byPath.get(path)?.condition ?? 'pass');
  const task = byPath.get(key);
  const kind = task !== undefined ? 'task' : key.startsWith('\u0000') ? 'resource' : 'folder';
  return {
    ...{ key, kind, counts, column: columns.get(key) ?? 0, row: rows.get(key) ?? 0 },
    label: kind === 'resource' ? key.slice(1) : key,
    ...(task !== undefined && { task }),
  };
}

/** The length of the longest way that leads to each node. Arrows back, which collapsed graphs may have, do not count. */
function columnsOf(keys: readonly string[], edges: readonly GraphEdge[]): ReadonlyMap<string, number> {
  const into = new Map<string, string[]>();
  for (const { from, to } of edges) append(into, to, from);
  const columns = new Map<string, number>();
  const open = new Set<string>();
  const visit = (key: string): number => {
    const known = columns.get(key);
    if (known !== undefined || open.has(key)) return known ?? -1;
    open.add(key);
    const column = (into.get(key) ?? []).reduce((most, from) => Math.max(most, visit(from) + 1), 0);
    open.delete(key);
    columns.set(key, column);
    return column;
  };
  for (const key of keys) visit(key);
  return columns;
}

/** Beside what they need and what needs them, as far as there is room: from the column with most nodes to both sides. */
function rowsIn(
  columns: ReadonlyMap<string, number>,
  edges: readonly GraphEdge[],
): ReadonlyMap<string, number> {
  const most = Math.max(-1, ...columns.values());
  const byColumn: string[][] = Array.from({ length: most + 1 }, () => []);
  for (const [key, column] of columns) byColumn[column]?.push(key);
  const beside = new Map<string, string[]>();
  for (const { from, to } of edges) {
    append(beside, from, to);
    append(beside, to, from);
  }
  const rows = new Map<string, number>();
  const place = (keys: readonly string[]): void => {
    const wanted = keys.map((key) => [key, middleOf(key, beside, rows)] as const);
    let next = 0;
    for (const [key, row] of wanted.sort(([, one], [, other]) => one - other)) {
      next = Math.max(next, Math.round(row));
      rows.set(key, next++);
    }
  };
  const longest = byColumn.reduce(
    (found, keys, at) => (keys.length > (byColumn[found]?.length ?? 0) ? at : found),
    0,
  );
  for (const [row, key] of (byColumn[longest] ?? []).sort().entries()) rows.set(key, row);
  for (let at = longest - 1; at >= 0; at--) place(byColumn[at] ?? []);
  for (let at = longest + 1; at <= most; at++) place(byColumn[at] ?? []);
  return rows;
}

/** The middle of the rows of its neighbours that have one. */
function middleOf(
  key: string,
  beside: ReadonlyMap<string, readonly string[]>,
  rows: ReadonlyMap<string, number>,
): number {
  const around = (beside.get(key) ?? []).flatMap((each) => rows.get(each) ?? []);
  return around.length === 0 ? 0 : around.reduce((sum, row) => sum + row, 0) / around.length;
}

function append(index: Map<string, string[]>, key: string, item: string): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, [item]);
  else known.push(item);
}
