/** Pools that run services give each a worker of its own, report when it is ready, and end it when its signal is aborted. */
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import {
  type ExecutableFacts,
  executableTask,
  formatOutput,
  isPexenError,
  type Runnable,
  type Task,
} from '@pexen/core';
import {
  crossesServing,
  killsServing,
  rule,
  serves,
  servesPrograms as takesServicePrograms,
} from './case.ts';
import {
  type Attempt,
  expectError,
  expectKind,
  expectSame,
  fixtures,
  type TestHarness,
} from './test-harness.ts';

/** An attempt of a service, as a run would give it. */
function serve(
  harness: TestHarness,
  task: Runnable,
  difference: Parameters<TestHarness['attempt']>[1] = {},
): Attempt {
  return harness.attempt(task, { service: true, ...difference });
}

/** A service that is ready. */
async function served(harness: TestHarness, task: Runnable, difference = {}): Promise<Attempt> {
  const service = serve(harness, task, difference);
  await service.ready();
  return service;
}

export const reportsReady = rule(
  'reports once that a service is ready, between its start and its outcome',
  serves,
  async (harness) => {
    const service = await served(harness, fixtures.serves);
    service.abort();
    await service.outcome();
    const kinds = service.signs.map(({ kind }) => kind).filter((kind) => kind !== 'update');
    assert.deepEqual(kinds, ['started', 'ready', 'outcome'], `what it reported: ${kinds.join(', ')}`);
  },
);

export const reportsReadiness = rule(
  'passes on the values of the keys and the dictionary that a service has when it is ready',
  serves,
  async (harness) => {
    const service = serve(harness, fixtures.serves, { shared: { before: 1 } });
    const { shared, provided } = await service.ready();
    assert.deepEqual(provided, [[0, { port: 80 }]], 'the values of its keys');
    assert.deepEqual({ ...shared }, { before: 1, state: 'ready' }, 'its dictionary');
    service.abort();
    await service.outcome();
  },
);

export const endsBeforeReady = rule(
  'does not report that a service is ready which ends before that',
  serves,
  async (harness) => {
    const service = serve(harness, fixtures.servesNothing);
    expectKind(await service.outcome(), 'returned');
    assert.ok(!service.signs.some(({ kind }) => kind === 'ready'), 'it was reported as ready');
  },
);

export const refusesUnfitReady = rule(
  'fails a service that is ready with a value which cannot be sent, with an error that names the value',
  crossesServing,
  async (harness) => {
    const error = expectError(await serve(harness, fixtures.servesUnfit).outcome(), 'threw');
    assert.ok(isPexenError(error), `expected a PexenError, got ${error.name}: ${error.message}`);
    assert.match(error.message, /served\.socket/, `its message: ${error.message}`);
  },
);

export const servesBesideSlots = rule(
  'gives services workers of their own, beside its slots',
  serves,
  async (harness) => {
    const { slotCount } = harness;
    const first = await served(harness, fixtures.serves, { path: 'first service' });
    const others = await harness.fill(fixtures.obeys);
    const second = await served(harness, fixtures.serves, { path: 'second service' });
    expectSame(harness.slotCount, slotCount, 'the number of its slots while services run');
    for (const each of [...others, first, second]) each.abort();
    for (const each of [...others, first, second]) await each.outcome();
  },
);

export const sparesServices = rule(
  'lets services go on when it reclaims attempts',
  serves,
  async (harness) => {
    const service = await served(harness, fixtures.serves);
    harness.pool.reclaim?.();
    await harness.lull();
    assert.ok(!service.isSettled, 'the service was ended');
    service.abort();
    await service.outcome();
  },
);

export const stopsServices = rule(
  'passes on the value of a service that returns when its signal is aborted',
  serves,
  async (harness) => {
    const service = await served(harness, fixtures.serves, { path: 'stops' });
    service.abort();
    expectSame(expectKind(await service.outcome(), 'returned').value, 'closed', 'its value');
  },
);

export const forcesServices = rule(
  'ends a service by force that ignores its signal, within its grace period and four seconds',
  killsServing,
  async (harness) => {
    const service = await served(harness, fixtures.servesOn, { graceMs: 200 });
    service.abort();
    expectSame(expectKind(await service.outcome(4_200), 'stopped').how, 'killed', 'how it ended');
  },
);

export const killsAtOnce = rule(
  'ends a service by force at once where it is meant to be ended so',
  killsServing,
  async (harness) => {
    const service = await served(harness, fixtures.servesUntilKilled, { graceMs: 600_000 });
    service.abort();
    expectSame(expectKind(await service.outcome(), 'stopped').how, 'killed', 'how it ended');
  },
);

export const endsServices = rule("close('kill') ends services", killsServing, async (harness) => {
  const service = await served(harness, fixtures.servesOn);
  await harness.close('kill');
  await new Promise(setImmediate);
  assert.ok(service.isSettled, 'close() resolved, and the service has no outcome');
  expectKind(await service.outcome(), 'crashed');
});

const interpretNothing = () => {
  throw new Error('the run interprets the facts, not the pool');
};

/** A server that says which port it was given, and closes well. */
const script =
  'process.on("SIGTERM", () => process.exit(0)); console.log("port " + process.argv[1]); setInterval(() => {}, 1000)';

function serviceProgram(): Task {
  const file = process.execPath;
  const ready = { line: '^port \\d+$' };
  return executableTask(
    { name: 'serves', provides: ['db', fixtures.served] },
    {
      ...{ file, argv: ['-e', script, '{port}'], cwd: tmpdir(), env: {} },
      ...{ service: { ready }, interpret: interpretNothing },
    },
    { service: { restarts: 0, killsOnStop: false } },
  );
}

export const servesPrograms = rule(
  'reports that a program is ready, with its port as the value of its keys and in its dictionary',
  takesServicePrograms,
  async (harness) => {
    const service = serve(harness, serviceProgram());
    const { shared, provided } = await service.ready();
    const [[position, value] = []] = provided ?? [];
    expectSame(position, 1, 'the position of its key');
    const { port } = value as { readonly port: number };
    assert.ok(Number.isSafeInteger(port) && port > 0, `its port: ${port}`);
    assert.deepEqual(shared?.db, value, 'the entry of its dictionary');
    service.abort();
    const { exitCode, stdout } = expectKind(await service.outcome(), 'returned').value as ExecutableFacts;
    expectSame(exitCode, 0, 'its exit code');
    expectSame(formatOutput(stdout), `port ${port}\n`, 'its output');
  },
);

export const givesValues = rule(
  'gives a program the values of what it requires in PEXEN_VALUES',
  takesServicePrograms,
  async (harness) => {
    const print = 'console.log(process.env.PEXEN_VALUES, process.env.PEXEN_DB_PORT)';
    const body = { file: process.execPath, argv: ['-e', print], cwd: tmpdir(), env: {} };
    const task = executableTask(
      { name: 'asks', requires: ['db', fixtures.served] },
      { ...body, interpret: interpretNothing },
    );
    const received = [{ requirement: 1, member: 0, values: [{ port: 2 }] }];
    const outcome = await harness.outcomeOf(task, { shared: { db: { port: 1 }, other: 3 }, received });
    const { stdout } = expectKind(outcome, 'returned').value as ExecutableFacts;
    expectSame(formatOutput(stdout), '{"db":{"port":1},"served":{"port":2}} 1\n', 'what it found');
  },
);
