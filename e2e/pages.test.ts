/** The pages that are published with the packages: every link leads to something that is published, too. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { published, ROOT } from '../tidy/sources.ts';

const link = /\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)/g;

/** The package as it is published, unpacked. */
function unpacked(dir: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-pages-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync('tar', ['-xzf', join(ROOT, dir, 'pkg.tgz'), '-C', folder]);
  return join(folder, 'package');
}

test.each(published())('$dir has every page that its pages link to', ({ dir }) => {
  const folder = unpacked(dir);
  const pages = globSync('{README.md,docs/*.md}', { cwd: folder });
  const dead = pages.flatMap((page) =>
    [...readFileSync(join(folder, page), 'utf8').matchAll(link)]
      .map(([, target = '']) => join(dirname(page), target))
      .filter((target) => !existsSync(join(folder, target)))
      .map((target) => `${page} → ${target}`),
  );
  expect(pages).toContain('README.md');
  expect(dead).toEqual([]);
});

test('the README of the repository has the same name in a package, whatever the folder of the clone is called', () => {
  expect(existsSync(join(unpacked('packages/pool-kit'), 'docs/repository-README.md'))).toBe(true);
});

test('authors of pools find the page about them in the kit', () => {
  const folder = unpacked('packages/pool-kit');
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain('(docs/POOLS.md)');
  expect(readFileSync(join(folder, 'docs/POOLS.md'), 'utf8')).toContain('# Write a pool');
});
