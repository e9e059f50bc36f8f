/** What is asked of the nodes of a pool without working with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findNodes, startNode } from '../src/node.ts';
import { testServer } from './support/agents.ts';

test('nodes say what they are, and probe again when they are asked to', async ({ skip }) => {
  const server = await testServer();
  if ('missing' in server) return skip(server.missing);
  onTestFinished(() => server.stop());
  const folder = mkdtempSync(join(tmpdir(), 'pexen-nodes-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const device = join(folder, 'device');
  const at = { servers: server.url, pool: 'lab' };
  const probes = { device: `cat ${device}`, shell: 'true' };
  const agents = await Promise.all([
    startNode({ ...at, name: 'two', slots: 3, labels: { disk: 'ssd' }, properties: { weight: 7 }, probes }),
    startNode({ ...at, name: 'one', slots: 1 }),
    startNode({ ...at, name: 'other', pool: 'others' }),
  ]);
  onTestFinished(async () => {
    for (const agent of agents) agent.stop();
    await Promise.all(agents.map(({ stopped }) => stopped));
  });

  const [one, two, ...others] = await findNodes(at);
  expect(others).toEqual([]);
  expect(one).toMatchObject({ name: 'one', state: 'free', slots: 1, properties: { name: 'one' } });
  const has = { disk: 'ssd', weight: 7, 'has.device': false, 'has.shell': true };
  expect(two).toMatchObject({ name: 'two', slots: 3, properties: has });

  writeFileSync(device, 'rev-b');
  expect((await findNodes(at))[1]?.properties).toMatchObject({ 'has.device': false });
  const probed = await findNodes({ ...at, probe: true });
  expect(probed[1]?.properties).toMatchObject({ 'has.device': true, device: 'rev-b' });
  expect(probed).toHaveLength(2);
  expect(await findNodes({ ...at, pool: 'empty', probe: true, waitMs: 50 })).toEqual([]);
});

test.each([
  [{ labels: { 'a b': 'c' } }, /labels must be an object with names such as "arch"/],
  [{ properties: { arch: [] } }, /properties must be an object with names/],
  [{ probes: { 'has.kvm': 'true' } }, /probes must be an object with names such as "kvm", and commands/],
])('an agent with %j does not start', async (options, message) => {
  await expect(startNode(options as object)).rejects.toThrow(message);
});
