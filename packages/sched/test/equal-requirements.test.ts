/** Equal requirements share one condition, whichever tasks state them. The initial tasks are checked before any is added. */
import { atLeast, every, isPexenError, key, type TaskMeta, task, type } from '@pexen/core';
import { expect, it } from 'vitest';
import { inline, run } from '../src/index.ts';
import { CompiledTasks } from '../src/plan/compiled-tasks.ts';

const pools = [{ name: 'default', manifest: inline().manifest, spare: 0 }];

it('a thousand tasks that each require all of a thousand others make two thousand edges, not a million', () => {
  const plan = new CompiledTasks({ pools });
  const shards = Array.from({ length: 1_000 }, (_, at) =>
    task({ name: `shard-${at}`, provides: ['shard'] }, () => {}),
  );
  const merges = shards.map((_, at) => task({ name: `merge-${at}`, requires: [every('shard')] }, () => {}));
  plan.add([...shards, ...merges]);
  expect(plan.graph.feeds.size + plan.graph.waits.size).toBe(3_000);
});

it('each task gets the values of its own requirement', async () => {
  const port = key<number>('port');
  const servers = [1, 2].map((at) =>
    task({ name: `server-${at}`, provides: [port] }, ({ set }) => set(port, at)),
  );
  const sum = (name: string, requirement: ReturnType<typeof every<[typeof port]>>) =>
    task(
      { name, requires: ['x', requirement], provides: name === 'also' ? [port] : [] },
      ({ getAll, set }) => {
        if (name === 'also') set(port as never, 4 as never);
        return getAll(port).join();
      },
    );
  const x = task({ name: 'x', provides: ['x'] }, () => {});
  const tasks = [x, ...servers, sum('also', every(port)), sum('one', every(port)), sum('other', every(port))];
  const values = [];
  for await (const { path, value } of run(tasks)) if (value !== undefined) values.push(`${path} ${value}`);
  expect(values).toEqual(['also 1,2', 'one 1,2,4', 'other 1,2,4']);
});

it('refused tasks leave no requirements behind', async () => {
  const going = run([task({ name: 'a', provides: ['p'] }, () => {})]);
  const refused = [
    task({ name: 'b', requires: [every('p', 'q')], provides: ['q'] }, () => {}),
    task({ name: 'c', requires: ['nothing'] }, () => {}),
  ];
  expect(() => going.add(refused)).toThrow('PEXEN_UNKNOWN_REQUIREMENT');
  going.add([
    task({ name: 'd', requires: [every('p', 'q')] }, () => {}),
    task({ name: 'e', provides: ['q'] }, () => {}),
  ]);
  expect((await going.summary).counts).toEqual({ returned: 3 });
});

it('the identities of tasks are still known after a refusal', async () => {
  const order: string[] = [];
  const named = (name: string, meta: TaskMeta = {}) =>
    task({ name, ...meta }, () => {
      order.push(name);
    });
  const late = named('late');
  const going = run([named('waits', { after: [late] })]);
  expect(() => going.add([named('needs', { requires: [late] })])).toThrow('PEXEN_UNKNOWN_REQUIREMENT');
  going.add([late, named('then', { requires: [late] })]);
  await going.summary;
  expect(order).toEqual(['late', 'waits', 'then']);
});

it('refused tasks do not count for what they are made from', async () => {
  const order: string[] = [];
  const template = task({ name: 'build', args: type<{ readonly of: string }>() }, ({ args }) => {
    order.push(args.of);
  });
  const wanted = task({ name: 'wanted', requires: [every(template)] }, () => {
    order.push('wanted');
  });
  const going = run([template.with({ of: 'a' }, { name: 'a' }), task({ name: 'x' }, () => {})]);
  const refused = [template.with({ of: 'b' }, { name: 'b' }), task({ requires: ['nothing'] }, () => {})];
  expect(() => going.add([wanted, ...refused])).toThrow('PEXEN_UNKNOWN_REQUIREMENT');
  going.add([wanted, template.with({ of: 'c' }, { name: 'c' })]);
  expect((await going.summary).counts).toEqual({ returned: 4 });
  expect(order).toEqual(['a', 'c', 'wanted']);
});

it('a refusal names what is missing, not what is provided', () => {
  const there = task({ name: 'there', provides: ['a'] }, () => {});
  const wants = task({ name: 'wants', requires: [every('a', 'b'), atLeast(2, 'a')] }, () => {});
  const alone = task({ name: 'alone', provides: ['c'], requires: ['c'] }, () => {});
  const reported = (() => {
    try {
      run([there, wants, alone]);
    } catch (error) {
      if (isPexenError(error)) return error.problems.map(({ message, hint }) => `${message}. ${hint}`);
    }
    return [];
  })();
  expect(reported).toEqual([
    'requires "b", which no task provides. Add a task that provides it.',
    'requires at least 2 of "a", which too few tasks provide. Add another one, or require fewer.',
    'requires "c", which no other task provides. Add another one, or require fewer.',
  ]);
});

it('a task that was not added, and a key of the same name, get different hints', () => {
  const forgotten = task({ name: 'forgotten' }, () => {});
  const gives = task({ name: 'gives', provides: [key('port')] }, () => {});
  const wants = task({ name: 'wants', requires: [forgotten, key('port')] }, () => {});
  const hints = (() => {
    try {
      run([gives, wants]);
    } catch (error) {
      if (isPexenError(error)) return error.problems.map(({ hint }) => hint);
    }
    return [];
  })();
  expect(hints).toEqual([
    'Add it to the run: requiring a task does not add it.',
    'The key of this name that "gives" provides is another one: share the object.',
  ]);
});

it('tasks that are made while they are added may add others', async () => {
  const going = run([() => 1]);
  const making = function* () {
    yield task({ name: 'x' }, () => {});
    going.add([task({ name: 'y' }, () => {})]);
    yield task({ name: 'z', requires: ['nothing'] }, () => {});
  };
  expect(() => going.add(making())).toThrow('PEXEN_UNKNOWN_REQUIREMENT');
  const paths = [];
  for await (const { path } of going) paths.push(path);
  expect(paths).toEqual(['task', 'y']);
});

it('a `when` that is neither true, false nor a reason is refused', () => {
  const late = task({ name: 'late', when: (async () => true) as never }, () => {});
  expect(() => run([late])).toThrow('its "when" must be or return true, false or a reason, not a promise');
});

it('an empty reason not to run counts', async () => {
  const { rest } = await run([task({ name: 'a', when: '' }, () => {})]).summary;
  expect(rest[0]?.reason).toEqual([{ task: 'a', why: 'does not apply here' }]);
});
