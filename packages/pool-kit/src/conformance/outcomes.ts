/** Whatever happens to a body becomes the right outcome. */
import assert from 'node:assert/strict';
import { isTaskFailError } from '@pexen/core';
import { crosses, kills, rule, takesFunctions } from './case.ts';
import { expectError, expectKind, expectSame, fixtures } from './test-harness.ts';

export const returns = rule('returns the value of a body', takesFunctions, async (harness) => {
  const { value } = expectKind(await harness.outcomeOf(fixtures.echo, { args: { value: 42 } }), 'returned');
  assert.equal(value, 42);
});

export const returnsLater = rule(
  'returns the value that the promise of a body resolves to',
  takesFunctions,
  async (harness) => {
    const outcome = await harness.outcomeOf(fixtures.echoLater, { args: { value: 'later' } });
    assert.equal(expectKind(outcome, 'returned').value, 'later');
  },
);

export const manyAtOnce = rule(
  'settles each of many attempts with its own outcome',
  takesFunctions,
  async (harness) => {
    const attempts = Array.from({ length: 200 }, (_, n) =>
      harness.attempt(fixtures.echo, { args: { value: n + 1_000 }, path: `echo ${n}` }),
    );
    const outcomes = await Promise.all(attempts.map((attempt) => attempt.outcome()));
    const values = outcomes.map((outcome) => expectKind(outcome, 'returned').value);
    assert.deepEqual(
      values,
      attempts.map((_, n) => n + 1_000),
    );
  },
);

export const throwing = rule('calls a body that throws "threw"', takesFunctions, async (harness) => {
  const attempt = harness.attempt(fixtures.throws);
  assert.equal(expectError(await attempt.outcome(), 'threw').message, 'no connection');
});

export const throwingLater = rule('calls a body that rejects "threw"', takesFunctions, async (harness) => {
  assert.equal(expectError(await harness.outcomeOf(fixtures.throwsLater), 'threw').message, 'no connection');
});

export const throwingText = rule(
  'returns a thrown value that is not an error',
  takesFunctions,
  async (harness) => {
    assert.equal(expectKind(await harness.outcomeOf(fixtures.throwsText), 'threw').error, 'just a text');
  },
);

export const failing = rule(
  'calls a TaskFailError "failed", with its flags',
  takesFunctions,
  async (harness) => {
    const outcome = expectKind(await harness.outcomeOf(fixtures.fails), 'failed');
    expectSame(outcome.depsOk, false, 'depsOk');
    expectSame(outcome.locksOk, false, 'locksOk');
    assert.ok(isTaskFailError(outcome.error), 'the error is not a TaskFailError any more');
  },
);

export const skipping = rule(
  'calls skip(reason) "skipped-itself", with the reason',
  takesFunctions,
  async (harness) => {
    const { reason } = expectKind(await harness.outcomeOf(fixtures.skips), 'skipped-itself');
    assert.equal(reason, 'no such device');
  },
);

export const obeying = rule(
  'calls a body that rejects with the reason of its signal "stopped, aborted"',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.obeys);
    await attempt.started();
    attempt.abort();
    assert.equal(expectKind(await attempt.outcome(), 'stopped').how, 'aborted');
  },
);

export const obeyingByNode = rule(
  'recognizes the AbortError that Node makes of the reason',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.obeysByNode);
    await attempt.started();
    attempt.abort();
    assert.equal(expectKind(await attempt.outcome(), 'stopped').how, 'aborted');
  },
);

export const returningAfterAbort = rule(
  'calls a body that returns after its signal "returned"',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.returnsAfterAbort);
    await attempt.started();
    attempt.abort();
    assert.equal(expectKind(await attempt.outcome(), 'returned').value, 'nearly done anyway');
  },
);

export const failingAfterAbort = rule(
  'calls a body that fails after its signal "failed"',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.failsAfterAbort);
    await attempt.started();
    attempt.abort();
    assert.equal(expectKind(await attempt.outcome(), 'failed').depsOk, false);
  },
);

export const throwingAfterAbort = rule(
  'calls a body that throws something else after its signal "threw"',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.throwsAfterAbort);
    await attempt.started();
    attempt.abort();
    assert.equal(expectError(await attempt.outcome(), 'threw').message, 'while cleaning up');
  },
);

export const exiting = rule(
  'calls a body that exits "crashed", whatever the exit code',
  crosses,
  async (harness) => {
    for (const code of [0, 7]) {
      const { reason } = expectKind(await harness.outcomeOf(fixtures.exits, { args: { code } }), 'crashed');
      assert.ok(reason.length > 0, 'the outcome has no reason');
    }
  },
);

export const throwingOutOfTimer = rule(
  'fails a body at once by an exception that is thrown out of a timer',
  crosses,
  async (harness) => {
    const { message } = expectError(await harness.outcomeOf(fixtures.throwsOutOfTimer), 'threw');
    assert.equal(message, 'nothing catches this');
  },
);

export const forgettingAwait = rule(
  'fails a body that leaves an unhandled rejection behind',
  crosses,
  async (harness) => {
    const outcome = await harness.outcomeOf(fixtures.forgetsAwait);
    assert.equal(expectError(outcome, 'threw').message, 'nothing awaits this');
  },
);

export const reportingLateErrors = rule(
  'reports an error that surfaces after its body has ended, and fails no other body by it',
  crosses,
  async (harness) => {
    const guilty = harness.attempt(fixtures.throwsAfterwards, { path: 'guilty', args: { ms: 150 } });
    expectKind(await guilty.outcome(), 'returned');
    const running = await harness.fill(fixtures.takesTime, { args: { ms: 300 } });
    for (const each of running) expectKind(await each.outcome(), 'returned');
    expectSame(harness.late.length, 1, 'calls of lateError()');
    const [{ worker = '', tasks = [], error } = {}] = harness.late;
    const [started] = guilty.signs.flatMap((sign) => (sign.kind === 'started' ? [sign.worker] : []));
    expectSame(worker, started, 'the worker that lateError() names, against the one that started() named');
    assert.ok(tasks.includes('guilty'), 'lateError() does not name the task that the error comes from');
    assert.match(String(error), /its body has ended/);
  },
);

export const reportingLosses = rule('reports which worker was lost', crosses, async (harness) => {
  const attempt = harness.attempt(fixtures.exits, { args: { code: 7 } });
  await attempt.outcome();
  await harness.outcomeOf(fixtures.echo);
  expectSame(harness.lost.length, 1, 'calls of workerLost()');
  const [{ worker = '', reason = '' } = {}] = harness.lost;
  assert.ok(worker, 'the worker has no name');
  assert.ok(reason, 'the outcome has no reason');
  const [started] = attempt.signs.flatMap((sign) => (sign.kind === 'started' ? [sign.worker] : []));
  expectSame(worker, started, 'the worker that workerLost() names, against the one that started() named');
});

export const surviving = rule(
  'continues in all its slots after a worker was lost or had to be replaced',
  crosses,
  async (harness) => {
    const { slotCount } = harness;
    const crashes = harness.attempts(slotCount, fixtures.exits, { args: { code: 7 } });
    await Promise.all(crashes.map((each) => each.outcome()));
    const failures = harness.attempts(slotCount, fixtures.throwsOutOfTimer);
    await Promise.all(failures.map((each) => each.outcome()));
    await harness.slotsBack(slotCount);
    await harness.fill(fixtures.obeys);
  },
);

export const killing = rule(
  'kills a body that ignores its signal, once its grace period is over',
  kills,
  async (harness) => {
    const attempt = harness.attempt(fixtures.ignores, { graceMs: 600 });
    await attempt.started();
    const abortedAt = performance.now();
    attempt.abort();
    assert.equal(expectKind(await attempt.outcome(4_600), 'stopped').how, 'killed');
    assert.ok(performance.now() - abortedAt >= 590, 'its grace period was cut short');
  },
);

export const killingBusy = rule('kills a body that keeps its thread busy', kills, async (harness) => {
  const attempt = harness.attempt(fixtures.blocks, { graceMs: 100 });
  await attempt.started();
  attempt.abort();
  assert.equal(expectKind(await attempt.outcome(4_100), 'stopped').how, 'killed');
});

export const workingAfterKill = rule(
  'continues in all its slots after it has killed',
  kills,
  async (harness) => {
    const { slotCount } = harness;
    const busy = harness.attempts(slotCount, fixtures.ignores, { graceMs: 100 });
    await Promise.all(busy.map((each) => each.started()));
    for (const each of busy) each.abort();
    await Promise.all(busy.map((each) => each.outcome()));
    await harness.slotsBack(slotCount);
    await harness.fill(fixtures.obeys);
  },
);
