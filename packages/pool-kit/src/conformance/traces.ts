/** What a pool says of a body is what became of it: bodies leave traces in files, where host and workers share a disk. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { kills, ruleOfTraces, takesFunctions } from './case.ts';
import { expectKind } from './expect.ts';
import { type Attempt, fixtures, type Stand } from './stand.ts';

export const runsNothingGivenBack = ruleOfTraces(
  'never runs what it gives back',
  takesFunctions,
  async (stand, folder) => {
    const running = await stand.fill(fixtures.obeys);
    const fileOf = ({ assignment }: Attempt): string => join(folder, assignment.path);
    const marks = (path: string): Attempt =>
      stand.attempt(fixtures.marks, { path, args: { file: join(folder, path) } });
    const waiting = [marks('stopped'), marks('recalled')];
    waiting[0]?.abort();
    stand.pool.reclaim?.();
    for (const each of running) each.abort();
    await Promise.all(
      [...running, ...waiting, ...stand.attempts(4, fixtures.echo)].map((each) => each.outcome()),
    );
    await stand.lull();
    for (const each of waiting) {
      if ((await each.outcome()).kind !== 'not-started') continue;
      assert.ok(
        !each.hasBegun,
        `started() or report() was called for "${each.assignment.path}", "not-started"`,
      );
      assert.ok(!existsSync(fileOf(each)), `the body of "${each.assignment.path}", "not-started", did run`);
    }
  },
);

export const endsWhatItKills = ruleOfTraces(
  'has ended the body of which it says so',
  kills,
  async (stand, folder) => {
    const stopped = await writing(stand, join(folder, 'stopped'));
    stopped.abort();
    expectKind(await stopped.outcome(), 'stopped');
    await writesNoMore(stand, stopped);
    const killed = await writing(stand, join(folder, 'killed'));
    await stand.close('kill');
    expectKind(await killed.outcome(), 'crashed');
    await writesNoMore(stand, killed);
  },
);

/** An attempt that writes to the file until it is ended by force, and has begun to. */
export async function writing(stand: Stand, file: string): Promise<Attempt> {
  const attempt = stand.attempt(fixtures.writesOn, { args: { file }, graceMs: 100 });
  await attempt.told();
  return attempt;
}

/** Fails if the body of this attempt still does something. */
export async function writesNoMore(stand: Stand, { assignment }: Attempt): Promise<void> {
  const { file } = assignment.args as { readonly file: string };
  const sizeBefore = sizeOf(file);
  await stand.lull();
  assert.equal(sizeOf(file), sizeBefore, 'the body still wrote to its file after the outcome had come');
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
