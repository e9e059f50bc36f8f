/** The output in the guide is real, and its table of labels is complete. UPDATE_GUIDE=1 updates the output. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isBad } from '@pexen/core';
import { expect, test } from 'vitest';
import { verdictLooks, verdicts } from '../src/text/paint.ts';

const root = new URL('../../../', import.meta.url);
const guide = new URL('docs/reports.md', root);
/** A whole file, or some of its lines: `<!-- shown: FILE lines 5-9 -->`. */
const shown = /<!-- shown: (\S+)(?: lines (\d+)-(\d+))? -->\n(`{3,})(\w+)\n[\s\S]*?\n\4\n/g;

test('the output in the guide to reports is real', () => {
  const text = readFileSync(guide, 'utf8');
  const real = text.replace(
    shown,
    (_all, file: string, from: string | undefined, to: string, fence: string, kind: string) => {
      const whole = readFileSync(new URL(file, root), 'utf8');
      const range = from === undefined ? '' : ` lines ${from}-${to}`;
      const lines =
        from === undefined
          ? whole
          : whole
              .split('\n')
              .slice(Number(from) - 1, Number(to))
              .join('\n');
      return `<!-- shown: ${file}${range} -->\n${fence}${kind}\n${lines.trimEnd()}\n${fence}\n`;
    },
  );
  expect(real.match(shown)).toHaveLength(10);
  if (process.env.UPDATE_GUIDE === '1') writeFileSync(guide, real);
  else expect(text).toBe(real);
});

test('the table of labels has each verdict, with its label, its word in the summary and its exit code', () => {
  const [, table = ''] = /<!-- labels -->\n([\s\S]*?)\n\n/.exec(readFileSync(guide, 'utf8')) ?? [];
  const [, , ...rows] = table.split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
  expect(rows.map(([, label, counted, verdict]) => [label, counted, verdict])).toEqual(
    verdicts.map((verdict) => {
      const { word, counted } = verdictLooks[verdict];
      return [`\`${word}\``, counted, `\`${verdict}\``];
    }),
  );
  const codes = rows.map(([, , , , , code = '']) => Number.parseInt(code, 10));
  const expected = verdicts.map((verdict) => (isBad(verdict) ? 1 : verdict === 'cancelled' ? 75 : 0));
  expect(codes).toEqual(expected);
});
