/** What a pool reports of a body is true: bodies leave traces in files, where host and workers share a disk. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { kills, ruleOfTraces, takesFunctions } from './case.ts';
import { type Attempt, expectKind, fixtures, type TestHarness } from './test-harness.ts';

export const runsNothingReturned = ruleOfTraces(
  'never runs attempts that it returns as unstarted',
  takesFunctions,
  async (harness, folder) => {
    const running = await harness.fill(fixtures.obeys);
    const fileOf = ({ assignment }: Attempt): string => join(folder, assignment.path);
    const marks = (path: string): Attempt =>
      harness.attempt(fixtures.marks, { path, args: { file: join(folder, path) } });
    const waiting = [marks('stopped'), marks('reclaimed')];
    waiting[0]?.abort();
    harness.pool.reclaim?.();
    for (const each of running) each.abort();
    await Promise.all(
      [...running, ...waiting, ...harness.attempts(4, fixtures.echo)].map((each) => each.outcome()),
    );
    await harness.lull();
    for (const each of waiting) {
      if ((await each.outcome()).kind !== 'not-started') continue;
      assert.ok(
        !each.hasStarted,
        `started() or report() was called for "${each.assignment.path}", "not-started"`,
      );
      assert.ok(!existsSync(fileOf(each)), `the body of "${each.assignment.path}", "not-started", did run`);
    }
  },
);

export const endsWhatItKills = ruleOfTraces(
  'has really ended the bodies that it reports as ended',
  kills,
  async (harness, folder) => {
    const stopped = await writing(harness, join(folder, 'stopped'));
    stopped.abort();
    expectKind(await stopped.outcome(), 'stopped');
    await writesNoMore(harness, stopped);
    const killed = await writing(harness, join(folder, 'killed'));
    await harness.close('kill');
    expectKind(await killed.outcome(), 'crashed');
    await writesNoMore(harness, killed);
  },
);

/** A started attempt that writes to the file until it is ended by force. */
export async function writing(harness: TestHarness, file: string): Promise<Attempt> {
  const attempt = harness.attempt(fixtures.writesOn, { args: { file }, graceMs: 100 });
  await attempt.firstUpdate();
  return attempt;
}

/** Fails if the body of this attempt still runs. */
export async function writesNoMore(harness: TestHarness, { assignment }: Attempt): Promise<void> {
  const { file } = assignment.args as { readonly file: string };
  const sizeBefore = sizeOf(file);
  await harness.lull();
  assert.equal(sizeOf(file), sizeBefore, 'the body still wrote to its file after its outcome');
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
