/** Values between a run and a node: large ones arrive, too large ones fail their task, and nothing else. */
import { isPexenError, type PlacedTask } from '@pexen/core';
import { run } from '@pexen/sched';
import { expect, onTestFinished, test } from 'vitest';
import { byteCodec, longestMessage } from '../src/codec.ts';
import { nats } from '../src/index.ts';
import { startNode } from '../src/node.ts';
import { sized } from './fixtures/tasks.ts';
import { testServer } from './support/agents.ts';

const mebibyte = 1024 ** 2;

function codeOf(error: unknown): string | undefined {
  return isPexenError(error) ? error.problems[0]?.code : undefined;
}

test('large values arrive both ways; with more than 64 MiB a task has failed', async ({ skip }) => {
  const server = await testServer();
  if ('missing' in server) return skip(server.missing);
  onTestFinished(() => server.stop());
  const at = { servers: server.url, pool: 'values' };
  const node = await startNode({ ...at, name: 'one', slots: 1, roots: ['/'] });
  onTestFinished(async () => {
    node.stop();
    await node.stopped;
  });
  const sizes = { fits: [8, 8], 'too much there': [65, 0], 'too much back': [0, 65], 'works on': [0, 0] };
  const tasks: PlacedTask[] = Object.entries(sizes).map(([name, [there = 0, back = 0]]) => ({
    under: [name],
    task: sized.with({ text: 'a'.repeat(there * mebibyte), length: back * mebibyte }),
  }));
  const ended: Record<string, unknown> = {};
  for await (const result of run(tasks, { pool: nats(at) })) {
    const [name = ''] = result.path.split('/');
    const { took, text } = (result.value ?? {}) as { took?: number; text?: string };
    ended[name] = result.status === 'threw' ? codeOf(result.error) : [took, text?.length];
  }
  expect(ended).toEqual({
    fits: [8 * mebibyte, 8 * mebibyte],
    'too much there': 'PEXEN_VALUE_TOO_LARGE',
    'too much back': 'PEXEN_VALUE_TOO_LARGE',
    'works on': [0, 0],
  });
});

test('a message is pieces that fit into packets, and a receiver keeps no more than the longest message', () => {
  const message = { text: 'x'.repeat(mebibyte) };
  const pieces = byteCodec.encode(message);
  expect(pieces.length).toBeGreaterThan(3);
  const decode = byteCodec.decoder();
  expect(pieces.map(({ piece }) => decode(piece)).at(-1)).toEqual(message);

  const flood = byteCodec.decoder();
  const piece = { bytes: new Uint8Array(longestMessage / 4), isPart: true };
  for (let n = 0; n < 4; n++) expect(flood(piece)).toBeUndefined();
  expect(() => flood(piece)).toThrow('PEXEN_VALUE_TOO_LARGE');
});
