/**
 * The real command on a disk that fails while it records the run: the run comes to its end in order and reports it, and once the disk is in order
 * again it is resumed. What may not start twice does not.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bin, conditions } from '#command';
import { buildLibrary, errors, type Fault, faultText, libraryVariables } from '#failing-disk';
import { sampled } from '#sample';
import { folder, pexen, pexenWith } from '../command.ts';

const config = `import { defineSuite, executables } from 'pexen';
export default defineSuite({ from: { prog: executables({ dir: 'prog' }) }, workers: 2, reporters: ['lines'] });
`;

/** A program that notes its start and its end. */
function program(meta = '{}', more = ''): string {
  return `#!/bin/sh
# pexen: ${meta}
echo "start $PEXEN_TASK" >>../ledger
${more}
sleep 0.05
echo "end $PEXEN_TASK" >>../ledger
`;
}

const names = ['a', 'b', 'once', 'c', 'd'] as const;
const files = {
  'pexen.config.ts': config,
  ledger: '',
  'prog/a.sh': program(),
  'prog/b.sh': program('{ provides: [b] }'),
  'prog/once.sh': program('{ requires: [b], rerunnable: false }'),
  'prog/c.sh': program('{ requires: [b] }'),
  'prog/d.sh': program('{ after: [b] }'),
};

/** How often each program started and ended. */
function ledgerOf(dir: string): Record<(typeof names)[number], { starts: number; ends: number }> {
  const lines = readFileSync(join(dir, 'ledger'), 'utf8').split('\n');
  const count = (what: string, name: string) =>
    lines.filter((line) => line === `${what} prog/${name}.sh`).length;
  return Object.fromEntries(
    names.map((name) => [name, { starts: count('start', name), ends: count('end', name) }]),
  ) as ReturnType<typeof ledgerOf>;
}

const faults = (['write', 'sync', 'open'] as const).flatMap((call) =>
  Object.entries(errors).flatMap(([error, errno]) =>
    [1, 5, 9, 14, 20, 27, 35].map((from): Fault & { error: string } => ({
      call,
      error,
      errno,
      from,
      count: 0,
    })),
  ),
);

function libraryFor(skip: (isSkipped: boolean, why: string) => void): string {
  const built = mkdtempSync(join(tmpdir(), 'pexen-disk-'));
  onTestFinished(() => rmSync(built, { recursive: true, force: true }));
  const library = buildLibrary(built);
  skip(library === undefined, 'there is no C compiler here, or it makes no library that can be preloaded');
  return library as string;
}

test.for(sampled(faults))(
  'from $call $from on the disk fails with $error: the run ends in order, and is resumed',
  async (fault, { skip }) => {
    const library = libraryFor(skip);
    const dir = await folder(files, (act) => onTestFinished(act));
    const variables = { ...libraryVariables(library), PEXEN_FAULT: faultText(fault, join(dir, '.pexen')) };

    const failed = await pexenWith(variables, dir, 'run');
    const first = ledgerOf(dir);
    expect(first.once.starts).toBeLessThanOrEqual(1);
    for (const name of ['a', 'b', 'c', 'd'] as const) expect(first[name]).toEqual({ starts: 1, ends: 1 });
    expect(failed.stdout).toContain('SUMMARY');
    if (first.once.ends === 1) expect(failed.exitCode).toBe(0);
    else expect(failed.stderr).toContain('PEXEN_STARTS_REFUSED');
    const isReported = /PEXEN_JOURNAL_FAILING|PEXEN_JOURNAL_STOPPED|PEXEN_STATE_NOT_KEPT/.test(failed.stderr);
    if (fault.from === 1 && fault.call !== 'sync') expect(isReported, failed.stderr).toBe(true);

    const resumed = await pexen(dir, 'resume');
    const second = ledgerOf(dir);
    expect(second.once.starts, resumed.stdout).toBeLessThanOrEqual(1);
    if (resumed.exitCode === 2) expect(resumed.stderr).toMatch(/PEXEN_UNKNOWN_RUN|PEXEN_RUN_OVER/);
    else {
      expect(resumed.stderr).not.toMatch(/PEXEN_JOURNAL_/);
      // It counts as crashed where it may have started without a record.
      expect(resumed.exitCode, resumed.stdout + resumed.stderr).toBe(
        resumed.stdout.includes('may have started') ? 1 : 0,
      );
    }
    for (const name of ['a', 'b', 'c', 'd'] as const) expect(second[name].ends).toBeGreaterThan(0);
  },
);

/** A mount namespace of its own. */
const unshare = ['unshare', ...(process.getuid?.() === 0 ? [] : ['-r']), '-m', 'sh', '-c'];

test('a disk that is full, and then has room again', async ({ skip }) => {
  const dir = await folder(
    // The journal and the output of programs that fail share the room.
    { ...files, 'prog/d.sh': program('{ after: [b] }', 'head -c 900000 /dev/zero | tr "\\\\0" x; exit 3') },
    (act) => onTestFinished(act),
  );
  const [command = '', ...args] = unshare;
  const state = join(dir, 'state');
  mkdirSync(state);
  const isMounted = spawnSync(command, [...args, `mount -t tmpfs -o size=1m none '${state}'`]).status === 0;
  skip(!isMounted, 'a tmpfs cannot be mounted here');
  const line = (word: string) =>
    `'${process.execPath}' ${conditions.join(' ')} '${bin}' ${word} --state-dir '${state}'; echo "exit code $?"`;
  const script = `mount -t tmpfs -o size=360k none '${state}'; ${line('run')}; mount -o remount,size=64m '${state}'; ${line('resume')}`;
  const { stdout, stderr } = spawnSync(command, [...args, script], {
    cwd: dir,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', CI: '1' },
  });
  const ledger = ledgerOf(dir);
  expect(stderr, stdout).toMatch(/ENOSPC|full|no space/);
  expect(ledger.once.starts, stdout + stderr).toBeLessThanOrEqual(1);
  for (const name of ['a', 'b', 'c'] as const) expect(ledger[name].ends).toBeGreaterThan(0);
  expect(
    [...stdout.matchAll(/^exit code (\d+)$/gm)].map(([, code]) => code),
    stdout + stderr,
  ).toEqual(['1', '1']);
});
