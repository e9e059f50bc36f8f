/** The scheduler as a user gets it who installs nothing else. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { ROOT } from '../tidy/sources.ts';
import { Project } from './project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.of('scheduler-alone');
  await project.install('@pexen/core', '@pexen/lock', '@pexen/sched');
});

afterAll(() => project?.[Symbol.asyncDispose]());

test('every package could be packed', () => {
  expect(inject('packProblems')).toBe('');
});

test('brings core, lock and eventemitter3, and nothing else', () => {
  const installed = readdirSync(join(project.dir, 'node_modules'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(({ name }) =>
      name.startsWith('@')
        ? readdirSync(join(project.dir, 'node_modules', name)).map((sub) => `${name}/${sub}`)
        : [name],
    );
  expect(installed.sort()).toEqual(['@pexen/core', '@pexen/lock', '@pexen/sched', 'eventemitter3']);
});

test('what was packed leads to no sources', () => {
  const manifest = readFileSync(join(project.dir, 'node_modules/@pexen/sched/package.json'), 'utf8');
  expect(JSON.parse(manifest).exports).toEqual({
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './replay': { types: './dist/replay.d.ts', default: './dist/replay.js' },
    './package.json': './package.json',
  });
  expect(manifest).not.toContain('workspace:');
});

test('runs the first example of its README', async () => {
  const ended = await project.run('node', 'index.ts');
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout.trim().split('\n').sort()).toEqual([
    'build returned undefined',
    'lint returned clean',
    'ship returned out → eu',
    'task returned a plain function',
  ]);
});

test('the example compiles against the packed types', async () => {
  expect(await project.run(join(ROOT, 'node_modules/.bin/tsc'), '-p', '.')).toMatchObject({
    code: 0,
    stdout: '',
  });
});

test('can be required from CommonJS', async () => {
  const ended = await project.run('node', '--eval', 'console.log(typeof require("@pexen/sched").run)');
  expect(ended).toMatchObject({ code: 0, stdout: 'function\n' });
});

/** The bound, and what its bytes are spent on, is in docs/decisions/0060. */
test('the example stays within its bound of size', async () => {
  const { outputFiles, warnings } = await build({
    entryPoints: [join(project.dir, 'index.ts')],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
  });
  expect(warnings).toEqual([]);
  const bytes = gzipSync(outputFiles[0]?.contents ?? '').length;
  console.info(`The scheduler's first example bundles to ${bytes} bytes gzipped.`);
  expect(bytes).toBeLessThan(86_500);
});
