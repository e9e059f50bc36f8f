/** Every published package leads to its sources, to its page and to its documentation. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { published, ROOT } from './sources.ts';

const home = 'https://github.com/pexen/pexen';

test.each(published())('$dir', ({ dir, manifest }) => {
  expect(manifest).toMatchObject({
    repository: { type: 'git', url: `git+${home}.git`, directory: dir },
    homepage: `${home}/tree/main/${dir}#readme`,
    license: 'MIT',
  });
  // The pages that the README links to are added to the tarball as docs/.
  expect(manifest.files).toContain('docs');
  expect(existsSync(join(ROOT, dir, 'README.md'))).toBe(true);
  expect(manifest.description).toMatch(/\.$/);
});
