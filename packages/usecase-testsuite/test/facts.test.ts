/** The facts about the environment that `when` gets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Facts, type Problem, place, task } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import { inline } from '@pexen/sched';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { factsOf } from '../src/facts.ts';
import { type ListedTask, listSuite, runSuite, type SuiteConfig } from '../src/index.ts';

const loaded = (config?: object) => ({ config: { from: {}, ...config }, root: '/', file: undefined });

afterEach(() => void vi.unstubAllEnvs());

test('every suite has the platform, the architecture and whether this is a CI run', async () => {
  const { platform, arch } = process;
  vi.stubEnv('CI', '1');
  expect((await factsOf(loaded())).facts).toMatchObject({ platform, arch, ci: true });
  vi.stubEnv('CI', 'false');
  expect((await factsOf(loaded())).facts).toMatchObject({ platform, arch, ci: false });
});

test('those of the configuration take precedence, as a value or by a function', async () => {
  expect((await factsOf(loaded({ facts: { gpu: 'none', arch: 'mips' } }))).facts).toMatchObject({
    gpu: 'none',
    arch: 'mips',
  });
  expect((await factsOf(loaded({ facts: async () => ({ gpu: 'some' }) }))).facts).toMatchObject({
    gpu: 'some',
    arch: process.arch,
  });
});

describe('facts that take time', () => {
  /** A suite of tasks with these conditions. */
  function suite(conditions: Readonly<Record<string, (facts: Facts) => boolean | string>>, more: object) {
    const root = mkdtempSync(join(tmpdir(), 'pexen-facts-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const from: Factory = {
      ...{ kind: 'conditions', describe: 'conditions' },
      async *make() {
        for (const [name, when] of Object.entries(conditions))
          yield place(
            [],
            task({ name, when }, () => {}),
          );
      },
    };
    const config: SuiteConfig = { from: { '': from }, pool: () => inline(), reporters: [], ...more };
    return { config, root, file: undefined };
  }

  const reasons = (tasks: readonly ListedTask[]) =>
    Object.fromEntries(tasks.map(({ path, reason }) => [path, reason]));

  test('are determined once, and only those that tasks ask for', async () => {
    const calls: string[] = [];
    const soon = async <T>(name: string, value: T): Promise<T> => {
      calls.push(name);
      await new Promise(setImmediate);
      return value;
    };
    const facts = {
      docker: () => soon('docker', { version: '27.1' }),
      gpus: () => soon('gpus', 0),
      board: () => soon('board', 'x'),
      quick: () => calls.push('quick'),
    };
    const suiteOf = suite(
      {
        a: (known) => (known.docker as { version: string }).version === '27.1',
        b: (known) => (known.docker as object) !== undefined && ((known.gpus as number) > 0 || 'needs a GPU'),
        c: ({ quick }) => quick !== 7,
      },
      { facts },
    );
    const { tasks } = await listSuite(suiteOf);
    expect(reasons(tasks)).toEqual({ a: undefined, b: 'needs a GPU', c: undefined });
    expect(calls.toSorted()).toEqual(['docker', 'gpus', 'quick']);
    expect(await runSuite(suiteOf)).toMatchObject({ exitCode: 0, verdicts: { pass: 2, skip: 1 } });
  });

  test('a fact that fails or takes too long is a problem of the tasks that ask for it', async () => {
    const suiteOf = suite(
      { a: ({ late }) => late === 1, b: ({ broken }) => broken === 1, c: ({ thrown }) => thrown === 1 },
      {
        facts: {
          late: () => new Promise(() => {}),
          broken: async () => Promise.reject(new Error('no daemon')),
          thrown: () => {
            throw new Error('no luck');
          },
        },
        factsTimeout: 20,
      },
    );
    const error = (await runSuite(suiteOf).catch((thrown) => thrown)) as { problems: Problem[] };
    expect(error.problems.map(({ code, task: path, message }) => `${path} ${code} ${message}`)).toEqual([
      'a PEXEN_WHEN_THREW its "when" threw: the fact "late" could not be determined: its function took longer than 0.02 s (factsTimeout)',
      'b PEXEN_WHEN_THREW its "when" threw: the fact "broken" could not be determined: its function rejected: no daemon',
      'c PEXEN_WHEN_THREW its "when" threw: the fact "thrown" could not be determined: its function threw: no luck',
    ]);
  });

  test('a factory that asks for one starts over once it is known', async () => {
    const made: unknown[] = [];
    const from: Factory = {
      ...{ kind: 'boards', describe: 'boards' },
      async *make({ facts }) {
        made.push('start');
        for (const name of (facts?.boards ?? []) as string[])
          yield place(
            [],
            task({ name }, () => {}),
          );
      },
    };
    const { config, ...rest } = suite({}, { from: { '': from }, facts: { boards: async () => ['x', 'y'] } });
    const { tasks } = await listSuite({ config, ...rest });
    expect(tasks.map(({ path }) => path)).toEqual(['x', 'y']);
    expect(made).toEqual(['start', 'start']);
  });
});
