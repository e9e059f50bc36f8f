/** Deliberate differences from the original Python pexen; see docs/decisions/0050-seed.md. */
import { key, metaOf, task, type, withMeta } from '@pexen/core';
import { expect, it } from 'vitest';
import { inline, run } from '../../src/index.ts';
import { refusalOf, resultOf, resultsOf, statusesOf } from './results.ts';
import { ScriptedPool } from './scripted-pool.ts';

const named = (name: string) => task({ name }, () => name);

it('seed, differs: a run cannot be run again; further tasks go into a new one', async () => {
  const tasks = [task({ name: 'a', provides: ['a'] }, () => {})];
  const execution = run(tasks);
  await execution.summary;
  const more = [task({ name: 'b', requires: ['a'] }, () => {})];
  expect(refusalOf(() => execution.add(more))).toEqual(['PEXEN_RUN_ENDED undefined']);
  expect(await statusesOf([...tasks, ...more])).toEqual(['a returned', 'b returned']);
});

it('seed, differs: without a pool, bodies run in this thread, one after the other', async () => {
  let running = 0;
  let most = 0;
  const body = async () => {
    most = Math.max(most, ++running);
    await null;
    running--;
  };
  const results = await resultsOf([body, body, body]);
  expect(most).toBe(1);
  expect(results.map(({ attempts }) => attempts[0]?.worker)).toEqual(['inline', 'inline', 'inline']);
});

it('seed, differs: beyond dependencies and priority there is an order, the same each time', async () => {
  const tasks = [...['d', 'a', 'c', 'b'].map(named), task({ name: 'long', weight: 5 }, () => {})];
  const options = { pool: inline({ concurrency: 2 }) };
  const first = await statusesOf(tasks, options);
  expect(first.map((line) => line.split(' ')[0])).toEqual(['long', 'd', 'a', 'c', 'b']);
  expect(await statusesOf(tasks, { pool: inline({ concurrency: 2 }) })).toEqual(first);
});

it('seed, differs: metadata is lists; sets are refused with the rest', () => {
  const task = withMeta(() => {}, { name: 'a', uses: new Set(['x']) as never, claims: 'y' as never });
  expect(refusalOf(() => run([task]))).toEqual(['PEXEN_BAD_META a', 'PEXEN_BAD_META a']);
});

it('seed, differs: metadata is replaced, not changed entry by entry, and problems are reported by run', () => {
  const body = withMeta(() => {}, { name: 'a', priority: 1 });
  withMeta(body, { ...metaOf(body), priority: 2 });
  expect(metaOf(body)).toEqual({ name: 'a', priority: 2 });
  const wrong = withMeta(() => {}, { name: 'b', priorty: 1 } as never);
  expect(refusalOf(() => run([body, wrong]))).toEqual(['PEXEN_UNKNOWN_META b']);
});

it('seed, differs: capabilities and resources are the same only if Map says so, equal objects are not', async () => {
  const one = ['a', 1];
  const other = ['a', 1];
  const gives = task({ name: 'gives', provides: [{ a: 1 }] }, () => {});
  const wants = task({ name: 'wants', requires: [{ a: 1 }] }, () => {});
  expect(refusalOf(() => run([gives, wants]))).toEqual(['PEXEN_UNKNOWN_REQUIREMENT wants']);
  const pool = new ScriptedPool(3);
  const claims = [one, one, other].map((resource, at) =>
    task({ name: `t${at}`, claims: [resource] }, () => {}),
  );
  const execution = run(claims, { pool });
  const first = execution[Symbol.asyncIterator]().next();
  await pool.started('t2');
  expect(pool.running).toEqual(['t0', 't2']);
  pool.endAll();
  await first;
  await execution.close();
});

it('seed, differs: resources are acquired when a worker is free: a task that waits for a worker holds nothing', async () => {
  const pool = new ScriptedPool(1);
  const tasks = [
    task({ name: 'busy', priority: -1 }, () => {}),
    task({ name: 'waits', claims: ['lock'] }, () => {}),
  ];
  const execution = run(tasks, { pool, spare: 0 });
  const first = execution[Symbol.asyncIterator]().next();
  await pool.started('busy');
  expect(execution.inspect().resources).toEqual([]);
  expect(execution.why('waits')).toMatch(/free|slot|worker/);
  pool.endAll();
  await first;
  await execution.close();
});

it('seed, differs: args that do not fit are refused when they are bound, not in the result', () => {
  const args = {
    '~standard': {
      ...type<{ to: string }>()['~standard'],
      validate: (value: unknown) =>
        Object.keys(value as object).join() === 'to'
          ? { value: value as { to: string } }
          : { issues: [{ message: 'only "to" is taken' }] },
    },
  };
  const greet = task({ name: 'greet', args }, ({ args: { to } }) => `hello ${to}`);
  expect(refusalOf(() => greet.with({ to: 'eu', from: 'us' } as never))).toEqual(['PEXEN_BAD_ARGS greet']);
  expect(refusalOf(() => run([greet as never]))).toEqual(['PEXEN_UNBOUND_ARGS greet']);
});

it('seed, differs: dictionaries are merged in the order of requires, not in that of time', async () => {
  const slow = Promise.withResolvers<void>();
  const first = task({ name: 'first', provides: ['1'] }, async ({ shared }) => {
    await slow.promise;
    shared.from = 'first';
  });
  const second = task({ name: 'second', provides: ['2'] }, ({ shared }) => {
    shared.from = 'second';
    slow.resolve();
  });
  const both = task({ name: 'both', requires: ['1', '2'] }, ({ shared }) => shared.from);
  const options = { pool: inline({ concurrency: 2 }) };
  const results = await resultsOf([first, second, both], options);
  expect(results.map(({ path }) => path)).toEqual(['second', 'first', 'both']);
  expect(results.at(-1)?.value).toBe('second');
});

it('seed, differs: what did not run is a result each, and what stays locked is in the summary: no warnings at the end', async () => {
  const breaks = task({ name: 'breaks', provides: ['x'], claims: ['r', '/a/b'] }, () => {
    throw new Error('no');
  });
  const warnings: unknown[] = [];
  const execution = run([breaks, task({ name: 'wants', requires: ['x'] }, () => {})], {
    onWarning: (warning) => warnings.push(warning),
  });
  const { counts, poisoned, rest } = await execution.summary;
  expect(counts).toEqual({ threw: 1, skipped: 1 });
  expect(rest.at(-1)?.reason).toMatchObject([{ task: 'wants' }, { task: 'breaks', why: 'threw' }]);
  expect([...poisoned].sort()).toEqual(['/a/b', 'r']);
  expect(warnings).toEqual([]);
});

it('seed, differs: spare is 0 in this thread and 1 elsewhere, and never takes locks that others wait for', async () => {
  const startedBy = async (pool: ScriptedPool, claims: readonly string[]) => {
    const tasks = ['a', 'b', 'c'].map((name) => task({ name, claims }, () => {}));
    const execution = run(tasks, { pool });
    const first = execution[Symbol.asyncIterator]().next();
    await pool.started('a');
    const { running } = pool;
    pool.endAll();
    await first;
    await execution.close();
    return running;
  };
  expect(await startedBy(new ScriptedPool(1, 'reference'), [])).toEqual(['a']);
  expect(await startedBy(new ScriptedPool(1, 'clone'), [])).toEqual(['a', 'b']);
  expect(await startedBy(new ScriptedPool(1, 'clone'), ['lock'])).toEqual(['a']);
});

it('seed, differs: a provider that returns without its typed value has failed', async () => {
  const port = key<number>('port');
  const forgets = task({ name: 'forgets', provides: [port] }, () => {});
  const client = task({ name: 'client', requires: [port] }, ({ get }) => get(port));
  expect(await statusesOf([forgets, client])).toEqual(['forgets failed', 'client skipped']);
});

it('seed: args are not part of the result, the final dictionary is', async () => {
  const given = task({ name: 'given', args: { secret: 1 } }, ({ args, shared }) => {
    shared.sum = args.secret + 1;
  });
  const result = await resultOf('given', [given], { shared: { preset: true } });
  expect({ ...result?.shared }).toEqual({ preset: true, sum: 2 });
  expect(Object.keys(result ?? {})).not.toContain('args');
});
