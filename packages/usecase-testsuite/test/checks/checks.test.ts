/** Checks around attempts: which attempts are blamed for what appears while several run. */
import type { Assignment, Finding, Pool, PoolOutcome, Ticket } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { type Check, Checks, type Sight } from '../../src/checks/checks.ts';

/** A pool whose attempts start and end when the test wants it. */
class ScriptedPool implements Pool {
  readonly manifest: Pool['manifest'];
  readonly #attempts = new Map<string, { ticket: Ticket; end: (outcome: PoolOutcome) => void }>();

  constructor(manifest: Partial<Pool['manifest']> = {}) {
    const usual = {
      name: 'scripted',
      kills: true,
      transport: 'reference',
      closures: true,
      executables: true,
    } as const;
    this.manifest = { ...usual, ...manifest };
  }

  async open(): Promise<void> {}
  async close(): Promise<void> {}

  run({ path }: Assignment, ticket: Ticket): Promise<PoolOutcome> {
    const { promise, resolve } = Promise.withResolvers<PoolOutcome>();
    this.#attempts.set(path, { ticket, end: resolve });
    return promise;
  }

  start(path: string): void {
    this.#attempts.get(path)?.ticket.started('worker');
  }

  end(path: string, outcome: PoolOutcome = { kind: 'returned', value: undefined }): void {
    this.#attempts.get(path)?.end(outcome);
  }
}

/** Attempts under checks, and what they report. */
class Bench {
  readonly there = new Map<string, Sight>();
  readonly warnings: string[] = [];
  readonly pool: ScriptedPool;
  readonly #checked: Pool;
  readonly #ends = new Map<string, Promise<readonly string[]>>();

  constructor(check: Partial<Check> = {}, pool = new ScriptedPool()) {
    const whole: Check = { name: 'things', look: () => this.there.values(), ...check };
    const checks = new Checks([whole], ({ message }) => void this.warnings.push(message));
    this.pool = pool;
    this.#checked = checks.around(pool, 'default');
  }

  open(): Promise<void> {
    return this.#checked.open({} as never);
  }

  put(what: string, sight: Partial<Sight> = {}): void {
    this.there.set(what, { key: what, what, ...sight });
  }

  async start(path: string): Promise<void> {
    this.give(path);
    this.pool.start(path);
    await pause();
  }

  /** Without a start. */
  give(path: string, part: Assignment['part'] = 'body'): void {
    const findings: Finding[] = [];
    const ticket = {
      signal: new AbortController().signal,
      started: () => {},
      report: (update: { finding?: Finding }) => void (update.finding && findings.push(update.finding)),
    };
    const run = this.#checked.run({ path, attempt: 1, part } as never, ticket as never);
    const texts = Promise.resolve(run).then(() =>
      findings.map(({ status, message }) => `${status} ${message}`),
    );
    this.#ends.set(path, texts);
  }

  end(path: string, outcome?: PoolOutcome): Promise<readonly string[]> {
    this.pool.end(path, outcome);
    return this.#ends.get(path) ?? Promise.resolve([]);
  }
}

/** Until the looks that were begun have ended, and longer than clocks are coarse. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

test('what appears while one attempt runs is its finding; what was there before, or goes again, is none', async () => {
  const bench = new Bench({ report: 'fail' });
  bench.put('old');
  await bench.open();
  await bench.start('a');
  bench.put('left', { sinceMs: Date.now() });
  bench.put('gone');
  await pause();
  await bench.start('b');
  bench.there.delete('gone');
  expect(await bench.end('a')).toEqual(['fail left']);
  expect(await bench.end('b')).toEqual([]);
  await bench.start('c');
  expect(await bench.end('c')).toEqual([]);
});

test('of four that overlap, each that ran when it appeared is blamed and names the others', async () => {
  const bench = new Bench();
  await bench.open();
  for (const path of ['a', 'b', 'c']) await bench.start(path);
  expect(await bench.end('a')).toEqual([]);
  bench.put('left');
  expect(await bench.end('b')).toEqual(['warn left; or left by what ran at the same time: c']);
  await bench.start('d');
  expect(await bench.end('d')).toEqual([]);
  expect(await bench.end('c')).toEqual(['warn left; or left by what ran at the same time: b']);
});

test('what says which task it comes from, or since when it is there, is a finding of that only', async () => {
  const bench = new Bench();
  await bench.open();
  for (const path of ['a', 'b']) await bench.start(path);
  const sinceMs = Date.now();
  await pause();
  await bench.start('c');
  bench.put('named', { tasks: ['b'] });
  bench.put('dated', { sinceMs });
  bench.put('foreign', { tasks: [] });
  expect(await bench.end('c')).toEqual([]);
  expect(await bench.end('a')).toEqual(['warn dated; or left by what ran at the same time: b']);
  expect(await bench.end('b')).toEqual(['warn named', 'warn dated; or left by what ran at the same time: a']);
});

describe('how often a check looks', () => {
  /** A bench whose check counts its looks. */
  async function counted(check: Partial<Check> = {}): Promise<{ bench: Bench; looks: () => number }> {
    let count = 0;
    const look = (): Iterable<Sight> => {
      count++;
      return bench.there.values();
    };
    const bench = new Bench({ look, ...check });
    await bench.open();
    return { bench, looks: () => count };
  }

  test('when attempts start and end, and once for several that end at the same time', async () => {
    const { bench, looks } = await counted();
    await pause();
    await bench.start('a');
    await bench.start('b');
    await bench.start('c');
    expect(looks()).toBe(4);
    bench.put('left');
    const [a = [], b = []] = await Promise.all([bench.end('a'), bench.end('b')]);
    expect(looks()).toBe(5);
    expect(a).toEqual(['warn left; or left by what ran at the same time: b, c']);
    expect(b).toEqual(['warn left; or left by what ran at the same time: a, c']);
    await bench.end('c');
    expect(looks()).toBe(6);
  });

  test('only when attempts end, if its sights say since when they are there', async () => {
    const { bench, looks } = await counted({ isDated: true });
    await pause();
    await bench.start('a');
    bench.put('left', { sinceMs: Date.now() });
    await pause();
    await bench.start('b');
    expect(looks()).toBe(1);
    expect(await bench.end('b')).toEqual([]);
    expect(await bench.end('a')).toEqual(['warn left']);
    expect(looks()).toBe(3);
  });
});

test('an event is listed once, and stays a finding', async () => {
  const bench = new Bench();
  await bench.open();
  for (const path of ['a', 'b']) await bench.start(path);
  bench.put('crash', { isEvent: true });
  expect(await bench.end('a')).toEqual(['warn crash; or left by what ran at the same time: b']);
  bench.there.clear();
  expect(await bench.end('b')).toEqual(['warn crash; or left by what ran at the same time: a']);
});

test('an attempt is a suspect before it is known to have started, and not if it never starts', async () => {
  const bench = new Bench();
  await bench.open();
  bench.give('late');
  bench.give('never');
  await bench.start('a');
  bench.put('left');
  expect(await bench.end('a')).toEqual(['warn left']);
  expect(await bench.end('never', { kind: 'not-started', reason: 'x' })).toEqual([]);
  bench.pool.start('late');
  expect(await bench.end('late')).toEqual(['warn left; or left by what ran at the same time: a']);
});

test('processes that the pool has ended count where that check fails tests', async () => {
  const leaked = { kind: 'returned', value: { leaked: 2 } } as const;
  for (const [report, expected] of [
    ['fail', ['fail 2 of its processes, which were killed']],
    ['warn', []],
  ] as const) {
    const bench = new Bench({ name: 'processes', report });
    await bench.open();
    await bench.start('a');
    expect(await bench.end('a', leaked)).toEqual(expected);
  }
});

describe('a check that cannot see', () => {
  test('says so once, when something runs', async () => {
    const bench = new Bench({ blind: () => 'it is dark' });
    expect(bench.warnings).toEqual([]);
    await bench.open();
    await bench.open();
    await bench.start('a');
    bench.put('left');
    expect(await bench.end('a')).toEqual([]);
    expect(bench.warnings).toEqual(['checks: "things" cannot see anything: it is dark']);
  });

  test('and one that throws: the tests do not notice', async () => {
    const bench = new Bench({ look: () => Promise.reject(new Error('no more')) });
    await bench.open();
    await bench.start('a');
    expect(await bench.end('a')).toEqual([]);
    expect(bench.warnings).toEqual(['checks: "things" cannot see anything: no more']);
  });

  test('and what runs on other machines', async () => {
    const bench = new Bench({}, new ScriptedPool({ nodes: 'open' }));
    await bench.open();
    await bench.start('a');
    bench.put('left');
    expect(await bench.end('a')).toEqual([]);
    expect(bench.warnings).toEqual([
      'checks: "all checks" cannot see anything: the tasks of the pool "default" run on other machines',
    ]);
  });
});
