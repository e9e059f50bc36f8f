/** Finds a cycle to show to the user: the shortest one through the first nodes that are part of any. Runs only if a cycle exists. */
import { DONE_WITH, GROUP, type Graph } from './graph.ts';
import type { LiveRun } from './planned.ts';

/** The number of tasks and conditions from which a shortest cycle is searched. */
const mostStarts = 200;

/**
 * The tasks of a short cycle, in the order in which they would have to run or to be released. Between them, negated, the conditions of the
 * groups that would have to start. Empty without a cycle.
 */
export function findCycle(graph: Graph, live: LiveRun | undefined): number[] {
  const left = nodesInCycles(graph, live);
  let shortest: number[] = [];
  for (const start of [...left].slice(0, mostStarts)) {
    const found = shortestCycle(graph, start, left);
    if (found.length > 0 && (shortest.length === 0 || found.length < shortest.length)) shortest = found;
  }
  return shortest;
}

/** Removes the tasks that are over, and then, repeatedly, the tasks and conditions without a predecessor or without a successor. */
function nodesInCycles(graph: Graph, live: LiveRun | undefined): ReadonlySet<number> {
  const nodes = [
    ...[...Array(graph.taskCount).keys()].filter((task) => !live?.isOver(task)),
    ...Array.from({ length: graph.conditionCount }, (_, condition) => ~condition),
  ];
  const left = new Set(nodes);
  peel(
    left,
    (node) => after(graph, node),
    (node) => before(graph, node),
  );
  peel(
    left,
    (node) => before(graph, node),
    (node) => after(graph, node),
  );
  return left;
}

function peel(left: Set<number>, onward: (node: number) => number[], back: (node: number) => number[]): void {
  const counts = new Map<number, number>();
  for (const node of left) counts.set(node, back(node).filter((other) => left.has(other)).length);
  const free = [...left].filter((node) => counts.get(node) === 0);
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    left.delete(node);
    for (const next of onward(node)) {
      const count = (counts.get(next) ?? 0) - 1;
      counts.set(next, count);
      if (count === 0 && left.has(next)) free.push(next);
    }
  }
}

/** A breadth-first search from the node until it is reached again. Returns the tasks on the path. */
function shortestCycle(graph: Graph, start: number, within: ReadonlySet<number>): number[] {
  const cameFrom = new Map<number, number>();
  let front = [start];
  while (front.length > 0) {
    const next: number[] = [];
    for (const node of front)
      for (const other of after(graph, node)) {
        if (other === start) return tasksOn(graph, cameFrom, node);
        if (cameFrom.has(other) || !within.has(other)) continue;
        cameFrom.set(other, node);
        next.push(other);
      }
    front = next;
  }
  return [];
}

function tasksOn(graph: Graph, cameFrom: ReadonlyMap<number, number>, last: number): number[] {
  const path: number[] = [];
  for (let node: number | undefined = last; node !== undefined; node = cameFrom.get(node)) path.push(node);
  return [...new Set(path.reverse().flatMap((node) => shownOf(graph, node)))];
}

/** The part of a node that is shown: a task, the task that must be released, or a group. */
function shownOf({ kind, subjects }: Graph, node: number): number[] {
  if (node >= 0 || kind[~node] === GROUP) return [node];
  return kind[~node] === DONE_WITH ? [subjects[~node] as number] : [];
}

function after({ feeds, waits, relays }: Graph, node: number): number[] {
  if (node >= 0) return feeds.out.ends(node).map((condition) => ~condition);
  return [...waits.out.ends(~node), ...relays.out.ends(~node).map((condition) => ~condition)];
}

function before({ feeds, waits, relays }: Graph, node: number): number[] {
  if (node >= 0) return waits.in.ends(node).map((condition) => ~condition);
  return [...feeds.in.ends(~node), ...relays.in.ends(~node).map((condition) => ~condition)];
}
