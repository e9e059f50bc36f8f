import { describe, expect, it } from 'vitest';
import {
  addressed,
  checkMeta,
  collectTasks,
  controlled,
  definitionOf,
  executableTask,
  isPexenError,
  isTask,
  key,
  metaOf,
  place,
  service,
  serviceRules,
  TaskFailError,
  task,
  type,
  withMeta,
} from '../src/index.ts';

describe('a task', () => {
  it('stays callable, so that it can be tested without a scheduler', async () => {
    const lint = task({ name: 'lint' }, ({ attempt, path }) => `${path}#${attempt}`);
    expect(await lint()).toBe('lint#1');
    expect(lint.name).toBe('lint');
  });

  it('reads required keys from the given values, and writes the keys that it sets there', async () => {
    const built = key<string>('built');
    const tested = key<boolean>('tested');
    const check = task({ requires: [built], provides: [tested] }, ({ get, set }) =>
      set(tested, get(built) === 'out'),
    );
    const values = new Map<typeof built | typeof tested, unknown>([[built, 'out']]);
    await check({ values });
    expect(values.get(tested)).toBe(true);
  });

  it('rejects, rather than throws, when its body throws', async () => {
    const broken = task({}, () => {
      throw new Error('no');
    });
    await expect(broken()).rejects.toThrow('no');
  });

  it('with args is bound by with(), checked by its schema, and keeps a reference to its template', async () => {
    const ship = task({ name: 'ship', args: type<{ to: string }>() }, ({ args }) => args.to);
    const toEurope = ship.with({ to: 'eu' }, { name: 'ship-eu' });
    expect(metaOf(ship.with({ to: 'eu' }, { name: undefined })).name).toBe('ship');
    expect(await toEurope()).toBe('eu');
    expect(await ship({ to: 'us' })).toBe('us');
    expect(metaOf(toEurope).name).toBe('ship-eu');
    expect(definitionOf(toEurope).madeFrom).toBe(ship);
  });

  it('refuses args that its schema refuses, with every issue', () => {
    const issues = [{ message: 'too short', path: ['to'] }, { message: 'too odd' }];
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } } as const;
    const ship = task({ name: 'ship', args: schema }, () => {});
    expect(() => ship.with('x')).toThrow(/PEXEN_BAD_ARGS ship: too short at args\.to[\s\S]*too odd/);
  });

  it('refuses an asynchronous schema by its own code', () => {
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: async () => ({ value: 1 }) },
    } as const;
    const ship = task({ name: 'ship', args: schema }, () => {});
    const thrown = caught(() => ship.with(1));
    expect(isPexenError(thrown) && thrown.code).toBe('PEXEN_ASYNC_SCHEMA');
  });

  it('can be a plain function with metadata', () => {
    const plain = withMeta(() => 1, { claims: ['db'] });
    expect(metaOf(plain)).toEqual({ claims: ['db'] });
    expect(isTask(plain)).toBe(false);
    expect(definitionOf(plain).body).toBe(plain);
  });

  it('is a task or a function, and nothing else', () => {
    for (const value of [undefined, null, 5, 'build', {}, []]) {
      const thrown = caught(() => definitionOf(value as never));
      expect(isPexenError(thrown) && thrown.message).toMatch(
        /^PEXEN_NOT_A_TASK: there is (undefined|null|an? \w+) where a task should be\n/,
      );
    }
  });

  it('needs metadata and a body; the error has the place where they are missing', () => {
    const wrong: [given: unknown[], message: RegExp][] = [
      [[() => 1], /was given a function for its metadata/],
      [['ping', () => 1], /was given a string for its metadata/],
      [[null, () => 1], /was given null for its metadata/],
      [[[], () => 1], /was given a list for its metadata/],
      [[{ name: 'a' }], /was given undefined for its body/],
      [[{ name: 'a' }, 5], /was given a number for its body/],
    ];
    for (const [given, message] of wrong) {
      const thrown = caught(() => Reflect.apply(task, undefined, given));
      expect(isPexenError(thrown) && thrown.problems[0]).toMatchObject({
        code: 'PEXEN_NOT_A_TASK',
        message: expect.stringMatching(message),
        location: { file: expect.stringContaining('define-task.test.ts') },
        hint: expect.stringContaining('task({ … }, () => …)'),
      });
    }
  });

  it('is refused if its body has metadata, and so is metadata for a task', () => {
    const withClaims = withMeta(() => 1, { claims: ['L'] });
    const inner = task({ claims: ['L'] }, () => 1);
    for (const act of [
      () => task({ name: 'a' }, withClaims),
      () => task({ name: 'a' }, controlled(withClaims)),
      () => task({ name: 'a' }, inner),
      () => withMeta(inner as never, { priority: 1 }),
    ]) {
      const thrown = caught(act);
      expect(isPexenError(thrown) && thrown.problems[0]).toMatchObject({
        code: 'PEXEN_METADATA_TWICE',
        location: { file: expect.stringContaining('define-task.test.ts') },
        hint: expect.stringContaining('one place'),
      });
    }
  });

  it('withMeta and place refuse values that cannot run, with the place of the call', () => {
    const wrong: [act: () => unknown, message: RegExp][] = [
      [() => withMeta(5 as never, {}), /withMeta\(\) was given a number for its body/],
      [() => withMeta(() => 1, null as never), /withMeta\(\) was given null for its metadata/],
      [() => withMeta(() => 1, ['x'] as never), /withMeta\(\) was given a list for its metadata/],
      [() => place('net' as never, () => 1), /place\(\) was given a string for its path/],
      [() => place(['net', 4] as never, () => 1), /place\(\) was given a path with a number in it/],
      [() => place(['net'], undefined as never), /place\(\) was given undefined for its task/],
    ];
    for (const [act, message] of wrong) {
      const thrown = caught(act);
      expect(isPexenError(thrown) && thrown.problems[0]).toMatchObject({
        code: 'PEXEN_NOT_A_TASK',
        message: expect.stringMatching(message),
        location: { file: expect.stringContaining('define-task.test.ts') },
        hint: expect.stringMatching(/Write (withMeta|place)\(/),
      });
    }
  });

  it('is passed to the collector of tasks while a module loads', () => {
    const seen: string[] = [];
    const stop = collectTasks((_, definition) => seen.push(definition.meta.name ?? ''));
    task({ name: 'one' }, () => {});
    stop();
    task({ name: 'two' }, () => {});
    expect(seen).toEqual(['one']);
  });

  it('can be given an address and further metadata by a factory', () => {
    const original = task({ name: 'a', priority: 1 }, () => {});
    const address = { kind: 'export', url: 'file:///x.js', exportPath: ['a'], fingerprint: 'f' } as const;
    const known = addressed(original, address, { name: 'b' });
    expect(definitionOf(known)).toMatchObject({
      address,
      meta: { name: 'b', priority: 1 },
      madeFrom: original,
    });
  });
});

describe('controlled', () => {
  const program = { file: '/bin/true', argv: [], cwd: '/', env: {} } as never;
  class Broken extends TaskFailError {}

  it('turns what a body throws into a controlled failure with the cause', () => {
    const body = controlled(() => JSON.parse('{') as unknown, { as: Broken, depsOk: false });
    const thrown = caught(() => body(undefined));
    expect(thrown).toBeInstanceOf(Broken);
    expect(thrown).toMatchObject({ depsOk: false, locksOk: true, cause: expect.any(SyntaxError) });
  });

  it('does the same for rejections, and passes values on', async () => {
    await expect(controlled(async () => Promise.reject(new Error('late')))(undefined)).rejects.toBeInstanceOf(
      TaskFailError,
    );
    await expect(controlled(async () => 5)(undefined)).resolves.toBe(5);
  });

  it('keeps the metadata of a function', () => {
    const safe = controlled(withMeta(() => 1, { name: 'a', claims: ['L'] }));
    expect(metaOf(safe)).toEqual({ name: 'a', claims: ['L'] });
    expect(isTask(safe)).toBe(false);
  });

  it('makes a task of a task, with its metadata; the new task also provides the original', async () => {
    const built = key<string>('built');
    const broken = task({ name: 'a', claims: ['L'], requires: [built] }, ({ get }) => {
      throw new Error(get(built));
    });
    const safe = controlled(broken, { depsOk: false, as: Broken });
    expect(isTask(safe)).toBe(true);
    expect(metaOf(safe)).toMatchObject({ name: 'a', claims: ['L'], requires: [built] });
    expect(definitionOf(safe).madeFrom).toBe(broken);
    const thrown = await safe({ values: new Map([[built, 'no']]) }).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Broken);
    expect(thrown).toMatchObject({ message: 'no', depsOk: false });
  });

  it('makes a template of a template', async () => {
    const ship = controlled(
      task({ name: 'ship', args: type<{ to: string }>() }, ({ args }): string => {
        if (args.to === '') throw new Error('no');
        return args.to;
      }),
    );
    const nowhere = ship.with({ to: '' }, { name: 'nowhere' });
    expect(metaOf(nowhere).name).toBe('nowhere');
    await expect(nowhere()).rejects.toBeInstanceOf(TaskFailError);
    await expect(ship({ to: 'eu' })).resolves.toBe('eu');
  });

  it('refuses values without a body, and unknown options', () => {
    const wrong: [act: () => unknown, message: RegExp][] = [
      [
        () => controlled(5 as never),
        /^PEXEN_NOT_A_TASK .*define-task\.test\.ts.*: controlled\(\) was given a number/,
      ],
      [() => controlled(executableTask({}, program)), /^PEXEN_NOT_CALLABLE .*: "\/bin\/true" is a program/],
      [() => controlled(() => 1, { depOk: false } as never), /^PEXEN_BAD_OPTION.*"depOk"\n.*"depsOk"/],
    ];
    for (const [act, message] of wrong) expect(act).toThrow(message);
  });

  it('lets a controlled failure pass unchanged', () => {
    const own = new TaskFailError('mine', { locksOk: false });
    const thrown = caught(() =>
      controlled(() => {
        throw own;
      })(undefined),
    );
    expect(thrown).toBe(own);
  });
});

function caught(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('a service', () => {
  it('runs its body when it is called directly, and ready() reports to the test', async () => {
    const url = key<string>('url');
    const web = service({ name: 'web', provides: [url], restarts: 2 }, ({ set, ready }) => {
      set(url, 'http://localhost');
      ready();
      return 'stopped';
    });
    const values = new Map<typeof url, unknown>();
    const seen: unknown[] = [];
    expect(await web({ values, ready: () => seen.push(values.get(url)) })).toBe('stopped');
    expect(await web({ values: new Map() })).toBe('stopped');
    expect(seen).toEqual(['http://localhost']);
    expect(definitionOf(web).service).toEqual({ restarts: 2, killsOnStop: false });
  });

  it('keeps its rules when it is bound to args, addressed, or made of a program', () => {
    const db = service({ name: 'db', args: type<{ port: number }>(), stop: 'kill' }, ({ ready }) => ready());
    const rules = { restarts: 0, killsOnStop: true };
    expect(definitionOf(db.with({ port: 1 })).service).toEqual(rules);
    expect(definitionOf(addressed(db.with({ port: 1 }), undefined)).service).toEqual(rules);
    const program = { file: '/bin/db', argv: [], cwd: '/', env: {}, service: { ready: { fd: 3 } } } as const;
    const interpret = () => ({ outcome: { kind: 'returned' as const, value: 0 }, findings: [] });
    const made = executableTask({}, { ...program, interpret }, { service: serviceRules({ restarts: 1 }) });
    expect(definitionOf(made).service).toEqual({ restarts: 1, killsOnStop: false });
  });

  it('has no entries that make no sense for it, and tasks do not have its own', () => {
    const problems = checkMeta({ exclusive: true, restarts: -1, stop: 'now', port: 1 }, 'web', true);
    expect(problems.map(({ message }) => message)).toEqual([
      'a service has no metadata "exclusive"',
      'restarts must be a whole number, 0 or more',
      'stop must be kill',
      'unknown metadata "port"',
    ]);
    expect(checkMeta({ restarts: 1 }, 'web')[0]?.hint).toBe(
      'Only services have it: make the task with service().',
    );
  });

  it('refuses a body that cannot be called, and metadata in two places', () => {
    expect(() => service({}, 1 as never)).toThrow('service() was given a number for its body');
    expect(() => service({}, withMeta(() => {}, {}) as never)).toThrow(
      'the body of task() has metadata of its own',
    );
  });
});
