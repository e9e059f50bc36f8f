/** What events report about a run and its tasks: numbers, ids, names and locations, from the side of a listener. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { executableTask, maker, type RunEvent, type TaskInfo } from '@pexen/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runId } from '../src/driver/run-identity.ts';
import {
  amount,
  anyOf,
  atLeast,
  type Entry,
  every,
  inline,
  key,
  type Pool,
  path,
  place,
  plan,
  type Run,
  type RunOptions,
  run,
  task,
  type,
  withMeta,
} from '../src/index.ts';

const here = fileURLToPath(import.meta.url);
const program = { file: '/bin/true', argv: [], cwd: '/', env: {}, interpret: () => expect.unreachable() };
const none = (): void => {};

/** Accepts programs, and reports each as returned. */
const programs = (): Pool => ({
  manifest: { name: 'programs', kills: true, transport: 'clone', closures: true, executables: true },
  open: async ({ slotsChanged }) => slotsChanged(1),
  run: async (_assignment, ticket) => {
    ticket.started('program-1');
    return { kind: 'returned', value: undefined };
  },
  close: async () => {},
});

function listen(going: Run): RunEvent[] {
  const events: RunEvent[] = [];
  going.events.on('event', (event) => events.push(event));
  return events;
}

async function eventsOf(entries: Iterable<Entry>, options: RunOptions = {}): Promise<RunEvent[]> {
  const going = run(entries, options);
  const events = listen(going);
  await going.summary;
  return events;
}

async function tasksOf(entries: Iterable<Entry>, options: RunOptions = {}): Promise<readonly TaskInfo[]> {
  const events = await eventsOf(entries, { root: dirname(here), ...options });
  return events.flatMap((event) => (event.type === 'tasks-added' ? event.tasks : []));
}

async function namesOf(entries: Iterable<Entry>, options: RunOptions = {}): Promise<string[]> {
  return (await tasksOf(entries, options)).map(({ path, nameKind }) => `${path} ${nameKind}`);
}

describe('the first event', () => {
  test('has the id of the run, its root and its versions', async () => {
    const going = run([none]);
    const events = listen(going);
    await going.summary;
    expect(events[0]).toMatchObject({
      ...{ type: 'run-started', version: 2, seq: 1, id: going.id },
      root: dirname(dirname(dirname(dirname(here)))),
      versions: { pexen: expect.stringMatching(/^\d+\.\d+\.\d+/), node: process.versions.node },
      pools: [{ name: 'default', kind: 'inline' }],
    });
    expect(going.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  test('has the id and the root that the options give', async () => {
    expect((await eventsOf([], { id: 'nightly-17', root: '/srv/suite' }))[0]).toMatchObject({
      ...{ id: 'nightly-17', root: '/srv/suite' },
    });
  });

  test.each(['', '.hidden', 'a/b', 'a b', 'x'.repeat(65)])('an id "%s" is refused', (id) => {
    expect(() => run([], { id })).toThrow('id must be a name of letters, digits');
  });

  test('a root that is not absolute is refused', () => {
    expect(() => run([], { root: 'src' })).toThrow('root must be an absolute path');
  });
});

describe('an id', () => {
  const millennia = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  const chance = fc.uint8Array({ minLength: 16, maxLength: 16 });

  test('is a UUID of version 7: its time, its version, its variant and 74 random bits', () => {
    fc.assert(
      fc.property(millennia, chance, (wallMs, random) => {
        const id = runId(wallMs, (bytes) => bytes.set(random));
        const bits = BigInt(`0x${id.replaceAll('-', '')}`);
        const given = BigInt(`0x${Buffer.from(random).toString('hex')}`);
        const oracle =
          (BigInt(wallMs) << 80n) |
          (7n << 76n) |
          (given & (0xfffn << 64n)) |
          (2n << 62n) |
          (given & (2n ** 62n - 1n));
        expect(bits).toBe(oracle);
        expect(id.split('-').map(({ length }) => length)).toEqual([8, 4, 4, 4, 12]);
      }),
    );
  });

  test('sorts by time', () => {
    fc.assert(
      fc.property(millennia, millennia, chance, chance, (one, other, here, there) => {
        fc.pre(one < other);
        expect(runId(one, (bytes) => bytes.set(here)) < runId(other, (bytes) => bytes.set(there))).toBe(true);
      }),
    );
  });

  test('is made of the clock and the random bits of the options', () => {
    const never = () => () => {};
    const clock = { now: () => 0, wallNow: () => 0x0123456789ab, setAlarm: never, after: never };
    const going = run([], { clock, random: (bytes) => bytes.fill(0xff) });
    expect(going.id).toBe('01234567-89ab-7fff-bfff-ffffffffffff');
    expect(going.id).toBe(going.id);
  });
});

describe('events are numbered', () => {
  test('from 1, without gaps', async () => {
    const failing = task({ name: 'failing', retries: 1 }, () => {
      throw new Error('no');
    });
    const events = await eventsOf([failing, none, task({ requires: [failing] }, none)]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.length).toBeGreaterThan(8);
  });

  test('whether there are listeners or not: a late listener knows how many there were', async () => {
    const whole = await eventsOf([none, none, none]);
    const going = run([none, none, none]);
    let late: RunEvent[] = [];
    for await (const { path } of going) if (path === 'none') late = listen(going);
    expect(late.length).toBeLessThan(whole.length);
    expect(late.map(({ seq, type }) => [seq, type])).toEqual(
      whole.slice(-late.length).map(({ seq, type }) => [seq, type]),
    );
  });
});

describe('tasks are added', () => {
  async function originOf(
    add: (going: Run) => void,
    when: 'loop' | 'body' | 'timer' | 'listener',
  ): Promise<unknown> {
    let added = false;
    const once = (going: Run): void => {
      if (!added) add(going);
      added = true;
    };
    const slow = task({ name: 'slow' }, async () => {
      if (when === 'timer') await new Promise((resolve) => setImmediate(() => resolve(once(going))));
    });
    const fast = task({ name: 'fast' }, () => void (when === 'body' && once(going)));
    const going: Run = run([fast, slow]);
    const events = listen(going);
    if (when === 'listener') going.events.on('event', ({ type }) => type === 'task-started' && once(going));
    for await (const _ of going) if (when === 'loop') once(going);
    return events.flatMap((event) => (event.type === 'tasks-added' ? [event.origin] : []));
  }
  const add = (going: Run): void => going.add([task({ name: 'more' }, none)]);

  test('at the start, by the loop over the results, or outside of both', async () => {
    expect(await originOf(add, 'loop')).toEqual(['start', 'loop']);
    expect(await originOf(add, 'body')).toEqual(['start', 'outside']);
    expect(await originOf(add, 'timer')).toEqual(['start', 'outside']);
    expect(await originOf(add, 'listener')).toEqual(['start', 'outside']);
  });

  test('before the first pull: at the start', async () => {
    const going = run([none]);
    const events = listen(going);
    add(going);
    await going.summary;
    expect(events.flatMap((event) => ('origin' in event ? [event.origin] : []))).toEqual(['start', 'start']);
  });
});

describe('a name', () => {
  function lint(): void {}

  test('has a kind', async () => {
    const entries = [
      ...[task({ name: 'build' }, none), lint, task({}, function check() {})],
      executableTask({}, { ...program, file: '/srv/tests/ping.sh' }),
      executableTask({ name: 'pong.sh' }, program, { nameKind: 'file' }),
    ];
    expect(await namesOf(entries, { pool: programs })).toEqual([
      ...['build explicit', 'lint function', 'check function', 'ping.sh file', 'pong.sh file'],
    ]);
  });

  test('that several tasks at one place would share is ordinal: they are counted there, by declaration', async () => {
    const entries = [
      ...[lint, () => 1, place(['a'], lint), place(['a'], () => 1), () => 2, lint, place(['a'], () => 3)],
      task({ name: 'lint-2' }, none),
    ];
    expect(await namesOf(entries)).toEqual([
      ...['lint ordinal', 'task ordinal', 'a/lint function', 'a/task ordinal', 'task-2 ordinal'],
      ...['lint-3 ordinal', 'a/task-2 ordinal', 'lint-2 explicit'],
    ]);
  });

  test('continues to count when tasks are added later', async () => {
    const going = run([() => 1]);
    const events = listen(going);
    for await (const { path } of going) if (path === 'task') going.add([() => 2, () => 3]);
    const paths = events.flatMap((event) =>
      event.type === 'tasks-added' ? event.tasks.map(({ path }) => path) : [],
    );
    expect(paths).toEqual(['task', 'task-2', 'task-3']);
  });

  test('is as ordinal in a selection as in the whole', async () => {
    const chosen = plan([lint, lint, () => 1]).select(({ path }) => path !== 'lint-2');
    const going = run(chosen);
    const events = listen(going);
    await going.summary;
    expect(events[1]).toMatchObject({ tasks: [{ path: 'lint', nameKind: 'ordinal' }, { path: 'task' }] });
  });

  test('is recallable if the user gave it', async () => {
    const infos = await tasksOf([task({ name: 'build' }, none), lint, () => 1]);
    expect(infos.map(({ recallable }) => recallable)).toEqual([true, false, false]);
  });
});

describe('a task states', () => {
  const built = key<string>('built');
  const again = key<string>('built');
  const thing = { name: 'thing' };

  test('what it requires, in every form, by names that no two capabilities share', async () => {
    const giving = task({ name: 'a/b', provides: ['bin', 'key:built', thing] }, none);
    const setting = task({ name: 'set', provides: [built, again] }, ({ set }) => {
      set(built, 'x');
      set(again, 'y');
    });
    const template = task({ name: 't', args: type<{ n: number }>() }, none);
    const [one, two] = [template.with({ n: 1 }, { name: 'one' }), template.with({ n: 2 }, { name: 'two' })];
    const requires = [
      ...['bin', giving, anyOf(built, again), every('bin', setting), atLeast(2, template), template],
      ...['key:built', thing],
    ];
    const infos = await tasksOf([giving, setting, one, two, task({ name: 'all', requires }, none)]);
    const wanting = infos.at(-1);
    expect(infos[0]?.provides).toEqual(['bin', '\\key:built', 'object:Object "thing"']);
    expect(infos[1]?.provides).toEqual(['key:built', 'key:built#2']);
    expect(wanting?.requires).toEqual([
      { form: 'one', capabilities: ['bin'] },
      { form: 'one', capabilities: ['task:a\\/b'] },
      { form: 'any-of', capabilities: ['key:built', 'key:built#2'] },
      { form: 'every', capabilities: ['bin', 'task:set'] },
      { form: 'at-least', capabilities: ['task:one', 'task:two'], count: 2 },
      { form: 'any-of', capabilities: ['task:one', 'task:two'] },
      { form: 'one', capabilities: ['\\key:built'] },
      { form: 'one', capabilities: ['object:Object "thing"'] },
    ]);
  });

  test('what it comes after and before, salvages and tears down', async () => {
    const base = task({ name: 'base', provides: ['db'] }, none);
    const later = task({ name: 'later', after: ['db', base] }, none);
    const first = task({ name: 'first', before: [base] }, none);
    const rescue = task({ name: 'rescue', salvages: [base, 'db'] }, none);
    const down = task({ name: 'down', tearsDown: 'db' }, none);
    const infos = await tasksOf([base, later, first, rescue, down]);
    expect(infos).toMatchObject([
      { provides: ['db'] },
      { after: ['db', 'task:base'] },
      { before: ['task:base'] },
      { salvages: ['task:base', 'db'] },
      { tearsDown: ['db'] },
    ]);
  });

  test('what it holds, as users write it', async () => {
    const meta = { uses: ['/srv/db/', amount('memory-mb', 512)], claims: ['net', path('srv', 'log')] };
    const infos = await tasksOf([task(meta, none), task({ uses: ['/net', '/srv/db'] }, none)], {
      capacities: { 'memory-mb': 1024 },
    });
    expect(infos).toMatchObject([
      { uses: [{ resource: '/srv/db' }, { resource: 'memory-mb', count: 512 }], claims: ['net', '/srv/log'] },
      { uses: [{ resource: 'net' }, { resource: '/srv/db' }] },
    ]);
    expect((await tasksOf([task({ exclusive: true }, none)]))[0]).toMatchObject({ exclusive: true });
  });

  test('where it runs and how it is ranked', async () => {
    const options = {
      pools: { big: inline() },
      groups: { vm: { pool: inline() } },
      defaults: { slowAfter: 9 },
    };
    const meta = {
      name: 'a',
      pool: 'big',
      tags: ['x'],
      priority: -3,
      weight: 70,
      rerunnable: true,
      slowAfter: 5,
    };
    const infos = await tasksOf([task(meta, none), task({ name: 'b', group: 'vm' }, none)], options);
    expect(infos[0]).toMatchObject({
      ...{ id: 0, path: 'a', callPath: ['a'], pool: 'big', tags: ['x'], priority: -3 },
      ...{ weightMs: 70, slowAfterMs: 5, rerunnable: true },
    });
    expect(infos[1]).toEqual({
      ...{ id: 1, path: 'b', callPath: ['b'], nameKind: 'explicit', recallable: true, group: 'vm' },
      ...{ rerunnable: false, slowAfterMs: 9, location: expect.anything() },
    });
  });

  test('where it was made, relative to the root; a plain function, where it was added', async () => {
    const made = task({ name: 'made' }, none);
    const makes = maker(function* () {
      yield task({ name: 'yielded' }, none);
    });
    const file = here.slice(dirname(here).length + 1);
    const [first, second, third] = await tasksOf([made, ...makes(undefined), withMeta(() => {}, {})]);
    expect([first, second, third].map((each) => each?.location?.file)).toEqual([file, file, file]);
    const lines = [first, second, third].map((each) => each?.location?.line ?? 0);
    expect(lines[1]).toBe((lines[0] ?? 0) + 2);
    const going = run([() => 1], { root: dirname(dirname(here)) });
    const events = listen(going);
    for await (const { path } of going) if (path === 'task') going.add([() => 2]);
    const places = events.flatMap((event) =>
      event.type === 'tasks-added' ? event.tasks.map((each) => each.location) : [],
    );
    expect(places.map((each) => each?.file)).toEqual([`test/${file}`, `test/${file}`]);
    expect((places[1]?.line ?? 0) - (places[0]?.line ?? 0)).toBe(2);
  });

  test('of a program or a module that a factory found: its file', async () => {
    const found = executableTask(
      { name: 'ping' },
      { ...program },
      { location: { file: '/srv/tests/ping.sh', line: 2 } },
    );
    const going = run([found], { root: '/srv', pool: programs });
    const events = listen(going);
    await going.summary;
    expect(events[1]).toMatchObject({ tasks: [{ location: { file: 'tests/ping.sh', line: 2 } }] });
  });
});
