/** The README shows the decision table as it is. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decisionTable } from '../../src/resume/decision-table.ts';

test('the table of the README has the rows of the decision table', () => {
  const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const shown = page.split('\n').filter((line) => /^\| \d+ \|/.test(line));
  expect(shown).toEqual(
    decisionTable.map(
      ({ row, record, condition, decision }) => `| ${row} | ${record} | ${condition} | ${decision} |`,
    ),
  );
});

test('rows are numbered in their order', () => {
  expect(decisionTable.map(({ row }) => row)).toEqual(decisionTable.map((_, index) => index));
});
