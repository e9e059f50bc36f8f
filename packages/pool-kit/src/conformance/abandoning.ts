/** A pool that can only ask bodies to stop abandons those that do not. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolOutcome } from '@pexen/core';
import { cannotKill, ruleOfTraces } from './case.ts';
import { type Attempt, describe, expectKind, fixtures, type TestHarness, within } from './test-harness.ts';

export const abandons = ruleOfTraces(
  'abandons a body that cannot be ended once its grace period is over, and its slot takes the next attempt',
  cannotKill,
  async (harness, folder) => {
    const lingering = await harness.fill(fixtures.lingers, { args: lingerOn(folder), graceMs: 100 });
    for (const each of lingering) each.abort();
    for (const each of lingering) expectAbandoned(await each.outcome(4_100));
    await harness.fill(fixtures.obeys);
  },
);

export const refusesToOpen = ruleOfTraces(
  'cannot be opened again while an abandoned body still runs, and can once the body has settled',
  cannotKill,
  async (harness, folder) => {
    const args = lingerOn(folder);
    const { settled } = await abandoned(await lingering(harness, args, 100));
    await harness.close('drain');
    const isRefusal = (error: unknown): boolean => !(error instanceof assert.AssertionError);
    await assert.rejects(harness.open(), isRefusal, 'it was opened while the body still ran in it');
    rmSync(args.file);
    if (settled === undefined) return;
    await within(
      Promise.resolve(settled),
      harness.timeoutMs,
      '`settled` of an abandoned body that has ended',
    );
    await harness.open();
    expectKind(await harness.outcomeOf(fixtures.echo), 'returned');
  },
);

export const killAbandons = ruleOfTraces(
  "close('kill') abandons bodies that cannot be ended at once",
  cannotKill,
  async (harness, folder) => {
    const attempt = await lingering(harness, lingerOn(folder), 600_000);
    const unstopped = await lingering(harness, lingerOn(folder), 600_000);
    attempt.abort();
    await harness.close('kill');
    expectAbandoned(await within(attempt.outcome(), 100, 'the outcome, once close() has resolved,'));
    expectKind(
      await within(
        unstopped.outcome(),
        100,
        'the outcome of the attempt that was not stopped, once close() has resolved,',
      ),
      'crashed',
    );
  },
);

/** The args of a body that continues until the file is removed. */
function lingerOn(folder: string): { readonly file: string } {
  const file = join(folder, 'linger');
  writeFileSync(file, '');
  return { file };
}

async function lingering(
  harness: TestHarness,
  args: { readonly file: string },
  graceMs: number,
): Promise<Attempt> {
  const attempt = harness.attempt(fixtures.lingers, { args, graceMs });
  await attempt.started();
  return attempt;
}

async function abandoned(attempt: Attempt): Promise<Extract<PoolOutcome, { readonly how: 'abandoned' }>> {
  attempt.abort();
  return expectAbandoned(await attempt.outcome(4_100));
}

function expectAbandoned(outcome: PoolOutcome): Extract<PoolOutcome, { readonly how: 'abandoned' }> {
  const stopped = expectKind(outcome, 'stopped');
  assert.equal(stopped.how, 'abandoned', `what became of it: ${describe(outcome)}, ${stopped.how}`);
  return stopped as Extract<PoolOutcome, { readonly how: 'abandoned' }>;
}
