import type { TaskUpdate } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { NewsValve } from '../src/worker.ts';

function valve(window: number): { valve: NewsValve; batches: (readonly TaskUpdate[])[] } {
  const batches: (readonly TaskUpdate[])[] = [];
  return { valve: new NewsValve({ send: (news) => batches.push(news), window }), batches };
}

const output = (text: string): TaskUpdate => ({ kind: 'output', stream: 'stdout', text });
const progress = (done: number): TaskUpdate => ({ kind: 'progress', progress: { done } });

describe('news', () => {
  test('go at once while the host keeps up', () => {
    const { valve: open, batches } = valve(2);
    open.tell(output('a'));
    open.tell(progress(1));
    expect(batches).toEqual([[output('a')], [progress(1)]]);
  });

  test('grow together while it does not, and go when it has taken a batch', () => {
    const { valve: full, batches } = valve(1);
    full.tell(output('a'));
    for (const text of ['b', 'c']) full.tell(output(text));
    for (const done of [1, 2, 3]) full.tell(progress(done));
    expect(batches).toHaveLength(1);
    full.credited();
    expect(batches[1]).toEqual([output('bc'), progress(3)]);
  });

  test('never get out of order while something is kept', () => {
    const { valve: full, batches } = valve(1);
    for (const text of ['a', 'b', 'c']) full.tell(output(text));
    full.credited();
    full.credited();
    full.tell(output('d'));
    expect(batches.flat().map((news) => news.kind === 'output' && news.text)).toEqual(['a', 'bc', 'd']);
  });

  test.each(['pass', 'fail'] as const)('of more findings than are kept, one that is %s counts', (status) => {
    const { valve: full, batches } = valve(0);
    const tell = (name: string, finding: 'pass' | 'fail') =>
      full.tell({ kind: 'finding', finding: { name, status: finding } });
    for (let at = 0; at < 10_000; at++) tell('a', 'pass');
    tell('last', status);
    full.flush();
    expect(batches.flat().at(-1)).toMatchObject({
      finding: {
        name: '1 findings or attachments were dropped',
        status: status === 'fail' ? 'fail' : 'warn',
      },
    });
  });

  test('of a flood stay small, and what was dropped is said', () => {
    const { valve: full, batches } = valve(1);
    for (let line = 0; line < 100_000; line++) {
      full.tell(output('x'.repeat(100)));
      full.tell({ kind: 'log', message: 'again' });
    }
    full.flush();
    const said = batches.flat();
    const text = said.map((news) => (news.kind === 'output' ? news.text.length : 0)).reduce((a, b) => a + b);
    expect(text).toBe(65_536 + 100);
    expect(said).toContainEqual({
      kind: 'log',
      message: `${10_000_000 - text} characters of output came too fast to be shown live`,
    });
    expect(said.filter(({ kind }) => kind === 'log').length).toBeLessThan(110);
  });

  test('that are results are all kept', () => {
    const { valve: full, batches } = valve(1);
    for (let n = 0; n < 5_000; n++) full.tell({ kind: 'finding', finding: { name: `${n}`, status: 'pass' } });
    full.flush();
    expect(batches.flat()).toHaveLength(5_000);
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThan(70);
  });

  test('with data that cannot cross have a note in its place', () => {
    const { valve: open, batches } = valve(1);
    open.tell({ kind: 'finding', finding: { name: 'n', status: 'fail', data: { fn: () => 1 } } });
    expect(batches[0]).toEqual([
      {
        kind: 'finding',
        finding: { name: 'n', status: 'fail', data: { unserializable: 'data.fn is a function' } },
      },
    ]);
  });
});

test('over a border of JSON, what JSON would change is replaced by what it is', () => {
  const sent: TaskUpdate[] = [];
  const valve = new NewsValve({ send: (news) => void sent.push(...news), border: { json: true } });
  valve.tell({ kind: 'log', message: 'with a Map', data: { at: new Map([['k', 1]]) } });
  const data = { unserializable: 'data.at is a Map, which JSON does not keep' };
  expect(JSON.parse(JSON.stringify(sent))).toEqual([{ kind: 'log', message: 'with a Map', data }]);
});
