/** Digests of real files, and the key in the project's folder. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { disk } from '../src/identity/files.ts';
import { saltOf } from '../src/index.ts';

function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe('the disk', () => {
  test('a stamp changes with every write, and is empty where there is no file', () => {
    const folder = folderWith({ a: '1' });
    const file = join(folder, 'a');
    const before = disk.stamp(file);
    expect(before).toBe(disk.stamp(file));
    writeFileSync(file, '1');
    expect(disk.stamp(file)).not.toBe(before);
    expect(disk.stamp(folder)).toBe('');
    expect(disk.stamp(join(folder, 'none'))).toBe('');
    expect(disk.stamp('/dev/null')).toBe('');
  });

  test('a digest is that of the content, however long it is', () => {
    const long = 'x'.repeat((1 << 20) + 17);
    const folder = folderWith({ a: long, b: long, c: `${long}x`, empty: '' });
    expect(disk.digest(join(folder, 'a'))).toBe(disk.digest(join(folder, 'b')));
    expect(disk.digest(join(folder, 'a'))).not.toBe(disk.digest(join(folder, 'c')));
    expect(disk.digest(join(folder, 'empty'))).toBe('e3b0c44298fc1c149afbf4c8996fb924');
    expect(() => disk.digest(join(folder, 'none'))).toThrow('ENOENT');
  });

  test('patterns match files below the root, and all files below a directory', () => {
    const folder = folderWith({
      ...{
        'a.json': '',
        'data/b.json': '',
        'data/deep/c.txt': '',
        'node_modules/d/d.json': '',
        '.git/e.json': '',
      },
    });
    symlinkSync('a.json', join(folder, 'link.json'));
    symlinkSync('nowhere', join(folder, 'broken.json'));
    const match = (pattern: string): string[] =>
      disk.match(pattern, folder).map((path) => relative(folder, path));
    expect(match('**/*.json')).toEqual(['a.json', 'data/b.json', 'link.json']);
    expect(match('data')).toEqual(['data/b.json', 'data/deep/c.txt']);
    expect(match('data/')).toEqual(['data/b.json', 'data/deep/c.txt']);
    expect(match('a.json')).toEqual(['a.json']);
    expect(match('none/**')).toEqual([]);
  });
});

describe('the key', () => {
  test('is made once, is as long as the digests, and is readable by its owner only', () => {
    const folder = folderWith();
    const salt = saltOf(join(folder, '.pexen'));
    expect(salt.length).toBe(32);
    expect(Buffer.from(saltOf(join(folder, '.pexen'))).equals(salt)).toBe(true);
    expect(Buffer.from(saltOf(join(folderWith(), '.pexen'))).equals(salt)).toBe(false);
    expect(statSync(join(folder, '.pexen/salt')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, '.pexen')).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(folder, '.pexen/.gitignore'), 'utf8')).toBe('*\n');
  });

  test('differs each time where nothing can be written, or where the file is not a valid key', () => {
    const folder = folderWith({ '.pexen': 'a file in its place' });
    expect(Buffer.from(saltOf(join(folder, '.pexen'))).equals(saltOf(join(folder, '.pexen')))).toBe(false);
    const broken = folderWith({ '.pexen/salt': 'short' });
    expect(Buffer.from(saltOf(join(broken, '.pexen'))).equals(saltOf(join(broken, '.pexen')))).toBe(false);
    expect(readFileSync(join(broken, '.pexen/salt'), 'utf8')).toBe('short');
  });

  test('does not change other files in the folder', () => {
    const folder = folderWith({ '.pexen/.gitignore': 'mine' });
    chmodSync(join(folder, '.pexen'), 0o755);
    saltOf(join(folder, '.pexen'));
    expect(readFileSync(join(folder, '.pexen/.gitignore'), 'utf8')).toBe('mine');
  });
});
