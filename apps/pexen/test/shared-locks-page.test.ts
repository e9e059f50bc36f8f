/** The guide to shared locks shows what the commands print, also after a run that was killed while it held one. */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { usualDirectory } from '@pexen/run-locks';
import { expect, it, onTestFinished } from 'vitest';
import { folder, startWith } from './command.ts';
import { commandsOf, comparable, type Shown } from './page.ts';

/** Resolves once the process has written down that it holds something. */
async function holds(pid: number | undefined): Promise<void> {
  const directory = usualDirectory();
  const isHolding = (name: string): boolean => {
    try {
      const written = JSON.parse(readFileSync(join(directory, name), 'utf8'));
      return written.pid === pid && written.holds.length > 0;
    } catch {
      return false; // it is gone
    }
  };
  const files = (): string[] => (existsSync(directory) ? readdirSync(directory) : []);
  while (!files().some((name) => name.endsWith('.json') && isHolding(name)))
    await new Promise((resolve) => setImmediate(resolve));
}

/** `# kill -9 while TASK runs`: the command is killed while its task holds what it needs. */
async function outputOf(dir: string, { words, remark }: Shown): Promise<string> {
  const [, ...rest] = words;
  const isKilled = remark.startsWith('kill -9');
  const running = startWith({ FLASH_SECONDS: isKilled ? '600' : '0' }, dir, ...rest);
  if (isKilled) {
    await holds(running.pid);
    running.kill('SIGKILL');
  }
  const { stdout, stderr } = await running.ended;
  return stderr + stdout;
}

it('shows real output', { timeout: 120_000 }, async () => {
  const dir = await folder({}, (act) => onTestFinished(act));
  for await (const shown of commandsOf(new URL('../../../docs/shared-locks.md', import.meta.url), dir)) {
    const output = (await outputOf(dir, shown))
      .replaceAll(realpathSync(dir), 'FOLDER')
      .replaceAll(/process \d+/g, 'process PID');
    expect(comparable(output), `the real output is:\n${output}`).toBe(comparable(shown.output));
  }
});
