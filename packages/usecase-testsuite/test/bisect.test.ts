/** A bisection of recorded runs: its trials are real runs, in this process. The world of the tests is one for each run. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlacedTask, type TaskMeta, task } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import { inline, place } from '@pexen/sched';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sampled } from '#sample';
import type { LoadedConfig } from '../src/config/config.ts';
import { type BisectEnd, type BisectOptions, bisectSuite, runSuite } from '../src/index.ts';

/** What the bodies of one run share. */
interface World {
  readonly ran: Set<string>;
  readonly running: Set<string>;
}

type Fails = (name: string, world: World) => boolean;

const count = 24;
const nap = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Tests `t0` to `t23`; `long` ones take as long as several others. */
function suite(fails: Fails, metas: Readonly<Record<string, TaskMeta>> = {}, long: readonly string[] = []) {
  let world: World = { ran: new Set(), running: new Set() };
  const bodyOf = (name: string) => async (): Promise<void> => {
    const { ran, running } = world;
    running.add(name);
    const before = new Set(ran);
    const hadFailed = fails(name, world);
    await nap(long.includes(name) ? 30 : 1);
    running.delete(name);
    ran.add(name);
    if (hadFailed || fails(name, { ran: before, running })) throw new Error(`${name} failed`);
  };
  const factory: Factory = {
    ...{ kind: 'modelled', describe: 'modelled' },
    async *make(): AsyncIterable<PlacedTask> {
      for (let at = 0; at < count; at++) {
        const name = `t${at}`;
        yield place([], task({ ...metas[name], name }, bodyOf(name)));
      }
    },
  };
  const root = mkdtempSync(join(tmpdir(), 'pexen-bisect-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const config = { from: { '': factory }, pool: () => inline({ concurrency: 3 }), reporters: [] };
  const loaded: LoadedConfig = { root, file: undefined, config };
  const runOnce = (more: object, stateDir?: string) => {
    world = { ran: new Set(), running: new Set() };
    const changed = stateDir === undefined ? config : { ...config, stateDir };
    return runSuite({ ...loaded, config: changed }, more);
  };
  return { loaded, root, runOnce };
}

async function failedOnce(fails: Fails, ...rest: [metas?: Record<string, TaskMeta>, long?: string[]]) {
  const made = suite(fails, ...rest);
  for (let seed = 1; seed < 60; seed++)
    if ((await made.runOnce({ shuffle: String(seed) })).exitCode === 1) return made;
  throw new Error('no order fails');
}

type Made = ReturnType<typeof suite>;

function bisected({ loaded, runOnce }: Made, options: Partial<BisectOptions> = {}): Promise<BisectEnd> {
  return bisectSuite(loaded, {
    runTrial: async (file, stateDir) => {
      await runOnce({ replays: { file } }, stateDir);
      return 'ended';
    },
    onWarning: () => {},
    ...options,
  });
}

const foundIn = ({ victims }: BisectEnd) =>
  victims.map(({ path, found }) => [path, ...found.map(({ finding }) => finding)]);

/** Each takes some twenty runs. */
const pairs: Readonly<Record<string, () => Promise<void>>> = {
  'finds a test that must not run before another one, and says what to write': async () => {
    const made = await failedOnce((name, { ran }) => name === 't20' && ran.has('t5'));
    const end = await bisected(made);
    expect(foundIn(end)).toMatchObject([['t20', { kind: 'pair', relation: 'before', partner: 't5' }]]);
    expect(end.trials).toBeLessThanOrEqual(25);
    const [partner] = end.victims[0]?.found ?? [];
    expect(partner?.proposal?.lines.map(({ task: of, line }) => [of, line])).toEqual([
      ['t20', "provides: ['t20']"],
      ['t5', "after: ['t20']"],
    ]);
    expect(await made.runOnce({ replays: { file: partner?.schedule } })).toMatchObject({ exitCode: 1 });
    expect(readdirSync(join(made.root, '.pexen/bisect'))).toHaveLength(2);
  },
  'finds a test that must not overlap another one': async () => {
    const made = await failedOnce(
      (name, { running }) => name === 't20' && running.has('t7'),
      { t7: { uses: ['/db'] }, t20: { uses: ['/db'] } },
      ['t7', 't20', 't3', 't4'],
    );
    const end = await bisected(made);
    expect(foundIn(end)).toMatchObject([['t20', { kind: 'pair', relation: 'beside', partner: 't7' }]]);
    expect(end.trials).toBeLessThanOrEqual(40);
    expect(end.victims[0]?.found[0]?.proposal?.lines).toMatchObject([
      { task: 't7', line: "claims: ['/db']" },
    ]);
  },
  'finds a test that another one needs and does not require': async () => {
    const made = await failedOnce((name, { ran }) => name === 't20' && !ran.has('t5'));
    for (let seed = 100; (await made.runOnce({ shuffle: String(seed) })).exitCode !== 0; ) seed++;
    const end = await bisected(made);
    expect(foundIn(end)).toMatchObject([['t20', { kind: 'pair', relation: 'missing', partner: 't5' }]]);
    expect(end.victims[0]?.found[0]?.proposal?.lines.map(({ task: of, line }) => [of, line])).toEqual([
      ['t5', "provides: ['t5']"],
      ['t20', "requires: ['t5']"],
    ]);
  },
  'finds two pairs, one after the other': async () => {
    const made = await failedOnce(
      (name, { ran }) => (name === 't20' && ran.has('t5')) || (name === 't21' && ran.has('t6')),
      { t20: { priority: 1 }, t21: { priority: 1 } },
    );
    expect(foundIn(await bisected(made))).toMatchObject([
      [expect.any(String), { kind: 'pair', relation: 'before' }],
      [expect.any(String), { kind: 'pair', relation: 'before' }],
    ]);
  },
};

describe('a bisection', () => {
  it.each(sampled(Object.keys(pairs)))('%s', (name) => pairs[name]?.());

  it('says that a test fails by itself, and blames no other one', async () => {
    const made = await failedOnce((name) => name === 't20');
    const end = await bisected(made);
    expect(foundIn(end)).toEqual([['t20', { kind: 'alone', failures: 3 }]]);
    expect(end.trials).toBe(6);
  });

  it('goes on where it was stopped', async () => {
    const made = await failedOnce((name, { ran }) => name === 't20' && ran.has('t5'));
    const first = await bisected(made, { mostTrials: 4 });
    expect(first).toMatchObject({ isOpen: true, trials: 4, victims: [] });
    const seen: number[] = [];
    const second = await bisected(made, {
      onEvent: (event) => event.type === 'victim' && seen.push(event.known),
    });
    expect(foundIn(second)).toMatchObject([['t20', { kind: 'pair', partner: 't5' }]]);
    expect(seen).toEqual([4]);
    expect(first.trials + second.trials).toBeLessThanOrEqual(25);
  });

  it('has nothing to do where no test failed', async () => {
    const made = suite(() => false);
    await made.runOnce({});
    await expect(bisected(made)).rejects.toThrow('PEXEN_NOTHING_TO_BISECT');
    await expect(bisected(made, { queries: ['t3'], run: 1 })).rejects.toThrow(
      'none of t3 has failed in run 1',
    );
  });
});
