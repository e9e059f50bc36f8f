/** What the reports of several runs add up to, and which runs do not belong together. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResultStatus, Verdict } from '@pexen/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type MergedReport,
  merge,
  type ReportedResult,
  type RunReport,
  readReports,
  reportEvents,
  saveReports,
  unionOf,
} from '../../src/index.ts';
import { ownershipDigest } from '../../src/shards/partition.ts';
import { Random } from '../resume/random.ts';
import { infoOf } from '../shards/random-suite.ts';

const statuses: Partial<Record<Verdict, ResultStatus>> = {
  ...{ pass: 'returned', fail: 'failed', flaky: 'returned', skip: 'skipped', cancelled: 'cancelled' },
};

function result(verdict: Verdict, durationMs = 10): ReportedResult {
  return {
    ...{
      status: statuses[verdict] ?? 'threw',
      judgement: { verdict, ...(verdict !== 'pass' && { reason: 'why' }) },
    },
    ...{ endedAtMs: durationMs, durationMs, attempts: [], findings: [], attachments: [] },
    ...{ flaky: verdict === 'flaky', slow: false, reason: [] },
  };
}

/** A run with these verdicts; `none` is a task without a result. */
function runOf(
  id: string,
  verdicts: Readonly<Record<string, Verdict | 'none'>>,
  given: Partial<RunReport> = {},
): RunReport {
  const tasks = Object.entries(verdicts).map(([path, verdict]) => ({
    info: infoOf({ path }),
    ...(verdict !== 'none' && { result: result(verdict) }),
  }));
  const isBad = Object.values(verdicts).some((verdict) => verdict === 'fail');
  return {
    ...{ id, versions: {}, startedAt: 1_000, durationMs: 50, sessions: 1, events: 10, poisoned: [], tasks },
    ...{ lostWorkers: [], lateErrors: [] },
    exitCode: isBad ? 1 : 0,
    ...given,
  };
}

/** Shards that own these paths. Each entry has the number of the shard and its verdicts. */
function shardsOf(
  shardPaths: readonly (readonly string[])[],
  ...given: readonly (readonly [number, Readonly<Record<string, Verdict | 'none'>>])[]
): RunReport[] {
  const planDigest = ownershipDigest(shardPaths);
  return given.map(([index, verdicts]) =>
    runOf(`s${index}`, verdicts, { shard: { index, count: shardPaths.length }, shardPaths, planDigest }),
  );
}

/** Path → verdict, or why there is no result. */
function verdictsOf({ tasks }: MergedReport): Record<string, string | undefined> {
  return Object.fromEntries(
    tasks.map(({ info, result, missing }) => [info.path, result?.judgement.verdict ?? missing]),
  );
}

function problemOf(...sets: RunReport[][]): { code: string; message: string } {
  try {
    merge(...sets);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it was merged');
}

describe('shards', () => {
  test('add up to the whole; the longest counts as the duration', () => {
    const [one, two] = shardsOf(
      [['a'], ['b', 'setup']],
      [1, { a: 'pass', setup: 'pass' }],
      [2, { b: 'pass', setup: 'pass' }],
    );
    const report = merge([{ ...(one as RunReport), durationMs: 80 }], [two as RunReport]);
    expect(verdictsOf(report)).toEqual({ a: 'pass', b: 'pass', setup: 'pass' });
    expect(report).toMatchObject({ wallMs: 80, workMs: 40, copies: 1, exitCode: 0 });
  });

  test('the record of the owner counts, and a copy that ended worse', () => {
    const owned = [['a', 'setup'], ['b']];
    const flaky = merge(
      shardsOf(owned, [1, { a: 'pass', setup: 'pass' }], [2, { b: 'pass', setup: 'flaky' }]),
    );
    expect(verdictsOf(flaky)).toMatchObject({ setup: 'flaky' });
    expect(flaky.tasks[2]?.result).toMatchObject({
      judgement: { reason: 'why, in shard 2/2' },
      earlier: [{ verdict: 'pass', counts: true }],
    });
    const better = merge(
      shardsOf(owned, [1, { a: 'pass', setup: 'fail' }], [2, { b: 'pass', setup: 'pass' }]),
    );
    expect(verdictsOf(better)).toMatchObject({ setup: 'fail' });
    const skipped = merge(
      shardsOf(owned, [1, { a: 'pass', setup: 'pass' }], [2, { b: 'pass', setup: 'skip' }]),
    );
    expect(verdictsOf(skipped)).toMatchObject({ setup: 'pass' });
  });

  test('one that is missing leaves its tasks without results, even if another one ran them as copies', () => {
    const report = merge(shardsOf([['a'], ['b', 'net/x\\/y', 'setup']], [1, { a: 'pass', setup: 'pass' }]));
    const missing = 'shard 2/2 is missing';
    expect(verdictsOf(report)).toEqual({ a: 'pass', b: missing, 'net/x\\/y': missing, setup: missing });
    expect(report.tasks[2]?.info.callPath).toEqual(['net', 'x/y']);
    expect(report.exitCode).toBe(1);
  });

  test('that divide different suites are refused, with the difference', () => {
    const one = shardsOf([['a'], ['b']], [1, { a: 'pass' }]);
    expect(problemOf(one, shardsOf([['a'], ['b'], []], [2, { b: 'pass' }]))).toMatchObject({
      code: 'PEXEN_DIFFERENT_SHARDS',
      message: expect.stringContaining(
        'shard 1/2 (run s1) and shard 2/3 (run s2) divide different suites: into 2 and into 3 shards',
      ),
    });
    expect(problemOf(one, shardsOf([['a'], ['b', 'c']], [2, { b: 'pass' }])).message).toContain(
      'only shard 2/2 (run s2) knows "c"',
    );
    expect(problemOf(one, shardsOf([['b'], ['a']], [2, { a: 'pass' }])).message).toContain(
      '"a" belongs to shard 1 and to shard 2',
    );
  });

  test('one that ran twice is refused', () => {
    const [one] = shardsOf([['a'], []], [1, { a: 'pass' }]) as [RunReport];
    expect(problemOf([one, { ...one, id: 's9' }])).toMatchObject({
      code: 'PEXEN_SAME_TASKS',
      message: expect.stringContaining('shard 1/2 (run s1) and shard 1/2 (run s9) both report "a"'),
    });
  });
});

describe('runs', () => {
  test('of a run and its reruns the last one counts', () => {
    const first = runOf('r1', { a: 'fail', b: 'pass' });
    const second = runOf('r2', { a: 'fail', b: 'pass' }, { parent: 'r1' });
    const third = runOf('r3', { a: 'pass', b: 'pass' }, { parent: 'r2' });
    expect(merge([first, second, third])).toMatchObject({ exitCode: 0, runs: [{ id: 'r3' }] });
    expect(merge([first, second])).toMatchObject({ exitCode: 1, runs: [{ id: 'r2' }] });
    expect(problemOf([first, third]).code).toBe('PEXEN_SAME_TASKS');
  });

  test('of one journal the longer copy counts', () => {
    const early = runOf('r1', { a: 'none' }, { events: 5, incomplete: 'its run was interrupted' });
    expect(verdictsOf(merge([early]))).toEqual({ a: 'its run was interrupted' });
    expect(merge([early]).exitCode).toBe(1);
    expect(verdictsOf(merge([runOf('r1', { a: 'pass' })], [early]))).toEqual({ a: 'pass' });
  });

  test('of one task, without a relation, are refused; labels distinguish them', () => {
    const paths = ['a', 'b', 'c', 'd', 'e'];
    const all = Object.fromEntries(paths.map((path) => [path, 'pass' as const]));
    const { code, message } = problemOf([runOf('r1', all)], [runOf('r2', all)]);
    expect(code).toBe('PEXEN_SAME_TASKS');
    expect(message).toContain('run r1 and run r2 both report "a", "b", "c" and 2 more');
    const labelled = merge([
      runOf('r1', { a: 'pass' }, { label: 'arm' }),
      runOf('r2', { a: 'fail' }, { label: 'x86' }),
    ]);
    expect(verdictsOf(labelled)).toEqual({ 'arm/a': 'pass', 'x86/a': 'fail' });
    expect(labelled.tasks[0]?.info.callPath).toEqual(['arm', 'a']);
  });

  test('of different tasks add up', () => {
    expect(verdictsOf(merge([runOf('r1', { a: 'pass' })], [runOf('r2', { b: 'skip' })]))).toEqual({
      a: 'pass',
      b: 'skip',
    });
  });

  test('that could not run everything give 3, unless a task failed', () => {
    expect(merge([runOf('r1', { a: 'pass' }, { exitCode: 3 })]).exitCode).toBe(3);
    expect(merge([runOf('r1', { a: 'pass' }, { exitCode: 3 }), runOf('r2', { b: 'fail' })]).exitCode).toBe(1);
  });
});

test('the events of a report are those of a run', () => {
  const late = {
    type: 'late-error',
    pool: 'p',
    worker: 'w',
    tasks: ['a'],
    error: { name: 'Error', message: 'late' },
    atMs: 9,
  } as const;
  const withLate = merge([runOf('r1', { a: 'pass' }, { lateErrors: [late], exitCode: 1 })]);
  expect([...reportEvents(withLate, '/')][2]).toEqual({ seq: 3, ...late });
  expect(withLate.exitCode).toBe(1);
  const report = merge(shardsOf([['a'], ['b', 'c']], [1, { a: 'pass', c: 'pass' }]));
  const events = [...reportEvents(report, '/suite')];
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(events[1]).toMatchObject({
    type: 'tasks-added',
    tasks: [{ path: 'a' }, { path: 'b' }, { path: 'c' }],
  });
  expect(events[3]).toMatchObject({
    ...{ type: 'task-finished', path: 'b', status: 'cancelled' },
    judgement: { verdict: 'cancelled', reason: 'it has no result: shard 2/2 is missing' },
  });
  expect(events[5]).toMatchObject({ type: 'run-ended', counts: { returned: 1, cancelled: 2 } });
});

describe('merging', () => {
  test('is associative, commutative and idempotent, also through files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pexen-merge-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'merged.json');
    const saved = (...sets: (readonly RunReport[])[]): readonly RunReport[] => {
      saveReports(file, unionOf(...sets));
      return readReports(file);
    };
    for (let seed = 1; seed <= 100; seed++) {
      const random = new Random(seed);
      const runs = randomRuns(random);
      const [a, b, c] = [0, 1, 2].map(() => runs.filter(() => random.chance(0.6))) as [
        RunReport[],
        RunReport[],
        RunReport[],
      ];
      const whole = merge(a, b, c);
      expect(merge(saved(a, b), c), `seed ${seed}`).toEqual(whole);
      expect(merge(a, saved(b, c)), `seed ${seed}`).toEqual(whole);
      expect(merge(c, b, a), `seed ${seed}`).toEqual(whole);
      expect(merge(saved(a, b, c), saved(a, b, c), b), `seed ${seed}`).toEqual(whole);
      expect(merge(random.shuffled([...a, ...b, ...c])), `seed ${seed}`).toEqual(whole);
    }
  });

  test('refuses what is not a report', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pexen-merge-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'x.json');
    const code = (place: string): unknown => {
      try {
        return readReports(place);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code(join(folder, 'none'))).toBe('PEXEN_NO_REPORT');
    expect(code(folder)).toBe('PEXEN_NO_REPORT');
    for (const [text, expected] of [
      ['<testsuites/>', 'PEXEN_NO_REPORT'],
      ['{}', 'PEXEN_NO_REPORT'],
      ['{"format":"pexen-reports","version":9,"runs":[]}', 'PEXEN_JOURNAL_NEWER'],
    ] as const) {
      writeFileSync(file, text);
      expect(code(file)).toBe(expected);
    }
  });
});

const verdicts = ['pass', 'pass', 'pass', 'fail', 'flaky', 'skip', 'cancelled', 'none'] as const;

/** Runs that belong together: shards of one suite for each of two labels, with copies, reruns of them, and shorter copies of their journals. */
function randomRuns(random: Random): RunReport[] {
  return ['arm', 'x86'].flatMap((label) => {
    const count = 1 + random.below(3);
    const paths = Array.from({ length: 8 }, (_, index) => `t${index}`);
    const owner = paths.map(() => random.below(count));
    const shardPaths = Array.from({ length: count }, (_, shard) =>
      paths.filter((_, index) => owner[index] === shard),
    );
    return shardPaths.flatMap((owned, shard) => {
      const ran = [...owned, ...random.someOf(paths, 0.2)];
      const randomVerdicts = () => Object.fromEntries(ran.map((path) => [path, random.oneOf(verdicts)]));
      const id = `${label}-${shard}-0`;
      const common = {
        label,
        shard: { index: shard + 1, count },
        shardPaths,
        planDigest: ownershipDigest(shardPaths),
      };
      const first = runOf(id, randomVerdicts(), { ...common, durationMs: random.below(100) });
      const rerun = runOf(`${label}-${shard}-1`, randomVerdicts(), { ...common, parent: id });
      const cut = {
        ...first,
        events: 3,
        tasks: first.tasks.slice(0, 1),
        incomplete: 'its run was interrupted',
      };
      return [first, ...random.someOf([rerun, cut], 0.4)];
    });
  });
}
