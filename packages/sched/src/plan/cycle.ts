/** Finds the cycle to show to people: the shortest through the first few tasks that are in any. Only asked when there is one. */
import type { Graph } from './graph.ts';

/** From so many tasks a shortest way back to themselves is looked for. */
const mostStarts = 200;

/** The tasks of a short cycle, in the order in which they would have to run; empty if there is no cycle. */
export function findCycle(graph: Graph): number[] {
  let shortest: number[] = [];
  for (const start of tasksInCycles(graph).slice(0, mostStarts)) {
    const found = wayBack(graph, start);
    if (found.length > 0 && (shortest.length === 0 || found.length < shortest.length)) shortest = found;
  }
  return shortest;
}

/** What is left when tasks and gates that nothing leads to, or that lead to nothing, are taken away again and again. */
function tasksInCycles(graph: Graph): number[] {
  const nodes = [
    ...Array(graph.taskCount).keys(),
    ...Array.from({ length: graph.gateCount }, (_, gate) => ~gate),
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
  return [...left].filter((node) => node >= 0);
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

/** Breadth first from the task until it is met again. */
function wayBack(graph: Graph, start: number): number[] {
  const cameFrom = new Map<number, number>();
  let front = [start];
  while (front.length > 0) {
    const next: number[] = [];
    for (const node of front)
      for (const other of after(graph, node)) {
        if (other === start) return tasksOn(cameFrom, node, start);
        if (cameFrom.has(other)) continue;
        cameFrom.set(other, node);
        next.push(other);
      }
    front = next;
  }
  return [];
}

function tasksOn(cameFrom: ReadonlyMap<number, number>, last: number, start: number): number[] {
  const path: number[] = [];
  for (let node: number | undefined = last; node !== undefined && node !== start; node = cameFrom.get(node))
    if (node >= 0) path.push(node);
  return [start, ...path.reverse()];
}

function after({ feeds, waits, relays }: Graph, node: number): number[] {
  if (node >= 0) return feeds.targets(node).map((gate) => ~gate);
  return [...waits.targets(~node), ...relays.targets(~node).map((gate) => ~gate)];
}

function before({ feeds, waits, relays }: Graph, node: number): number[] {
  if (node >= 0) return waits.sources(node).map((gate) => ~gate);
  return [...feeds.sources(~node), ...relays.sources(~node).map((gate) => ~gate)];
}
