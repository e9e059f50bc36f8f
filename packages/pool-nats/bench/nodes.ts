/**
 * What nodes cost: attempts per second through a server and an agent, beside bare requests through the same server; and the processor time of a scheduler
 * for nodes that only send signs of life. `node --conditions=@pexen/source bench/nodes.ts`
 */
import { connect } from '@nats-io/transport-node';
import { addressOf, definitionOf, type Pool } from '@pexen/core';
import { processes } from '@pexen/pool-process';
import { byteCodec, decodePacket, encodePacket } from '../src/codec.ts';
import { nats } from '../src/index.ts';
import { findServer, startServer } from '../src/node.ts';
import { HostCore } from '../src/protocol/host-core.ts';
import type { FromNode } from '../src/protocol/messages.ts';
import { AgentProcess } from '../test/support/agents.ts';
import { nothing } from './bodies.ts';

const atOnce = 64;
const attempts = 5_000;
const rounds = 3;

/** Calls `one` so many times, some of them at the same time; returns how many per second. */
async function perSecond(count: number, one: (n: number) => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  let next = 0;
  const oneByOne = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, oneByOne));
  return (count / (performance.now() - startMs)) * 1_000;
}

async function requests(servers: string): Promise<number> {
  const near = await connect({ servers });
  const far = await connect({ servers });
  far.subscribe('bench', { callback: (_error, message) => void message.respond(message.data) });
  await far.flush();
  const bytes = new Uint8Array(200);
  const rate = await perSecond(attempts, () => near.request('bench', bytes, { timeout: 10_000 }));
  await Promise.all([near.close(), far.close()]);
  return rate;
}

async function through(pool: Pool): Promise<number> {
  await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
  const definition = definitionOf(nothing);
  const address = addressOf(definition);
  const one = async (n: number): Promise<void> => {
    const outcome = await pool.run(
      {
        ...{ task: nothing, definition, address, path: `t${n}`, attempt: 1, part: 'body' },
        ...{ args: {}, shared: {}, received: [], graceMs: 1_000, timeoutMs: undefined },
      },
      { signal: new AbortController().signal, started: () => {}, report: () => {} },
    );
    if (outcome.kind !== 'returned') throw new Error(`it ${outcome.kind}`);
  };
  await perSecond(500, one); // Workers start, and modules are compiled.
  const rate = await perSecond(attempts, one);
  await pool.close('drain');
  return rate;
}

/** Milliseconds of processor time per node and second, for nodes that send a sign of life every two seconds. */
function costOfNodes(nodes: number, seconds: number): number {
  const timing = { heartbeatMs: 2_000, leaseMs: 30_000, endingMs: 10_000 };
  const core = new HostCore({ host: 'h', run: 'r', epoch: 1, timing, codec: byteCodec, accepts: () => true });
  const sessions = Array.from({ length: nodes }, (_, n) => {
    const hello = {
      version: 1,
      format: 15,
      node: `n${n}`,
      name: `n${n}`,
      properties: {},
      bootMark: 'b',
      slots: 4,
      stampMs: 0,
    };
    return core.greet({ ...hello, state: 'free' }, 0)[0]?.session ?? '';
  });
  const before = process.cpuUsage();
  for (let ms = 0; ms < seconds * 1_000; ms += 500) {
    for (const [n, session] of sessions.entries()) {
      if (n % 4 !== (ms / 500) % 4) continue;
      const sent: FromNode = { kind: 'frames', session, heardUpTo: 0, frames: [], stampMs: ms };
      const packet = decodePacket(encodePacket(sent)) as FromNode;
      for (const effect of core.take(packet, ms)) if (effect.do === 'transmit') encodePacket(effect.packet);
    }
    core.tick(ms);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / nodes / seconds;
}

console.log(`${costOfNodes(1_000, 20).toFixed(4)} ms of processor per node and second`);
const { file } = await findServer();
const server = await startServer(file);
const agent = await AgentProcess.start([{ servers: server.url, slots: 2, roots: ['/'] }]);
for (let round = 1; round <= rounds; round++) {
  const bare = await requests(server.url);
  const ours = await through(nats({ servers: server.url }));
  const local = await through(processes({ workers: 2 }));
  console.log(
    `round ${round}: ${Math.round(bare)} requests/s, ${Math.round(ours)} attempts/s in processes of a node, ${Math.round(local)} here`,
  );
}
await agent.stop();
await server.stop();
