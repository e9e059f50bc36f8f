/** Which changes on a real disk are noticed. */
import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cannotWatch, watchFiles } from '../../src/watch/watch-files.ts';

async function watched(recursive: boolean, ...folders: string[]) {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'pexen-watch-')));
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true });
  const seen: string[] = [];
  const files = watchFiles(
    root,
    {
      changed: (path) => seen.push(path),
      failed: (error) => {
        throw error;
      },
    },
    { recursive },
  );
  onTestFinished(async () => {
    files.close();
    await rm(root, { recursive: true });
  });
  return { root, files, seen, sees: (path: string) => expect.poll(() => seen).toContain(path) };
}

describe.each([
  ['each folder is watched', false],
  ['the system watches everything below a folder', true],
])('%s', (_, recursive) => {
  test('files that are written, added, renamed over and removed, also in new folders', async () => {
    const { root, seen, sees } = await watched(recursive, 'lib');
    const file = join(root, 'lib/a.ts');
    await writeFile(file, '1');
    await sees(file);
    seen.length = 0;
    await writeFile(file, '22');
    await sees(file);
    await mkdir(join(root, 'new/folder'), { recursive: true });
    await writeFile(join(root, 'new/folder/c.ts'), '');
    await sees(join(root, 'new/folder/c.ts'));
    seen.length = 0;
    await rm(file);
    await sees(file);
  });

  test('nothing of version control, packages, earlier runs and editors', async () => {
    const { root, seen, sees } = await watched(
      recursive,
      ...['.git', 'node_modules/x', 'sub/.pexen', 'sub/node_modules'],
    );
    const others = ['.git/HEAD', 'node_modules/x/i.js', 'sub/.pexen/salt', 'sub/node_modules/y.js'];
    for (const name of [...others, '.a.ts.swp', 'a.ts~', '.#a.ts', '4913'])
      await writeFile(join(root, name), 'x');
    await writeFile(join(root, 'a.ts'), 'x');
    await sees(join(root, 'a.ts'));
    expect(
      seen.map((path) => relative(root, path)).filter((path) => path !== 'a.ts' && path !== 'sub'),
    ).toEqual([]);
  });

  test('files elsewhere, also if they are replaced', async () => {
    const { files, seen, sees } = await watched(recursive);
    const outside = await realpath(await mkdtemp(join(tmpdir(), 'pexen-watch-')));
    onTestFinished(() => rm(outside, { recursive: true }));
    const file = join(outside, 'helper.ts');
    await writeFile(file, '1');
    files.add([file]);
    for (const text of ['2', '3']) {
      seen.length = 0;
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
      await sees(file);
    }
    expect(new Set(seen)).toEqual(new Set([file]));
  });
});

test('changes that follow one another at once are all seen: a file that is replaced, in a folder that is replaced', async () => {
  const { root, seen, sees } = await watched(false, 'lib/deep', 'other/deep');
  const file = join(root, 'lib/deep/a.ts');
  for (let round = 0; round < 20; round++) {
    seen.length = 0;
    await writeFile(file, `${round}`);
    await writeFile(join(root, 'new'), `new ${round}`);
    await rename(join(root, 'new'), file);
    await sees(file);
    await rename(join(root, 'lib'), join(root, 'old'));
    await rename(join(root, 'other'), join(root, 'lib'));
    await rename(join(root, 'old'), join(root, 'other'));
    await sees(join(root, 'other/deep/a.ts'));
    seen.length = 0;
    await writeFile(file, 'in the other folder');
    await sees(file);
  }
});

test('a root below node_modules is watched', async () => {
  const { root } = await watched(false);
  const inside = join(root, 'node_modules/suite');
  await mkdir(inside, { recursive: true });
  const seen: string[] = [];
  const own = watchFiles(inside, { changed: (path) => seen.push(path), failed: () => {} });
  onTestFinished(() => own.close());
  await writeFile(join(inside, 'a.ts'), '');
  await expect.poll(() => seen).toContain(join(inside, 'a.ts'));
});

test('a folder that does not exist', () => {
  const listener = { changed: () => {}, failed: () => {} };
  expect(() => watchFiles('/nonexistent/suite', listener)).toThrow('files cannot be watched: ENOENT');
});

test.each([
  ['ENOSPC', 'max_user_watches'],
  ['EMFILE', 'max_user_instances'],
  ['EACCES', undefined],
])('%s is explained', (code, hint) => {
  const error = Object.assign(new Error(`${code}: no`), { code });
  const [problem] = cannotWatch(error).problems;
  expect(problem?.code).toBe('PEXEN_CANNOT_WATCH');
  expect(problem?.message).toContain(`${code}: no`);
  if (hint === undefined) expect(problem).not.toHaveProperty('hint');
  else expect(problem?.hint).toContain(hint);
});
