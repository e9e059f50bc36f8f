/** What a program on a node prints is in a file here when it has ended, as on one machine. A real server and real agents. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitionOf, type ExecutableFacts, executableTask, type Pool, type PoolOutcome } from '@pexen/core';
import { processes } from '@pexen/pool-process';
import { afterAll, expect, onTestFinished, type TestContext, test } from 'vitest';
import { nats } from '../src/index.ts';
import type { RunningServer } from '../src/node.ts';
import { AgentProcess, testServer } from './support/agents.ts';

const server = await testServer();
const folder = mkdtempSync(join(tmpdir(), 'pexen-whole-'));
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  if (!('missing' in server)) await server.stop();
});

function serverOr(skip: TestContext['skip']): RunningServer {
  if ('missing' in server) return skip(server.missing);
  return server;
}

/** Numbered lines: a part that is missing or doubled is seen. */
async function prints(pool: Pool, megabytes: number): Promise<PoolOutcome> {
  const script = `seq -f 'line %09.0f of the output' 1 ${megabytes * 40_000}; echo short >&2`;
  const body = { file: '/bin/sh', argv: ['-c', script], cwd: tmpdir(), env: {} };
  const interpret = (): never => {
    throw new Error('not here');
  };
  const task = executableTask({}, { ...body, interpret });
  return await pool.run(
    {
      ...{ task, definition: definitionOf(task), address: { kind: 'executable', ...body }, path: 'prints' },
      ...{ attempt: 2, part: 'body', args: {}, shared: {}, received: [], graceMs: 100, timeoutMs: undefined },
    },
    { signal: new AbortController().signal, started: () => {}, report: () => {} },
  );
}

async function open(pool: Pool): Promise<void> {
  await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
  onTestFinished(() => pool.close('kill'));
}

test('10 MB of a program on a node are whole here, as they are of one on this machine', async ({ skip }) => {
  const { url: servers } = serverOr(skip);
  const agent = await AgentProcess.start([{ servers, name: 'one', slots: 1, roots: ['/'] }]);
  onTestFinished(() => agent.stop());
  const asked: unknown[] = [];
  const outputFile =
    (name: string) =>
    (...of: readonly [string, number, 'stdout' | 'stderr']) => {
      asked.push([name, ...of]);
      return { file: join(folder, name), failed: () => asked.push('failed') };
    };
  const pools = {
    here: processes({ workers: 1, outputFile: outputFile('here') }),
    node: nats({ servers, outputFile: outputFile('node') }),
  };
  const totals: unknown[] = [];
  for (const pool of Object.values(pools)) {
    await open(pool);
    const outcome = await prints(pool, 10);
    totals.push((outcome as { readonly value: ExecutableFacts }).value.stdout.totalBytes);
  }
  expect(asked).toEqual([
    ['here', 'prints', 2, 'stdout'],
    ['node', 'prints', 2, 'stdout'],
  ]);
  const here = readFileSync(join(folder, 'here'));
  expect(totals).toEqual([here.length, here.length]);
  expect(here.length).toBeGreaterThan(10_000_000);
  expect(readFileSync(join(folder, 'node')).equals(here)).toBe(true);
});

test('of a node that dies meanwhile, what has come is kept, and it says that the rest is missing', async ({
  skip,
}) => {
  const { url: servers } = serverOr(skip);
  const agent = await AgentProcess.start([{ servers, name: 'dying', slots: 1, roots: ['/'], pool: 'dying' }]);
  onTestFinished(() => agent.stop());
  const file = join(folder, 'dying');
  const pool = nats({
    ...{ servers, pool: 'dying', heartbeatMs: 200, leaseMs: 4_000, endingMs: 500 },
    // At the first chunk: more than a few are not sent before these are acknowledged.
    outputFile: () => {
      agent.signal('SIGKILL');
      return { file, failed: () => {} };
    },
  });
  await open(pool);
  expect((await prints(pool, 10)).kind).toBe('lost');
  const kept = readFileSync(file, 'utf8');
  expect(kept).toMatch(/^line 000000001 of the output\n/);
  expect(kept).toMatch(/\n… the rest is missing: it did not arrive …\n$/);
  expect(kept.length).toBeLessThan(2 * 1024 * 1024);
});
