import type { LoadedModules } from '@pexen/core';
import { loadedBefore, sameDigest, unknownDigest } from '@pexen/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FileSets } from '../src/identity/file-sets.ts';
import { ModuleGraph } from '../src/identity/module-graph.ts';
import { ScriptedFiles } from './scripted-files.ts';

const root = '/project';

/** `a>b`: the module a imports the module b. Names are from the root. */
function project(files: Readonly<Record<string, string>>, loaders: readonly string[] = []) {
  const disk = new ScriptedFiles(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`${root}/${name}`, text])),
  );
  const graph = new ModuleGraph();
  const sets = new FileSets({ root, files: disk, graph, loaders: loaders.map(urlOf) });
  const load = (...edges: readonly string[]): void => graph.add(loaded(edges, (name) => stampOf(disk, name)));
  return { disk, graph, sets, load, digest: (name: string) => sets.digest(urlOf(name)) };
}

function urlOf(name: string): string {
  return `file://${root}/${name}`;
}

function stampOf(disk: ScriptedFiles, name: string): string {
  return name.endsWith('/') ? '' : disk.stamp(`${root}/${name}`);
}

function loaded(edges: readonly string[], stamp: (name: string) => string): LoadedModules {
  const pairs = edges.map((edge) => edge.split('>') as [string, string]);
  const names = [...new Set(pairs.flat())];
  return {
    urls: names.map(urlOf),
    stamps: names.map(stamp),
    edges: pairs.flatMap(([parent, child]) => [names.indexOf(parent), names.indexOf(child)]),
  };
}

const lib = { 'node_modules/lib/package.json': '{ "name": "lib", "version": "1.0.0" }' };
const files = { 'package.json': '{}', 'a.ts': 'a', 'b.ts': 'b', 'c.ts': 'c', ...lib };

describe('a file set', () => {
  test('has the files that a module leads to, their package.json, and the packages that it reaches', () => {
    const { load, sets } = project({
      ...files,
      'deep/package.json': '{ "type": "module" }',
      'deep/d.ts': 'd',
    });
    load('a.ts>b.ts', 'b.ts>deep/d.ts', 'deep/d.ts>node_modules/lib/', 'c.ts>a.ts');
    const set = sets.of(urlOf('a.ts'));
    expect(set?.files.map(([name]) => name)).toEqual([
      ...['a.ts', 'b.ts', 'deep/d.ts', 'deep/package.json', 'package.json'],
    ]);
    expect(set?.packages.map(([name]) => name)).toEqual(['lib@1.0.0']);
    expect(set?.files.every(([, digest]) => /^[0-9a-f]{32}$/.test(digest))).toBe(true);
  });

  test('grows with what is imported later', () => {
    const { load, digest } = project(files);
    load('a.ts>b.ts');
    const before = digest('a.ts');
    load('b.ts>c.ts');
    expect(digest('a.ts')).not.toBe(before);
    expect(digest('c.ts')).not.toBe(unknownDigest);
  });

  test('is the same in whatever order the modules were reported', () => {
    const one = project(files);
    one.load('a.ts>b.ts', 'b.ts>c.ts', 'a.ts>node_modules/lib/');
    const other = project(files);
    other.load('a.ts>node_modules/lib/');
    other.load('b.ts>c.ts');
    other.load('a.ts>b.ts', 'a.ts>c.ts');
    expect(other.digest('a.ts')).toBe(one.digest('a.ts'));
  });

  test('is the same in another directory', () => {
    const disk = new ScriptedFiles({ '/elsewhere/a.ts': 'a' });
    const graph = new ModuleGraph();
    const url = 'file:///elsewhere/a.ts';
    graph.add({ urls: [url], stamps: [disk.stamp('/elsewhere/a.ts')], edges: [] });
    const here = project({ 'a.ts': 'a', 'b.ts': 'b' });
    here.load('b.ts>a.ts');
    expect(new FileSets({ root: '/elsewhere', files: disk, graph }).digest(url)).toBe(here.digest('a.ts'));
  });

  test.for([
    ['another content of a file', 'b.ts', 'other'],
    ['another package.json beside the files', 'package.json', '{ "type": "module" }'],
    [
      'another version of a package',
      'node_modules/lib/package.json',
      '{ "name": "lib", "version": "1.0.1" }',
    ],
    [
      'another package.json of a package',
      'node_modules/lib/package.json',
      `${lib['node_modules/lib/package.json']} `,
    ],
  ])('differs with %s', ([, name, content]) => {
    const edges = ['a.ts>b.ts', 'b.ts>node_modules/lib/'];
    const before = project(files);
    before.load(...edges);
    const after = project({ ...files, [name as string]: content as string });
    after.load(...edges);
    expect(sameDigest(before.digest('a.ts'), after.digest('a.ts'))).toBe(false);
    expect(sameDigest(before.digest('c.ts'), before.digest('c.ts'))).toBe(false);
    expect(after.digest('a.ts')).not.toBe(unknownDigest);
  });

  test('has the loader, also one that was loaded before recording started', () => {
    const loader = 'node_modules/tsx/dist/loader.mjs';
    const withTsx = (version: string) => {
      const made = project(
        { ...files, 'node_modules/tsx/package.json': `{ "name": "tsx", "version": "${version}" }` },
        [loader],
      );
      made.load('a.ts>b.ts');
      return made;
    };
    expect(
      withTsx('4.0.0')
        .sets.of(urlOf('a.ts'))
        ?.packages.map(([name]) => name),
    ).toEqual(['tsx@4.0.0']);
    expect(withTsx('4.0.0').digest('a.ts')).not.toBe(withTsx('4.0.1').digest('a.ts'));
    const own = project({ ...files, 'own-loader.mjs': 'x' }, ['own-loader.mjs']);
    own.load('a.ts>b.ts');
    expect(own.sets.of(urlOf('a.ts'))?.files.map(([name]) => name)).toContain('own-loader.mjs');
  });
});

describe('a file set is unknown', () => {
  test('of a module that was never loaded', () => {
    const { digest, load } = project(files);
    load('a.ts>b.ts');
    expect(digest('c.ts')).toBe(unknownDigest);
  });

  test('where a file has changed between its loading and its hashing, also back to the same content', () => {
    const { disk, load, digest } = project(files);
    load('a.ts>b.ts');
    disk.write(`${root}/b.ts`, 'b');
    expect(digest('a.ts')).toBe(unknownDigest);
  });

  test('where a file changes while it is hashed', () => {
    const { disk, load, digest } = project(files);
    load('a.ts>b.ts');
    disk.onRead = (path) => {
      if (path.endsWith('b.ts')) disk.write(path, 'other');
    };
    expect(digest('a.ts')).toBe(unknownDigest);
  });

  test('where two workers have loaded two states of a file', () => {
    const { disk, load, digest } = project(files);
    load('a.ts>b.ts');
    expect(digest('a.ts')).not.toBe(unknownDigest);
    disk.write(`${root}/b.ts`, 'other');
    load('a.ts>b.ts');
    expect(digest('a.ts')).toBe(unknownDigest);
  });

  test('where a file was loaded before recording started', () => {
    const { graph, digest, disk } = project(files);
    graph.add(loaded(['a.ts>b.ts'], (name) => (name === 'b.ts' ? loadedBefore : stampOf(disk, name))));
    expect(digest('a.ts')).toBe(unknownDigest);
  });

  test('where a package has no package.json, or one that cannot be read', () => {
    const { digest, load } = project({ ...files, 'node_modules/lib/package.json': '{' });
    load('a.ts>node_modules/none/', 'b.ts>node_modules/lib/');
    expect(digest('a.ts')).toBe(unknownDigest);
    expect(digest('b.ts')).toBe(unknownDigest);
  });
});

test('what was hashed once is not read again, whatever happens to the file since', () => {
  const { disk, load, digest } = project(files);
  load('a.ts>b.ts');
  const before = digest('a.ts');
  const { reads } = disk;
  disk.write(`${root}/c.ts`, 'other');
  load('c.ts>b.ts');
  expect(digest('a.ts')).toBe(before);
  expect(disk.reads).toBe(reads);
});

describe('a recorded list, hashed again', () => {
  const edges = ['a.ts>b.ts', 'b.ts>node_modules/lib/'];
  const recordedSet = () => {
    const made = project(files);
    made.load(...edges);
    return { ...made, set: made.sets.of(urlOf('a.ts')) as never };
  };

  test('is the same as long as nothing changes, and needs no module', () => {
    const { set, digest } = recordedSet();
    expect(project(files).sets.digestNow(set)).toBe(digest('a.ts'));
  });

  test.for([
    ['b.ts', 'other'],
    ['package.json', '{ "type": "module" }'],
    ['node_modules/lib/package.json', '{ "name": "lib", "version": "2.0.0" }'],
  ])('differs when %s does', ([name, content]) => {
    const { set, digest } = recordedSet();
    const now = project({ ...files, [name as string]: content as string }).sets.digestNow(set);
    expect(now).not.toBe(unknownDigest);
    expect(now).not.toBe(digest('a.ts'));
  });

  test.for(['b.ts', 'package.json', 'node_modules/lib/package.json'])('is unknown without %s', (name) => {
    const { set, disk, sets } = recordedSet();
    disk.remove(`${root}/${name}`);
    expect(sets.digestNow(set)).toBe(unknownDigest);
  });
});

test('two modules have one digest exactly if they lead to the same files: against an oracle that walks edge by edge', () => {
  const names = ['a.ts', 'b.ts', 'c.ts', 'd.ts', 'e.ts'];
  const all = Object.fromEntries(names.map((name) => [name, name]));
  const name = fc.constantFrom(...names);
  const edge = fc.tuple(name, name).filter(([from, to]) => from !== to);
  fc.assert(
    fc.property(
      fc.array(fc.array(edge, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      (parts) => {
        const { load, sets, digest } = project(all);
        for (const part of parts) {
          load(...part.map(([from, to]) => `${from}>${to}`));
          digest('a.ts'); // Results for an earlier graph must not be reused.
        }
        const edges = parts.flat();
        for (const start of new Set(edges.flat())) {
          const expected = reachable(start, edges);
          expect(sets.of(urlOf(start))?.files.map(([file]) => file)).toEqual(expected);
          for (const other of new Set(edges.flat()))
            expect(digest(start) === digest(other)).toBe(`${expected}` === `${reachable(other, edges)}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

function reachable(start: string, edges: readonly (readonly [string, string])[]): string[] {
  let found = [start];
  for (;;) {
    const next = [
      ...new Set([...found, ...edges.filter(([from]) => found.includes(from)).map(([, to]) => to)]),
    ];
    if (next.length === found.length) return next.sort();
    found = next;
  }
}
