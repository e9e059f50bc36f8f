/** Evidence: what a program writes for us is read completely, or the attempt says that it was not. Real programs and files. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ExecutableFacts } from '@pexen/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ProcessesOptions } from '../src/index.ts';
import { DiskWatch, EvidenceLines } from '../src/programs/output-files.ts';
import { factsOf, scratch, shell } from './support/attempts.ts';
import { Bench } from './support/bench.ts';

/** The facts of a script in a pool of its own. */
async function factsIn(script: string, options: ProcessesOptions = {}): Promise<ExecutableFacts> {
  let facts: ExecutableFacts | undefined;
  await new Bench(options).with(async (bench) => {
    facts = factsOf(await bench.run(shell(script)));
  });
  return facts as ExecutableFacts;
}

test.each([
  ['.', () => '.'],
  ['a relative path', () => relative(process.cwd(), scratch())],
])('with %s as TMPDIR, reports arrive, and HOME and TMPDIR are absolute', async (_name, folder) => {
  vi.stubEnv('TMPDIR', folder());
  try {
    await new Bench().with(async (bench) => {
      const outcome = await bench.run(
        shell('echo "$HOME $TMPDIR"; echo fail a: b >$PEXEN_REPORT; echo fail c >&3', { cwd: '/' }),
      );
      const { report, stdout } = factsOf(outcome);
      expect(report).toBe('fail c\nfail a: b\n');
      expect(stdout.head).toMatch(/^\/\S+ \/\S+\n$/);
    });
  } finally {
    vi.unstubAllEnvs();
  }
});

describe.each([
  ['here', {}],
  ['behind a launcher', { launcher: ['/usr/bin/env', 'LAUNCHED=1'] }],
])('lines that count, %s', (_where, options: ProcessesOptions) => {
  const noise = `yes 'some words of a log' | head -c 300000; echo`;
  const small = { ...options, maxOutputBytes: 65_536 };

  test('are kept whole where the middle of the output is dropped', async () => {
    const script = `echo 1..3; echo ok 1; ${noise}; echo 'not ok 2 - in the middle'
      printf '  ---\\n  why: not ok\\n  ok 7\\n  ...\\n'; ${noise}; echo ok 3`;
    const facts = await factsIn(script, small);
    expect(facts.stdout.head + facts.stdout.tail).not.toContain('in the middle');
    expect(facts.evidence).toBe(
      '1..3\nok 1\nnot ok 2 - in the middle\n  ---\n  why: not ok\n  ok 7\n  ...\nok 3\n',
    );
    expect(facts.incomplete).toBeUndefined();
  });

  test('are not selected where everything is kept', async () => {
    const facts = await factsIn(`${noise}; echo 'not ok 2'`, options);
    expect(facts.stdout.head).toContain('not ok 2');
    expect(facts.evidence).toBeUndefined();
  });
});

describe.each([
  ['here', {}],
  ['behind a launcher', { launcher: ['/usr/bin/env', 'LAUNCHED=1'] }],
])('an output that is too long to be returned, %s', (_where, where: ProcessesOptions) => {
  const noise = `yes 'some words of a log' | head -c 300000`;

  test('is copied to a file, if there is one for it', async () => {
    const file = join(scratch(), 'copy');
    const asked: unknown[] = [];
    const options: ProcessesOptions = {
      ...where,
      maxOutputBytes: 65_536,
      outputFile: (...about) => {
        asked.push(about);
        return { file, failed: () => asked.push('failed') };
      },
    };
    const facts = await factsIn(`${noise}; echo short >&2`, options);
    expect(asked).toEqual([[expect.any(String), 1, 'stdout']]);
    expect(readFileSync(file, 'utf8')).toBe('some words of a log\n'.repeat(15_000));
    expect(facts.stdout.totalBytes).toBe(300_000);
  });

  test('does not fail the program where the file cannot be written', async () => {
    let failures = 0;
    const facts = await factsIn(`${noise}; exit 3`, {
      ...where,
      maxOutputBytes: 65_536,
      outputFile: () => ({ file: '/nowhere/at/all', failed: () => failures++ }),
    });
    expect(failures).toBe(1);
    expect(facts).toMatchObject({ exitCode: 3, stdout: { totalBytes: 300_000 } });
    expect(facts.incomplete).toBeUndefined();
  });
});

test('relevant lines are read before the disk is freed', async () => {
  const flood = 'yes "some words of a log" | head -c 70000000';
  const { evidence, stdout } = await factsIn(`${flood}; echo; echo not ok 2; ${flood}`);
  expect(evidence).toBe('not ok 2\n');
  expect(stdout.totalBytes).toBe(140_000_000 + 10);
});

describe('which lines are relevant', () => {
  const pick = (bytes: string | Buffer, { most = 1_000_000, pieces = 1 } = {}) => {
    const lines = new EvidenceLines(most);
    const all = Buffer.from(bytes);
    const length = Math.ceil(all.length / pieces);
    for (let from = 0; from < all.length; from += length) lines.push(all.subarray(from, from + length));
    return { text: lines.end(), isTooMuch: lines.isTooMuch };
  };

  test.each([
    'ok',
    'not ok 1',
    '    not ok 1 - a',
    '\tok',
    '1..3',
    '1..0 # skip',
    'TAP version 14',
    'Bail out!',
    'bail OUT! x',
    '# Subtest: a',
    'ok 1 - a {',
    '}',
    '\ufeffTAP version 13',
    '\0\0not ok 2',
  ])('counts: %j', (line) => expect(pick(`x\n${line}\ny\n`).text).toBe(`${line}\n`));

  test.each([
    '',
    'okay',
    'not',
    'note',
    '12',
    '1.',
    'tape',
    'back',
    '# a comment',
    '---',
    '...',
    '  ---',
    '{ a',
  ])('does not count: %j', (line) => expect(pick(`${line}\n`).text).toBe(''));

  test('a line without an end, with a carriage return, of bytes that are not text, and a very long one', () => {
    expect(pick('not ok 1').text).toBe('not ok 1\n');
    expect(pick('not ok 1 - a\r\n').text).toBe('not ok 1 - a\r\n');
    expect(pick(Buffer.from('not ok 1 - \xff\n', 'latin1')).text).toBe('not ok 1 - \ufffd\n');
    const long = pick(`not ok 1 - ${'x'.repeat(1_000_000)}\nok 2\n`).text.split('\n');
    expect(long.map((line) => line.length)).toEqual([16_384, 4, 0]);
  });

  test('wherever the bytes are cut', () => {
    const text = '1..2\nnoise\nok 1\n  ---\n  a: ä\n  ok 5\n\n  ...\nnot ok 2\n  ---\n  b\nnoise\nok 3\n';
    const expected = pick(text).text;
    expect(expected).toBe('1..2\nok 1\n  ---\n  a: ä\n  ok 5\n\n  ...\nnot ok 2\n  ---\n  b\n  ...\nok 3\n');
    for (let pieces = 2; pieces <= 70; pieces++) expect(pick(text, { pieces }).text).toBe(expected);
  });

  test('of endless diagnostics only the beginning is kept', () => {
    const { text } = pick(`not ok 1\n  ---\n${'  words\n'.repeat(100_000)}  ...\nok 2\n`);
    expect(text.length).toBeLessThan(70_000);
    expect(text.endsWith('  ...\nok 2\n')).toBe(true);
  });

  test('more than may be kept is reported', () => {
    expect(pick('ok\n'.repeat(100), { most: 299 })).toEqual({ text: '', isTooMuch: true });
    expect(pick('ok\n'.repeat(100), { most: 300 }).isTooMuch).toBe(false);
  });
});

describe('evidence that the program itself removes', () => {
  test('it empties its stdout', async () => {
    const facts = await factsIn('echo 1..1; echo not ok 1; echo bye > /dev/stdout');
    expect(facts).toMatchObject({ stdout: { head: 'bye\n' }, isEmptied: true });
    expect(await factsIn('echo a; echo b >> /dev/stdout')).not.toHaveProperty('isEmptied');
    expect(await factsIn('echo a; echo b > /dev/stderr')).not.toHaveProperty('isEmptied');
  });

  test('it empties fd 3', async () => {
    const facts = await factsIn('echo fail a >&3; echo pass b > /dev/fd/3');
    expect(facts.report).toBe('pass b\n');
    expect(facts.incomplete).toMatch(/^the program emptied fd 3/);
  });

  test('it removes its report', async () => {
    const go = join(scratch(), 'go');
    await new Bench().with(async (bench) => {
      const attempt = bench.start(
        shell(`echo fail a > $PEXEN_REPORT; until [ -e ${go} ]; do sleep 0.01; done; rm $PEXEN_REPORT`),
      );
      await attempt.ticket.receives(({ kind }) => kind === 'heartbeat');
      writeFileSync(go, '');
      expect(factsOf(await attempt.outcome).incomplete).toBe('$PEXEN_REPORT was removed by the program');
    });
  });

  test('it removes the folder of its report', async () => {
    const { incomplete } = await factsIn('echo fail a > $PEXEN_REPORT; rm -r $(dirname $PEXEN_REPORT)');
    expect(incomplete).toMatch(/ENOENT|was removed/);
  });

  test('it puts another report in the place of the first', async () => {
    const script = 'echo pass a > $PEXEN_REPORT; echo fail b > $HOME/b; mv $HOME/b $PEXEN_REPORT';
    expect(await factsIn(script)).toMatchObject({ report: 'fail b\n' });
  });
});

describe('reports', () => {
  test('larger than 64 MiB are incomplete', async () => {
    expect((await factsIn('truncate -s 65M $PEXEN_REPORT')).incomplete).toBe(
      '$PEXEN_REPORT is larger than 64 MiB',
    );
    expect((await factsIn('truncate -s 65M /dev/fd/3')).incomplete).toBe('it wrote more to fd 3 than 64 MiB');
  });

  test('of 17 MiB are complete', async () => {
    const facts = await factsIn(
      'yes "pass x" | head -c 18200000 >&3; echo fail y >&3; echo fail z > $PEXEN_REPORT',
    );
    expect(facts.report).toHaveLength(18_200_000 + 14);
    expect(facts.report.endsWith('\nfail y\nfail z\n')).toBe(true);
    expect(facts.incomplete).toBeUndefined();
  });

  test('a line of fd 3 without an end does not run into those of the file', async () => {
    expect((await factsIn('printf "fail a" >&3; printf "fail b" > $PEXEN_REPORT')).report).toBe(
      'fail a\nfail b',
    );
  });
});

describe('a process that survives its attempt', () => {
  test('does not write into the next, neither to stdout nor to its report', () =>
    new Bench().with(async (bench) => {
      const [pid, wrote] = [join(scratch(), 'pid'), join(scratch(), 'wrote')];
      // A service, as docs/factories.md has it, whose author forgot to redirect its output.
      const loop = `while :; do echo not ok 1; echo fail stray >&3; echo fail stray > $PEXEN_REPORT; touch ${wrote}; done`;
      await bench.run(shell(`PEXEN_ATTEMPT= setsid sh -c '${loop}' & echo $! > ${pid}`));
      onTestFinished(
        () => void execFileSync('sh', ['-c', `kill -9 $(cat ${pid}) || :`], { stdio: 'ignore' }),
      );
      try {
        const next = bench.start(
          shell(`rm -f ${wrote}; until [ -e ${wrote} ]; do sleep 0.01; done; echo mine`),
        );
        expect(factsOf(await next.outcome)).toMatchObject({ stdout: { head: 'mine\n' }, report: '' });
      } finally {
        execFileSync('sh', ['-c', `kill -9 $(cat ${pid}) || :`], { stdio: 'ignore' });
      }
    }));
});

describe('a full file system', () => {
  const isAllowed =
    spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt'], { stdio: 'ignore' }).status === 0;

  /** The outcomes of scripts in a pool whose folder is on a private file system of this size. */
  function onTmpfs(scripts: readonly string[], size = '256k'): Partial<ExecutableFacts>[] {
    const [mount, elsewhere] = [scratch(), scratch()];
    const fixture = new URL('fixtures/full-disk.ts', import.meta.url).pathname;
    const command = `mount -t tmpfs -o size=${size} tmpfs ${mount} && TMPDIR=${mount} exec "$@"`;
    const node = [process.execPath, ...process.execArgv, fixture, elsewhere, ...scripts];
    const stdout = execFileSync('unshare', ['-m', 'sh', '-c', command, 'sh', ...node], { encoding: 'utf8' });
    return JSON.parse(stdout) as Partial<ExecutableFacts>[];
  }

  const fill = 'head -c 1000000 /dev/zero > $TMPDIR/filled';
  const report = 'echo not ok 2; echo fail x: y >&3; echo fail x: y > $PEXEN_REPORT';
  const full = /^the file system of its output was full \(ENOSPC\): some of what it reported may be missing$/;

  test.skipIf(!isAllowed)('what reports there is incomplete (skipped where tmpfs cannot be mounted)', () => {
    const [facts] = onTmpfs([`${fill}; ${report}; exit 0`]);
    expect(facts).toMatchObject({ exitCode: 0, incomplete: expect.stringMatching(full) as string });
  });

  test.skipIf(!isAllowed)(
    'so is what reports while another one fills it, though there is room at the end',
    () => {
      const [filler, reporter] = onTmpfs([
        `${fill}; touch $ELSEWHERE/full; until [ -e $ELSEWHERE/reported ]; do sleep 0.01; done`,
        `until [ -e $ELSEWHERE/full ]; do sleep 0.01; done; ${report}; touch $ELSEWHERE/reported
        until [ $(df --output=avail $HOME | tail -1) -gt 100 ]; do sleep 0.01; done; exit 0`,
      ]);
      expect(filler).toMatchObject({ exitCode: 0, incomplete: expect.stringMatching(full) as string });
      expect(reporter).toMatchObject({ exitCode: 0, incomplete: expect.stringMatching(full) as string });
    },
  );

  test.skipIf(!isAllowed)('with room there is nothing to be said', () => {
    const [facts] = onTmpfs([report], '1m');
    expect(facts).toMatchObject({ stdout: { head: 'not ok 2\n' }, report: 'fail x: y\nfail x: y\n' });
    expect(facts).not.toHaveProperty('incomplete');
  });

  describe('is seen', () => {
    const roomy = { bavail: 100, bfree: 100, files: 100, ffree: 100 };
    const thrower = (code: string) => () => {
      throw Object.assign(new Error(code), { code });
    };
    const watch = (facts: Partial<typeof roomy>, write: () => void = () => {}) =>
      new DiskWatch({ facts: () => ({ ...roomy, ...facts }), write, close: () => {} });

    test.each([
      ['by its blocks', watch({ bavail: 0, bfree: 0 }), 'was full (ENOSPC)'],
      ['by its files', watch({ ffree: 0 }), 'had no room for another file (ENOSPC)'],
      ['by a quota', watch({}, thrower('EDQUOT')), 'was full (EDQUOT)'],
      ['when it fails', watch({}, thrower('EIO')), 'could not be written to (EIO)'],
    ])('%s', (_how, disk, why) => {
      disk.look();
      expect([disk.times, disk.why]).toEqual([1, why]);
    });

    test('is not reported where there is room', () => {
      const disks = [watch({}), watch({ files: 0, ffree: 0 })];
      for (const disk of disks) disk.look();
      expect(disks.map(({ times }) => times)).toEqual([0, 0]);
    });
  });
});
