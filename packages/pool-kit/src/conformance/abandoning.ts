/** What a pool does about a body that it can only ask to stop, and that does not. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolOutcome } from '@pexen/core';
import { cannotKill, ruleOfTraces } from './case.ts';
import { describe, expectKind } from './expect.ts';
import { type Attempt, fixtures, type Stand, within } from './stand.ts';

export const abandons = ruleOfTraces(
  'abandons a body that cannot be ended once its grace is over, and its slot takes the next attempt',
  cannotKill,
  async (stand, folder) => {
    const lingering = await stand.fill(fixtures.lingers, { args: lingerOn(folder), graceMs: 100 });
    for (const each of lingering) each.abort();
    for (const each of lingering) expectAbandoned(await each.outcome(4_100));
    await stand.fill(fixtures.obeys);
  },
);

export const refusesToOpen = ruleOfTraces(
  'is not opened again while an abandoned body still runs, but once it has settled',
  cannotKill,
  async (stand, folder) => {
    const args = lingerOn(folder);
    const { settled } = await abandoned(await lingering(stand, args, 100));
    await stand.close('drain');
    const isRefusal = (error: unknown): boolean => !(error instanceof assert.AssertionError);
    await assert.rejects(stand.open(), isRefusal, 'it was opened, and the body still runs in it');
    rmSync(args.file);
    if (settled === undefined) return;
    await within(Promise.resolve(settled), stand.patienceMs, '`settled` of an abandoned body that has ended');
    await stand.open();
    expectKind(await stand.outcomeOf(fixtures.echo), 'returned');
  },
);

export const killAbandons = ruleOfTraces(
  "close('kill') abandons at once what cannot be ended",
  cannotKill,
  async (stand, folder) => {
    const attempt = await lingering(stand, lingerOn(folder), 600_000);
    const unstopped = await lingering(stand, lingerOn(folder), 600_000);
    attempt.abort();
    await stand.close('kill');
    expectAbandoned(await within(attempt.outcome(), 100, 'the outcome, once close() has resolved,'));
    expectKind(
      await within(
        unstopped.outcome(),
        100,
        'the outcome of what was not stopped, once close() has resolved,',
      ),
      'crashed',
    );
  },
);

/** The args of a body that goes on until the file is gone. */
function lingerOn(folder: string): { readonly file: string } {
  const file = join(folder, 'linger');
  writeFileSync(file, '');
  return { file };
}

async function lingering(stand: Stand, args: { readonly file: string }, graceMs: number): Promise<Attempt> {
  const attempt = stand.attempt(fixtures.lingers, { args, graceMs });
  await attempt.begun();
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
