/** What a process has loaded, as Node resolves it: each case is a project of its own, loaded by a Node of its own. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { fileStamp, type LoadedModules, loadedBefore } from '@pexen/core';
import { expect, onTestFinished, test } from 'vitest';

const recorder = new URL('../src/module-graph.ts', import.meta.url).href;

/** Writes the files, runs `main.mjs` among them, and answers with what it prints as JSON. `record` is there for it. */
async function play<T>(files: Readonly<Record<string, string>>, main: string): Promise<Played<T>> {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-modules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const script = `import { recordModules } from ${JSON.stringify(recorder)};
    const print = (value) => process.stdout.write(JSON.stringify(value));
    ${main}`;
  for (const [name, text] of Object.entries({ ...files, 'main.mjs': script })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const argv = ['--conditions=@pexen/source', join(folder, 'main.mjs')];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: folder });
  return { folder, value: JSON.parse(stdout) as T };
}

interface Played<T> {
  readonly folder: string;
  readonly value: T;
}

/** As `a.mjs > b.mjs`, sorted, without what `main.mjs` itself imports. */
function edgesOf({ folder, value: { urls, edges } }: Played<LoadedModules>): string[] {
  const root = `${pathToFileURL(folder).href}/`;
  const nameOf = (at: number): string => (urls[at] ?? '').replace(root, '');
  const found: string[] = [];
  for (let at = 0; at < edges.length; at += 2)
    found.push(`${nameOf(edges[at] as number)} > ${nameOf(edges[at + 1] as number)}`);
  return found.filter((edge) => !edge.startsWith('main.mjs')).sort();
}

const recorded = `const record = recordModules(); await import('./a.mjs'); print(record.since(0));`;

test('static, computed and later imports, JSON, and types that are stripped', async () => {
  const played = await play<LoadedModules>(
    {
      'a.mjs': `import './b.ts'; import data from './data.json' with { type: 'json' }; import 'node:fs';
        const name = 'c'; await import(\`./\${name}.mjs?fresh=\${data.n}\`); export const later = () => import('./late.mjs');`,
      'b.ts': `import type { T } from './types.ts'; export const b: T = 1;`,
      'types.ts': 'export type T = number;',
      ...{ 'c.mjs': '', 'late.mjs': '', 'data.json': '{ "n": 1 }' },
    },
    `const record = recordModules(); await (await import('./a.mjs')).later(); print(record.since(0));`,
  );
  expect(edgesOf(played)).toEqual(['a.mjs > b.ts', 'a.mjs > c.mjs', 'a.mjs > data.json', 'a.mjs > late.mjs']);
});

test('require, also where Node answers from the cache of a directory', async () => {
  const played = await play<LoadedModules>(
    {
      'a.mjs': `import './one.cjs'; import two from './two.cjs'; import { createRequire } from 'node:module';
        two.later(); createRequire(import.meta.url)('./deep/three.cjs');`,
      'one.cjs': `require('./shared.cjs'); require('node:path'); try { require('./none.cjs') } catch {}`,
      'two.cjs': `exports.later = () => { require('./shared.cjs'); require('./deep/three.cjs'); };`,
      ...{ 'shared.cjs': '', 'deep/three.cjs': '' },
    },
    recorded,
  );
  expect(edgesOf(played)).toEqual([
    ...['a.mjs > deep/three.cjs', 'a.mjs > one.cjs', 'a.mjs > two.cjs', 'one.cjs > shared.cjs'],
    ...['two.cjs > deep/three.cjs', 'two.cjs > shared.cjs'],
  ]);
});

test('packages are recorded as a whole, however their files import each other', async () => {
  const inner = 'node_modules/.store/dep@1/node_modules/dep';
  const played = await play<LoadedModules>(
    {
      'a.mjs': `import 'lib'; import '@scope/lib/deep/x.mjs'; import './${inner}/index.js';`,
      'node_modules/lib/package.json': '{ "name": "lib", "type": "module", "exports": "./index.js" }',
      'node_modules/lib/index.js': `import './other.js';`,
      'node_modules/lib/other.js': `import '@scope/lib/deep/y.mjs';`,
      'node_modules/@scope/lib/package.json': '{ "name": "@scope/lib" }',
      ...{ 'node_modules/@scope/lib/deep/x.mjs': '', 'node_modules/@scope/lib/deep/y.mjs': '' },
      ...{ [`${inner}/package.json`]: '{ "name": "dep", "type": "module" }', [`${inner}/index.js`]: '' },
    },
    recorded,
  );
  expect(edgesOf(played)).toEqual([
    ...[`a.mjs > ${inner}/`, 'a.mjs > node_modules/@scope/lib/', 'a.mjs > node_modules/lib/'],
    'node_modules/lib/ > node_modules/@scope/lib/',
  ]);
  const { urls, stamps } = played.value;
  expect(stamps.filter((_stamp, at) => urls[at]?.endsWith('/'))).toEqual(['', '', '']);
});

test('a module that imports for others does not depend on its imports', async () => {
  const core = import.meta.resolve('@pexen/core');
  const played = await play<LoadedModules>(
    {
      'a.mjs': `import './loader.mjs';`,
      'loader.mjs': `import { importsForOthers } from '${core}'; importsForOthers(import.meta.url); await import('./b.mjs');`,
      'b.mjs': `import './c.mjs';`,
      'c.mjs': '',
    },
    recorded,
  );
  expect(edgesOf(played).filter((edge) => edge.endsWith('.mjs'))).toEqual([
    'a.mjs > loader.mjs',
    'b.mjs > c.mjs',
  ]);
});

test('the packages of pexen do not depend on their imports', async () => {
  const manifest = (name: string): string =>
    `{ "name": "${name}", "type": "module", "exports": "./index.js" }`;
  const played = await play<LoadedModules>(
    {
      'a.mjs': `import 'pexen';`,
      'node_modules/pexen/package.json': manifest('pexen'),
      'node_modules/pexen/index.js': `import '@pexen/factory'; import 'lib';`,
      'node_modules/@pexen/factory/package.json': manifest('@pexen/factory'),
      'node_modules/@pexen/factory/index.js': `await import('../../../b.mjs');`,
      'node_modules/lib/package.json': manifest('lib'),
      'node_modules/lib/index.js': '',
      'b.mjs': `import './c.mjs';`,
      'c.mjs': '',
    },
    recorded,
  );
  expect(edgesOf(played)).toEqual(['a.mjs > node_modules/pexen/', 'b.mjs > c.mjs']);
});

test('the stamp of a file is taken before it is read', async () => {
  const played = await play<LoadedModules>({ 'a.mjs': '' }, recorded);
  const { urls, stamps } = played.value;
  const file = join(played.folder, 'a.mjs');
  const stamp = stamps[urls.indexOf(pathToFileURL(file).href)];
  expect(stamp).toBe(fileStamp(statSync(file, { bigint: true })));
  writeFileSync(file, '');
  expect(stamp).not.toBe(fileStamp(statSync(file, { bigint: true })));
});

test('a module that was loaded before is known as such', async () => {
  const played = await play<LoadedModules>(
    { 'a.mjs': `export const later = () => import('./b.mjs');`, 'b.mjs': '' },
    `const { later } = await import('./a.mjs'); const record = recordModules();
     await later(); await import('./a.mjs?again'); print(record.since(0));`,
  );
  const { urls, stamps } = played.value;
  expect(stamps[urls.findIndex((url) => url.endsWith('/a.mjs'))]).toBe(loadedBefore);
  expect(edgesOf(played)).toEqual(['a.mjs > b.mjs']);
});

test('the record is reported in parts, each complete in itself', async () => {
  const { folder, value } = await play<readonly LoadedModules[]>(
    { 'a.mjs': `import './b.mjs';`, 'b.mjs': '', 'c.mjs': `import './b.mjs';` },
    `const record = recordModules(); await import('./a.mjs'); const first = record.since(0); const { length } = record;
     const nothing = record.since(length); await import('./c.mjs'); print([first, nothing, record.since(length)]);`,
  );
  const [first, nothing, second] = value as [LoadedModules, LoadedModules, LoadedModules];
  expect(edgesOf({ folder, value: first })).toEqual(['a.mjs > b.mjs']);
  expect(nothing).toEqual({ urls: [], stamps: [], edges: [] });
  expect(edgesOf({ folder, value: second })).toEqual(['c.mjs > b.mjs']);
  expect(second.urls).toHaveLength(3); // main.mjs, c.mjs, b.mjs
});

/** A loader that runs in a thread of its own, and one that runs in this one: both give `@/x` and `.js` for `.ts` a meaning. */
const loaders = {
  asynchronous: `import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(\`export async function resolve(name, context, next) {
      if (name.startsWith('@/')) return next(new URL('./' + name.slice(2), context.parentURL).href, context);
      try { return await next(name, context); } catch { return next(name.replace(/js$/, 'ts'), context); } }\`));`,
  synchronous: `import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) {
      if (name.startsWith('@/')) return next(new URL('./' + name.slice(2), context.parentURL).href, context);
      try { return next(name, context); } catch { return next(name.replace(/js$/, 'ts'), context); } } });`,
};

test.for(
  Object.keys(loaders).flatMap((kind) => [
    [kind, 'before'],
    [kind, 'after'],
  ]),
)('under a loader: %s, %s', async ([kind, when]) => {
  const load = `await import('./loader.mjs');`;
  const played = await play<LoadedModules>(
    {
      'loader.mjs': loaders[kind as keyof typeof loaders],
      'a.mjs': `import '@/b.mjs'; import './c.js';`,
      'b.mjs': '',
      'c.ts': 'export const c: number = 1;',
    },
    `${when === 'before' ? load : ''} const record = recordModules(); ${when === 'after' ? load : ''}
     await import('./a.mjs'); print(record.since(0));`,
  );
  expect(edgesOf(played).filter((edge) => edge.startsWith('a.mjs'))).toEqual([
    'a.mjs > b.mjs',
    'a.mjs > c.ts',
  ]);
});

test('a runtime without module hooks records nothing', async () => {
  const { value } = await play<boolean>(
    {},
    `import module, { syncBuiltinESMExports } from 'node:module';
     module.registerHooks = undefined; syncBuiltinESMExports(); print(recordModules() === undefined);`,
  );
  expect(value).toBe(true);
});

test('a process has one record', async () => {
  const { value } = await play<boolean>({}, `print(recordModules() === recordModules());`);
  expect(value).toBe(true);
});
