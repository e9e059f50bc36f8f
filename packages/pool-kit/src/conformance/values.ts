/** Values reach the body and come back as the manifest promises; what cannot cross is an error of the task that names it. */
import assert from 'node:assert/strict';
import { mergeShared, type PoolOutcome, type SharedState } from '@pexen/core';
import { clones, crosses, rule, serializes, staysHere, takesFunctions } from './case.ts';
import { describe, expectError, expectKind } from './expect.ts';
import { type Attempt, fixtures } from './stand.ts';

const plain = {
  text: 'täxt',
  number: -0.5,
  flag: true,
  nothing: null,
  list: [1, [2]],
  deep: { er: { still: 'here' } },
};

export const carriesPlain = rule('carries plain data there and back', takesFunctions, async (stand) => {
  assert.deepEqual(await echo(stand.attempt(fixtures.echo, { args: { value: plain } })), plain);
});

export const carriesRich = rule('carries what structured clone carries', clones, async (stand) => {
  const value = {
    map: new Map<unknown, unknown>([['k', new Set([1n])]]),
    date: new Date(1_000),
    pattern: /a+/gi,
    bytes: new Uint8Array([1, 2, 3]),
    missing: undefined,
    notANumber: Number.NaN,
  };
  assert.deepEqual(await echo(stand.attempt(fixtures.echo, { args: { value } })), value);
});

export const losesNothing = rule(
  'brings back another value never: the same, or an error that names what it cannot carry',
  serializes,
  async (stand) => {
    for (const [which, value] of Object.entries(fixtures.rich)) {
      const given = await stand.outcomeOf(fixtures.echo, { path: `is given ${which}`, args: { value } });
      if (given.kind === 'returned')
        assert.deepEqual(given.value, value, `what became of ${which} in the args`);
      else assert.match(expectError(given, 'threw').message, /args\.value/);
      const returned = await stand.outcomeOf(fixtures.returnsRich, {
        path: `returns ${which}`,
        args: { which },
      });
      const hint = 'see `json` of Border';
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
  async (stand) => {
    const hint = 'a pool that carries them all has the transport `clone`; see `json` of Border';
    const carried: Record<'args' | 'returned values', string[]> = { args: [], 'returned values': [] };
    for (const [which, value] of Object.entries(fixtures.rich)) {
      const given = await stand.outcomeOf(fixtures.echo, { path: `is given ${which}`, args: { value } });
      // An error may also be that of a value that cannot get back: it was carried there.
      if (given.kind === 'returned' || !/args\.value/.test(expectError(given, 'threw').message))
        carried.args.push(which);
      const path = `returns ${which}`;
      const returned = await stand.outcomeOf(fixtures.returnsRich, { path, args: { which } });
      if (returned.kind === 'returned') carried['returned values'].push(which);
    }
    for (const [what, names] of Object.entries(carried))
      assert.notDeepEqual(names, Object.keys(fixtures.rich), `what it carries in ${what}; ${hint}`);
  },
);

export const carriesReference = rule('hands over the values themselves', staysHere, async (stand) => {
  const value = { call: () => 1 };
  assert.equal(await echo(stand.attempt(fixtures.echo, { args: { value } })), value);
});

export const tellsContext = rule(
  'tells the body its call path and the number of the attempt',
  takesFunctions,
  async (stand) => {
    const outcome = await stand.outcomeOf(fixtures.tellsContext, { path: 'net/ping', attempt: 3 });
    assert.deepEqual(expectKind(outcome, 'returned').value, { attempt: 3, path: 'net/ping' });
  },
);

export const carriesKeys = rule(
  'hands over typed keys by their position, there and back',
  takesFunctions,
  async (stand) => {
    const received = [{ requirement: 1, member: 0, values: [{ dir: 'out' }] }];
    const outcome = await stand.outcomeOf(fixtures.keyed, { received });
    expectKind(outcome, 'returned');
    assert.deepEqual(outcome.provided, [[1, 3]]);
  },
);

export const carriesShared = rule(
  'brings back the dictionary as the body left it',
  takesFunctions,
  async (stand) => {
    const attempt = stand.attempt(fixtures.shares, { shared: mergeShared({ list: [1, 2, 3] }) });
    const shared = sharedAfter(await attempt.outcome(), attempt);
    assert.deepEqual({ ...shared }, { list: [1, 2, 3, 4], added: 'here' });
  },
);

export const copiesShared = rule("leaves the run's dictionary alone", crosses, async (stand) => {
  const shared = mergeShared({ list: [1, 2, 3] });
  await stand.outcomeOf(fixtures.shares, { shared });
  assert.deepEqual({ ...shared }, { list: [1, 2, 3] });
});

export const refusesUnfitValue = rule(
  'names what cannot cross in a returned value',
  crosses,
  async (stand) => {
    const error = expectError(await stand.outcomeOf(fixtures.returnsUnfit), 'threw');
    assert.match(error.message, /value\.db\[0\]\.socket/);
  },
);

export const refusesUnfitShared = rule(
  'names what cannot cross in the dictionary',
  crosses,
  async (stand) => {
    const error = expectError(await stand.outcomeOf(fixtures.sharesUnfit), 'threw');
    assert.match(error.message, /shared\.db\.socket/);
  },
);

export const refusesUnfitArgs = rule('names what cannot cross in the args', crosses, async (stand) => {
  const attempt = stand.attempt(fixtures.echo, { args: { value: { call: () => 1 } } });
  assert.match(expectError(await attempt.outcome(), 'threw').message, /args\.value\.call/);
});

export const refusesPrototypes = rule('refuses keys that reach a prototype', crosses, async (stand) => {
  expectError(await stand.outcomeOf(fixtures.returnsPolluting), 'threw');
  const shared = JSON.parse('{ "__proto__": { "polluted": true } }') as SharedState;
  const outcome = await stand.outcomeOf(fixtures.echo, { shared });
  assert.ok(!('polluted' in {}), 'the prototype of all objects was changed');
  assert.ok(!('polluted' in (outcome.shared ?? {})), 'the prototype of the dictionary was changed');
});

export const standsCycles = rule('lives on after a value with a cycle', crosses, async (stand) => {
  await expectSettled(stand.attempt(fixtures.returnsCycle));
  expectKind(await stand.outcomeOf(fixtures.echo), 'returned');
});

export const standsDepth = rule('lives on after a value that is nested very deep', crosses, async (stand) => {
  await expectSettled(stand.attempt(fixtures.returnsDeep));
  let value: object = {};
  for (let level = 0; level < 100_000; level++) value = { value };
  await expectSettled(stand.attempt(fixtures.echo, { args: { value } }));
  expectKind(await stand.outcomeOf(fixtures.echo), 'returned');
});

export const standsSize = rule('lives on after a value of 100 MiB', crosses, async (stand) => {
  const large = stand.attempt(fixtures.returnsLarge, { args: { bytes: 100 * 1_048_576 } });
  await expectSettled(large, stand.patienceMs * 5);
  expectKind(await stand.outcomeOf(fixtures.echo), 'returned');
});

async function echo(attempt: Attempt): Promise<unknown> {
  return expectKind(await attempt.outcome(), 'returned').value;
}

/** An error or a success, but no crash. */
async function expectSettled(attempt: Attempt, withinMs?: number): Promise<void> {
  const outcome = await attempt.outcome(withinMs);
  const hint = 'a value that cannot cross is an error of the task: see obstacleIn()';
  assert.match(
    outcome.kind,
    /^(returned|threw)$/,
    `expected "returned" or "threw", got ${describe(outcome)}; ${hint}`,
  );
}

function sharedAfter(outcome: PoolOutcome, { assignment }: Attempt): SharedState {
  return outcome.shared ?? assignment.shared;
}
