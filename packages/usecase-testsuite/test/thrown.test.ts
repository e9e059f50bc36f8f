/** An error thrown by a module's task is a failed test in a suite, like exit code 1 of a program. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executableTask, type Runnable, task } from '@pexen/core';
import { type Factory, interpreter, modules, together } from '@pexen/factory';
import { inline } from '@pexen/sched';
import { afterAll, describe, expect, it } from 'vitest';
import { processes, runSuite, type SuiteConfig, type SuiteEnd, threads } from '../src/index.ts';

const dir = await mkdtemp(join(tmpdir(), 'pexen-thrown-'));
afterAll(() => rm(dir, { recursive: true }));

const listed = (tasks: readonly Runnable[]): Factory => ({
  kind: 'list',
  describe: 'a list',
  async *make() {
    for (const each of tasks) yield { under: [], task: each };
  },
});

async function suite(from: Factory, config: Partial<SuiteConfig> = {}): Promise<SuiteEnd> {
  return await runSuite({
    config: { from: { '': from }, pool: () => inline(), reporters: [], ...config },
    root: dir,
    file: undefined,
  });
}

function verdicts({ judgements }: SuiteEnd): Record<string, string> {
  return Object.fromEntries([...judgements].map(([path, { verdict }]) => [path, verdict]));
}

describe('what a module task throws in a suite', () => {
  it('is a failure: the others of its resource run, its dependents do not', async () => {
    const ran: string[] = [];
    const throws = task({ name: 'throws', claims: ['/db'] }, () => {
      throw new Error('no route');
    });
    const end = await suite(
      listed([
        throws,
        task({ name: 'rejects', claims: ['/db'] }, async () => Promise.reject('a text')),
        task({ name: 'next', claims: ['/db/users'] }, () => void ran.push('next')),
        task({ name: 'dependent', requires: [throws] }, () => void ran.push('dependent')),
      ]),
    );
    expect(verdicts(end)).toEqual({ throws: 'fail', rejects: 'fail', next: 'pass', dependent: 'skip' });
    expect(end.judgements.get('throws')?.reason).toBe('no route');
    expect(ran).toEqual(['next']);
  });

  it('is one after its timeout as well', async () => {
    const end = await suite(
      listed([
        task({ name: 'late', claims: ['db'], timeout: 10 }, async ({ signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          throw new Error('torn');
        }),
        task({ name: 'next', claims: ['db'] }, () => {}),
      ]),
    );
    expect(verdicts(end)).toEqual({ late: 'timeout', next: 'pass' });
  });

  it('is followed by its cleanup, and poisons what it holds if that fails', async () => {
    const cleaned: string[] = [];
    const throwing = (name: string, cleanup: () => void) =>
      task({ name, claims: [name], cleanup }, () => {
        throw new Error('no route');
      });
    const end = await suite(
      listed([
        throwing('tidy', () => void cleaned.push('tidy')),
        throwing('untidy', () => {
          throw new Error('still mounted');
        }),
        task({ name: 'after tidy', claims: ['tidy'] }, () => {}),
        task({ name: 'after untidy', claims: ['untidy'] }, () => {}),
      ]),
    );
    expect(cleaned).toEqual(['tidy']);
    expect(verdicts(end)).toEqual({
      tidy: 'fail',
      untidy: 'fail',
      'after tidy': 'pass',
      'after untidy': 'skip',
    });
  });

  it('does not apply to programs: exit code 99 and signals remain uncontrolled failures', async () => {
    const script = (name: string, code: string) =>
      executableTask(
        { name, claims: [name] },
        { file: '/bin/sh', argv: ['-c', code], cwd: dir, env: {}, interpret: interpreter() },
      );
    const end = await suite(
      listed([
        script('out of control', 'exit 99'),
        script('killed', 'kill -9 $$'),
        script('failed', 'exit 3'),
        ...['out of control', 'killed', 'failed'].map((name) =>
          executableTask(
            { name: `after ${name}`, claims: [name] },
            { file: '/bin/true', argv: [], cwd: dir, env: {}, interpret: interpreter() },
          ),
        ),
      ]),
      { pool: processes, workers: 2 },
    );
    expect(verdicts(end)).toMatchObject({
      'after out of control': 'skip',
      'after killed': 'skip',
      'after failed': 'pass',
    });
  });

  it.each([
    ['threads', threads],
    ['processes', processes],
  ] as const)(
    'is an error where %s cannot load or hand over, and the resources are in order',
    async (kind, pool) => {
      const core = JSON.stringify(new URL('../../core/src/index.ts', import.meta.url).href);
      const write = async (name: string, lines: readonly string[]): Promise<Factory> => {
        const file = join(dir, `${kind}-${name}.mjs`);
        await writeFile(file, [`import { task } from ${core};`, ...lines].join('\n'));
        return modules({ file });
      };
      Object.assign(globalThis, { isHostOfTest: true });
      const end = await suite(
        together(
          await write('a', [
            "if (!globalThis.isHostOfTest) throw new Error('not here');",
            "export const unloadable = task({ claims: ['a'] }, () => 1);",
          ]),
          await write('b', [
            "export const uncloneable = task({ claims: ['b'] }, () => () => {});",
            "export const crashing = task({ claims: ['c'] }, () => process.exit(3));",
            "export const thrower = task({ claims: ['d'] }, () => { throw new TypeError('no route') });",
            ...['a', 'b', 'c', 'd'].map(
              (name) => `export const after_${name} = task({ claims: ['${name}'] }, () => {});`,
            ),
          ]),
        ),
        { pool, workers: 1 },
      );
      expect(verdicts(end)).toEqual({
        unloadable: 'error',
        uncloneable: 'error',
        crashing: 'crashed',
        thrower: 'fail',
        after_a: 'pass',
        after_b: 'pass',
        after_c: 'skip',
        after_d: 'pass',
      });
    },
  );
});
