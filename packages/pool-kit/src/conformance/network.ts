/** A pool over a network handles messages that are lost, late or duplicated, and workers that are out of reach. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolOutcome } from '@pexen/core';
import { type ConformanceCase, kills, ruleOfTraces, takesFunctions } from './case.ts';
import {
  type Attempt,
  describe,
  expectKind,
  expectSame,
  fixtures,
  type TestHarness,
  within,
} from './test-harness.ts';
import { writesNoMore, writing } from './traces.ts';

/** A case for a pool whose messages can be disturbed. */
const ruleOfNetwork = (...parts: Parameters<typeof ruleOfTraces>): ConformanceCase => ({
  ...ruleOfTraces(...parts),
  needsNetwork: true,
});

export const standsDuplicates = ruleOfNetwork(
  'runs and settles each attempt once although messages come twice',
  takesFunctions,
  async (harness, folder) => {
    harness.faults.duplicate();
    const attempts = tracing(harness, folder, harness.slotCount * 3);
    for (const [n, each] of attempts.entries())
      assert.equal(expectKind(await each.outcome(), 'returned').value, n, `the value of attempt ${n}`);
    const talking = harness.attempt(fixtures.reports);
    await talking.outcome();
    const findings = talking.update.flatMap((update) =>
      update.kind === 'finding' ? [update.finding.name] : [],
    );
    assert.deepEqual(
      findings,
      ['first check', 'second check'],
      'the findings of an attempt that reports two',
    );
    await harness.lull();
    for (const each of [...attempts, talking]) settledOnce(each);
    for (const each of attempts) ranAtMostOnce(each);
  },
);

export const standsDelays = ruleOfNetwork(
  'loses nothing and reports nothing as lost when messages are late',
  takesFunctions,
  async (harness, folder) => {
    harness.faults.delay(60);
    const attempts = tracing(harness, folder, harness.slotCount + 1);
    for (const [n, each] of attempts.entries())
      assert.equal(expectKind(await each.outcome(), 'returned').value, n, `the value of attempt ${n}`);
    const stopped = harness.attempt(fixtures.obeys);
    await stopped.started();
    stopped.abort();
    assert.equal(expectKind(await stopped.outcome(), 'stopped').how, 'aborted');
    for (const each of [...attempts, stopped]) settledOnce(each);
    for (const each of attempts) ranAtMostOnce(each);
    assert.deepEqual(harness.lost, [], 'calls of workerLost(): every message came');
  },
);

export const reportsSlots = ruleOfNetwork(
  'reports fewer slots while a worker is out of reach, and all of them when it is back',
  takesFunctions,
  async (harness) => {
    const { slotCount } = harness;
    const [running] = await harness.fill(fixtures.obeys);
    harness.faults.cut({ worker: workerOf(running) });
    await fewerSlots(harness, slotCount);
    harness.faults.restore();
    await harness.slotsBack(slotCount);
    running?.abort();
    assert.match((await outcomeOf(running)).kind, /^(stopped|crashed|lost)$/);
  },
);

export const goesOn = ruleOfNetwork(
  'returns the outcome of a body that ended while its worker was out of reach for a moment, or reports it as lost',
  takesFunctions,
  async (harness, folder) => {
    const { slotCount } = harness;
    const { args, end } = untilEnd(folder);
    const [attempt] = await harness.fill(fixtures.lingers, { args });
    harness.faults.cut({ worker: workerOf(attempt) });
    end();
    await noticed(harness, () => harness.slotCount < slotCount);
    harness.faults.restore();
    const outcome = await outcomeOf(attempt);
    assert.match(outcome.kind, /^(returned|crashed|lost)$/, `what became of it: ${describe(outcome)}`);
    for (const each of tracing(harness, folder, slotCount)) {
      expectKind(await each.outcome(), 'returned');
      ranAtMostOnce(each);
    }
    await harness.lull();
    if (attempt !== undefined) settledOnce(attempt);
  },
);

export const losesCutOff = ruleOfNetwork(
  'ends attempts as "lost" whose worker does not come back, fenced only when they certainly do not run any more',
  takesFunctions,
  async (harness, folder) => {
    const { slotCount } = harness;
    const cutOff = await writing(harness, join(folder, 'cut off'));
    harness.faults.cut({ worker: workerOf(cutOff) });
    const outcome = await cutOff.outcome();
    assert.match(outcome.kind, /^(crashed|lost)$/, `what became of it: ${describe(outcome)}`);
    expectSame(harness.lost[0]?.worker, workerOf(cutOff), 'the worker that workerLost() names');
    if (outcome.kind === 'lost' && outcome.fenced !== undefined)
      await within(Promise.resolve(outcome.fenced), harness.timeoutMs, '`fenced` of the lost attempt');
    await writesNoMore(harness, cutOff);
    harness.faults.restore();
    await harness.slotsBack(slotCount);
    await harness.fill(fixtures.obeys);
    settledOnce(cutOff);
  },
);

export const runsNothingTwice = ruleOfNetwork(
  'runs no attempt elsewhere that an unreachable worker may have started',
  takesFunctions,
  async (harness, folder) => {
    const attempts = await startedInSilence(harness, folder);
    await noticed(harness, () => harness.lost.length > 0 || attempts.some((each) => each.isSettled));
    harness.faults.restore();
    await noticed(harness, () => attempts.every((each) => each.isSettled));
    await harness.lull();
    for (const each of attempts) ranAtMostOnce(each);
  },
);

export const returnsNothingStarted = ruleOfNetwork(
  'returns no attempt as unstarted that an unreachable worker may have started',
  takesFunctions,
  async (harness, folder) => {
    const { slotCount } = harness;
    const attempts = await startedInSilence(harness, folder);
    await noticed(harness, () => harness.slotCount < slotCount);
    harness.pool.reclaim?.();
    for (const each of attempts) each.abort();
    for (const each of attempts) {
      const { kind } = await each.outcome();
      if (kind === 'not-started')
        assert.equal(linesOf(each), 0, `the body of "${each.assignment.path}", "not-started", did run`);
    }
  },
);

export const stopsNothingUnseen = ruleOfNetwork(
  'returns no attempt as unstarted that was sent ahead, and is stopped before it is known that its worker is out of reach',
  takesFunctions,
  async (harness, folder) => {
    const { slotCount } = harness;
    const short = Array.from({ length: slotCount * 30 }, () => harness.attempt(fixtures.echo));
    for (const each of short) await each.outcome(); // Others are sent ahead from now on.
    const { args, end } = untilEnd(folder);
    await harness.fill(fixtures.lingers, { args });
    const behind = tracing(harness, folder, slotCount * 2, 100);
    await harness.lull();
    harness.faults.cut();
    for (const each of behind) each.abort();
    end();
    await noticed(harness, () => behind.every((each) => each.isSettled) && harness.lost.length > 0);
    harness.faults.restore();
    for (const each of behind) {
      const { kind } = await each.outcome();
      if (kind === 'not-started')
        assert.equal(linesOf(each), 0, `the body of "${each.assignment.path}", "not-started", did run`);
    }
  },
);

export const closesCutOff = ruleOfNetwork(
  "close('kill') resolves although every worker is out of reach",
  kills,
  async (harness, folder) => {
    const attempt = await writing(harness, join(folder, 'cut off'));
    harness.faults.cut();
    await harness.close('kill');
    const outcome = await within(attempt.outcome(), 100, 'the outcome, once close() has resolved,');
    assert.match(outcome.kind, /^(crashed|lost)$/, `what became of it: ${describe(outcome)}`);
    const isOpen = await harness.open().then(
      () => true,
      () => false,
    );
    if (isOpen) await writesNoMore(harness, attempt);
  },
);

/** Attempts that append to a file each time that they run, and return their number. */
function tracing(harness: TestHarness, folder: string, count: number, graceMs = 300): Attempt[] {
  return Array.from({ length: count }, (_, n) => {
    const path = `traces ${n}`;
    return harness.attempt(fixtures.traces, {
      path,
      graceMs,
      args: { file: join(folder, path), value: n },
    });
  });
}

/** Attempts whose bodies start in workers whose messages are lost. */
async function startedInSilence(harness: TestHarness, folder: string): Promise<Attempt[]> {
  for (const each of await harness.fill(fixtures.takesTime, { args: { ms: 20 } })) await each.outcome();
  harness.faults.cut({ direction: 'from worker' });
  const attempts = tracing(harness, folder, harness.slotCount);
  // A pool may notice the cut first, and send nothing.
  await noticed(harness, () => attempts.some((each) => linesOf(each) > 0) || harness.slotCount === 0);
  return attempts;
}

/** Arguments for bodies that go on until `end` is called, however slow the machine is. */
function untilEnd(folder: string): { readonly args: { readonly file: string }; end(): void } {
  const file = join(folder, 'not yet');
  writeFileSync(file, '');
  return { args: { file }, end: () => rmSync(file) };
}

async function outcomeOf(attempt: Attempt | undefined): Promise<PoolOutcome> {
  assert.ok(attempt !== undefined, 'the pool has no slot');
  return await attempt.outcome();
}

function workerOf(attempt: Attempt | undefined): string {
  const [worker] = attempt?.signs.flatMap((sign) => (sign.kind === 'started' ? [sign.worker] : [])) ?? [];
  assert.ok(worker !== undefined, 'started() did not name a worker');
  return worker;
}

async function fewerSlots(harness: TestHarness, before: number): Promise<void> {
  await noticed(harness, () => harness.slotCount < before);
  assert.ok(
    harness.slotCount < before,
    `it reports ${harness.slotCount} slots while a worker is out of reach`,
  );
}

/** Waits for a sign that the pool has noticed a cut, at most half of the kit's timeout. */
async function noticed(harness: TestHarness, sign: () => boolean): Promise<void> {
  const deadline = performance.now() + harness.timeoutMs / 2;
  while (!sign() && performance.now() < deadline) await new Promise(setImmediate);
}

/** How often its body has started. */
function linesOf({ assignment }: Attempt): number {
  const { file } = assignment.args as { readonly file: string };
  return existsSync(file) ? readFileSync(file, 'utf8').length : 0;
}

function ranAtMostOnce(attempt: Attempt): void {
  const times = linesOf(attempt);
  assert.ok(times <= 1, `the body of "${attempt.assignment.path}" ran ${times} times`);
}

function settledOnce({ signs, assignment }: Attempt): void {
  const count = (kind: string): number => signs.filter((sign) => sign.kind === kind).length;
  expectSame(count('outcome'), 1, `outcomes of "${assignment.path}"`);
  expectSame(count('started'), 1, `calls of started() for "${assignment.path}"`);
  expectSame(signs.at(-1)?.kind, 'outcome', `the last report about "${assignment.path}"`);
}
