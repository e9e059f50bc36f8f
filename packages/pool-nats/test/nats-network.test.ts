/** The store of locks at a real server with the configuration that `pexen node --init-security` writes: what changes only in one step, and who may. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPexenError } from '@pexen/core';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectLocks } from '../src/locks/nats-network.ts';
import { findServer, startServer } from '../src/node.ts';
import { pool, SecuredServer } from './support/secured.ts';

const found = await SecuredServer.start(['mallory']).catch(
  (error: unknown) => String(error).split('\n')[0] ?? '',
);
const server = found as SecuredServer;
const deaf = { received: () => {}, disconnected: () => {} };

const codeOf = (error: unknown): unknown => isPexenError(error) && error.problems[0]?.code;

describe.skipIf(typeof found === 'string')('the store of locks', () => {
  afterAll(() => server.stop());

  test('changes and removes a value only as it was expected', async () => {
    const network = await connectLocks(server.options('scheduler'), pool, 'one', deaf);
    onTestFinished(() => network.close());
    const first = await network.put('run.one', 'x', 0);
    expect(await network.put('run.one', 'y', 0)).toBeUndefined();
    expect(await network.get('run.one')).toEqual({ value: 'x', revision: first });
    const second = await network.put('run.one', 'y', first ?? -1);
    expect(second).toBeGreaterThan(first ?? 0);
    await network.put('epoch', '1', 0);
    expect(await network.keys('run.')).toEqual(['run.one']);
    expect(await network.remove('run.one', first ?? -1)).toBe(false);
    expect(await network.remove('run.one', second ?? -1)).toBe(true);
    expect(await network.remove('run.one', second ?? -1)).toBe(false);
    expect(await network.get('run.one')).toBeUndefined();
    expect(await network.keys('run.')).toEqual([]);
    expect(await network.put('run.one', 'z', 0)).toBeGreaterThan(second ?? 0);
  });

  test('passes messages on between runs', async () => {
    const heard: string[] = [];
    const one = await connectLocks(server.options('scheduler'), pool, 'one', {
      ...deaf,
      received: (text) => heard.push(text),
    });
    const two = await connectLocks(server.options('scheduler'), pool, 'two', deaf);
    onTestFinished(async () => void (await Promise.all([one.close(), two.close()])));
    two.send('one', 'hello');
    await expect.poll(() => heard).toEqual(['hello']);
  });

  test('is for runs with the key of a scheduler', async () => {
    const refused = connectLocks(server.options('mallory'), pool, 'one', deaf);
    expect(codeOf(await refused.catch((error: unknown) => error))).toBe('PEXEN_NATS_DENIED');
  });

  test('needs a server that keeps data', async () => {
    const { file } = await findServer();
    const config = join(server.folder, 'plain.conf');
    writeFileSync(config, 'max_payload: 1MB\n');
    const plain = await startServer(file, { config });
    onTestFinished(() => plain.stop());
    const refused = connectLocks({ servers: plain.url }, pool, 'one', deaf);
    expect(codeOf(await refused.catch((error: unknown) => error))).toBe('PEXEN_NATS_NO_JETSTREAM');
  });
});

test('there is a server to test with', ({ skip }) => {
  if (typeof found === 'string') skip(found);
  expect(server.port).toMatch(/^\d+$/);
});
