/** The guide to resumes and reruns shows what the command prints: its files are written and its commands run in the order of the page. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJournal } from '@pexen/store';
import { expect, it, onTestFinished } from 'vitest';
import { folder, start } from './command.ts';
import { commandsOf, comparable, type Shown } from './page.ts';

/** Resolves when the record of some run says that the task has started. */
async function started(dir: string, path: string): Promise<void> {
  const runs = join(dir, '.pexen/runs');
  const hasStarted = (run: string): boolean => {
    const { entries } = readJournal(join(runs, run));
    const infos = entries.flatMap(({ event }) => (event.type === 'tasks-added' ? event.tasks : []));
    const id = infos.find((info) => info.path === path)?.id;
    return entries.some(({ event }) => event.type === 'attempt-started' && event.task === id);
  };
  const isStarted = (): boolean => {
    try {
      return readdirSync(runs).some(hasStarted);
    } catch {
      return false; // There is no run yet.
    }
  };
  while (!isStarted()) await new Promise((resolve) => setImmediate(resolve));
}

/** `# kill -9 while PATH runs`: the command is killed while this task runs. */
async function outputOf(dir: string, { words, remark }: Shown): Promise<string> {
  const [, ...rest] = words;
  const running = start(dir, ...rest);
  const [, killedIn] = /^kill -9 while (\S+) runs$/.exec(remark) ?? [];
  if (killedIn !== undefined) {
    await started(dir, killedIn);
    running.kill('SIGKILL');
  }
  const { stdout, stderr } = await running.ended;
  return stdout + stderr;
}

it('shows real output', { timeout: 240_000 }, async () => {
  const dir = await folder({}, (act) => onTestFinished(act));
  for await (const shown of commandsOf(new URL('../../../docs/memory.md', import.meta.url), dir)) {
    const output = await outputOf(dir, shown);
    expect(comparable(output), `the real output is:\n${output}`).toBe(comparable(shown.output));
  }
});
