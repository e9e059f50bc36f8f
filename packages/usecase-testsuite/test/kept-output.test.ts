import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CapturedOutput, RunEvent, TaskUpdateEvent } from '@pexen/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { KeptOutput, type KeptOutputOptions, type WriteText } from '../src/state/kept-output.ts';

const prints = (path: string, text: string, attempt = 1, stream: 'stdout' | 'stderr' = 'stdout') =>
  ({ atMs: 0, task: 0, path, attempt, update: { kind: 'output', stream, text } }) satisfies TaskUpdateEvent;

const whole = (text: string): CapturedOutput => ({
  ...{ head: text, tail: '', totalBytes: Buffer.byteLength(text) },
});

type Ended = Extract<RunEvent, { readonly type: 'attempt-ended' }>;

const ends = (path: string, output: { stdout?: CapturedOutput; stderr?: CapturedOutput } = {}, attempt = 1) =>
  ({
    ...{ type: 'attempt-ended', seq: 1, atMs: 1, task: 0, path },
    attempt: {
      ...{ attempt, outcome: 'returned', worker: 'w', startedAtMs: 0, durationMs: 1 },
      ...output,
    },
  }) satisfies Ended;

/** A disk that writes when it is asked to. */
class SlowDisk {
  readonly files = new Map<string, string>();
  readonly #waiting: (() => void)[] = [];
  writes = 0;
  /** What the next writes end with. */
  error: Error | null = null;

  readonly write: WriteText = (file, text, how, done) => {
    this.#waiting.push(() => {
      this.writes++;
      if (this.error === null)
        this.files.set(file, (how === 'append' ? (this.files.get(file) ?? '') : '') + text);
      done(this.error);
    });
  };

  get isBusy(): boolean {
    return this.#waiting.length > 0;
  }

  step(): void {
    this.#waiting.shift()?.();
  }

  finish(): void {
    while (this.isBusy) this.step();
  }
}

function setUp(options: Partial<KeptOutputOptions> = {}) {
  const disk = new SlowDisk();
  const clock = new ScriptedClock(0);
  const problems: string[] = [];
  const kept = new KeptOutput({
    ...{ root: '/suite', folder: 'out', session: 1, clock, write: disk.write },
    onProblem: ({ message }) => problems.push(message),
    ...options,
  });
  const textOf = (name: string): string | undefined => disk.files.get(`/suite/out/${name}`);
  return { kept, disk, clock, problems, textOf };
}

describe('the output of an attempt', () => {
  test('is in one file for each stream and attempt, which its events name', () => {
    const { kept, disk, textOf } = setUp();
    kept.update(prints('a/b', 'one\n'));
    kept.update(prints('a/b', 'bad\n', 1, 'stderr'));
    const event = kept.event(ends('a/b', { stdout: whole('one\n'), stderr: whole('bad\n') })) as Ended;
    kept.update(prints('a/b', 'two\n', 2));
    kept.event(ends('a/b', { stdout: whole('two\n') }, 2));
    disk.finish();
    expect([...disk.files.keys()]).toEqual([
      ...['/suite/out/a.b-s1-a1.stdout', '/suite/out/a.b-s1-a1.stderr', '/suite/out/a.b-s1-a2.stdout'],
    ]);
    expect(textOf('a.b-s1-a2.stdout')).toBe('two\n');
    expect(event.attempt.stdout?.file).toBe('out/a.b-s1-a1.stdout');
    expect(event.attempt.stderr?.file).toBe('out/a.b-s1-a1.stderr');
  });

  test('is named in the result of the task, too', () => {
    const { kept } = setUp();
    const { attempt } = ends('a', { stdout: whole('x') });
    const finished = kept.event({
      ...{ type: 'task-finished', seq: 2, atMs: 2, task: 0, path: 'a', callPath: ['a'], status: 'returned' },
      ...{ attempts: [attempt], findings: [], flaky: false, slow: false, durationMs: 1 },
    });
    expect(finished).toMatchObject({ attempts: [{ stdout: { file: 'out/a-s1-a1.stdout' } }] });
  });

  test('is written once, at its end, unless it is long or runs for long', () => {
    const { kept, disk, clock, textOf } = setUp();
    kept.update(prints('a', 'one\n'));
    kept.update(prints('a', 'two\n'));
    expect(disk.isBusy).toBe(false);
    clock.step(1_000);
    disk.finish();
    expect(textOf('a-s1-a1.stdout')).toBe('one\ntwo\n');
    kept.update(prints('a', 'x'.repeat(65_536)));
    disk.finish();
    kept.update(prints('a', 'end'));
    kept.event(ends('a', { stdout: whole(`one\ntwo\n${'x'.repeat(65_536)}end`) }));
    disk.finish();
    expect(textOf('a-s1-a1.stdout')).toBe(`one\ntwo\n${'x'.repeat(65_536)}end`);
    expect(disk.writes).toBe(3);
  });

  test('without any text makes no file', () => {
    const { kept, disk } = setUp();
    const event = ends('a', { stdout: whole('') });
    expect(kept.event(event)).toBe(event);
    expect(disk.isBusy).toBe(false);
  });

  test('is the captured one where less than that was reported', () => {
    const { kept, disk, clock, textOf } = setUp();
    kept.update(prints('a', 'begin\n… 4 bytes left out …\n'));
    clock.step(1_000);
    disk.finish();
    kept.event(ends('a', { stdout: whole(`begin\n${'missing\n'.repeat(9)}`) }));
    kept.event(ends('b', { stdout: whole('never reported') }));
    disk.finish();
    expect(textOf('a-s1-a1.stdout')).toBe(`begin\n${'missing\n'.repeat(9)}`);
    expect(textOf('b-s1-a1.stdout')).toBe('never reported');
  });

  test('is what was reported where the captured one lacks its middle', () => {
    const { kept, disk, textOf } = setUp();
    kept.update(prints('a', 'x'.repeat(1_000)));
    kept.event(ends('a', { stdout: { head: 'x', tail: 'x', totalBytes: 2_000 } }));
    disk.finish();
    expect(textOf('a-s1-a1.stdout')).toBe('x'.repeat(1_000));
  });

  test('of its cleanup belongs to it', () => {
    const { kept, disk, textOf } = setUp();
    kept.update(prints('a', 'body\n'));
    kept.update(prints('a', 'cleanup\n'));
    kept.event(ends('a', { stdout: whole('body\n') }));
    disk.finish();
    expect(textOf('a-s1-a1.stdout')).toBe('body\ncleanup\n');
  });

  test('that the pool writes itself is left to it, unless that fails', () => {
    const { kept, disk, textOf } = setUp();
    kept.update(prints('a', 'reported'));
    expect(kept.leaveToPool('a', 1, 'stdout')?.file).toBe('/suite/out/a-s1-a1.stdout');
    kept.update(prints('a', 'more'));
    const cut = { head: 'h', tail: 't', totalBytes: 99 };
    const event = kept.event(ends('a', { stdout: cut })) as Ended;
    expect(disk.isBusy).toBe(false);
    expect(event.attempt.stdout?.file).toBe('out/a-s1-a1.stdout');
    kept.leaveToPool('b', 1, 'stdout')?.failed();
    kept.event(ends('b', { stdout: cut }));
    disk.finish();
    expect(textOf('b-s1-a1.stdout')).toBe('h\n… of 99 bytes in all, the middle was dropped …\nt');
  });
});

test('names of files are safe, short enough, and different for different tasks', () => {
  const { kept } = setUp();
  const nameOf = (path: string): string =>
    (kept.event(ends(path, { stdout: whole('x') })) as Ended).attempt.stdout?.file ?? '';
  expect(nameOf('a/b c')).toBe('out/a.b_c-s1-a1.stdout');
  expect(nameOf('a/b_c')).toBe('out/a.b_c~2-s1-a1.stdout');
  expect(nameOf('A/B c')).toBe('out/A.B_c~3-s1-a1.stdout');
  expect(nameOf('a/b c')).toBe('out/a.b_c-s1-a1.stdout');
  expect(nameOf('../../etc/x')).toBe('out/_.....etc.x-s1-a1.stdout');
  expect(nameOf('文件.sh')).toBe('out/文件.sh-s1-a1.stdout');
  expect(Buffer.byteLength(nameOf('件'.repeat(300)))).toBeLessThan(255);
});

describe('a slow disk', () => {
  test('gets one write at a time, and does not stop the run', () => {
    const { kept, disk, textOf } = setUp();
    for (const path of ['a', 'b', 'c']) kept.event(ends(path, { stdout: whole(path) }));
    disk.step();
    expect([...disk.files.keys()]).toEqual(['/suite/out/a-s1-a1.stdout']);
    disk.finish();
    expect(textOf('c-s1-a1.stdout')).toBe('c');
  });

  test('gets no more than fits into memory', () => {
    const missing = '\n… some of the output is missing here: the disk was too slow …\n';
    const { kept, disk, textOf } = setUp({ most: 100 });
    kept.update(prints('a', 'x'.repeat(90)));
    kept.update(prints('a', 'y'.repeat(90)));
    kept.event(ends('b', { stdout: whole('z'.repeat(90)) }));
    kept.event(ends('a', { stdout: whole('x'.repeat(90) + 'y'.repeat(90)) }));
    disk.finish();
    expect(textOf('a-s1-a1.stdout')).toBe('x'.repeat(90) + missing);
    expect(textOf('b-s1-a1.stdout')).toBe(missing);
  });

  test('that has caught up at the end of the attempt gets what was dropped', () => {
    const { kept, disk, textOf } = setUp({ most: 200 });
    kept.event(ends('b', { stdout: whole('z'.repeat(90)) }));
    kept.update(prints('a', 'x'.repeat(90)));
    kept.update(prints('a', 'y'.repeat(90)));
    disk.finish();
    kept.event(ends('a', { stdout: whole('x'.repeat(90) + 'y'.repeat(90)) }));
    disk.finish();
    expect(textOf('a-s1-a1.stdout')).toBe('x'.repeat(90) + 'y'.repeat(90));
  });

  test('is waited for at the end, but not forever', async () => {
    const { kept, disk, clock, problems } = setUp();
    kept.event(ends('a', { stdout: whole('a') }));
    let isClosed = false;
    const closed = kept.close().then(() => {
      isClosed = true;
    });
    await Promise.resolve();
    expect(isClosed).toBe(false);
    disk.finish();
    await closed;
    expect(problems).toEqual([]);

    kept.event(ends('b', { stdout: whole('b') }));
    const closedLate = kept.close();
    clock.step(5_000);
    await closedLate;
    expect(problems).toEqual(['the disk took longer than 5 s']);
  });
});

test('the first error of the disk is reported, and nothing more is written or named', () => {
  const { kept, disk, problems } = setUp();
  disk.error = new Error('ENOSPC: no space left on device');
  kept.event(ends('a', { stdout: whole('a') }));
  kept.event(ends('b', { stdout: whole('b') }));
  disk.finish();
  expect(problems).toEqual(['ENOSPC: no space left on device']);
  expect(disk.writes).toBe(1);
  kept.update(prints('c', 'c'.repeat(70_000)));
  const event = ends('c', { stdout: whole('c') });
  expect(kept.event(event)).toBe(event);
  expect(kept.leaveToPool('c', 1, 'stdout')).toBeUndefined();
  expect(disk.isBusy).toBe(false);
});

test('on a real disk', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pexen-kept-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'out'));
  const kept = new KeptOutput({
    ...{ root, folder: 'out', session: 1, clock: new ScriptedClock(0) },
    onProblem: (error) => {
      throw error;
    },
  });
  kept.update(prints('a', 'begin\n'));
  kept.update(prints('a', `${'x'.repeat(65_536)}\n`));
  kept.update(prints('a', 'end\n'));
  await kept.close();
  expect(readdirSync(join(root, 'out'))).toEqual(['a-s1-a1.stdout']);
  expect(readFileSync(join(root, 'out/a-s1-a1.stdout'), 'utf8')).toBe(`begin\n${'x'.repeat(65_536)}\nend\n`);
});
