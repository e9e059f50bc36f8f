/** A run with a journal: what is recorded, what waits until it is, and what is recalled. */
import { type AttemptRecord, type Result, type RunEvent, service, task } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import type { RunOptions } from '../src/driver/options.ts';
import { anyOf, inline, key, run, TaskFailError } from '../src/index.ts';
import { type Script, ScriptedJournal } from './scripted-journal.ts';

type Tasks = Parameters<typeof run>[0];

async function play(tasks: Iterable<unknown>, script: Script = {}, options: RunOptions = {}) {
  const journal = new ScriptedJournal(script);
  const events: RunEvent[] = [];
  const going = run(tasks as Extract<Tasks, Iterable<unknown>>, { journal, ...options });
  going.events.on('event', (event) => events.push(event));
  const results = new Map<string, Result>();
  for await (const result of going) results.set(result.path, result);
  return { journal, events, results, summary: await going.summary };
}

/** Lets everything run that is not held back. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

const oneAttempt = (kind: 'crashed' | 'threw' | 'returned'): AttemptRecord => ({
  ...{ attempt: 1, worker: 'w', startedAtMs: -500, durationMs: 20 },
  outcome: { kind, locksOk: kind === 'returned' },
});

describe('records', () => {
  test('what happens, in order, and the facts that events do not have', async () => {
    const built = key<string>('built');
    const build = task({ name: 'build', provides: [built] }, ({ set, shared }) => {
      set(built, 'out');
      shared.mode = 'fast';
      return 7;
    });
    const use = task({ name: 'use', requires: [build, built] }, () => {
      throw new TaskFailError('no', { locksOk: false, depsOk: true });
    });
    const { journal } = await play([build, use]);
    expect(journal.log).toEqual([
      'added start: build use',
      ...['intended build 1', 'task-started build', 'attempt-ended build', 'task-finished build'],
      ...['intended use 1', 'task-started use', 'attempt-ended use', 'task-finished use'],
      'run-ended',
    ]);
    expect(journal.facts.get('task-finished build')).toEqual({
      ...{ value: 7, provided: [[0, 'out']], shared: { mode: 'fast' }, metBy: [] },
      ...{ locksOk: true, depsOk: true },
    });
    expect(journal.facts.get('task-finished use')).toEqual({
      ...{ value: undefined, provided: [], metBy: [['build'], ['build']], locksOk: false, depsOk: true },
    });
  });

  test('no skip that only follows from the end of the run', async () => {
    const journal = new ScriptedJournal();
    const first = task({ name: 'first' }, () => {});
    const going = run([first, task({ name: 'second', requires: [first] }, () => {})], { journal });
    for await (const { path } of going) if (path === 'first') going.abort('enough');
    expect(journal.log.filter((line) => line.includes('second'))).toEqual(['added start: first second']);
  });

  test('that only the end of the run prevented another attempt', async () => {
    const journal = new ScriptedJournal();
    const failing = (name: string, retries: object | number) =>
      task({ name, retries, priority: name === 'waits' ? -1 : 0 } as object, () => {
        if (name === 'runs') going.drain('enough');
        throw new Error('no');
      });
    const going = run([failing('waits', { count: 1, delay: 60_000 }), failing('runs', 1)], { journal });
    await going.summary;
    const cutShort = [...journal.facts].filter(([, { isCutShort }]) => isCutShort === true);
    expect(cutShort.map(([event]) => event)).toEqual([
      ...['task-finished waits', 'attempt-ended runs', 'task-finished runs'],
    ]);
  });

  test('what bodies attach', async () => {
    const { journal } = await play([task({ name: 'a' }, ({ attach }) => attach({ name: 'log', text: 'x' }))]);
    expect(journal.attachments.map(({ path, update }) => [path, update.kind])).toEqual([['a', 'attachment']]);
  });

  test('no start of a task that may not start twice where that is refused: it is skipped', async () => {
    const started: string[] = [];
    const once = task({ name: 'once', rerunnable: false }, () => void started.push('once'));
    const next = task({ name: 'next', rerunnable: true, requires: [once] }, () => void started.push('next'));
    const { results, journal } = await play([once, next], { refusal: 'its start cannot be recorded' });
    expect(results.get('once')).toMatchObject({
      status: 'skipped-itself',
      reason: [{ task: 'once', why: 'its start cannot be recorded' }],
    });
    expect(results.get('next')?.status).toBe('skipped');
    expect(journal.log).toContain('unstarted once 1');
    expect(started).toEqual([]);
  });
});

describe('holds back', () => {
  test('each result until it is recorded', async () => {
    const journal = new ScriptedJournal({ isSlow: true });
    const going = run([task({ name: 'a', rerunnable: true }, () => {})], { journal });
    const pulled = going[Symbol.asyncIterator]().next();
    let isGiven = false;
    void pulled.then(() => {
      isGiven = true;
    });
    await settle();
    expect([journal.log.at(-1), isGiven]).toEqual(['task-finished a', false]);
    journal.record();
    expect((await pulled).value?.path).toBe('a');
    const closed = going.close();
    await settle();
    journal.record();
    await closed;
  });

  test('events and updates, in their order, until what they say is recorded', async () => {
    const journal = new ScriptedJournal({ isSlow: true });
    const body = async ({ report }: { report(finding: { name: string; status: 'pass' }): void }) => {
      await settle();
      report({ name: 'check', status: 'pass' });
    };
    const going = run([task({ name: 'a', rerunnable: true }, body)], { journal });
    const heard: string[] = [];
    going.events.on('event', ({ type }) => heard.push(type));
    going.events.on('update', ({ update }) => heard.push(update.kind));
    const ended = going.summary;
    await settle();
    await settle();
    expect(heard).toEqual(['run-started', 'tasks-added']);
    for (let turn = 0; turn < 4; turn++) {
      journal.record();
      await settle();
    }
    await ended;
    expect(heard).toEqual([
      ...['run-started', 'tasks-added', 'task-started', 'finding', 'attempt-ended', 'task-finished'],
      'run-ended',
    ]);
  });

  test('the start of a task that may not start twice, and no other', async () => {
    const journal = new ScriptedJournal({ isSlow: true });
    const started: string[] = [];
    const body = (name: string, rerunnable: boolean) =>
      task({ name, rerunnable }, () => void started.push(name));
    const pool = inline({ concurrency: 2 });
    const going = run([body('once', false), body('again', true)], { journal, pool });
    const closed = going.summary;
    await settle();
    expect(started).toEqual(['again']);
    for (let turn = 0; turn < 4; turn++) {
      journal.record();
      await settle();
    }
    expect(started).toEqual(['again', 'once']);
    await closed;
  });

  test('a start that is revoked meanwhile is recorded as unstarted', async () => {
    const journal = new ScriptedJournal({ isSlow: true });
    let hasStarted = false;
    const going = run(
      [
        task({ name: 'once' }, () => {
          hasStarted = true;
        }),
      ],
      { journal },
    );
    const ended = going.summary;
    await settle();
    going.abort('enough');
    for (let turn = 0; turn < 4; turn++) {
      journal.record();
      await settle();
    }
    expect((await ended).counts).toEqual({ skipped: 1 });
    expect(hasStarted).toBe(false);
    expect(journal.log).toContain('unstarted once 1');
  });
});

describe('recalls', () => {
  const never = () => {
    throw new Error('it has started again');
  };

  test('results: they stand, and provide their values and dictionaries', async () => {
    const built = key<string>('built');
    const build = task({ name: 'build', provides: [built] }, never);
    let seen: unknown;
    const use = task({ name: 'use', requires: [build, built] }, ({ get, shared }) => {
      seen = [get(built), shared.mode];
    });
    const { results, journal, events } = await play([build, use], {
      knows: [
        [
          'build',
          {
            ...{ kind: 'result', value: 7, provided: [[0, 'out']], shared: { mode: 'fast' } },
            attempts: [oneAttempt('returned')],
          },
        ],
      ],
    });
    expect(seen).toEqual(['out', 'fast']);
    expect(results.get('build')).toMatchObject({ status: 'returned', value: 7, recalled: { session: 1 } });
    expect(results.get('build')?.attempts).toHaveLength(1);
    expect(results.get('use')?.recalled).toBeUndefined();
    expect(journal.log.filter((line) => line.includes('build'))).toEqual(['added start: build use']);
    expect(events.find((event) => event.type === 'task-finished' && event.path === 'build')).toMatchObject({
      recalled: { session: 1, isStale: false },
    });
  });

  test('failures: dependents are skipped, resources poisoned, and salvages run', async () => {
    const breaks = task({ name: 'breaks', claims: ['db'] }, never);
    const { results, summary } = await play(
      [
        breaks,
        task({ name: 'needs', requires: [breaks] }, never),
        task({ name: 'reads', uses: ['db'] }, never),
        task({ name: 'rescue', salvages: [breaks] }, () => {}),
      ],
      {
        knows: [
          [
            'breaks',
            {
              kind: 'result',
              status: 'threw',
              provides: false,
              locksOk: false,
              attempts: [oneAttempt('threw')],
            },
          ],
        ],
      },
    );
    expect([...results].map(([path, { status }]) => `${path} ${status}`).sort()).toEqual([
      ...['breaks threw', 'needs skipped', 'reads skipped', 'rescue returned'],
    ]);
    expect(summary.poisoned).toEqual(['db']);
  });

  test('a provider that is gone, beside one that failed: its dependents are skipped because of the failure', async () => {
    const server = task({ name: 'server' }, () => {});
    const build = task({ name: 'build' }, () => {});
    const use = task({ name: 'use', requires: [server, build] }, () => {});
    const stop = task({ name: 'stop', tearsDown: server }, () => {});
    const { results } = await play([server, build, use, stop], {
      knows: [
        ['server', { kind: 'result', provides: false, attempts: [oneAttempt('returned')] }],
        ['build', { kind: 'result', status: 'threw', provides: false, attempts: [oneAttempt('threw')] }],
        ['stop', { kind: 'result', attempts: [oneAttempt('returned')] }],
      ],
    });
    expect(results.get('use')?.reason?.[1]).toEqual({ task: 'build', why: 'threw' });
  });

  test('a task that clears, after one that poisoned', async () => {
    const breaks = task({ name: 'breaks', claims: ['db'] }, never);
    const clears = task({ name: 'clears', claims: ['db'], salvages: [breaks] }, never);
    const { results } = await play([breaks, clears, task({ name: 'reads', uses: ['db'] }, () => {})], {
      knows: [
        ['breaks', { kind: 'result', status: 'threw', provides: false, locksOk: false }],
        ['clears', { kind: 'result', attempts: [oneAttempt('returned')] }],
      ],
    });
    expect(results.get('reads')?.status).toBe('returned');
  });

  test('skips, with their reasons', async () => {
    const { results } = await play([task({ name: 'a' }, never)], {
      knows: [['a', { kind: 'skip', reason: [{ task: 'a', why: 'requires "x"' }] }]],
    });
    expect(results.get('a')).toMatchObject({
      status: 'skipped',
      reason: [{ task: 'a', why: 'requires "x"' }],
    });
  });

  test('a result of a task that does not apply any more', async () => {
    const { results } = await play([task({ name: 'a', when: false }, never)], {
      knows: [['a', { kind: 'result' }]],
    });
    expect(results.get('a')?.status).toBe('returned');
  });

  test('interrupted attempts: they have no number, and the body sees them', async () => {
    let seen: unknown;
    const { results, journal } = await play(
      [
        task({ name: 'a', retries: 1 }, ({ attempt, interruptions }) => {
          seen = [attempt, interruptions];
        }),
      ],
      { knows: [['a', { kind: 'start', attempts: [oneAttempt('threw')], interruptions: 3 }]] },
    );
    expect(seen).toEqual([2, 3]);
    expect(results.get('a')).toMatchObject({ status: 'returned', flaky: true, interruptions: 3 });
    expect(journal.log).toContain('intended a 2');
  });

  test.each([
    ['that succeeds: then the body runs', false, 'returned', []],
    ['that fails: the task has crashed', true, 'crashed', ['db']],
  ] as const)('a cleanup %s', async (_what, fails, status, poisoned) => {
    const steps: string[] = [];
    const cleanup = () => {
      steps.push('cleanup');
      if (fails) throw new Error('no');
    };
    const a = task({ name: 'a', claims: ['db'], cleanup }, () => void steps.push('body'));
    const { results, summary } = await play([a], {
      knows: [['a', { kind: 'start', interruptions: 1, cleansUp: true }]],
    });
    expect(steps).toEqual(fails ? ['cleanup'] : ['cleanup', 'body']);
    expect(results.get('a')?.status).toBe(status);
    expect(summary.poisoned).toEqual(poisoned);
  });

  test.each([
    ['without retries it is the result', 0, 'crashed', 1],
    ['with retries another follows', 1, 'returned', 2],
  ] as const)('an attempt that counts as crashed: %s', async (_what, retries, status, attempts) => {
    const { results } = await play([task({ name: 'a', retries }, () => {})], {
      knows: [['a', { kind: 'start', interruptions: 1, crashed: 'may have started in session 1' }]],
    });
    expect(results.get('a')?.status).toBe(status);
    expect(results.get('a')?.attempts.map(({ attempt }) => attempt)).toEqual([1, 2].slice(0, attempts));
    expect(results.get('a')?.attempts[0]?.outcome.reason).toBe('may have started in session 1');
  });

  test('an interrupted teardown goes on, although what it tears down does not start again', async () => {
    const base = task({ name: 'base' }, never);
    const up = task({ name: 'up', requires: [base] }, never);
    const stop = task({ name: 'stop', tearsDown: [up] }, () => 'down');
    const gone = ['base', { kind: 'result', provides: false }] as const;
    const { results } = await play([base, up, stop], {
      knows: [gone, ['stop', { kind: 'start', interruptions: 1 }]],
    });
    expect(results.get('up')?.status).toBe('skipped');
    expect(results.get('stop')?.value).toBe('down');
  });

  test('an attempt that counts as crashed, although its provider is gone', async () => {
    const base = task({ name: 'base' }, never);
    const { results, summary } = await play(
      [base, task({ name: 'a', requires: [base], claims: ['db'] }, never)],
      {
        knows: [
          ['base', { kind: 'result', provides: false }],
          ['a', { kind: 'start', interruptions: 1, crashed: 'may have started in session 1' }],
        ],
      },
    );
    expect(results.get('a')?.status).toBe('crashed');
    expect(summary.poisoned).toEqual(['db']);
  });

  test.each([
    ['after its first start', [], 1],
    ['after a later start', [oneAttempt('returned')], 2],
  ] as const)(
    'a service that was up %s, and that no task needs now, has ended well',
    async (_what, attempts, attempt) => {
      const up = service({ name: 'up' }, never);
      const other = task({ name: 'other' }, () => {});
      const user = task({ name: 'user', requires: [anyOf(other, up)] }, () => {});
      const endsWith = { ...oneAttempt('returned'), attempt };
      const { results, journal } = await play([up, other, user], {
        knows: [['up', { kind: 'start', attempts, interruptions: 1, endsWith }]],
      });
      expect(results.get('up')).toMatchObject({ status: 'returned', flaky: false });
      expect(results.get('up')?.attempts).toEqual([...attempts, endsWith]);
      expect(journal.log).toContain('task-finished up');
    },
  );

  test('a failed attempt of a task that is never tried again is its result', async () => {
    const base = task({ name: 'base' }, never);
    const { results } = await play([base, task({ name: 'a', requires: [base], retries: 3 }, never)], {
      knows: [
        ['base', { kind: 'result', provides: false }],
        ['a', { kind: 'start', attempts: [oneAttempt('threw')] }],
      ],
    });
    expect(results.get('a')?.status).toBe('threw');
  });

  test('guards: the others wait until the owner has a result', async () => {
    const order: string[] = [];
    const named = (name: string, meta: object = {}) => task({ name, ...meta }, () => void order.push(name));
    const base = named('base');
    const owner = named('owner', { claims: ['db'], requires: [base], priority: 9 });
    const { results } = await play([base, owner, named('other', { uses: ['db'] }), named('free')], {
      knows: [['owner', { kind: 'start', interruptions: 1 }]],
      guards: [['owner', ['other'], ['db']]],
    });
    expect(order).toEqual(['base', 'free', 'owner', 'other']);
    expect(results.get('other')?.status).toBe('returned');
  });

  test('guards: a group opens only after the task that its own tasks wait for', async () => {
    const order: string[] = [];
    const body = (name: string, meta: object) =>
      task({ name, rerunnable: true, ...meta }, () => void order.push(name));
    const tasks = [
      body('urgent', { group: 'crowd', priority: -1 }),
      body('member', { group: 'crowd', claims: ['db'] }),
      body('first', { provides: ['first'], uses: ['db'] }),
    ];
    const { results, summary } = await play(
      tasks,
      {
        knows: [['first', { kind: 'start', interruptions: 1 }]],
        guards: [['first', ['member'], ['db']]],
      },
      { groups: { crowd: { pool: inline() } } },
    );
    expect(order).toEqual(['first', 'urgent', 'member']);
    expect([...results.values()].every(({ status }) => status === 'returned')).toBe(true);
    expect(summary.poisoned).toEqual([]);
  });

  test('guards are explained', async () => {
    const journal = new ScriptedJournal({
      knows: [['owner', { kind: 'start', interruptions: 1 }]],
      guards: [['owner', ['other'], ['db']]],
    });
    const base = task({ name: 'base' }, () => {});
    const owner = task({ name: 'owner', claims: ['db'], requires: [base] }, () => {});
    const going = run([base, owner, task({ name: 'other', uses: ['db'] }, () => {})], { journal });
    expect(going.why('other')).toBe(
      '"other" waits until what it left half changed when it was interrupted is in order, for "owner", which waits for task "base", to be provided by "base", which waits for the consumer to pull the next result.',
    );
    await going.close();
  });

  test('what an interrupted task held is poisoned where it never gets its turn', async () => {
    const gone = task({ name: 'gone' }, never);
    const owner = task({ name: 'owner', requires: [gone], claims: ['db'] }, never);
    const other = task({ name: 'other', uses: ['db'] }, never);
    const { results, summary } = await play([gone, owner, other], {
      knows: [
        ['gone', { kind: 'result', provides: false }],
        ['owner', { kind: 'start', interruptions: 1, cleansUp: true }],
      ],
      guards: [['owner', ['other'], ['db']]],
    });
    expect(results.get('owner')?.status).toBe('skipped');
    expect(results.get('other')?.reason?.[0]?.why).toBe('needs "db", which was left in an unknown state');
    expect(summary.poisoned).toEqual(['db']);
  });

  test('guards that prevent every start become poison', async () => {
    const base = task({ name: 'base', uses: ['db'] }, never);
    const owner = task({ name: 'owner', claims: ['db'], requires: [base] }, never);
    const { results, summary } = await play([base, owner], {
      knows: [['owner', { kind: 'start', interruptions: 1 }]],
      guards: [['owner', ['base'], ['db']]],
    });
    expect([...results.values()].map(({ status }) => status)).toEqual(['skipped', 'skipped']);
    expect(summary.poisoned).toEqual(['db']);
  });

  test('poison by the names of resources', async () => {
    const { results } = await play([task({ name: 'a', uses: ['/srv/db'] }, never)], {
      poisoned: ['/srv/db'],
    });
    expect(results.get('a')?.reason?.[0]?.why).toBe('needs "/srv/db", which was left in an unknown state');
  });

  test('records of tasks that the loop adds again: nothing else starts before', async () => {
    const order: string[] = [];
    const journal = new ScriptedJournal({
      knows: [
        ['first', { kind: 'result', attempts: [oneAttempt('returned')] }],
        ['breaks', { kind: 'result', status: 'threw', provides: false, locksOk: false }],
      ],
    });
    const first = task({ name: 'first' }, never);
    const reads = task({ name: 'reads', uses: ['db'] }, () => void order.push('reads'));
    const going = run([first, reads], { journal });
    const statuses: string[] = [];
    for await (const { path, status } of going) {
      statuses.push(`${path} ${status}`);
      if (path === 'first') going.add([task({ name: 'breaks', claims: ['db'] }, never)]);
    }
    expect(statuses).toEqual(['first returned', 'breaks threw', 'reads skipped']);
    expect(order).toEqual([]);
  });

  test('a teardown, after tasks that the loop adds again require what it tore down', async () => {
    const journal = new ScriptedJournal({
      knows: [
        ['base', { kind: 'result', attempts: [oneAttempt('returned')] }],
        ['user', { kind: 'result', attempts: [oneAttempt('returned')] }],
        ['down', { kind: 'result', attempts: [oneAttempt('returned')] }],
      ],
      late: ['down'],
    });
    const base = task({ name: 'base', provides: ['db'] }, never);
    const going = run([base, task({ name: 'down', tearsDown: 'db' }, never)], { journal });
    const statuses: string[] = [];
    for await (const { path, status } of going) {
      statuses.push(`${path} ${status}`);
      if (path === 'base') going.add([task({ name: 'user', requires: ['db'] }, never)]);
    }
    expect(statuses).toEqual(['base returned', 'user returned', 'down returned']);
  });

  test('a start that never came although it was expected holds nothing up', async () => {
    const { results } = await play([task({ name: 'a' }, () => {})], {
      knows: [['gone', { kind: 'result' }]],
    });
    expect(results.get('a')?.status).toBe('returned');
  });

  test('earlier results of a task that is executed again', async () => {
    const earlier = [{ session: 1, status: 'threw', verdict: 'error', counts: false }] as const;
    const { results } = await play([task({ name: 'a' }, () => {})], {
      knows: [['a', { kind: 'start', earlier }]],
    });
    expect(results.get('a')?.earlier).toEqual(earlier);
  });
});
