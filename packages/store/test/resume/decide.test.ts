/** Decisions against an oracle that was written in another way, and mistakes in the table that this comparison has to find. */
import { describe, expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { decide, decideBy } from '../../src/resume/decide.ts';
import type { PresentSuite } from '../../src/resume/decision.ts';
import { guardsOf } from '../../src/resume/guards.ts';
import { type RecordedEvent, recordsOf } from '../../src/resume/task-record.ts';
import { firstDifference } from './compare.ts';
import { plantedMistakes } from './planted-mistakes.ts';
import { executionOf, recordOf, taskOf, worldOf } from './world.ts';

/** In all 100,000 worlds, or 3,000. */
const parts = Array.from({ length: isWhole ? 10 : 1 }, (_, part) => part + 1);

test.each(parts)('decisions are those of the oracle, part %i', (part) => {
  const count = isWhole ? 10_000 : 3_000;
  expect(firstDifference(decide, seed + part * count, count)).toBeUndefined();
});

test.each(plantedMistakes)('the oracle finds that $name', ({ table }) => {
  const difference = firstDifference((...world) => decideBy(table, ...world), 1, 20_000);
  expect(difference).toBeDefined();
});

const requiresIdle = { requires: [{ form: 'one', capabilities: ['task:idle'] }] } as const;

test('a teardown runs again where its provider has started since, in whichever session', () => {
  const suite = { tasks: [taskOf('p'), taskOf('stop', { tearsDown: ['task:p'] })] };
  const ended = { state: 'ended', gave: true, attempt: 1, executions: [executionOf('pass')] } as const;
  const actionsWith = (tornDownBy: readonly string[]) => {
    const records = [recordOf('p', { ...ended, tornDownBy }), recordOf('stop', ended)];
    const tasks = new Map(records.map((record) => [record.path, record]));
    return decide({ health: 'whole', tasks }, suite, { kind: 'resume' }).map(({ action }) => action);
  };
  expect(actionsWith(['stop'])).toEqual(['keep', 'keep']);
  expect(actionsWith([])).toEqual(['keep', 'again']);
});

test('a salvage that has nothing to salvage makes nothing run again', () => {
  const suite = {
    tasks: [
      ...[taskOf('bad'), taskOf('behind', { requires: [{ form: 'one', capabilities: ['task:bad'] }] })],
      ...[taskOf('idle', { salvages: ['task:behind'] }), taskOf('on-idle', requiresIdle)],
      taskOf('logs', { salvages: ['task:bad', 'task:idle', 'task:on-idle'] }),
    ],
  };
  const skipped = { state: 'skipped', skip: { isStopped: false, cause: undefined } } as const;
  const actionsWith = (behind: Parameters<typeof recordOf>[1]) => {
    const records = [
      recordOf('bad', { ...{ state: 'ended', attempt: 1 }, executions: [executionOf('fail', 'threw')] }),
      ...[recordOf('behind', behind), recordOf('idle', skipped), recordOf('on-idle', skipped)],
      recordOf('logs', { ...{ state: 'ended', gave: true, attempt: 1 }, executions: [executionOf('pass')] }),
    ];
    const tasks = new Map(records.map((record) => [record.path, record]));
    return decide({ health: 'whole', tasks }, suite, { kind: 'resume' }).map(({ action }) => action);
  };
  expect(actionsWith(skipped)).toEqual(['keep', 'decide', 'decide', 'decide', 'keep']);
  const failed = { state: 'ended', attempt: 1, executions: [executionOf('fail', 'threw')] } as const;
  expect(actionsWith(failed)).toEqual(['keep', 'keep', 'decide', 'decide', 'decide']);
});

test('the order of the suite changes no decision', () => {
  for (let world = 1; world <= 300; world++) {
    const { records, suite, mode } = worldOf(world);
    // Siblings of one name are identified by their order.
    const tasks = suite.tasks.map((task) => ({ ...task, recallable: true }));
    const decisions = decide(records, { ...suite, tasks }, mode);
    const reversed = decide(records, { ...suite, tasks: tasks.toReversed() }, mode);
    const sorted = (list: typeof decisions) => list.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    expect(sorted(reversed).map(({ reason: _reason, ...rest }) => rest)).toEqual(
      sorted(decisions).map(({ reason: _reason, ...rest }) => rest),
    );
  }
});

test('a dry run decides as the resume does', () => {
  for (let world = 1; world <= 300; world++) {
    const { records, suite } = worldOf(world);
    expect(decide(records, suite, { kind: 'dry-run' })).toEqual(decide(records, suite, { kind: 'resume' }));
  }
});

test.each([
  ['another', 'its code changed'],
  ['unknown', 'its code may have changed: a digest is unknown'],
])('the reason for a task whose code is %s', (code, reason) => {
  const digests = { meaning: 'm', code: 'c', data: 'd', limits: 'l' };
  const end = { outcome: 'returned', locksOk: true, depsOk: true } as const;
  const events: RecordedEvent[] = [
    { type: 'tasks-added', origin: 'start', tasks: [{ id: 0, path: 'a', recallable: true, digests }] },
    { type: 'attempt-started', task: 0, attempt: 1, part: 'body' },
    { type: 'task-finished', task: 0, attempt: 1, status: 'returned', end, metBy: [] },
  ];
  const records = recordsOf(events.map((event) => ({ session: 1, event })));
  const a = { path: 'a', rerunnable: true, when: true, selected: true, scope: 'run' } as const;
  const suite: PresentSuite = { tasks: [{ ...a, digests: { ...digests, code } }] };
  expect(decide(records, suite, { kind: 'resume' })[0]).toMatchObject({ row: 16, reason });
});

describe.each([
  ['a provider', 'p', new Map<string, string>()],
  ['a provider of each node', 'p@one', new Map([['p@one', 'p']])],
])('what %s gave', (_what, path, executed) => {
  const digests = { identity: 'i', meaning: 'm', code: 'c', data: 'd', limits: 'l' } as never;
  const ended = {
    state: 'ended',
    gave: true,
    attempt: 1,
    basis: { digests, siblings: [] },
    executions: [executionOf('pass')],
  } as const;

  function decisionWith(provider: Parameters<typeof taskOf>[1] | undefined) {
    const requires = [{ form: 'one', capabilities: ['task:p'] }] as const;
    const isPerNode = executed.size > 0;
    const tasks = [
      ...(provider === undefined ? [] : [taskOf('p', { digests, isPerNode, ...provider })]),
      taskOf('a', { digests, requires }),
    ];
    const executions = [...executed.keys()].map((each) => recordOf(each, { ...ended, origin: 'node' }));
    const records = [
      recordOf('p', ended),
      ...executions,
      recordOf('a', { ...ended, metBy: [{ path, revision: 1 }] }),
    ];
    const of = { health: 'whole', tasks: new Map(records.map((each) => [each.path, each])) } as const;
    const decisions = decide(of, { tasks, executed, lastSession: 1 }, { kind: 'resume' });
    const { action, reason, isStale } = decisions.find((each) => each.path === 'a') ?? {};
    return { action, reason, isStale };
  }

  test('stands where it is as it was', () => {
    expect(decisionWith({})).toMatchObject({ action: 'keep', isStale: false });
  });

  test('has changed with its code', () => {
    const changed = { identity: 'i', meaning: 'm', code: 'other', data: 'd', limits: 'l' } as never;
    expect(decisionWith({ digests: changed }).reason).toBe(`"${path}", which it requires, changed`);
  });

  test('is stale without it', () => {
    expect(decisionWith(undefined).reason).toBe(`"${path}", which it requires, left the suite`);
  });
});

describe('attempts that are still in their pools', () => {
  const digests = { identity: 'i', meaning: 'm', code: 'c', data: 'd', limits: 'l' } as never;
  const basis = { digests, siblings: [] };
  const started = { state: 'started', attempt: 1, session: 1, interruptions: 1, basis } as const;
  const left = { session: 1, path: 'a', attempt: 1, part: 'body', state: 'running' } as const;

  interface Situation {
    readonly record?: Parameters<typeof recordOf>[1];
    readonly task?: Parameters<typeof taskOf>[1];
    readonly provider?: Parameters<typeof recordOf>[1];
    readonly providerTask?: Parameters<typeof taskOf>[1];
    /** Task `s`. */
    readonly service?: Parameters<typeof taskOf>[1];
    readonly executed?: ReadonlyMap<string, string>;
    readonly left?: object;
    readonly health?: 'whole' | 'damaged';
    readonly mode?: 'resume' | 'rerun';
  }

  function decisionWith(situation: Situation) {
    const { record = started, task = {}, provider, providerTask, service, health = 'whole' } = situation;
    const requires = provider === undefined ? [] : [{ form: 'one', capabilities: ['task:p'] } as const];
    const tasks = [
      ...(service === undefined ? [] : [taskOf('s', { ...service, isService: true })]),
      ...(provider === undefined ? [] : [taskOf('p', providerTask)]),
      taskOf('a', { digests, requires, rerunnable: false, ...task }),
    ];
    const records = [...(provider === undefined ? [] : [recordOf('p', provider)]), recordOf('a', record)];
    const { executed = new Map<string, string>() } = situation;
    const suite = { tasks, executed, boot: 'b', lastSession: 1, left: [{ ...left, ...situation.left }] };
    const mode =
      situation.mode === 'rerun'
        ? ({ kind: 'rerun', classes: ['not-run'] } as const)
        : ({ kind: 'resume' } as const);
    const executions = [...executed.keys()].map((path) => recordOf(path, { ...started, origin: 'node' }));
    const of = { health, tasks: new Map([...records, ...executions].map((each) => [each.path, each])) };
    return decide(of, suite, mode).find(({ path }) => path === 'a');
  }

  const ended = { state: 'ended', gave: true, attempt: 1, executions: [executionOf('pass')] } as const;

  test.each<[string, Situation]>([
    ['an attempt that started', {}],
    ['one whose start was intended', { record: { ...started, state: 'intended', interruptions: 0 } }],
    ['one that has ended', { left: { state: 'ended' } }],
    ['one of which no start was recorded', { record: { state: 'none', basis } }],
    [
      'the next attempt, of which no start was recorded',
      {
        ...{ record: { ...started, state: 'between' }, left: { attempt: 2 } },
      },
    ],
    [
      'one that started on the node that has it',
      { record: { ...started, worker: 'one/0' }, left: { node: 'one' } },
    ],
    ['one that an earlier session had adopted', { record: { ...started, session: 1 } }],
    ['one whose provider stands', { provider: ended }],
  ])('are adopted: %s', (_, situation) => {
    expect(decisionWith(situation)).toMatchObject({ row: 0, action: 'adopt', cleansUp: false, poisons: [] });
  });

  test.each<[string, Situation]>([
    ['of an attempt that was superseded', { record: { ...started, attempt: 2 } }],
    ['of another session', { left: { session: 7 } }],
    [
      'that started on another node than claims to have it',
      { record: { ...started, worker: 'one/0' }, left: { node: 'on' } },
    ],
    ['of a task that has a result', { record: ended }],
    ['of a task that was cancelled', { record: { ...started, state: 'cancelled' } }],
    ['of a task that changed', { task: { digests: { ...(digests as object), code: 'x' } as never } }],
    [
      'of a task that changed before its start was recorded',
      {
        record: {
          state: 'none',
          basis: { ...basis, digests: { ...(digests as object), code: 'x' } as never },
        },
      },
    ],
    ['of a task that does not apply', { task: { when: 'no' } }],
    ['of a task that is not selected', { task: { selected: false } }],
    ['of a task that the loop had added', { record: { ...started, origin: 'loop' } }],
    ['behind a service', { provider: { ...started, state: 'up' }, providerTask: { isService: true } }],
    [
      'behind a set-up of nodes that is built on a service',
      {
        service: {},
        provider: { state: 'none' },
        providerTask: { isPerNode: true, requires: [{ form: 'one', capabilities: ['task:s'] }] },
      },
    ],
    [
      'behind what was built on a service of a node',
      {
        ...{ service: { isPerNode: true }, executed: new Map([['s@one', 's']]) },
        provider: { ...ended, metBy: [{ path: 's@one', revision: 1 }] },
      },
    ],
    ['behind what ended with the session', { provider: ended, providerTask: { scope: 'process' } }],
    ['behind a reboot', { provider: { ...ended, mark: 'other' }, providerTask: { scope: 'boot' } }],
    ['with a damaged journal', { health: 'damaged' }],
    ['in a rerun', { mode: 'rerun' }],
    ['where only its cleanup is left', { left: { part: 'cleanup' } }],
  ])('are not adopted: %s', (_, situation) => {
    expect(decisionWith(situation)?.action).not.toBe('adopt');
  });

  test('guard nothing, since they hold what they use', () => {
    const tasks = [taskOf('a', { digests, claims: ['/x'] }), taskOf('b', { claims: ['/x'] })];
    const records = {
      health: 'whole',
      tasks: new Map([['a', recordOf('a', { ...started, claims: ['/x'] })]]),
    } as const;
    const guardsWith = (found: readonly object[]) => {
      const suite = { tasks, lastSession: 1, left: found as never };
      return guardsOf(decide(records, suite, { kind: 'resume' }), records, suite).length;
    };
    expect([guardsWith([]), guardsWith([left])]).toEqual([1, 0]);
  });
});
