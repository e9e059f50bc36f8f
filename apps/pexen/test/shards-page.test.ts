/** The guide to shards shows what the command prints. */
import { expect, it, onTestFinished } from 'vitest';
import { folder, pexen } from './command.ts';
import { commandsOf, comparable } from './page.ts';

it('shows real output', { timeout: 240_000 }, async () => {
  const dir = await folder({}, (act) => onTestFinished(act));
  for await (const { words, output } of commandsOf(
    new URL('../../../docs/shards.md', import.meta.url),
    dir,
  )) {
    const { stdout, stderr } = await pexen(dir, ...words.slice(1));
    const printed = stdout + stderr;
    expect(comparable(printed), `the real output is:\n${printed}`).toBe(comparable(output));
  }
});
