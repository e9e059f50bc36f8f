/** Suites as data: which tasks a suite file makes, and with which metadata, commands and places. */
import { join } from 'node:path';
import { amount, anyOf, atLeast, every, type TaskMeta } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { yaml } from '../../src/index.ts';
import { brief, definition, type Layout, made, paths, program, scratch } from '../scratch.ts';

interface Task {
  readonly path: string;
  readonly meta: TaskMeta;
  readonly file: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly place: string;
}

/** The tasks of `suite.yaml` in a folder with these files. */
async function tasksIn(layout: Layout): Promise<readonly Task[]> {
  const dir = scratch(layout);
  const collected = await made(yaml({ file: 'suite.yaml' }), dir);
  expect(brief(collected.problems, dir)).toEqual([]);
  const names = paths(collected);
  return collected.tasks.map((placed, at): Task => {
    const { meta, body, location } = definition(placed);
    if (typeof body === 'function') throw new Error('its body is a function');
    const { file, argv, cwd, env } = body;
    const inDir = (path: string): string => path.replace(dir, '.');
    return {
      ...{ path: names[at] as string, meta, env, argv: argv.map(inDir) },
      ...{ file: inDir(file), cwd: inDir(cwd) },
      place: `${inDir(location?.file ?? '')}:${location?.line}:${location?.column}`,
    };
  });
}

function suite(text: string, others: Layout = {}): Promise<readonly Task[]> {
  return tasksIn({ 'suite.yaml': text, ...others });
}

async function metaOf(entries: string): Promise<TaskMeta> {
  const [task] = await suite(`tasks: { a: { command: 'true', ${entries} } }`);
  const { name: _, ...meta } = task?.meta ?? {};
  return meta;
}

async function pathsOf(text: string, others: Layout = {}): Promise<string[]> {
  return (await suite(text, others)).map(({ path }) => path);
}

describe('a task', () => {
  test('has all metadata that data can have', async () => {
    expect(
      await metaOf(
        `requires: [server, { anyOf: [a, b] }, { every: [c] }, { atLeast: [2, d, e] }], after: [x], before: [y], salvages: [z],
    tearsDown: server, provides: [p], uses: [/net, { memory-mb: 512 }], claims: [port], exclusive: true, priority: -2, weight: 1.5s,
    pool: quick, timeout: off, idleTimeout: 100ms, grace: 0, slowAfter: 2h, retries: { count: 2, delay: 1s }, rerunnable: false,
    scope: boot, mayReboot: true, inputs: [src], digestEnv: [TOKEN], tags: [slow], when: no network`,
      ),
    ).toEqual({
      requires: ['server', anyOf('a', 'b'), every('c'), atLeast(2, 'd', 'e')],
      ...{ after: ['x'], before: ['y'], salvages: ['z'], tearsDown: 'server', provides: ['p'] },
      ...{ uses: ['/net', amount('memory-mb', 512)], claims: ['port'], exclusive: true, priority: -2 },
      ...{ weight: 1_500, pool: 'quick', timeout: Number.POSITIVE_INFINITY, idleTimeout: 100, grace: 0 },
      ...{ slowAfter: 7_200_000, retries: { count: 2, delay: 1_000 }, rerunnable: false, scope: 'boot' },
      ...{ mayReboot: true, inputs: ['src'], digestEnv: ['TOKEN'], tags: ['slow'], when: 'no network' },
    });
  });

  test('runs a list as it is, and a text in a shell that stops at the first failure; a command alone is enough', async () => {
    const tasks = await suite(`tasks:
  list: { command: [/bin/echo, 1.10, "a b", true], argv: [more] }
  text: { command: "false; true", argv: [one] }
  alone: echo 1
  short: [./run, x]
`);
    expect(tasks.map(({ file, argv }) => [file, ...argv])).toEqual([
      ['/bin/echo', '1.10', 'a b', 'true', 'more'],
      ['/bin/sh', '-ec', 'false; true', '/bin/sh', 'one'],
      ['/bin/sh', '-ec', 'echo 1', '/bin/sh'],
      ['./run', 'x'],
    ]);
    expect(tasks.map(({ place }) => place)).toEqual([2, 3, 4, 5].map((line) => `./suite.yaml:${line}:3`));
  });

  test('is looked up among the installed programs of the folder first, then in PATH', async () => {
    const layout = { 'node_modules/.bin/sh': program(), 'suite.yaml': 'tasks: { a: [sh], b: [env] }' };
    const [a, b] = await tasksIn(layout);
    expect(a?.file).toBe('./node_modules/.bin/sh');
    expect(b?.file).toMatch(/^\/.*\/env$/);
  });

  test('runs in the folder of the file, or where it says', async () => {
    const tasks = await suite(
      'tasks: { a: x, b: { command: x, cwd: sub }, c: { command: x, cwd: private } }',
    );
    expect(tasks.map(({ cwd }) => cwd)).toEqual(['.', './sub', '.']);
  });
});

test('a service has the defaults that services have', async () => {
  const dir = scratch({
    'suite.yaml': `defaults: { rerunnable: true, timeout: 5s }
tasks: { db: { command: [sh, '{port}'], service: true, ready: { port: '{port}' }, stop: SIGINT, restarts: 2, provides: [db] } }`,
  });
  const { tasks, problems } = await made(yaml({ file: 'suite.yaml' }), dir);
  expect(problems).toEqual([]);
  const { meta, body, service } = definition(tasks[0] as never);
  expect(meta).toEqual({ name: 'db', timeout: 5_000, provides: ['db'], restarts: 2 });
  expect(service).toEqual({ restarts: 2, killsOnStop: false });
  expect(body).toMatchObject({
    argv: ['{port}'],
    service: { ready: { port: '{port}' }, stopSignal: 'SIGINT' },
  });
});

describe('parts', () => {
  test('have defaults of their own, and what they contain stays in its order', async () => {
    const tasks = await suite(`from:
  net:
    defaults: { timeout: 1s, tags: [net], env: { A: 1.10, B: b } }
    tasks: { ping: { command: x, timeout: 2s, env: { B: c } } }
    from: { v6/far: { tasks: { ping: x } } }
defaults: { timeout: 3s, grace: 4s, env: { C: d } }
tasks: { last: x }
`);
    expect(tasks.map(({ path, meta, env }) => [path, meta.timeout, meta.grace, meta.tags, env])).toEqual([
      ['net/ping', 2_000, 4_000, ['net'], { A: '1.10', B: 'c', C: 'd' }],
      ['net/v6/far/ping', 1_000, 4_000, ['net'], { A: '1.10', B: 'b', C: 'd' }],
      ['last', 3_000, 4_000, undefined, { C: 'd' }],
    ]);
  });

  test('call factories, with the defaults of the part below their own', async () => {
    const tasks = await suite(
      `from:
  sys:
    defaults: { timeout: 1s, retries: 2, env: { A: a, B: a } }
    executables:
      - { dir: tests, meta: { retries: 1 }, env: { B: b } }
      - { dir: more }
    programs: { files: '*.x', command: [sh, '{file}'], argv: [1.0] }
`,
      {
        'tests/a.sh': program('# pexen: { timeout: 5s }'),
        'more/b.sh': program(),
        'c.x': 'true',
      },
    );
    expect(tasks.map(({ path, meta, env, argv }) => [path, meta.timeout, meta.retries, env, argv])).toEqual([
      ['sys/a.sh', 5_000, 1, { A: 'a', B: 'b' }, []],
      ['sys/b.sh', 1_000, 2, { A: 'a', B: 'a' }, []],
      ['sys/c.x', 1_000, 2, { A: 'a', B: 'a' }, ['c.x', '1.0']],
    ]);
  });

  test('call importers, whose variables are texts', async () => {
    const conf = 'syntax(2)\ntest_suites.demo.left = 1\n';
    const tasks = await suite(
      `from:
  sys:
    defaults: { timeout: 1s, env: { A: a } }
    kyua: { dir: k, config: k/kyua.conf, variables: { demo: { count: 1.0 } }, meta: { retries: 1 } }
`,
      {
        'k/Kyuafile': "syntax(2)\ntest_suite('demo')\nplain_test_program{name='p'}\n",
        'k/kyua.conf': conf,
        'k/p': program(),
      },
    );
    expect(tasks.map(({ path, meta, env }) => [path, meta.timeout, meta.retries, env])).toEqual([
      ['sys/p', 1_000, 1, { TEST_ENV_count: '1.0', TEST_ENV_left: '1' }],
    ]);
  });

  test('state capacities', async () => {
    const dir = scratch({ 'suite.yaml': 'capacities: { gpus: 2 }\ntasks: { a: x }' });
    expect([...(await made(yaml({ file: 'suite.yaml' }), dir)).capacities]).toEqual([['gpus', 2]]);
  });

  test('needs and when of different sources are one condition', async () => {
    const [task] = await suite(
      'defaults: { needs: { memory: 1T } }\ntasks: { a: { command: x, when: { if: ci, because: only in CI } } }',
    );
    const { when } = task?.meta ?? {};
    const facts = { memory: { totalMb: 1024 }, ci: false };
    expect(typeof when === 'function' && when(facts as never)).toBe(
      'needs 1T of memory, and there are 1G; only in CI',
    );
  });
});

describe('templates', () => {
  test('give entries and values, which the task replaces', async () => {
    const tasks = await suite(`templates:
  base: { timeout: 1s, env: { A: a }, with: { n: 1, word: none } }
  echo: { template: base, command: [/bin/echo, "\${{ word }}", "$\${{ word }}", "x\${{n}}\${{ n }}y"], env: { B: b } }
tasks:
  a: { template: echo }
  b: { template: echo, with: { word: hi, n: 1.10 }, timeout: 2s }
`);
    expect(tasks.map(({ argv, meta, env }) => [argv, meta.timeout, env])).toEqual([
      [['none', `\${{ word }}`, 'x11y'], 1_000, { A: 'a', B: 'b' }],
      [['hi', `\${{ word }}`, 'x1.101.10y'], 2_000, { A: 'a', B: 'b' }],
    ]);
  });

  test('a text that is nothing but a value is that value, whatever it is', async () => {
    const [task] = await suite(`tasks:
  a:
    command: \${{ all }}
    with: { all: [/bin/echo, 1], n: 5, need: { anyOf: [a, b] }, name: GREETING }
    priority: \${{ n }}
    requires: ["\${{ need }}", "t\${{ n }}"]
    env: { "\${{ name }}": "\${{ n }}" }
`);
    expect(task).toMatchObject({
      ...{ file: '/bin/echo', argv: ['1'], env: { GREETING: '5' } },
      meta: { priority: 5, requires: [anyOf('a', 'b'), 't5'] },
    });
  });

  test('a matrix makes a task of each combination: excluded ones are left out, named ones added', async () => {
    const tasks = await suite(`tasks:
  ping:
    command: [/bin/ping, -s, "\${{ size }}", "\${{ host }}"]
    matrix: { host: [a, b], size: { small: 56, big: [1, 2] } }
    exclude: [{ host: b, size: big }, { host: a, size: big }]
    cells: { far: { host: c, size: 7 } }
  "n-\${{ i }}":
    with: { word: "w\${{ i }}" }
    matrix: { i: [1, 2] }
    command: [/bin/echo, "\${{ word }}"]
`);
    expect(tasks.map(({ path, argv }) => [path, argv.join(' ')])).toEqual([
      ['ping/a/small', '-s 56 a'],
      ['ping/b/small', '-s 56 b'],
      ['ping/far', '-s 7 c'],
      ['n-1', 'w1'],
      ['n-2', 'w2'],
    ]);
  });

  test('values in defaults come from the task', async () => {
    const [task] = await suite(
      `defaults: { timeout: "\${{ t }}" }\ntasks: { a: { command: x, with: { t: 3s } } }`,
    );
    expect(task?.meta.timeout).toBe(3_000);
  });

  test('anchors, aliases and merge keys work, also in entries that begin with x-', async () => {
    const [a, b] = await suite(`x-common: &common { timeout: 1s, command: x }
tasks:
  a: &a { <<: *common, tags: [t] }
  b: { <<: [*a, *common], timeout: 2s }
`);
    expect([a?.meta, b?.meta]).toEqual([
      { name: 'a', timeout: 1_000, tags: ['t'] },
      { name: 'b', timeout: 2_000, tags: ['t'] },
    ]);
  });
});

describe('included files', () => {
  test('have places and paths of their own, and their templates can be used', async () => {
    const tasks = await tasksIn({
      'suite.yaml': `include: [sub/net.yaml]
defaults: { timeout: 9s, grace: 9s }
tasks: { own: { template: t } }
from: { again: { include: sub/net.yaml } }
`,
      'sub/net.yaml': `defaults: { timeout: 1s }
templates: { t: { command: [./t.sh] } }
tasks:
  ping: { template: t }
executables: { dir: bin }
`,
      'sub/bin/x': program(),
    });
    expect(tasks.map(({ path, file, place, meta }) => [path, file, place, meta.timeout, meta.grace])).toEqual(
      [
        ['ping', './sub/t.sh', './sub/net.yaml:4:3', 1_000, 9_000],
        ['x', './sub/bin/x', './sub/bin/x:undefined:undefined', 1_000, 9_000],
        ['own', './t.sh', './suite.yaml:3:10', 9_000, 9_000],
        ['again/ping', './sub/t.sh', './sub/net.yaml:4:3', 1_000, 9_000],
        ['again/x', './sub/bin/x', './sub/bin/x:undefined:undefined', 1_000, 9_000],
      ],
    );
  });

  test('may be JSON, as the suite itself', async () => {
    const dir = scratch({
      's.json': '{ "$schema": "x", "tasks": { "a": { "command": ["/bin/x"], "timeout": "2s" } } }\n',
    });
    const collected = await made(yaml({ file: join(dir, 's.json') }), '/');
    expect(paths(collected)).toEqual(['a']);
  });
});

test('names may be call paths; what a value puts into them stays one part', async () => {
  expect(
    await pathsOf(`from: { a/b: { tasks: { c/d: x, '/e/': x } } }
tasks: { "n/\${{ net }}": { command: x, matrix: { net: [10.0.0.0/8] } }, m: { command: x, matrix: { net: [1/2] } } }`),
  ).toEqual(['a/b/c/d', 'a/b/e', 'n/10.0.0.0/8', 'm/1/2']);
  const dir = scratch({ 'suite.yaml': 'tasks: { m: { command: x, matrix: { net: [1/2] } } }' });
  const { tasks } = await made(yaml({ file: 'suite.yaml' }), dir);
  expect([tasks[0]?.under, tasks[0] && definition(tasks[0]).meta.name]).toEqual([['m'], '1/2']);
});

test('a factory may be used again, under another path', async () => {
  const dir = scratch({ 'suite.yaml': 'tasks: { a: x }' });
  const factory = yaml({ file: 'suite.yaml' });
  expect(paths(await made(factory, dir))).toEqual(['a']);
  expect(paths(await made(factory, dir, { under: ['p', 'q'] }))).toEqual(['p/q/a']);
  expect(await pathsOf('tasks: { a: x, b: y }')).toEqual(['a', 'b']);
});
