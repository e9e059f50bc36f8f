/** Paths relative to a directory, compared with node:path. */
import { isAbsolute, posix, win32 } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { relativeTo } from '../src/index.ts';

const part = fc.constantFrom('a', 'b', 'c d', 'ü', '50%', 'x.ts', '..', '.', '#', 'a?b');
const file = fc.array(part, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`);

test.each([
  ['/home/me/project', '/home/me/project/test/a.ts', 'test/a.ts'],
  ['/home/me/project/', 'file:///home/me/project/test/a%20b.ts?t=1', 'test/a b.ts'],
  ['file:///home/me/project', '/home/me/other/a.ts', '../other/a.ts'],
  ['/home/me', '/home/me', '.'],
  ['/home/me', '/home/mean/a.ts', '../mean/a.ts'],
  ['/', '/a.ts', 'a.ts'],
  ['C:\\project', 'c:\\project\\test\\a.ts', 'test/a.ts'],
  ['C:\\project', 'file:///C:/project/test/a.ts', 'test/a.ts'],
  ['C:\\project', 'D:\\test\\a.ts', 'D:\\test\\a.ts'],
  ['/home/me', 'node:internal/modules', 'node:internal/modules'],
  ['/home/me', 'data:text/javascript,1', 'data:text/javascript,1'],
  ['/home/me', 'evalmachine.<anonymous>', 'evalmachine.<anonymous>'],
  ['/home/me', 'file:///home/me/100%', '100%'],
])('from %s, %s is %s', (root, file, expected) => {
  expect(relativeTo(root)(file)).toBe(expected);
});

describe('gives the same result as node:path', () => {
  test('of paths', () => {
    fc.assert(
      fc.property(file, file, (root, to) => {
        expect(relativeTo(root)(to)).toBe(posix.relative(root, to) || '.');
      }),
    );
  });

  test('of URLs', () => {
    fc.assert(
      fc.property(file, file, (root, to) => {
        expect(relativeTo(pathToFileURL(root).href)(pathToFileURL(to).href)).toBe(
          posix.relative(root, to) || '.',
        );
      }),
    );
  });

  test('of paths with a drive', () => {
    const path = fc
      .tuple(fc.constantFrom('C:', 'D:'), file)
      .map(([drive, path]) => drive + path.replaceAll('/', '\\'));
    fc.assert(
      fc.property(path, path, (root, to) => {
        const expected = win32.relative(root, to).replaceAll('\\', '/') || '.';
        expect(relativeTo(root)(to)).toBe(isAbsolute(expected) || win32.isAbsolute(expected) ? to : expected);
      }),
    );
  });
});
