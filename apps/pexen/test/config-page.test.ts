/** The page of the configuration shows what the command prints: its files are written and its commands run in the order of the page. */
import { expect, it, onTestFinished } from 'vitest';
import { folder, pexenWith } from './command.ts';
import { commandsOf } from './page.ts';

/** `…` on a line of its own stands for any lines. */
function pattern(output: string, dir: string): RegExp {
  const parts = output
    .replaceAll('/home/me/project', dir)
    .split(/^…\n/m)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/ {2,}/g, ' {2,}'));
  return new RegExp(`^${parts.join('(?:.*\\n)*')}$`);
}

it('shows real output', async () => {
  const dir = await folder({}, (act) => onTestFinished(act));
  let count = 0;
  for await (const { words, output } of commandsOf(
    new URL('../../../docs/configuration.md', import.meta.url),
    dir,
  )) {
    const variables = words.filter((word) => /^PEXEN_\w+=/.test(word)).map((word) => word.split('='));
    const rest = words.slice(variables.length + 1);
    const { stdout, stderr } = await pexenWith(Object.fromEntries(variables), dir, ...rest);
    expect(stderr).toBe('');
    expect(stdout).toMatch(pattern(output, dir));
    count++;
  }
  expect(count).toBe(2);
});
