import type { TaskUpdate } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { CreditedSender } from '../src/worker.ts';

function sender(window: number): { sender: CreditedSender; batches: (readonly TaskUpdate[])[] } {
  const batches: (readonly TaskUpdate[])[] = [];
  return { sender: new CreditedSender({ send: (update) => batches.push(update), window }), batches };
}

const output = (text: string): TaskUpdate => ({ kind: 'output', stream: 'stdout', text });
const progress = (done: number): TaskUpdate => ({ kind: 'progress', progress: { done } });

describe('updates', () => {
  test('are sent at once while the host keeps up', () => {
    const { sender: open, batches } = sender(2);
    open.send(output('a'));
    open.send(progress(1));
    expect(batches).toEqual([[output('a')], [progress(1)]]);
  });

  test('are merged while it does not, and sent when it has processed a batch', () => {
    const { sender: full, batches } = sender(1);
    full.send(output('a'));
    for (const text of ['b', 'c']) full.send(output(text));
    for (const done of [1, 2, 3]) full.send(progress(done));
    expect(batches).toHaveLength(1);
    full.credited();
    expect(batches[1]).toEqual([output('bc'), progress(3)]);
  });

  test('never get out of order while something is kept', () => {
    const { sender: full, batches } = sender(1);
    for (const text of ['a', 'b', 'c']) full.send(output(text));
    full.credited();
    full.credited();
    full.send(output('d'));
    expect(batches.flat().map((update) => update.kind === 'output' && update.text)).toEqual(['a', 'bc', 'd']);
  });

  test.each(['pass', 'fail'] as const)('of more findings than are kept, one that is %s counts', (status) => {
    const { sender: full, batches } = sender(0);
    const send = (name: string, finding: 'pass' | 'fail') =>
      full.send({ kind: 'finding', finding: { name, status: finding } });
    for (let at = 0; at < 10_000; at++) send('a', 'pass');
    send('last', status);
    full.flush();
    expect(batches.flat().at(-1)).toMatchObject({
      finding: {
        name: '1 findings or attachments were dropped',
        status: status === 'fail' ? 'fail' : 'warn',
      },
    });
  });

  test('of a flood stay small, and dropped ones are reported', () => {
    const { sender: full, batches } = sender(1);
    for (let line = 0; line < 100_000; line++) {
      full.send(output('x'.repeat(100)));
      full.send({ kind: 'log', message: 'again' });
    }
    full.flush();
    const dropped = batches.flat();
    const text = dropped
      .map((update) => (update.kind === 'output' ? update.text.length : 0))
      .reduce((a, b) => a + b);
    expect(text).toBe(65_536 + 100);
    expect(dropped).toContainEqual({
      kind: 'log',
      message: `${10_000_000 - text} characters of output came too fast to be shown live`,
    });
    expect(dropped.filter(({ kind }) => kind === 'log').length).toBeLessThan(110);
  });

  test('that are results are all kept', () => {
    const { sender: full, batches } = sender(1);
    for (let n = 0; n < 5_000; n++) full.send({ kind: 'finding', finding: { name: `${n}`, status: 'pass' } });
    full.flush();
    expect(batches.flat()).toHaveLength(5_000);
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThan(70);
  });

  test('with data that cannot be sent get a note in its place', () => {
    const { sender: open, batches } = sender(1);
    open.send({ kind: 'finding', finding: { name: 'n', status: 'fail', data: { fn: () => 1 } } });
    expect(batches[0]).toEqual([
      {
        kind: 'finding',
        finding: { name: 'n', status: 'fail', data: { unserializable: 'data.fn is a function' } },
      },
    ]);
  });
});

test('over a channel of JSON, values that JSON would change are replaced by a note', () => {
  const sent: TaskUpdate[] = [];
  const sender = new CreditedSender({
    send: (update) => void sent.push(...update),
    channelRules: { json: true },
  });
  sender.send({ kind: 'log', message: 'with a Map', data: { at: new Map([['k', 1]]) } });
  const data = { unserializable: 'data.at is a Map, which JSON does not keep' };
  expect(JSON.parse(JSON.stringify(sent))).toEqual([{ kind: 'log', message: 'with a Map', data }]);
});
