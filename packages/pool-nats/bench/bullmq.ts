/**
 * BullMQ beside the nodes: jobs in Redis, one worker of it in another process, and results that come back by its events. It is not a dependency: the bench
 * installs it into a folder of its own, without scripts.
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Contender } from './measure.ts';

const packages = ['bullmq@6.7.0', 'ioredis@5.8.2'];

interface Closable {
  waitUntilReady(): Promise<unknown>;
  close(force?: boolean): Promise<void>;
}

interface Queue extends Closable {
  add(name: string, data: object, options: object): Promise<{ readonly id?: string }>;
}

interface QueueEvents extends Closable {
  on(event: 'completed' | 'failed', listener: (job: { readonly jobId: string }) => void): void;
}

type Make<T> = new (queue: string, options: object) => T;

interface Library {
  readonly Queue: Make<Queue>;
  readonly QueueEvents: Make<QueueEvents>;
  readonly Worker: new (queue: string, body: string | (() => Promise<void>), options: object) => Closable;
}

/** Installs it, once. */
export async function installBullmq(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'body.cjs'), 'module.exports = async () => {};\n');
  if (existsSync(join(folder, 'node_modules/bullmq'))) return;
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const argv = ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages];
  await promisify(execFile)('npm', argv, { cwd: folder });
}

function library(folder: string): Library {
  return createRequire(join(folder, 'package.json'))('bullmq') as Library;
}

/** What a worker process of it runs. A body is a file, which runs in processes of BullMQ, or a function in the worker process itself. */
export interface WorkerOptions {
  readonly queue: string;
  readonly port: number;
  readonly concurrency: number;
  readonly body: string | (() => Promise<void>);
}

export function workerOf(folder: string, { queue, port, concurrency, body }: WorkerOptions): Closable {
  const { Worker } = library(folder);
  return new Worker(queue, body, { connection: { host: '127.0.0.1', port }, concurrency });
}

/** `concurrency`: with bodies in processes, that many processes. */
export async function bullmq(
  folder: string,
  port: number,
  { processes, concurrency }: { readonly processes: boolean; readonly concurrency: number },
): Promise<Contender> {
  const name = processes ? `BullMQ, ${concurrency} processes` : `BullMQ, in its worker, ${concurrency}`;
  const queueName = name.replaceAll(/\W+/g, '-');
  const connection = { host: '127.0.0.1', port };
  const { Queue, QueueEvents } = library(folder);
  const queue = new Queue(queueName, { connection });
  const events = new QueueEvents(queueName, { connection });
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const open = new Map<string, PromiseWithResolvers<void>>();
  events.on('completed', ({ jobId }) => open.get(jobId)?.resolve());
  events.on('failed', ({ jobId }) => open.get(jobId)?.reject(new Error(`job ${jobId} failed`)));
  const file = processes ? join(folder, 'body.cjs') : undefined;
  const worker = fork(new URL('./workers/bullmq.ts', import.meta.url), [
    JSON.stringify({ folder, queue: queueName, port, concurrency, file }),
  ]);
  await once(worker, 'message');
  let count = 0;
  return {
    name,
    call: async () => {
      const jobId = `j${count++}`;
      const done = Promise.withResolvers<void>();
      open.set(jobId, done);
      await queue.add('nothing', {}, { jobId, removeOnComplete: 1_000 });
      await done.promise;
      open.delete(jobId);
    },
    close: async () => {
      worker.disconnect();
      await once(worker, 'exit');
      await Promise.all([queue.close(), events.close()]);
    },
  };
}
