/** Both queues of ready tasks, against a sorted list. */
import { expect, it } from 'vitest';
import { Places, type Ranking, ReadyHeap, ReadyQueue, type TaskQueue } from '../src/machine/ready-queue.ts';
import { Random } from './sim/random.ts';

interface Ranked {
  readonly ranking: Ranking;
  readonly rank: Float64Array;
  /** All tasks, best first. */
  inOrder(): number[];
}

/** Tasks with few or many distinct priorities and ranks. */
function ranked(count: number, random: Random, kinds: number): Ranked {
  const priority = Float64Array.from({ length: count }, () => random.int(0, 3) - 1);
  const rank = Float64Array.from({ length: count }, () => random.int(0, kinds) / 7);
  const inOrder = (): number[] =>
    Array.from({ length: count }, (_, task) => task).sort(
      (a, b) =>
        (priority[a] as number) - (priority[b] as number) ||
        (rank[b] as number) - (rank[a] as number) ||
        a - b,
    );
  return { ranking: { priority, order: { rank } }, rank, inOrder };
}

function drained(queue: TaskQueue): number[] {
  const out: number[] = [];
  for (let task = queue.pop(); task >= 0; task = queue.pop()) out.push(task);
  return out;
}

it.each([
  ['few tasks', 20, 3],
  ['equal tasks', 100, 1],
  ['more than a word of words', 1_100, 1_000_000],
  ['four levels', 40_000, 50],
])('%s leave in their order, ranked or added since', (_name, count, kinds) => {
  const random = new Random(count);
  const { ranking, rank, inOrder } = ranked(count, random, kinds);
  const queues: readonly TaskQueue[] = [new ReadyHeap(ranking), new ReadyQueue(ranking)];
  const waiting = new Set<number>();
  const bestWaiting = (): number => inOrder().find((task) => waiting.has(task)) ?? -1;
  const half = count >> 1;
  for (const queue of queues) queue.rebuild(new Places(ranking, half));
  for (let task = 0; task < count; task++)
    if (random.int(0, 3) > 0) {
      waiting.add(task);
      for (const queue of queues) queue.push(task);
    }
  for (let turn = 0; turn < 5; turn++) {
    const best = bestWaiting();
    waiting.delete(best);
    for (const queue of queues) {
      expect(queue.peek()).toBe(best);
      expect(queue.pop()).toBe(best);
    }
  }
  for (let task = 0; task < count; task++) rank[task] = random.int(0, kinds);
  for (const queue of queues) queue.rebuild(new Places(ranking, count));
  const expected = inOrder().filter((task) => waiting.has(task));
  for (const queue of queues) expect(drained(queue)).toEqual(expected);
});

it('has a task once, however often it became ready', () => {
  const queue = new ReadyQueue({ priority: new Float64Array(3), order: { rank: new Float64Array(3) } });
  queue.rebuild(new Places({ priority: new Float64Array(3), order: { rank: new Float64Array(3) } }, 3));
  for (const task of [2, 1, 2, 1]) queue.push(task);
  expect(drained(queue)).toEqual([1, 2]);
  expect(queue.peek()).toBe(-1);
});
