/** Runs in the order of an earlier run: what started together starts together, what came later comes later, and nothing stands still. */
import { type TaskMeta, task } from '@pexen/core';
import { describe, expect, it } from 'vitest';
import { sampled } from '#sample';
import { inline, plan, run } from '../src/index.ts';
import {
  compareSchedules,
  type RecordedStep,
  Recorder,
  replay,
  Schedule,
  type ScheduleStep,
} from '../src/replay.ts';
import { calmScenario, otherwise, scheduleOf } from './sim/scheduled.ts';

/** `+a` starts, `-a` has ended, `~a` was skipped. */
function stepsOf(text: string): ScheduleStep[] {
  return text.split(' ').map((word) => {
    const path = word.slice(1);
    return word[0] === '+' ? { start: path } : word[0] === '-' ? { end: path } : { skip: path };
  });
}

const textOf = (steps: readonly ScheduleStep[]): string =>
  steps
    .map((step) => ('start' in step ? `+${step.start}` : 'end' in step ? `-${step.end}` : `~${step.skip}`))
    .join(' ');

/** All bodies take the same time. */
async function played(
  metas: Readonly<Record<string, TaskMeta>>,
  schedule?: string,
  record?: Recorder,
): Promise<string> {
  const steps: ScheduleStep[] = [];
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const tasks = Object.entries(metas).map(([name, meta]) =>
    task({ ...meta, name }, async () => {
      for (let waited = 0; waited < 3; waited++) await turn();
    }),
  );
  const planned = plan(tasks, {
    pool: () => inline({ concurrency: 2 }),
    ...(schedule !== undefined && { schedule: new Schedule(stepsOf(schedule)) }),
  });
  const execution = run(planned, { record });
  execution.events.on('event', (event) => {
    if (event.type === 'task-started') steps.push({ start: event.path });
    if (event.type === 'task-finished') steps.push({ end: event.path });
    if (event.type === 'task-skipped') steps.push({ skip: event.path });
  });
  await execution.summary;
  return textOf(steps);
}

const four = { a: {}, b: { priority: -1 }, c: { priority: -2 }, d: { weight: 1000 } };

describe('a run with a schedule', () => {
  it('starts its tasks in that order, whatever their priorities are', async () => {
    expect(await played(four, '+d -d +a -a +b -b +c -c')).toBe('+d -d +a -a +b -b +c -c');
    expect(await played(four)).not.toMatch(/^\+d/);
  });

  it('starts those together that overlapped, and only those', async () => {
    expect(await played(four, '+d -d +b +a -b -a +c -c')).toBe('+d -d +b +a -b -a +c -c');
  });

  it('gives up what contradicts the tasks of today, and keeps the rest', async () => {
    const changed = { ...four, d: { requires: ['c'] }, c: { provides: ['c'] } };
    expect(await played(changed, '+d -d +b -b +a -a +c -c')).toBe('+b -b +a -a +c -c +d -d');
  });

  it('goes on where tasks were removed, and prefers those that it has to new ones', async () => {
    const now = { ...four, d: { priority: 9 }, e: { priority: -9 } };
    expect(await played(now, '+x +d -x -d +a +b -a -b +c -c +y')).toBe('+d +e -d +a -e +b -a -b +c -c');
  });

  it('is decided in the same way when its record is replayed', async () => {
    const steps: RecordedStep[] = [];
    await played(four, '+d -d +a -a +b -b +c -c', new Recorder((step) => steps.push(step)));
    const parsed = JSON.parse(JSON.stringify(steps)) as RecordedStep[];
    expect(replay(parsed).differsAt).toBeUndefined();
    expect(steps.some((step) => step.type === 'tasks' && step.tasks[3]?.meta.priority === 0)).toBe(true);
  });

  it('says why a task waits', async () => {
    const names = ['a', 'b'];
    const whys: string[] = [];
    const tasks = names.map((name) =>
      task({ name }, () => {
        if (name === 'b') whys.push(execution.why('a') ?? '');
      }),
    );
    const schedule = new Schedule(stepsOf('+b -b +a -a'));
    const execution = run(tasks, { schedule, pool: inline({ concurrency: 2 }) });
    await execution.summary;
    expect(whys).toEqual([
      '"a" waits until its place in the replayed schedule, after "b", which has not started.',
    ]);
  });
});

describe('the comparison of schedules', () => {
  it('finds what started elsewhere, what does not overlap any more, and what does now', () => {
    const [before, now] = [stepsOf('+a +b -a +c -b -c +d -d'), stepsOf('+b -b +a +c -a -c +e -e')];
    expect(compareSchedules(before, now)).toEqual({
      common: 3,
      missing: ['d'],
      added: ['e'],
      misplaced: ['b'],
      swapped: [],
      unreachable: [{ pair: ['b', 'c'], endsFirst: 'a' }],
      overlaps: 2,
      separated: [
        ['a', 'b'],
        ['b', 'c'],
      ],
      joined: [['a', 'c']],
    });
  });

  it('does not count which of two started first that overlap both times', () => {
    const [before, now] = [stepsOf('+a +b +c -a -b -c +d -d'), stepsOf('+c +a +b -a -b -c +d -d')];
    expect(compareSchedules(before, now)).toMatchObject({ misplaced: [], swapped: ['c'], separated: [] });
    const apart = stepsOf('+b -b +a +c -a -c +d -d');
    expect(compareSchedules(before, apart)).toMatchObject({ misplaced: ['b'], swapped: [] });
  });

  it('says which task kept two apart that overlapped', () => {
    const [before, now] = [stepsOf('+a +c -c +b -a -b'), stepsOf('+a +c -a -c +b -b')];
    expect(compareSchedules(before, now)).toMatchObject({
      separated: [['a', 'b']],
      unreachable: [{ pair: ['a', 'b'], endsFirst: 'c' }],
    });
    const short = stepsOf('+a -a +c -c +b -b');
    expect(compareSchedules(stepsOf('+a +b -a -b +c -c'), short).unreachable).toEqual([]);
  });

  it('knows how many ran at once', () => {
    expect(new Schedule(stepsOf('+a +b -a +c +d -b -c -d')).mostAtOnce).toBe(3);
  });
});

const equal = { missing: [], added: [], misplaced: [], swapped: [], separated: [], joined: [] };
const hundreds = Array.from({ length: 11 }, (_, at) => at * 100 + 1);

it.each(sampled(hundreds))(
  'replays the simulated runs from %i on, with other priorities and durations',
  (from) => {
    let [replayed, changed] = [0, 0];
    for (let seed = from; seed < from + 100; seed++) {
      const scenario = calmScenario(seed);
      const recorded = scheduleOf(scenario);
      if (recorded === undefined) continue;
      const other = otherwise(scenario);
      const now = scheduleOf(other, recorded) ?? [];
      expect(compareSchedules(recorded, now), `seed ${seed}`).toMatchObject(equal);
      if (textOf(scheduleOf(other) ?? []) !== textOf(recorded)) changed++;
      replayed++;
    }
    expect(replayed).toBeGreaterThan(80);
    expect(changed, 'without a schedule most of them are other runs').toBeGreaterThan(50);
  },
);
