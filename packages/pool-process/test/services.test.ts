/** Services that are programs, as the pool runs them: when they are ready, what they hand on, and how they end. Real ones. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import {
  type Assignment,
  isPexenError,
  key,
  type Pool,
  type PoolOutcome,
  type ProgramService,
  type ReadyCondition,
  type ServiceRules,
  type TaskMeta,
} from '@pexen/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { processes } from '../src/index.ts';
import { executable, factsOf, type Given, RecordingTicket, runOne, scratch } from './support/attempts.ts';
import { processesWith, until } from './support/strays.ts';

const mark = `services-${process.pid}`;
let pool: Pool;
beforeAll(async () => {
  pool = processes({ workers: 1, env: { TEST_MARK: mark }, outputIntervalMs: 10 });
  await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
});
afterAll(async () => {
  await pool.close('kill');
  expect(processesWith(`TEST_MARK=${mark}`)).toEqual([]);
});

const url = key<{ readonly port: number }>('url');

interface GivenService extends Omit<Given, 'service'> {
  readonly meta?: TaskMeta;
  readonly rules?: Partial<ServiceRules>;
  readonly stopSignal?: ProgramService['stopSignal'];
}

/** A service that is a script of Node. */
function serving(script: string, ready: ReadyCondition, given: GivenService = {}): Assignment {
  return service(process.execPath, ['-e', script, '{port}'], ready, given);
}

function service(
  file: string,
  argv: readonly string[],
  ready: ReadyCondition,
  { meta = { provides: ['db', url] }, rules, stopSignal, ...given }: GivenService = {},
): Assignment {
  const { address, definition, ...rest } = executable(file, argv, given);
  return {
    ...rest,
    definition: { ...definition, meta, service: { restarts: 0, killsOnStop: false, ...rules } },
    address: { ...address, service: { ready, ...(stopSignal && { stopSignal }) } } as Assignment['address'],
    service: true,
  };
}

/** The service in the pool, stopped after the test. */
function started(assignment: Assignment): { ticket: RecordingTicket; outcome: Promise<PoolOutcome> } {
  const ticket = new RecordingTicket();
  const outcome = runOne(pool, assignment, ticket);
  onTestFinished(async () => {
    ticket.abort();
    await outcome;
  });
  return { ticket, outcome };
}

/** Resolves with the outcome of the service after it was ready and then asked to stop. */
async function stopped(assignment: Assignment): Promise<PoolOutcome> {
  const { ticket, outcome } = started(assignment);
  await ticket.isReady;
  ticket.abort();
  return await outcome;
}

const listens = 'require("net").createServer().listen(Number(process.argv[1]), "127.0.0.1")';
const goesOn = 'setInterval(() => {}, 1000)';

describe('a service is ready', () => {
  test('when it listens on its port, whose number it hands on', async () => {
    const { ticket } = started(serving(listens, { port: '{port}' }));
    const { provided, shared } = await ticket.isReady;
    const port = shared?.db as { port: number };
    expect(port).toEqual({ host: '127.0.0.1', port: expect.any(Number) });
    expect(provided).toEqual([[1, port]]);
    expect(await accepts(port.port)).toBe(true);
  });

  test('when a process that it started listens', async () => {
    const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(listens)}, process.argv[1]], { stdio: "inherit" })`;
    const { ticket } = started(serving(script, { port: '{port}' }));
    await ticket.isReady;
  });

  test('on another address of this machine', async () => {
    const { ticket } = started(serving(listens.replace('127.0.0.1', '::1'), { port: '{port}' }));
    expect((await ticket.isReady).shared?.db).toMatchObject({ host: '::1' });
  });

  test('when a line of its output matches, not a part of one; groups are values', async () => {
    const script = `process.stdout.write("listening on port 80"); setTimeout(() => console.log("80 of x"), 50); ${goesOn}`;
    const { ticket } = started(serving(script, { line: 'port (?<port>\\d+) of (?<name>.*)$' }));
    expect((await ticket.isReady).shared?.db).toEqual({ host: '127.0.0.1', port: 8080, name: 'x' });
  });

  test('by a line on stderr with colours, in a flood', async () => {
    const script = `for (let n = 0; n < 20_000; n++) console.error("line " + n); console.error("\\u001b[32mready\\u001b[0m"); ${goesOn}`;
    const { ticket } = started(serving(script, { line: '^ready$' }));
    await ticket.isReady;
  });

  test('when a file is there that was not there before', async () => {
    const cwd = scratch();
    const script = `require("fs").writeFileSync("up", ""); ${goesOn}`;
    const again = () => serving(script, { file: 'up' }, { cwd });
    for (const each of [again(), again()]) {
      const { ticket } = started(each);
      await ticket.isReady;
    }
    const { ticket } = started(serving(goesOn, { file: 'up' }, { cwd }));
    await ticket.isStarted;
    await pool.run(executable('/bin/true'), new RecordingTicket());
    expect(ticket.readiness).toBeUndefined();
  });

  test('when its URL answers well', async () => {
    const script = `let n = 0; require("http").createServer((_, answer) => answer.writeHead(++n < 3 ? 503 : 204).end()).listen(Number(process.argv[1]), "127.0.0.1")`;
    const { ticket } = started(serving(script, { http: 'http://127.0.0.1:{port}/health' }));
    const { db } = (await ticket.isReady).shared as { db: { port: number } };
    expect(db).toEqual({ host: '127.0.0.1', port: db.port, url: `http://127.0.0.1:${db.port}` });
  });

  test('when its URL answers with the status', async () => {
    const script = `let n = 0; require("http").createServer((_, answer) => answer.writeHead(++n < 3 ? 204 : 401).end()).listen(Number(process.argv[1]), "127.0.0.1")`;
    const { ticket } = started(serving(script, { http: 'http://127.0.0.1:{port}/', status: 401 }));
    await ticket.isReady;
  });

  test('when it reports so on fd 3, with values of its own', async () => {
    const script = `require("fs").writeSync(3, 'pass a check\\nready {"url":"x://y","port":1}\\n'); ${goesOn}`;
    const { ticket } = started(serving(script, { fd: 3 }));
    expect((await ticket.isReady).provided).toEqual([[1, { host: '127.0.0.1', port: 1, url: 'x://y' }]]);
  });

  test('and what it inherits is handed on as well', async () => {
    const script = `require("fs").writeSync(3, 'ready\\n'); ${goesOn}`;
    const { ticket } = started(serving(script, { fd: 3 }, { shared: { before: 1 } }));
    expect((await ticket.isReady).shared).toMatchObject({ before: 1, db: { host: '127.0.0.1' } });
  });
});

describe('a service cannot become ready', () => {
  test('by values that are not JSON', async () => {
    const { outcome } = started(
      serving(`require("fs").writeSync(3, 'ready {port}\\n'); ${goesOn}`, { fd: 3 }),
    );
    expect(await outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_BAD_READY' } });
  });

  test('by a pattern that cannot be read', async () => {
    const { outcome } = started(serving(goesOn, { line: '(' }));
    const error = {
      code: 'PEXEN_CANNOT_START',
      message: expect.stringContaining('Invalid regular expression'),
    };
    expect(await outcome).toMatchObject({ kind: 'threw', error });
  });

  test('on a port that another process has', async () => {
    const taken = await listening();
    const { outcome } = started(serving(goesOn, { port: taken.port }));
    expect(await outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_PORT_TAKEN' } });
  });

  test('at a URL that answers already', async () => {
    const taken = await listening('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
    const { outcome } = started(serving(goesOn, { http: `http://127.0.0.1:${taken.port}/` }));
    expect(await outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_PORT_TAKEN' } });
  });

  test('once it has ended', async () => {
    const { ticket, outcome } = started(serving('process.exit(0)', { line: 'never' }));
    expect(factsOf(await outcome)).toMatchObject({ exitCode: 0, leaked: 0 });
    expect(ticket.readiness).toBeUndefined();
  });

  test('in the background: what it left is ended', async () => {
    // It ends when that has started completely: a process that is just starting would not be counted, or counted twice.
    const isUp = JSON.stringify(join(scratch(), 'up'));
    const left = JSON.stringify(`require("fs").writeFileSync(${isUp}, ""); ${listens}`);
    const script = `require("child_process").spawn(process.execPath, ["-e", ${left}, process.argv[1]], { detached: true, stdio: "ignore" }).unref();
      setInterval(() => require("fs").existsSync(${isUp}) && process.exit(), 10)`;
    const { outcome } = started(serving(script, { line: 'never' }));
    expect(factsOf(await outcome)).toMatchObject({ exitCode: 0, leaked: 1 });
  });
});

describe('a port that is chosen', () => {
  test('is another one for each of several services, and for a service whose port was taken', async () => {
    const thieves: ChildProcess[] = [];
    onTestFinished(() => thieves.forEach((each) => void each.kill('SIGKILL')));
    const folder = scratch();
    // The first start gives its port to a process outside of the service.
    const script = `const fs = require("fs"); const port = process.argv[1]; const own = ${JSON.stringify(join(folder, 'stolen'))};
      if (fs.existsSync(own)) { ${listens} } else { fs.writeFileSync(own, port); ${goesOn} }`;
    const { ticket } = started(serving(script, { port: '{port}' }));
    await until(() => readIfThere(join(folder, 'stolen')) !== '');
    const stolen = readIfThere(join(folder, 'stolen'));
    thieves.push(spawn(process.execPath, ['-e', listens, stolen], { stdio: 'ignore' }));
    const { db } = (await ticket.isReady).shared as { db: { port: number } };
    expect(String(db.port)).not.toBe(stolen);
    expect(ticket.updates).toContainEqual(
      expect.objectContaining({ kind: 'log', message: expect.stringContaining('another port') }),
    );
  });
});

describe('a service is stopped', () => {
  test('by the signal, whose effect is a fact', async () => {
    const outcome = await stopped(serving(listens, { port: '{port}' }));
    expect(factsOf(outcome)).toMatchObject({ exitCode: null, signal: 'SIGTERM', stopSignal: 'SIGTERM' });
  });

  test('by the signal that it wants', async () => {
    const script = `process.on("SIGINT", () => process.exit(0)); ${listens}`;
    const outcome = await stopped(serving(script, { port: '{port}' }, { stopSignal: 'SIGINT' }));
    expect(factsOf(outcome)).toMatchObject({ exitCode: 0, stopSignal: 'SIGINT' });
  });

  test('by force after its grace period', async () => {
    const script = `process.on("SIGTERM", () => {}); ${listens}`;
    const outcome = await stopped(serving(script, { port: '{port}' }, { graceMs: 50 }));
    expect(outcome).toMatchObject({ kind: 'stopped', how: 'killed', step: 'ended by SIGKILL' });
  });

  test('before it is ready, saying what was missing', async () => {
    const { ticket, outcome } = started(serving(`console.log("loading"); ${goesOn}`, { line: '^up$' }));
    await ticket.printed('loading');
    ticket.abort();
    const step = 'ended by SIGTERM, still without a line of output that matches /^up$/';
    expect(await outcome).toMatchObject({ step });
  });

  test('by force at once, where it is meant to be', async () => {
    const script = `process.on("SIGTERM", () => process.exit(0)); ${listens}`;
    const rules = { killsOnStop: true };
    const outcome = await stopped(serving(script, { port: '{port}' }, { graceMs: 60_000, rules }));
    expect(outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
  });

  test('and crashes meanwhile: that is a fact, too', async () => {
    const script = `process.on("SIGTERM", () => process.kill(process.pid, "SIGSEGV")); ${listens}`;
    const outcome = await stopped(serving(script, { port: '{port}' }));
    expect(factsOf(outcome)).toMatchObject({ exitCode: null, signal: 'SIGSEGV', stopSignal: 'SIGTERM' });
  });

  test('with what left its group, which gets the signal and the rest of the grace period', async () => {
    const folder = scratch();
    const child = `process.on("SIGTERM", () => setTimeout(() => { require("fs").writeFileSync(${JSON.stringify(join(folder, 'closed'))}, "well"); process.exit(0) }, 200)); require("fs").writeSync(1, "up\\n"); ${goesOn}`;
    const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { detached: true, stdio: "inherit" }); process.on("SIGTERM", () => process.exit(0)); ${goesOn}`;
    const outcome = await stopped(serving(script, { line: '^up$' }, { graceMs: 5_000 }));
    expect(factsOf(outcome)).toMatchObject({ exitCode: 0, leaked: 0 });
    expect(readIfThere(join(folder, 'closed'))).toBe('well');
  });

  test('before it is ready', async () => {
    const { ticket, outcome } = started(serving(`console.log("begins"); ${goesOn}`, { line: 'never' }));
    await ticket.printed('begins');
    ticket.abort();
    expect(factsOf(await outcome)).toMatchObject({ signal: 'SIGTERM', stopSignal: 'SIGTERM' });
    expect(ticket.readiness).toBeUndefined();
  });
});

describe('beside the slots', () => {
  test('a service has no slot number, and takes no slot', async () => {
    const { ticket } = started(
      serving(`console.log("slot " + process.env.PEXEN_SLOT); ${goesOn}`, { line: '^slot' }),
    );
    await ticket.isReady;
    await ticket.printed('slot undefined');
    expect(factsOf(await runOne(pool, executable('/bin/true')))).toMatchObject({ exitCode: 0 });
    expect(ticket.workers).toEqual([expect.stringMatching(/^service process \d+ \(pid \d+\)$/)]);
  });

  test('its output is kept', async () => {
    const outcome = await stopped(serving(`console.log("hello"); ${goesOn}`, { line: '^hello' }));
    expect(outcome.stdout).toMatchObject({ head: 'hello\n' });
  });
});

describe('as another user', () => {
  const isRoot = process.getuid?.() === 0;
  const ids = `require("fs").writeFileSync(process.env.HOME + "/a", ""); require("fs").writeFileSync("b", ""); require("fs").appendFileSync(process.env.PEXEN_REPORT, "pass c\\n"); console.log("ids " + process.getuid() + " " + process.getgid()); ${goesOn}`;
  const as = (user: string): Assignment => {
    const { address, ...rest } = serving(ids, { line: '^ids' }, { workspace: 'private' });
    return { ...rest, address: { ...address, user } as Assignment['address'] };
  };

  test.runIf(isRoot)('it runs with the rights of that user, in directories of its own', async () => {
    const { ticket, outcome } = started(as('65534'));
    await ticket.isReady;
    await ticket.printed('ids 65534 65534\n');
    expect(ticket.stdout).toMatch(/^ids 65534 65534$/m);
    ticket.abort();
    expect(factsOf(await outcome).report).toBe('pass c\n');
  });

  test.runIf(isRoot)('an unknown one is a problem', async () => {
    const outcome = await runOne(pool, as('no-such-user'));
    expect(outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_USER' } });
  });

  test.skipIf(isRoot)('only root can', async () => {
    const outcome = await runOne(pool, as('root'));
    expect(outcome.kind === 'threw' && isPexenError(outcome.error)).toBe(true);
  });
});

describe('values of what a program requires', () => {
  const prints = ['-c', 'echo "$PEXEN_VALUES"; echo "$PEXEN_MY_DB_PORT $PEXEN_URL_URL"'];
  const requiring = (given: Partial<Assignment>): Assignment => {
    const assignment = executable('/bin/sh', prints);
    const meta: TaskMeta = { requires: ['my-db', url, 'other'] };
    return { ...assignment, definition: { ...assignment.definition, meta }, ...given };
  };

  test('are JSON in its environment; ports have variables of their own', async () => {
    const received = [{ requirement: 1, member: 0, values: [{ url: 'u' }] }];
    const shared = { 'my-db': { port: 7 }, unasked: 1 };
    const { stdout } = factsOf(await runOne(pool, requiring({ shared, received })));
    expect(stdout.head).toBe('{"my-db":{"port":7},"url":{"url":"u"}}\n7 u\n');
  });

  test('are absent where there are none', async () => {
    expect(factsOf(await runOne(pool, requiring({}))).stdout.head).toBe('\n \n');
  });

  test('must be plain data, and short', async () => {
    for (const [value, code] of [
      [new Map(), 'PEXEN_CANNOT_CROSS'],
      ['x'.repeat(200_000), 'PEXEN_VALUES_TOO_LONG'],
    ]) {
      const outcome = await runOne(pool, requiring({ shared: { 'my-db': value } }));
      expect(outcome).toMatchObject({ kind: 'threw', error: { code } });
    }
  });
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

/** A server of this process. */
async function listening(answer = ''): Promise<{ readonly port: number }> {
  const server: Server = createServer((socket) => socket.on('error', () => {}).end(answer));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as { port: number }).port };
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
