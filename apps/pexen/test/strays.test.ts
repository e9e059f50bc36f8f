/** What is left running when everything is killed at once, and the run that is resumed after that. Needs /proc. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { folder, pexen, start } from './command.ts';

/** Leaves a process in a session of its own behind; the second time it only says how often it was interrupted. */
const program = `#!/bin/sh
[ "$PEXEN_INTERRUPTIONS" = 0 ] || { echo "interrupted $PEXEN_INTERRUPTIONS, attempt $PEXEN_ATTEMPT_NUMBER"; exit; }
setsid sleep 1000 &
echo $! > stray.pid
echo started
wait
`;

const body = `import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { task } from 'pexen';
export const child = task({}, async ({ attempt, interruptions }) => {
  if (interruptions > 0) return console.log('interrupted ' + interruptions + ', attempt ' + attempt);
  const stray = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  writeFileSync('stray.pid', stray.pid + '\\n');
  console.log('started');
  await new Promise(() => setInterval(() => {}, 1000));
});`;

describe.skipIf(!existsSync('/proc/self/stat'))('a run whose processes were all killed', () => {
  it.for([
    ['a program', 'processes', { 't/work.sh': program }, 't/stray.pid'],
    ['a body in a process', 'processes', { 't/work.task.mjs': body }, 'stray.pid'],
    ['a body in a thread', 'threads', { 't/work.task.mjs': body }, 'stray.pid'],
    ['a body in pexen itself', 'inline', { 't/work.task.mjs': body }, 'stray.pid'],
  ] as const)(
    '%s: the next session ends what it left',
    async ([, pool, files, note], { expect, onTestFinished }) => {
      const dir = await folder({ ...files }, onTestFinished);
      const run = start(dir, 'run', 't', '--pool', pool, '--reporter', 'lines', '--show-output', 'live');
      await run.sees('started');
      const stray = Number(readFileSync(join(dir, note), 'utf8'));
      onTestFinished(async () => void tryKill(stray, 'SIGKILL'));
      expect(stray).toBeGreaterThan(1);
      // The start of the task is recorded a moment after it.
      await expect.poll(() => journalIn(dir), { timeout: 20_000 }).toContain('attempt-started');
      const pid = run.pid ?? 0;
      tryKill(pid, 'SIGSTOP'); // It cannot react to the end of the others.
      for (const each of descendantsOf(pid)) if (each !== stray) tryKill(each, 'SIGKILL');
      tryKill(pid, 'SIGKILL');
      await run.ended;
      expect(isAlive(stray)).toBe(true);
      const resumed = await pexen(dir, 'resume', '--reporter', 'lines', '--verbose');
      expect(resumed.stdout, resumed.stderr).toContain('interrupted 1, attempt 1');
      expect(resumed.exitCode, resumed.stdout + resumed.stderr).toBe(0);
      expect(isAlive(stray)).toBe(false);
    },
  );
});

/** What is in the journal of the only run. */
function journalIn(dir: string): string {
  const runs = join(dir, '.pexen/runs');
  const [id = ''] = readdirSync(runs);
  return readFileSync(join(runs, id, 'journal.db-wal'), 'latin1');
}

/** All processes that this one has started, and those that they have started. */
function descendantsOf(pid: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .map(Number)
      .filter((each) => each > 0)
      .map((each) => [each, statOf(each)?.parent]),
  );
  const children = (of: number): number[] =>
    [...parents].flatMap(([each, parent]) => (parent === of ? [each, ...children(each)] : []));
  return children(pid);
}

function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z';
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
