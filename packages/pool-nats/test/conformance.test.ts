/** The contract of pools, tried on this one: with a real server, and with agents in processes of their own. */
import { contract, type NetworkFaults, poolConformance } from '@pexen/pool-kit/conformance';
import { afterAll, describe, expect, test } from 'vitest';
import { sampled } from '#sample';
import { natsPool } from '../src/host/nats-pool.ts';
import { settingsOf } from '../src/options.ts';
import { AgentProcess, testServer } from './support/agents.ts';

const server = await testServer();
const missing = 'missing' in server ? server.missing : undefined;
const servers = 'url' in server ? server.url : '';

/** Pools with nodes of their own, used in turns. A pool that is still used is waited for. */
const pools = Array.from({ length: 24 }, (_, n) => `p${n}`);
const agents =
  missing === undefined
    ? await Promise.all(
        ['one', 'two'].map((name) =>
          AgentProcess.start(pools.map((pool) => ({ servers, pool, name, slots: 1, roots: ['/'] }))),
        ),
      )
    : [];

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  if ('url' in server) await server.stop();
});

let turn = 0;
/** Short leases: the kit waits until nodes are given up. */
const timing = { heartbeatMs: 100, leaseMs: 2_000, endingMs: 800, waitMs: 5_000 };

function pool(options: object, faults?: NetworkFaults) {
  const name = pools[turn++ % pools.length] as string;
  const settings = settingsOf({ servers, pool: name, nodes: 2, ...options });
  const workerOf = (node: string): string => `${node}/0`;
  return natsPool(
    settings,
    faults && {
      toNode: (node, deliver) => faults.toWorker(workerOf(node), deliver),
      fromNode: (node, deliver) => faults.fromWorker(workerOf(node), deliver),
    },
  );
}

/** Cases that count the handles of this process, or look at the clock: they must be alone. */
const alone = /handle|while it still keeps|how long a body ran/;

/** Which cases are played: a tenth, in an ordinary run. */
const played = new Set(
  contract.flatMap(({ title, cases }) => sampled(cases).map(({ name }) => `${title}: ${name}`)),
);

describe.skipIf(missing !== undefined)('nodes over NATS', () => {
  poolConformance({
    test: (name, body) => {
      if (!played.has(name)) return;
      if (alone.test(name)) test(name, body);
      else test.concurrent(name, body);
    },
    timeoutMs: 30_000,
    factory: () => pool({}),
    network: (faults) => pool(timing, faults),
  });
});

test('there is a server to test with', ({ skip }) => {
  if (missing !== undefined) skip(missing);
  expect(servers).toMatch(/^nats:/);
});
