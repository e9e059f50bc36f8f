/** Whoever runs many no-op tasks, 16 at a time: ourselves, and others for the part of the work that they do. */
import { withMeta } from '@pexen/core';
import { priorityQueue, queue } from 'async';
import { Effect } from 'effect';
import fastq from 'fastq';
import { PGraph } from 'p-graph';
import pLimit from 'p-limit';
import pMap from 'p-map';
import PQueue from 'p-queue';
import { inline, run } from '../src/index.ts';

export const concurrency = 16;

/** `deps[i]` are the tasks, by number, that have to be over before task `i`. */
export type Graph = readonly (readonly number[])[];

export interface Contender {
  readonly name: string;
  /** Does it know what comes before what? Those that do not are compared where nothing does. */
  readonly ordersTasks: boolean;
  /** Builds everything and runs it; answers with the number of tasks that ran. */
  readonly run: (graph: Graph) => Promise<number>;
}

/** Names, priorities, dictionaries, one result a task through the loop: everything a user would have. */
async function pexen(
  graph: Graph,
  work: (context: { shared: Record<string, unknown> }) => Promise<unknown>,
): Promise<number> {
  const tasks = graph.map((deps, index) =>
    withMeta((context) => work(context), {
      name: `task-${index}`,
      provides: [`done-${index}`],
      requires: deps.map((dep) => `done-${dep}`),
      priority: index % 3,
    }),
  );
  let ended = 0;
  for await (const { status } of run(tasks, { pool: inline({ concurrency }) }))
    if (status === 'returned') ended++;
  return ended;
}

async function byPGraph(graph: Graph): Promise<number> {
  let ended = 0;
  const nodes = new Map(
    graph.map((_, index) => [`task-${index}`, { priority: index % 3, run: async () => void ended++ }]),
  );
  const edges = graph.flatMap((deps, index) =>
    deps.map((dep): [string, string] => [`task-${dep}`, `task-${index}`]),
  );
  await new PGraph(nodes, edges).run({ concurrency });
  return ended;
}

function flat(
  name: string,
  runAll: (count: number, work: () => Promise<void>) => Promise<unknown>,
): Contender {
  return {
    name,
    ordersTasks: false,
    run: async (graph) => {
      let ended = 0;
      await runAll(graph.length, async () => void ended++);
      return ended;
    },
  };
}

export const contenders: readonly Contender[] = [
  { name: 'pexen', ordersTasks: true, run: (graph) => pexen(graph, async () => {}) },
  {
    name: 'pexen, every dictionary used',
    ordersTasks: true,
    run: (graph) => pexen(graph, async ({ shared }) => void (shared.last = 1)),
  },
  { name: 'p-graph', ordersTasks: true, run: byPGraph },
  flat('p-queue', async (count, work) => {
    const jobs = new PQueue({ concurrency });
    await jobs.addAll(Array.from({ length: count }, () => work));
  }),
  flat('p-queue, priorities', async (count, work) => {
    const jobs = new PQueue({ concurrency });
    for (let index = 0; index < count; index++) void jobs.add(work, { priority: index % 3 });
    await jobs.onIdle();
  }),
  flat('p-limit', (count, work) => {
    const limit = pLimit(concurrency);
    return Promise.all(Array.from({ length: count }, () => limit(work)));
  }),
  flat('p-map', (count, work) =>
    pMap(
      Array.from({ length: count }, (_, index) => index),
      work,
      { concurrency },
    ),
  ),
  flat('fastq', (count, work) => {
    const jobs = fastq.promise<unknown, number>(work, concurrency);
    return Promise.all(Array.from({ length: count }, (_, index) => jobs.push(index)));
  }),
  flat('async.queue', (count, work) => {
    const jobs = queue<number>(() => work(), concurrency);
    return Promise.all(Array.from({ length: count }, (_, index) => jobs.pushAsync(index)));
  }),
  flat('async.priorityQueue', (count, work) => {
    const jobs = priorityQueue<number>(() => work(), concurrency);
    return Promise.all(Array.from({ length: count }, (_, index) => jobs.pushAsync(index, index % 3)));
  }),
  flat('effect forEach', (count, work) =>
    Effect.runPromise(
      Effect.forEach(
        Array.from({ length: count }, (_, index) => index),
        () => Effect.promise(work),
        {
          concurrency,
          discard: true,
        },
      ),
    ),
  ),
];
