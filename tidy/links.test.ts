/** What our pages point at is there: relative links, and paths of the workspace in backticks. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { members, ROOT } from './sources.ts';

const pages = [
  ...globSync('{*.md,docs/**/*.md}', { cwd: ROOT }),
  ...members().map(({ dir }) => `${dir}/README.md`),
].filter((page) => existsSync(join(ROOT, page)));

const LINK = /\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g;
const PATH = /`((?:packages|apps|docs|tidy|e2e|tools)\/[\w./-]*)`/g;

test.each(pages)('%s leads nowhere wrong', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const linked = [...text.matchAll(LINK)].map(([, link = '']) => join(dirname(page), link));
  const named = [...text.matchAll(PATH)].map(([, path = '']) => path);
  expect([...linked, ...named].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
