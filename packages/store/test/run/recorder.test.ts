/** What a recorder writes of real runs, and what it recalls of them. */
import type { DigestedTask, Digester, TaskDigests } from '@pexen/core';
import { key, TaskFailError, task } from '@pexen/sched';
import { describe, expect, test } from 'vitest';
import type { FileSet, JournalEntry, JournalEvent } from '../../src/index.ts';
import { CodeFiles } from '../../src/run/code-files.ts';
import { cutBefore, play } from './rig.ts';

const never = () => {
  throw new Error('it must not start');
};

/** The types of the events, with the task that they are about. */
function story(entries: readonly JournalEntry[]): readonly string[] {
  const paths = new Map<number, string>();
  return entries.map(({ event }) => {
    if (event.type === 'tasks-added') for (const { id, path } of event.tasks) paths.set(id, path);
    return 'task' in event ? `${event.type} ${paths.get(event.task)}` : event.type;
  });
}

function eventsOf<Type extends JournalEvent['type']>(entries: readonly JournalEntry[], type: Type) {
  return entries.flatMap(({ event }) =>
    event.type === type ? [event as Extract<JournalEvent, { readonly type: Type }>] : [],
  );
}

describe('a run is recorded', () => {
  test('event by event, the last attempt with the result', async () => {
    const flaky = task({ name: 'flaky', retries: 1, rerunnable: true }, ({ attempt }) => {
      if (attempt === 1) throw new TaskFailError('again', { locksOk: true, depsOk: false });
      return 7;
    });
    const once = task({ name: 'once', requires: [flaky], rerunnable: false }, () => {
      throw new Error('broken');
    });
    const next = task({ name: 'next', requires: [once] }, never);
    const { entries } = await play([flaky, once, next]);
    expect(story(entries)).toEqual([
      'session-started',
      'tasks-added',
      'attempt-started flaky',
      'attempt-ended flaky',
      'attempt-started flaky',
      'task-finished flaky',
      'start-intended once',
      'attempt-started once',
      'task-finished once',
      'task-skipped next',
    ]);
    expect(eventsOf(entries, 'task-finished')[0]).toMatchObject({
      ...{ attempt: 2, status: 'returned', value: { json: 7 }, shared: 'inherited' },
      end: { outcome: 'returned', worker: 'inline' },
    });
    expect(eventsOf(entries, 'attempt-ended')[0]).toMatchObject({ retryInMs: 0, outcome: 'failed' });
  });

  test('without what only its stop has caused: such tasks go on in the next session', async () => {
    const fails = task({ name: 'fails', retries: 1 }, () => {
      throw new TaskFailError('no');
    });
    const waits = task({ name: 'waits', requires: [fails] }, () => 'ran');
    const first = await play([fails, waits], {
      options: { signal: AbortSignal.timeout(0) },
    });
    expect(story(first.entries).filter((line) => /skipped|finished waits/.test(line))).toEqual([]);
    const stopping = task({ name: 'stopping' }, () => {});
    const retried = task({ name: 'retried', retries: { count: 1, delay: 60_000 } }, () => {
      throw new TaskFailError('no');
    });
    const cut = await play([retried, stopping], {
      onResult: ({ path }, running) => path === 'stopping' && running.drain('enough'),
    });
    expect(story(cut.entries)).not.toContain('task-finished retried');
    const again = task({ name: 'retried', retries: 1 }, ({ attempt }) => attempt);
    const { results } = await play([again, stopping], { earlier: cut.entries });
    expect(results.get('retried')).toMatchObject({ status: 'returned', value: 2, flaky: true });
  });

  test('without secrets', async () => {
    const leaks = task({ name: 'leaks' }, ({ report, attach }) => {
      report({ name: 'f', status: 'info', message: 'with sk-1', data: { token: 'sk-2' } });
      attach({ name: 'log', text: 'sk-3' });
      throw new TaskFailError('it is sk-4');
    });
    const gives = task({ name: 'gives' }, () => 'sk-5');
    const { entries, warnings } = await play([leaks, gives], { secrets: [/sk-\d/] });
    expect(JSON.stringify(entries)).not.toMatch(/sk-\d/);
    expect(warnings.map(({ code, task: path, message }) => [code, path, message])).toEqual([
      ['PEXEN_NOT_STORABLE', 'gives', 'its value cannot be stored: it contains a secret'],
    ]);
  });
});

describe('results are recalled', () => {
  test('with values, dictionaries, findings, attachments and errors', async () => {
    const port = key<{ readonly of: Map<string, number> }>('port');
    const serve = task({ name: 'serve', provides: [port] }, ({ set, shared, report, attach }) => {
      set(port, { of: new Map([['db', 1]]) });
      shared.mode = 'fast';
      report({ name: 'started', status: 'pass', data: 1n });
      attach({ name: 'log', text: 'all is well' });
      return undefined;
    });
    const fails = task({ name: 'fails', requires: [serve] }, () => {
      throw new TaskFailError('no', { depsOk: true });
    });
    const { entries } = await play([serve, fails]);
    const received: unknown[] = [];
    const serveAgain = task({ name: 'serve', provides: [port] }, never);
    const failsAgain = task({ name: 'fails', requires: [serveAgain] }, never);
    const useAgain = task({ name: 'use', requires: [port, failsAgain] }, ({ get, shared }) =>
      received.push(get(port), { ...shared }),
    );
    const { results, order } = await play([serveAgain, failsAgain, useAgain], {
      earlier: entries,
      startedAt: Date.now() + 1_000,
    });
    expect(order).toEqual(['serve', 'fails', 'use']);
    expect(received).toEqual([{ of: new Map([['db', 1]]) }, { mode: 'fast' }]);
    expect(results.get('serve')).toMatchObject({
      recalled: { session: 1, isStale: false },
      findings: [{ name: 'started', status: 'pass', data: 1n }],
      shared: { mode: 'fast' },
    });
    const { error, attempts } = results.get('fails') ?? {};
    expect(error).toMatchObject({ name: 'TaskFailError', message: 'no', depsOk: true });
    expect(attempts?.[0]?.startedAtMs).toBeLessThan(0);
  });

  test('a value that cannot be stored makes its task run again where it is required', async () => {
    const server = key<() => string>('server');
    const suite = (started: string[]) => {
      const serve = task({ name: 'serve', provides: [server] }, ({ set }) => {
        started.push('serve');
        set(server, () => 'here');
      });
      const use = task({ name: 'use', requires: [server] }, ({ get }) => get(server)());
      return [serve, use];
    };
    const first = await play(suite([]));
    expect(first.warnings.map(({ message }) => message)).toEqual([
      'what it provides at position 0 cannot be stored: it contains a function',
    ]);
    const cut = cutBefore(first.entries, ({ event }) => event.type === 'attempt-started' && event.task === 1);
    const started: string[] = [];
    const { results } = await play(suite(started), { earlier: cut });
    expect(started).toEqual(['serve']);
    expect(results.get('use')).toMatchObject({ status: 'returned', value: 'here' });
    expect(results.get('serve')?.earlier).toEqual([
      { session: 1, status: 'returned', verdict: 'pass', counts: true },
    ]);
  });

  test('in their old order, with those of tasks that the loop adds again', async () => {
    const body = () => {};
    const suite = () => ['a', 'b'].map((name) => task({ name }, body));
    const adds = (path: string) => (path === 'a' ? [task({ name: 'of-a' }, body)] : []);
    const first = await play(suite(), {
      onResult: ({ path }, running) => adds(path).length > 0 && running.add(adds(path)),
    });
    const second = await play(suite(), {
      earlier: first.entries,
      onResult: ({ path }, running) => adds(path).length > 0 && running.add(adds(path)),
    });
    expect(second.order).toEqual(first.order);
    expect([...second.results.values()].every(({ recalled }) => recalled !== undefined)).toBe(true);
    const third = await play(suite(), { earlier: first.entries });
    expect(third.order.toSorted()).toEqual(['a', 'b']);
    expect(third.recorder.decisions.find(({ path }) => path === 'of-a')?.action).toBe('keep');
  });
});

describe('an interrupted task', () => {
  test('starts again with the same number, sees how often, and keeps what was before', async () => {
    const suite = (seen: unknown[]) => [
      task({ name: 'a', retries: 1 }, ({ attempt, interruptions }) => {
        seen.push([attempt, interruptions]);
        if (attempt === 1) throw new TaskFailError('first');
        return attempt;
      }),
    ];
    const first = await play(suite([]));
    const cut = cutBefore(first.entries, ({ event }) => event.type === 'task-finished');
    const seen: unknown[] = [];
    const { results, entries } = await play(suite(seen), { earlier: cut });
    expect(seen).toEqual([[2, 1]]);
    expect(results.get('a')).toMatchObject({ status: 'returned', value: 2, interruptions: 1 });
    expect(results.get('a')?.attempts.map(({ outcome }) => outcome.kind)).toEqual(['failed', 'returned']);
    const third = await play(suite([]), { earlier: entries });
    expect(third.results.get('a')).toMatchObject({ interruptions: 1, recalled: { session: 2 } });
  });

  test('that may not start twice counts as crashed', async () => {
    const suite = (body: () => unknown) => [task({ name: 'once', rerunnable: false }, body)];
    const first = await play(suite(() => {}));
    const cut = cutBefore(first.entries, ({ event }) => event.type === 'task-finished');
    const { results, recorder } = await play(suite(never), { earlier: cut });
    expect(results.get('once')).toMatchObject({ status: 'crashed' });
    expect(recorder.outstanding).toEqual(['once']);
  });
});

describe('a task that was skipped because its provider changed', () => {
  /** What the suite is like in one session. */
  interface Version {
    /** The digest of the provider's code. */
    readonly code: string;
    readonly isBroken?: boolean;
  }

  /** A provider, a task that is flaky on it, and its teardown. */
  function suiteOf({ code, isBroken = false }: Version, started: string[]) {
    const base = task({ name: 'base' }, () => {
      if (isBroken) throw new TaskFailError('broken', { depsOk: false });
    });
    const user = task({ name: 'user', requires: [base], retries: 1 }, ({ attempt }) => {
      started.push(`user ${attempt}`);
      if (attempt === 1) throw new TaskFailError('flaky');
    });
    const stop = task({ name: 'stop', tearsDown: [user] }, () => void started.push('stop'));
    const digester: Digester = {
      loaded: () => {},
      codeOf: () => 'ended',
      digestsOf: ({ definition: { meta } }) => ({
        ...{ meaning: 'm', code: meta.name === 'base' ? code : 'same', data: 'd', limits: 'l' },
      }),
    };
    const files = { ...digester, fileSetOf: (_task: DigestedTask) => undefined, changedIn: () => [] };
    return {
      tasks: [base, user, stop],
      session: { digester: files, options: { digester: new CodeFiles(files) } },
    };
  }

  async function playVersion(version: Version, earlier: readonly JournalEntry[] = []) {
    const started: string[] = [];
    const { tasks, session } = suiteOf(version, started);
    return { ...(await play(tasks, { ...session, earlier })), started };
  }

  test('starts over: attempts of the result that was replaced are none of its own', async () => {
    const first = await playVersion({ code: '1' });
    const second = await playVersion({ code: '2', isBroken: true }, first.entries);
    expect(second.results.get('user')).toMatchObject({ status: 'skipped' });
    const third = await playVersion({ code: '3' }, second.entries);
    expect(third.started).toEqual(['user 1', 'user 2', 'stop']);
    expect(third.results.get('user')?.attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  test('is torn down to the end, where its teardown was interrupted', async () => {
    const first = await playVersion({ code: '1' });
    const cut = cutBefore(first.entries, ({ event }) => event.type === 'task-finished' && event.task === 2);
    const second = await playVersion({ code: '2', isBroken: true }, cut);
    expect(second.started).toEqual(['stop']);
  });
});

describe('code', () => {
  const digests: TaskDigests = { meaning: 'm', code: 'added', data: 'd', limits: 'l' };
  const set: FileSet = { files: [['lib.ts', '1']], packages: [] };

  /** A task imports a further file while it runs. `changed`: that file is another one by now. */
  function digesterWith(changed: readonly string[] = []) {
    const digester: Digester = { loaded: () => {}, digestsOf: () => digests, codeOf: () => 'ended' };
    const files = { ...digester, fileSetOf: (_task: DigestedTask) => set, changedIn: () => changed };
    const codeFiles = new CodeFiles(files);
    return { codeFiles, digester: files, options: { digester: codeFiles } };
  }

  test('is the same where the files that were imported late are the same', async () => {
    const suite = () => [task({ name: 'a' }, () => {})];
    const first = await play(suite(), digesterWith());
    expect(eventsOf(first.entries, 'file-set')).toEqual([{ type: 'file-set', id: 1, set }]);
    const same = await play(suite(), { ...digesterWith(), earlier: first.entries });
    expect(same.recorder.decisions[0]).toMatchObject({ action: 'keep', row: 22 });
    const changed = await play(suite(), { ...digesterWith(['lib.ts']), earlier: first.entries });
    expect(changed.recorder.decisions[0]).toMatchObject({ action: 'run', reason: 'lib.ts changed' });
    expect(changed.results.get('a')?.earlier).toEqual([
      { session: 1, status: 'returned', verdict: 'pass', counts: false },
    ]);
  });

  test('is another one where the files are not known', async () => {
    const suite = () => [task({ name: 'a' }, () => {})];
    const first = await play(suite(), digesterWith());
    const unknown = cutBefore(first.entries, ({ event }) => event.type === 'file-set').concat(
      first.entries.filter(({ event }) => event.type === 'task-finished'),
    );
    const { recorder } = await play(suite(), { ...digesterWith(), earlier: unknown });
    expect(recorder.decisions[0]).toMatchObject({ action: 'run' });
  });
});

describe('a rerun', () => {
  test('records what it keeps, and which attempts its parent left interrupted', async () => {
    const suite = (isGood: boolean) => [
      task({ name: 'good' }, () => 1),
      task({ name: 'bad' }, () => {
        if (!isGood) throw new TaskFailError('no');
      }),
      task({ name: 'cut', rerunnable: true, claims: ['db'] }, () => {}),
    ];
    const first = await play(suite(false));
    const parent = first.entries.filter(
      ({ event }) => event.type !== 'task-finished' || first.entries.length === 0 || event.task !== 2,
    );
    const mode = { kind: 'rerun', classes: ['failed', 'not-run', 'changed'] } as const;
    const { entries, results, recorder } = await play(suite(true), { earlier: parent, mode });
    expect(story(entries).slice(0, 6)).toEqual([
      'session-started',
      'tasks-added',
      'task-recalled good',
      'decision bad',
      'decision cut',
      'attempt-started cut',
    ]);
    expect(results.get('good')).toMatchObject({ value: 1, recalled: { session: 1 } });
    expect(results.get('bad')).toMatchObject({ status: 'returned' });
    expect(results.get('bad')?.earlier).toBeUndefined();
    expect(results.get('cut')).toMatchObject({ status: 'returned', interruptions: 1 });
    expect(recorder.outstanding).toEqual([]);
  });

  test('leaves tasks that it does not ask for', async () => {
    const suite = (body: () => unknown) => [task({ name: 'bad' }, body), task({ name: 'left' }, never)];
    const first = await play(suite(never));
    const parent = cutBefore(
      first.entries,
      ({ event }) => event.type === 'attempt-started' && event.task === 1,
    );
    const { results, recorder } = await play(
      suite(() => {}),
      {
        earlier: parent,
        mode: { kind: 'rerun', classes: ['failed'] },
      },
    );
    expect(results.get('bad')?.status).toBe('returned');
    expect(results.get('left')).toMatchObject({ status: 'skipped', reason: [{ why: 'is not selected' }] });
    expect(recorder.leavesTasks).toBe(true);
    expect(recorder.outstanding).toEqual(['left']);
  });
});
