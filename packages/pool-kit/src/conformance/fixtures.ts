/** Tasks for the conformance kit: each does one thing that a pool must get right. Loaded by host and workers alike. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AnyBodyContext,
  key,
  maker,
  service,
  type Task,
  TaskFailError,
  task,
  type,
  type UnboundTask,
} from '@pexen/core';

type Args = Readonly<Record<string, unknown>>;

const argsOf = ({ args }: { readonly args: unknown }): Args => args as Args;

/** Reports that it has started, and waits to be stopped. */
function waitForAbort({ signal, progress }: Pick<AnyBodyContext, 'signal' | 'progress'>): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve());
    progress({ done: 0, message: 'started' });
    if (signal.aborted) resolve();
  });
}

const named = (name: string) => ({ name, requires: [], provides: [] });

export const echo: Task = task(named('echo'), (context) => argsOf(context).value);
export const echoLater: Task = task(named('echo later'), async (context) => argsOf(context).value);
export const passesInterruptions: Task = task(
  named('passes interruptions'),
  ({ interruptions, rebootCount }) => `${interruptions}, ${rebootCount}`,
);
export const passesTrace: Task = task(named('passes trace'), ({ trace }) => trace ?? null);
export const passesContext: Task = task(named('passes context'), ({ attempt, path }) => ({ attempt, path }));

export const fails: Task = task(named('fails'), () => {
  throw new ChecksFailed('3 of 80 failed', { depsOk: false, locksOk: false, data: { failed: [1, 2, 3] } });
});
export const throws: Task = task(named('throws'), () => {
  throw new DatabaseError('no connection', { cause: new TypeError('bad port', { cause: 'typed by hand' }) });
});
export const throwsLater: Task = task(named('throws later'), async () => {
  throw new DatabaseError('no connection');
});
export const throwsText: Task = task(named('throws text'), () => {
  throw 'just a text';
});
export const throwsMany: Task = task(named('throws many'), () => {
  throw new AggregateError([new RangeError('first'), new DatabaseError('second')], 'two at once');
});
export const throwsUnfit: Task = task(named('throws unfit'), () => {
  throw Object.assign(new Error('with a socket'), { socket: { write() {} }, port: 80 });
});
export const skips: Task = task(named('skips'), ({ skip }) => skip('no such device'));

export const obeys: Task = task(named('obeys'), async (context) => {
  await waitForAbort(context);
  throw context.signal.reason;
});
export const obeysByNode: Task = task(named('obeys by node'), async ({ signal, progress }) => {
  progress({ done: 0, message: 'started' });
  await sleep(600_000, undefined, { signal });
});
export const returnsAfterAbort: Task = task(named('returns after abort'), async (context) => {
  await waitForAbort(context);
  return 'nearly done anyway';
});
export const failsAfterAbort: Task = task(named('fails after abort'), async (context) => {
  await waitForAbort(context);
  throw new TaskFailError('half done', { locksOk: true, depsOk: false });
});
export const throwsAfterAbort: Task = task(named('throws after abort'), async (context) => {
  await waitForAbort(context);
  throw new DatabaseError('while cleaning up');
});
export const ignores: Task = task(named('ignores'), async ({ progress }) => {
  progress({ done: 0, message: 'started' });
  await sleep(600_000);
});
export const takesTime: Task = task(named('takes time'), async (context) => {
  context.progress({ done: 0, message: 'started' });
  await sleep(Number(argsOf(context).ms));
});
export const blocks: Task = task(named('blocks'), ({ progress }) => {
  progress({ done: 0, message: 'started' });
  for (;;);
});
export const blocksFor: Task = task(named('blocks for'), (context) => {
  const endsAt = Date.now() + Number(argsOf(context).ms);
  while (Date.now() < endsAt);
});
/** Writes a file as soon as it runs. */
export const marks: Task = task(named('marks'), (context) => {
  writeFileSync(String(argsOf(context).file), 'ran');
});
/** Appends a character to its file each time that it runs. */
export const traces: Task = task(named('traces'), (context) => {
  appendFileSync(String(argsOf(context).file), '.');
  return argsOf(context).value;
});
/** Writes to its file again and again, and ignores its signal. */
export const writesOn: Task = task(named('writes on'), async (context) => {
  const write = (): void => appendFileSync(String(argsOf(context).file), '.');
  write();
  const writing = setInterval(write, 10);
  context.progress({ done: 0, message: 'started' });
  await sleep(600_000);
  clearInterval(writing);
});
/** Continues as long as its file exists, and ignores its signal. */
export const lingers: Task = task(named('lingers'), async (context) => {
  context.progress({ done: 0, message: 'started' });
  while (existsSync(String(argsOf(context).file))) await sleep(10);
});
export const exits: Task = task(named('exits'), (context) => process.exit(Number(argsOf(context).code)));
export const throwsOutOfTimer: Task = task(named('throws out of a timer'), () => {
  setTimeout(() => {
    throw new Error('nothing catches this');
  });
  return new Promise(() => {});
});
export const forgetsAwait: Task = task(named('forgets await'), () => {
  void Promise.reject(new Error('nothing awaits this'));
});
export const throwsAfterwards: Task = task(named('throws afterwards'), (context) => {
  setTimeout(
    () => {
      throw new Error('its body has ended');
    },
    Number(argsOf(context).ms),
  );
});

export const reports: Task = task(named('reports'), async ({ progress, report, attach, log }) => {
  progress({ done: 1, total: 3 });
  log('half way', { at: 2 });
  report({ name: 'first check', status: 'pass' });
  await sleep(1);
  report({ name: 'second check', status: 'fail', message: 'too slow', data: { ms: 12 } });
  attach({ name: 'trace', mediaType: 'text/plain', text: 'a b c' });
});
/** Reports more updates than can be delivered one by one; findings must all be delivered. */
export const floods: Task = task(named('floods'), ({ progress, report, log }) => {
  for (let n = 1; n <= 20_000; n++) {
    progress({ done: n });
    log(`line ${n}`);
    if (n % 400 === 0) report({ name: `check ${n}`, status: 'pass' });
  }
});
export const reportsUnfit: Task = task(named('reports unfit'), ({ report }) => {
  report({ name: 'with a function', status: 'info', data: { run() {} } });
});

export const built: ReturnType<typeof key<{ readonly dir: string }>> = key('built');
export const tested: ReturnType<typeof key<number>> = key('tested');
export const keyed: Task = task(
  { name: 'keyed', requires: ['other', built], provides: ['something', tested] },
  ({ get, set }) => set(tested, get(built).dir.length),
);
export const shares: Task = task(named('shares'), ({ shared }) => {
  (shared.list as number[]).push(4);
  shared.added = 'here';
});
export const sharesUnfit: Task = task(named('shares unfit'), ({ shared }) => {
  shared.db = { socket() {} };
});
export const returnsUnfit: Task = task(named('returns unfit'), () => ({ db: [{ socket() {} }] }));
/** Values that a serialization may not support. */
export const rich: Readonly<Record<string, unknown>> = {
  map: new Map([['k', 1]]),
  set: new Set(['k']),
  date: new Date(1_000),
  pattern: /a+/gi,
  bytes: new Uint8Array([1, 2, 3]),
  bigint: 1n,
  notANumber: Number.NaN,
  inList: [1, undefined, 3],
};
export const returnsRich: Task = task(named('returns rich'), (context) => ({
  at: rich[String(argsOf(context).which)],
}));
export const returnsPolluting: Task = task(named('returns polluting'), () =>
  JSON.parse('{ "__proto__": { "polluted": true } }'),
);
export const returnsCycle: Task = task(named('returns cycle'), () => {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
});
export const returnsDeep: Task = task(named('returns deep'), () => {
  let value: object = {};
  for (let level = 0; level < 100_000; level++) value = { value };
  return value;
});
export const returnsLarge: Task = task(
  named('returns large'),
  (context) => new Uint8Array(Number(argsOf(context).bytes)),
);

export const tidies: Task = task({ name: 'cleans up', cleanup: () => 'cleaned up' }, () => 'the body itself');
export const bound: UnboundTask<{ to: string }, string> = task(
  { name: 'bound', args: type<{ to: string }>() },
  ({ args }) => args.to,
);
export const looped: readonly Task<string>[] = ['a', 'b'].map((letter) =>
  task({ name: `looped ${letter}` }, () => letter),
);
export const made: ReturnType<typeof maker<readonly string[], string>> = maker(function* (
  names: readonly string[],
) {
  for (const name of names) yield task({ name }, () => `made ${name}`);
});
export function plainFunction(): string {
  return 'a plain function';
}
export const namespace = { deep: { inside: plainFunction } };

export const served: ReturnType<typeof key<{ readonly port: number }>> = key('served');

/** Changes what it hands on after it was ready, and reports that it is ready again. */
export const serves: Task = service({ name: 'serves', provides: [served] }, async (context) => {
  const { set, shared, ready } = context;
  set(served, { port: 80 });
  shared.state = 'ready';
  ready();
  set(served, { port: 81 });
  shared.state = 'changed later';
  ready();
  await waitForAbort(context);
  return 'closed';
});
export const servesNothing: Task = service({ name: 'serves nothing' }, () => 'closed');
export const servesUnfit: Task = service({ name: 'serves unfit', provides: [served] }, async (context) => {
  context.set(served, { port: 80, socket() {} } as { port: number });
  context.ready();
  await waitForAbort(context);
});
export const servesOn: Task = service({ name: 'serves on' }, async ({ ready }) => {
  ready();
  await sleep(600_000);
});
export const servesUntilKilled: Task = service(
  { name: 'serves until killed', stop: 'kill' },
  async (context) => {
    context.ready();
    await waitForAbort(context);
    return 'closed';
  },
);

class DatabaseError extends Error {
  override name = 'DatabaseError';
  readonly table = 'users';
}

class ChecksFailed extends TaskFailError {
  override name = 'ChecksFailed';
  readonly count = 3;
}
