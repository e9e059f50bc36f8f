/** Tasks run on the nodes that they ask for, in real runs on a pool that has nodes. */
import { isPexenError, type PoolManifest, type Problem, task } from '@pexen/core';
import { expect, test } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import { inline, plan, run } from '../src/index.ts';
import { NodePool } from './node-pool.ts';

const arm = { name: 'n1', properties: { arch: 'arm64', cpus: 4 }, slots: 1, bootMark: 'a' };
const x64 = { name: 'n2', properties: { arch: 'x64', cpus: 64 }, slots: 1, bootMark: 'b' };

function readOn(text: string) {
  const [property = '', value] = text.split('=');
  if (value === undefined) throw new SyntaxError(`"${text}" has no "="`);
  return ({ properties }: { readonly properties: Readonly<Record<string, unknown>> }) =>
    String(properties[property]) === value || `has no ${text}`;
}

function problemsOf(make: () => unknown): readonly Problem[] {
  try {
    make();
  } catch (error) {
    if (isPexenError(error)) return error.problems;
    throw error;
  }
  return [];
}

test('a task runs on a node that its "on" admits, an expression or a function', async () => {
  const pool = new NodePool([arm, x64]);
  const tasks = [
    task({ name: 'by text', on: 'arch=arm64' }, () => 1),
    task({ name: 'by function', on: ({ properties }) => Number(properties.cpus) > 8 }, () => 1),
    task({ name: 'anywhere' }, () => 1),
  ];
  const { counts } = await run(tasks, { pool, readOn }).summary;
  expect(counts).toEqual({ returned: 3 });
  expect(pool.ran).toMatchObject({ 'by text': ['n1'], 'by function': ['n2'] });
});

test('a function that is asked for another node than any of a closed pool is refused before the run', () => {
  const pool = (): NodePool => new NodePool([arm, x64], [arm, x64]);
  const wants = task({ name: 'wants', on: 'arch=riscv' }, () => 1);
  const [problem] = problemsOf(() => plan([wants], { pool, readOn }));
  expect(problem).toMatchObject({ code: 'PEXEN_NO_NODE_MATCHES', task: 'wants' });
  expect(problem?.message).toBe(
    'no node of the pool "default" can run it, which asks for arch=riscv: n1 has no arch=riscv; n2 has no arch=riscv',
  );
});

test('in a pool without nodes, "on" sees the place of the run', async () => {
  const wants = task({ name: 'wants', on: 'arch=arm64' }, () => 1);
  expect(problemsOf(() => plan([wants], { readOn }))).toMatchObject([{ code: 'PEXEN_NO_NODE_MATCHES' }]);
  const { counts } = await run([wants], { readOn, here: { arch: 'arm64' } }).summary;
  expect(counts).toEqual({ returned: 1 });
});

test('all expressions that cannot be read are reported together', () => {
  const tasks = [task({ name: 'one', on: 'arch' }, () => 1), task({ name: 'two', on: 'cpus' }, () => 1)];
  const found = problemsOf(() => plan(tasks, { pool: () => new NodePool([arm]), readOn }));
  expect(found).toMatchObject([
    { code: 'PEXEN_BAD_ON', task: 'one', message: 'its "on" cannot be read: "arch" has no "="' },
    { code: 'PEXEN_BAD_ON', task: 'two' },
  ]);
  expect(problemsOf(() => plan(tasks.slice(0, 1)))).toMatchObject([
    { code: 'PEXEN_BAD_ON', message: expect.stringContaining('"readOn" is missing') },
  ]);
});

test('a plan for a pool without nodes asks again where a run has another pool', async () => {
  const wants = task({ name: 'wants', on: 'arch=x64' }, () => 1);
  const planned = plan([wants], { readOn, here: { arch: 'x64' } });
  const pool = new NodePool([arm, x64]);
  await run(planned, { pool }).summary;
  expect(pool.ran).toEqual({ wants: ['n2'] });
});

test('a task that waits for a node is reported after a minute, with what each lacks', async () => {
  const clock = new ScriptedClock();
  const pool = new NodePool([arm]);
  const warnings: Problem[] = [];
  const going = run([task({ name: 'wants', on: 'arch=x64' }, () => 1)], {
    ...{ pool, readOn, clock },
    onWarning: (warning) => warnings.push(warning),
  });
  const summary = going.summary;
  await pool.opened;
  await settle();

  expect(going.inspect().waiting).toEqual([
    {
      path: 'wants',
      for: {
        kind: 'node',
        pool: 'default',
        asked: 'arch=x64',
        nodes: [{ name: 'n1', lacks: 'has no arch=x64' }],
      },
    },
  ]);
  await clock.advance(60_000);
  expect(warnings).toMatchObject([
    {
      ...{ code: 'PEXEN_WAITS_FOR_NODE', task: 'wants' },
      message:
        'no node has taken it for a minute: "wants" waits for a node of the pool "default" with arch=x64 (n1 has no arch=x64).',
    },
  ]);
  pool.change(x64);
  expect(await summary).toMatchObject({ counts: { returned: 1 } });
});

test('tasks that a run adds may ask for something new', async () => {
  const pool = new NodePool([arm, x64]);
  const going = run([task({ name: 'first' }, () => 1)], { pool, readOn });
  for await (const { path } of going)
    if (path === 'first') going.add([task({ name: 'second', on: 'cpus=64' }, () => 1)]);
  expect(pool.ran.second).toEqual(['n2']);
});

test('an "on" that throws admits no node, and "why" says so', async () => {
  const pool = new NodePool([arm]);
  const wants = task(
    {
      name: 'wants',
      on: () => {
        throw new Error('broken');
      },
    },
    () => 1,
  );
  const going = run([wants], { pool });
  const summary = going.summary;
  await pool.opened;
  await settle();

  expect(going.why('wants')).toContain('n1 cannot be asked: broken');
  going.abort('enough');
  expect(await summary).toMatchObject({ counts: { skipped: 1 } });
});

test('the manifest of the scripted pool is one of the contract', () => {
  const manifest: PoolManifest = new NodePool([arm]).manifest;
  expect(manifest.nodes).toBe('open');
  expect(inline().manifest.nodes).toBeUndefined();
});
