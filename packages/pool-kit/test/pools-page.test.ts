/** The pool of docs/POOLS.md, exactly as it stands there: it compiles, and keeps the contract. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Pool } from '@pexen/core';
import { afterAll, describe, expect, test } from 'vitest';
import { poolConformance } from '../src/conformance.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(root, 'docs/POOLS.md'), 'utf8');

/** Beside the sources, so that the packages resolve as they do for them. */
const scratch = join(root, 'packages/pool-kit/.readme', `pools-page-${process.pid}`);

const files = [...page.matchAll(/^```ts no-run\n\/\/ (.+\.ts)\n([\s\S]*?)^```$/gm)];
mkdirSync(scratch, { recursive: true });
for (const [, name, code] of files) writeFileSync(join(scratch, String(name)), String(code));
const base = relative(scratch, join(root, 'tsconfig.base.json'));
writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify({ extends: base, include: ['*.ts'] }));

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('the page has the pool, its worker and its test', () => {
  expect(files.map(([, name]) => name)).toEqual([
    'cluster-pool.ts',
    'cluster-worker.ts',
    'logged-pool.ts',
    'cluster-pool.test.ts',
  ]);
});

test('they compile', async () => {
  const tsc = join(root, 'node_modules/.bin/tsc');
  const compiled = await promisify(execFile)(tsc, ['-p', scratch], { cwd: root }).catch(
    (failed: { readonly stdout: string }) => failed,
  );
  expect(compiled.stdout).toBe('');
});

const load = createRequire(import.meta.url);
const { ClusterPool } = load(join(scratch, 'cluster-pool.ts')) as {
  readonly ClusterPool: new (options: { readonly workers: number }) => Pool;
};
const { LoggedPool } = load(join(scratch, 'logged-pool.ts')) as {
  readonly LoggedPool: new (inner: Pool, log: (line: string) => void) => Pool;
};

/** Only a pool that is wrong is waited for so long; a right one may run on a machine that is very busy. */
const patienceMs = 30_000;

poolConformance({ test, patienceMs, factory: () => new ClusterPool({ workers: 2 }) });

describe('around it, the one that logs', () => {
  const lines: string[] = [];
  const whatItHandsOn = (name: string, body: () => Promise<void>): void => {
    if (/recalled|copies neither|every kind of news|opened again|exactly once/.test(name)) test(name, body);
  };
  const factory = (): Pool => new LoggedPool(new ClusterPool({ workers: 2 }), (line) => lines.push(line));
  poolConformance({ test: whatItHandsOn, patienceMs, factory });

  test('it has logged', () => {
    expect(lines).toContainEqual(expect.stringMatching(/^tells begins on worker \d+$/));
    expect(lines).toContain('tells: returned');
  });
});
