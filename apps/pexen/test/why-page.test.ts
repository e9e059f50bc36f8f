/** The guide to why shows what the command prints: about a run that goes on in another process, and about its journal. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { liveRuns } from '@pexen/usecase-testsuite';
import { expect, it, onTestFinished } from 'vitest';
import { folder, start } from './command.ts';
import { commandsOf, comparable } from './page.ts';

/** Resolves when the task runs, and all others wait. */
async function runsIn(dir: string, path: string): Promise<void> {
  for (;;) {
    const [live] = await liveRuns(join(dir, '.pexen'));
    if (live?.status.inspection.running.some((task) => task.path === path && task.worker !== undefined))
      return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Without spans of time, and numbers of processes. */
function timeless(text: string): string {
  return comparable(text)
    .replaceAll(/\b(?:\d+m )?[\d.]+m?s\b/g, 'SPAN')
    .replaceAll(/\d+ %/g, 'SHARE')
    .replaceAll(/process \d+ \(pid \d+\)/g, 'PROCESS');
}

it('shows real output', { timeout: 120_000 }, async () => {
  const dir = await folder({}, (act) => onTestFinished(act));
  let running: ReturnType<typeof start> | undefined;
  for await (const { words, remark, output } of commandsOf(
    new URL('../../../docs/why.md', import.meta.url),
    dir,
  )) {
    const [command, ...rest] = words;
    if (command === 'touch') {
      await writeFile(join(dir, 'go'), '');
      expect((await running?.ended)?.exitCode).toBe(1);
      continue;
    }
    if (remark === 'in another terminal') {
      running = start(dir, ...rest);
      continue;
    }
    const [, path] = /^while (\S+) runs$/.exec(remark) ?? [];
    if (path !== undefined) await runsIn(dir, path);
    const { stdout, stderr } = await start(dir, ...rest).ended;
    expect(timeless(stdout + stderr), `the real output is:\n${stdout}${stderr}`).toBe(timeless(output));
  }
});
