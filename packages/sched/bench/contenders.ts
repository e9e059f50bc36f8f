/** The contenders: our scheduler and others, behind one interface. All run the same bodies, which do nothing and resolve later. */
import { withMeta } from '@pexen/core';
import async from 'async';
import { Effect } from 'effect';
import fastq from 'fastq';
import { PGraph } from 'p-graph';
import pLimit from 'p-limit';
import pMap from 'p-map';
import PQueue from 'p-queue';
import { type Entry, inline, run } from '../src/index.ts';
import type { Shape, Work } from './shapes.ts';

const concurrency = 16;

export interface Contender {
  readonly name: string;
  readonly isOurs: boolean;
  /** It knows dependencies. */
  readonly ordersTasks: boolean;
  /** Runs everything once, including all preparations. Returns how many tasks ran. */
  run(shape: Shape): Promise<number>;
}

type OwnBody = (context: { readonly shared: Record<string, unknown> }) => unknown;

const nothing = async (): Promise<void> => {};

/** Tasks with names, capabilities, priorities and resources. Each is returned as a result. */
function tasksOf(works: readonly Work[], make: () => OwnBody = () => async () => {}): Entry[] {
  return works.map(({ name, done, requires, priority, claims }) =>
    withMeta(make() as () => unknown, {
      ...{ name, priority, provides: [done] },
      ...(requires.length > 0 && { requires: requires.map((index) => (works[index] as Work).done) }),
      ...(claims !== undefined && { claims }),
    }),
  );
}

async function drain(entries: readonly Entry[], later: readonly Entry[] = []): Promise<number> {
  let count = 0;
  let next = 0;
  const going = run(entries, { pool: inline({ concurrency }) });
  for await (const result of going) {
    if (result.status === 'returned') count++;
    if (next < later.length) going.add([later[next++] as Entry]);
  }
  return count;
}

export const pexen: Contender = {
  ...{ name: 'pexen', isOurs: true, ordersTasks: true },
  run: ({ works }) => drain(tasksOf(works)),
};

/** Every body writes into the dictionary that its dependents inherit. */
const pexenSharing: Contender = {
  ...{ name: 'pexen, shared state used', isOurs: true, ordersTasks: true },
  run: ({ works }) => {
    const make = (): OwnBody => async (context) => {
      context.shared.last = true;
    };
    return drain(tasksOf(works, make));
  },
};

/** All tasks but the first are added from the loop, one for each result. */
export const pexenAdding: Contender = {
  ...{ name: 'pexen, added one by one', isOurs: true, ordersTasks: true },
  run: ({ works }) => {
    const [first, ...rest] = tasksOf(works);
    return drain([first as Entry], rest);
  },
};

const pGraph: Contender = {
  ...{ name: 'p-graph', isOurs: false, ordersTasks: true },
  async run({ works }) {
    let count = 0;
    const work = async (): Promise<void> => {
      count++;
    };
    const nodes = new Map(works.map(({ name, priority }) => [name, { run: work, priority: -priority }]));
    const edges = works.flatMap(({ name, requires }) =>
      requires.map((index): [string, string] => [(works[index] as Work).name, name]),
    );
    await new PGraph(nodes, edges).run({ concurrency });
    return count;
  },
};

const pQueue = (name: string, isPrioritized: boolean): Contender => ({
  ...{ name, isOurs: false, ordersTasks: false },
  async run({ works }) {
    const queue = new PQueue({ concurrency });
    await Promise.all(
      works.map(({ priority }) => queue.add(nothing, isPrioritized ? { priority: -priority } : {})),
    );
    return works.length;
  },
});

const limit: Contender = {
  ...{ name: 'p-limit', isOurs: false, ordersTasks: false },
  async run({ works }) {
    const limited = pLimit(concurrency);
    await Promise.all(works.map(() => limited(nothing)));
    return works.length;
  },
};

const fast: Contender = {
  ...{ name: 'fastq', isOurs: false, ordersTasks: false },
  async run({ works }) {
    const queue = fastq.promise<unknown, Work, void>(nothing, concurrency);
    await Promise.all(works.map((work) => queue.push(work)));
    return works.length;
  },
};

const asyncQueue: Contender = {
  ...{ name: 'async.queue', isOurs: false, ordersTasks: false },
  async run({ works }) {
    const queue = async.queue<Work>(nothing, concurrency);
    await Promise.all(works.map((work) => queue.push(work)));
    return works.length;
  },
};

const asyncPriority: Contender = {
  ...{ name: 'async.priorityQueue', isOurs: false, ordersTasks: false },
  async run({ works }) {
    const queue = async.priorityQueue<Work>(nothing, concurrency);
    await Promise.all(works.map((work) => queue.push(work, work.priority)));
    return works.length;
  },
};

const effect: Contender = {
  ...{ name: 'effect forEach', isOurs: false, ordersTasks: false },
  async run({ works }) {
    const each = Effect.forEach(works, () => Effect.promise(nothing), { concurrency, discard: true });
    await Effect.runPromise(each);
    return works.length;
  },
};

const map: Contender = {
  ...{ name: 'p-map', isOurs: false, ordersTasks: false },
  async run({ works }) {
    await pMap(works, nothing, { concurrency });
    return works.length;
  },
};

export const contenders: readonly Contender[] = [
  ...[pexen, pexenSharing, pGraph, pQueue('p-queue', false), pQueue('p-queue, priorities', true)],
  ...[limit, fast, asyncQueue, asyncPriority, effect, map],
];
