/** Every event of simulated and of real runs, and every inspection, conforms to its published schema. */
import { createRequire } from 'node:module';
import { type Inspection, type Pool, type RunEvent, runEventVersion } from '@pexen/core';
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { isWhole } from '#sample';
import { amount, anyOf, atLeast, inline, key, run, service, TaskFailError, task } from '../src/index.ts';
import { NodePool } from './node-pool.ts';
import { receivedIn } from './run-model/received.ts';
import { firstWithServices, generate } from './sim/generate.ts';

const load = createRequire(import.meta.url);
const schemas = {
  event: load('@pexen/core/schemas/run-event.schema.json') as AnySchemaObject,
  inspection: load('@pexen/core/schemas/inspection.schema.json') as AnySchemaObject,
};
const isEvent = strict(schemas.event);
const isInspection = strict(schemas.inspection);
const seeds = isWhole ? 1000 : 100;

/** Readers ignore unknown entries; this test allows none. */
function strict(schema: AnySchemaObject): ValidateFunction {
  const close = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(close);
    const entries = Object.entries(value).map(([name, entry]) => [name, close(entry)]);
    const isOpen = 'properties' in value && (value as { readonly type?: unknown }).type === 'object';
    return { ...Object.fromEntries(entries), ...(isOpen && { additionalProperties: false }) };
  };
  return new Ajv2020({ allErrors: true }).compile(close(schema) as AnySchemaObject);
}

function problemsOf(isValid: ValidateFunction, value: unknown): unknown {
  const text = JSON.stringify(value);
  return isValid(JSON.parse(text)) ? undefined : { text, errors: isValid.errors };
}

test('of simulated runs', () => {
  let seen = 0;
  const all = Array.from({ length: seeds }, (_, nth) => (nth % 4 === 0 ? firstWithServices + nth : nth));
  for (const seed of all)
    for (const received of receivedIn(generate(seed))) {
      if ('event' in received) expect(problemsOf(isEvent, received.event), `seed ${seed}`).toBeUndefined();
      if ('inspection' in received)
        expect(problemsOf(isInspection, received.inspection), `seed ${seed}`).toBeUndefined();
      seen++;
    }
  expect(seen).toBeGreaterThan(20 * seeds);
});

async function playEverything(): Promise<{
  readonly events: readonly RunEvent[];
  readonly inspections: readonly Inspection[];
}> {
  const built = key<string>('built');
  const vm: Pool = inline();
  const base = task(
    { name: 'base', provides: ['db', built], claims: ['/db'], weight: 5, scope: 'boot', cleanup: () => {} },
    ({ set, report }) => {
      set(built, 'x');
      report({ name: 'check', status: 'pass' });
    },
  );
  const fails = task({ name: 'fails', retries: 1, uses: ['/net', amount('memory-mb', 1)] }, () => {
    throw new AggregateError([new Error('one')], 'no', { cause: new Error('deep') });
  });
  const poisons = task({ name: 'poisons', claims: ['disk'], slowAfter: 50 }, () => {
    throw new TaskFailError('broken', { locksOk: false });
  });
  const entries = [
    ...[base, fails, poisons],
    task({ name: 'reads', uses: ['disk'], requires: [base, anyOf(built, 'db'), atLeast(1, 'db')] }, () => 1),
    task({ name: 'last', after: [fails], before: [poisons], tags: ['x'], priority: 2 }, ({ skip }) =>
      skip('no'),
    ),
    task({ name: 'alone', exclusive: true, pool: 'other', rerunnable: true }, () => 1),
    task({ name: 'reboots', mayReboot: true }, () => 1),
    task({ name: 'sets up', perNode: true, on: () => true, pool: 'lab' }, () => 1),
    task({ name: 'in group', group: 'vm' }, () => 1),
    task({ name: 'rescue', salvages: [fails] }, () => 1),
    task({ name: 'down', tearsDown: 'db' }, () => 1),
    service({ name: 'web', provides: ['url'] }, async ({ ready, signal }) => {
      ready();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    }),
    task({ name: 'asks', requires: ['url'] }, () => 1),
    task({ name: 'not here', when: 'not on this machine' }, () => 1),
  ];
  const lab = new NodePool([{ name: 'n1', properties: {}, slots: 1, bootMark: 'a' }]);
  const going = run(entries, {
    weights: (path) => (path === 'fails' ? { ms: 3, unusualMs: 1000 } : undefined),
    ...{ pools: { other: inline(), lab }, groups: { vm: { pool: vm } }, capacities: { 'memory-mb': 2 } },
    digester: {
      loaded: () => {},
      digestsOf: () => ({ meaning: 'm', code: 'c', data: 'd', limits: 'l' }),
      codeOf: () => 'c',
    },
    judge: ({ status }) => ({ verdict: status === 'returned' ? 'pass' : 'fail', reason: status }),
  });
  const events: RunEvent[] = [];
  const inspections: Inspection[] = [];
  going.events.on('event', (event) => {
    events.push(event);
    if (event.type !== 'run-started') inspections.push(going.inspect());
  });
  for await (const { path } of going) if (path === 'base') going.add([() => 1]);
  return { events, inspections };
}

test('of a real run in which much happens', async () => {
  const { events, inspections } = await playEverything();
  for (const event of events) expect(problemsOf(isEvent, event)).toBeUndefined();
  for (const each of inspections) expect(problemsOf(isInspection, each)).toBeUndefined();
  const infos = events.flatMap((event) => (event.type === 'tasks-added' ? event.tasks : []));
  const named = new Set(infos.flatMap((info) => Object.keys(info)));
  expect([...named].sort()).toEqual(Object.keys(schemas.event.$defs.TaskInfo.properties).sort());
});

test('and nothing else does', async () => {
  const { events } = await playEverything();
  const added = events.find(({ type }) => type === 'tasks-added');
  for (const wrong of [
    {},
    { ...events[0], version: runEventVersion + 1 },
    { ...events[0], seq: '1' },
    { ...added, origin: 'elsewhere' },
    { ...added, tasks: [{}] },
    { ...events[0], more: 1 },
  ])
    expect(problemsOf(isEvent, wrong), JSON.stringify(wrong).slice(0, 80)).toBeDefined();
});
