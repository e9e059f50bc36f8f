/** Values reach the body and come back as the manifest promises; a value that cannot be sent is an error of the task that names it. */
import assert from 'node:assert/strict';
import { mergeShared, type PoolOutcome, type SharedState } from '@pexen/core';
import { clones, crosses, rule, serializes, staysHere, takesFunctions } from './case.ts';
import { type Attempt, describe, expectError, expectKind, expectSame, fixtures } from './test-harness.ts';

const plain = {
  text: 'täxt',
  number: -0.5,
  flag: true,
  nothing: null,
  list: [1, [2]],
  deep: { er: { still: 'here' } },
};

export const carriesPlain = rule('carries plain data there and back', takesFunctions, async (harness) => {
  assert.deepEqual(await echo(harness.attempt(fixtures.echo, { args: { value: plain } })), plain);
});

export const carriesRich = rule('carries what structured clone carries', clones, async (harness) => {
  const value = {
    map: new Map<unknown, unknown>([['k', new Set([1n])]]),
    date: new Date(1_000),
    pattern: /a+/gi,
    bytes: new Uint8Array([1, 2, 3]),
    missing: undefined,
    notANumber: Number.NaN,
  };
  assert.deepEqual(await echo(harness.attempt(fixtures.echo, { args: { value } })), value);
});

export const losesNothing = rule(
  'brings back another value never: the same, or an error that names what it cannot carry',
  serializes,
  async (harness) => {
    for (const [which, value] of Object.entries(fixtures.rich)) {
      const given = await harness.outcomeOf(fixtures.echo, { path: `is given ${which}`, args: { value } });
      if (given.kind === 'returned')
        assert.deepEqual(given.value, value, `what became of ${which} in the args`);
      else assert.match(expectError(given, 'threw').message, /args\.value/);
      const returned = await harness.outcomeOf(fixtures.returnsRich, {
        path: `returns ${which}`,
        args: { which },
      });
      const hint = 'see `json` of ChannelRules';
      if (returned.kind === 'returned')
        assert.deepEqual(
          returned.value,
          { at: value },
          `${which} was returned, and became another value; ${hint}`,
        );
      else assert.match(expectError(returned, 'threw').message, /value\.at/);
    }
  },
);

export const carriesLess = rule(
  'refuses something that structured clone carries, else it promises `clone`',
  serializes,
  async (harness) => {
    const hint = 'a pool that carries them all has the transport `clone`; see `json` of ChannelRules';
    const carried: Record<'args' | 'returned values', string[]> = { args: [], 'returned values': [] };
    for (const [which, value] of Object.entries(fixtures.rich)) {
      const given = await harness.outcomeOf(fixtures.echo, { path: `is given ${which}`, args: { value } });
      // An error may also be that of a value that cannot get back: it was carried there.
      if (given.kind === 'returned' || !/args\.value/.test(expectError(given, 'threw').message))
        carried.args.push(which);
      const path = `returns ${which}`;
      const returned = await harness.outcomeOf(fixtures.returnsRich, { path, args: { which } });
      if (returned.kind === 'returned') carried['returned values'].push(which);
    }
    for (const [what, names] of Object.entries(carried))
      assert.notDeepEqual(names, Object.keys(fixtures.rich), `what it carries in ${what}; ${hint}`);
  },
);

export const carriesReference = rule('passes the values themselves', staysHere, async (harness) => {
  const value = { call: () => 1 };
  assert.equal(await echo(harness.attempt(fixtures.echo, { args: { value } })), value);
});

export const passesContext = rule(
  'passes call path and attempt number to the body',
  takesFunctions,
  async (harness) => {
    const outcome = await harness.outcomeOf(fixtures.passesContext, { path: 'net/ping', attempt: 3 });
    assert.deepEqual(expectKind(outcome, 'returned').value, { attempt: 3, path: 'net/ping' });
  },
);

export const passesInterruptions = rule(
  'passes to the body how often its attempt was interrupted and the machine rebooted for it, 0 where the assignment does not say',
  takesFunctions,
  async (harness) => {
    const task = fixtures.passesInterruptions;
    for (const [difference, expected] of [
      [{}, '0, 0'],
      [{ interruptions: 2 }, '2, 0'],
      [{ rebootCount: 4 }, '0, 4'],
      [{ interruptions: 3, rebootCount: 1, attempt: 2, timeoutMs: 60_000, args: { n: 1 } }, '3, 1'],
    ] as const) {
      const { value } = expectKind(await harness.outcomeOf(task, difference), 'returned');
      expectSame(value, expected, 'the interruptions and reboots that the body sees');
    }
  },
);

export const passesTrace = rule(
  'passes to the body the trace context of its attempt, and none where the assignment has none',
  takesFunctions,
  async (harness) => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    for (const trace of [undefined, { traceparent }, { traceparent, tracestate: 'a=1,b=2' }]) {
      const difference = trace === undefined ? {} : { trace };
      const { value } = expectKind(await harness.outcomeOf(fixtures.passesTrace, difference), 'returned');
      assert.deepEqual(value, trace ?? null, 'the trace context that the body sees');
    }
  },
);

export const carriesKeys = rule(
  'carries typed keys by their position, there and back',
  takesFunctions,
  async (harness) => {
    const received = [{ requirement: 1, member: 0, values: [{ dir: 'out' }] }];
    const outcome = await harness.outcomeOf(fixtures.keyed, { received });
    expectKind(outcome, 'returned');
    assert.deepEqual(outcome.provided, [[1, 3]]);
  },
);

export const carriesShared = rule(
  'returns the dictionary as the body left it',
  takesFunctions,
  async (harness) => {
    const attempt = harness.attempt(fixtures.shares, { shared: mergeShared({ list: [1, 2, 3] }) });
    const shared = sharedAfter(await attempt.outcome(), attempt);
    assert.deepEqual({ ...shared }, { list: [1, 2, 3, 4], added: 'here' });
  },
);

export const copiesShared = rule("does not change the run's dictionary", crosses, async (harness) => {
  const shared = mergeShared({ list: [1, 2, 3] });
  await harness.outcomeOf(fixtures.shares, { shared });
  assert.deepEqual({ ...shared }, { list: [1, 2, 3] });
});

export const refusesUnfitValue = rule(
  'names the part of a returned value that cannot be sent',
  crosses,
  async (harness) => {
    const error = expectError(await harness.outcomeOf(fixtures.returnsUnfit), 'threw');
    assert.match(error.message, /value\.db\[0\]\.socket/);
  },
);

export const refusesUnfitShared = rule(
  'names the part of the dictionary that cannot be sent',
  crosses,
  async (harness) => {
    const error = expectError(await harness.outcomeOf(fixtures.sharesUnfit), 'threw');
    assert.match(error.message, /shared\.db\.socket/);
  },
);

export const refusesUnfitArgs = rule(
  'names the part of the args that cannot be sent',
  crosses,
  async (harness) => {
    const attempt = harness.attempt(fixtures.echo, { args: { value: { call: () => 1 } } });
    assert.match(expectError(await attempt.outcome(), 'threw').message, /args\.value\.call/);
  },
);

export const refusesPrototypes = rule('refuses keys that reach a prototype', crosses, async (harness) => {
  expectError(await harness.outcomeOf(fixtures.returnsPolluting), 'threw');
  const shared = JSON.parse('{ "__proto__": { "polluted": true } }') as SharedState;
  const outcome = await harness.outcomeOf(fixtures.echo, { shared });
  assert.ok(!('polluted' in {}), 'the prototype of all objects was changed');
  assert.ok(!('polluted' in (outcome.shared ?? {})), 'the prototype of the dictionary was changed');
});

export const standsCycles = rule('survives a value with a cycle', crosses, async (harness) => {
  await expectSettled(harness.attempt(fixtures.returnsCycle));
  expectKind(await harness.outcomeOf(fixtures.echo), 'returned');
});

export const standsDepth = rule('survives a value that is nested very deep', crosses, async (harness) => {
  await expectSettled(harness.attempt(fixtures.returnsDeep));
  let value: object = {};
  for (let level = 0; level < 100_000; level++) value = { value };
  await expectSettled(harness.attempt(fixtures.echo, { args: { value } }));
  expectKind(await harness.outcomeOf(fixtures.echo), 'returned');
});

export const standsSize = rule('survives a value of 100 MiB', crosses, async (harness) => {
  const large = harness.attempt(fixtures.returnsLarge, { args: { bytes: 100 * 1_048_576 } });
  await expectSettled(large, harness.timeoutMs * 5);
  expectKind(await harness.outcomeOf(fixtures.echo), 'returned');
});

async function echo(attempt: Attempt): Promise<unknown> {
  return expectKind(await attempt.outcome(), 'returned').value;
}

/** An error or a success, but no crash. */
async function expectSettled(attempt: Attempt, withinMs?: number): Promise<void> {
  const outcome = await attempt.outcome(withinMs);
  const hint = 'a value that cannot be sent is an error of the task: see findViolation()';
  assert.match(
    outcome.kind,
    /^(returned|threw)$/,
    `expected "returned" or "threw", got ${describe(outcome)}; ${hint}`,
  );
}

function sharedAfter(outcome: PoolOutcome, { assignment }: Attempt): SharedState {
  return outcome.shared ?? assignment.shared;
}
