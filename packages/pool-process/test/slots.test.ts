/** Slots that cannot be set up: for a while, forever, and because the system allows too little. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool, PoolContext, Problem } from '@pexen/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ProcessesOptions, processes } from '../src/index.ts';
import { roomLeft } from '../src/platform.ts';
import { capacityFor, requireSystem } from '../src/process-pool.ts';
import { body, RecordingTicket, scratch, shell } from './support/attempts.ts';

interface Opened {
  readonly pool: Pool;
  /** The folder of the pool. */
  readonly folder: string;
  readonly slots: number[];
  readonly warnings: Problem[];
  readonly failures: Error[];
}

/** A pool with a temporary folder of its own. */
async function opened(options: ProcessesOptions): Promise<Opened> {
  const parent = scratch();
  vi.stubEnv('TMPDIR', parent);
  const pool = processes({ workers: 1, ...options });
  const reported = { slots: [] as number[], warnings: [] as Problem[], failures: [] as Error[] };
  const context: PoolContext = {
    slotsChanged: (slots) => void reported.slots.push(slots),
    workerLost: () => {},
    lateError: () => {},
    warn: (warning) => void reported.warnings.push(warning),
    failed: (error) => void reported.failures.push(error),
  };
  try {
    await pool.open(context);
  } finally {
    vi.unstubAllEnvs();
  }
  onTestFinished(() => pool.close('kill'));
  return { pool, folder: join(parent, readdirSync(parent)[0] ?? ''), ...reported };
}

const run = (pool: Pool, assignment = shell('exit 0')) => pool.run(assignment, new RecordingTicket());

test('a slot whose folder cannot be made gets another one', async () => {
  const { pool, folder, warnings } = await opened({});
  writeFileSync(join(folder, 'slot-0'), '');
  expect(await run(pool)).toMatchObject({ kind: 'returned' });
  expect(warnings).toEqual([]);
});

test('what waits behind a set-up that fails is not failed by it', async () => {
  const { pool, folder } = await opened({});
  renameSync(folder, `${folder}-away`);
  const outcomes = Array.from({ length: 20 }, () => run(pool));
  await new Promise(setImmediate);
  renameSync(`${folder}-away`, folder);
  for (const outcome of outcomes) expect(await outcome).toMatchObject({ kind: 'returned' });
});

test('a worker that does not come up twice is started a third time', async () => {
  const times = join(scratch(), 'times');
  mkdirSync(times);
  const twice = join(scratch(), 'twice.mjs');
  writeFileSync(
    twice,
    `import { readdirSync, writeFileSync } from 'node:fs';
     const count = readdirSync(${JSON.stringify(times)}).length;
     writeFileSync(${JSON.stringify(times)} + '/' + count, '');
     if (count < 2) process.exit(9);`,
  );
  const { pool, warnings } = await opened({ execArgv: [...process.execArgv, '--import', twice] });
  expect(await run(pool, body('echo', { a: 1 }))).toMatchObject({ kind: 'returned', value: { a: 1 } });
  expect(readdirSync(times)).toHaveLength(3);
  expect(warnings).toEqual([]);
});

test('slots that fail three times in a row are closed; with the last one the pool fails', async () => {
  const { pool, folder, slots, warnings, failures } = await opened({ workers: 2 });
  rmSync(folder, { recursive: true });
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => run(pool)));
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_NO_SLOT' } });
  expect(slots).toEqual([2, 1]);
  expect(warnings).toMatchObject([
    { code: 'PEXEN_SLOT_CLOSED', message: expect.stringMatching(/^slot \d is closed: .*ENOENT/) },
  ]);
  expect(failures).toMatchObject([{ code: 'PEXEN_NO_SLOT' }]);
  expect(await run(pool)).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_NO_SLOT' } });
});

test('another system is refused', () => {
  expect(() => requireSystem('win32')).toThrow('pexen does not run on Windows');
  expect(() => requireSystem('darwin')).not.toThrow();
});

describe('the limits of the system', () => {
  const plenty = { openFiles: Number.POSITIVE_INFINITY, processes: Number.POSITIVE_INFINITY };

  test('do not matter where there is room', () => {
    expect(capacityFor(10_000, plenty)).toEqual({ slots: 10_000 });
    expect(roomLeft().openFiles).toBeGreaterThan(0);
  });

  test('leave room for fewer slots, which is reported', () => {
    expect(capacityFor(4, { ...plenty, openFiles: 35 })).toEqual({
      slots: 2,
      warning: {
        code: 'PEXEN_FEWER_SLOTS',
        message: 'runs 2 at the same time instead of 4: the system allows too few open files for more',
        hint: 'Raise the limit: ulimit -n 1024.',
      },
    });
    expect(capacityFor(4, { ...plenty, processes: 20 })).toMatchObject({
      slots: 2,
      warning: { hint: 'Raise the limit: ulimit -u 1024.' },
    });
  });

  test('leave room for none: that is refused', () => {
    expect(() => capacityFor(4, { ...plenty, openFiles: 7 })).toThrow(
      'the system allows too few open files: 7 are left, and one worker needs 24',
    );
    expect(() => capacityFor(4, { ...plenty, processes: -3 })).toThrow(
      'the system allows too few processes and threads: 0 are left, and one worker needs 11',
    );
  });
});
