/** The decisions of a run are repeated from the record of its inputs alone, byte for byte. */
import {
  amount,
  anyOf,
  atLeast,
  every,
  executableTask,
  key,
  type Pool,
  type Runnable,
  type,
} from '@pexen/core';
import { path } from '@pexen/lock';
import { describe, expect, it } from 'vitest';
import { isWhole } from '#sample';
import { inline, place, type RunOptions, run, TaskFailError, task, withMeta } from '../src/index.ts';
import { type RecordedStep, Recorder, replay } from '../src/replay.ts';
import { generate } from './sim/generate.ts';
import { play } from './sim/simulate.ts';

/** A recorder, and what it records, as lines of JSON. */
function recording(): { readonly recorder: Recorder; readonly lines: string[] } {
  const lines: string[] = [];
  return { recorder: new Recorder((step) => lines.push(JSON.stringify(step))), lines };
}

const stepsOf = (lines: readonly string[]): RecordedStep[] => lines.map((line) => JSON.parse(line));

/** Expects the replay of the lines to give the very same lines. */
function expectSame(lines: readonly string[]): void {
  const { steps, differsAt } = replay(stepsOf(lines));
  expect(differsAt).toBeUndefined();
  expect(steps.map((step) => JSON.stringify(step))).toEqual(lines);
}

it('the decisions of simulated runs of all kinds are repeated', { timeout: 120_000 }, () => {
  let commands = 0;
  for (let seed = 3_000_000; seed < 3_000_000 + (isWhole ? 2_000 : 200); seed++) {
    const { recorder, lines } = recording();
    const { isRefused, violation } = play(generate(seed), undefined, undefined, recorder);
    expect([recorder.error, violation]).toEqual([undefined, undefined]);
    if (isRefused) continue;
    expectSame(lines);
    commands += lines.length;
  }
  expect(commands).toBeGreaterThan(1_000);
});

/** A run that uses nearly all metadata and adds tasks in its loop; its values and errors cannot be written as plain data. */
async function eventful(options: RunOptions): Promise<string[]> {
  const { recorder, lines } = recording();
  const built = key<Map<string, bigint>>('built');
  const other = key<number>('built');
  const device = { name: 'tty0' };
  const build = task({ name: 'build', provides: [built, 'bin'], claims: [path('src', 1)] }, ({ set }) => {
    set(built, new Map([['size', 1n]]));
  });
  const flaky = withMeta(
    ({ attempt }) => {
      if (attempt < 3) throw new Error(`attempt ${attempt}`);
    },
    { name: 'flaky', retries: { count: 3, delay: 1, jitter: 0.5 }, uses: ['/src/a', device] },
  );
  const ship = task({ args: type<string>(), claims: [device], requires: [build] }, ({ args }) => args);
  const partial = task({ name: 'partial', provides: [other] }, ({ set }) => {
    set(other, 1);
    throw new TaskFailError('some', { depsOk: true, locksOk: false });
  });
  const tasks: Runnable[] = [
    ...[build, flaky, partial, ship.with('eu', { name: 'eu' }), ship.with('us', { name: 'us' })],
    task({ name: 'any', requires: [anyOf('never', other, 'bin')], uses: [amount('ram', 3)] }, () =>
      Symbol('x'),
    ),
    task(
      { name: 'all', requires: [every('bin', other)], when: () => true, uses: [Symbol.for('s'), 7n] },
      () => {},
    ),
    task({ name: 'two', requires: [atLeast(2, ship)], uses: [amount('ram', 2)], weight: 5 }, () => {}),
    task({ name: 'stop', tearsDown: [built, 'bin'], cleanup: () => {} }, () => {
      throw new Error('torn');
    }),
    task({ name: 'never', when: () => 'not here', provides: ['never'], timeout: Infinity }, () => {}),
    task({ name: 'rescue', salvages: ['lost'], priority: -1, exclusive: true }, () => {}),
    task({ name: 'lost', provides: ['lost'], group: 'vm', after: [flaky] }, () => {
      throw new Error('x');
    }),
    task({ name: 'slow', timeout: 5, before: ['bin'] }, ({ signal }) => {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }),
  ];
  const going = run(tasks, {
    ...{ capacities: { ram: 4 }, groups: { vm: { pool: inline } }, defaults: { grace: 50 } },
    ...{ pool: () => inline({ concurrency: Number.POSITIVE_INFINITY }), record: recorder, ...options },
  });
  going.events.on('event', () => {});
  let added = 0;
  for await (const { path: name } of going) {
    if (name === 'build')
      going.add([
        place(
          ['late'],
          task({ requires: ['bin'], claims: ['/src'] }, () => added++),
        ),
      ]);
    if (name.startsWith('late') && added < 3) going.add([place(['late'], () => added++)]);
  }
  await going.summary;
  expect(recorder.error).toBeUndefined();
  return lines;
}

describe('a real run', () => {
  it('repeats its decisions', async () => {
    expectSame(await eventful({}));
  });

  it('also with overrides and a pool for programs', async () => {
    const { recorder, lines } = recording();
    const taking = (executables: boolean): Pool => ({
      manifest: { ...inline().manifest, executables },
      open: async ({ slotsChanged }) => slotsChanged(1),
      run: () => ({ kind: 'threw', error: new Error('no') }),
      close: async () => {},
    });
    const program = executableTask(
      { name: 'program', retries: 5 },
      {
        ...{ file: '/bin/true', argv: [], cwd: '/', env: {} },
        interpret: () => ({ outcome: { kind: 'returned', value: 1 }, findings: [] }),
      },
    );
    const going = run([task({ name: 'body', retries: 5 }, () => {}), program], {
      ...{ pool: taking(false), programPool: () => taking(true), overrides: { retries: 1 } },
      record: recorder,
    });
    for await (const { attempts } of going) expect(attempts).toHaveLength(2);
    expectSame(lines);
  });

  it('also where it was cancelled', async () => {
    const controller = new AbortController();
    const { recorder, lines } = recording();
    const going = run(
      [
        task({ name: 'first', provides: ['x'] }, () => controller.abort(new Error('enough'))),
        task({ name: 'second', requires: ['x'] }, () => {}),
        task({ name: 'down', tearsDown: 'x' }, () => {}),
      ],
      { signal: controller.signal, record: recorder },
    );
    for await (const { status } of going) expect(status).toMatch(/returned|skipped|cancelled/);
    expectSame(lines);
  });

  it('is a list of lines of JSON, of which the first names the pools', async () => {
    const { recorder, lines } = recording();
    await run([task({ name: 'a', uses: ['db'] }, () => 1)], { record: recorder }).summary;
    expect(stepsOf(lines).slice(0, 3)).toEqual([
      {
        ...{ type: 'plan', version: 1, capacities: [], defaults: {} },
        pools: [{ name: 'default', spare: 0, kind: 'inline' }],
      },
      { type: 'tasks', tasks: [{ path: 'a', is: [0], meta: { uses: ['db'] } }] },
      {
        ...{ type: 'inputs', publishes: false },
        inputs: [
          { type: 'tasks-added', atMs: 0, from: 0, to: 1, origin: 'start' },
          { type: 'result-wanted', atMs: expect.any(Number) },
        ],
      },
    ]);
  });

  it('goes on where the record cannot be written', async () => {
    const recorder = new Recorder(() => {
      throw new Error('disk full');
    });
    const { counts } = await run([() => 1], { record: recorder }).summary;
    expect([counts, recorder.error]).toEqual([{ returned: 1 }, new Error('disk full')]);
  });
});

describe('a replay', () => {
  it('returns where the decisions differ', async () => {
    const { recorder, lines } = recording();
    await run([task({ name: 'a' }, () => 1), task({ name: 'b', priority: -1 }, () => 2)], {
      record: recorder,
    }).summary;
    const steps = stepsOf(lines.map((line) => line.replace('"priority":-1', '"priority":1')));
    const { differsAt } = replay(steps);
    expect(steps[differsAt as number]?.type).toBe('commands');
  });

  it('refuses what is not a record, and another version', () => {
    expect(() => replay([{ type: 'tasks', tasks: [] }])).toThrow(/PEXEN_BAD_RECORD: replay: the first step/);
    expect(() => replay([{ type: 'plan', version: 9 } as never])).toThrow(/has version 9.*reads 1/);
  });
});
