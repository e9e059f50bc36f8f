/** The output in the guide is real. UPDATE_GUIDE=1 updates it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
const guide = new URL('docs/reports.md', root);
const shown = /<!-- shown: (\S+) -->\n```console\n([\s\S]*?)```/g;

test('the output in the guide to reports is real', () => {
  const text = readFileSync(guide, 'utf8');
  const real = text.replace(shown, (_all, file: string) => {
    return `<!-- shown: ${file} -->\n\`\`\`console\n${readFileSync(new URL(file, root), 'utf8')}\`\`\``;
  });
  expect(real.match(shown)).toHaveLength(2);
  if (process.env.UPDATE_GUIDE === '1') writeFileSync(guide, real);
  else expect(text).toBe(real);
});
