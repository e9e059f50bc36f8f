/** What decided how long a run took. */
import { describe, expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { RunScript } from '../src/conformance/run-script.ts';
import type { TaskFacts } from '../src/index.ts';
import { chainReport } from '../src/index.ts';
import { chainLines } from '../src/schedule/chain-report.ts';
import { type CriticalChain, criticalChain } from '../src/schedule/critical-chain.ts';
import type { AttemptTimes, TaskTimes } from '../src/schedule/task-times.ts';
import { listen } from './listen.ts';
import { play } from './play.ts';

interface Meta extends Partial<TaskFacts> {
  readonly worker?: string;
  /** Each attempt: when it started and ended, ms. */
  readonly ran: readonly (readonly [fromMs: number, toMs: number])[];
  readonly readyAfterMs?: number;
}

let count = 0;

function timed(path: string, { worker = 'w', ran, readyAfterMs, ...facts }: Meta): TaskTimes {
  const attempts = ran.map(
    ([startedAtMs, toMs], at): AttemptTimes => ({
      ...{ attempt: at + 1, outcome: 'returned', worker, startedAtMs, durationMs: toMs - startedAtMs },
      ...(readyAfterMs !== undefined && { readyAfterMs }),
    }),
  );
  return {
    ...{ path, running: undefined, service: undefined },
    facts: {
      id: count++,
      path,
      callPath: [path],
      nameKind: 'explicit',
      recallable: true,
      rerunnable: true,
      ...facts,
    },
    result: { judgement: { verdict: 'pass' }, endedAtMs: ran.at(-1)?.[1] ?? 0, attempts },
  };
}

const needs = (...capabilities: string[]) => ({
  requires: capabilities.map((capability) => ({ form: 'one' as const, capabilities: [capability] })),
});

/** `task#attempt cause from–to`, and what was idle before it. */
const shown = ({ links }: CriticalChain): string[] =>
  links.map(
    ({ path, attempt, cause, resource, idleMs, fromMs, toMs }) =>
      `${path}#${attempt} ${cause}${resource === undefined ? '' : ` ${resource}`} ${idleMs}+${fromMs}–${toMs}`,
  );

function addsUp({ links, endMs, wallMs }: CriticalChain): boolean {
  const sum = links.reduce((all, { idleMs, fromMs, toMs }) => all + idleMs + toMs - fromMs, endMs);
  return Math.abs(sum - wallMs) < 1e-6;
}

describe('follows', () => {
  test('what a task required, back to the first', () => {
    const chain = criticalChain(
      [
        timed('build', { ran: [[5, 105]], provides: ['app'] }),
        timed('other', { ran: [[5, 50]], worker: 'v' }),
        timed('test', { ran: [[110, 210]], worker: 'v', ...needs('app', 'task:other') }),
      ],
      230,
    );
    expect(shown(chain)).toEqual(['build#1 start 5+5–105', 'test#1 dependency 5+110–210']);
    expect(chain.endMs).toBe(20);
    expect(addsUp(chain)).toBe(true);
    expect(chain.bounds).toEqual({ dependenciesMs: 200, workers: { count: 2, ms: 122.5 } });
  });

  test('the task that held a resource, above it as well', () => {
    const chain = criticalChain(
      [
        timed('writer', { ran: [[0, 100]], claims: ['/srv'] }),
        timed('reader', { ran: [[101, 161]], worker: 'v', uses: [{ resource: '/srv/db' }] }),
      ],
      161,
    );
    expect(shown(chain)).toEqual(['writer#1 start 0+0–100', 'reader#1 resource /srv/db 1+101–161']);
    expect(chain.bounds.resource).toEqual({ name: '/srv', ms: 100 });
  });

  test('the task that had the worker', () => {
    const chain = criticalChain(
      [
        timed('one', { ran: [[0, 80]] }),
        timed('two', { ran: [[0, 90]], worker: 'v' }),
        timed('three', { ran: [[82, 182]] }),
      ],
      182,
    );
    expect(shown(chain)).toEqual(['one#1 start 0+0–80', 'three#1 worker 2+82–182']);
  });

  test('the program that had its slot, which has another process each time', () => {
    const chain = criticalChain(
      [
        timed('first', { ran: [[0, 10]], worker: 'process 0 (pid 1)' }),
        timed('other', { ran: [[0, 99]], worker: 'process 1 (pid 2)' }),
        timed('program', { ran: [[11, 90]], worker: 'process 0 (pid 3)' }),
        timed('last', { ran: [[100, 120]], worker: 'process 0 (pid 1)' }),
      ],
      120,
    );
    expect(shown(chain)).toEqual([
      'first#1 start 0+0–10',
      'program#1 worker 1+11–90',
      'last#1 worker 10+100–120',
    ]);
  });

  test('earlier attempts, and their delay', () => {
    const chain = criticalChain(
      [
        timed('one', {
          ran: [
            [0, 10],
            [60, 70],
          ],
        }),
      ],
      70,
    );
    expect(shown(chain)).toEqual(['one#1 start 0+0–10', 'one#2 retry 50+60–70']);
    expect(chain.bounds.dependenciesMs).toBe(70);
  });

  test('a service until it was ready, although it goes on', () => {
    const chain = criticalChain(
      [
        timed('db', { ran: [[0, 500]], worker: 'd', service: true, provides: ['db'], readyAfterMs: 200 }),
        timed('test', { ran: [[203, 303]], ...needs('db') }),
      ],
      510,
    );
    expect(shown(chain)).toEqual(['db#1 start 0+0–200', 'test#1 dependency 3+203–303']);
    expect(chain.endMs).toBe(207);
    expect(chain.bounds.dependenciesMs).toBe(300);
  });
});

test('a wait that nothing explains is reported as one', () => {
  const chain = criticalChain(
    [timed('one', { ran: [[0, 10]] }), timed('late', { ran: [[500, 510]], ...needs('task:one') })],
    510,
  );
  expect(shown(chain)).toEqual(['one#1 start 0+0–10', 'late#1 dependency 490+500–510']);
});

test('a run in which nothing started has no links', () => {
  expect(criticalChain([], 12)).toEqual({
    ...{ links: [], endMs: 12, wallMs: 12 },
    bounds: { dependenciesMs: 0, workers: { count: 0, ms: 0 } },
  });
});

describe('in words', () => {
  const tasks = [
    timed('build', { ran: [[10, 5_010]], provides: ['app'] }),
    timed('db', { ran: [[0, 4_000]], worker: 'v', claims: ['/srv/db'] }),
    timed('migrate', { ran: [[5_020, 9_020]], worker: 'v', claims: ['/srv/db'], ...needs('app') }),
    timed('query', { ran: [[9_030, 12_030]], claims: ['/srv/db'], ...needs('app') }),
  ];

  test('what each part of the run waited for, the longest tasks, and what more workers would bring', () => {
    const chain = criticalChain(tasks, 12_100);
    expect(chainLines(chain, { workers: [1, 2], estimated: [16_000, 12_000] })).toEqual([
      'Critical chain: 3 tasks, from build to query: 5.0s until what was required ended, 4.0s until /srv/db was free, 3.0s in the last task.',
      'Longest in it: build 5.0s, migrate 4.0s, query 3.0s.',
      'Estimated with 1, 2 workers about 16.0s, 12.0s; dependencies alone take 9.0s, claims of /srv/db 11.0s.',
    ]);
  });

  test('nothing of a run that was short, or aborted', () => {
    const ended = (atMs: number) => {
      const reporter = chainReport({ fromMs: 100 });
      const script = new RunScript()
        .tasks(['one', 'two'], { claims: ['x'] })
        .start(0, 'one')
        .end(atMs / 2, 'one')
        .start(atMs / 2, 'two')
        .end(atMs, 'two');
      const clock = new ScriptedClock(0);
      const listener = listen(reporter, clock);
      return { listener, clock, script, written: () => reporter.written?.() };
    };
    for (const [atMs, isWritten] of [
      [99, false],
      [101, true],
    ] as const) {
      const { listener, clock, script, written } = ended(atMs);
      play(script.ended(atMs), listener, clock);
      expect(written()?.startsWith('Critical chain: 2 tasks') ?? false).toBe(isWritten);
    }
    const aborted = ended(1_000);
    play(aborted.script, aborted.listener, aborted.clock);
    expect(aborted.written()).toBeUndefined();
  });
});
