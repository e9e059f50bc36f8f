/** docs/POOLS.md as the author of a pool follows it: its files in an empty project, with the packed packages. */
import { readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../tidy/sources.ts';
import { Project } from './project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.of('pool-author');
  await project.install('@pexen/core', '@pexen/pool-kit');
  const page = readFileSync(join(ROOT, 'docs/POOLS.md'), 'utf8');
  for (const [, name, code] of page.matchAll(/^```ts no-run\n\/\/ (.+\.ts)\n([\s\S]*?)^```$/gm)) {
    await writeFile(join(project.dir, String(name)), String(code));
  }
  const [, tsconfig] = /^```json\n([\s\S]*?)^```$/m.exec(page) ?? [];
  await writeFile(join(project.dir, 'tsconfig.json'), String(tsconfig));
  await mkdir(join(project.dir, 'node_modules/@types'), { recursive: true });
  await symlink(join(ROOT, 'node_modules/@types/node'), join(project.dir, 'node_modules/@types/node'));
});

afterAll(() => project?.[Symbol.asyncDispose]());

test('its files compile with the flags of the page', async () => {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  expect(await project.run(tsc, '-p', '.')).toMatchObject({ code: 0, stdout: '' });
});

test('the pool of the page passes the conformance kit', async () => {
  const ended = await project.run('node', '--test', '--test-reporter=tap', 'socket-pool.test.ts');
  expect(ended.code, ended.stdout).toBe(0);
  expect(ended.stdout).toMatch(/^# fail 0$/m);
  expect(Number(/^# pass (\d+)$/m.exec(ended.stdout)?.[1])).toBeGreaterThan(60);
}, 300_000);
