/** A pool opens, closes, and can be opened again. */
import assert from 'node:assert/strict';
import { always, crosses, kills, rule, ruleOfLife, takesFunctions } from './case.ts';
import { HandleCensus, handlesAdded, listeners } from './handles.ts';
import { expectKind, fixtures, type TestHarness, within } from './test-harness.ts';

export const openSaysSlots = ruleOfLife(
  'reports its number of slots before open() resolves',
  always,
  async (harness) => {
    await harness.open();
    assert.ok(harness.slotsReportedAtOpen > 0, 'slotsChanged was not called by then');
    assert.ok(Number.isInteger(harness.slotCount) && harness.slotCount > 0, `${harness.slotCount} slots`);
  },
);

export const runBeforeOpen = ruleOfLife(
  'returns attempts unstarted before it is open',
  always,
  async (harness) => {
    expectKind(await harness.outcomeOf(fixtures.echo), 'not-started');
  },
);

export const runAfterClose = rule(
  'returns attempts unstarted after it was closed',
  always,
  async (harness) => {
    await harness.close('drain');
    expectKind(await harness.outcomeOf(fixtures.echo), 'not-started');
  },
);

export const reopens = rule('can be opened again after it was closed', takesFunctions, async (harness) => {
  await harness.close('drain');
  await harness.open();
  expectKind(await harness.outcomeOf(fixtures.echo), 'returned');
});

export const opensForOne = rule('rejects open() while it is open', takesFunctions, async (harness) => {
  const reported: number[] = [];
  const second = {
    slotsChanged: (slots: number) => void reported.push(slots),
    workerLost: () => {},
    lateError: () => {},
  };
  const opened = within(harness.pool.open(second), harness.timeoutMs, 'an answer of the second open()');
  const isRefusal = (error: unknown): boolean => !(error instanceof assert.AssertionError);
  await assert.rejects(opened, isRefusal, 'it was opened twice at the same time');
  assert.deepEqual(reported, [], 'it reported slots to the context that was refused');
  expectKind(await harness.outcomeOf(fixtures.echo), 'returned');
});

export const drainLetsEnd = rule(
  "close('drain') lets running attempts end",
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.takesTime, { args: { ms: 200 } });
    await attempt.started();
    await harness.close('drain');
    expectKind(await within(attempt.outcome(), 100, 'the outcome, once close() has resolved,'), 'returned');
  },
);

export const drainReturns = rule(
  "close('drain') returns attempts that have not started",
  takesFunctions,
  async (harness) => {
    const running = await harness.fill(fixtures.returnsAfterAbort);
    const waiting = harness.attempt(fixtures.echo, { path: 'waits' });
    const closed = harness.close('drain');
    for (const each of running) each.abort();
    await closed;
    expectKind(await waiting.outcome(), 'not-started');
    assert.ok(!waiting.hasStarted, 'it was started nevertheless');
  },
);

export const killEnds = rule(
  "close('kill') ends running attempts, whatever they do",
  kills,
  async (harness) => {
    const attempt = harness.attempt(fixtures.blocks);
    await attempt.started();
    await harness.close('kill');
    expectKind(await within(attempt.outcome(), 100, 'the outcome, once close() has resolved,'), 'crashed');
  },
);

export const killReturns = rule(
  "close('kill') returns attempts that have not started",
  kills,
  async (harness) => {
    await harness.fill(fixtures.ignores);
    const waiting = harness.attempt(fixtures.echo, { path: 'waits' });
    await harness.close('kill');
    expectKind(
      await within(waiting.outcome(), 100, 'the outcome, once close() has resolved,'),
      'not-started',
    );
  },
);

export const killInterruptsDrain = rule(
  "close('kill') may interrupt a close('drain') that takes too long",
  kills,
  async (harness) => {
    const attempt = harness.attempt(fixtures.ignores);
    await attempt.started();
    const drained = harness.close('drain');
    await harness.close('kill');
    await drained;
    expectKind(await within(attempt.outcome(), 100, 'the outcome, once close() has resolved,'), 'crashed');
  },
);

export const closesWhileOpening = ruleOfLife(
  'can be closed while it is being opened, and opened again afterwards',
  takesFunctions,
  async (harness) => {
    for (const how of ['drain', 'kill'] as const) {
      const opened = harness.opening();
      if (how === 'kill') await new Promise(setImmediate);
      await harness.close(how);
      await opened;
      expectKind(await harness.outcomeOf(fixtures.echo), 'not-started');
      await harness.open();
      expectKind(await harness.outcomeOf(fixtures.echo), 'returned');
      await harness.close('drain');
    }
  },
);

export const settlesAll = rule(
  'has settled every attempt when close() resolves, and reports nothing afterwards',
  takesFunctions,
  async (harness) => {
    const hows = harness.manifest.kills ? (['drain', 'kill'] as const) : (['drain'] as const);
    for (const how of hows) {
      if (!harness.isOpen) await harness.open();
      const running = await harness.fill(fixtures.takesTime, { args: { ms: 100 } });
      const waiting = how === 'drain' ? harness.attempts(2, fixtures.echo) : [];
      const all = [...running, ...waiting];
      await harness.close(how);
      await new Promise(setImmediate);
      for (const each of all)
        assert.ok(each.isSettled, `close('${how}') resolved, and "${each.assignment.path}" has no outcome`);
      await harness.lull();
      for (const each of all)
        assert.equal(
          each.signs.at(-1)?.kind,
          'outcome',
          'something was reported of an attempt after its outcome',
        );
    }
  },
);

export const leavesNothing = ruleOfLife('leaves no handle behind', crosses, async (harness) => {
  const leftovers = await handlesAdded(harness);
  await harness.open();
  await harness.outcomeOf(fixtures.echoLater);
  const aborted = harness.attempt(fixtures.obeys);
  await aborted.started();
  aborted.abort();
  await aborted.outcome();
  await harness.close('drain');
  assert.deepEqual(await leftovers(), [], 'handles that were not there before');
  const listening = listeners();
  await harness.open();
  await harness.outcomeOf(fixtures.exits, { args: { code: 7 } });
  if (harness.manifest.kills) {
    const running = harness.attempt(fixtures.ignores);
    await running.started();
    await harness.close('kill');
  } else await harness.close('drain');
  assert.deepEqual(await leftovers(), [], 'handles that were not there before');
  assert.deepEqual(listeners(), listening, 'listeners of `process`: more each time it is opened and closed');
});

export const leavesNothingHidden = ruleOfLife(
  'leaves no unreferenced handle behind, such as a server or a timer',
  takesFunctions,
  async (harness) => {
    const census = new HandleCensus();
    try {
      await census.watch(() => useUp(harness));
      // Handles that all pools of the kind share are made with the first one; each further pool adds those that it leaves behind.
      for (let round = 1; round <= mostRounds; round++) {
        const before = census.hidden();
        await census.watch(() => useUp(harness.another()));
        const added = await census.addedTo(before);
        if (added.length === 0) return;
        assert.ok(round < mostRounds, `left behind by each pool: ${added.join(', ')}`);
      }
    } finally {
      census.stop();
    }
  },
);

/** A handle that comes and goes may be added by chance, but not so often in a row. */
const mostRounds = 3;

/** Opens and closes the pool, with attempts of several kinds. */
async function useUp(harness: TestHarness): Promise<void> {
  const { kills: canKill, transport } = harness.manifest;
  for (const how of ['drain', 'kill'] as const) {
    await harness.open();
    await harness.outcomeOf(fixtures.echoLater);
    const aborted = harness.attempt(fixtures.obeys);
    await aborted.started();
    aborted.abort();
    await aborted.outcome();
    if (how === 'kill' && transport !== 'reference')
      await harness.outcomeOf(fixtures.exits, { args: { code: 7 } });
    if (how === 'kill' && canKill) await harness.attempt(fixtures.ignores).started();
    await harness.close(how);
  }
}
