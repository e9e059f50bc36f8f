/** The guide to the catalogue shows what the command prints: its files are written and its commands run in the order of the page. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { folder, pexen } from './command.ts';
import { commandsOf, comparable, type Shown } from './page.ts';

async function outputOf(dir: string, { words: [command, ...rest] }: Shown): Promise<string> {
  if (command === 'mv') {
    const [from = '', to = ''] = rest;
    await rename(join(dir, from), join(dir, to));
    return '';
  }
  const { stdout, stderr } = await pexen(dir, ...rest);
  return stdout + stderr;
}

it('shows real output', { timeout: 120_000 }, async () => {
  const dir = await folder({}, (act) => onTestFinished(act));
  for await (const shown of commandsOf(new URL('../../../docs/catalogue.md', import.meta.url), dir)) {
    const output = await outputOf(dir, shown);
    expect(comparable(output), `the real output is:\n${output}`).toBe(comparable(shown.output));
  }
});
