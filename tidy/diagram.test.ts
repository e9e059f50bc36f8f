/** The diagram of task states in docs/ARCHITECTURE.md has the transitions of the table, and the files that the page names exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './sources.ts';

const page = readFileSync(join(ROOT, 'docs/ARCHITECTURE.md'), 'utf8');

test('the diagram has the transitions of the machine', () => {
  const table = readFileSync(join(ROOT, 'packages/sched/src/machine/task-table.ts'), 'utf8');
  const [, transitions = ''] = /const TRANSITIONS[^=]*= \{([\s\S]*?)\n\};/.exec(table) ?? [];
  const rows = [...transitions.matchAll(/^ *'?([\w-]+)'?: \[(.*)\],$/gm)];
  const allowed = rows.flatMap(([, from, to = '']) =>
    [...to.matchAll(/'([\w-]+)'/g)].map(([, state]) => `${from} ${state}`),
  );
  const arrows = [...page.matchAll(/^ {2}(\w+) --> (\w+):/gm)];
  const drawn = arrows.map(([, from, to]) => `${from} ${to}`.replaceAll('_', '-')); // No hyphens in names there.
  expect(allowed.length).toBeGreaterThan(10);
  expect(drawn.sort()).toEqual(allowed.sort());
});

test('"Where is …?" names existing files', () => {
  const [, table = ''] = /\n## Where is …\?\n([\s\S]*?)\n## /.exec(page) ?? [];
  const missing: string[] = [];
  let folders: string[] = [];
  for (const row of table.split('\n')) {
    const [, , answer = ''] = row.split('|');
    const names = [...answer.matchAll(/`([\w./-]+)`/g)].map(([, name = '']) => name);
    if (row.startsWith('| **')) folders = names;
    let beside = folders;
    for (const name of names) {
      const isPath = existsSync(join(ROOT, name));
      if (isPath) beside = [...folders, join(name, '..')];
      else if (!beside.some((folder) => existsSync(join(ROOT, folder, name)))) missing.push(name);
    }
  }
  expect(missing).toEqual([]);
});
