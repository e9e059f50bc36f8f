/** The pools that are measured, all with two processes, behind one small interface. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { addressOf, definitionOf, type Task, type Ticket } from '@pexen/core';
import { processes } from '@pexen/pool-process';
import { Worker as JestWorker } from 'jest-worker';
import { FixedClusterPool } from 'poolifier';
import { Tinypool } from 'tinypool';
import workerpool from 'workerpool';
import type { Contender } from './side-by-side.ts';
import { length, nothing } from './workers/task.ts';

export const workers = 2;

const file = (name: string): string => fileURLToPath(new URL(`./workers/${name}`, import.meta.url));

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

async function pexen(text: string | undefined): Promise<Contender> {
  const pool = processes({ workers });
  await pool.open({ slotsChanged() {}, workerLost() {}, lateError() {} });
  const task: Task = text === undefined ? nothing : (length as Task);
  const definition = definitionOf(task);
  const address = addressOf(definition);
  const args = text === undefined ? {} : { text };
  let count = 0;
  return {
    name: 'pexen processes',
    call: async () => {
      const rest = { attempt: 1, part: 'body', received: [], graceMs: 10_000, timeoutMs: undefined } as const;
      const path = `bench/${count++}`;
      const shared = Object.create(null);
      const outcome = await pool.run(
        { task, definition, address, path, args, shared, ...rest },
        new BenchTicket(),
      );
      if (outcome.kind !== 'returned') throw new Error(`the bench's task ${outcome.kind}`);
    },
    close: () => pool.close('drain'),
  };
}

function poolifier(text: string | undefined): Contender {
  const pool = new FixedClusterPool<{ text?: string }, number | undefined>(workers, file('poolifier.ts'));
  return {
    name: 'poolifier cluster',
    call: () => pool.execute(text === undefined ? {} : { text }),
    close: () => pool.destroy(),
  };
}

function tinypool(text: string | undefined): Contender {
  const options = { filename: file('function.ts'), minThreads: workers, maxThreads: workers };
  const pool = new Tinypool({ ...options, runtime: 'child_process' });
  return {
    name: 'tinypool',
    call: () => pool.run(text === undefined ? {} : { text }, { name: 'work' }),
    close: () => pool.destroy(),
  };
}

function workerpoolProcesses(text: string | undefined): Contender {
  const pool = workerpool.pool(file('workerpool.ts'), {
    workerType: 'process',
    minWorkers: workers,
    maxWorkers: workers,
  });
  return {
    name: 'workerpool',
    call: async () => await pool.exec('work', [text === undefined ? {} : { text }]),
    close: async () => await pool.terminate(),
  };
}

function jestWorker(text: string | undefined): Contender {
  const pool = new JestWorker(file('function.ts'), { numWorkers: workers }) as JestWorker & {
    work(input: { text?: string }): Promise<number | undefined>;
  };
  return {
    name: 'jest-worker',
    call: () => pool.work(text === undefined ? {} : { text }),
    close: () => pool.end(),
  };
}

function raw(text: string | undefined): Contender {
  const open = new Map<number, () => void>();
  const crew = Array.from({ length: workers }, () => fork(file('raw.ts')));
  for (const child of crew) {
    child.on('message', ({ id }: { readonly id: number }) => {
      open.get(id)?.();
      open.delete(id);
    });
  }
  let next = 0;
  return {
    name: 'raw fork',
    call: () =>
      new Promise<void>((resolve) => {
        const id = next++;
        open.set(id, resolve);
        crew[id % crew.length]?.send(text === undefined ? { id } : { id, text });
      }),
    close: async () => crew.map((child) => child.disconnect()),
  };
}

/** All of them, started; each works on this text, or on nothing. */
export async function contenders(text: string | undefined): Promise<Contender[]> {
  return [
    await pexen(text),
    ...[poolifier, tinypool, workerpoolProcesses, jestWorker, raw].map((make) => make(text)),
  ];
}
