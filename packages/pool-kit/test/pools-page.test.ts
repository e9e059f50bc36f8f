/** The pools of docs/POOLS.md, exactly as on the page: they compile, are as short as the page says, and keep the contract. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Pool } from '@pexen/core';
import { afterAll, describe, expect, test } from 'vitest';
import { sampled } from '#sample';
import { contract, poolConformance } from '../src/conformance.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(root, 'docs/POOLS.md'), 'utf8');

/** Beside the sources, so that the packages resolve as they do for them. */
const scratch = join(root, 'packages/pool-kit/.readme', `pools-page-${process.pid}`);

const files = new Map(
  [...page.matchAll(/^```ts no-run\n\/\/ (.+\.ts)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => [
    name,
    code,
  ]),
);
mkdirSync(scratch, { recursive: true });
for (const [name, code] of files) writeFileSync(join(scratch, name), code);
const base = relative(scratch, join(root, 'tsconfig.base.json'));
writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify({ extends: base, include: ['*.ts'] }));

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('the page has the pool, its worker, its test, and a pool around another', () => {
  expect([...files.keys()].toSorted()).toEqual([
    'logged-pool.ts',
    'socket-pool.test.ts',
    'socket-pool.ts',
    'socket-worker.ts',
  ]);
});

test('a pool over a socket takes at most 80 lines with its worker', () => {
  const lines = ['socket-pool.ts', 'socket-worker.ts'].flatMap((name) =>
    files.get(name)?.trimEnd().split('\n'),
  );
  expect(lines.length).toBeLessThanOrEqual(80);
});

test('they compile', async () => {
  const tsc = join(root, 'node_modules/.bin/tsc');
  const compiled = await promisify(execFile)(tsc, ['-p', scratch], { cwd: root }).catch(
    (failed: { readonly stdout: string }) => failed,
  );
  expect(compiled.stdout).toBe('');
});

const load = createRequire(import.meta.url);
const { sockets } = load(join(scratch, 'socket-pool.ts')) as {
  readonly sockets: (options: { readonly workers: number }) => Pool;
};
const { LoggedPool } = load(join(scratch, 'logged-pool.ts')) as {
  readonly LoggedPool: new (inner: Pool, log: (line: string) => void) => Pool;
};

/** Only a pool that is wrong is waited for so long; a right one may run on a machine that is very busy. */
const timeoutMs = 30_000;

/** Which cases are played: a tenth, in an ordinary run. */
const played = new Set(
  contract.flatMap(({ title, cases }) => sampled(cases).map(({ name }) => `${title}: ${name}`)),
);

poolConformance({
  test: (name, body) => {
    if (played.has(name)) test(name, body);
  },
  timeoutMs,
  factory: () => sockets({ workers: 2 }),
});

describe('the logging pool around it', () => {
  const lines: string[] = [];
  const whatItHandsOn = (name: string, body: () => Promise<void>): void => {
    if (/reclaims them|copies neither|every kind of update|opened again|exactly once/.test(name))
      test(name, body);
  };
  const factory = (): Pool => new LoggedPool(sockets({ workers: 2 }), (line) => lines.push(line));
  poolConformance({ test: whatItHandsOn, timeoutMs, factory });

  test('it has logged', () => {
    expect(lines).toContainEqual(expect.stringMatching(/^reports started on worker \d+ \(pid \d+\)$/));
    expect(lines).toContain('reports: returned');
  });
});
