/** Real errors of the operating system: a full disk, and system calls that fail. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type JournalContent, readJournal } from '../../src/index.ts';
import { scratchFolder } from './random-events.ts';

const runId = '0198c0de-0000-7000-8000-000000000004';
const program = new URL('../fixtures/failing.ts', import.meta.url).pathname;
const node = [process.execPath, '--conditions=@pexen/source'];

interface Report {
  readonly states: readonly string[];
  readonly lastSeq: number;
  readonly committed: number;
}

function run(command: string, args: readonly string[]): Report {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  try {
    return JSON.parse(stdout) as Report;
  } catch {
    throw new Error(`${command} printed ${stdout}${stderr}`);
  }
}

interface Injected {
  readonly report: Report;
  /** The log of strace. */
  readonly calls: string;
  readonly content: JournalContent;
}

/** A mount namespace of its own. */
const unshare = ['unshare', ...(process.getuid?.() === 0 ? [] : ['-r']), '-m', 'sh', '-c'];

function canRun([command = '', ...args]: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function gapsOf({ entries }: JournalContent): unknown[] {
  return entries.map(({ event }) => event).filter(({ type }) => type === 'recording-gap');
}

test('a full disk is reported, and everything is recorded as soon as there is room', ({ skip }) => {
  const directory = scratchFolder();
  const isMounted = canRun([...unshare, `mount -t tmpfs -o size=1m none '${directory}'`]);
  skip(!isMounted, 'a tmpfs cannot be mounted here');
  const run1 = join(directory, 'run');
  const filler = join(directory, 'filler');
  // The journal is copied out of the namespace, which ends with the command.
  const copy = scratchFolder();
  const script = [
    `mount -t tmpfs -o size=2m none '${directory}'`,
    `head -c 1200000 /dev/zero > '${filler}'`,
    `'${node.join("' '")}' '${program}' ${runId} '${run1}' process 5000 '${filler}'`,
    `cp -r '${run1}/.' '${copy}'`,
  ].join(' && ');
  const [command = '', ...args] = [...unshare, script];
  const { states, lastSeq, committed } = run(command, args);
  expect(states).toEqual(['failing ENOSPC', 'recording']);
  expect(committed).toBe(lastSeq);
  const content = readJournal(copy);
  expect(content.verdict).toEqual({ kind: 'whole' });
  expect(content.entries.map(({ seq }) => seq)).toEqual(
    Array.from({ length: lastSeq }, (_, index) => index + 1),
  );
  expect(gapsOf(content)).toEqual([
    {
      type: 'recording-gap',
      from: lastSeq - 2,
      to: lastSeq - 1,
      why: expect.stringContaining('ENOSPC'),
      lost: false,
    },
  ]);
});

const canTrace = canRun(['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=sync:error=EIO', 'true']);

describe.skipIf(!canTrace)('with a system call that fails (needs strace)', () => {
  /** Runs the program under strace, which fails calls on the write-ahead log. */
  function injected(fault: string, durability: string): Injected {
    const directory = scratchFolder();
    const traced = fault.split(':')[0] ?? '';
    const log = join(directory, 'strace');
    const path = join(directory, 'run', 'journal.db-wal');
    const options = ['-f', '-qq', '-o', log, '-P', path, '-e', `trace=${traced}`, '-e', `inject=${fault}`];
    const args = [...options, ...node, program, runId, join(directory, 'run'), durability, '30'];
    const report = run('strace', args);
    const calls = readFileSync(log, 'utf8').trim();
    expect(calls).toContain('(INJECTED)');
    return { report, calls, content: readJournal(join(directory, 'run')) };
  }

  test.each([
    ['EIO', 'pwrite64:error=EIO:when=20'],
    ['EROFS', 'pwrite64:error=EROFS:when=20'],
    ['ENOSPC', 'pwrite64:error=ENOSPC:when=20'],
  ])('%s of one write is reported, and the retry succeeds', (_, fault) => {
    const { report, content } = injected(fault, 'process');
    expect(report.states.length).toBe(2);
    expect(report.states[0]).toMatch(/^failing E/);
    expect(report.states[1]).toBe('recording');
    expect(content.verdict).toEqual({ kind: 'whole' });
    expect(content.entries).toHaveLength(report.lastSeq);
    expect(gapsOf(content)).toHaveLength(1);
  });

  test.each([
    ['in the background', 'fdatasync:error=EIO', 'process'],
    ['of a commit', 'fsync:error=EIO:when=5', 'power'],
  ])('a failed synchronization %s is not tried again, and recording stops', (_, fault, durability) => {
    const { report, content, calls } = injected(fault, durability);
    expect(report.states).toEqual(['stopped SYNC']);
    expect(calls.match(/INJECTED/g)).toHaveLength(1);
    expect(calls).toMatch(/INJECTED\)$/);
    expect(content.verdict).toEqual({ kind: 'whole' });
    expect(content.entries.length).toBeGreaterThanOrEqual(report.committed);
    expect(content.entries.length).toBeLessThan(report.lastSeq);
  });
});
