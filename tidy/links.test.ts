/** The targets of our pages exist: relative links, headings, and in backticks paths of the workspace and of a package's own sources. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { members, ROOT } from './sources.ts';

const pages = [
  ...globSync('{*.md,docs/**/*.md}', { cwd: ROOT }),
  ...members().map(({ dir }) => `${dir}/README.md`),
].filter((page) => existsSync(join(ROOT, page)));

const LINK = /\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?\)/g;
const PATH = /`((?:packages|apps|docs|tidy|e2e|tools)\/[\w./-]*)`/g;
const SOURCE = /`(src\/[\w./-]*)`/g;

test.each(pages)('the targets of %s exist', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const named = [...text.matchAll(PATH)].map(([, path = '']) => path);
  const isOfPackage = /^(?:packages|apps)\//.test(page);
  const own = isOfPackage ? [...text.matchAll(SOURCE)].map(([, path = '']) => join(dirname(page), path)) : [];
  const wrong = [...named, ...own].filter((path) => !existsSync(join(ROOT, path)));
  for (const [, link = '', anchor = ''] of text.matchAll(LINK)) {
    const target = link === '' ? page : join(dirname(page), link);
    if (!existsSync(join(ROOT, target))) wrong.push(target);
    else if (anchor !== '' && !anchorsOf(target).includes(anchor)) wrong.push(target + anchor);
  }
  expect(wrong).toEqual([]);
});

/** The anchors that GitHub makes of the headings of a page. */
function anchorsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/^#+ (.*)$/gm)].map(
    ([, heading = '']) =>
      `#${heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-')}`,
  );
}
