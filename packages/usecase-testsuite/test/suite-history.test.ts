/** What runs of a suite leave for later ones, and what these make of it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TaskMeta, task } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import { inline, place } from '@pexen/sched';
import { History, type TaskSample, thisMachine } from '@pexen/store';
import { expect, onTestFinished, test } from 'vitest';
import { listSuite, runSuite, type SuiteConfig, type SuiteRunOptions } from '../src/index.ts';
import { readLastResults } from '../src/state/suite-history.ts';

/** How a task behaves: how long it takes, and what else. */
interface Behaviour extends TaskMeta {
  readonly ms?: number;
  /** It throws at these attempts. */
  readonly failsAt?: readonly number[];
}

/** A suite in a folder of its own, whose tasks can be exchanged between its runs. */
class ScratchSuite {
  readonly root = mkdtempSync(join(tmpdir(), 'pexen-suite-history-'));
  tasks: Readonly<Record<string, Behaviour>>;
  readonly #config: Partial<SuiteConfig>;

  constructor(tasks: Readonly<Record<string, Behaviour>>, config: Partial<SuiteConfig> = {}) {
    this.tasks = tasks;
    this.#config = config;
    onTestFinished(() => rmSync(this.root, { recursive: true }));
  }

  get #loaded() {
    const factory: Factory = { kind: 'scripted', describe: 'scripted', make: () => this.#make() };
    const common = { from: { '': factory }, pool: () => inline(), reporters: [] };
    const config: SuiteConfig = { ...common, ...this.#config };
    return { config, root: this.root, file: undefined };
  }

  async *#make() {
    for (const [path, { ms = 0, failsAt = [], ...meta }] of Object.entries(this.tasks)) {
      const names = path.split('/');
      const body = ({ attempt }: { readonly attempt: number }): void => {
        const until = performance.now() + ms;
        while (performance.now() < until);
        if (failsAt.includes(attempt)) throw new Error('not this time');
      };
      yield place(names.slice(0, -1), task({ name: names.at(-1) as string, ...meta }, body));
    }
  }

  /** The paths of the tasks, in the order of their ends. */
  async run(options: SuiteRunOptions = {}): Promise<string[]> {
    return [...(await runSuite(this.#loaded, options)).judgements.keys()];
  }

  async order(): Promise<string[]> {
    return (await listSuite(this.#loaded)).tasks.map(({ path }) => path);
  }

  /** An earlier run in which the tasks took so many ms. */
  remember(durations: Readonly<Record<string, number>>): void {
    mkdirSync(join(this.root, '.pexen'));
    const run = { id: 'earlier', startedAtMs: 1, durationMs: 1, exitCode: 0, isWhole: true };
    const samples = Object.entries(durations).map(([path, ranMs]): TaskSample => {
      return { path, verdict: 'pass', outcome: 'returned', attempts: 1, ranMs };
    });
    this.history.record({ ...run, machine: thisMachine() }, samples, { runs: 10, days: 1e6, mebibytes: 64 });
  }

  get lastResults(): Record<string, string> {
    const results = readLastResults(join(this.root, '.pexen'));
    return Object.fromEntries([...results].map(([path, { verdict }]) => [path, verdict]));
  }

  get history(): History {
    return new History({ file: join(this.root, '.pexen/history.db') });
  }
}

test('the tasks that took longest in earlier runs start first', async () => {
  const suite = new ScratchSuite({ short: {}, medium: {}, long: {} });
  expect(await suite.order()).toEqual(['short', 'medium', 'long']);
  suite.remember({ short: 1000, medium: 20_000, long: 60_000 });
  expect(await suite.order()).toEqual(['long', 'medium', 'short']);
  expect(await suite.run()).toEqual(['long', 'medium', 'short']);
});

test('a weight that a task states wins', async () => {
  const suite = new ScratchSuite({ short: {}, stated: { weight: 30 }, long: {} });
  suite.remember({ short: 10, stated: 1000, long: 60 });
  expect(await suite.order()).toEqual(['long', 'stated', 'short']);
});

test('a task that is new starts where tasks of its folder would', async () => {
  const suite = new ScratchSuite({ 'quick/new': {}, 'slow/a': {}, 'quick/b': {}, 'slow/new': {} });
  suite.remember({ 'slow/a': 4000, 'quick/b': 20 });
  const order = await suite.order();
  expect(order.slice(0, 2).sort()).toEqual(['slow/a', 'slow/new']);
});

test('a run of some tasks replaces the results of these only; a run of all forgets tasks that are gone', async () => {
  const suite = new ScratchSuite({ a: {}, b: { failsAt: [1] }, gone: {} });
  await suite.run();
  expect(suite.lastResults).toEqual({ a: 'pass', b: 'fail', gone: 'pass' });
  expect(readFileSync(join(suite.root, '.pexen/.gitignore'), 'utf8')).toBe('*\n');
  suite.tasks = { a: {}, b: {} };
  await suite.run({ queries: ['b'] });
  expect(suite.lastResults).toEqual({ a: 'pass', b: 'pass', gone: 'pass' });
  await suite.run();
  expect(suite.lastResults).toEqual({ a: 'pass', b: 'pass' });
});

test('a run that was stopped keeps the results of what it did not run', async () => {
  const suite = new ScratchSuite({ a: {}, b: {} });
  await suite.run();
  suite.tasks = { a: { failsAt: [1], priority: -1 }, b: { requires: ['x'] }, c: { provides: ['x'] } };
  await suite.run({ bail: 1 });
  expect(suite.lastResults).toEqual({ b: 'pass', a: 'fail' });
});

test('each run is kept with its samples', async () => {
  const suite = new ScratchSuite({
    a: { ms: 5, retries: 1, failsAt: [1] },
    b: { requires: ['c'] },
    c: { provides: ['c'], failsAt: [1] },
  });
  await suite.run({ workers: 3 });
  const [run, ...more] = suite.history.runs();
  expect(more).toEqual([]);
  expect(run).toMatchObject({ exitCode: 1, isWhole: true, workers: 3, machine: thisMachine() });
  expect(Math.abs(Date.now() - (run?.startedAtMs ?? 0))).toBeLessThan(60_000);
  const samples = suite.history.samplesOf(['a', 'b', 'c'], 5);
  expect(samples.get('a')).toMatchObject([{ verdict: 'flaky', outcome: 'returned', attempts: 2 }]);
  const [a] = samples.get('a') ?? [];
  expect(a?.ranMs).toBeGreaterThan(4);
  expect(a?.tookMs).toBeGreaterThan(9);
  expect(samples.get('b')).toMatchObject([{ verdict: 'skip', outcome: 'skipped', attempts: 0 }]);
  expect(samples.get('c')).toMatchObject([{ verdict: 'fail', outcome: 'failed', attempts: 1 }]);
});

test('without a history nothing is added, and nothing that is there counts', async () => {
  const suite = new ScratchSuite({ short: { failsAt: [1] }, long: {} }, { history: false });
  suite.remember({ short: 1, long: 5000 });
  expect(await suite.order()).toEqual(['short', 'long']);
  expect(await suite.run()).toEqual(['short', 'long']);
  expect(suite.history.runs().map(({ id }) => id)).toEqual(['earlier']);
  await expect(suite.run({ queries: ['status:pass'] })).rejects.toThrow('PEXEN_NOTHING_SELECTED');
});

test('of runs and of the history as many stay as the configuration says', async () => {
  const config = { history: { runs: 3 }, retention: { runs: 2 } };
  const suite = new ScratchSuite({ a: {} }, config);
  for (let run = 0; run < 5; run++) await suite.run();
  expect(suite.history.runs()).toHaveLength(3);
  await expect.poll(() => readdirSync(join(suite.root, '.pexen/runs'))).toHaveLength(2);
});
