/** Every example of the page on queries selects what the page says. */
import { readFileSync } from 'node:fs';
import type { Verdict } from '@pexen/core';
import { expect, test } from 'vitest';
import type { LastResult } from '../src/query/select-tasks.ts';
import { pick, type Selectable } from '../src/query/selection.ts';

const page = readFileSync(new URL('../../../docs/queries.md', import.meta.url), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );

const root = '/suite';
const lastResults = new Map<string, LastResult>();
const tasks = rows
  .filter(({ length }) => length === 4)
  .map(([path = '', place = '', tags = '', last = '']): Selectable => {
    const [, file = '', line] = /^`([^:]*):?(\d*)`$/.exec(place) ?? [];
    const [, verdict, time = '', unit] = /^([\w-]+), ([\d.]+) (ms|s)$/.exec(last) ?? [];
    if (verdict !== undefined)
      lastResults.set(unquoted(path), {
        verdict: verdict as Verdict,
        durationMs: Number(time) * (unit === 's' ? 1000 : 1),
      });
    return {
      path: unquoted(path),
      tags: listed(tags),
      file: `${root}/${file}`,
      ...(line !== '' && { line: Number(line) }),
    };
  });
const examples = rows
  .filter(({ length }) => length === 2)
  .map(([query = '', selected = '']) => [unquoted(query), listed(selected)] as const);

test('the page has its tasks and its examples', () => {
  expect(tasks).toHaveLength(7);
  expect(examples.length).toBeGreaterThan(20);
});

test.each(examples)('%s', (query, selected) => {
  const picked = pick(tasks, { queries: [query] }, { directory: root, root, lastResults });
  expect(picked.map(({ path }) => path)).toEqual(selected);
});

test('what no task meets is reported as the page shows', () => {
  const refused = (): unknown => pick(tasks, { queries: ['logn'] }, { directory: root, root, lastResults });
  const [, message = '', hint = ''] =
    /```text\nerror PEXEN_NOTHING_SELECTED (.*)\n *(.*)\n```/.exec(page) ?? [];
  expect(refused).toThrow(message);
  expect(refused).toThrow(hint);
  expect(message).not.toBe('');
});

function listed(cell: string): string[] {
  return cell === '' ? [] : cell.split(', ').map(unquoted);
}

function unquoted(cell: string): string {
  return cell.replaceAll('`', '');
}
