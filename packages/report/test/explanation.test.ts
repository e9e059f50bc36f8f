import type { AttemptInfo, ExplainedState, Explanation, WaitingFor } from '@pexen/core';
import { expect, test } from 'vitest';
import { explanationLines } from '../src/text/explanation.ts';

const atMs = 60_000;

function of(...steps: readonly (readonly [path: string, is: ExplainedState])[]): string[] {
  const explanation: Explanation = { version: 1, atMs, steps: steps.map(([path, is]) => ({ path, is })) };
  return explanationLines(explanation);
}

function waiting(reason: WaitingFor, ...names: readonly string[]): ExplainedState {
  const blockers = names.map((path) => ({ path, state: 'waiting' as const }));
  return { kind: 'waiting', for: reason, blockers, more: 0 };
}

test('a chain has a sentence for each link, with the states of what is waited for', () => {
  expect(
    of(
      [
        'report',
        waiting({ kind: 'requirement', requirement: 'task "query"', providers: ['query'] }, 'query'),
      ],
      [
        'query',
        {
          kind: 'waiting',
          for: { kind: 'resource', resource: '/db', holders: ['migrate', 'a', 'b', 'c', 'd'] },
          blockers: [
            { path: 'migrate', state: 'running', sinceMs: 50_000, heldSinceMs: 20_000 },
            { path: 'a', state: 'abandoned', sinceMs: 1, heldSinceMs: 2 },
            { path: 'b', state: 'between-attempts', heldSinceMs: 3 },
            { path: 'c', state: 'waiting' },
          ],
          more: 1,
        },
      ],
      ['migrate', { kind: 'running', attempt: 2, part: 'body', worker: 'process 0', sinceMs: 50_000 }],
    ),
  ).toEqual([
    '"report" waits for task "query", to be provided by "query" (waits).',
    '"query" waits for the resource "/db", held by "migrate" (running for 10.0s, holds it for 40.0s), "a" (over, but its body may still run, holds it for 1m 00s), "b" (between two attempts, holds it for 1m 00s) and 2 more.',
    '"migrate" is running: attempt 2 on process 0, for 10.0s.',
  ]);
});

const kinds: readonly (readonly [WaitingFor, string])[] = [
  [{ kind: 'order', tasks: [] }, 'to run after'],
  [{ kind: 'order', as: 'before', tasks: [] }, 'to be preceded by'],
  [{ kind: 'order', as: 'salvages', tasks: [] }, 'to salvage'],
  [
    { kind: 'order', as: 'tears-down', tasks: [], capability: '"db $&"' },
    'until no task needs "db $&" any more, still needed by',
  ],
  [
    { kind: 'order', as: 'recovery', tasks: [] },
    'until what it left half changed when it was interrupted is in order, for',
  ],
  [{ kind: 'order', as: 'served', tasks: [] }, 'for the end of'],
  [{ kind: 'order', as: 'alone', tasks: [] }, 'to run alone, after the services'],
  [{ kind: 'order', as: 'rivals', tasks: [] }, 'until those are over that could not run beside it:'],
  [{ kind: 'resource', resource: 'x', holders: [], alone: 'itself' }, 'to run alone, after'],
  [{ kind: 'resource', resource: 'x', holders: [], alone: 'other' }, 'to run after the exclusive'],
  [{ kind: 'reservation', of: 'b' }, 'for what is reserved for'],
  [{ kind: 'group', group: 'vm', after: [] }, 'for the turn of the group "vm", which comes after'],
  [{ kind: 'need', tasks: [] }, 'until a task needs it:'],
  [{ kind: 'slot', pool: 'default' }, 'for a slot in the pool "default", taken by'],
];
test.each(kinds)('%j', (reason, text) => {
  expect(of(['a', waiting(reason, 'b')])).toEqual([`"a" waits ${text} "b" (waits).`]);
});

test('what has no tasks behind it', () => {
  const alone: readonly (readonly [WaitingFor, string])[] = [
    [{ kind: 'group', group: 'vm', current: 'gpu' }, 'until the group "gpu" is over'],
    [{ kind: 'slot', pool: 'gpu' }, 'for a slot in the pool "gpu"'],
    [{ kind: 'slot', pool: 'default', isOpening: true }, 'for the opening of the pool "default"'],
    [{ kind: 'backoff', untilMs: 62_500 }, 'for its next attempt, which is due in 2.5s'],
    [{ kind: 'consumer' }, 'for the consumer to pull the next result'],
  ];
  for (const [reason, text] of alone) expect(of(['a', waiting(reason)])).toEqual([`"a" waits ${text}.`]);
});

test('attempts and services that are out', () => {
  const running = { kind: 'running', attempt: 1, part: 'cleanup', worker: 'w', sinceMs: 59_000 } as const;
  expect(of(['a', { ...running, stop: 'it took longer than 5 s' }])).toEqual([
    '"a" is running: the cleanup of attempt 1 on w, for 1.0s, asked to stop: it took longer than 5 s.',
  ]);
  const service = { phase: 'up', neededBy: ['x', 'y', 'z', 'u'], more: 3 } as const;
  expect(of(['db', { ...running, part: 'body', service }])).toEqual([
    '"db" is up: attempt 1 on w, for 1.0s, needed by "x", "y", "z" and 4 more.',
  ]);
  expect(of(['b', { kind: 'dispatched', attempt: 3, part: 'body', pool: 'p', sinceMs: 59_500 }])).toEqual([
    '"b" waits in the pool "p", which has not started attempt 3 after 500ms.',
  ]);
});

test('how tasks ended, and why: attempts, verdict, repetitions, what they left', () => {
  const attempt = (number: number, more: Partial<AttemptInfo> = {}): AttemptInfo => ({
    ...{ attempt: number, outcome: 'failed', worker: 'process 0', startedAtMs: 1000, durationMs: 20 },
    error: { name: 'Error', message: 'no report.\nsecond line' },
    ...more,
  });
  const ended: ExplainedState = {
    ...{ kind: 'ended', status: 'returned', judgement: { verdict: 'flaky', reason: 'passed at attempt 2' } },
    attempts: [attempt(1), { attempt: 2, outcome: 'returned', worker: '', startedAtMs: -1, durationMs: 1 }],
    ...{ metBy: ['build'], poisons: ['/db'], again: ['lib.ts changed'], interruptions: 2 },
  };
  expect(of(['a', ended])).toEqual([
    '"a" returned in attempt 2 (for 1ms).',
    '  Attempt 1 failed (on process 0, at 1.0s, for 20ms): Error: no report.',
    '  Its verdict is flaky: passed at attempt 2.',
    '  It ran again: lib.ts changed.',
    '  The end of a session interrupted it 2 times.',
    '  What it requires was provided by "build".',
    '  It left "/db" in an unknown state.',
  ]);
  expect(
    of([
      'a',
      {
        kind: 'ended',
        status: 'crashed',
        attempts: [attempt(1, { outcome: 'crashed' })],
        kept: 'ended in run 3',
      },
    ]),
  ).toEqual([
    '"a" crashed (on process 0, at 1.0s, for 20ms): Error: no report.',
    '  Its result is an earlier one: ended in run 3.',
  ]);
  expect(of(['a', { kind: 'ended', status: 'threw' }])).toEqual(['"a" is over: it threw.']);
});

test('a skip names each cause once, and the first one with its own story', () => {
  const reason = [
    { task: 'a', why: 'requires "bin"' },
    { task: 'b', why: 'requires "lib"' },
    { task: 'c', why: 'threw' },
  ];
  expect(of(['a', { kind: 'skipped', reason }], ['c', { kind: 'ended', status: 'threw' }])).toEqual([
    '"a" was skipped: it requires "bin".',
    '"b" requires "lib".',
    '"c" is over: it threw.',
  ]);
});

test('tasks without a result; names and texts are safe for a terminal', () => {
  expect(of(['a', { kind: 'interrupted', attempt: 1, worker: 'w', why: 'its run was interrupted' }])).toEqual(
    ['"a" has no result: attempt 1 on w had not ended, and its run was interrupted.'],
  );
  expect(of(['\u001b[31ma\n', { kind: 'not-started', why: 'interrupted' }])).toEqual([
    '"a\\n" has not started: interrupted.',
  ]);
});
