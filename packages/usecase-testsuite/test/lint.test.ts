/** What `pexen lint` finds: for each rule a suite in which it finds something, and one that is nearly the same in which it must not. */
import { amount, every, key, type Runnable, service, type TaskMeta, task } from '@pexen/core';
import { describe, expect, it } from 'vitest';
import type { LintRule } from '../src/index.ts';
import { elsewhere, type Linted, type LintedGiven, linted, runs } from './support/linted.ts';

function made(name: string, meta: TaskMeta = {}): Runnable {
  return task({ name, ...meta }, () => {});
}

/** The findings of the rule, as `subject: message`. */
async function found(rule: LintRule, tasks: readonly Runnable[], given: LintedGiven = {}): Promise<string[]> {
  return textsOf(await linted(tasks, { ...given, rules: [rule] }), rule);
}

function textsOf({ findings }: Linted, rule: LintRule): string[] {
  return findings
    .filter((each) => each.rule === rule)
    .map(({ subject, message }) => `${subject}: ${message}`);
}

describe('uncontended-lock', () => {
  const rule = 'uncontended-lock';

  it('finds a claim of one test alone, and what is shared by all who use it', async () => {
    const tasks = [
      made('a', { claims: ['/db'] }),
      made('b', { uses: ['/etc'] }),
      made('c', { uses: ['/etc'] }),
    ];
    expect(await found(rule, tasks)).toEqual([
      '/etc: 2 tests use it (b, c), and no test claims it, so that this keeps no test away',
      '/db: only a holds it, so that its claim keeps no other test away',
    ]);
  });

  it('says once what many neighbours have', async () => {
    const tasks = Array.from({ length: 5 }, (_, at) => made(`t${at}`, { claims: [`/items/${at}`] }));
    expect(await found(rule, tasks)).toEqual([
      '/items/0, /items/1, /items/2 and 2 more: each is held by one test only (t0, t1, t2 and 2 more), so that these claims keep no other test away',
    ]);
  });

  it.each([
    ['another test uses it', [made('a', { claims: ['/db'] }), made('b', { uses: ['/db'] })]],
    [
      'another one claims a part of it',
      [made('a', { claims: ['/db'] }), made('b', { claims: ['/db/orders'] })],
    ],
    ['another one claims all of it', [made('a', { claims: ['/db/orders'] }), made('b', { claims: ['/'] })]],
    ['another one names it otherwise', [made('a', { claims: ['db'] }), made('b', { uses: ['/db/'] })]],
    ['one test says what it depends on', [made('a', { uses: ['/etc'] })]],
    ['it runs once on each node', [made('a', { claims: ['/db'], perNode: true })]],
  ])('finds nothing where %s', async (_, tasks) => {
    expect(await found(rule, tasks)).toEqual([]);
  });

  it('finds nothing where other runs may hold it, and where units are counted', async () => {
    const config = {
      resources: { '/dev/**': { scope: 'machine' } },
      sharedResources: ['/srv/db'],
      capacities: { memory: 4 },
    } as const;
    const tasks = [
      made('a', { claims: ['/dev/gpu'] }),
      made('b', { claims: ['/srv/db'] }),
      made('c', { uses: [amount('memory', 2)] }),
      made('d', { uses: [amount('memory', 1)] }),
    ];
    expect(await found(rule, tasks, { config, options: { capacities: config.capacities } })).toEqual([]);
    const one = [
      made('only', { uses: [amount('lock', 1)] }),
      made('a', { uses: [amount('both', 1)] }),
      made('b', { uses: ['both'] }),
    ];
    const single = {
      config: { capacities: { lock: 1, both: 1 } },
      options: { capacities: { lock: 1, both: 1 } },
    };
    expect(await found(rule, one, single)).toEqual([
      'lock: only only holds it, so that its claim keeps no other test away',
    ]);
    const catalogue = await linted([made('a', { claims: ['/db'] })], {
      config: { catalogue: [] },
      rules: [rule],
    });
    expect(catalogue).toMatchObject({ findings: [], notJudged: [expect.stringContaining('catalogue')] });
  });
});

describe('implied-requirement', () => {
  const rule = 'implied-requirement';
  const app = made('app', { provides: ['app'] });
  const schema = made('schema', { requires: ['app'], provides: ['schema'] });

  it('finds what another requirement requires, over any distance, once for all tests', async () => {
    const users = ['a', 'b'].map((name) => made(name, { requires: ['app', 'data'] }));
    const data = made('data', { requires: ['schema'], provides: ['data'] });
    expect(await found(rule, [app, schema, data, ...users])).toEqual([
      '"app": 2 tests (a, b) require it, and also "data", which requires it itself',
    ]);
    expect(await found(rule, [app, schema, made('one', { requires: [schema, app] })])).toEqual([
      'one: requires task "app", and also task "schema", which requires task "app" itself',
    ]);
  });

  const site = key<string>('site');
  it.each([
    [
      'both are provided by one task',
      [made('both', { provides: ['x', 'y'] }), made('a', { requires: ['x', 'y'] })],
    ],
    [
      'only the order is the same',
      [
        app,
        made('other', { after: ['app'], provides: ['other'] }),
        made('a', { requires: ['app', 'other'] }),
      ],
    ],
    [
      'one of several providers requires it, and another does not',
      [app, schema, made('dump', { provides: ['schema'] }), made('a', { requires: ['app', 'schema'] })],
    ],
    ['all providers are needed', [app, schema, made('a', { requires: [every('app'), 'schema'] })]],
    [
      'it hands over a value',
      [
        task({ name: 'server', provides: [site] }, () => {}),
        task({ name: 'warm', requires: [site], provides: ['warm'] }, () => {}),
        task({ name: 'a', requires: [site, 'warm'] }, () => {}),
      ],
    ],
  ])('finds nothing where %s', async (_, tasks) => {
    expect(await found(rule, tasks)).toEqual([]);
  });

  it('finds nothing of services, which run as long as they are required', async () => {
    const server = service({ name: 'server', provides: ['up'] }, () => {});
    const tasks = [
      server,
      made('warm', { requires: ['up'], provides: ['warm'] }),
      made('a', { requires: ['up', 'warm'] }),
    ];
    expect(await found(rule, tasks)).toEqual([]);
  });

  it('takes long chains', async () => {
    const chain = Array.from({ length: 5000 }, (_, at) =>
      made(`t${at}`, { provides: [`c${at}`], requires: at === 0 ? [] : [`c${at - 1}`] }),
    );
    const last = made('last', { requires: ['c0', 'c4999'] });
    expect(await found(rule, [...chain, last])).toEqual([
      'last: requires "c0", and also "c4999", which requires "c0" itself',
    ]);
  });
});

describe('missing-provider', () => {
  const rule = 'missing-provider';
  const gpu = made('gpu', { provides: ['gpu'], when: 'no GPU' });

  it('finds all that is skipped since nothing provides what it requires here', async () => {
    const tasks = [
      gpu,
      made('render', { requires: ['gpu'], provides: ['image'] }),
      made('compare', { requires: ['image'] }),
    ];
    const { findings } = await linted(tasks, { rules: [rule] });
    expect(findings).toMatchObject([
      {
        subject: '"gpu"',
        message: 'nothing provides it here, and so 2 tests will be skipped: render, compare',
        details: ['gpu does not apply: no GPU'],
        level: 'hint',
      },
    ]);
  });

  it.each([
    [
      'another provider applies',
      [gpu, made('soft', { provides: ['gpu'] }), made('render', { requires: ['gpu'] })],
    ],
    ['the test does not apply either', [gpu, made('render', { requires: ['gpu'], when: 'no GPU' })]],
    ['it is only an order', [gpu, made('render', { after: ['gpu'] })]],
  ])('finds nothing where %s', async (_, tasks) => {
    expect(await found(rule, tasks)).toEqual([]);
  });
});

describe('idle-priority', () => {
  const rule = 'idle-priority';
  const measured = { a: runs(1, { ms: 1000 }), b: runs(1, { ms: 100 }), c: runs(1, { ms: 100 }) };

  it('finds priorities of those for whom all others wait, or that all have', async () => {
    const build = made('build', { provides: ['app'], priority: -5 });
    const users = ['a', 'b'].map((name) => made(name, { requires: ['app'] }));
    expect(await found(rule, [build, ...users])).toEqual([
      'build: its priority -5 changes nothing: no test that could start at the same time has another one',
    ]);
    const same = ['a', 'b'].map((name) => made(name, { priority: 3 }));
    expect(await found(rule, same)).toEqual([
      'priority 3: that of 2 tests (a, b) changes nothing: all tests have the same',
    ]);
  });

  it('finds those that come first anyway, since they take much longer', async () => {
    const tasks = [made('a', { priority: -1 }), made('b'), made('c')];
    expect(await found(rule, tasks, { past: measured })).toEqual([
      'a: its priority -1 changes nothing: by what waits for them, the same tests come first without it',
    ]);
    expect(
      await found(rule, [made('a'), made('b', { priority: 1 }), made('c', { priority: 1 })], {
        past: measured,
      }),
    ).toHaveLength(1);
  });

  it.each([
    ['a short test comes first by it', [made('a'), made('b', { priority: -1 }), made('c')], measured],
    ['it is not known how long the tests take', [made('a', { priority: -1 }), made('b')], {}],
    [
      'the durations are similar',
      [made('a', { priority: -1 }), made('b')],
      { a: runs(1, { ms: 120 }), b: runs(1, { ms: 100 }) },
    ],
    [
      'one of two providers is enough',
      [
        made('p', { provides: ['x'], priority: -1 }),
        made('q', { provides: ['x'] }),
        made('a', { requires: ['x'] }),
      ],
      {},
    ],
    [
      'it differs from another priority',
      [made('a', { priority: -2 }), made('b', { priority: -1 }), made('c')],
      measured,
    ],
  ])('finds nothing where %s', async (_, tasks, past) => {
    expect(await found(rule, tasks, { past })).toEqual([]);
  });
});

describe('rules about runs', () => {
  it('finds tests that always fail, and none that passed once, or is expected to fail', async () => {
    const tasks = ['always', 'once', 'known', 'young', 'skipped'].map((name) => made(name));
    const failing = runs(5, { verdict: 'fail', ms: 10 });
    const past = {
      always: failing,
      once: [...failing, { ms: 10 }],
      known: failing,
      young: failing.slice(1),
      skipped: runs(9, { verdict: 'skip' as const }),
    };
    const { findings } = await linted(tasks, {
      past,
      rules: ['always-fails'],
      config: { expectedFailures: { known: 'a known fault' } },
    });
    expect(findings).toMatchObject([{ subject: 'always', level: 'problem', tasks: ['always'] }]);
    expect(findings[0]?.message).toMatch(/^has failed in each of its last 5 runs, since 20\d\d-\d\d-\d\d$/);
  });

  it('finds tests that were always skipped, but not those that are meant for failures', async () => {
    const tasks = [
      made('gone'),
      made('helps', { salvages: ['app'] }),
      made('ran'),
      made('app', { provides: ['app'] }),
      made('young'),
      made('lost', { when: 'no GPU' }),
      made('lost-too', { when: 'no GPU' }),
      made('gpu', { provides: ['gpu'], when: 'no GPU' }),
      made('render', { requires: ['gpu'] }),
    ];
    const skipped = runs(10, { verdict: 'skip' });
    const past = {
      gone: skipped,
      helps: skipped,
      ran: [...skipped, {}],
      young: skipped.slice(1),
    };
    expect(await found('never-runs', tasks, { past })).toEqual([
      'gone: was skipped in each of its last 10 runs',
    ]);
  });

  it('finds timeouts that are nearly reached, by runs on this kind of machine', async () => {
    const tasks = ['near', 'reached', 'far', 'slow-elsewhere', 'hangs', 'free'].map((name) =>
      made(name, { timeout: name === 'free' ? Infinity : 10_000 }),
    );
    const past = {
      near: [{ ms: 8100 }, ...runs(5, { ms: 2000 })],
      reached: [
        { ms: 10_000, verdict: 'timeout' as const, timedOut: true as const },
        ...runs(5, { ms: 3000 }),
      ],
      far: [{ ms: 7900 }, ...runs(5, { ms: 2000 })],
      'slow-elsewhere': [{ ms: 9900, machine: elsewhere }, ...runs(5, { ms: 2000 })],
      hangs: runs(6, { ms: 10_000, verdict: 'timeout', timedOut: true }),
      free: runs(6, { ms: 500_000 }),
    };
    const { findings } = await linted(tasks, { past, rules: ['tight-timeout'] });
    expect(findings.map(({ subject, message, nextStep }) => [subject, message, nextStep])).toEqual([
      [
        'near',
        'once took 8.1 s of the 10 s that it may take, and usually takes 2 s',
        'If it only was slow, give it more time: timeout 20s.',
      ],
      [
        'reached',
        'reached its timeout of 10 s in 1 of 6 runs, and usually takes 3 s',
        'If it only was slow, give it more time: timeout 20s.',
      ],
    ]);
    expect(await found('tight-timeout', tasks, { past, statedTimeoutMs: 60_000 })).toEqual(
      ['free: reached its timeout of 1 min in 6 of 6 runs, and usually takes 8 min 20 s'].slice(1),
    );
  });

  it('finds timeouts that are stated far too long, and no defaults', async () => {
    const past = Object.fromEntries(['long', 'hour', 'usual'].map((name) => [name, runs(10, { ms: 1000 })]));
    const tasks = [made('long', { timeout: 3_600_000 }), made('hour', { timeout: 800_000 }), made('usual')];
    const given = { past: { ...past, slow: runs(10, { ms: 100_000 }) }, config: { timeout: 7_200_000 } };
    expect(await found('loose-timeout', [...tasks, made('slow', { timeout: 3_600_000 })], given)).toEqual([
      'long: may take 1 h, and took at most 1 s in its last 10 runs: if it hangs, a worker waits for 1 h',
    ]);
  });

  it('finds stated durations that are far from the measured ones', async () => {
    const tasks = [
      made('over', { weight: 60_000 }),
      made('under', { weight: 1000 }),
      made('about', { weight: 3000 }),
      made('small', { weight: 900 }),
    ];
    const past = {
      ...{ over: runs(5, { ms: 2000 }), under: runs(5, { ms: 9000 }) },
      ...{ about: runs(5, { ms: 1000 }), small: runs(5, { ms: 10 }) },
    };
    expect(await found('wrong-weight', tasks, { past })).toEqual([
      'over: states a weight of 1 min, and usually takes 2 s: it starts too early',
      'under: states a weight of 1 s, and usually takes 9 s: it starts too late',
    ]);
  });

  it('says once for all how many tests have never failed', async () => {
    const tasks = ['a', 'b', 'c', 'd'].map((name) => made(name));
    const past = {
      a: runs(30, { ms: 3000 }),
      b: runs(40, { ms: 6000 }),
      c: [{ verdict: 'flaky' as const }, ...runs(30, { ms: 1000 })],
      d: runs(29),
    };
    const { findings } = await linted(tasks, { past, rules: ['never-fails'] });
    expect(findings).toMatchObject([
      {
        subject: '',
        level: 'hint',
        message: '2 tests of 4 have never failed in at least 30 runs; they are 90 % of the work: 9 s of 10 s',
        details: ['the longest: b 6 s, a 3 s'],
        tasks: ['b', 'a'],
      },
    ]);
    const young = await linted(tasks, { past: { d: past.d }, rules: ['never-fails'] });
    expect(young).toMatchObject({ findings: [], notJudged: ['never-fails: no test has run 30 times'] });
  });
});

describe('costly-lock', () => {
  const rule = 'costly-lock';
  const many = (count: number, meta: TaskMeta): Runnable[] =>
    Array.from({ length: count }, (_, at) => made(`t${at}`, meta));
  const took = (ms: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`t${at}`, runs(1, { ms })]));
  const given = { past: took(1000, 8), wholeRunsMs: [8200] };

  it('says what the run would take without the lock, and with two parts of it', async () => {
    const { findings, simulations } = await linted(many(8, { claims: ['/db'] }), { ...given, rules: [rule] });
    expect(findings).toMatchObject([
      {
        subject: '/db',
        message:
          '8 tests claim it for 8.2 s of 8.2 s; without that the run would take 2.1 s, 75 % less, with 4 workers',
        details: ['divided into two parts: 4.1 s', 'the longest: t0 1 s, t1 1 s, t2 1 s'],
        gainMs: 6150,
        tasks: expect.arrayContaining(['t0', 't7']),
      },
    ]);
    expect(simulations).toEqual(['the run as it is', 'the run without /db', 'the run with /db in two parts']);
  });

  it('says the same of tests that run alone', async () => {
    expect(await found(rule, many(8, { exclusive: true }), given)).toEqual([
      'exclusive: 8 tests that run alone keep all others waiting for 8.2 s of 8.2 s; without that the run would take 2.1 s, 75 % less, with 4 workers',
    ]);
    const one = [made('t0', { claims: ['/db'] }), ...many(8, { uses: ['/db/a'] }).slice(1)];
    expect(await found(rule, one, { ...given, wholeRunsMs: [3000] })).toEqual([
      '/db: 1 test claims it for 1 s of 3 s; without that the run would take 2 s, 33 % less, with 4 workers',
    ]);
  });

  it('counts the only unit of something as a lock', async () => {
    const more = { config: { capacities: { db: 1 } }, options: { capacities: { db: 1 } } };
    const { findings } = await linted(many(8, { uses: [amount('db', 1)] }), {
      ...given,
      ...more,
      rules: [rule],
    });
    expect(findings).toMatchObject([
      { subject: 'db', gainMs: 6150, details: ['divided into two parts: 4.1 s', expect.anything()] },
    ]);
  });

  it.each([
    ['there is one worker', many(8, { claims: ['/db'] }), { workers: 1 }],
    [
      'another chain takes as long',
      [...many(7, { claims: ['/db'] }), made('t7')],
      { past: { ...took(1000, 7), t7: runs(1, { ms: 7000 }) }, wholeRunsMs: [7000] },
    ],
    ['the run is short', many(8, { claims: ['/db'] }), { past: took(100, 8), wholeRunsMs: [800] }],
    [
      'each has a part of it',
      Array.from({ length: 8 }, (_, at) => made(`t${at}`, { claims: [`/db/${at}`] })),
      { wholeRunsMs: [2000] },
    ],
  ])('finds nothing where %s', async (_, tasks, more) => {
    const { findings, notJudged } = await linted(tasks, { ...given, ...more, rules: [rule] });
    expect({ findings, notJudged }).toEqual({ findings: [], notJudged: [] });
  });

  it('says why it cannot judge', async () => {
    const tasks = many(8, { claims: ['/db'] });
    const whyNot = async (more: LintedGiven) =>
      (await linted(tasks, { ...given, ...more, rules: [rule] })).notJudged;
    expect(await whyNot({ past: {} })).toEqual(['costly-lock: the durations of the tests are not known']);
    expect(await whyNot({ past: took(1000, 5) })).toEqual([
      'costly-lock: the durations of 3 tests are not known',
    ]);
    expect(await whyNot({ wholeRunsMs: [] })).toEqual([
      'costly-lock: no run of the whole suite on this machine is known',
    ]);
    expect(await whyNot({ wholeRunsMs: [4000] })).toEqual([
      'costly-lock: the simulated run takes 8 s, and runs took 4 s',
    ]);
  });
});

describe('what is ignored', () => {
  const tasks = [
    made('net-a', { claims: ['/db'], lintIgnore: ['uncontended-lock'] }),
    made('b', { claims: ['/x'] }),
  ];

  it('is left out, by the task, by patterns over tasks and over resources', async () => {
    expect(await linted(tasks, { rules: ['uncontended-lock'] })).toMatchObject({
      findings: [{ subject: '/x' }],
      ignored: 1,
    });
    for (const pattern of ['/x', '/**', 'b', '**']) {
      const config = { lint: { ignore: { 'uncontended-lock': [pattern] } } };
      expect(await linted(tasks, { config }), pattern).toMatchObject({ findings: [], ignored: 2 });
    }
  });

  it('is a finding where it matches nothing, or the rule finds nothing there', async () => {
    const config = {
      lint: { ignore: { 'uncontended-lock': ['/x', '/y'], 'costly-lock': 'net-*', 'never-fails': '**' } },
    } as const;
    const more = [made('c', { uses: ['/x'], lintIgnore: ['uncontended-lock', 'uncontended-locks'] })];
    expect(textsOf(await linted([...tasks, ...more], { config }), 'unused-ignore')).toEqual([
      'uncontended-lock: is ignored for "/x", and the rule finds nothing there',
      'uncontended-lock: is ignored for "/y", and no task and no resource matches that',
      'c: ignores "uncontended-lock", and the rule finds nothing there',
      'c: ignores "uncontended-locks", and there is no such rule',
    ]);
  });

  it('is judged by itself, and not with other rules', async () => {
    const idle = [
      made('a', { uses: ['/x'], lintIgnore: ['uncontended-lock'] }),
      made('b', { claims: ['/y'] }),
    ];
    expect((await linted(idle, { rules: ['unused-ignore'] })).findings).toMatchObject([{ subject: 'a' }]);
    expect((await linted(idle, { rules: ['uncontended-lock'] })).findings).toMatchObject([{ subject: '/y' }]);
  });

  it('is only a hint where the history decides, and nothing where it is not known', async () => {
    const quick = made('quick', { timeout: 10_000, lintIgnore: ['tight-timeout'] });
    const known = await linted([quick], { past: { quick: runs(5, { ms: 10 }) } });
    expect(known.findings).toMatchObject([{ rule: 'unused-ignore', level: 'hint', subject: 'quick' }]);
    expect((await linted([quick], { past: {} })).findings).toEqual([]);
  });
});
