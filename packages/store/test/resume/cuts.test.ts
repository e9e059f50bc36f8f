/** Runs that are cut at any event and resumed, against the same runs without a cut. */
import { describe, expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { decide } from '../../src/resume/decide.ts';
import { type RunRecords, recordsOf } from '../../src/resume/task-record.ts';
import { verdictOfExecutions } from '../../src/resume/verdicts.ts';
import { edited, type Played, Run, randomPlayed } from './cuts.ts';
import { Random } from './random.ts';

const cases = isWhole ? 20_000 : 1_000;
const mode = { kind: 'resume' } as const;

describe('a run that is cut and resumed', () => {
  test('gets the verdicts of the run that was not cut, and starts no attempt twice that may not', () => {
    for (let at = seed; at < seed + cases; at++) {
      const random = new Random(at);
      const played = randomPlayed(random);
      const uncut = new Run();
      uncut.play(played, random);
      const run = new Run();
      while (!run.play(played, random, random.chance(0.8) ? 1 + random.below(25) : undefined));
      expect(startedTwice(run, played), `seed ${at}`).toEqual([]);
      // What ends with the process and may not start twice is lost to tasks of later sessions.
      const isLossless = played.suite.tasks.every(
        ({ rerunnable, scope }) => rerunnable || scope !== 'process',
      );
      if (run.lostOnce.size === 0 && isLossless)
        expect(verdictsOf(run.records), `seed ${at}`).toEqual(verdictsOf(uncut.records));
      expect(
        [...run.records.tasks.values()].every(({ state }) => state === 'ended' || state === 'skipped'),
      ).toBe(true);
    }
  });

  test('keeps no success, unmarked, of another code, or of providers that ran again', () => {
    for (let at = seed; at < seed + cases; at++) {
      const random = new Random(at);
      let played = randomPlayed(random);
      const run = new Run();
      while (!run.play(played, random, random.chance(0.8) ? 1 + random.below(25) : undefined))
        if (random.chance(0.5)) played = edited(played, random);
      expect(outdatedSuccesses(run, played), `seed ${at}`).toEqual([]);
      expect(startedWithout(run, played), `seed ${at}`).toEqual([]);
    }
  });
});

describe('decisions', () => {
  test('are the same after a resume that was cut before it started anything', () => {
    for (let at = seed; at < seed + cases; at++) {
      const random = new Random(at);
      const played = randomPlayed(random);
      const run = new Run();
      run.play(played, random, 1 + random.below(40));
      const next = edited(played, random);
      const decisions = decide(run.records, next.suite, mode);
      run.play(next, random, 1 + random.below(2));
      expect(decide(run.records, next.suite, mode), `seed ${at}`).toEqual(decisions);
    }
  });

  test('are the same for equal journals and suites', () => {
    for (let at = seed; at < seed + 200; at++) {
      const random = new Random(at);
      const played = randomPlayed(random);
      const run = new Run();
      run.play(played, random, 1 + random.below(40));
      const copy = recordsOf(structuredClone(run.entries));
      expect(decide(copy, structuredClone(played.suite), mode)).toEqual(
        decide(run.records, played.suite, mode),
      );
    }
  });
});

/** Attempts of tasks that may not start twice, and did. */
function startedTwice({ starts }: Run, { suite }: Played): string[] {
  const once = new Set(suite.tasks.filter(({ rerunnable }) => !rerunnable).map(({ path }) => path));
  const seen = new Set<string>();
  return starts
    .filter(({ path }) => once.has(path))
    .map(({ path, attempt }) => `${path}#${attempt}`)
    .filter((start) => seen.size === seen.add(start).size);
}

function verdictsOf({ tasks }: RunRecords): Record<string, string | undefined> {
  return Object.fromEntries(
    [...tasks.values()].map(({ path, state, executions }) => [
      path,
      state === 'skipped' ? 'skipped' : verdictOfExecutions(executions),
    ]),
  );
}

/** Kept successes that are not of the present code, or whose providers have newer results that count. */
function outdatedSuccesses(run: Run, { suite }: Played): string[] {
  const { records } = run;
  const stale = new Set(
    decide(records, suite, mode)
      .filter(({ isStale }) => isStale)
      .map(({ path }) => path),
  );
  return suite.tasks.flatMap((task) => {
    const record = records.tasks.get(task.path);
    if (record?.state !== 'ended' || !record.gave || stale.has(task.path)) return [];
    const isOther = record.basis.digests?.code !== task.digests?.code;
    const started = run.entries.findLastIndex((entry) => isStartOf(entry.event, suite.tasks.indexOf(task)));
    const newer = record.metBy.filter(({ path }) => {
      const id = suite.tasks.findIndex((each) => each.path === path);
      return run.entries.slice(started + 1).some(({ event }) => isStartOf(event, id));
    });
    return isOther || newer.length > 0 ? [`${task.path} (${newer.map(({ path }) => path)})`] : [];
  });
}

/** Starts of tasks while what they require was torn down, or had ended with an earlier session. */
function startedWithout({ starts }: Run, { suite }: Played): string[] {
  return starts.flatMap(({ path, session }, place) =>
    (suite.tasks.find((task) => task.path === path)?.requires ?? [])
      .filter(({ form }) => form === 'one')
      .flatMap(({ capabilities: [capability = ''] }) => {
        const provider = suite.tasks.find((task) => `task:${task.path}` === capability);
        const teardowns = suite.tasks.filter(({ tearsDown = [] }) => tearsDown.includes(capability));
        const before = starts.slice(0, place);
        const provided = before.findLastIndex((start) => start.path === provider?.path);
        const isTornDown = before
          .slice(provided + 1)
          .some((start) => teardowns.some((each) => each.path === start.path));
        const isOver = provider?.scope === 'process' && before[provided]?.session !== session;
        return provided < 0 || isTornDown || isOver ? [`${path} without ${capability}`] : [];
      }),
  );
}

function isStartOf(event: RunEntry['event'], task: number): boolean {
  return event.type === 'attempt-started' && event.task === task && event.execution?.isExtra !== true;
}

type RunEntry = Run['entries'][number];
