/** Services through the scheduler, with real processes and threads: from the start of a server to the last test that needs it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ExecutableBody,
  executableTask,
  type Pool,
  type ProgramService,
  type Result,
  type RunEvent,
  type Runnable,
  type ServiceMeta,
  serviceRules,
  type TaskMeta,
} from '@pexen/core';
import { interpreter } from '@pexen/factory';
import { processes } from '@pexen/pool-process';
import { run } from '@pexen/sched';
import { describe, expect, onTestFinished, test } from 'vitest';
import { threads } from '../src/index.ts';
import { answers, failsWithServer, server } from './fixtures/served.ts';

const mark = `suite-services-${process.pid}`;
const env = { TEST_MARK: mark };

function nodeProgram(script: string): Pick<ExecutableBody, 'file' | 'argv' | 'cwd' | 'env'> {
  return { file: process.execPath, argv: ['-e', script, '{port}'], cwd: tmpdir(), env };
}

function serving(script: string, meta: ServiceMeta = {}, service: Partial<ProgramService> = {}): Runnable {
  const body = {
    ...nodeProgram(script),
    service: { ready: { port: '{port}' }, ...service } as const,
    interpret: interpreter({ tap: false, service: {} }),
  };
  return executableTask({ name: 'db', provides: ['db'], ...meta }, body, { service: serviceRules(meta) });
}

function testing(script: string, meta: TaskMeta = {}): Runnable {
  const body = { ...nodeProgram(script), interpret: interpreter() };
  return executableTask({ name: 'test', requires: ['db'], ...meta }, body);
}

const listens = 'require("net").createServer().listen(Number(process.argv[1]), "127.0.0.1")';
/** Fails if it cannot connect. */
const connects =
  'require("net").connect(Number(process.env.PEXEN_DB_PORT), "127.0.0.1").on("connect", () => process.exit()).on("error", () => process.exit(1))';

interface Played {
  readonly results: Readonly<Record<string, Result>>;
  readonly events: readonly RunEvent[];
}

async function played(
  tasks: readonly Runnable[],
  pool: Pool = processes({ workers: 2 }),
  heard: (event: RunEvent) => void = () => {},
): Promise<Played> {
  const running = run(tasks, { pool });
  const events: RunEvent[] = [];
  running.events.on('event', (event) => {
    events.push(event);
    heard(event);
  });
  const results: Record<string, Result> = {};
  for await (const result of running) results[result.path] = result;
  expect(strays()).toEqual([]);
  return { results, events };
}

/** What is alive of the programs of this test. */
function strays(): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`TEST_MARK=${mark}`);
    } catch {
      return false;
    }
  });
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'pexen-services-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Connects, and goes on until the run knows that the service has died: then `noting` makes the file. */
function outliving(isKnown: string, exitCode: number): string {
  const ends = `require("fs").existsSync(${JSON.stringify(isKnown)}) && process.exit(${exitCode})`;
  return `require("net").connect(Number(process.env.PEXEN_DB_PORT), "127.0.0.1").on("error", () => {}); setInterval(() => ${ends}, 5)`;
}

function noting(isKnown: string): (event: RunEvent) => void {
  return (event) => {
    if (event.type === 'attempt-ended' && event.path === 'db') writeFileSync(isKnown, '');
  };
}

describe('a program that is a service', () => {
  test('is up while tests run that get its port, and is stopped by SIGTERM', async () => {
    const { results, events } = await played([serving(listens), testing(connects)]);
    expect(results).toMatchObject({ test: { status: 'returned' }, db: { status: 'returned' } });
    const seen = events.flatMap(({ type, ...event }) => ('path' in event ? [`${type} ${event.path}`] : []));
    const order = ['service-ready db', 'attempt-ended test', 'service-stopping db', 'attempt-ended db'];
    expect(seen.filter((each) => order.includes(each))).toEqual(order);
  });

  test.each([
    ['exits with 143', 'process.on("SIGTERM", () => process.exit(143));', {}, 'returned'],
    ['ends by the signal that it wants', '', { stopSignal: 'SIGINT' }, 'returned'],
    [
      'exits with 130 by that',
      'process.on("SIGINT", () => process.exit(130));',
      { stopSignal: 'SIGINT' },
      'returned',
    ],
    ['exits with another code', 'process.on("SIGTERM", () => process.exit(130));', {}, 'failed'],
    [
      'crashes (SEGV) after SIGTERM',
      'process.on("SIGTERM", () => process.kill(process.pid, "SIGSEGV"));',
      {},
      'failed',
    ],
  ] as const)('that %s', async (_, before, service, status) => {
    const { results } = await played([serving(before + listens, {}, service), testing(connects)]);
    expect(results).toMatchObject({ test: { status: 'returned' }, db: { status } });
  });

  test('that goes into the background has failed before it was ready, with a hint, and is ended', async () => {
    const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(listens)}, process.argv[1]], { detached: true, stdio: "ignore" }).unref(); setTimeout(() => process.exit(), 50)`;
    const { results } = await played([serving(script, {}, { ready: { line: 'never' } }), testing(connects)]);
    expect(results).toMatchObject({ test: { status: 'skipped' }, db: { status: 'failed' } });
    expect(JSON.stringify(results.db)).toContain('run it in the foreground');
    expect(results.db).toMatchObject({ error: { stack: 'Error: it ended before it was ready' } }); // no frames of the scheduler
  });

  test('that dies while a test runs starts again for the next one; the test itself goes on', async () => {
    const isKnown = join(folder(), 'known');
    const dies = `${listens}.on("connection", () => process.exit(1))`;
    const first = testing(outliving(isKnown, 0), { name: 'first' });
    const second = testing('process.exit()', { name: 'second', after: [first] });
    const served = [serving(dies, { restarts: 1 }), first, second];
    const { results, events } = await played(served, undefined, noting(isKnown));
    expect(results).toMatchObject({ first: { status: 'returned' }, second: { status: 'returned' } });
    expect(events.filter(({ type }) => type === 'service-ready').length).toBe(2);
  });

  test('that dies while a test runs is named in the failure of the test, in one line', async () => {
    const isKnown = join(folder(), 'known');
    const dies = `${listens}.on("connection", () => { console.log("one"); console.log("two"); process.exit(1); })`;
    const { results } = await played(
      [serving(dies), testing(outliving(isKnown, 1))],
      undefined,
      noting(isKnown),
    );
    expect(results.test?.providersGone).toMatchObject([{ provider: 'db' }]);
    expect(results.test?.providersGone?.[0]?.reason).toMatch(/^ended without having been asked to \(.*\)$/);
  });

  test('that is not ready in time has timed out', async () => {
    const slow = serving('setInterval(() => {}, 1000)', { timeout: 300, grace: 50 });
    expect((await played([slow, testing(connects)])).results).toMatchObject({
      test: { status: 'skipped' },
      db: { status: 'timed-out' },
    });
  });

  test('runs behind a launcher as well', async () => {
    const pool = processes({ workers: 1, launcher: ['/bin/sh', '-c', 'exec "$@"', 'sh'] });
    const { results } = await played([serving(listens), testing(connects)], pool);
    expect(results).toMatchObject({ test: { status: 'returned' }, db: { status: 'returned' } });
  });
});

describe('a service in a module', () => {
  test.each([
    ['a process', () => processes({ workers: 1 })],
    [
      'a process behind a launcher',
      () => processes({ workers: 1, launcher: ['/bin/sh', '-c', 'exec "$@"', 'sh'] }),
    ],
    ['a thread', () => threads({ workers: 1 })],
  ])('has %s of its own, beside the only worker', async (_, pool) => {
    const { results } = await played([server, answers, failsWithServer], pool());
    expect(results).toMatchObject({
      answers: { status: 'returned', value: 'You asked for /a.' },
      'fails with server': { status: 'threw' },
    });
    expect(results.server?.status).not.toBe('returned');
  });
});
