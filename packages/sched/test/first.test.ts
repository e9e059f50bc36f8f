/** Tasks that a run asks for first, for example those that failed in the last run. */
import { expect, it } from 'vitest';
import { plan, run, task } from '../src/index.ts';
import { type RecordedStep, Recorder, replay } from '../src/replay.ts';

async function startsOf(planned: ReturnType<typeof plan>): Promise<string[]> {
  const started: string[] = [];
  const execution = run(planned);
  execution.events.on('event', (event) => {
    if (event.type === 'task-started') started.push(event.path);
  });
  await execution.summary;
  return started;
}

const body = (): void => {};
const setUp = task({ name: 'set-up', weight: 5 }, body);
const entries = [
  task({ name: 'long', weight: 10_000 }, body),
  setUp,
  task({ name: 'failed', requires: [setUp] }, body),
  task({ name: 'urgent', priority: -1 }, body),
  task({ name: 'claims', claims: ['/db'], weight: 20_000 }, body),
  task({ name: 'also-failed', claims: ['/db'], weight: 2 }, body),
];
const first = (path: string): boolean => path.endsWith('failed');

it('starts them before longer ones, with what they wait for, and after those of a better priority', async () => {
  expect((await startsOf(plan(entries)))[0]).toBe('urgent');
  const planned = plan(entries, { first });
  const expected = ['urgent', 'also-failed', 'set-up', 'failed', 'claims', 'long'];
  expect(await startsOf(planned)).toEqual(expected);
  expect(planned.order).toEqual(expected);
});

it('keeps them first in a part of a plan, among tasks that are added, and in a replay', async () => {
  const part = plan(entries, { first }).select(({ path }) => path === 'long' || path === 'also-failed');
  expect(await startsOf(part)).toEqual(['also-failed', 'long']);
  const steps: RecordedStep[] = [];
  const execution = run([task({ name: 'start' }, body)], {
    first,
    record: new Recorder((step) => steps.push(step)),
  });
  const ended: string[] = [];
  for await (const { path } of execution) {
    ended.push(path);
    if (path === 'start') execution.add(entries);
  }
  expect(ended).toEqual(['start', 'urgent', 'also-failed', 'set-up', 'failed', 'claims', 'long']);
  expect(replay(JSON.parse(JSON.stringify(steps))).differsAt).toBeUndefined();
});

it('refuses it in a run of a plan, which has its own', () => {
  expect(() => run(plan(entries), { first } as object)).toThrow('"first" belongs to the plan');
});
