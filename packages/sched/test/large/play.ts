/** Runs one shape, in this process, and returns the results in numbers. */
import type { Runnable } from '@pexen/core';
import { inline, type Run, run } from '../../src/index.ts';
import { type ShapeName, shapes } from './shapes.ts';

/** What to play: a shape, or the same tasks added to a run one by one, before or after its start. */
export type Play =
  | ShapeName
  | 'added one by one before'
  | 'added one by one on the way'
  | 'asked for one by one';
export const plays: readonly Play[] = [
  ...(Object.keys(shapes) as ShapeName[]),
  'added one by one before',
  'added one by one on the way',
  'asked for one by one',
];

export interface Played {
  readonly name: Play;
  readonly count: number;
  /** How many results of each status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Tasks that did not get exactly one result. */
  readonly wrong: number;
  /** The memory that the run keeps for each task before its start, without the tasks themselves; only if garbage can be collected. */
  readonly bytesPerTask: number | undefined;
}

/** @example await play('chain', 100_000) */
export async function play(name: Play, count: number): Promise<Played> {
  if (name === 'added one by one before') return addedBefore(count);
  if (name === 'added one by one on the way') return addedOnTheWay(count);
  if (name === 'asked for one by one') return askedFor(count);
  const tasks = shapes[name](count);
  const before = heap();
  const execution = run(tasks, { pool: inline({ concurrency: 8 }) });
  const after = heap();
  const bytes = before === undefined || after === undefined ? undefined : (after - before) / count;
  return { name, count, ...(await consume(execution, count)), bytesPerTask: bytes };
}

async function addedBefore(count: number): Promise<Played> {
  const execution = run<Runnable>([]);
  for (const task of shapes.chain(count)) execution.add([task]);
  const consumed = await consume(execution, count);
  return { name: 'added one by one before', count, ...consumed, bytesPerTask: undefined };
}

/** Every result brings the next task, which requires the one before and takes a lock. */
async function addedOnTheWay(count: number): Promise<Played> {
  const tasks = shapes['one lock'](count);
  const execution = run(tasks.slice(0, 1));
  let next = 1;
  const consumed = await consume(execution, count, () => {
    if (next < count) execution.add([tasks[next++] as Runnable]);
  });
  return { name: 'added one by one on the way', count, ...consumed, bytesPerTask: undefined };
}

/** Without an iterator: the last result is requested first, then all of them. */
async function askedFor(count: number): Promise<Played> {
  const tasks = shapes.alone(count);
  const execution = run(tasks);
  await execution.of(tasks.at(-1) as Runnable);
  const statuses: Record<string, number> = {};
  let wrong = 0;
  for (const [index, task] of tasks.entries()) {
    const { path, status } = await execution.of(task);
    if (path !== `t${index}`) wrong++;
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  return { name: 'asked for one by one', count, statuses, wrong, bytesPerTask: undefined };
}

async function consume(
  execution: Run,
  count: number,
  then: () => void = () => {},
): Promise<Pick<Played, 'statuses' | 'wrong'>> {
  const seen = new Uint8Array(count);
  const statuses: Record<string, number> = {};
  for await (const { path, status } of execution) {
    const index = Number(path.slice(1));
    seen[index] = (seen[index] as number) + 1;
    statuses[status] = (statuses[status] ?? 0) + 1;
    then();
  }
  return { statuses, wrong: seen.filter((times) => times !== 1).length };
}

function heap(): number | undefined {
  if (globalThis.gc === undefined) return undefined;
  globalThis.gc();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}
