import {
  anyOf,
  atLeast,
  type DigestedTask,
  definitionOf,
  type ExecutableBody,
  every,
  executableTask,
  key,
  type LoadedModules,
  type ReadyCondition,
  type Requirement,
  type Runnable,
  sameDigest,
  serviceRules,
  type TaskDigests,
  type TaskMeta,
  task,
  unknownDigest,
} from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { TaskDigester, type TaskDigesterOptions } from '../src/index.ts';
import { ScriptedFiles } from './scripted-files.ts';

const root = '/project';
const salt = (): Uint8Array => Buffer.from('a key of the test');
const module = { kind: 'export', url: `file://${root}/a.ts`, exportPath: ['run'], fingerprint: '' } as const;

/** The record of a process that has loaded these files, which import nothing. */
function recordOf(files: ScriptedFiles, ...names: readonly string[]) {
  const urls = names.map((name) => `file://${root}/${name}`);
  const stamps = names.map((name) => files.stamp(`${root}/${name}`));
  return { length: 1, since: (): LoadedModules => ({ urls, stamps, edges: [] }) };
}

interface Described extends Partial<DigestedTask> {
  readonly options?: Partial<TaskDigesterOptions>;
  readonly files?: ScriptedFiles;
}

function digesterOf({
  options,
  files = new ScriptedFiles({ [`${root}/a.ts`]: 'a' }),
}: Described = {}): TaskDigester {
  return new TaskDigester({ root, salt, files, env: {}, record: recordOf(files, 'a.ts'), ...options });
}

function taskOf(runnable: Runnable, more: Partial<DigestedTask> = {}): DigestedTask {
  return { definition: definitionOf(runnable), limits: {}, pathsOf: () => [], address: module, ...more };
}

function digests(runnable: Runnable, more: Described = {}): TaskDigests {
  const { options: _options, files: _files, ...rest } = more;
  return digesterOf(more).digestsOf(taskOf(runnable, rest));
}

const withMeta = (meta: TaskMeta): Runnable => task(meta as never, () => {});
const plain = digests(withMeta({}));

describe('the meaning', () => {
  const [a, b] = [withMeta({ name: 'a' }), withMeta({ name: 'b' })];
  const pathsOf = (object: object): readonly string[] =>
    object === a ? ['net/a'] : object === b ? ['net/b', 'net/c'] : [];
  const meaning = (meta: TaskMeta): string => digests(withMeta(meta), { pathsOf }).meaning;
  const requiring = (...requires: readonly Requirement[]): string => meaning({ requires });

  test('is the same for equal metadata', () => {
    expect(sameDigest(plain.meaning, digests(withMeta({})).meaning)).toBe(true);
    expect(requiring(anyOf('x', key('y'), a))).toBe(requiring(anyOf('x', key('y'), a)));
  });

  test('differs with every form, count and name of what is required', () => {
    const all = [
      ...[
        meaning({}),
        requiring('x'),
        requiring('y'),
        requiring('x', 'y'),
        requiring('y', 'x'),
        requiring(key('x')),
      ],
      ...[requiring(a), requiring(b), requiring('net/a'), requiring(anyOf('x')), requiring(every('x'))],
      ...[requiring(atLeast(1, 'x', 'y')), requiring(atLeast(2, 'x', 'y')), requiring(every('x', 'y'))],
      ...[meaning({ provides: ['x'] }), meaning({ salvages: ['x'] }), meaning({ tearsDown: 'x' })],
      ...[
        meaning({ tearsDown: ['x', 'y'] }),
        meaning({ provides: ['x', 'y'] }),
        meaning({ provides: ['y', 'x'] }),
      ],
      ...[meaning({ args: { n: 1 } }), meaning({ args: { n: 2 } }), meaning({ args: { n: '1' } })],
      ...[meaning({ cleanup: () => 1 }), meaning({ cleanup: () => 2 })],
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(all).not.toContain(unknownDigest);
  });

  test('is the same by a key of the same name', () => {
    expect(requiring(key('x'))).toBe(requiring(key('x')));
  });

  test('ignores metadata that only determines when, where and under which name it runs', () => {
    const other = {
      ...{
        name: 'n',
        priority: 3,
        weight: 7,
        tags: ['t'],
        uses: ['u'],
        claims: ['c'],
        pool: 'p',
        rerunnable: true,
      },
      ...{ after: ['x'], before: ['y'], slowAfter: 5, exclusive: true, when: () => Math.random() > 0.5 },
      ...{ timeout: 5, idleTimeout: 5, grace: 5, retries: 5, inputs: ['i'], digestEnv: ['E'] },
    };
    expect(meaning(other)).toBe(plain.meaning);
    expect(meaning({ group: 'g' })).toBe(plain.meaning);
  });

  test.for([
    ['an object that is not a task', { requires: [{}] }],
    ['args with a function', { args: { call: () => 1 } }],
    ['a cleanup whose text says nothing', { cleanup: (() => 1).bind(null) }],
  ] as const)('is unknown with %s', ([, meta]) => {
    expect(meaning(meta as TaskMeta)).toBe(unknownDigest);
  });

  test('differs with the input of a maker', () => {
    const address = (input: unknown) =>
      ({ kind: 'maker', url: module.url, maker: 'm', input, id: 'i', fingerprint: '' }) as const;
    const of = (input: unknown) => digests(withMeta({}), { address: address(input) });
    expect(of(['a']).meaning).not.toBe(of(['b']).meaning);
    expect(of(['a']).meaning).toBe(of(['a']).meaning);
    expect(of([() => 1]).meaning).toBe(unknownDigest);
    expect(of(['a']).code).toBe(of(['b']).code);
  });
});

describe('the code of a function', () => {
  test('is that of the files of its module, and of the way to it', () => {
    const other = digests(withMeta({}), { files: new ScriptedFiles({ [`${root}/a.ts`]: 'other' }) });
    const elsewhere = digests(withMeta({}), { address: { ...module, exportPath: ['other'] } });
    const made = digests(withMeta({}), {
      address: { kind: 'made', url: module.url, id: '1:1', fingerprint: '' },
    });
    expect(new Set([plain.code, other.code, elsewhere.code, made.code, unknownDigest]).size).toBe(5);
    expect(digests(withMeta({ name: 'another name' })).code).toBe(plain.code);
  });

  test('takes in what workers have loaded, and what this process loads meanwhile', () => {
    const files = new ScriptedFiles({ [`${root}/a.ts`]: 'a', [`${root}/b.ts`]: 'b', [`${root}/c.ts`]: 'c' });
    const stamp = (name: string): string => files.stamp(`${root}/${name}`);
    const edgeTo = (name: string): LoadedModules => ({
      urls: [module.url, `file://${root}/${name}`],
      stamps: [stamp('a.ts'), stamp(name)],
      edges: [0, 1],
    });
    const pieces = [{ urls: [module.url], stamps: [stamp('a.ts')], edges: [] }, edgeTo('c.ts')];
    const record = { length: 1, since: (length: number) => pieces[length] as LoadedModules };
    const digester = digesterOf({ files, options: { record } });
    const asked = taskOf(withMeta({}));
    const first = digester.digestsOf(asked).code;
    digester.loaded(edgeTo('b.ts'));
    const second = digester.codeOf(asked);
    record.length = 2;
    const third = digester.codeOf(asked);
    expect(new Set([first, second, third, unknownDigest]).size).toBe(4);
    expect(digester.fileSetOf(asked)?.files.map(([name]) => name)).toEqual(['a.ts', 'b.ts', 'c.ts']);
    const set = digester.fileSetOf(asked) as never;
    expect(digesterOf({ files, options: { record: undefined } }).codeOfRecorded(asked, set)).toBe(third);
    files.write(`${root}/c.ts`, 'other');
    expect(digesterOf({ files }).codeOfRecorded(asked, set)).not.toBe(third);
  });

  test('is unknown where nothing is recorded, and for a module that was not loaded', () => {
    expect(digests(withMeta({}), { options: { record: undefined } }).code).toBe(unknownDigest);
    const address = { ...module, url: `file://${root}/b.ts` };
    expect(digests(withMeta({}), { address }).code).toBe(unknownDigest);
  });

  test('of a closure is its text and the files of the module that made it, under a name of its own only', () => {
    const here = import.meta.url;
    const record = { length: 1, since: (): LoadedModules => ({ urls: [here], stamps: ['now'], edges: [] }) };
    const files = new ScriptedFiles();
    Object.assign(files, { stamp: () => 'now', digest: () => 'd', text: () => '{}' });
    const code = (meta: TaskMeta, body: () => unknown): string =>
      digests(task(meta as never, body), { address: undefined, files, options: { record } } as never).code;
    const made = (n: number): string => code({ name: 'named' }, () => n);
    expect(made(1)).not.toBe(unknownDigest);
    expect(made(1)).toBe(made(2));
    expect(code({ name: 'named' }, () => 'other')).not.toBe(made(1));
    expect(code({}, () => 1)).toBe(unknownDigest);
    expect(code({ name: 'named' }, (() => 1).bind(null))).toBe(unknownDigest);
  });
});

describe('the code of a program', () => {
  const body: ExecutableBody = {
    ...{ file: `${root}/tests/ping.sh`, argv: ['--fast', 'data.json', '/etc/hosts'], cwd: `${root}/tests` },
    ...{
      env: { LANG: 'C', PATH: '/bin' },
      interpret: () => ({ outcome: { kind: 'returned', value: 0 }, findings: [] }),
    },
  };
  const texts = {
    [`${root}/tests/ping.sh`]: '#!/usr/bin/env -S bash -e\n',
    [`${root}/tests/data.json`]: '1',
    ...{
      '/etc/hosts': '',
      '/bin/bash': 'x',
      '/usr/bin/env': 'x',
      '/opt/bash-5.2': 'x',
      '/opt/bash-5.3': 'x',
    },
  };
  const code = (
    change: Partial<ExecutableBody> = {},
    more: Readonly<Record<string, string>> = {},
  ): string => {
    const files = new ScriptedFiles({ ...texts, ...more });
    files.link('/bin/bash', more.link ?? '/opt/bash-5.2');
    return digests(executableTask({}, { ...body, ...change }), { address: undefined, files } as never).code;
  };

  test('is the same for the same program', () => {
    expect(code()).toBe(code());
    expect(code()).not.toBe(unknownDigest);
  });

  test.for([
    ['its bytes', code({}, { [`${root}/tests/ping.sh`]: '#!/usr/bin/env -S bash -e\necho' })],
    ['an argument', code({ argv: ['--slow', 'data.json', '/etc/hosts'] })],
    ['the order of the arguments', code({ argv: ['data.json', '--fast', '/etc/hosts'] })],
    ['a file among the arguments', code({}, { [`${root}/tests/data.json`]: '2' })],
    ['its directory', code({ cwd: root })],
    ['the value of a variable', code({ env: { LANG: 'de', PATH: '/bin' } })],
    ['the name of a variable', code({ env: { LC_ALL: 'C', PATH: '/bin' } })],
    ['its interpreter', code({}, { link: '/opt/bash-5.3' })],
  ])('differs with %s', ([, other]) => {
    expect(other).not.toBe(code());
    expect(other).not.toBe(unknownDigest);
  });

  test('ignores files outside of the project among its arguments', () => {
    expect(code({}, { '/etc/hosts': 'other' })).toBe(code());
  });

  test('is the same in another directory', () => {
    const moved = Object.fromEntries(
      Object.entries(texts).map(([path, text]) => [path.replace(root, '/moved'), text]),
    );
    const files = new ScriptedFiles(moved);
    files.link('/bin/bash', '/opt/bash-5.2');
    const at = (argv: readonly string[], where: string): ExecutableBody =>
      ({ ...body, file: `${where}/tests/ping.sh`, argv, cwd: `${where}/tests` }) as ExecutableBody;
    const there = at(['--fast', '/moved/tests/data.json'], '/moved');
    const digester = new TaskDigester({ root: '/moved', salt, files, env: {} });
    expect(digester.digestsOf(taskOf(executableTask({}, there), { address: undefined } as never)).code).toBe(
      code({ argv: ['--fast', `${root}/tests/data.json`] }),
    );
  });

  test('is unknown where the program cannot be read, or changes while the run goes on', () => {
    expect(code({ file: `${root}/none` })).toBe(unknownDigest);
    const files = new ScriptedFiles(texts);
    const digester = digesterOf({ files });
    const asked = taskOf(executableTask({}, body), { address: undefined } as never);
    const { code: before } = digester.digestsOf(asked);
    expect(digester.codeOf(asked)).toBe(before);
    files.write(`${root}/tests/ping.sh`, 'other');
    expect(digester.codeOf(asked)).toBe(unknownDigest);
  });

  test('says in its meaning whether it is a service, and when that is ready', () => {
    const meaning = (ready: ReadyCondition, source = { service: serviceRules({}) }): string =>
      digests(executableTask({}, { ...body, service: { ready } }, source)).meaning;
    const all = [
      digests(executableTask({}, body)).meaning,
      ...[meaning({ port: '{port}' }), meaning({ port: 80 }), meaning({ line: 'up' }), meaning({ fd: 3 })],
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(meaning({ port: 80 }, { service: serviceRules({ restarts: 3 }) })).toBe(meaning({ port: 80 }));
  });

  test('says in its meaning how its output is read', () => {
    const meaning = (change: Partial<ExecutableBody>): string =>
      digests(executableTask({}, { ...body, ...change })).meaning;
    const all = [
      ...[
        meaning({}),
        meaning({ interpretOptions: { tap: true } }),
        meaning({ interpretOptions: { tap: 'perl' } }),
      ],
      meaning({ interpret: () => ({ outcome: { kind: 'returned', value: 1 }, findings: [] }) }),
    ];
    expect(new Set(all).size).toBe(4);
  });
});

describe('the data', () => {
  const files = (more: Readonly<Record<string, string>> = {}): ScriptedFiles => {
    const made = new ScriptedFiles({
      [`${root}/a.ts`]: 'a',
      [`${root}/x.json`]: '1',
      [`${root}/y.json`]: '2',
      ...more,
    });
    made.matching('*.json', [`${root}/x.json`, `${root}/y.json`]);
    made.matching('x.json', [`${root}/x.json`]);
    return made;
  };
  const data = (meta: TaskMeta, more: Described = {}): string =>
    digests(withMeta(meta), { files: files(), ...more }).data;

  test('differs with the content of a file that its inputs match, and with the files themselves', () => {
    const all = [
      ...[plain.data, data({ inputs: ['*.json'] }), data({ inputs: ['x.json'] })],
      data({ inputs: ['*.json'] }, { files: files({ [`${root}/y.json`]: 'other' }) }),
    ];
    expect(new Set([...all, unknownDigest]).size).toBe(5);
    expect(data({ inputs: ['x.json', '*.json'] })).toBe(data({ inputs: ['*.json'] }));
    expect(data({ inputs: ['none'] })).toBe(plain.data);
  });

  test('differs with a variable of the task or of the run, and never has its value', () => {
    const env = { SECRET: 'a value', OTHER: 'a value' };
    const of = (names: readonly string[], more: Partial<TaskDigesterOptions> = {}): string =>
      data({ digestEnv: names }, { options: { env, ...more } });
    const all = [
      ...[
        of([]),
        of(['SECRET']),
        of(['OTHER']),
        of(['SECRET'], { env: {} }),
        of(['SECRET'], { env: { SECRET: '' } }),
      ],
      of(['SECRET'], { salt: () => Buffer.from('another key') }),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(of([], { digestEnv: ['SECRET'] })).toBe(of(['SECRET']));
    expect(of(['SECRET', 'OTHER'])).toBe(of(['OTHER', 'SECRET', 'OTHER']));
  });

  test('asks for the key only where there is something to seal', () => {
    const options = {
      salt: () => {
        throw new Error('no key');
      },
    };
    expect(digests(withMeta({}), { options }).data).toBe(plain.data);
    expect(data({ digestEnv: ['X'] }, { options: { ...options, env: { X: '' } } })).toBe(unknownDigest);
  });

  test('differs with the entries that every dictionary begins with', () => {
    const of = (shared: Readonly<Record<string, unknown>>): string => data({}, { options: { shared } });
    expect(of({ url: 'a' })).not.toBe(of({ url: 'b' }));
    expect(of({})).toBe(plain.data);
    expect(of({ call: () => 1 })).toBe(unknownDigest);
  });
});

test('the limits are those that hold for it', () => {
  const of = (limits: object): string => digests(withMeta({}), { limits }).limits;
  expect(of({ timeoutMs: 1, retries: { count: 2 } })).toBe(of({ retries: { count: 2 }, timeoutMs: 1 }));
  expect(of({ timeoutMs: 1 })).not.toBe(of({ timeoutMs: 2 }));
});

describe('the files of the code', () => {
  const executableOf = (argv: readonly string[]): DigestedTask['definition'] => ({
    ...definitionOf(withMeta({})),
    body: { file: `${root}/run.sh`, argv, cwd: root, env: {} } as never,
  });

  test('are those that the module consists of, packages by their package.json', () => {
    const files = new ScriptedFiles({
      [`${root}/a.ts`]: 'a',
      [`${root}/node_modules/p/package.json`]: '{"name":"p","version":"1.0.0"}',
    });
    const urls = [module.url, `file://${root}/node_modules/p/`];
    const stamps = [files.stamp(`${root}/a.ts`), ''];
    const record = { length: 1, since: (): LoadedModules => ({ urls, stamps, edges: [0, 1] }) };
    const digester = digesterOf({ files, options: { record } });
    const found = digester.filesOf(taskOf(withMeta({})));
    expect(found?.files.map(([name]) => name)).toEqual(['a.ts', 'node_modules/p/package.json']);
    expect(digester.filesOf(taskOf(withMeta({ name: 'another' })))).toBe(found);
    expect(digester.root).toBe(root);
  });

  test('are not known where a file has changed since it was loaded', () => {
    const files = new ScriptedFiles({ [`${root}/a.ts`]: 'a' });
    const digester = digesterOf({ files });
    files.write(`${root}/a.ts`, 'b');
    expect(digester.filesOf(taskOf(withMeta({})))).toBeUndefined();
  });

  test('of a program are it and those of the project that it gets as arguments', () => {
    const files = new ScriptedFiles({
      [`${root}/run.sh`]: 'run',
      [`${root}/data.json`]: '{}',
      '/etc/hosts': 'hosts',
    });
    const digester = digesterOf({ files });
    const namesOf = (argv: readonly string[]) =>
      digester.filesOf({ definition: executableOf(argv) })?.files.map(([name]) => name);
    expect(namesOf(['--in', 'data.json', '/etc/hosts', 'none.txt'])).toEqual(['run.sh', 'data.json']);
    const before = digester.filesOf({ definition: executableOf([]) })?.digest;
    files.write(`${root}/run.sh`, 'other');
    expect(digester.filesOf({ definition: executableOf([]) })?.digest).not.toBe(before);
  });
});
