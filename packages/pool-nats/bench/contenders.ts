/** What is measured: attempts through a node, in a run with a journal or without, and what they are compared with. Each has two worker processes. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from '@nats-io/transport-node';
import { addressOf, definitionOf, type Pool, type Ticket } from '@pexen/core';
import { type Entry, run } from '@pexen/sched';
import { startRun } from '@pexen/store';
import type { Contender, Lap } from './measure.ts';
import { nothing } from './workers/bodies.ts';

const definition = definitionOf(nothing);
const address = addressOf(definition);

/** A program of this bench, once it says that it is ready. */
export async function started(name: string, ...argv: readonly string[]): Promise<ChildProcess> {
  const child = fork(new URL(`./workers/${name}.ts`, import.meta.url), argv);
  await once(child, 'message');
  return child;
}

/** Ends such a program. */
export async function ended(child: ChildProcess): Promise<void> {
  child.disconnect();
  await once(child, 'exit');
}

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

/** Runs the empty body in the pool. */
export async function runOne(pool: Pool, path: string): Promise<void> {
  const outcome = await pool.run(
    {
      ...{ task: nothing, definition, address, path, attempt: 1, part: 'body' },
      ...{ args: {}, shared: {}, received: [], graceMs: 1_000, timeoutMs: undefined },
    },
    new BenchTicket(),
  );
  if (outcome.kind !== 'returned') throw new Error(`the body of the bench ${outcome.kind}`);
}

/** The pool alone: each result is received. */
export async function attempts(name: string, pool: Pool): Promise<Contender> {
  await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
  let count = 0;
  return { name, call: () => runOne(pool, `t${count++}`), close: () => pool.close('drain') };
}

/** Whole runs with a journal on the disk: each result is received, and recorded. What comes before the first tenth of the results is not counted. */
export function runs(name: string, pool: () => Pool, count: number, stateDirectory: string): Lap {
  const lap = async (): Promise<number> => {
    const runId = `01900000-0000-7000-8000-${randomBytes(6).toString('hex')}`;
    const entries: Entry[] = Array.from({ length: count }, (_, n) => ({ under: [`t${n}`], task: nothing }));
    const recorded = await startRun({ stateDirectory, runId, description: { versions: {} } });
    const first = Math.floor(count / 10);
    let seen = 0;
    let sinceMs = 0;
    let untilMs = 0;
    for await (const { status } of run(entries, { pool, spare: 62, id: runId, journal: recorded.journal })) {
      if (status !== 'returned') throw new Error(`a task of the bench ${status}`);
      if (++seen === first) sinceMs = performance.now();
      if (seen === count) untilMs = performance.now();
    }
    await recorded.end({ exitCode: 0, isResumable: false });
    return ((count - first) / (untilMs - sinceMs)) * 1_000;
  };
  return { name, lap };
}

/** Requests through the server to another process, which answers them itself. */
export async function requests(servers: string): Promise<Contender> {
  const far = await started('echo', servers);
  const near = await connect({ servers });
  const bytes = new Uint8Array(200);
  return {
    name: 'NATS request and reply',
    call: () => near.request('bench', bytes, { timeout: 10_000 }),
    close: async () => {
      await near.close();
      await ended(far);
    },
  };
}
