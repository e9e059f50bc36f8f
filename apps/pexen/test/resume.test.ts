/** Runs that are cut and continued, and runs that repeat a part of another one, by the command itself. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readJournal } from '@pexen/store';
import { describe, it } from 'vitest';
import { type AtEnd, folder, pexen, start } from './command.ts';

/** Bodies write to a ledger what they do; `held` waits until the file `gate` is there. */
const suite = `import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { key, task } from 'pexen';

const here = (name) => new URL('../' + name, import.meta.url);
const note = (text) => appendFileSync(here('ledger'), text + '\\n');
export const built = key<number>('built');
export const build = task({ provides: [built] }, ({ set }) => { note('build'); set(built, 7); });
export const flaky = task({ retries: 1, after: [build], provides: ['steady'] }, () => {
  note('flaky');
  if (readFlag()) throw new Error('not yet');
});
let isFirst = true;
const readFlag = () => { const was = isFirst; isFirst = false; return was; };
export const held = task({ requires: [built], claims: ['/srv/db'], after: ['checked'] }, async ({ get, interruptions }) => {
  note('held ' + get(built) + ' ' + interruptions);
  while (!existsSync(here('gate'))) await sleep(10);
});
export const once = task({ rerunnable: false, after: [held] }, () => note('once'));
export const last = task({ requires: [held], after: [once], uses: ['/srv/db'] }, () => note('last'));
export const down = task({ tearsDown: [built] }, () => note('down'));
`;

const bad = `import { appendFileSync } from 'node:fs';
import { task } from 'pexen';
export const bad = task({ after: ['steady'], provides: ['checked'] }, () => {
  appendFileSync(new URL('../ledger', import.meta.url), 'bad\\n');
  console.log('some output');
  throw new Error('no route');
});
`;

const files = { 'tests/all.task.ts': suite, 'tests/bad.task.ts': bad };

async function suiteFolder(atEnd: AtEnd, more: Readonly<Record<string, string>> = {}): Promise<string> {
  return folder({ ...files, ...more }, atEnd);
}

const ledgerOf = (dir: string): string[] =>
  existsSync(join(dir, 'ledger')) ? readFileSync(join(dir, 'ledger'), 'utf8').trim().split('\n') : [];

/** Resolves when the ledger has the line. */
async function noted(dir: string, line: string): Promise<void> {
  if (ledgerOf(dir).includes(line)) return;
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (!ledgerOf(dir).includes(line)) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(dir, look);
    look();
  });
}

/** Resolves when the journal of the only run has so many events of the type: those of `held` follow those of the other tasks. */
async function recorded(dir: string, type: string, count: number): Promise<void> {
  const [run = ''] = readdirSync(join(dir, '.pexen/runs'));
  const isThere = (): boolean =>
    readJournal(join(dir, '.pexen/runs', run)).entries.filter(({ event }) => event.type === type).length >=
    count;
  while (!isThere()) await new Promise((resolve) => setImmediate(resolve));
}

/** A report without what differs between two runs of the same suite: its times, and the names of folders. */
async function reportIn(dir: string): Promise<string> {
  const text = await readFile(join(dir, 'junit.xml'), 'utf8');
  return text
    .replaceAll(dir, '…')
    .replaceAll(/ (?:time|timestamp)="[^"]*"/g, '')
    .replaceAll(/out\/[^ ]*-s\d+-a/g, 'out/…-a')
    .replaceAll(/runs\/[\da-f-]{36}/g, 'runs/…');
}

const words = ['run', '-j1', '--reporter', 'lines', '--junit', 'junit.xml'];

/** A run that was killed while \`held\` ran. */
async function killed(atEnd: AtEnd): Promise<string> {
  const dir = await suiteFolder(atEnd);
  const running = start(dir, ...words);
  await noted(dir, 'held 7 0');
  await recorded(dir, 'attempt-started', 5);
  running.kill('SIGKILL');
  await running.ended;
  return dir;
}

const openGate = (dir: string): Promise<void> => writeFile(join(dir, 'gate'), '');

describe.concurrent('pexen resume', () => {
  it('ends a run that was killed as if it had not been cut', async ({ expect, onTestFinished }) => {
    const whole = await suiteFolder(onTestFinished, { gate: '' });
    const uncut = await pexen(whole, ...words);
    expect(uncut.exitCode, uncut.stdout + uncut.stderr).toBe(1);
    const dir = await killed(onTestFinished);
    await openGate(dir);
    const { exitCode, stdout, stderr } = await pexen(dir, 'resume');
    expect(exitCode, stdout + stderr).toBe(1);
    expect(stdout).toContain('Session 2 of run 1.');
    expect(stdout).toMatch(/7 tasks: 5 passed, 1 flaky, 1 failed/);
    expect(stdout).toContain('3 results kept from session 1');
    expect(stdout).not.toMatch(/PASS .*all\/build/);
    expect(ledgerOf(dir).toSorted()).toEqual([...ledgerOf(whole), 'held 7 1'].toSorted());
    expect(await reportIn(dir)).toBe(await reportIn(whole));
  });

  it('says what it would do with each task, and does nothing', async ({ expect, onTestFinished }) => {
    const dir = await killed(onTestFinished);
    const before = await stateOf(dir);
    const { exitCode, stdout, stderr } = await pexen(dir, 'resume', '--dry-run');
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^keep +row 22 {2}tests\/all\/build {2}ended in session 1$/m);
    expect(stdout).toMatch(/^run +row 11 {2}tests\/all\/held {2}was interrupted in session 1$/m);
    expect(stdout).toMatch(/^run +row 14 {2}tests\/all\/last {2}has not started$/m);
    expect(stdout).toContain('A resume of run 1 starts 4 of 7 tasks.');
    expect(await stateOf(dir)).toEqual(before);
  });

  it('is refused while another process resumes the same run', async ({ expect, onTestFinished }) => {
    const dir = await killed(onTestFinished);
    const first = start(dir, 'resume');
    await noted(dir, 'held 7 1');
    const second = await pexen(dir, 'resume');
    expect(second.exitCode, second.stdout).toBe(3);
    expect(second.stderr).toContain('PEXEN_JOURNAL_IN_USE');
    expect(second.stderr).toContain(`process ${first.pid} on`);
    await openGate(dir);
    expect((await first.ended).exitCode).toBe(1);
  });

  it('continues an interrupted run, which the next run names, and no run that has ended', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await suiteFolder(onTestFinished);
    const running = start(dir, ...words);
    await noted(dir, 'held 7 0');
    running.kill('SIGTERM');
    const interrupted = await running.ended;
    expect(interrupted.exitCode, interrupted.stdout).toBe(75);
    expect(interrupted.stderr).toContain('Run 1 can be continued: pexen resume');
    await openGate(dir);
    const other = await pexen(dir, 'run', 'build', '--reporter', 'lines');
    expect(other.stdout).toContain('Run 1 was interrupted: pexen resume 1 continues it.');
    expect((await pexen(dir, 'run', 'build', '--reporter', 'lines')).stdout).not.toContain('was interrupted');
    const listed = await pexen(dir, 'runs');
    expect(listed.stdout).toMatch(/^1 .* resumable .* exit code 75$/m);
    expect(listed.stdout).toMatch(/^2 .* ended .* exit code 0$/m);
    const resumed = await pexen(dir, 'run', '--resume=1');
    expect(resumed.exitCode, resumed.stdout + resumed.stderr).toBe(1);
    expect(ledgerOf(dir).filter((line) => line === 'once')).toHaveLength(1);
    const again = await pexen(dir, 'resume', '1');
    expect(again.exitCode, again.stdout).toBe(2);
    expect(again.stderr).toContain('--rerun');
    const { runs } = JSON.parse((await pexen(dir, 'runs', '--json')).stdout);
    expect(runs[0]).toMatchObject({ number: 1, state: 'ended', sessions: 2, exitCode: 1 });
  });
});

describe.concurrent('pexen run --rerun', () => {
  it('runs what failed and what changed, until nothing is outstanding', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await suiteFolder(onTestFinished, { gate: '' });
    expect((await pexen(dir, ...words)).exitCode).toBe(1);
    const before = ledgerOf(dir).length;
    const again = await pexen(dir, 'run', '--rerun', '--reporter', 'lines');
    expect(again.exitCode, again.stdout + again.stderr).toBe(1);
    expect(again.stderr).toContain('1 outstanding: pexen run --rerun');
    expect(again.stdout).toContain('Repeats what failed, did not run or has changed since in run 1.');
    expect(again.stdout).toContain('6 results kept from run 1');
    expect(ledgerOf(dir).slice(before)).toEqual(['bad']);
    await writeFile(join(dir, 'tests/bad.task.ts'), bad.replace("throw new Error('no route');", ''));
    const fixed = await pexen(dir, 'run', '--rerun=failed', '--reporter', 'lines', '--junit', 'junit.xml');
    expect(fixed.exitCode, fixed.stdout + fixed.stderr).toBe(0);
    expect(fixed.stderr).toContain('Nothing is outstanding.');
    expect((await readFile(join(dir, 'junit.xml'), 'utf8')).match(/<testcase /g)).toHaveLength(7);
  });
});

describe.concurrent('pexen run --rerun, without what has failed,', () => {
  it('judges kept results by the present expectations, and does not bail for them', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await suiteFolder(onTestFinished, { gate: '' });
    expect((await pexen(dir, ...words)).exitCode).toBe(1);
    const before = ledgerOf(dir);
    const again = await pexen(dir, 'run', '--rerun=changed', '--bail', '--reporter', 'lines');
    expect(again.stdout, again.stderr).toContain('7 tasks: 5 passed, 1 flaky, 1 failed');
    expect(again.stdout).not.toContain('stopped after');
    expect(again.stderr).toContain('1 outstanding');
    const config = `import { defineSuite, tree } from 'pexen';
      export default defineSuite({ from: { '': tree({ dir: '.' }) }, expectedFailures: { '**/bad': 'no route here' } });`;
    await writeFile(join(dir, 'pexen.config.ts'), config);
    const expected = await pexen(dir, 'run', '--rerun=changed', '--of', '1', '--reporter', 'lines');
    expect(expected.exitCode, expected.stdout + expected.stderr).toBe(0);
    expect(expected.stdout).toContain('7 tasks: 5 passed, 1 flaky, 1 xfailed');
    expect(expected.stderr).toContain('Nothing is outstanding.');
    expect(ledgerOf(dir)).toEqual(before);
    await writeFile(join(dir, 'other.config.ts'), config);
    const other = await pexen(dir, 'run', '--rerun', '--config', 'other.config.ts');
    expect(other.exitCode, other.stdout).toBe(2);
    expect(other.stderr).toContain('PEXEN_OTHER_SUITE');
  });
});

describe.concurrent('pexen run', () => {
  it('--failed-first starts what failed last before everything else', async ({ expect, onTestFinished }) => {
    const make = (name: string) => [`${name}.sh`, `#!/bin/sh\n[ ${name} != c ]\n`] as const;
    const dir = await folder(Object.fromEntries(['a', 'b', 'c', 'd'].map(make)), onTestFinished);
    const order = async (...more: string[]): Promise<string | undefined> => {
      const { stdout } = await pexen(
        dir,
        'run',
        '-j1',
        '--no-journal',
        '--reporter',
        'lines',
        '--failures',
        'short',
        ...more,
      );
      return /\] ([abcd])\.sh/.exec(stdout)?.[1];
    };
    await order();
    expect(await order('--failed-first')).toBe('c');
  });

  it('--no-journal records nothing', async ({ expect, onTestFinished }) => {
    const dir = await suiteFolder(onTestFinished, { gate: '' });
    expect((await pexen(dir, ...words, '--no-journal')).exitCode).toBe(1);
    expect((await pexen(dir, 'runs')).stdout).toBe('No run is recorded.\n');
    const [run = ''] = await readdir(join(dir, '.pexen/runs'));
    expect(await readdir(join(dir, '.pexen/runs', run))).not.toContain('journal.db');
    expect((await pexen(dir, 'resume')).exitCode).toBe(2);
  });

  it('--state-dir names the folder for what it leaves behind', async ({ expect, onTestFinished }) => {
    const dir = await suiteFolder(onTestFinished, { gate: '' });
    await pexen(dir, 'run', '--state-dir', 'memory', 'build');
    expect(existsSync(join(dir, '.pexen'))).toBe(false);
    expect((await pexen(dir, 'runs', '--state-dir', 'memory')).stdout).toMatch(/ended .* 2 returned/);
    const failed = await pexen(dir, 'run', '--state-dir', 'memory', 'status:passed', '--reporter', 'lines');
    expect(failed.stdout).toContain('2 tasks: 2 passed');
  });

  it('--require-journal runs nothing where nothing can be recorded', async ({ expect, onTestFinished }) => {
    const dir = await suiteFolder(onTestFinished, { '.pexen': 'a file', gate: '' });
    const { exitCode, stderr } = await pexen(dir, 'run', '--require-journal');
    expect(exitCode, stderr).toBe(3);
    expect(ledgerOf(dir)).toEqual([]);
  });
});

describe('a full disk', () => {
  const fills = `import { closeSync, openSync, writeSync } from 'node:fs';
import { task } from 'pexen';
export const fill = task({ provides: ['t-1'] }, () => {
  const file = openSync(new URL('../.pexen/filler', import.meta.url), 'w');
  for (const size of [65_536, 4_096, 512, 1]) {
    try { for (;;) writeSync(file, Buffer.alloc(size)); } catch {}
  }
  closeSync(file);
});
export const next = Object.fromEntries(Array.from({ length: 12 }, (_, n) =>
  [\`n\${n}\`, task({ name: \`n\${n}\`, after: [\`t\${n - 1}\`], provides: [\`t\${n}\`] }, () => 'x'.repeat(9_000))]));
`;

  /** A suite whose state directory is on a disk of 4 MiB; undefined where none can be made. */
  async function onSmallDisk(atEnd: AtEnd): Promise<string | undefined> {
    const dir = await folder({ 'tests/fill.task.ts': fills }, atEnd);
    await mkdir(join(dir, '.pexen'));
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', join(dir, '.pexen')]);
    if (status !== 0) return undefined;
    // Before the folder is removed.
    atEnd(async () => void spawnSync('umount', ['-l', join(dir, '.pexen')]));
    return dir;
  }

  it('costs the record, and with --require-journal stops the run (skipped where no disk can be made)', async ({
    expect,
    onTestFinished,
    skip,
  }) => {
    const dir = await onSmallDisk(onTestFinished);
    if (dir === undefined) return skip('a small disk cannot be mounted');
    const strict = await pexen(dir, 'run', '-j1', '--require-journal', '--reporter', 'lines');
    expect(strict.exitCode, strict.stdout + strict.stderr).toBe(3);
    expect(strict.stdout).toMatch(/ENDED early: .*(?:full|ENOSPC)/);
    await rm(join(dir, '.pexen/filler'));
    const resumed = await pexen(dir, 'resume', '--reporter', 'lines');
    expect(resumed.stdout, resumed.stderr).toContain('13 tasks: 13 passed');
    expect(resumed.exitCode).toBe(0);
    await rm(join(dir, '.pexen/filler'), { force: true });
    const other = await pexen(dir, 'run', '-j1', '--reporter', 'lines');
    expect(other.exitCode, other.stdout + other.stderr).toBe(0);
    expect(other.stdout).toContain('13 tasks: 13 passed');
    expect(other.stderr).toContain('PEXEN_JOURNAL_FAILING');
  });
});

/** Every file of the state directory with its size and time, but for the memory that readers of SQLite share. */
async function stateOf(dir: string): Promise<readonly string[]> {
  const names = await readdir(join(dir, '.pexen'), { recursive: true });
  const described = names
    .filter((name) => !name.endsWith('-shm'))
    .map(async (name) => {
      const { size, mtimeMs } = await stat(join(dir, '.pexen', name));
      return (await stat(join(dir, '.pexen', name))).isDirectory() ? name : `${name} ${size} ${mtimeMs}`;
    });
  return (await Promise.all(described)).sort();
}
