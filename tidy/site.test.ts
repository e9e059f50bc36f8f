/** The link checker of the documentation site finds each kind of dead link, and only those. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { deadLinks } from '../tools/site/dead-links.ts';

function siteOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-site-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const there = '<h2 class="x" id="a-heading&amp;more">A</h2>';

test('links to files and anchors that exist are not dead', () => {
  const folder = siteOf({
    'index.html': `${there}<a href="#a-heading&amp;more"></a><a href="#"></a><script src="assets/main.js?v=1"></script>`,
    'docs/a b.html':
      '<a href="../index.html#a-heading%26more"></a><a href="a%20b.html"></a><use href="../assets/icons.svg#icon"></use>',
    'assets/main.js': '',
    'assets/icons.svg': '<svg><g id="icon"></g></svg>',
  });
  expect(deadLinks(folder)).toEqual([]);
});

test('addresses of other sites, and links in code, are not followed', () => {
  const folder = siteOf({
    'index.html':
      '<a href="https://example.org/none"></a><a href="mailto:a@b"></a><code>&lt;a href="none.html"></code>',
  });
  expect(deadLinks(folder)).toEqual([]);
});

test.each([
  ['<a class="y" href="none.html">', 'none.html', 'no such file'],
  ['<a href="docs/page.html#a-heading&amp;more">', 'docs/page.html#a-heading&more', 'no such anchor'],
  ['<a href="#none">', '#none', 'no such anchor'],
  ['<img src="media/none.png"/>', 'media/none.png', 'no such file'],
  ['<a href="docs/">', 'docs/', 'no such file'],
  ['<a href="../index.html">', '../index.html', 'leads out of the folder'],
])('%s is dead', (markup, link, reason) => {
  const folder = siteOf({ 'index.html': `${there}${markup}`, 'docs/page.html': '<p id="other"></p>' });
  expect(deadLinks(folder)).toEqual([{ page: 'index.html', link, reason }]);
});
