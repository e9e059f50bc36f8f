/** The checks of killed runs find each kind of mistake, in ledgers and reports that are written by hand. */
import { describe, expect, test } from 'vitest';
import { type PlayedRun, violationsOf } from './check.ts';
import { casesOf } from './junit.ts';
import { readLedger } from './ledger.ts';
import { type CrashPlan, type CrashTask, pathOf } from './plan.ts';

const common: CrashTask = {
  ...{ name: '', kind: 'program', requires: [], after: [], uses: [], claims: [] },
  ...{ isRerunnable: true, retries: 0, failures: 0, breaks: false, isInGroup: false, ms: 10 },
};

const plan: CrashPlan = {
  seed: 0,
  tasks: [
    { ...common, name: 'build', claims: ['/db'] },
    { ...common, name: 'test', requires: ['build'], uses: ['/db/users'] },
    { ...common, name: 'pay', isRerunnable: false },
    { ...common, name: 'stop', tearsDown: 'build' },
  ],
};

/** Lines such as `start test 1 a`, by the names of tasks; `session 2` says in which session the bodies after it are started. */
function ledgerOf({ tasks }: CrashPlan, ...lines: readonly string[]): PlayedRun['ledger'] {
  let session = '1';
  const sessions = new Map<string, string>();
  const text = lines.map((line) => {
    const [what = '', name = '', attempt = '1', instance = 'i'] = line.split(' ');
    if (what === 'session') session = name;
    const path = pathOf(tasks.find((each) => each.name === name) ?? common);
    if (what === 'start') sessions.set(path + instance, session);
    return what === 'session'
      ? ''
      : `${what} ${path} ${attempt} ${sessions.get(path + instance)} ${instance}\n`;
  });
  return readLedger(text.join(''));
}

const inOrder = [
  ...['session 1', 'start pay', 'end pay', 'start build', 'alive build', 'session 2'],
  ...['start build 1 j', 'end build 1 j', 'start test', 'end test', 'start stop', 'end stop'],
];

function casesWith(changes: Readonly<Record<string, string>> = {}): PlayedRun['cases'] {
  return casesFor(plan, changes);
}

function casesFor({ tasks }: CrashPlan, changes: Readonly<Record<string, string>> = {}): PlayedRun['cases'] {
  const cases = tasks.map((task) => {
    const parts = pathOf(task).split('/');
    const place = `name="${parts.at(-1)}" classname="${parts.slice(0, -1).join('.')}"`;
    return `<testcase ${place} time="1.0"${changes[task.name] ?? '/>'}`;
  });
  return casesOf(cases.join('\n'), '/root');
}

function violations(given: Partial<PlayedRun>): string[] {
  return violationsOf({
    ...{ plan, ledger: ledgerOf(plan, ...inOrder), cases: casesWith(), exitCode: 0, printed: [], left: [] },
    uncut: { cases: casesWith(), exitCode: 0 },
    ...given,
  });
}

const crashed = '><error message="may have started in session 1, and its end is unknown"></error></testcase>';

test('a run in order breaks no rule', () => {
  expect(violations({})).toEqual([]);
});

test('a task that may not start twice may count as crashed, without a further start', () => {
  const ledger = ledgerOf(plan, 'session 1', 'start pay', 'session 2', ...inOrder.slice(6));
  expect(violations({ ledger, cases: casesWith({ pay: crashed }), exitCode: 1 })).toEqual([]);
});

test('what was torn down may be provided again', () => {
  const printed = ['     PASS [   0.1s] prog/build.sh'];
  const again = ['session 3', 'start build 1 k', 'end build 1 k', 'start stop 1 k', 'end stop 1 k'];
  expect(violations({ printed: ['', ...printed], ledger: ledgerOf(plan, ...inOrder, ...again) })).toEqual([]);
});

describe('a service', () => {
  const server: CrashTask = { ...common, name: 'server', kind: 'service' };
  const served: CrashPlan = { seed: 0, tasks: [server, { ...common, name: 'test', requires: ['server'] }] };

  test('may start in every session in which a task still needs it', () => {
    const sessions = ['session 1', 'start server', 'ready server', 'start test', 'session 2'];
    const rest = ['start server 1 j', 'ready server 1 j', 'start test 1 j', 'end test 1 j', 'end server 1 j'];
    const given = { plan: served, cases: casesFor(served), uncut: { cases: casesFor(served), exitCode: 0 } };
    expect(violations({ ...given, ledger: ledgerOf(served, ...sessions, ...rest) })).toEqual([]);
  });

  test('may be skipped where a crash keeps the tasks that need it from starting', () => {
    const pay: CrashTask = { ...common, name: 'pay', isRerunnable: false };
    const needing: CrashTask = { ...common, name: 'test', requires: ['server', 'pay'] };
    const crashing = { seed: 0, tasks: [server, pay, needing] };
    const skipped = '><skipped message="no task needed it"></skipped></testcase>';
    const given = { plan: crashing, ledger: ledgerOf(crashing, 'start pay'), exitCode: 1 };
    const uncut = { cases: casesFor(crashing), exitCode: 0 };
    const cases = (changes: Record<string, string>) =>
      casesFor(crashing, { test: skipped, server: skipped, ...changes });
    expect(violations({ ...given, uncut, cases: cases({ pay: crashed }) })).toEqual([]);
    expect(violations({ ...given, uncut, cases: cases({}) }).join()).toContain('report: server');
  });

  describe('of a task that may not start twice', () => {
    const built: CrashPlan = {
      seed: 0,
      tasks: [
        server,
        { ...common, name: 'seed', requires: ['server'], isRerunnable: false },
        { ...common, name: 'test', requires: ['seed'], uses: ['/db'] },
        { ...common, name: 'drop', claims: ['/db'], after: ['test'] },
        { ...common, name: 'last', requires: ['test'] },
        { ...common, name: 'other' },
      ],
    };
    const skipped = (reason: string) => `><skipped message="${reason}"></skipped></testcase>`;
    const gone = skipped('requires &quot;done-seed&quot;; prog/seed.sh returned');
    const poisoned = skipped('needs &quot;/db&quot;, which was left in an unknown state');
    const first = ['session 1', 'start server', 'ready server', 'start seed', 'end seed', 'start test'];
    const found = (cases: Record<string, string>, lines: readonly string[], exitCode: number) =>
      violations({
        ...{ plan: built, ledger: ledgerOf(built, ...lines), cases: casesFor(built, cases), exitCode },
        uncut: { cases: casesFor(built), exitCode: 0 },
      });

    test('takes with it what needs that task, and what this left half changed', () => {
      expect(found({ test: gone, drop: poisoned }, first, 1)).toEqual([]);
    });

    test('takes with it what needs another task that was built on it', () => {
      const lines = [...first, 'end test'];
      const behind = skipped('requires &quot;done-test&quot;; prog/test.sh returned');
      expect(found({ last: behind }, lines, 0)).toEqual([]);
    });

    test('excuses nothing else', () => {
      expect(found({ test: gone, other: poisoned }, first, 1)).toEqual([
        expect.stringMatching(/^report: other/),
      ]);
      const ended = [...first, 'end test', 'end server'];
      expect(found({ test: gone, drop: poisoned }, ended, 1)).toEqual([
        expect.stringMatching(/^report: drop/),
      ]);
    });

    test('excuses nothing where nothing was skipped for it', () => {
      expect(found({ test: poisoned }, first, 0)).toEqual([expect.stringMatching(/^report: test/)]);
      expect(found({}, first, 1)).toEqual(['exit code 1 instead of 0']);
    });
  });

  test.each([
    ['was not ready', ['start server', 'start test', 'end test', 'ready server', 'end server']],
    ['had ended', ['start server', 'ready server', 'start test', 'end server', 'end test']],
    ['was ready in another session', ['start server', 'ready server', 'session 2', 'start test', 'end test']],
  ])('that %s serves no task', (_name, lines) => {
    const ledger = ledgerOf(served, 'session 1', ...lines);
    expect(violations({ plan: served, cases: casesFor(served), ledger }).join('\n')).toContain(
      'unserved: prog/test.sh#1',
    );
  });
});

test.each<[string, Partial<PlayedRun>]>([
  ['lost: test', { cases: new Map([...casesWith()].filter(([name]) => name !== 'prog test.sh')) }],
  ['twice: prog/pay.sh#1 starts 2 times', { ledger: ledgerOf(plan, ...inOrder, 'start pay 1 k') }],
  [
    'twice: prog/test.sh#1 in one session',
    { ledger: ledgerOf(plan, ...inOrder, 'start test 1 k', 'end test 1 k', 'start stop 2', 'end stop 2') },
  ],
  [
    'forgotten: pay has a result in session 1',
    {
      printed: ['     PASS [   0.1s] prog/pay.sh'],
      ledger: ledgerOf(plan, 'session 1', 'start pay', 'end pay', 'session 2', 'start pay 2'),
    },
  ],
  [
    'overlap: prog/build.sh#1 of session 1',
    { ledger: ledgerOf(plan, ...inOrder.slice(0, 7), 'alive build', ...inOrder.slice(7)) },
  ],
  [
    'overlap: prog/build.sh#1 of session 2',
    {
      ledger: ledgerOf(
        plan,
        'session 2',
        'start build',
        'start test',
        'end build',
        'end test',
        'start stop',
        'end stop',
      ),
    },
  ],
  [
    'early: prog/test.sh#1',
    {
      ledger: ledgerOf(
        plan,
        'session 1',
        'start build',
        'fail build',
        'start test',
        'end test',
        'start stop',
        'end stop',
      ),
    },
  ],
  ['teardown: stop does not end', { ledger: ledgerOf(plan, ...inOrder.slice(0, -1)) }],
  ['report: test: ', { cases: casesWith({ test: '><failure/></testcase>' }) }],
  ['exit code 1 instead of 0', { exitCode: 1 }],
  ['left: node worker', { left: ['node worker'] }],
])('%s', (message, given) => {
  expect(violations(given).join('\n')).toContain(message);
});

test('times, ids of runs and sessions do not make reports differ', () => {
  const xml = (time: string, id: string, session: number) =>
    `<testcase name="a" classname="m" time="${time}"><system-out>[[ATTACHMENT|.pexen/runs/${id}/out/m.a-s${session}-a1.stdout]]</system-out></testcase>`;
  expect(casesOf(xml('0.1', '01a2', 1), '/root')).toEqual(casesOf(xml('0.2', '01a3', 2), '/root'));
});

describe('a task that requires several others is skipped', () => {
  const several: CrashPlan = {
    seed: 0,
    tasks: [
      { ...common, name: 'one' },
      { ...common, name: 'two' },
      { ...common, name: 'both', requires: ['one', 'two'] },
    ],
  };
  const skipped = (name: string) =>
    `><skipped message="requires &quot;done-${name}&quot;; prog/${name}.sh failed">…</skipped></testcase>`;
  const broken = '><failure/></testcase>';
  const bodies = ['session 1', 'start one', 'end one', 'start two', 'end two'];
  const violationsWith = (
    changes: Readonly<Record<string, string>>,
    uncut: Readonly<Record<string, string>>,
  ) =>
    violations({
      ...{ plan: several, ledger: ledgerOf(several, ...bodies), cases: casesFor(several, changes) },
      uncut: { cases: casesFor(several, uncut), exitCode: 0 },
    });

  test('for either of those that failed', () => {
    const failed = { one: broken, two: broken };
    expect(violationsWith({ ...failed, both: skipped('two') }, { ...failed, both: skipped('one') })).toEqual(
      [],
    );
  });

  test('but not for one that passed, and not where the other run ran it', () => {
    const failed = { one: broken };
    const wrong = violationsWith({ ...failed, both: skipped('two') }, { ...failed, both: skipped('one') });
    expect(wrong.join()).toContain('report: both');
    const ran = violationsWith({ one: broken, both: skipped('one') }, { one: broken });
    expect(ran.join()).toContain('report: both');
  });
});
