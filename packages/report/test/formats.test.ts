/** Every format: its content, from runs with everything in them, and that its readers understand it. UPDATE_GOLDEN=1 writes the kept reports. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { validate } from 'ctrf';
import { afterAll, describe, expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { mixedRun } from '../src/conformance/mixed-run.ts';
import { RunScript } from '../src/conformance/run-script.ts';
import { serviceRun } from '../src/conformance/service-run.ts';
import {
  ctrf,
  fileReporters,
  github,
  gitlab,
  jsonLines,
  markdown,
  type Reporter,
  tap,
  trace,
} from '../src/index.ts';
import { listen } from './listen.ts';
import { MemoryStream } from './memory-stream.ts';
import { play } from './play.ts';
import { readMarkdown } from './validators/markdown.ts';
import { hasPerl, readTap, readWithPerl } from './validators/tap.ts';
import { readTrace } from './validators/trace.ts';
import { readCommand } from './validators/workflow-commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'pexen-formats-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the reporter writes to its stream. */
async function textOf(make: (stream: MemoryStream) => Reporter, script: RunScript): Promise<string> {
  const stream = new MemoryStream();
  const clock = new ScriptedClock(0);
  const listener = listen(make(stream), clock);
  play(script, listener, clock);
  await listener.close();
  return stream.text;
}

const golden = (name: string, text: string): void => {
  const file = new URL(`golden/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
};

const aborted = (): RunScript =>
  new RunScript().tasks(['a', 'b', 'c']).start(1, 'a').end(5, 'a').start(6, 'b', 'process-2');

describe('tap', () => {
  test('is TAP 14, with a subtest for findings', async () => {
    const text = await textOf((stream) => tap({ stream }), mixedRun());
    golden('tap-mixed.txt', text);
    const read = readTap(text);
    expect(read.problems).toEqual([]);
    expect(
      read.points.map(({ ok, skip, todo }) => (todo ? 'todo' : skip ? 'skip' : ok ? 'ok' : 'not ok')),
    ).toEqual([
      ...['ok', 'not ok', 'skip', 'ok', 'ok', 'not ok', 'not ok'],
      ...['skip', 'skip', 'todo', 'ok', 'not ok', 'ok', 'ok'],
    ]);
    expect(read.points[1]?.diag).toMatchObject({
      verdict: 'error',
      stdout: 'POST /users\n500 Internal Server Error\n',
    });
    expect(read.subtests.map(([name, points]) => [name, points.length])).toEqual([
      ['sys/net/route', 2],
      ['sys/net/mtu', 4],
    ]);
  });

  test.skipIf(!hasPerl)('is read by prove as version 13', async () => {
    const file = join(folder, 'mixed.tap');
    writeFileSync(file, await textOf((stream) => tap({ stream, version: 13 }), mixedRun()));
    const [read] = readWithPerl([file]);
    expect(read?.errors).toEqual([]);
    expect(read?.ok).toEqual([1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1]);
  });

  test('says how long a service was up, and of how many starts', async () => {
    const read = readTap(await textOf((stream) => tap({ stream }), serviceRun()));
    expect(read.points.find(({ name }) => name === 'env/mail')?.diag).toMatchObject({
      ...{ verdict: 'flaky', attempts: 3, earlier: 'attempt 2: failed' },
      service: 'ready after 500ms, up for 12.6s in 3 starts',
    });
  });

  test('bails out where the run was aborted', async () => {
    const read = readTap(await textOf((stream) => tap({ stream }), aborted()));
    expect(read.bailout).toBe('the run was aborted, and 2 of its tasks have no result');
    expect(read.points).toHaveLength(1);
  });

  test('a failed finding that does not count is excused', async () => {
    const script = new RunScript().tasks(['t']).start(1, 't');
    script.end(2, 't', {
      judgement: { verdict: 'pass', expectedFailures: { 'sha1 # of \\ nothing': 'pads wrongly' } },
      findings: [{ name: 'sha1 # of \\ nothing', status: 'fail', message: 'no' }],
    });
    const text = await textOf((stream) => tap({ stream }), script.ended(3));
    expect(text).toContain('    not ok 1 - sha1 \\# of \\\\ nothing # TODO expected failure: pads wrongly\n');
    const read = readTap(text);
    expect(read.ok).toBe(true);
    expect(read.subtests[0]?.[1][0]).toMatchObject({
      name: 'sha1 # of \\ nothing',
      todo: 'expected failure: pads wrongly',
    });
  });

  test('grows while the run goes on, and a late error is a failed point', async () => {
    const file = join(folder, 'growing.tap');
    const clock = new ScriptedClock(0);
    const listener = listen(tap({ file, clock }), clock);
    const script = new RunScript()
      .tasks(['t'])
      .start(1, 't')
      .end(2, 't')
      .late(3, 'w-1', ['t'], 'too late')
      .ended(1000);
    play(script, listener, clock, 500);
    expect(readFileSync(file, 'utf8')).toContain('ok 1 - t\n');
    expect(readFileSync(file, 'utf8')).not.toContain('1..');
    listener.event(script.events.at(-1) as never);
    await listener.close();
    const read = readTap(readFileSync(file, 'utf8'));
    expect(read.points.map(({ ok, name }) => [ok, name])).toEqual([
      [true, 't'],
      [false, 'late error: t'],
    ]);
  });
});

describe('ctrf', () => {
  const read = async (script: RunScript): Promise<{ text: string; tests: Record<string, unknown>[] }> => {
    const text = await textOf((stream) => ctrf({ stream, environment: { commit: '4ab1f0c' } }), script);
    const report = JSON.parse(text) as { results: { tests: Record<string, unknown>[] } };
    expect(validate(report)).toMatchObject({ valid: true });
    return { text, tests: report.results.tests };
  };

  test('is valid, with everything that the format has a place for', async () => {
    const { text } = await read(mixedRun());
    golden('ctrf-mixed.txt', text);
  });

  test('counts what it contains', async () => {
    const { text, tests } = await read(mixedRun());
    const { summary } = (JSON.parse(text) as { results: { summary: Record<string, number> } }).results;
    expect(summary).toMatchObject({
      tests: 14,
      passed: 6,
      failed: 4,
      skipped: 4,
      pending: 0,
      other: 0,
      flaky: 1,
    });
    expect(tests).toHaveLength(14);
  });

  test('a service has its starts as attempts', async () => {
    const { tests } = await read(serviceRun());
    expect(tests.find(({ testId }) => testId === 'env/mail')).toMatchObject({
      ...{ type: 'service', retries: 2, flaky: true, duration: 500 },
      retryAttempts: [
        { attempt: 1, status: 'passed' },
        { attempt: 2, status: 'failed' },
      ],
    });
  });

  test('tasks of an aborted run are pending, or have another status', async () => {
    const { tests } = await read(aborted());
    expect(tests.map(({ name, status }) => [name, status])).toEqual([
      ['a', 'passed'],
      ['b', 'other'],
      ['c', 'pending'],
    ]);
  });

  test('attachments and findings keep what they say', async () => {
    const script = new RunScript().tasks(['t']).start(1, 't');
    script.reports(2, 't', {
      kind: 'attachment',
      attachment: { name: 'shot', mediaType: 'image/png', file: '/tmp/s.png' },
    });
    script.reports(2, 't', { kind: 'attachment', attachment: { name: 'note', text: 'as text' } });
    script.end(3, 't', {
      findings: [
        { name: 'f', status: 'warn', message: 'low', location: { file: 'a.c', line: 7 }, durationMs: 12.4 },
      ],
    });
    const { tests } = await read(script.ended(4));
    expect(tests[0]).toMatchObject({
      attachments: [{ name: 'shot', contentType: 'image/png', path: '/tmp/s.png' }],
      steps: [
        { name: 'f', status: 'passed', extra: { rawStatus: 'warn', message: 'low', duration: 12, line: 7 } },
      ],
      extra: { attachedTexts: [{ name: 'note', text: 'as text' }] },
    });
  });
});

describe('jsonl', () => {
  const schema = JSON.parse(
    readFileSync(new URL('../schemas/json-line.schema.json', import.meta.url), 'utf8'),
  ) as object;
  const isLine = new Ajv2020({ strict: false }).compile(schema);
  const linesOf = async (script: RunScript, options = {}): Promise<{ type: string }[]> => {
    const text = await textOf((stream) => jsonLines({ stream, ...options }), script);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    for (const line of lines) expect(isLine(line), JSON.stringify([line, isLine.errors])).toBe(true);
    return lines;
  };

  test('is the events of the run, valid under its schema', async () => {
    golden('jsonl-mixed.txt', await textOf((stream) => jsonLines({ stream }), mixedRun()));
    expect(await linesOf(mixedRun())).toEqual(mixedRun().events);
    expect(await linesOf(serviceRun())).toEqual(serviceRun().events);
  });

  test.each([
    ['evidence', 1],
    ['all', 3],
    ['none', 0],
  ] as const)('updates: %s', async (updates, count) => {
    const script = new RunScript().tasks(['t']).start(1, 't').prints(2, 't', 'a\u2028b\u0085c\n');
    script.reports(3, 't', { kind: 'progress', progress: { done: 1 } });
    script.reports(4, 't', { kind: 'finding', finding: { name: 'f', status: 'pass', data: 10n } });
    const lines = await linesOf(script.end(5, 't').ended(6), { updates });
    expect(lines.filter(({ type }) => type === 'task-update')).toHaveLength(count);
  });

  test('no line has a line break of Unicode in it', async () => {
    const script = new RunScript()
      .tasks(['t'])
      .start(1, 't')
      .prints(2, 't', 'a\u2028b\u0085c\n')
      .end(3, 't')
      .ended(4);
    const text = await textOf((stream) => jsonLines({ stream, updates: 'all' }), script);
    expect(text).not.toMatch(/[\u0085\u2028\u2029]/);
    expect(text).toContain('a\\u2028b\\u0085c');
  });
});

describe('markdown', () => {
  test('has the counts, the failures with their details, and the rest as lists', async () => {
    const text = await textOf((stream) => markdown({ stream }), mixedRun());
    golden('markdown-mixed.txt', text);
    expect(readMarkdown(text)).toEqual({
      headings: [
        ...['❌ pexen: 4 failures', 'Failures', 'Flaky, with warnings, or failed as expected'],
        ...['Skipped', 'Poisoned', 'Slowest', 'What decided how long it took'],
      ],
      ...{ foreign: [], blocks: 4, open: 0 },
    });
  });

  test('is never longer than its limit, and counts what it leaves out', async () => {
    const script = new RunScript().tasks(Array.from({ length: 200 }, (_, index) => `t${index}`));
    for (let index = 0; index < 200; index++)
      script
        .start(index, `t${index}`)
        .end(index + 1, `t${index}`, { status: 'threw', reason: 'x'.repeat(3000) });
    const text = await textOf((stream) => markdown({ stream, limit: 20_000 }), script.ended(300));
    expect(text.length).toBeLessThan(20_000);
    const shown = readMarkdown(text).blocks;
    expect(shown).toBeGreaterThan(2);
    expect(text).toContain(`… and ${200 - shown} more failures`);
  });

  test('says that a run was aborted, and what has no result', async () => {
    const text = await textOf((stream) => markdown({ stream, title: 'nightly <b>' }), aborted());
    expect(readMarkdown(text).headings).toEqual([
      '⚠️ <code>nightly &#60;b&#62;</code>: not complete',
      'Slowest',
    ]);
    expect(text).toContain('The run was aborted.');
    expect(text).toContain('2 without a result');
  });
});

describe('github', () => {
  const commandsOf = async (script: RunScript, options = {}): Promise<ReturnType<typeof readCommand>[]> => {
    const text = await textOf((stream) => github({ stream, env: {}, ...options }), script);
    return text === '' ? [] : text.trimEnd().split('\n').map(readCommand);
  };

  test('annotates failures as errors, and what is flaky or warns as warnings', async () => {
    golden('github-mixed.txt', await textOf((stream) => github({ stream, env: {} }), mixedRun()));
    const commands = await commandsOf(mixedRun());
    expect(commands.map((each) => `${each?.name} ${each?.properties.title}`)).toEqual([
      ...['error ERROR api/users/create', 'error FAIL sys/net/mtu', 'error CRASH sys/disk/format'],
      ...['error TIMEOUT api/upload/big', 'warning WARN sys/net/route', 'warning FLAKY api/users/list'],
    ]);
    const [first] = commands;
    expect(first?.properties).toMatchObject({
      file: '/home/ada/suite/api/users.task.ts',
      line: '31',
      col: '10',
    });
  });

  test('files are relative to the checked-out repository', async () => {
    const [first] = await commandsOf(mixedRun(), { env: { GITHUB_WORKSPACE: '/home/ada' } });
    expect(first?.properties.file).toBe('suite/api/users.task.ts');
  });

  test('writes at most ten errors, and escapes what would end the command', async () => {
    const script = new RunScript().tasks(Array.from({ length: 20 }, (_, index) => `a:b,c%0A::${index}`));
    for (let index = 0; index < 20; index++)
      script
        .start(index, `a:b,c%0A::${index}`)
        .end(index + 1, `a:b,c%0A::${index}`, { status: 'threw', reason: 'one\r\ntwo % ::error::' });
    const commands = await commandsOf(script.ended(30));
    expect(commands).toHaveLength(10);
    expect(commands[3]).toEqual({
      ...{ name: 'error', properties: { title: 'ERROR a:b,c%0A::3' }, message: 'one\r\ntwo % ::error::' },
    });
  });

  test('appends a summary to the file of the step', async () => {
    const file = join(folder, 'step.md');
    writeFileSync(file, 'of an earlier command\n');
    const options = { annotations: false, env: { GITHUB_STEP_SUMMARY: file } };
    expect(await commandsOf(mixedRun(), options)).toEqual([]);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^of an earlier command\n## ❌ pexen: 4 failures\n/);
    expect(readMarkdown(text).blocks).toBe(4);
    expect(await commandsOf(mixedRun(), { ...options, file: false })).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

describe('gitlab', () => {
  test('writes failures, warnings and flaky tasks as issues, each with a fingerprint of its own', async () => {
    const file = join(folder, 'quality.json');
    const sections = await textOf((stream) => gitlab({ stream, file, sections: true }), mixedRun());
    const text = readFileSync(file, 'utf8');
    golden('gitlab-mixed.txt', text);
    const issues = JSON.parse(text) as { severity: string; fingerprint: string }[];
    expect(issues.map(({ severity }) => severity)).toEqual([
      ...['critical', 'minor', 'minor', 'major', 'critical', 'critical'],
    ]);
    expect(new Set(issues.map(({ fingerprint }) => fingerprint)).size).toBe(issues.length);
    const opened = [...sections.matchAll(/section_start:\d+:(\w+)\[collapsed=true\]\r/g)].map(
      ([, name]) => name,
    );
    const closed = [...sections.matchAll(/section_end:\d+:(\w+)\r/g)].map(([, name]) => name);
    expect(opened).toHaveLength(4);
    expect(closed).toEqual(opened);
  });

  test('writes sections only in a job, unless they are asked for', async () => {
    const file = join(folder, 'quality.json');
    expect(await textOf((stream) => gitlab({ stream, file, env: {} }), mixedRun())).toBe('');
    expect(
      await textOf((stream) => gitlab({ stream, file, env: { GITLAB_CI: 'true' } }), mixedRun()),
    ).toContain('section_start:');
  });
});

describe('trace', () => {
  test('has a track for each worker', async () => {
    const text = await textOf((stream) => trace({ stream }), mixedRun());
    golden('trace-mixed.txt', text);
    const { problems, tracks } = readTrace(text);
    expect(problems).toEqual([]);
    expect(tracks).toMatchObject({
      'workers: process-1': ['build/kernel', 'build/modules'],
      'workers: thread-1': ['api/users/create', 'api/users/list', 'api/users/list', 'api/upload/big'],
    });
  });

  test('attempts of one worker that overlap get a track each, with the same name', async () => {
    const script = new RunScript()
      .tasks(['a', 'b', 'c'])
      .start(0, 'a', 'inline')
      .start(5, 'b', 'inline')
      .end(10, 'a')
      .start(10, 'c', 'inline')
      .end(15, 'b')
      .end(20, 'c');
    const { problems, events } = readTrace(await textOf((stream) => trace({ stream }), script.ended(21)));
    expect(problems).toEqual([]);
    const slices = events.filter(({ cat }) => cat === 'returned');
    expect(new Set(slices.map(({ tid }) => tid)).size).toBe(2);
    expect(slices.find(({ name }) => name === 'c')?.tid).toBe(slices.find(({ name }) => name === 'a')?.tid);
  });

  test('has a track for each service, with its phases', async () => {
    const { problems, tracks } = readTrace(await textOf((stream) => trace({ stream }), serviceRun()));
    expect(problems).toEqual([]);
    expect(tracks['services: env/mail']).toEqual([
      ...['starting', 'up', 'stopping', 'starting', 'starting', 'up', 'stopping'],
    ]);
    expect(Object.keys(tracks)).not.toContain('workers: process 12 (pid 412)');
  });

  test('shows who held what, and who could not start meanwhile', async () => {
    const script = new RunScript()
      .tasks(['writer', 'second'], { claims: ['/db'] })
      .tasks(['reader'], { uses: [{ resource: '/db/users' }] })
      .tasks(['other'], { claims: ['/web'] })
      .tasks(['alone'], { exclusive: true })
      .start(0, 'writer', 'w1')
      .start(0, 'other', 'w2')
      .end(10, 'other')
      .end(100, 'writer')
      .start(101, 'reader', 'w2')
      .end(150, 'reader')
      .start(151, 'second', 'w1')
      .end(200, 'second')
      .start(201, 'alone', 'w1')
      .end(210, 'alone')
      .ended(220);
    const { problems, tracks, events } = readTrace(await textOf((stream) => trace({ stream }), script));
    expect(problems).toEqual([]);
    expect(tracks).toMatchObject({
      'resources: who holds them: /db': ['writer', 'second'],
      'resources: who holds them: /db/users': ['reader'],
      'resources: who holds them: everything': ['alone'],
      'resources: who waits for them: /db': ['second', 'second'],
      'resources: who waits for them: /db/users': ['reader'],
      'resources: who waits for them: everything': ['alone', 'alone', 'alone'],
    });
    const waits = events.filter(({ cat }) => cat === 'wait');
    expect(waits.map(({ name, ts, dur, args }) => [name, ts, dur, args?.heldBy])).toEqual([
      ['reader', 0, 100_000, 'writer'],
      ['second', 0, 100_000, 'writer'],
      ['alone', 0, 100_000, 'writer'],
      ['second', 101_000, 49_000, 'reader'],
      ['alone', 101_000, 49_000, 'reader'],
      ['alone', 151_000, 49_000, 'second'],
    ]);
    expect(Object.keys(tracks).filter((name) => name.includes('/web'))).toEqual([
      'resources: who holds them: /web',
    ]);
  });

  test('a task that waited for another task did not wait for a resource meanwhile', async () => {
    const script = new RunScript()
      .tasks(['holder'], { claims: ['/db'] })
      .tasks(['build'], { provides: ['bin'] })
      .tasks(['ship'], { claims: ['/db'], requires: [{ form: 'one', capabilities: ['bin'] }] })
      .start(0, 'holder', 'w1')
      .start(0, 'build', 'w2')
      .end(100, 'holder')
      .end(150, 'build')
      .start(151, 'ship', 'w1')
      .end(160, 'ship')
      .ended(170);
    const { problems, events } = readTrace(await textOf((stream) => trace({ stream }), script));
    expect(problems).toEqual([]);
    expect(events.filter(({ cat }) => cat === 'wait')).toEqual([]);
    const arrows = events.filter(({ ph }) => ph === 's' || ph === 'f');
    expect(arrows.map(({ ph, name, ts }) => [ph, name, ts])).toEqual([
      ['s', 'dependency', 149_999],
      ['f', 'dependency', 151_000],
      ['s', 'critical chain', 149_999],
      ['f', 'critical chain', 151_000],
    ]);
    const chain = events.filter(({ cat, ph }) => cat === 'critical chain' && ph === 'X');
    expect(chain.map(({ name, ts, args }) => [name, ts, args])).toEqual([
      ['build', 0, { waitedFor: 'start', idleMs: 0 }],
      ['ship', 151_000, { waitedFor: 'dependency', idleMs: 1 }],
    ]);
  });

  test('between its attempts a task keeps what it holds, but for amounts', async () => {
    const script = new RunScript()
      .tasks(['shaky'], { claims: ['/db'], uses: [{ resource: 'memory', count: 2 }] })
      .tasks(['next'], { claims: ['/db'] })
      .start(0, 'shaky', 'w1')
      .retry(10, 'shaky', 50, { status: 'failed', reason: 'not yet' })
      .start(60, 'shaky', 'w1')
      .end(70, 'shaky')
      .start(71, 'next', 'w2')
      .end(80, 'next')
      .ended(81);
    const { problems, events } = readTrace(await textOf((stream) => trace({ stream }), script));
    expect(problems).toEqual([]);
    const held = events.filter(({ cat }) => cat === 'claims' || cat === 'uses');
    expect(held.map(({ name, cat, ts, dur }) => [name, cat, ts, dur])).toEqual([
      ['shaky', 'claims', 0, 70_000],
      ['shaky', 'uses', 0, 10_000],
      ['shaky', 'uses', 60_000, 10_000],
      ['next', 'claims', 71_000, 9_000],
    ]);
    expect(events.filter(({ cat }) => cat === 'wait').map(({ ts, dur }) => [ts, dur])).toEqual([[0, 70_000]]);
  });

  test('an attempt that runs when the run is aborted lasts until then', async () => {
    const { problems, events } = readTrace(await textOf((stream) => trace({ stream }), aborted()));
    expect(problems).toEqual([]);
    expect(events.filter(({ cat }) => cat === 'aborted').map(({ name }) => name)).toEqual(['b']);
  });
});

describe('all of them', () => {
  test('say where they wrote, and nothing of what programs read from standard output', async () => {
    for (const name of ['junit', 'tap', 'ctrf', 'jsonl', 'markdown', 'trace', 'gitlab'] as const) {
      const reporter = fileReporters[name].make({ file: join(folder, `${name}.out`) });
      const listener = listen(reporter);
      for (const event of mixedRun().events) listener.event(event);
      await listener.close();
      expect(reporter.written?.()).toContain(`${name}.out`);
    }
    const stream = new MemoryStream();
    const reporter = ctrf({ stream });
    const listener = listen(reporter);
    for (const event of mixedRun().events) listener.event(event);
    await listener.close();
    expect(reporter.written?.()).toBeUndefined();
  });

  test('refuse options that they do not have', () => {
    expect(() => tap({ version: 12 as never })).toThrow('version must be 13 or 14');
    expect(() => ctrf({ environment: { commit: 7 } as never })).toThrow(
      'environment.commit must be a string',
    );
    expect(() => trace({ fil: 'x' } as never)).toThrow('has no option "fil"');
  });
});
