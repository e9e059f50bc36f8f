/** The guide to resumes and reruns shows what the command prints: its files are written and its commands run in the order of the page. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readJournal } from '@pexen/store';
import { expect, it, onTestFinished } from 'vitest';
import { folder, start } from './command.ts';

const page = readFileSync(new URL('../../../docs/memory.md', import.meta.url), 'utf8');

interface Shown {
  readonly words: readonly string[];
  /** The command is killed while this task runs. */
  readonly killedIn: string | undefined;
  readonly output: string;
}

/** `$ pexen run   # kill -9 while PATH runs`; the lines below are the output. */
function commandsIn(block: string): Shown[] {
  const parts = block.split(/^\$ /m).slice(1);
  return parts.map((part) => {
    const [line = '', ...output] = part.split('\n');
    const [command = '', remark = ''] = line.split(/ +# /);
    return {
      words: (command.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", '')),
      killedIn: /^kill -9 while (\S+) runs$/.exec(remark)?.[1],
      output: output.join('\n'),
    };
  });
}

/** Without times, ids and dates. */
function comparable(text: string): string {
  return text
    .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'WHEN')
    .replaceAll(/\[ *[\d.]+s\]/g, '[TIME]')
    .replaceAll(/^ +[\d.]+m?s of work in .*\n/gm, '')
    .trimEnd();
}

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

async function outputOf(dir: string, { words, killedIn }: Shown): Promise<string> {
  const [, ...rest] = words;
  const running = start(dir, ...rest);
  if (killedIn !== undefined) {
    await started(dir, killedIn);
    running.kill('SIGKILL');
  }
  const { stdout, stderr } = await running.ended;
  return stdout + stderr;
}

it('shows real output', { timeout: 240_000 }, async () => {
  const dir = await folder({}, (act) => onTestFinished(act));
  for (const [, kind, block = ''] of page.matchAll(/^```(ts no-run|console)\n([\s\S]*?)^```$/gm)) {
    const [, name, text = ''] = /^\/\/ (\S+\.ts)\n([\s\S]*)$/.exec(block) ?? [];
    if (kind === 'ts no-run' && name !== undefined) {
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), text);
    }
    if (kind !== 'console') continue;
    for (const shown of commandsIn(block)) {
      const output = await outputOf(dir, shown);
      expect(comparable(output), `the real output is:\n${output}`).toBe(comparable(shown.output));
    }
  }
});
