/** The rules of reporters, one after the other. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { RunEvent } from '@pexen/core';
import type { Change } from '../model/change.ts';
import { RunModel } from '../model/run-model.ts';
import type { Reporter } from '../reporter.ts';
import { always, give, hasText, listenerOf, type ReporterBench, rule } from './case.ts';
import { HandleCensus } from './handles.ts';
import { hostileRun } from './hostile-texts.ts';
import { mixedRun } from './mixed-run.ts';
import { RunScript, type ScriptEntry } from './run-script.ts';
import { serviceRun } from './service-run.ts';

/** Everything that happens in runs: late errors and kept results besides. */
function fullRun(): readonly ScriptEntry[] {
  const rest = new RunScript()
    .tasks(['kept', 'last'])
    .recall(1, 'kept', { attachments: [{ name: 'log', file: '/tmp/log.txt' }] })
    .start(2, 'last')
    .reports(3, 'last', { kind: 'heartbeat' })
    .reports(3, 'last', { kind: 'log', message: 'halfway' })
    .reports(3, 'last', { kind: 'finding', finding: { name: 'a finding', status: 'todo' } })
    .end(4, 'last')
    .late(5, 'process-1', ['last'], 'too late')
    .ended(6, { reason: 'interrupted by SIGINT' });
  return [
    ...without('run-ended', mixedRun().entries),
    ...without('run-started', without('run-ended', serviceRun().entries)),
    ...without('run-started', rest.entries),
  ];
}

function without(type: RunEvent['type'], entries: readonly ScriptEntry[]): readonly ScriptEntry[] {
  return entries.filter((entry) => !('event' in entry) || entry.event.type !== type);
}

// ── What it is ──

export const isReporter = rule('has close, and update, event or taskUpdate', always, async (bench) => {
  const reporter = bench.given.make(bench.folder()) as unknown as Partial<Record<string, unknown>>;
  const handlers = ['update', 'event', 'taskUpdate'].filter((name) => typeof reporter[name] === 'function');
  assert.equal(typeof reporter.close, 'function', 'it has no function close');
  assert.ok(handlers.length > 0, 'it has none of update, event and taskUpdate, so nothing would reach it');
  await (reporter as unknown as Reporter).close();
});

export const isNamed = rule('has a name for messages, of one line', always, async (bench) => {
  const reporter = bench.given.make(bench.folder());
  const { name } = reporter;
  assert.ok(
    typeof name === 'string' && /^\S.*$/.test(name) && !/[\n\r]/.test(name),
    `its name is ${JSON.stringify(name)}`,
  );
  await reporter.close();
});

export const waitsForTheRun = rule('does nothing before the run starts', always, async (bench) => {
  const folder = bench.folder();
  const reporter = bench.given.make(folder);
  assert.deepEqual(readdirSync(folder), [], 'it wrote something before the first event');
  await reporter.close();
  assert.deepEqual(readdirSync(folder), [], 'it wrote a report of a run that never started');
});

// ── Events ──

export const standsEverything = rule('stands every kind of event and update', always, async (bench) => {
  await bench.play(fullRun());
});

export const standsLateStart = rule('stands a run of which it missed the start', always, async (bench) => {
  const { entries } = mixedRun();
  await bench.play(entries.slice(entries.length / 2));
});

export const standsUnknown = rule(
  'stands events, changes and updates that it does not know',
  always,
  async (bench) => {
    const reporter = bench.given.make(bench.folder());
    const listener = listenerOf(reporter);
    const { entries } = mixedRun();
    give(listener, entries.slice(0, 5));
    const unknown: unknown = {
      type: 'of-a-later-version',
      kind: 'of-a-later-version',
      seq: 99,
      atMs: 1,
      task: 0,
      path: 'x',
      attempt: 1,
    };
    await reporter.event?.(unknown as RunEvent);
    await reporter.update?.(listener.model, unknown as Change);
    await reporter.taskUpdate?.({ ...(unknown as object), update: { kind: 'of-a-later-version' } } as never);
    give(listener, entries.slice(5));
    await listener.close();
  },
);

export const changesNothing = rule('changes nothing of what it is given', always, async (bench) => {
  await bench.play(fullRun().map(frozen));
});

export const isSteady = rule('returns promises from its first call on, or never', always, async (bench) => {
  const reporter = bench.given.make(bench.folder());
  const model = new RunModel();
  const answers: boolean[] = [];
  for (const entry of mixedRun().entries) {
    const change = 'event' in entry ? model.apply(entry.event) : model.applyTaskUpdate(entry.update);
    const returned =
      'event' in entry
        ? [reporter.event?.(entry.event), change && reporter.update?.(model, change)]
        : [reporter.taskUpdate?.(entry.update), change && reporter.update?.(model, change)];
    answers.push(returned.some(isPromise));
    await Promise.all(returned);
  }
  await reporter.close();
  const isMixed = answers[0] === false && answers.includes(true);
  assert.ok(!isMixed, 'its first call returned no promise, and a later one did: it would not be waited for');
});

// ── Ends ──

export const closesAborted = rule('closes a run that was aborted in the middle', always, async (bench) => {
  const { entries } = mixedRun();
  await bench.play(entries.slice(0, 12));
});

export const leavesNothing = rule(
  'leaves no timer, no connection and no listener of the process behind',
  always,
  async (bench) => {
    const listeners = countListeners();
    const handles = new HandleCensus();
    try {
      await handles.watch(() => bench.play(mixedRun().entries));
      assert.equal(countListeners(), listeners, 'it left listeners of process behind');
      for (let turns = 0; turns < MOST_TURNS && handles.open().length > 0; turns++)
        await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(handles.open(), [], 'it left something open');
    } finally {
      handles.stop();
    }
  },
);

export const isAlone = rule('shares nothing with another one of its kind', hasText, async (bench) => {
  const folders = [bench.folder(), bench.folder()];
  const listeners = folders.map((folder) => listenerOf(bench.given.make(folder)));
  const runs = ['apples', 'pears'].map((name) =>
    new RunScript()
      .tasks([name])
      .start(1, name)
      .end(2, name, { status: 'threw', reason: `no ${name}` })
      .ended(3),
  );
  for (const [index, listener] of listeners.entries()) give(listener, runs[index]?.entries.slice(0, 3) ?? []);
  for (const [index, listener] of listeners.entries()) give(listener, runs[index]?.entries.slice(3) ?? []);
  for (const listener of listeners) await listener.close();
  const [first = '', second = ''] = await Promise.all(folders.map((folder) => bench.text(folder)));
  assert.ok(
    !first.includes('pears') && !second.includes('apples'),
    'its text has what happened in another run',
  );
});

export const saysOneLine = rule('says in one line what it wrote, or nothing', always, async (bench) => {
  const reporter = await bench.play(mixedRun().entries);
  const text: unknown = reporter.written?.();
  const isLine =
    text === undefined || (typeof text === 'string' && text.trim() !== '' && !/[\n\r]/.test(text));
  assert.ok(isLine, `written() returned ${JSON.stringify(text)}`);
});

export const printsNothing = rule(
  'prints nothing to the terminal, where reporters for terminals write',
  ({ prints }) => !prints,
  async (bench) => {
    const printed: string[] = [];
    const restore = [process.stdout, process.stderr].map((stream) => captured(stream, printed));
    try {
      await bench.play(mixedRun().entries);
    } finally {
      for (const each of restore) each();
    }
    assert.deepEqual(printed, [], 'it printed something');
  },
);

// ── Text ──

/** The tasks of the mixed run that did not pass, and why. */
const failures: Readonly<Record<string, string>> = {
  'api/users/create': 'expected status 201, got 500',
  'sys/net/mtu': 'mtu of eth0',
  'sys/disk/format': 'its worker was killed by SIGKILL',
  'api/upload/big': 'timed out after 60 s',
};

export const namesFailures = rule(
  'names every task that did not pass',
  (given) => given.read !== undefined && given.namesFailures,
  async (bench) => {
    const text = await textOf(bench, mixedRun().entries);
    const missing = Object.keys(failures).filter((path) => !text.includes(path.split('/').at(-1) as string));
    assert.deepEqual(missing, [], 'these failures are not in its text');
  },
);

export const writesOnTime = rule('has written everything when close resolves', hasText, async (bench) => {
  const folder = bench.folder();
  await bench.play(mixedRun().entries, folder);
  const text = await bench.text(folder);
  assert.notEqual(text, '', 'nothing was written when close had resolved');
  for (let turns = 0; turns < MOST_TURNS; turns++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await bench.text(folder), text, 'it went on writing after close had resolved');
});

export const tamesText = rule(
  'writes no control characters of tasks, and no broken Unicode',
  hasText,
  async (bench) => {
    const text = await textOf(bench, hostileRun());
    assert.ok(
      text.isWellFormed() && !text.includes('\ufffd\ufffd\ufffd'),
      'its text has half a character in it',
    );
    const found = [...text].find(
      (character) => /\p{Cc}/u.test(character) && !/[\t\n\r\u0085]/.test(character),
    );
    assert.equal(found, undefined, `its text has the control character ${JSON.stringify(found)}`);
  },
);

// ── Helpers ──

const MOST_TURNS = 100;

async function textOf(bench: ReporterBench, entries: readonly ScriptEntry[]): Promise<string> {
  const folder = bench.folder();
  await bench.play(entries, folder);
  return await bench.text(folder);
}

/** Deeply: who writes into it throws. */
function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}

function isPromise(value: unknown): boolean {
  return value instanceof Promise;
}

function countListeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

function captured(stream: NodeJS.WriteStream, printed: string[]): () => void {
  const own = Object.getOwnPropertyDescriptor(stream, 'write');
  stream.write = ((chunk: unknown, ...rest: readonly unknown[]): boolean => {
    printed.push(String(chunk));
    const done = rest.find((argument) => typeof argument === 'function');
    if (done !== undefined) queueMicrotask(done as () => void);
    return true;
  }) as typeof stream.write;
  return () => {
    if (own === undefined) Reflect.deleteProperty(stream, 'write');
    else Object.defineProperty(stream, 'write', own);
  };
}
