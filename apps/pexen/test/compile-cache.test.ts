/** Where compiled code of the command is kept. That Node keeps it there is Node's. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { keepCompiledCode } from '../src/compile-cache.ts';

beforeEach(() => {
  vi.stubEnv('NODE_COMPILE_CACHE', undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
});

test('in a directory that only the user can write to', () => {
  const home = mkdtempSync(join(tmpdir(), 'pexen-home-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  vi.stubEnv('XDG_CACHE_HOME', join(home, 'caches'));
  keepCompiledCode();
  expect(statSync(join(home, 'caches/pexen/code')).mode & 0o777).toBe(0o700);
});

test('where the variable of Node says', () => {
  const home = mkdtempSync(join(tmpdir(), 'pexen-home-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  vi.stubEnv('XDG_CACHE_HOME', home);
  vi.stubEnv('NODE_COMPILE_CACHE', join(home, 'chosen'));
  keepCompiledCode();
  expect(readdirSync(home)).toEqual([]);
});

test.skipIf(process.platform !== 'linux')('nowhere, if there is no such directory', () => {
  vi.stubEnv('XDG_CACHE_HOME', '/proc/none/caches');
  // Node would never return from making it there.
  expect(() => keepCompiledCode()).not.toThrow();
});
