/**
 * What the original Python pexen does with its pools of threads and of processes, through a whole run; how we differ is in
 * docs/decisions/0050-seed.md.
 */
import { isPexenError, type Pool, type Runnable, task } from '@pexen/core';
import { processes } from '@pexen/pool-process';
import { threads } from '@pexen/pool-thread';
import { type Run, run } from '@pexen/sched';
import { describe, expect, it } from 'vitest';
import * as seed from './fixtures/seed-tasks.ts';

async function eventsOf(execution: Run): Promise<string[]> {
  const lines: string[] = [];
  for await (const { path, status } of execution) lines.push(`${path} ${status}`);
  return lines;
}

const pools: Readonly<Record<string, (options: { readonly workers: number }) => Pool>> = {
  threads,
  processes,
};

describe.each(Object.entries(pools))('%s', (_name, make) => {
  it('seed: a pool can be started again', async () => {
    const pool = make({ workers: 1 });
    const expected = ['gives returned', 'takes returned'];
    expect(await eventsOf(run([seed.gives, seed.takes], { pool }))).toEqual(expected);
    expect(await eventsOf(run([seed.gives, seed.takes], { pool }))).toEqual(expected);
  });

  it('seed: results can still be read after the pool was shut down', async () => {
    const execution = run([seed.gives, seed.takes], { pool: make({ workers: 1 }) });
    const { rest } = await execution.summary;
    expect(execution.inspect().pools).toMatchObject([{ dispatched: 0 }]);
    expect(rest.map(({ value }) => value)).toEqual(['given', [1, 2]]);
  });

  it('seed, differs: takes new tasks while it runs, since nothing is forked', async () => {
    const execution = run<Runnable>([seed.gives], { pool: make({ workers: 1 }) });
    const paths: string[] = [];
    for await (const { path } of execution) {
      paths.push(path);
      if (path === 'gives') execution.add([seed.takes, seed.lives]);
    }
    expect(paths.sort()).toEqual(['gives', 'lives', 'takes']);
  });

  it('seed: values that cannot be passed, returned or shared, are an error in the result and affect no other task', async () => {
    const tasks = [seed.returnsFunction, seed.sharesFunction, seed.lives];
    const { rest } = await run<Runnable>(tasks, { pool: make({ workers: 1 }) }).summary;
    const lines = rest.map(
      ({ status, error }) => `${status}${error instanceof Error ? `: ${error.message}` : ''}`,
    );
    expect(lines).toEqual([
      expect.stringMatching(/^threw: .*value\.deep\[0\] is a function/),
      expect.stringMatching(/^threw: .*shared\.call is a function/),
      'returned',
    ]);
  });

  it('seed, differs: parts of an error that cannot be passed are named, the rest is kept', async () => {
    const result = await run([seed.throwsParts], { pool: make({ workers: 1 }) }).of(seed.throwsParts);
    expect(result.error).toMatchObject({
      ...{ name: 'RangeError', message: 'too far', metres: 12 },
      stack: expect.stringContaining('seed-tasks.ts'),
      socket: { unserializable: expect.stringContaining('socket is a function') },
    });
  });

  it('seed, differs: values are copied, also by threads', async () => {
    const shared = { list: [3] };
    const result = await run([seed.changes], { pool: make({ workers: 1 }), shared }).of(seed.changes);
    expect(result.value).toEqual([3, 4]);
    expect(result.shared.list).toEqual([3, 4]);
    expect(shared.list).toEqual([3]);
  });

  it('seed, differs: bodies that a worker could not find are refused before the run, not when they are submitted', () => {
    const closure = task({ name: 'closure' }, () => shared);
    const shared = 1;
    const codes: string[] = [];
    try {
      run([closure], { pool: make({ workers: 1 }) });
    } catch (error) {
      if (isPexenError(error)) codes.push(...error.problems.map(({ code }) => code));
    }
    expect(codes).toEqual(['PEXEN_CLOSURE']);
  });

  it('seed: to start a running pool is an error', async () => {
    const pool = make({ workers: 1 });
    const context = { slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} };
    await pool.open(context);
    await expect(pool.open(context)).rejects.toThrow(/open already/);
    await pool.close('kill');
  });

  it('seed, differs: closing twice is not an error, and a kill may follow a drain', async () => {
    const pool = make({ workers: 2 });
    await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
    await Promise.all([pool.close('drain'), pool.close('kill'), pool.close('drain')]);
    await pool.close('drain');
  });
});

it('seed: a killed worker does not hang the run (known defect)', async () => {
  const tasks = [seed.dies, seed.needsTheDead, seed.needsItsLock, seed.lives];
  const lines = await eventsOf(run<Runnable>(tasks, { pool: processes({ workers: 1 }) }));
  expect(lines.sort()).toEqual([
    'dies crashed',
    'lives returned',
    'needs its lock skipped',
    'needs the dead skipped',
  ]);
});
