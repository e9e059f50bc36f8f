/** The published JSON Schemas match the types. After a change of a type, write them again, and check the version. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { published, schemas } from '../tools/schemas.ts';
import { ROOT } from './sources.ts';

const made = schemas();

test.each(published)('$path matches its type', ({ path }) => {
  const hint = 'Write them again: node tools/schemas.ts';
  expect(existsSync(join(ROOT, path)) && readFileSync(join(ROOT, path), 'utf8'), hint).toBe(made.get(path));
});

test.each(published)('$path is exported by its package', ({ path }) => {
  const [, dir = '', file = ''] = /^((?:packages|apps)\/[^/]+)\/(.*)$/.exec(path) ?? [];
  const { exports, publishConfig, files } = JSON.parse(readFileSync(join(ROOT, dir, 'package.json'), 'utf8'));
  expect(exports).toMatchObject({ [`./${file}`]: `./${file}` });
  expect(publishConfig.exports).toMatchObject({ [`./${file}`]: `./${file}` });
  expect(files).toContain('schemas');
});
