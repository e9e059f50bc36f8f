/** JUnit XML: its content, and that it is valid for any output of tasks. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { Attachment, TaskUpdate } from '@pexen/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { mixedRun } from '../src/conformance/mixed-run.ts';
import { RunScript } from '../src/conformance/run-script.ts';
import { serviceRun } from '../src/conformance/service-run.ts';
import { junit, type RunListener, RunModel } from '../src/index.ts';
import type { JUnitOptions } from '../src/options.ts';
import { listen } from './listen.ts';
import { play } from './play.ts';
import { type DialectName, schemaErrors } from './schemas.ts';
import { allNodes, structureErrors } from './structure.ts';
import { type Node, parseXml } from './xml.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pexen-junit-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function xmlOf(script: RunScript, options: Partial<JUnitOptions> = {}): Promise<string> {
  const file = join(folder, 'out', 'junit.xml');
  const reporter = listen(junit({ file, ...options }));
  play(script, reporter, new ScriptedClock(0));
  await reporter.close();
  return readFileSync(file, 'utf8');
}

async function checked(script: RunScript, options: Partial<JUnitOptions> = {}): Promise<Node> {
  const text = await xmlOf(script, options);
  const dialect: DialectName = options.strict === true ? 'strict' : 'jenkins';
  const root = parseXml(text);
  expect(structureErrors(root, dialect)).toEqual([]);
  expect(await schemaErrors([withoutPlaces(text)], dialect)).toEqual([]);
  return root;
}

/** The readers' schema does not know `file` and `line` of cases, and the readers ignore or read them. */
function withoutPlaces(text: string): string {
  return text.replaceAll(/(<testcase [^>]*?) file="[^"]*"(?: line="\d+")?/g, '$1');
}

function caseNamed(root: Node, name: string): Node {
  const found = allNodes(root).find((node) => node.name === 'testcase' && node.attributes.name === name);
  if (found === undefined) throw new Error(`there is no case ${name}`);
  return found;
}

const steady = (text: string): string => text.replaceAll(/hostname="[^"]*"/g, 'hostname="here"');

test('a service is a case: its time is that to readiness, and only failed starts and deaths are reruns', async () => {
  const root = await checked(serviceRun());
  const [postgres, mail] = ['postgres', 'mail'].map((name) => caseNamed(root, name));
  expect(postgres?.attributes.time).toBe('1.000');
  expect(mail?.attributes.time).toBe('0.500');
  const elements = (node?: Node): string[] =>
    (node === undefined ? [] : allNodes(node)).map(({ name }) => name);
  expect(elements(postgres)).toEqual(expect.arrayContaining(['flakyError', 'system-out']));
  expect(elements(mail).filter((name) => name.startsWith('flaky'))).toEqual(['flakyFailure']);
  expect(JSON.stringify(mail)).toContain('service: ready after 500ms, up for 12.6s in 3 starts');
  await checked(serviceRun(), { strict: true });
});

test('a skip that fails the run is red, and the summary does not count it among the skipped ones', async () => {
  const script = new RunScript()
    .tasks(['t'])
    .skip(1, 't', { task: 't', why: 'requires "schema"' }, { task: 'm', why: 'is gone' });
  const judged = script.entries.map((entry) =>
    'event' in entry && entry.event.type === 'task-skipped'
      ? { event: { ...entry.event, judgement: { verdict: 'error', reason: 'the schema is gone' } as const } }
      : entry,
  );
  script.entries.splice(0, script.entries.length, ...judged);
  const root = await checked(script);
  const [element] = allNodes(caseNamed(root, 't')).filter(({ name }) => name === 'error');
  expect(element?.attributes).toEqual({ message: 'the schema is gone', type: 'error' });
  const model = new RunModel();
  for (const event of script.events) model.apply(event);
  expect(model.totals).toMatchObject({ skippedFor: [], notPassed: [{ path: 't', verdict: 'error' }] });
});

test('frames of pexen are left out', async () => {
  const stack = [
    'RangeError: too far',
    '    at check (file:///home/ada/suite/a.task.ts:3:9)',
    '    at runBody (file:///home/ada/suite/node_modules/@pexen/pool-kit/dist/worker.js:435:19)',
  ].join('\n');
  const error = { name: 'RangeError', message: 'too far', stack };
  const root = await checked(
    new RunScript().tasks(['t']).start(0, 't').end(1, 't', { status: 'threw', error }),
  );
  const [element] = allNodes(caseNamed(root, 't')).filter(({ name }) => name === 'error');
  expect(element?.text).toBe(stack.split('\n').slice(0, 2).join('\n'));
});

test('an error is shown with the errors that it contains', async () => {
  const errors = [
    { name: 'Error', message: 'no route', cause: { name: 'Error', message: 'cable' } },
    { name: 'Error', message: 'no host' },
  ];
  const error = { name: 'AggregateError', message: 'both', errors };
  const root = await checked(
    new RunScript().tasks(['t']).start(0, 't').end(1, 't', { status: 'threw', error }),
  );
  const [element] = allNodes(caseNamed(root, 't')).filter(({ name }) => name === 'error');
  expect(element?.text.split('\n')).toEqual([
    ...['AggregateError: both', 'one of its errors: Error: no route', 'caused by Error: cable'],
    'one of its errors: Error: no host',
  ]);
});

describe('a run with nearly every kind of event', () => {
  test('as Jenkins and GitLab read it', async () => {
    await checked(mixedRun());
    await expect(steady(await xmlOf(mixedRun()))).toMatchFileSnapshot('golden/junit-mixed.xml');
  });

  test('in the strict dialect', async () => {
    await checked(mixedRun(), { strict: true });
    await expect(steady(await xmlOf(mixedRun(), { strict: true }))).toMatchFileSnapshot(
      'golden/junit-mixed-strict.xml',
    );
  });
});

test('a test case is red only if its verdict is: a failure that does not count is skipped', async () => {
  const failed = { name: 'sub', status: 'fail', message: 'no' } as const;
  const script = new RunScript()
    .tasks(['s/known', 's/bad', 's/fine', 's/late'])
    .start(0, 's/known')
    .end(1, 's/known', { findings: [failed], judgement: { verdict: 'expected-fail', reason: 'bug 7' } })
    .start(1, 's/bad')
    .end(2, 's/bad', { findings: [failed] })
    .start(2, 's/fine')
    .end(3, 's/fine', { findings: [failed], judgement: { verdict: 'pass' } })
    .start(3, 's/late')
    .end(4, 's/late', { status: 'cancelled', reason: 'interrupted' });
  const root = await checked(script.ended(5));
  const outcomes = allNodes(root)
    .filter(({ name }) => name === 'testcase')
    .map(({ attributes, children }) => `${attributes.name}: ${children[0]?.name ?? 'passed'}`);
  expect(outcomes).toEqual([
    ...['known › sub: skipped', 'bad › sub: failure', 'fine › sub: skipped', 'late: error'],
  ]);
});

/** The cases of a report, as `name time outcome`. */
async function caseLines(script: RunScript, options: Partial<JUnitOptions> = {}): Promise<string[]> {
  return allNodes(await checked(script, options))
    .filter(({ name }) => name === 'testcase')
    .map(({ attributes, children }) =>
      [attributes.name, attributes.time, ...children.map(({ name }) => name)].join(' '),
    );
}

describe('the findings of a task', () => {
  const failed = { name: 'b', status: 'fail', message: 'no', durationMs: 30 } as const;
  const findings = [{ name: 'a', status: 'pass', durationMs: 12 }, failed] as const;
  const of = (ending: Parameters<RunScript['end']>[2]): RunScript =>
    new RunScript().tasks(['s/t']).start(0, 's/t').end(100, 's/t', ending).ended(101);

  test('are counted instead of the task, with their durations; the first that failed has the output', async () => {
    const error = { name: 'TaskFailError', message: 'exit code 1, failed: b' };
    const script = of({ status: 'failed', error, findings, stdout: 'why' });
    expect(await caseLines(script)).toEqual(['t › a 0.012', 't › b 0.088 failure system-out']);
  });

  test('are counted beside the task where it failed for another reason', async () => {
    const error = { name: 'TypeError', message: 'x is not a function' };
    expect(await caseLines(of({ status: 'threw', error, findings }))).toEqual([
      ...['t 0.100 error', 't › a 0.012', 't › b 0.030 failure'],
    ]);
    const crashed = of({ status: 'crashed', reason: 'SIGSEGV', findings: [{ name: 'a', status: 'pass' }] });
    expect(await caseLines(crashed)).toEqual(['t 0.100 error', 't › a 0.000']);
  });

  test('that fail with the run of a flaky task show the attempts in the first case', async () => {
    const script = new RunScript().tasks(['s/t']).start(0, 's/t').retry(1, 's/t', 0, { status: 'failed' });
    script
      .start(2, 's/t')
      .end(10, 's/t', { findings: [{ name: 'a', status: 'pass' }] })
      .ended(11);
    expect(await caseLines(script)).toEqual(['t › a 0.009 flakyFailure system-out']);
  });

  test('make no cases where they are only warnings and infos', async () => {
    const script = of({ findings: [{ name: 'disk', status: 'warn', message: 'nearly full' }] });
    expect(await caseLines(script)).toEqual(['t 0.100 system-out']);
    expect(caseNamed(await checked(script), 't').children[0]?.text).toContain('warn: disk: nearly full');
  });

  test('that are todo say so once', async () => {
    const todo = [
      { name: 'a', status: 'todo', message: 'todo: later' },
      { name: 'b', status: 'todo', message: 'not yet' },
      { name: 'c', status: 'todo', message: 'todo' },
    ] as const;
    const skipped = allNodes(await checked(of({ findings: todo }))).filter(({ name }) => name === 'skipped');
    expect(skipped.map(({ attributes }) => attributes.message)).toEqual([
      ...['todo: later', 'todo: not yet', 'todo'],
    ]);
  });
});

test('each case has the place of its task, relative to the working directory', async () => {
  const location = { file: relative('/home/ada/suite', resolve('tests/a.task.ts')), line: 7, column: 3 };
  const script = new RunScript()
    .tasks(['s/t', 's/u', 's/v'], { location })
    .tasks(['s/far'], { location: { file: 'far.sh' } })
    .start(0, 's/t')
    .end(1, 's/t', {
      findings: [
        { name: 'a', status: 'pass' },
        { name: 'b', status: 'pass', location: { file: resolve('tests/b.sh'), line: 4 } },
      ],
    })
    .skip(1, 's/u', { task: 's/t', why: 'threw' })
    .start(2, 's/far')
    .end(3, 's/far');
  const cases = allNodes(await checked(script)).filter(({ name }) => name === 'testcase');
  expect(cases.map(({ attributes: { name, file, line } }) => [name, file, line])).toEqual([
    ['t › a', 'tests/a.task.ts', '7'],
    ['t › b', 'tests/b.sh', '4'],
    ['u', 'tests/a.task.ts', '7'],
    ['far', '/home/ada/suite/far.sh', undefined],
    ['v', 'tests/a.task.ts', '7'],
  ]);
  const strict = allNodes(await checked(script, { strict: true })).filter(({ name }) => name === 'testcase');
  expect(strict.some(({ attributes }) => 'file' in attributes)).toBe(false);
});

test('the file with all output of an attempt that did not pass is an attachment', async () => {
  const file = relative('/home/ada/suite', resolve('.pexen/runs/1/out/t-s1-a1.stdout'));
  const end = (path: string, ending: Parameters<RunScript['end']>[2]) =>
    new RunScript()
      .tasks([path])
      .start(0, path)
      .end(1, path, { stdout: 'text', stdoutFile: file, ...ending });
  const bad = caseNamed(await checked(end('t', { status: 'failed' })), 't');
  expect(bad.children.at(-1)?.text).toContain('\n[[ATTACHMENT|.pexen/runs/1/out/t-s1-a1.stdout]]\n');
  expect(caseNamed(await checked(end('t', {})), 't').children).toEqual([]);
});

test('reruns of a task that failed in the end, with their output', async () => {
  const script = new RunScript()
    .tasks(['s/again'])
    .start(0, 's/again')
    .retry(1, 's/again', 0, {
      status: 'threw',
      error: { name: 'TypeError', message: 'first' },
      stdout: 'one',
    })
    .start(1, 's/again')
    .retry(2, 's/again', 0, { status: 'failed', reason: 'second' })
    .start(2, 's/again')
    .end(3, 's/again', { status: 'timed-out', reason: 'third', stdout: 'three' })
    .ended(4);
  const { children } = caseNamed(await checked(script), 'again');
  expect(children.map(({ name, attributes }) => [name, attributes.type, attributes.message])).toEqual([
    ['error', 'timeout', 'third'],
    ['rerunError', 'TypeError', 'first'],
    ['rerunFailure', 'failed', 'second'],
    ['system-out', undefined, undefined],
  ]);
  expect(children[1]?.children.map(({ name, text }) => [name, text])).toEqual([
    ['stackTrace', 'TypeError: first'],
    ['system-out', 'one'],
  ]);
  await checked(script, { strict: true });
});

test('output of all tasks, of none, and within its limit', async () => {
  const script = new RunScript()
    .tasks(['s/talks'])
    .start(0, 's/talks')
    .end(1, 's/talks', { stdout: 'a'.repeat(100) })
    .ended(2);
  expect(caseNamed(await checked(script), 'talks').children).toEqual([]);
  const all = caseNamed(await checked(script, { output: 'all' }), 'talks');
  expect(all.children[0]?.text).toBe('a'.repeat(100));
  const little = caseNamed(await checked(script, { output: 'all', outputLimit: 10 }), 'talks');
  expect(little.children[0]?.text).toBe('aaaaa\n… 90 characters were left out …\naaaaa');
  const failing = new RunScript()
    .tasks(['t'])
    .start(0, 't')
    .end(1, 't', { status: 'threw', stdout: 'help' })
    .ended(2);
  const none = caseNamed(await checked(failing, { output: 'none' }), 't');
  expect(none.children.map(({ name }) => name)).toEqual(['error']);
});

test('attachments are lines that Jenkins and GitLab understand', async () => {
  const attach = (attachment: Attachment): TaskUpdate => ({ kind: 'attachment', attachment });
  const script = new RunScript()
    .tasks(['s/shoots'])
    .start(0, 's/shoots')
    .reports(1, 's/shoots', attach({ name: 'screen', file: join(process.cwd(), 'out/screen.png') }))
    .reports(1, 's/shoots', attach({ name: 'log', file: '/var/log/far.log', text: 'inline' }))
    .reports(1, 's/shoots', attach({ name: 'odd', file: '/tmp/a]]b' }))
    .end(2, 's/shoots')
    .ended(3);
  expect(
    caseNamed(await checked(script), 'shoots')
      .children[0]?.text.split('\n')
      .filter(Boolean),
  ).toEqual([
    '[[ATTACHMENT|out/screen.png]]',
    '── log ──',
    'inline',
    '[[ATTACHMENT|/var/log/far.log]]',
    'attachment "/tmp/a]]b"',
  ]);
  const text = await xmlOf(script, { strict: true });
  expect(text.indexOf('[[ATTACHMENT|out/screen.png]]')).toBeGreaterThan(text.indexOf('<system-out>'));
});

test('names that readers cannot distinguish are made different', async () => {
  const twice = [
    { name: 'equal', status: 'fail' },
    { name: ' equal ', status: 'pass' },
    { name: 'equal (2)', status: 'pass' },
    { name: '', status: 'pass' },
  ] as const;
  const root = await checked(
    new RunScript()
      .tasks(['a.b/t', 'a_b/t', 'alone'])
      .start(0, 'a.b/t')
      .end(1, 'a.b/t', { findings: twice })
      .start(1, 'a_b/t')
      .end(2, 'a_b/t')
      .start(2, 'alone')
      .end(3, 'alone')
      .ended(4),
    { name: 'nightly' },
  );
  const cases = allNodes(root).filter(({ name }) => name === 'testcase');
  expect(cases.map(({ attributes: { classname, name } }) => `${classname}: ${name}`)).toEqual([
    ...['a_b: t › equal', 'a_b: t › equal (2)', 'a_b: t › equal (2) (2)', 'a_b: t › (unnamed)'],
    ...['a_b: t', 'nightly: alone'],
  ]);
  expect(root.children.map(({ attributes }) => attributes.name)).toEqual(['a.b', 'a_b', 'nightly']);
});

test('without cases for findings', async () => {
  const root = await checked(mixedRun(), { findings: false });
  const cases = allNodes(root).filter(({ name }) => name === 'testcase');
  expect(cases).toHaveLength(14);
});

test('an aborted run makes a whole and valid report', async () => {
  const script = new RunScript()
    .tasks(['s/done', 's/busy', 't/never'])
    .start(0, 's/done')
    .end(1, 's/done')
    .start(1, 's/busy');
  for (const strict of [false, true]) {
    const root = await checked(script, { strict });
    const property = allNodes(root).find(({ attributes }) => attributes.name === 'pexen.ended');
    expect(property?.attributes.value).toBe('the run was aborted');
    expect(caseNamed(root, 'busy').children.map(({ name }) => name)).toEqual(['error']);
    expect(caseNamed(root, 'never').children.map(({ name }) => name)).toEqual(['skipped']);
  }
});

test('a run that ended early gives the reason, with the configured properties', async () => {
  const script = new RunScript().tasks(['t']).skip(1, 't', { task: 't', why: 'interrupted' });
  const root = await checked(script.ended(2, { reason: 'interrupted' }), { properties: { build: '17' } });
  const properties = allNodes(root).filter(({ name }) => name === 'property');
  expect(properties.map(({ attributes }) => attributes)).toEqual([
    { name: 'pexen.pools', value: 'process' },
    { name: 'pexen.ended', value: 'interrupted' },
    { name: 'build', value: '17' },
  ]);
});

describe('the file', () => {
  const startedRun = (file: string): RunListener => {
    const reporter = listen(junit({ file }));
    play(new RunScript().tasks(['t']), reporter, new ScriptedClock(0));
    return reporter;
  };

  test('an older file is removed when the run starts; the new one appears as a whole', async () => {
    const file = join(folder, 'junit.xml');
    writeFileSync(file, 'old');
    const reporter = startedRun(file);
    expect(existsSync(file)).toBe(false);
    await reporter.close();
    parseXml(readFileSync(file, 'utf8'));
    expect(readdirSync(folder)).toEqual(['junit.xml']);
  });

  test('that was written is named for the end of the run, others are not', async () => {
    const file = join(folder, 'junit.xml');
    const reporter = junit({ file });
    expect(reporter.written?.()).toBeUndefined();
    const run = listen(reporter);
    play(new RunScript().tasks(['t']), run, new ScriptedClock(0));
    await run.close();
    expect(reporter.written?.()).toBe(`JUnit report: ${file}`);
    const streaming = junit({ file: '/dev/null' });
    const other = listen(streaming);
    play(new RunScript().tasks(['t']), other, new ScriptedClock(0));
    await other.close();
    expect(streaming.written?.()).toBeUndefined();
  });

  test('a run that never started writes no file, and keeps the older one', async () => {
    const file = join(folder, 'junit.xml');
    writeFileSync(file, 'old');
    await junit({ file }).close();
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  test('a process that ends in the middle of a run leaves a whole report', () => {
    const before = process.listenerCount('exit');
    const file = join(folder, 'junit.xml');
    startedRun(file);
    process.listeners('exit').at(-1)?.call(process, 1);
    expect(caseNamed(parseXml(readFileSync(file, 'utf8')), 't').children[0]?.name).toBe('skipped');
    expect(process.listenerCount('exit')).toBe(before);
  });

  test('a file that cannot be written is reported, and nothing is left behind', async () => {
    const file = join(folder, 'junit.xml');
    const reporter = startedRun(file);
    mkdirSync(join(file, 'in-the-way'), { recursive: true });
    await expect(reporter.close()).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readdirSync(folder)).toEqual(['junit.xml']);
  });
});

test('a hundred thousand tasks take as much memory as their text, written in pieces', async () => {
  const file = join(folder, 'junit.xml');
  const reporter = listen(junit({ file }));
  const script = new RunScript().tasks(['s/t']);
  for (const event of script.events) reporter.event(event);
  const finished = script.start(0, 's/t').end(1, 's/t').events.at(-1);
  if (finished?.type !== 'task-finished') return expect.unreachable();
  for (let index = 0; index < 100_000; index++) {
    reporter.event({ ...finished, path: `s/${index}`, callPath: ['s', String(index)] });
  }
  await reporter.close();
  expect(readFileSync(file, 'utf8').match(/<testcase /g)).toHaveLength(100_001);
});

test.each([false, true])('a late error is a case of its own (strict: %s)', async (strict) => {
  const script = new RunScript()
    .tasks(['a/one'])
    .start(1, 'a/one')
    .end(2, 'a/one')
    .late(4, 'process-1', ['a/one'], 'too late')
    .ended(7);
  const root = await checked(script, { strict });
  const late = allNodes(root).filter((node) => node.attributes.classname === 'late errors');
  expect(late.map(({ attributes }) => attributes.name)).toEqual(['a/one']);
  expect(JSON.stringify(late)).toMatch(/too late.*It surfaced in process-1/);
  expect(allNodes(root).filter(({ name }) => name === 'error')).toHaveLength(1);
});
