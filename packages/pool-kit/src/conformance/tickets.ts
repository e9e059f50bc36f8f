/** A pool reports when an attempt starts, delivers its updates, and returns what it has not started. */
import assert from 'node:assert/strict';
import { crosses, kills, rule, takesFunctions } from './case.ts';
import { type Attempt, describe, expectKind, expectSame, fixtures, type Sign } from './test-harness.ts';

export const startsOnce = rule(
  'reports exactly once, and before all else, that an attempt has started',
  takesFunctions,
  async (harness) => {
    for (const task of [fixtures.echo, fixtures.reports, fixtures.throws, fixtures.skips]) {
      const attempt = harness.attempt(task);
      await attempt.outcome();
      expectSame(kindsOf(attempt).filter((kind) => kind === 'started').length, 1, 'calls of started()');
      expectSame(kindsOf(attempt)[0], 'started', 'what came first');
    }
  },
);

export const namesWorker = rule(
  'names the worker that starts an attempt',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.echo);
    await attempt.outcome();
    const [first] = attempt.signs.filter((sign) => sign.kind === 'started');
    if (first !== undefined)
      assert.ok(typeof first.worker === 'string' && first.worker !== '', String(first.worker));
  },
);

export const startsInTime = rule(
  'reports that a body has started while it still keeps its worker busy',
  crosses,
  async (harness) => {
    await harness.outcomeOf(fixtures.echo);
    await startsLongBeforeItsEnd(harness.attempt(fixtures.blocksFor, { args: { ms: 600 } }));
  },
);

export const startsAfterWaiting = rule(
  'reports the same of a body that waited long for a worker',
  crosses,
  async (harness) => {
    const before = await harness.fill(fixtures.obeys);
    const waiting = harness.attempt(fixtures.blocksFor, { path: 'waited long', args: { ms: 600 } });
    await harness.lull();
    for (const each of before) each.abort();
    await startsLongBeforeItsEnd(waiting);
  },
);

async function startsLongBeforeItsEnd(attempt: Attempt): Promise<void> {
  await attempt.outcome();
  const endedAt = performance.now();
  const aheadMs = Math.round(endedAt - (await attempt.startedAt()));
  assert.ok(aheadMs > 300, `it reported the start ${aheadMs} ms before a body of 600 ms ended`);
}

export const knowsDurations = rule(
  'reports how long a body ran, by its start and its outcome or by ranMs',
  takesFunctions,
  async (harness) => {
    await harness.outcomeOf(fixtures.echo);
    await onceInAWhile(async () => {
      const startedMs = performance.now();
      const attempt = harness.attempt(fixtures.blocksFor, { args: { ms: 300 } });
      const outcome = await attempt.outcome();
      const endedMs = performance.now();
      const { ranMs = endedMs - (await attempt.startedAt()) } = outcome;
      assert.ok(ranMs > 250 && ranMs <= endedMs - startedMs + 1, `${ranMs} ms for a body that takes 300`);
    });
  },
);

export const fillsSlots = rule(
  'runs as many attempts at the same time as it reports slots',
  takesFunctions,
  async (harness) => {
    const attempts = Array.from({ length: harness.slotCount }, (_, n) =>
      harness.attempt(fixtures.obeys, { path: `fills slot ${n}` }),
    );
    await Promise.all(attempts.map((each) => each.started()));
  },
);

export const keepsToSlots = rule(
  'starts no more attempts than it reports slots, and the rest later',
  takesFunctions,
  async (harness) => {
    const attempts = harness.attempts(harness.slotCount + 2, fixtures.obeys);
    await Promise.all(attempts.slice(0, harness.slotCount).map((each) => each.started()));
    await harness.lull();
    expectSame(attempts.filter((each) => each.hasStarted).length, harness.slotCount, 'started attempts');
    for (const each of attempts.slice(0, harness.slotCount)) each.abort();
    await Promise.all(attempts.slice(harness.slotCount).map((each) => each.started()));
  },
);

export const returnsStopped = rule(
  'returns attempts that are stopped before they start',
  takesFunctions,
  async (harness) => {
    await harness.fill(fixtures.obeys);
    const waiting = harness.attempt(fixtures.echo, { path: 'waits' });
    waiting.abort();
    const { reason } = expectKind(await waiting.outcome(), 'not-started');
    assert.ok(reason.length > 0, 'the outcome has no reason');
    assert.ok(!waiting.hasStarted, 'it was started nevertheless');
  },
);

export const returnsReclaimed = rule(
  'returns attempts that have not started when it reclaims them, and no others',
  takesFunctions,
  async (harness) => {
    const { pool } = harness;
    const running = await harness.fill(fixtures.obeys);
    const waiting = harness.attempts(3, fixtures.echo);
    if (pool.reclaim === undefined) {
      await harness.lull();
      const message =
        'it has no reclaim(), and attempts wait in it: only a pool in which none ever waits may leave it out';
      assert.ok(
        waiting.every((each) => each.isSettled),
        message,
      );
    }
    pool.reclaim?.();
    for (const each of waiting) expectKind(await each.outcome(), 'not-started');
    const later = harness.attempt(fixtures.echo, { path: 'later' });
    for (const each of running) each.abort();
    for (const each of running)
      assert.notEqual(
        (await each.outcome()).kind,
        'not-started',
        'the outcome of an attempt that had started',
      );
    expectKind(await later.outcome(), 'returned');
  },
);

export const takesStopped = rule(
  'returns, or stops at once, an attempt that was stopped before the pool got it',
  takesFunctions,
  async (harness) => {
    await harness.attempt(fixtures.obeys, { isAborted: true }).outcome();
  },
);

export const strandsNothing = rule(
  'settles attempts that wait behind a body that hangs',
  kills,
  async (harness) => {
    const hanging = await harness.fill(fixtures.blocks, { graceMs: 100 });
    const behind = Array.from({ length: 4 }, (_, n) =>
      harness.attempt(fixtures.echo, { path: `behind ${n}` }),
    );
    for (const each of hanging) each.abort();
    const outcomes = await Promise.all(behind.map((each) => each.outcome()));
    for (const outcome of outcomes)
      assert.match(
        outcome.kind,
        /^(not-started|returned)$/,
        `an attempt that waited behind it got ${describe(outcome)}`,
      );
  },
);

export const deliversAll = rule(
  'delivers every kind of update, in order, before the outcome',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.reports);
    await attempt.outcome();
    assert.deepEqual(
      attempt.update.filter(({ kind }) => kind !== 'output' && kind !== 'heartbeat'),
      [
        { kind: 'progress', progress: { done: 1, total: 3 } },
        { kind: 'log', message: 'half way', data: { at: 2 } },
        { kind: 'finding', finding: { name: 'first check', status: 'pass' } },
        {
          kind: 'finding',
          finding: { name: 'second check', status: 'fail', message: 'too slow', data: { ms: 12 } },
        },
        { kind: 'attachment', attachment: { name: 'trace', mediaType: 'text/plain', text: 'a b c' } },
      ],
    );
    await harness.lull();
    assert.equal(attempt.signs.at(-1)?.kind, 'outcome', 'the pool reported something after the outcome');
  },
);

export const deliversOwn = rule(
  'delivers the updates of an attempt to its own ticket',
  takesFunctions,
  async (harness) => {
    const talking = harness.attempt(fixtures.reports);
    const silent = harness.attempt(fixtures.echo);
    await Promise.all([talking.outcome(), silent.outcome()]);
    assert.deepEqual(silent.update, []);
  },
);

export const standsFloods = rule(
  'loses no finding in a flood of updates',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.floods);
    expectKind(await attempt.outcome(), 'returned');
    const findings = attempt.update.filter((update) => update.kind === 'finding');
    expectSame(findings.length, 50, 'findings');
    const names = findings.map(({ finding }) => finding.name);
    assert.deepEqual(
      names,
      names.map((_, at) => `check ${(at + 1) * 400}`),
      'the findings are not in order',
    );
    const progress = attempt.update.filter((update) => update.kind === 'progress').at(-1);
    expectSame(progress?.progress.done, 20_000, 'the last progress');
  },
);

export const stopsEarly = rule(
  'calls no attempt stopped or crashed that it has not reported as started',
  kills,
  async (harness) => {
    // Workers may just be starting: attempts that are stopped may or may not have started.
    for (const waitMs of [0, 5, 25, 100]) {
      const attempts = harness.attempts(harness.slotCount, fixtures.ignores, {
        path: 'stopped early',
        graceMs: 1,
      });
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      for (const each of attempts) each.abort();
      for (const each of attempts) {
        const outcome = await each.outcome();
        assert.match(
          outcome.kind,
          /^(not-started|stopped)$/,
          `an attempt that was stopped early got ${describe(outcome)}`,
        );
      }
    }
    expectKind(await harness.outcomeOf(fixtures.echo), 'returned');
  },
);

export const sparesOthers = rule(
  'ignores the stop of an attempt that has ended already',
  takesFunctions,
  async (harness) => {
    const ended = harness.attempts(harness.slotCount, fixtures.echo, { graceMs: 10 });
    await Promise.all(ended.map((each) => each.outcome()));
    const running = await harness.fill(fixtures.takesTime, { args: { ms: 200 } });
    for (const each of ended) each.abort();
    for (const each of running) expectKind(await each.outcome(), 'returned');
  },
);

export const takesThemWhole = rule(
  'reads assignment and ticket in place, and copies neither',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.reports, { isOfRun: true, path: 'with getters' });
    const outcome = await attempt.outcome();
    const hint = 'their entries are getters here, as in a run: a copy by spread is empty';
    assert.equal(outcome.kind, 'returned', `expected "returned", got ${describe(outcome)}; ${hint}`);
    assert.ok(kindsOf(attempt).includes('started'), `started() never reached the ticket; ${hint}`);
    assert.ok(attempt.update.length > 0, `report() never reached the ticket; ${hint}`);
  },
);

export const replacesUnfit = rule(
  'replaces data of a finding that cannot be sent',
  crosses,
  async (harness) => {
    const attempt = harness.attempt(fixtures.reportsUnfit);
    expectKind(await attempt.outcome(), 'returned');
    const [finding] = attempt.update.filter((update) => update.kind === 'finding');
    assert.equal(finding?.finding.name, 'with a function');
  },
);

/** Where the machine itself pauses for a moment, every report is late: one success in three tries is enough. */
async function onceInAWhile(check: () => Promise<void>): Promise<void> {
  for (let left = 2; left > 0; left--) {
    try {
      return await check();
    } catch {
      // Once more.
    }
  }
  await check();
}

function kindsOf(attempt: Attempt): Sign['kind'][] {
  return attempt.signs.map(({ kind }) => kind);
}
