/** A pool opens, closes, and may be opened again. */
import assert from 'node:assert/strict';
import { always, crosses, kills, rule, ruleOfLife, takesFunctions } from './case.ts';
import { expectKind } from './expect.ts';
import { HandleCensus } from './handle-census.ts';
import { fixtures, type Stand, within } from './stand.ts';

export const openSaysSlots = ruleOfLife(
  'says how many slots it has before open() resolves',
  always,
  async (stand) => {
    await stand.open();
    assert.ok(stand.slotsToldAtOpen > 0, 'slotsChanged was not called by then');
    assert.ok(Number.isInteger(stand.slotCount) && stand.slotCount > 0, `${stand.slotCount} slots`);
  },
);

export const runBeforeOpen = ruleOfLife(
  'gives back what it is given before it is open',
  always,
  async (stand) => {
    expectKind(await stand.outcomeOf(fixtures.echo), 'not-started');
  },
);

export const runAfterClose = rule(
  'gives back what it is given after it was closed',
  always,
  async (stand) => {
    await stand.close('drain');
    expectKind(await stand.outcomeOf(fixtures.echo), 'not-started');
  },
);

export const reopens = rule('can be opened again after it was closed', takesFunctions, async (stand) => {
  await stand.close('drain');
  await stand.open();
  expectKind(await stand.outcomeOf(fixtures.echo), 'returned');
});

export const opensForOne = rule('rejects open() while it is open', takesFunctions, async (stand) => {
  const told: number[] = [];
  const second = {
    slotsChanged: (slots: number) => void told.push(slots),
    workerLost: () => {},
    lateError: () => {},
  };
  const opened = within(stand.pool.open(second), stand.patienceMs, 'an answer of the second open()');
  const isRefusal = (error: unknown): boolean => !(error instanceof assert.AssertionError);
  await assert.rejects(opened, isRefusal, 'two have it at the same time');
  assert.deepEqual(told, [], 'the one that was refused was told of slots');
  expectKind(await stand.outcomeOf(fixtures.echo), 'returned');
});

export const drainLetsEnd = rule("close('drain') lets what runs end", takesFunctions, async (stand) => {
  const attempt = stand.attempt(fixtures.takesTime, { args: { ms: 200 } });
  await attempt.begun();
  await stand.close('drain');
  expectKind(await within(attempt.outcome(), 100, 'the outcome, once close() has resolved,'), 'returned');
});

export const drainGivesBack = rule(
  "close('drain') gives back what has not begun",
  takesFunctions,
  async (stand) => {
    const running = await stand.fill(fixtures.returnsAfterAbort);
    const waiting = stand.attempt(fixtures.echo, { path: 'waits' });
    const closed = stand.close('drain');
    for (const each of running) each.abort();
    await closed;
    expectKind(await waiting.outcome(), 'not-started');
    assert.ok(!waiting.hasBegun, 'it was begun all the same');
  },
);

export const killEnds = rule("close('kill') ends what runs, whatever it does", kills, async (stand) => {
  const attempt = stand.attempt(fixtures.blocks);
  await attempt.begun();
  await stand.close('kill');
  expectKind(await within(attempt.outcome(), 100, 'the outcome, once close() has resolved,'), 'crashed');
});

export const killGivesBack = rule("close('kill') gives back what has not begun", kills, async (stand) => {
  await stand.fill(fixtures.ignores);
  const waiting = stand.attempt(fixtures.echo, { path: 'waits' });
  await stand.close('kill');
  expectKind(await within(waiting.outcome(), 100, 'the outcome, once close() has resolved,'), 'not-started');
});

export const killOvertakesDrain = rule(
  "close('kill') may overtake a close('drain') that takes too long",
  kills,
  async (stand) => {
    const attempt = stand.attempt(fixtures.ignores);
    await attempt.begun();
    const drained = stand.close('drain');
    await stand.close('kill');
    await drained;
    expectKind(await within(attempt.outcome(), 100, 'the outcome, once close() has resolved,'), 'crashed');
  },
);

export const closesWhileOpening = ruleOfLife(
  'may be closed while it is being opened, and opened again afterwards',
  takesFunctions,
  async (stand) => {
    for (const how of ['drain', 'kill'] as const) {
      const opened = stand.opening();
      if (how === 'kill') await new Promise(setImmediate);
      await stand.close(how);
      await opened;
      expectKind(await stand.outcomeOf(fixtures.echo), 'not-started');
      await stand.open();
      expectKind(await stand.outcomeOf(fixtures.echo), 'returned');
      await stand.close('drain');
    }
  },
);

export const settlesAll = rule(
  'has settled everything when close() resolves, and says nothing afterwards',
  takesFunctions,
  async (stand) => {
    const hows = stand.manifest.kills ? (['drain', 'kill'] as const) : (['drain'] as const);
    for (const how of hows) {
      if (!stand.isOpen) await stand.open();
      const running = await stand.fill(fixtures.takesTime, { args: { ms: 100 } });
      const waiting = how === 'drain' ? stand.attempts(2, fixtures.echo) : [];
      const all = [...running, ...waiting];
      await stand.close(how);
      await new Promise(setImmediate);
      for (const each of all)
        assert.ok(each.isSettled, `close('${how}') resolved, and "${each.assignment.path}" has no outcome`);
      await stand.lull();
      for (const each of all)
        assert.equal(
          each.signs.at(-1)?.kind,
          'outcome',
          'something was said of an attempt after its outcome',
        );
    }
  },
);

export const leavesNothing = ruleOfLife('leaves no handle behind', crosses, async (stand) => {
  const leftovers = await handlesAdded(stand);
  await stand.open();
  await stand.outcomeOf(fixtures.echoLater);
  const aborted = stand.attempt(fixtures.obeys);
  await aborted.begun();
  aborted.abort();
  await aborted.outcome();
  await stand.close('drain');
  assert.deepEqual(await leftovers(), [], 'handles that were not there before');
  const listening = listeners();
  await stand.open();
  await stand.outcomeOf(fixtures.exits, { args: { code: 7 } });
  if (stand.manifest.kills) {
    const running = stand.attempt(fixtures.ignores);
    await running.begun();
    await stand.close('kill');
  } else await stand.close('drain');
  assert.deepEqual(await leftovers(), [], 'handles that were not there before');
  assert.deepEqual(listeners(), listening, 'listeners of `process`: more each time it is opened and closed');
});

export const leavesNothingHidden = ruleOfLife(
  'leaves no handle behind that is not referenced, as a server or a timer',
  takesFunctions,
  async (stand) => {
    const census = new HandleCensus();
    try {
      await census.watch(() => useUp(stand));
      // What all pools of the kind share is made with the first one; what is left behind is there once more with each further one.
      for (let round = 1; round <= mostRounds; round++) {
        const before = census.hidden();
        await census.watch(() => useUp(stand.another()));
        const added = await census.addedTo(before);
        if (added.length === 0) return;
        assert.ok(round < mostRounds, `left behind by each pool: ${added.join(', ')}`);
      }
    } finally {
      census.stop();
    }
  },
);

/** Something that comes and goes may be there once more by chance, but not so often in a row. */
const mostRounds = 3;

/** All the life of a pool. */
async function useUp(stand: Stand): Promise<void> {
  const { kills: canKill, transport } = stand.manifest;
  for (const how of ['drain', 'kill'] as const) {
    await stand.open();
    await stand.outcomeOf(fixtures.echoLater);
    const aborted = stand.attempt(fixtures.obeys);
    await aborted.begun();
    aborted.abort();
    await aborted.outcome();
    if (how === 'kill' && transport !== 'reference')
      await stand.outcomeOf(fixtures.exits, { args: { code: 7 } });
    if (how === 'kill' && canKill) await stand.attempt(fixtures.ignores).begun();
    await stand.close(how);
  }
}

/** Afterwards: which handles there are besides those of now. */
export async function handlesAdded(stand: Stand): Promise<() => Promise<readonly string[]>> {
  // These two are made when they are first looked at, by whomever.
  void [process.stdout, process.stderr];
  // Twice: what is gone a moment later must not stand for something new.
  const [first, , second] = [handles(), await stand.lull(), handles()];
  const before = new Map([...first].map(([kind, count]) => [kind, Math.min(count, second.get(kind) ?? 0)]));
  return async () => {
    // A second; and some turns of the loop, should the machine stand still for that second.
    const deadline = performance.now() + 1_000;
    for (let turns = 0; added(before).length > 0 && (turns < 100 || performance.now() < deadline); turns++)
      await new Promise(setImmediate);
    return added(before);
  };
}

/** How many listen to each event of `process`. */
function listeners(): Readonly<Record<string, number>> {
  const names = process.eventNames().filter((name) => typeof name === 'string');
  return Object.fromEntries(names.map((name) => [name, process.listenerCount(name)]));
}

/** Handles of this thread that keep it alive, and how many of each. Those of a test tool come and go: they are no concern. */
function handles(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

const kinds = /^(Timeout|Worker|MessagePort|ProcessWrap|ChildProcess|Pipe|TCP|UDP|FSEvent)/;

function added(before: ReadonlyMap<string, number>): string[] {
  return [...handles()]
    .filter(([kind, count]) => kinds.test(kind) && count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${count - (before.get(kind) ?? 0)} × ${kind}`);
}
