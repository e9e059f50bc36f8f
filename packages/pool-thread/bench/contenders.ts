/** The pools that are measured, all with two threads, behind one small interface. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { addressOf, definitionOf, type Task, type Ticket } from '@pexen/core';
import { threads } from '@pexen/pool-thread';
import { Piscina } from 'piscina';
import { FixedThreadPool } from 'poolifier';
import { Tinypool } from 'tinypool';
import workerpool from 'workerpool';
import { length, nothing } from './workers/task.ts';

export interface Contender {
  readonly name: string;
  /** One round trip. */
  call(text: string | undefined): Promise<unknown>;
  close(): Promise<unknown>;
}

export const workers = 2;

const file = (name: string): string => fileURLToPath(new URL(`./workers/${name}.ts`, import.meta.url));

/** The parts of each attempt in a run: a signal that can stop it, its start, its updates, its outcome. */
class BenchTicket implements Ticket {
  #controller: AbortController | undefined;
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }
  started(): void {}
  report(): void {}
}

async function pexen(): Promise<Contender> {
  const pool = threads({ workers });
  await pool.open({ slotsChanged() {}, workerLost() {}, lateError() {} });
  let count = 0;
  const assign = (task: Task, args: unknown) => {
    const definition = definitionOf(task);
    const address = addressed.get(task);
    const path = `bench/${count++}`;
    const shared = Object.create(null);
    const rest = { attempt: 1, part: 'body', received: [], graceMs: 10_000, timeoutMs: undefined } as const;
    return pool.run({ task, definition, address, path, args, shared, ...rest }, new BenchTicket());
  };
  const addressed = new Map([nothing, length].map((task) => [task as Task, addressOf(definitionOf(task))]));
  return {
    name: 'pexen threads',
    call: async (text) => {
      const outcome = await (text === undefined ? assign(nothing, {}) : assign(length, { text }));
      if (outcome.kind !== 'returned') throw new Error(`the bench's task ${outcome.kind}`);
    },
    close: () => pool.close('drain'),
  };
}

function piscina(): Contender {
  const pool = new Piscina({ filename: file('function'), minThreads: workers, maxThreads: workers });
  return {
    name: 'piscina',
    call: (text) => pool.run(text === undefined ? {} : { text }, { name: 'work' }),
    close: () => pool.destroy(),
  };
}

function tinypool(): Contender {
  const options = { filename: file('function'), minThreads: workers, maxThreads: workers };
  const pool = new Tinypool({ ...options, runtime: 'worker_threads' });
  return {
    name: 'tinypool',
    call: (text) => pool.run(text === undefined ? {} : { text }, { name: 'work' }),
    close: () => pool.destroy(),
  };
}

function workerpoolThreads(): Contender {
  const pool = workerpool.pool(file('workerpool'), {
    workerType: 'thread',
    minWorkers: workers,
    maxWorkers: workers,
  });
  return {
    name: 'workerpool',
    call: async (text) => await pool.exec('work', [text === undefined ? {} : { text }]),
    close: async () => await pool.terminate(),
  };
}

function poolifier(): Contender {
  const pool = new FixedThreadPool<{ text?: string }, number | undefined>(workers, file('poolifier'));
  return {
    name: 'poolifier',
    call: (text) => pool.execute(text === undefined ? {} : { text }),
    close: () => pool.destroy(),
  };
}

function raw(): Contender {
  const open = new Map<number, () => void>();
  const crew = Array.from({ length: workers }, () => new Worker(file('raw')));
  for (const worker of crew) {
    worker.on('message', ({ id }: { readonly id: number }) => {
      open.get(id)?.();
      open.delete(id);
    });
  }
  let next = 0;
  return {
    name: 'raw postMessage',
    call: (text) =>
      new Promise<void>((resolve) => {
        const id = next++;
        open.set(id, resolve);
        crew[id % crew.length]?.postMessage(text === undefined ? { id } : { id, text });
      }),
    close: () => Promise.all(crew.map((worker) => worker.terminate())),
  };
}

/** All of them, started. */
export async function contenders(): Promise<Contender[]> {
  return [await pexen(), piscina(), tinypool(), workerpoolThreads(), poolifier(), raw()];
}
