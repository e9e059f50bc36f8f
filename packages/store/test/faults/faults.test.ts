/**
 * The n-th write, synchronization or opening of a file of the journal fails, once or from then on: the session goes on, nothing that was reported as
 * committed is missing, and when the disk is in order again the journal is continued.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { buildLibrary, errors, type FailingCall } from '#failing-disk';
import { isWhole, seed } from '#sample';
import { memoryFolder } from '../fuzz/originals.ts';
import { violationsOf } from './check.ts';
import { type Calls, type FaultCase, play } from './faults.ts';

const never = { call: 'write', errno: 0, from: 1_000_000, count: 1 } as const;

/** Every call of a session, each error, once and from then on. */
function casesOf(calls: Calls, isContinued: boolean): FaultCase[] {
  const kinds: readonly FailingCall[] = ['write', 'sync', 'open'];
  return kinds.flatMap((call) =>
    Array.from({ length: calls[call] }, (_, index) => index + 1).flatMap((from) =>
      Object.values(errors).flatMap((errno) =>
        [1, 0].map((count): FaultCase => ({ call, errno, from, count, isContinued })),
      ),
    ),
  );
}

test('a journal on a disk that fails at any call goes on, loses nothing that was committed, and is continued', ({
  skip,
}) => {
  const folder = mkdtempSync(join(memoryFolder, 'pexen-faults-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const library = buildLibrary(folder);
  if (library === undefined) {
    skip('there is no C compiler here, or it makes no library that can be preloaded');
    return;
  }
  const all = [false, true].flatMap((isContinued) => {
    const [unharmed] = play([{ ...never, isContinued }], library, folder);
    expect(unharmed?.states).toEqual([]);
    return casesOf(unharmed?.calls as Calls, isContinued);
  });
  const cases = isWhole ? all : all.filter((_, index) => index % 40 === seed % 40);
  const reports = play(cases, library, folder);
  const broken = reports.flatMap((report) => {
    const violations = violationsOf(report);
    return violations.length === 0 ? [] : [{ violations, report }];
  });
  expect(broken).toEqual([]);
  const failed = reports.filter(({ calls }) => calls.failed > 0);
  expect(failed.length).toBeGreaterThan(reports.length / 2);
});
