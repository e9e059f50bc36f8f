/**
 * What nodes cost (W6 of the design): attempts per second through a server and an agent, beside BullMQ on Redis and bare requests through the same
 * server; how soon a node accepts an attempt; and the processor time of a scheduler for nodes without work.
 *
 *     node --conditions=@pexen/source bench/nodes.ts [--json FILE] [--rounds N]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '@pexen/core';
import { processes } from '@pexen/pool-process';
import { nats } from '../src/index.ts';
import { findServer, startServer } from '../src/node.ts';
import { bullmq, installBullmq } from './bullmq.ts';
import { attempts, ended, requests, runOne, runs, started } from './contenders.ts';
import { type Contender, lapOf, measure, median, print } from './measure.ts';
import { startRedis } from './redis.ts';

const { values } = parseArgs({
  options: { json: { type: 'string' }, rounds: { type: 'string', default: '5' } },
});
const rounds = Number(values.rounds);
const load = { concurrent: 64, calls: 5_000 };
const slots = 2;
const folder = mkdtempSync(join(tmpdir(), 'pexen-bench-nodes-'));
const server = await startServer((await findServer()).file);
try {
  const throughput = await besideOthers();
  const dispatch = await untilAccepted();
  const signs = await costOfNodes(1_000, 10);
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      JSON.stringify({ bench: 'nodes', rounds, load, throughput, dispatch, signs }, null, 2),
    );
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0); // BullMQ leaves handles open.

async function besideOthers() {
  const peers = await peersOf();
  const options = { servers: server.url, slots, roots: ['/'] };
  const agents = [
    await started('agent', JSON.stringify({ ...options, pool: 'one' })),
    await started('agent', JSON.stringify({ ...options, pool: 'runs' })),
  ];
  const crew = [
    ...peers.crew,
    await requests(server.url),
    await attempts('nodes, results received', nats({ servers: server.url, pool: 'one' })),
    await attempts('processes of this machine', processes({ workers: slots })),
  ];
  const recorded = [
    runs(
      'nodes, in a run with a journal',
      () => nats({ servers: server.url, pool: 'runs' }),
      load.calls,
      folder,
    ),
    runs('processes, in a run with a journal', () => processes({ workers: slots }), load.calls, folder),
  ];
  const reference = crew[0]?.name ?? '';
  const laps = crew.map((each) => lapOf(each, load.calls, load.concurrent));
  const rows = await measure([...laps, ...recorded], rounds, reference);
  for (const each of crew) await each.close();
  for (const agent of agents) await ended(agent);
  peers.stop();
  print(`empty bodies, ${load.concurrent} in flight, ${load.calls} a round`, rows, reference);
  return rows;
}

/** BullMQ with the number of processes and of jobs at a time with which it is fastest here, and with as many processes as a node has. None without a server. */
async function peersOf(): Promise<{ readonly crew: Contender[]; readonly stop: () => void }> {
  const home = join(folder, 'bullmq');
  try {
    await installBullmq(home);
    const redis = await startRedis(folder);
    const kinds = [
      { processes: true, concurrency: 8 },
      { processes: true, concurrency: slots },
      { processes: false, concurrency: 16 },
    ];
    const crew: Contender[] = [];
    for (const kind of kinds) crew.push(await bullmq(home, redis.port, kind));
    return { crew, stop: redis.stop };
  } catch (error) {
    console.log(`without BullMQ: ${messageOf(error).split('\n')[0]}`);
    return { crew: [], stop: () => {} };
  }
}

/** One attempt at a time: from the call of `run` until the node has accepted it, and until its outcome is here. */
async function untilAccepted() {
  const count = 1_000;
  const agent = await started(
    'agent',
    JSON.stringify({ servers: server.url, pool: 'accept', slots: 1, roots: ['/'] }),
  );
  const pool = nats({ servers: server.url, pool: 'accept' });
  await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
  const bare = await requests(server.url);
  const sentMs: number[] = [];
  const wholeMs: number[] = [];
  const requestMs: number[] = [];
  for (let n = 0; n < count + 200; n++) {
    const atMs = Number(process.hrtime.bigint()) / 1e6;
    await runOne(pool, `t${n}`);
    sentMs.push(atMs);
    wholeMs.push(Number(process.hrtime.bigint()) / 1e6 - atMs);
    const askedMs = performance.now();
    await bare.call();
    requestMs.push(performance.now() - askedMs);
  }
  const accepted = await acceptedBy(agent);
  await pool.close('drain');
  await bare.close();
  await ended(agent);
  const typical = (list: readonly number[]): number => median(list.slice(200));
  const result = {
    requestMs: typical(requestMs),
    acceptedMs: typical(sentMs.map((atMs, n) => (accepted[n] ?? Number.NaN) - atMs)),
    outcomeMs: typical(wholeMs),
  };
  console.log(
    `\none at a time, medians: a bare request ${result.requestMs.toFixed(3)} ms, run → accepted ${result.acceptedMs.toFixed(3)} ms ` +
      `(${(result.acceptedMs / result.requestMs).toFixed(2)} ×), run → outcome ${result.outcomeMs.toFixed(3)} ms ` +
      `(${(result.outcomeMs / result.requestMs).toFixed(2)} ×)`,
  );
  return result;
}

async function acceptedBy(agent: Awaited<ReturnType<typeof started>>): Promise<number[]> {
  const answer = new Promise<number[]>((resolve) =>
    agent.once('message', (times) => resolve(times as number[])),
  );
  agent.send('times');
  return await answer;
}

/** What nodes without work cost this process, over a real connection. */
async function costOfNodes(nodes: number, seconds: number) {
  const crowd = await started('many-nodes', server.url, String(nodes));
  const pool = nats({ servers: server.url, pool: 'many', nodes });
  await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
  await pause(3_000); // All have joined, and what that took is over.
  const before = process.cpuUsage();
  await pause(seconds * 1_000);
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1_000 / nodes / seconds;
  console.log(
    `\n${nodes} nodes without work: ${ms.toFixed(4)} ms of processor per node and second at the scheduler`,
  );
  await pool.close('kill');
  await ended(crowd);
  return { nodes, ms };
}
