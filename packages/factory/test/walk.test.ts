/** The walk finds every file, always in the same order, whatever errors occur. */
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Files, type Listed, type Looked, realFiles } from '../src/files.ts';
import { compareCodePoints } from '../src/names.ts';
import { type Found, walk } from '../src/walk.ts';
import { brief, scratch } from './scratch.ts';

function names({ files }: Found): string[] {
  return files.map(({ parts }) => parts.join('/'));
}

test('files are sorted by code point, part by part', () => {
  const dir = scratch({
    'b/z': '',
    'b/a': '',
    B: '',
    a: '',
    'a.d/x': '',
    ä: '',
    '\u{1f600}': '',
    '\ufffd': '',
    '10': '',
    '9': '',
  });
  expect(names(walk(dir, {}, realFiles))).toEqual([
    '10',
    '9',
    'B',
    'a',
    'a.d/x',
    'b/a',
    'b/z',
    'ä',
    '\ufffd',
    '\u{1f600}',
  ]);
});

test('the order is that of the bytes of UTF-8', () => {
  const names = fc.string({ unit: 'binary' });
  const byBytes = (a: string, b: string): number => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  fc.assert(
    fc.property(names, names, (a, b) => Math.sign(compareCodePoints(a, b)) === byBytes(a, b)),
    { numRuns: 2_000 },
  );
});

test('seed: hidden files and directories are left out, and so are installed ones', () => {
  const dir = scratch({
    '.a': '',
    '.git/b': '',
    'node_modules/c': '',
    'd/node_modules/e': '',
    'd/.f': '',
    'd/g': '',
  });
  expect(names(walk(dir, {}, realFiles))).toEqual(['d/g']);
});

test('include and exclude are globs over paths from the directory', () => {
  const dir = scratch({
    'a.js': '',
    'test/b.js': '',
    'test/c.ts': '',
    'test/fixtures/d.js': '',
    'e/test/f.js': '',
  });
  expect(names(walk(dir, { include: ['test/**/*.js'] }, realFiles))).toEqual([
    'test/b.js',
    'test/fixtures/d.js',
  ]);
  expect(names(walk(dir, { exclude: ['**/fixtures/**', '*.js'] }, realFiles))).toEqual([
    'e/test/f.js',
    'test/b.js',
    'test/c.ts',
  ]);
});

test('a warning names a pattern that matches nothing', () => {
  const dir = scratch({ 'a.js': '' });
  const { warnings } = walk(dir, { include: ['*.js', '*.ts'], exclude: ['b'] }, realFiles);
  expect(brief(warnings, dir)).toEqual([
    `PEXEN_UNUSED_PATTERN | ${dir} | the pattern "*.ts" matches nothing there`,
    `PEXEN_UNUSED_PATTERN | ${dir} | the pattern "b" matches nothing there`,
  ]);
});

test('seed: links to directories are followed only if asked, links to files always', () => {
  const outside = scratch({ 'x/y': '' });
  const dir = scratch({
    'a/file': '',
    'b/link': { link: '../a' },
    'b/file': { link: '../a/file' },
    c: { link: outside },
  });
  expect(names(walk(dir, {}, realFiles))).toEqual(['a/file', 'b/file']);
  expect(names(walk(dir, { followLinks: true }, realFiles))).toEqual(['a/file', 'b/file', 'c/x/y']);
});

test('cyclic links end, and each directory is walked once, under its own name', () => {
  const dir = scratch({
    ...{
      'm/file': '',
      'm/up': { link: '..' },
      'm/self': { link: '.' },
    },
    ...{ a: { link: 'm' }, 'n/to-m': { link: '../m' }, 'm/to-n': { link: '../n' }, 'n/file': '' },
    ...{ loop: { link: 'pool' }, pool: { link: 'loop' } },
  });
  const found = walk(dir, { followLinks: true }, realFiles);
  expect(names(found)).toEqual(['m/file', 'n/file']);
  expect(found.problems).toEqual([]);
  expect(brief(found.warnings, dir).filter((line) => line.includes('BROKEN'))).toEqual([
    'PEXEN_BROKEN_LINK | loop | it is a broken link; skipped',
    'PEXEN_BROKEN_LINK | pool | it is a broken link; skipped',
  ]);
});

test('pipes, devices and links to them are not files, and do not block', () => {
  const dir = scratch({
    a: '',
    'to-pipe': { link: 'pipe' },
    null: { link: '/dev/null' },
    zero: { link: '/dev/zero' },
  });
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  expect(names(walk(dir, {}, realFiles))).toEqual(['a']);
  expect(realFiles.head(join(dir, 'pipe'), 10)).toHaveLength(0);
  expect(realFiles.head('/dev/zero', 10)).toHaveLength(0);
});

test('hostile names are kept', () => {
  const hostile = [
    '-rf',
    'new\nline',
    'esc\u001b[31m',
    'x'.repeat(255),
    '*',
    '{a,b}',
    '$(reboot)',
    'a b',
    '%2e',
    '\\',
    '\u202egnp',
  ];
  const dir = scratch(Object.fromEntries(hostile.map((name) => [name, ''])));
  expect(names(walk(dir, {}, realFiles)).sort()).toEqual([...hostile].sort());
  expect(names(walk(dir, { include: ['*'], exclude: ['-rf'] }, realFiles))).toHaveLength(hostile.length - 1);
});

test('a warning shows the bytes of names that are not UTF-8, which are left out', () => {
  const dir = scratch({ a: '' });
  const path = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x66, 0xff, 0x6f])]);
  writeFileSync(path, '');
  const below = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xfe])]);
  mkdirSync(below);
  writeFileSync(Buffer.concat([below, Buffer.from('/b')]), '');
  const found = walk(dir, {}, realFiles);
  expect(names(found)).toEqual(['a']);
  expect(found.warnings.map(({ code, message }) => `${code} ${message}`).sort()).toEqual([
    'PEXEN_NAME_NOT_TEXT the name "f\ufffdo" (bytes 66ff6f) is not UTF-8; skipped',
    'PEXEN_NAME_NOT_TEXT the name "\ufffd" (bytes fe) is not UTF-8; skipped',
  ]);
});

test('a missing directory is a problem with a suggestion', () => {
  const dir = scratch({ 'tests/a': '', b: '' });
  const problemsOf = (path: string): unknown => walk(join(dir, path), {}, realFiles).problems;
  expect(problemsOf('test')).toMatchObject([
    {
      code: 'PEXEN_UNREADABLE_DIRECTORY',
      location: { file: join(dir, 'test') },
      hint: 'Did you mean "tests"?',
    },
  ]);
  expect(problemsOf('nothing like it')).toMatchObject([{ hint: 'Check the spelling.' }]);
  expect(problemsOf('b')).toMatchObject([{ message: 'it is not a directory' }]);
});

test('a directory 300 levels deep is walked', () => {
  const deep = Array.from({ length: 300 }, () => 'd').join('/');
  const dir = scratch({ [`${deep}/file`]: '' });
  expect(names(walk(dir, {}, realFiles))).toEqual([`${deep}/file`]);
});

/** A scripted disk: path → its entry, or the code of an error. */
function scripted(
  entries: Readonly<Record<string, Listed['kind'] | { error: string; kind?: Listed['kind'] }>>,
): Files {
  const fail = (code: string): never => {
    throw Object.assign(new Error(code), { code });
  };
  const kindOf = (path: string): Listed['kind'] => {
    const entry = entries[path] ?? fail('ENOENT');
    return typeof entry === 'string' ? entry : (entry.kind ?? fail(entry.error));
  };
  return {
    list(dir) {
      const entry = entries[dir];
      if (typeof entry === 'object') fail(entry.error);
      const below = Object.keys(entries).filter((path) => path.slice(0, path.lastIndexOf('/')) === dir);
      return below.map((path) => {
        const found = entries[path];
        const kind = typeof found === 'object' ? (found.kind ?? 'file') : (found ?? 'file');
        return { name: Buffer.from(path.slice(dir.length + 1)), kind };
      });
    },
    look(path): Looked {
      const kind = kindOf(path);
      return { kind: kind === 'link' ? 'file' : kind, mode: 0o755, uid: 0, identity: path };
    },
    head: () => Buffer.alloc(0),
  };
}

test('all unreadable directories and files are problems, and the rest is found', () => {
  const files = scripted({
    ...{
      '/t': 'directory',
      '/t/a': 'file',
      '/t/z': 'file',
      '/t/locked': { error: 'EACCES', kind: 'directory' },
    },
    ...{ '/t/broken': { error: 'EIO', kind: 'directory' }, '/t/odd': { error: 'EACCES' } },
  } as const);
  const found = walk('/t', {}, files);
  expect(names(found)).toEqual(['a', 'z']);
  expect(brief(found.problems, '/t').sort()).toEqual([
    'PEXEN_UNREADABLE_DIRECTORY | broken | it cannot be read (EIO)',
    'PEXEN_UNREADABLE_DIRECTORY | locked | it cannot be read (EACCES)',
    'PEXEN_UNREADABLE_FILE | odd | it cannot be read (EACCES)',
  ]);
});

test('a file that vanishes after it was listed is ignored', () => {
  const files = scripted({
    ...{ '/t': 'directory', '/t/a': 'file', '/t/gone': { error: 'ENOENT' } },
    ...{
      '/t/dir': { error: 'ENOENT', kind: 'directory' },
      '/t/replaced': { error: 'ENOTDIR', kind: 'directory' },
    },
  } as const);
  const found = walk('/t', {}, files);
  expect(names(found)).toEqual(['a']);
  expect([...found.problems, ...found.warnings]).toEqual([]);
});

test('side files belong to their files, regardless of include', () => {
  const dir = scratch({ 'a.sh': '', 'a.sh.pexen.yaml': '', 'b/c.pexen.yaml': '', 'b/c': '' });
  const found = walk(dir, { include: ['**/a.sh', 'b/c'] }, realFiles);
  expect(names(found)).toEqual(['a.sh', 'b/c']);
  expect([...found.sideFiles.keys()].sort()).toEqual([join(dir, 'a.sh'), join(dir, 'b/c')]);
});
