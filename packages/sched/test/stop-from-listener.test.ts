/** A run that is stopped by a listener starts nothing after that, although starts were ordered before and wait for their turn. */
import { task } from '@pexen/core';
import { expect, test } from 'vitest';
import { inline, type Run, run } from '../src/index.ts';

const ways: readonly (readonly [string, (execution: Run) => void])[] = [
  ['drain', (execution) => execution.drain('enough')],
  ['abort', (execution) => execution.abort('enough')],
  ['kill', (execution) => execution.kill('enough')],
];

test.each(ways)('%s: no further attempt of a task that failed', async (_how, stop) => {
  const seen: string[] = [];
  const failing = task({ name: 'failing', retries: 3 }, ({ attempt }) => {
    seen.push(`attempt ${attempt}`);
    throw new Error('no');
  });
  const execution = run([failing]);
  execution.events.on('event', (event) => {
    if (event.type !== 'task-started') return;
    seen.push('stop');
    stop(execution);
  });
  const { counts } = await execution.summary;
  expect(seen).toEqual(['attempt 1', 'stop']);
  expect(Object.values(counts)).toEqual([1]);
});

test.each(ways)(
  '%s: no further task; what has to be torn down still is, but not after a kill',
  async (how, stop) => {
    const seen: string[] = [];
    const body = (name: string) => (): void => void seen.push(name);
    const tasks = [
      task({ name: 'first', provides: ['server'] }, body('first')),
      task({ name: 'second' }, body('second')),
      task({ name: 'third', requires: ['server'] }, body('third')),
      task({ name: 'down', tearsDown: 'server' }, body('down')),
    ];
    const execution = run(tasks, { pool: inline({ concurrency: 4 }) });
    execution.events.on('event', (event) => {
      if (event.type === 'task-started' && event.path === 'first') {
        seen.push('stop');
        stop(execution);
      }
    });
    await execution.summary;
    const after = seen.slice(seen.indexOf('stop') + 1);
    expect(after).toEqual(how === 'kill' ? [] : ['down']);
  },
);
