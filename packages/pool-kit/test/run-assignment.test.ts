import { createRequire } from 'node:module';
import { type Assignment, addressOf, definitionOf, type Runnable, type TaskUpdate } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { type AssignmentEnvelope, type BodyAddress, decodeOutcome, encodeAssignment } from '../src/index.ts';
import { runAssignment } from '../src/worker.ts';
import type * as Tasks from './fixtures/tasks.ts';

/** Loaded by Node itself; the worker side, in this same process, loads a copy of its own through the test tool. */
const tasks = createRequire(import.meta.url)('./fixtures/tasks.ts') as typeof Tasks;

const url = new URL('./fixtures/tasks.ts', import.meta.url).href;

function envelopeOf(runnable: Runnable, more: Partial<AssignmentEnvelope> = {}): AssignmentEnvelope {
  const address = addressOf(definitionOf(runnable)) as BodyAddress;
  expect(address.fingerprint).not.toBe('');
  return structuredClone({ address: { ...address, fingerprint: '' }, path: 'here', attempt: 1, ...more });
}

async function attempt(envelope: AssignmentEnvelope, signal = new AbortController().signal) {
  const updates: TaskUpdate[] = [];
  let started = 0;
  const link = {
    signal,
    started: () => void started++,
    report: (each: TaskUpdate) => void updates.push(each),
  };
  const outcome = decodeOutcome(structuredClone(await runAssignment(envelope, link)), 'worker 1');
  expect(started).toBe(1);
  return { outcome, updates };
}

describe('an address', () => {
  test('of a task made while its module loads resolves to its body', async () => {
    expect((await attempt(envelopeOf(tasks.plain))).outcome).toMatchObject({
      kind: 'returned',
      value: 'plain',
    });
    const [, second] = tasks.looped;
    expect((await attempt(envelopeOf(second as Runnable))).outcome).toMatchObject({ value: 'b' });
  });

  test('of an export resolves to a plain function', async () => {
    const fingerprint = '';
    const address = { kind: 'export', url, exportPath: ['plainFunction'], fingerprint } as const;
    expect((await attempt({ address, path: 'x', attempt: 1 })).outcome).toMatchObject({
      value: 'a function',
    });
  });

  test('of a task that a maker made has the maker, its input and the name', async () => {
    const [, beta] = tasks.checks(['alpha', 'beta']);
    const envelope = envelopeOf(beta as Runnable);
    expect(envelope.address).toMatchObject({ kind: 'maker', input: ['alpha', 'beta'], id: 'beta' });
    expect((await attempt(envelope)).outcome).toMatchObject({ value: 'checked beta' });
  });

  test('of a task with bound args is that of the task they were bound to', async () => {
    const toEurope = tasks.bound.with({ to: 'eu' }, { name: 'bound to eu' });
    expect((await attempt(envelopeOf(toEurope, { args: { to: 'eu' } }))).outcome).toMatchObject({
      value: 'eu',
    });
  });

  test('of a controlled task is its own, and has the fingerprint of the body within', async () => {
    const { outcome } = await attempt(envelopeOf(tasks.safe));
    expect(outcome).toMatchObject({ kind: 'failed', depsOk: false, error: { message: 'unsafe' } });
    expect((await attempt(envelopeOf(tasks.unsafe))).outcome.kind).toBe('threw');
    const fingerprints = [tasks.safe, tasks.otherSafe].map((each) => {
      const address = addressOf(definitionOf(each)) as BodyAddress;
      return address.fingerprint;
    });
    expect(new Set(fingerprints).size).toBe(2);
  });

  test('that resolves to another body is an error', async () => {
    const envelope = envelopeOf(tasks.plain);
    const address = { ...envelope.address, fingerprint: 'other' } as BodyAddress;
    const { outcome } = await attempt({ ...envelope, address });
    expect(outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_FINGERPRINT' } });
  });

  test('that two tasks have is an error that names both locations', async () => {
    const { outcome } = await attempt(envelopeOf(tasks.twins[1] as Runnable));
    expect(outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_DUPLICATE_ID' } });
    expect(String((outcome as { error: unknown }).error)).toMatch(
      /"twin", the other was made at .*tasks\.ts:/,
    );
  });

  test('that resolves to nothing is an error', async () => {
    const envelope = envelopeOf(tasks.plain);
    for (const address of [
      { ...envelope.address, id: 'gone' },
      { kind: 'export', url, exportPath: ['nothing', 'here'], fingerprint: '' },
      { kind: 'maker', url, maker: 'gone', input: 1, id: 'x', fingerprint: '' },
    ]) {
      const { outcome } = await attempt({ ...envelope, address: address as BodyAddress });
      expect(outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_NO_SUCH_TASK' } });
    }
  });
});

describe('the outcome', () => {
  test('has the keys and the shared state of the body', async () => {
    const received = [{ requirement: 0, member: 0, values: [{ dir: 'out' }] }];
    const keyed = await attempt(envelopeOf(tasks.keyed, { received }));
    expect(keyed.outcome).toMatchObject({ kind: 'returned', provided: [[0, 3]] });
    const sharing = await attempt(envelopeOf(tasks.sharing, { shared: { n: 1 } }));
    expect({ ...sharing.outcome.shared }).toEqual({ n: 2 });
  });

  test('has a TaskFailError with its flags and data', async () => {
    const { outcome } = await attempt(envelopeOf(tasks.failing));
    expect(outcome).toMatchObject({ kind: 'failed', depsOk: false, locksOk: true });
    expect((outcome as { error: { data: unknown } }).error.data).toEqual(new Map([['n', 1]]));
  });

  test('reports that the body skipped itself', async () => {
    const { outcome } = await attempt(envelopeOf(tasks.skipping));
    expect(outcome).toMatchObject({ kind: 'skipped-itself', reason: 'not today' });
  });

  test('reports that the body obeyed its signal', async () => {
    const controller = new AbortController();
    const running = attempt(envelopeOf(tasks.listening), controller.signal);
    controller.abort(new Error('enough'));
    expect((await running).outcome).toMatchObject({ kind: 'stopped', how: 'aborted' });
  });

  test('is an error that names the value that cannot be sent', async () => {
    const { outcome } = await attempt(envelopeOf(tasks.unfit));
    expect(outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_CANNOT_CROSS' } });
    expect(String((outcome as { error: unknown }).error)).toMatch(/value\.db\.socket is a function/);
  });

  test('names the key whose value cannot be sent', async () => {
    const { outcome } = await attempt(envelopeOf(tasks.unfitKey));
    expect(String((outcome as { error: unknown }).error)).toMatch(/ built\.dir is a function/);
  });

  test('names the key whose value cannot be passed on', async () => {
    const definition = definitionOf(tasks.keyed);
    const received = [{ requirement: 0, member: 0, values: [{ dir: 'out' }, { dir: Symbol('out') }] }];
    const assignment: Assignment = {
      ...{ task: tasks.keyed, definition, address: addressOf(definition), path: 'keyed', attempt: 1 },
      ...{ part: 'body', args: {}, shared: {}, received, graceMs: 0, timeoutMs: undefined },
    };
    const { outcome } = await attempt(encodeAssignment(assignment, 'test'));
    expect(String((outcome as { error: unknown }).error)).toMatch(/ built\.dir is a symbol/);
  });

  test('of the part cleanup is that of the cleanup', async () => {
    const { outcome } = await attempt(envelopeOf(tasks.tidied, { part: 'cleanup' }));
    expect(outcome).toMatchObject({ kind: 'returned', value: 'tidy' });
  });
});
