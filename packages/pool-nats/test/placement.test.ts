/** Tasks run on the nodes that they ask for, also on those that come to fit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeView, PlacedTask } from '@pexen/core';
import { run } from '@pexen/sched';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { nats } from '../src/index.ts';
import type { NodeOptions } from '../src/node/options.ts';
import { findNodes, startNode } from '../src/node.ts';
import { asks, device, left, right, serves } from './fixtures/tasks.ts';
import { testServer } from './support/agents.ts';

const server = await testServer();
afterAll(async () => {
  if ('url' in server) await server.stop();
});

/** A pool with these nodes. */
async function lab(pool: string, ...nodes: readonly NodeOptions[]) {
  const at = { servers: 'url' in server ? server.url : '', pool };
  const agents = await Promise.all(
    nodes.map((each) => startNode({ ...at, slots: 2, roots: ['/'], ...each })),
  );
  onTestFinished(async () => {
    for (const agent of agents) agent.stop();
    await Promise.all(agents.map(({ stopped }) => stopped));
  });
  return { ...at, nodes: nodes.length };
}

describe.skipIf('missing' in server)('tasks that ask for nodes', () => {
  test('run there, whatever is free elsewhere', async () => {
    const at = await lab(
      'placed',
      { name: 'one', properties: { left: true } },
      { name: 'two', properties: { right: true } },
    );
    const tasks = Array.from(
      { length: 20 },
      (_, n): PlacedTask =>
        n % 3 === 0 ? { under: [`l${n}`], task: left } : { under: [`r${n}`], task: right },
    );
    const ran: Record<string, Set<string>> = { l: new Set(), r: new Set() };
    for await (const { path, attempts, status } of run(tasks, { pool: nats(at) })) {
      expect(status).toBe('returned');
      ran[path.slice(0, 1)]?.add(attempts.at(-1)?.worker.split('/')[0] ?? '');
    }
    expect(ran).toEqual({ l: new Set(['one']), r: new Set(['two']) });
  });

  test('find none in a pool that is limited to others, which the error explains', async () => {
    const one = { name: 'one', labels: { disk: 'ssd' }, properties: { left: true } };
    const at = await lab('limited', one, { name: 'two' });
    const failureOf = async (options: object): Promise<string> => {
      try {
        for await (const _ of run([left], { pool: nats({ ...at, nodes: 1, waitMs: 400, ...options }) }));
      } catch (error) {
        return String(error);
      }
      return 'no error';
    };
    const few = 'PEXEN_NO_NODE: 0 of 1 nodes came within 0.4 s to the pool "limited"';
    const [labelled, asked, unreadable, limited] = [
      await failureOf({ labels: { disk: 'hdd' } }),
      await failureOf({ on: 'disk=hdd && has=kvm' }),
      await failureOf({ on: 'disk=hdd &&' }),
      await failureOf({ on: ({ name }: NodeView) => name === 'three' || `is not three` }),
    ];
    expect(labelled).toMatch(new RegExp(`${few}.*(one|two) has not disk=hdd, (one|two) has not disk=hdd`));
    expect(asked).toMatch(/one lacks disk=hdd \(disk is "ssd"\); has=kvm \(it has no kvm\)/);
    expect(unreadable).toMatch(/PEXEN_BAD_ON: nats: its "on" cannot be read: "disk=hdd &&" /);
    expect(await failureOf({ on: 'disk=ssd', waitMs: 60_000 })).toBe('no error');
    expect(limited).toMatch(new RegExp(`${few}.*(one|two) is not three, (one|two) is not three`));
  });

  test('use the service of their node; where that is killed, others run elsewhere', async () => {
    const at = await lab('served', { name: 'one' }, { name: 'two' });
    const tasks: PlacedTask[] = Array.from({ length: 12 }, (_, n) => ({
      under: [`${n}`],
      task: asks.with({ ends: false }),
    }));
    const statuses: Record<string, string> = {};
    const servers = new Set<string>();
    const killer = { under: ['killer'], task: asks.with({ ends: true }) };
    const served = { under: [], task: serves };
    for await (const { path, status, value, attempts } of run([served, killer, ...tasks], {
      pool: nats(at),
    })) {
      statuses[path] = status;
      if (!path.endsWith('/asks')) continue;
      expect(status).toBe('returned');
      const node = attempts.at(-1)?.worker.split('/')[0];
      expect(value).toBe(`serves@${node}`);
      servers.add(String(value));
    }
    const { 'serves@one': one, 'serves@two': two, serves: all } = statuses;
    expect([one, two].sort()).toEqual(['crashed', 'returned']);
    expect(all).toBe('returned');
    expect(servers.size).toBeGreaterThan(0);
  });

  test('start when a node comes to have what they ask for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pexen-placement-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'device');
    const at = await lab('probed', { name: 'one' }, { name: 'two', probes: { device: `test -e ${file}` } });
    const { nodes: _, ...place } = at;
    const results = run([{ under: [], task: device }], {
      pool: nats(at),
    });
    const first = results[Symbol.asyncIterator]().next();
    await expect
      .poll(async () => (await findNodes(place)).map(({ state }) => state))
      .toEqual(['busy', 'busy']);
    writeFileSync(file, '');
    await findNodes({ ...place, probe: true });
    const { value } = await first;
    expect(value?.attempts.at(-1)?.worker).toMatch(/^two\//);
  });
});
