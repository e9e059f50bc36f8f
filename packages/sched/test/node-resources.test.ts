/** Resources of which there is one on each node: who gets them, and what is said of them, in real runs on a pool that has nodes. */
import { amount, isPexenError, type PoolNode, type Problem, task } from '@pexen/core';
import { expect, test } from 'vitest';
import { settle } from '#scripted-clock';
import { inline, plan, run, service } from '../src/index.ts';
import { NodePool } from './node-pool.ts';

const node = (name: string, slots = 4, properties: PoolNode['properties'] = {}): PoolNode => ({
  ...{ name, properties, slots, bootMark: 'a' },
});
const nodeResources = { '/dev/kvm': {}, gpu: { capacity: 'gpus' }, '/srv/ram': { capacity: 8 } };

/** Bodies that note who runs beside them, and end when they are asked to. */
class Bodies {
  readonly running = new Set<string>();
  readonly #gates = new Map<string, () => void>();

  body(name: string): () => Promise<void> {
    return async () => {
      this.running.add(name);
      await new Promise<void>((resolve) => this.#gates.set(name, resolve));
      this.running.delete(name);
    };
  }

  async end(...names: readonly string[]): Promise<void> {
    for (const name of names) this.#gates.get(name)?.();
    await settle();
  }

  get names(): string {
    return [...this.running].sort().join(' ');
  }
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

test('each node has its own: two tasks that claim it run on two nodes, and the third waits', async () => {
  const pool = new NodePool([node('n1'), node('n2')]);
  const bodies = new Bodies();
  const claims = ['/dev/kvm'];
  const tasks = ['a', 'b', 'c'].map((name) => task({ name, claims }, bodies.body(name)));
  const going = run(tasks, { pool, nodeResources });
  const summary = going.summary;
  await pool.opened;
  await settle();

  expect(bodies.names).toBe('a b');
  expect(pool.ran).toEqual({ a: ['n1'], b: ['n2'] });
  expect(going.why('c')).toBe(
    '"c" waits for the resource "/dev/kvm" on n1, n2, held by "a", "b", which is running.',
  );
  expect(going.inspect().resources).toMatchObject([
    { resource: '/dev/kvm on n1', holders: [{ path: 'a', how: 'claims' }], waiting: ['c'] },
    { resource: '/dev/kvm on n2', holders: [{ path: 'b', how: 'claims' }], waiting: ['c'] },
  ]);
  await bodies.end('b');
  expect(pool.ran).toMatchObject({ c: ['n2'] });
  await bodies.end('a', 'c');
  expect(await summary).toMatchObject({ counts: { returned: 3 } });
});

test('what is above it in the tree holds it on all nodes, and what is below it is on the node', async () => {
  const pool = new NodePool([node('n1'), node('n2')]);
  const bodies = new Bodies();
  const tasks = [
    task(
      { name: 'below', claims: ['/dev/kvm/vm1'], on: ({ name }) => name === 'n1', priority: -2 },
      bodies.body('below'),
    ),
    task(
      { name: 'same', uses: ['/dev/kvm'], on: ({ name }) => name === 'n1', priority: -1 },
      bodies.body('same'),
    ),
    task({ name: 'all', claims: ['/dev'] }, bodies.body('all')),
  ];
  const summary = run(tasks, { pool, nodeResources }).summary;
  await pool.opened;
  await settle();
  expect(pool.ran).toEqual({ below: ['n1'] });
  await bodies.end('below');
  expect(bodies.names).toBe('same');
  await bodies.end('same');
  expect(bodies.names).toBe('all');
  await bodies.end('all');
  expect(await summary).toMatchObject({ counts: { returned: 3 } });
});

test('units are counted on each node; how many there are is stated, or is a property', async () => {
  const pool = new NodePool([node('n1', 9, { gpus: 2 }), node('n2', 9, { gpus: 1 }), node('n3', 9)]);
  const bodies = new Bodies();
  const tasks = [
    task({ name: 'wide', uses: [amount('gpu', 2)] }, bodies.body('wide')),
    task({ name: 'one', uses: ['gpu'] }, bodies.body('one')),
    task({ name: 'two', uses: ['gpu'] }, bodies.body('two')),
    task({ name: 'three', uses: [amount('gpu', 3)] }, bodies.body('three')),
    task({ name: 'ram', uses: [amount('/srv/ram', 8)], on: ({ name }) => name === 'n3' }, bodies.body('ram')),
  ];
  const going = run(tasks, { pool, nodeResources });
  const summary = going.summary;
  await pool.opened;
  await settle();
  expect(pool.ran).toEqual({ wide: ['n1'], one: ['n2'], ram: ['n3'] });
  expect(going.why('three')).toBe(
    '"three" waits for a node of the pool "default" (n1 has 2 of gpu, and 3 are needed; n2 has 1 of gpu, and 3 are needed; n3 has 0 of gpu, and 3 are needed).',
  );
  pool.change(node('n4', 1, { gpus: 4 }));
  await settle();
  expect(pool.ran).toMatchObject({ two: ['n4'] });
  await bodies.end('two');
  expect(pool.ran).toMatchObject({ three: ['n4'] });
  await bodies.end('wide', 'one', 'three', 'ram');
  expect(await summary).toMatchObject({ counts: { returned: 5 } });
});

test('poison stays on its node; tasks that no node can run any more are skipped', async () => {
  const pool = new NodePool([node('n1', 1), node('n2', 1)]);
  const fail = () => {
    throw new Error('in the middle of it');
  };
  const claims = ['/dev/kvm'];
  const tasks = [
    task({ name: 'breaks', claims, provides: ['broken'], on: ({ name }) => name === 'n1' }, fail),
    task({ name: 'after', claims, after: ['broken'], provides: ['after'] }, () => 1),
    task({ name: 'breaks too', claims, requires: ['after'], provides: ['too'] }, fail),
    task({ name: 'late', claims, after: ['too'] }, () => 1),
    task({ name: 'other', claims: ['/dev/tun'], after: ['too'] }, () => 1),
  ];
  const going = run(tasks, { pool, nodeResources });
  const results = new Map<string, string>();
  for await (const { path, status, reason } of going)
    results.set(
      path,
      status === 'skipped' ? (reason ?? []).map(({ task: by, why }) => `${by} ${why}`).join('; ') : status,
    );
  expect(pool.ran).toMatchObject({ breaks: ['n1'], after: ['n2'], 'breaks too': ['n2'] });
  expect(results.get('late')).toBe(
    'late needs "/dev/kvm on n1", which was left in an unknown state; breaks threw',
  );
  expect(results.get('other')).toBe('returned');
});

test('a retry stays where it holds something', async () => {
  const pool = new NodePool([node('n1', 1), node('n2', 2)]);
  let tries = 0;
  const flaky = task({ name: 'flaky', claims: ['/dev/kvm'], retries: 2, cleanup: () => {} }, () => {
    if (tries++ < 2) throw new Error('again');
  });
  const { counts } = await run([flaky], { pool, nodeResources }).summary;
  expect(counts).toEqual({ returned: 1 });
  expect(new Set(pool.ran.flaky)).toEqual(new Set(['n2']));
});

test('a writer is not starved by readers: after some bypasses what it needs is reserved on one node', async () => {
  const pool = new NodePool([node('n1', 3)]);
  const bodies = new Bodies();
  const order: string[] = [];
  const reader = (at: number) =>
    task(
      { name: `r${at}`, uses: ['/dev/kvm'], priority: 1, ...(at === 0 && { provides: ['r0'] }) },
      async () => {
        order.push(`r${at}`);
        await bodies.body(`r${at}`)();
      },
    );
  const writer = task(
    { name: 'writer', claims: ['/dev/kvm'], after: ['r0'] },
    () => void order.push('writer'),
  );
  const tasks = [writer, ...Array.from({ length: 200 }, (_, at) => reader(at))];
  const summary = run(tasks, { pool, nodeResources }).summary;
  await pool.opened;
  for (let at = 0; at < 200; at++) {
    await settle();
    await bodies.end(`r${at}`);
  }
  expect(await summary).toMatchObject({ counts: { returned: 201 } });
  const at = order.indexOf('writer');
  expect(at).toBeGreaterThan(60);
  expect(at).toBeLessThan(70);
});

test('what must be known before the run is checked before the run', () => {
  const pool = () => new NodePool([node('n1')]);
  const refused = (meta: object, body: object = {}) =>
    problemsOf(() => plan([task({ name: 'it', ...meta }, () => 1)], { pool, nodeResources, ...body }));
  expect(refused({ uses: [amount('/srv/ram', 9)] })).toMatchObject([
    { code: 'PEXEN_AMOUNT_TOO_LARGE', task: 'it', message: expect.stringContaining('takes 9 of /srv/ram') },
  ]);
  expect(refused({ uses: [amount('/dev/kvm', 1)] })).toMatchObject([{ code: 'PEXEN_AMOUNT_UNKNOWN' }]);
  expect(refused({}, { nodeResources: { '/dev/*': { capacity: 2 } } })).toMatchObject([
    { code: 'PEXEN_BAD_OPTION', message: expect.stringContaining('must be that of one resource') },
  ]);
  const held = service({ name: 'vm', claims: ['/dev/kvm'], provides: ['vm'] }, () => {});
  const needs = task({ name: 'needs', requires: ['vm'] }, () => 1);
  expect(problemsOf(() => plan([held, needs], { pool, nodeResources }))).toMatchObject([
    { code: 'PEXEN_NODE_LOCKS_OF_SERVICE', task: 'vm' },
  ]);
});

test('in a pool without nodes there is one of it, where the run is', async () => {
  const claims = ['/dev/kvm'];
  const bodies = new Bodies();
  const tasks = [
    task({ name: 'a', claims }, bodies.body('a')),
    task({ name: 'b', claims }, bodies.body('b')),
    task({ name: 'c', uses: [amount('gpu', 2)] }, bodies.body('c')),
  ];
  const going = run(tasks, { pool: () => inline({ concurrency: 3 }), nodeResources, here: { gpus: 2 } });
  const summary = going.summary;
  await settle();
  expect(bodies.names).toBe('a c');
  expect(going.inspect().resources.map(({ resource }) => resource)).toEqual(['/dev/kvm', 'gpu']);
  expect(going.why('b')).toBe('"b" waits for the resource "/dev/kvm", held by "a", which is running.');
  await bodies.end('a', 'c');
  await bodies.end('b');
  expect(await summary).toMatchObject({ counts: { returned: 3 } });
});
