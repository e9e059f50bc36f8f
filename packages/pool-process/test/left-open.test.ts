/** Which handles that a body left open are reported. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Assignment, Pool } from '@pexen/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processes } from '../src/index.ts';
import { body, opened, RecordingTicket, runOne } from './support/attempts.ts';

const url = new URL('./fixtures/fetching.ts', import.meta.url).href;

let server: Server;
let pool: Pool;

beforeEach(async () => {
  server = createServer((_request, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  pool = processes({ workers: 1 });
  await opened(pool);
});

afterEach(async () => {
  await pool.close('kill');
  server.close();
  server.closeAllConnections();
});

function talking(exportName: string): Assignment {
  const { port } = server.address() as AddressInfo;
  const address = { kind: 'export', url, exportPath: [exportName], fingerprint: '' } as const;
  return { ...body(exportName, { port }), address };
}

test('connections that fetch keeps for later are not reported', async () => {
  const ticket = new RecordingTicket();
  expect(await runOne(pool, talking('fetchMuch'), ticket)).toMatchObject({ kind: 'returned', value: 20 });
  expect(ticket.updates).toEqual([]);
});

test('what is being closed is not left open', async () => {
  const ticket = new RecordingTicket();
  await runOne(pool, talking('closeServer'), ticket);
  expect(ticket.updates).toEqual([]);
});

test('a server that listens on is left open', async () => {
  const ticket = new RecordingTicket();
  await runOne(pool, talking('leaveServer'), ticket);
  expect(ticket.updates).toMatchObject([
    { kind: 'finding', finding: { status: 'warn', message: expect.stringContaining('TCPServerWrap') } },
  ]);
});

test('what a server of an earlier task accepted is not the fault of the one that uses it', async () => {
  await runOne(pool, talking('provideServer'), new RecordingTicket());
  const ticket = new RecordingTicket();
  expect(await runOne(pool, talking('useServer'), ticket)).toMatchObject({ kind: 'returned' });
  expect(ticket.updates).toEqual([]);
});
