/** Addresses resolve to the right bodies, or to an error. */
import assert from 'node:assert/strict';
import { type Address, type Body, fingerprintOf, isPexenError, type PoolOutcome, task } from '@pexen/core';
import { needsAddresses, noExecutables, rule, takesClosures, takesFunctions } from './case.ts';
import { expectError, expectKind, fixtures, fixturesUrl, type TestHarness } from './test-harness.ts';

export const findsMade = rule(
  'finds tasks made in a loop while their module loads',
  takesFunctions,
  async (harness) => {
    for (const [index, looped] of fixtures.looped.entries()) {
      assert.equal(expectKind(await harness.outcomeOf(looped), 'returned').value, ['a', 'b'][index]);
    }
  },
);

export const findsExport = rule('finds a function by its export path', needsAddresses, async (harness) => {
  const fingerprint = fingerprintOf(fixtures.plainFunction as Body);
  for (const exportPath of [['plainFunction'], ['namespace', 'deep', 'inside']]) {
    const address = { kind: 'export', url: fixturesUrl, exportPath, fingerprint } as const;
    const outcome = await harness.outcomeOf(fixtures.plainFunction, { address });
    assert.equal(expectKind(outcome, 'returned').value, 'a plain function');
  }
});

export const findsMakers = rule('finds the tasks of an exported maker', takesFunctions, async (harness) => {
  for (const made of fixtures.made(['x', 'y'])) {
    const outcome = await harness.outcomeOf(made);
    assert.equal(expectKind(outcome, 'returned').value, `made ${made.name}`);
  }
});

export const findsBound = rule(
  'finds a task with bound args and another name',
  takesFunctions,
  async (harness) => {
    const bound = fixtures.bound.with({ to: 'eu' }, { name: 'bound to eu' });
    assert.equal(expectKind(await harness.outcomeOf(bound), 'returned').value, 'eu');
  },
);

export const runsCleanup = rule(
  'runs the cleanup of a task where the assignment says so',
  takesFunctions,
  async (harness) => {
    const outcome = await harness.outcomeOf(fixtures.tidies, { part: 'cleanup' });
    assert.equal(expectKind(outcome, 'returned').value, 'cleaned up');
  },
);

export const checksFingerprint = rule(
  'refuses a body with another fingerprint than the run has',
  needsAddresses,
  async (harness) => {
    const { address } = harness.assignment(fixtures.passesContext);
    const outcome = await harness.outcomeOf(fixtures.passesContext, {
      address: { ...address, fingerprint: 'of another body' } as Address,
    });
    expectCode(outcome, 'PEXEN_FINGERPRINT');
  },
);

export const missesTask = rule('reports that a module has no such task', needsAddresses, async (harness) => {
  const { address } = harness.assignment(fixtures.echo);
  expectCode(
    await harness.outcomeOf(fixtures.echo, { address: { ...address, id: 'gone' } as Address }),
    'PEXEN_NO_SUCH_TASK',
  );
});

export const missesModule = rule('reports why a module cannot be loaded', needsAddresses, async (harness) => {
  const url = new URL('./not-there.js', fixturesUrl).href;
  const error = await missing(harness, url);
  assert.match(error.message, /not-there\.js/);
});

export const refusesRuns = rule(
  'refuses a module that starts a run while a worker loads it',
  needsAddresses,
  async (harness) => {
    const url = import.meta.resolve('@pexen/pool-kit/conformance/starts-a-run');
    const address = { kind: 'export', url, exportPath: ['innocent'], fingerprint: '' } as const;
    expectCode(await harness.outcomeOf(fixtures.echo, { address }), 'PEXEN_RUN_WHILE_LOADING');
  },
);

export const refusesClosures = rule('refuses a body without an address', needsAddresses, async (harness) => {
  const closure = task({ name: 'closure' }, () => 'ran');
  expectCode(await harness.outcomeOf(closure, { without: 'address' }), 'PEXEN_CLOSURE');
  expectKind(await harness.outcomeOf(fixtures.echo), 'returned');
});

export const runsClosures = rule('runs a body without an address', takesClosures, async (harness) => {
  const around = { value: 1 };
  const closure = task({ name: 'closure' }, () => around.value);
  assert.equal(expectKind(await harness.outcomeOf(closure), 'returned').value, 1);
});

export const refusesExecutables = rule('refuses programs', noExecutables, async (harness) => {
  const program = { file: process.execPath, argv: ['--version'], cwd: process.cwd(), env: {} };
  const outcome = await harness.outcomeOf(fixtures.echo, {
    address: { kind: 'executable', ...program },
    definition: {
      ...harness.assignment(fixtures.echo).definition,
      body: { ...program, interpret: neverAsked },
    },
  });
  expectError(outcome, 'threw');
});

function neverAsked(): never {
  throw new Error('a pool without programs must not interpret the facts of one');
}

async function missing(harness: TestHarness, url: string): Promise<Error> {
  const address = { kind: 'export', url, exportPath: ['x'], fingerprint: '' } as const;
  return expectError(await harness.outcomeOf(fixtures.echo, { address }), 'threw');
}

function expectCode(outcome: PoolOutcome, code: string): void {
  const error = expectError(outcome, 'threw');
  assert.ok(isPexenError(error), `expected a PexenError, got ${error.name}: ${error.message}`);
  assert.equal(error.code, code);
}
