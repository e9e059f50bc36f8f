/** The output of the lines reporter. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding } from '@pexen/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { mixedRun } from '../src/conformance/mixed-run.ts';
import { type Outcome, RunScript } from '../src/conformance/run-script.ts';
import { junit, lines } from '../src/index.ts';
import type { LinesOptions } from '../src/options.ts';
import { listen } from './listen.ts';
import { MemoryStream, Pipe } from './memory-stream.ts';
import { play } from './play.ts';

async function linesOf(script: RunScript, options: LinesOptions = {}): Promise<string> {
  const stream = new MemoryStream();
  const clock = new ScriptedClock(0);
  const reporter = listen(lines({ stream, clock, color: false, ...options }), clock);
  play(script, reporter, clock);
  await reporter.close();
  expect(clock.pending).toBe(0);
  expect(stream.listenerCount('error')).toBe(0);
  return stream.text;
}

describe('a run with nearly every kind of event', () => {
  test('without colour', async () => {
    await expect(await linesOf(mixedRun())).toMatchFileSnapshot('golden/lines-mixed.txt');
  });

  test('in colour', async () => {
    const coloured = await linesOf(mixedRun(), { color: true });
    const visible = coloured.replaceAll('\u001b', '^');
    await expect(visible).toMatchFileSnapshot('golden/lines-mixed-colour.txt');
  });

  test('only what did not pass', async () => {
    const text = await linesOf(mixedRun(), { passes: false });
    expect(text).not.toMatch(/^ +PASS/m);
    expect(text).toMatch(/^ +FAIL .* sys\/net\/mtu/m);
    expect(text).toContain('14 tasks: 4 passed');
  });

  test('with less output, or with none', async () => {
    expect(await linesOf(mixedRun(), { outputLines: 2 })).toContain(
      'stdout (last 2 of 30 lines)\n            │ ok 29 - probe 29\n            │ ok 30',
    );
    expect(await linesOf(mixedRun(), { outputLines: 0 })).not.toContain('│');
  });
});

test('of a very long line, the start is shown', async () => {
  const long = 'x'.repeat(4_000_000);
  const cut = `${'x'.repeat(1000)}… (4000000 characters)`;
  const findings: Finding[] = [
    { name: long, status: 'fail' },
    { name: 'long', status: 'fail', message: long },
  ];
  const error = { name: 'Error', message: `first\n${long}` };
  const script = new RunScript().tasks(['a', 'b']).start(1, 'a').start(1, 'b');
  const printed = { name: 'TaskFailError', message: `exit code 1\n${'x'.repeat(2000)}` };
  script.end(2, 'a', { status: 'threw', findings, error, stdout: `a\n${long}\nb` });
  script.end(3, 'b', { status: 'failed', error: printed, stdout: long });
  const text = await linesOf(script.ended(3), { failures: 'short' });
  expect(text.split('\n').filter((line) => line.length > 300)).toEqual([
    `            ✗ ${cut}`,
    `              ${cut}`,
    `            ${cut}`,
    `            │ ${cut}`,
    `            │ ${cut}`,
  ]);
});

test('a run without tasks', async () => {
  expect(await linesOf(new RunScript().tasks([]).ended(3))).toBe(
    `${'─'.repeat(80)}\n  SUMMARY [   0.003s] 0 tasks: nothing to do\n`,
  );
});

test('a run that ended early gives the reason, an aborted one says so', async () => {
  const startedScript = () => new RunScript().tasks(['a', 'b', 'c']).start(1, 'a').end(2, 'a').start(2, 'b');
  const early = startedScript()
    .end(3, 'b', { status: 'cancelled', reason: 'interrupted twice' })
    .skip(3, 'c', { task: 'c', why: 'cancelled before its start' })
    .ended(4, { reason: 'interrupted twice' });
  expect(await linesOf(early, { columns: 20 })).toMatchInlineSnapshot(`
    "  RUNNING 3 tasks
         PASS [   0.001s] a
       CANCEL [   0.001s] b  interrupted twice
         SKIP [         ] c  cancelled before its start
    ────────────────────
       CANCEL [   0.001s] b  interrupted twice
    ────────────────────
      SKIPPED 1 task: cancelled before its start
        ENDED early: interrupted twice
      SUMMARY [   0.004s] 3 tasks: 1 passed,
                          1 cancelled,
                          1 skipped
                          2ms of work in 4ms
    "
  `);
  expect(await linesOf(startedScript(), { columns: 20 })).toMatchInlineSnapshot(`
    "  RUNNING 3 tasks
         PASS [   0.001s] a
    ────────────────────
        ENDED without an end: the run was aborted
      SUMMARY [   0.002s] 3 tasks: 1 passed,
                          2 without a result
                          1ms of work in 2ms
    "
  `);
});

test('slow tasks are reported once for each span, with their progress', async () => {
  const script = new RunScript()
    .tasks(['patient'], { slowAfterMs: 3000 })
    .tasks(['usual'])
    .start(0, 'patient', 'thread-1')
    .start(0, 'usual', 'thread-2')
    .prints(4000, 'patient', 'waiting for \u001b[1mgodot\u001b[0m\n')
    .end(9500, 'usual')
    .end(9500, 'patient');
  const slow = (await linesOf(script, { slowAfter: 8000 }))
    .split('\n')
    .filter((line) => line.includes('SLOW'));
  expect(slow).toEqual([
    '     SLOW [   > 3.0s] patient  thread-1',
    '     SLOW [   > 6.0s] patient  thread-1 · waiting for godot',
    '     SLOW [   > 8.0s] usual  thread-2',
    '     SLOW [   > 9.0s] patient  thread-1 · waiting for godot',
  ]);
});

test('a task that runs longer than is usual for it is reported once, until it is slow', async () => {
  const script = new RunScript()
    .tasks(['patient'], { weightMs: 800, unusualAfterMs: 2100, slowAfterMs: 8000 })
    .tasks(['off'], { weightMs: 800, unusualAfterMs: 2100, slowAfterMs: 0 })
    .start(0, 'patient', 'thread-1')
    .start(0, 'off', 'thread-2')
    .prints(2000, 'patient', 'waiting for godot\n')
    .end(9500, 'off')
    .end(9500, 'patient');
  const slow = (await linesOf(script)).split('\n').filter((line) => line.includes('SLOW'));
  expect(slow).toEqual([
    '     SLOW [   > 2.1s] patient  usually 800ms · thread-1 · waiting for godot',
    '     SLOW [   > 8.0s] patient  thread-1 · waiting for godot',
  ]);
});

test('a task between two attempts is not slow, and its next attempt counts from 0', async () => {
  const script = new RunScript()
    .tasks(['again'], { slowAfterMs: 2000 })
    .start(0, 'again')
    .retry(1500, 'again', 3000, { status: 'failed', reason: 'no answer' })
    .start(4500, 'again')
    .end(7000, 'again');
  expect((await linesOf(script)).split('\n').slice(0, 4)).toEqual([
    '  RUNNING 1 task',
    '    RETRY [   1.500s] again  attempt 1 failed: no answer; retrying in 3.0s',
    '     SLOW [   > 2.0s] again  process-1 · attempt 2',
    '    FLAKY [   4.000s] again  passed at attempt 2',
  ]);
});

test('a note is a line', async () => {
  const stream = new MemoryStream();
  const reporter = listen(lines({ stream, color: false, clock: new ScriptedClock(0) }));
  reporter.note('Interrupted: waiting for 2 running.');
  expect(stream.text).toBe('     NOTE [         ] Interrupted: waiting for 2 running.\n');
  await reporter.close();
});

test('long chains of reasons keep their root cause', async () => {
  const chain = Array.from({ length: 40 }, (_, link) => ({
    task: `task-${link}`,
    why: `requires "task-${link + 1}"`,
  }));
  const script = new RunScript()
    .tasks(['task-0'])
    .skip(1, 'task-0', ...chain, { task: 'task-40', why: 'crashed' });
  const line = (await linesOf(script)).split('\n')[1] ?? '';
  expect(line.length).toBeLessThanOrEqual(190);
  expect(line).toMatch(/SKIP .* task-0 {2}requires "task-1"; .*….*; task-40 crashed$/);
});

test('very many failures are listed up to a limit', async () => {
  const paths = Array.from({ length: 1000 }, (_, index) => `t-${index}`);
  const script = new RunScript().tasks(paths);
  for (const path of paths) script.start(1, path).end(2, path, { status: 'failed' });
  const text = await linesOf(script.ended(3));
  expect(text.split('\n').length).toBe(1 + 1000 + 1 + 200 + 1 + 1 + 1 + 1 + 1);
  expect(text).toContain('… and 800 more');
});

test('no control character of a task reaches the terminal', async () => {
  const evil = '\u001b[2J\u001b]0;owned\u0007\u202egpj.exe\rover\u0000';
  const error = { name: evil, message: `${evil}\n${evil}`, stack: `    at ${evil} (file:1:1)` };
  const findings = [{ name: evil, status: 'fail', message: evil, data: { [evil]: evil } }] as const;
  const script = new RunScript()
    .tasks(['t'])
    .start(0, 't', evil)
    .reports(1, 't', { kind: 'progress', progress: { done: 1, message: evil } })
    .prints(61_000, 't', evil)
    .end(62_000, 't', { status: 'threw', error, findings, stdout: evil, stderr: evil })
    .lost(62_000, evil, evil)
    .ended(62_000, { reason: evil, poisoned: [evil] });
  const text = await linesOf(script);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there.
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test('the data of a finding may be any value', async () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const hidden = {
    get x(): never {
      throw new Error('no');
    },
  };
  const findings = [circle, 5n, hidden, () => 1, Symbol('s')].map((data) => ({
    ...{ name: 'odd', status: 'fail', data },
  })) as Finding[];
  const script = new RunScript().tasks(['t']).start(0, 't').end(1, 't', { findings }).ended(2);
  const shown = (await linesOf(script)).split('\n').slice(2, 7);
  expect(shown.map((line) => line.trim())).toEqual([
    '✗ odd: <ref *1> { self: [Circular *1] }',
    '✗ odd: 5n',
    '✗ odd: { x: [Getter] }',
    '✗ odd: [Function (anonymous)]',
    '✗ odd: Symbol(s)',
  ]);
  const file = join(tmpdir(), `pexen-odd-${process.pid}.xml`);
  onTestFinished(() => rmSync(file, { force: true }));
  const reporter = listen(junit({ file }));
  for (const event of script.events) reporter.event(event);
  await reporter.close();
  expect(readFileSync(file, 'utf8')).toContain('[Circular *1]');
});

describe('details are shown once', () => {
  const detailsOf = async (outcome: Outcome): Promise<string[]> => {
    const script = new RunScript().tasks(['t']).start(0, 't').end(1, 't', outcome);
    const lines = (await linesOf(script)).split('\n').slice(1);
    return lines.slice(
      0,
      lines.findIndex((line) => line.startsWith('───')),
    );
  };

  test('an error that ends with the output below it', async () => {
    const error = { name: 'TaskFailError', message: 'exit code 3\nth of July\nno route' };
    const stderr = 'the 4th of July \nno route \n\n';
    expect(await detailsOf({ status: 'failed', error, stderr })).toEqual([
      '     FAIL [   0.001s] t  exit code 3 …',
      '            stderr',
      '            │ the 4th of July ',
      '            │ no route ',
    ]);
    const other = await detailsOf({ status: 'failed', error, stderr: 'something else\nno route\n' });
    expect(other.slice(1, 3)).toEqual(['            th of July', '            no route']);
  });

  test('the first line of an error of several', async () => {
    const error = { name: 'AssertionError', message: 'they differ:\n\n1 !== 2' };
    expect(await detailsOf({ status: 'failed', error })).toEqual([
      '     FAIL [   0.001s] t  they differ …',
      '            1 !== 2',
    ]);
  });

  test('but a message that was clipped is shown in full', async () => {
    const message = `no answer from ${'x'.repeat(300)}, which is down`;
    const [line, detail] = await detailsOf({ status: 'threw', error: { name: 'Error', message } });
    expect(line).toMatch(/…/);
    expect(detail).toBe(`            Error: ${message}`);
  });

  test('an error, with the errors that it contains', async () => {
    const first = { name: 'Error', message: 'no route', cause: { name: 'Error', message: 'cable' } };
    const second = {
      name: 'TypeError',
      message: 'no host\nat all',
      stack: 'TypeError: no host\n    at f (/a.js:1:1)',
    };
    const error = { name: 'AggregateError', message: 'both ways failed', errors: [first, second] };
    expect(await detailsOf({ status: 'threw', error })).toEqual([
      '    ERROR [   0.001s] t  AggregateError: both ways failed',
      '            one of its errors: Error: no route',
      '            caused by Error: cable',
      '            one of its errors: TypeError: no host',
      '              at all',
      '              at f (/a.js:1:1)',
    ]);
  });

  test('errors of pexen, without its own frames', async () => {
    const frame = '    at run (file:///home/ada/node_modules/@pexen/pool-process/dist/index.js:1:1)';
    const message =
      'PEXEN_CANNOT_START a.sh: its first line names "/bin/sh\\r"\n    Save it with plain line feeds.';
    const error = {
      ...{ name: 'PexenError', message, stack: `PexenError: ${message}\n${frame}` },
      cause: { name: 'Error', message: 'ENOENT', stack: `Error: ENOENT\n${frame}` },
    };
    expect(await detailsOf({ status: 'threw', error })).toEqual([
      '    ERROR [   0.001s] t  PEXEN_CANNOT_START a.sh: its first line names "/bin/sh\\r" …',
      '                Save it with plain line feeds.',
      '            caused by Error: ENOENT',
    ]);
  });
});

describe('the reader of the lines', () => {
  test('may go away: that is not an error, and nothing more is written', async () => {
    const stream = new Pipe(3);
    const clock = new ScriptedClock(0);
    const reporter = listen(lines({ stream, clock, color: false }), clock);
    play(mixedRun(), reporter, clock);
    await expect(reporter.close()).resolves.toBeUndefined();
    expect(stream.text.split('\n').filter((line) => /^ {0,9}[A-Z]+ /.test(line))).toHaveLength(3);
  });

  test('may be a full disk: that is reported at the end', async () => {
    const stream = new Pipe(3, 'ENOSPC');
    const clock = new ScriptedClock(0);
    const reporter = listen(lines({ stream, clock, color: false }), clock);
    play(mixedRun(), reporter, clock);
    await expect(reporter.close()).rejects.toThrow('ENOSPC');
  });
});

test('late errors, and their number', async () => {
  const script = new RunScript()
    .tasks(['a/one', 'a/two'])
    .start(1, 'a/one')
    .end(2, 'a/one')
    .start(3, 'a/two')
    .late(4, 'process-1', ['a/one'], 'too late')
    .late(5, 'process-1', ['a/one', 'a/two'], 'whose?')
    .end(6, 'a/two')
    .ended(7);
  const text = await linesOf(script);
  expect(text).toMatch(
    /^ +LATE .* a\/one {2}Error: too late\n +It surfaced in process-1 after the task had ended\./m,
  );
  expect(text).toMatch(/LATE .* one of 2 tasks {2}Error: whose\?\n.*It may come from: a\/one, a\/two/);
  expect(text).toContain('a.task.ts:3:9');
  expect(text).toContain('2 tasks: 2 passed, 2 late errors');
});

test('a failed finding shows its place, its message and what differs; output that findings show is not repeated', async () => {
  const file = join(tmpdir(), `pexen-finding-${process.pid}.c`);
  writeFileSync(file, 'one\ntwo\nthree\n');
  onTestFinished(() => rmSync(file));
  const findings: Finding[] = [
    {
      name: 'sum',
      status: 'fail',
      message: 'must be equal',
      location: { file, line: 2, column: 1 },
      data: { expected: 'a\nb', actual: 'a\nc' },
    },
    { name: 'known', status: 'fail' },
  ];
  const script = new RunScript()
    .tasks(['a'])
    .start(0, 'a')
    .end(1, 'a', {
      status: 'failed',
      findings,
      error: { name: 'TaskFailError', message: 'exit code 1, failed: sum, known' },
      judgement: {
        verdict: 'fail',
        reason: 'exit code 1, failed: sum, known',
        expectedFailures: { known: 'later' },
      },
      stdout: 'not ok 1 - sum\nlog',
      besidesFindings: 'log',
    })
    .ended(2);
  const text = await linesOf(script);
  expect(text).toContain(`  1 of 1 findings failed
            ✗ sum
              at ${file}:2:1
                  1 | one
                > 2 | two
                    | ^
                  3 | three
                  4 |
              must be equal
              - expected  + actual
                a
              - b
              + c
            stdout, besides the findings
            │ log
`);
  expect(text).not.toContain('not ok');
});

describe('how much is shown', () => {
  const script = (): RunScript =>
    new RunScript()
      .tasks(['t/ok', 't/mute', 't/skip', 't/bad'])
      .start(0, 't/ok')
      .start(0, 't/mute')
      .start(0, 't/bad')
      .prints(5, 't/ok', 'fi')
      .prints(6, 't/bad', 'one\ntwo')
      .prints(7, 't/ok', 'ne\n')
      .reports(8, 't/bad', { kind: 'output', stream: 'stderr', text: 'oops' })
      .end(10, 't/ok', {
        stdout: 'fine\n',
        stdoutFile: 'out/ok.stdout',
        findings: [
          { name: 'a', status: 'pass' },
          { name: 'b', status: 'skip', message: 'no need' },
        ],
      })
      .end(11, 't/mute')
      .skip(12, 't/skip', { task: 't/skip', why: 'not here' })
      .end(20, 't/bad', {
        status: 'failed',
        error: { name: 'TaskFailError', message: 'no' },
        stdout: 'one\ntwo',
        stderr: 'oops',
      })
      .ended(21);
  const above = async (options: LinesOptions): Promise<string[]> => {
    const [text = ''] = (await linesOf(script(), options)).split(/^─/m);
    return text
      .split('\n')
      .map((line) => line.trim().replaceAll(/ +/g, ' '))
      .filter(Boolean);
  };
  const bad = ['FAIL [ 0.020s] t/bad no', 'stdout', '│ one', '│ two', 'stderr', '│ oops'];
  const skipped = 'SKIP [ ] t/skip not here';

  test('by default, the output of tasks that did not pass', async () => {
    expect(await above({})).toEqual([
      ...['RUNNING 4 tasks', 'PASS [ 0.010s] t/ok', 'PASS [ 0.011s] t/mute', skipped],
      ...bad,
    ]);
  });

  test('the output of all, also of tasks that passed without a line of their own', async () => {
    const ok = ['PASS [ 0.010s] t/ok', 'stdout', '│ fine', 'output: /home/ada/suite/out/ok.stdout'];
    expect(await above({ showOutput: 'all', passes: false })).toEqual([
      ...['RUNNING 4 tasks', ...ok, skipped, ...bad],
    ]);
  });

  test('each line as it comes, with the path of its task; an open line at the end of its attempt', async () => {
    const shown = await above({ showOutput: 'live' });
    expect(shown.slice(1, 4)).toEqual(['t/bad │ one', 't/ok │ fine', 'PASS [ 0.010s] t/ok']);
    expect(shown.slice(6)).toEqual(['t/bad │ two', 't/bad │ oops', ...bad]);
  });

  test('quiet: failures and the summary', async () => {
    expect(await above({ verbosity: 'quiet', passes: true })).toEqual(bad);
    expect(await linesOf(script(), { verbosity: 'quiet' })).toContain('SUMMARY');
  });

  test('verbose: every task and every finding, with output', async () => {
    expect((await above({ verbosity: 'verbose', passes: false })).slice(1, 7)).toEqual([
      ...['PASS [ 0.010s] t/ok', '✓ a', '↷ b: no need', 'stdout', '│ fine'],
      'output: /home/ada/suite/out/ok.stdout',
    ]);
  });
});
