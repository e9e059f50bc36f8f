/** Folders that say themselves what they hold, in one walk with all others. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { executables, tree } from '../src/index.ts';
import { brief, definition, made, paths, program, scratch } from './scratch.ts';

const perl = '#!/usr/bin/perl\nprint "1..0\\n";\n';

describe('a tree', () => {
  it('leaves folders to their own files, at any depth, with any mix of factories', async () => {
    const dir = scratch({
      'tests/a.sh': program(),
      'tests/perl/pexen.folder.yaml': "programs: { files: '**/*.t', command: [sh, '{file}'] }\n",
      'tests/perl/x.t': perl,
      'tests/perl/deep/y.t': perl,
      'tests/perl/not-a-test.sh': program(),
      'tests/data/pexen.folder.yaml': 'ignore: true\n',
      'tests/data/looks-like-a-test.sh': program(),
      'tests/mixed/pexen.folder.json': JSON.stringify({
        defaults: { tags: ['mixed'] },
        tasks: { made: { command: 'true' } },
        tree: { dir: '.' },
      }),
      'tests/mixed/test-b.sh': program(),
      'tests/mixed/inner/pexen.folder.yaml': 'tasks: { only: "true" }\n',
      'tests/mixed/inner/test-c.sh': program(),
      'tests/z.sh': program(),
    });
    const found = await made(tree({ dir: '.' }), dir);
    expect(brief(found.problems, dir)).toEqual([]);
    expect(paths(found)).toEqual([
      'tests/a.sh',
      'tests/mixed/made',
      'tests/mixed/inner/only',
      'tests/mixed/test-b.sh',
      'tests/perl/deep/y.t',
      'tests/perl/x.t',
      'tests/z.sh',
    ]);
    const tags = found.tasks.map((placed) => definition(placed).meta.tags?.join());
    expect(tags).toEqual([undefined, 'mixed', 'mixed', 'mixed', undefined, undefined, undefined]);
  });

  it('gives its default metadata to tasks of such folders, unless they state it', async () => {
    const dir = scratch({
      't/sub/pexen.folder.yaml': 'tasks: { a: "true", b: { command: "true", timeout: 5s } }\n',
      't/sub/pexen.folder.yaml.note': '',
    });
    const found = await made(tree({ dir: 't', meta: { timeout: 9, tags: ['x'] } }), dir, { under: ['top'] });
    expect(paths(found)).toEqual(['top/sub/a', 'top/sub/b']);
    const [a, b] = found.tasks.map(definition);
    expect(a?.meta).toMatchObject({ timeout: 9, tags: ['x'] });
    expect(a?.originOf?.('timeout')).toEqual({ kind: 'defaults', by: 'the factory "tree of t"' });
    expect(b?.meta).toMatchObject({ timeout: 5_000, tags: ['x'] });
    expect(b?.originOf?.('timeout')).toMatchObject({ kind: 'file', location: { line: 1 } });
  });

  it('reports the mistakes of all of them together, to the character, with those of other files', async () => {
    const dir = scratch({
      't/a/pexen.folder.yaml': 'programs: { files: "*.t", comand: [perl, "{file}"] }\n',
      't/b/pexen.folder.yaml': 'tasks:\n  x: { command: "true", timeuot: 5s }\n',
      't/c/pexen.folder.yaml': 'ignore: maybe\n',
      't/d/pexen.folder.yaml': 'tasks: [\n',
      't/e/pexen.folder.yml': '{}\n',
      't/wrong.sh': program('# pexen: { timeuot: 5s }\n'),
    });
    const { problems } = await made(tree({ dir: '.' }), dir);
    expect(brief(problems, dir).toSorted()).toEqual([
      'PEXEN_BAD_OPTION | t/a/pexen.folder.yaml:1:11 | programs: needs the option "command"',
      'PEXEN_BAD_OPTION | t/a/pexen.folder.yaml:1:27 | programs: has no option "comand"',
      'PEXEN_BAD_SUITE_FILE | t/c/pexen.folder.yaml:1:9 | ignore must be true or false',
      expect.stringMatching(/^PEXEN_BAD_SUITE_FILE \| t\/e\/pexen\.folder\.yml \| it is not read/),
      expect.stringMatching(/^PEXEN_BAD_YAML \| t\/d\/pexen\.folder\.yaml:\d/),
      expect.stringMatching(/^PEXEN_UNKNOWN_META \| t\/b\/pexen\.folder\.yaml:2:\d+ \| .*timeuot/),
      expect.stringMatching(/^PEXEN_UNKNOWN_META \| t\/wrong\.sh:2:/),
    ]);
  });

  it('does not read that of the folder where it starts, so that the file may call it', async () => {
    const dir = scratch({ 'pexen.folder.yaml': 'ignore: true\n', 'test-a.sh': program() });
    expect(paths(await made(tree({ dir: '.' }), dir))).toEqual(['test-a.sh']);
  });

  it('leaves out excluded folders, hidden ones, and files that are not regular ones', async () => {
    const folder = { 'pexen.folder.yaml': 'tasks: { x: "true" }\n' };
    const dir = scratch({
      't/a/pexen.folder.yaml': folder['pexen.folder.yaml'],
      't/b/pexen.folder.yaml': folder['pexen.folder.yaml'],
      't/.hidden/pexen.folder.yaml': folder['pexen.folder.yaml'],
      't/link/pexen.folder.yaml': { link: '../a/pexen.folder.yaml' },
    });
    expect(paths(await made(tree({ dir: 't', exclude: ['b'] }), dir))).toEqual(['a/x', 'link/x']);
  });

  it('warns where a folder has two', async () => {
    const dir = scratch({
      't/a/pexen.folder.yaml': 'tasks: { x: "true" }\n',
      't/a/pexen.folder.json': '{ "tasks": { "y": "true" } }',
    });
    const found = await made(tree({ dir: 't' }), dir);
    expect(paths(found)).toEqual(['a/x']);
    expect(brief(found.warnings, dir)).toEqual([
      'PEXEN_TWO_CONFIGS | t/a/pexen.folder.json | it is ignored, since pexen.folder.yaml is used',
    ]);
  });
});

it('the examples of the guide are right', async () => {
  const page = readFileSync(new URL('../../../docs/factories.md', import.meta.url), 'utf8');
  const files = [...page.matchAll(/^```yaml\n# (\S+\.yaml)(?::.*)?\n([\s\S]*?)^```$/gm)];
  const texts = Object.fromEntries(files.map(([, name = '', text = '']) => [name, text]));
  const dir = scratch({
    ...texts,
    'tests/perl/t/join.t': perl,
    'tests/gui/test-window.sh': program(),
    'tests/data/test-input.sh': program(),
    'bin/perl': program(),
  });
  const found = await made(tree({ dir: 'tests' }), dir, { env: { PATH: `${dir}/bin` } });
  expect(brief(found.problems, dir)).toEqual([]);
  expect(paths(found)).toEqual(['gui/test-window.sh', 'perl/t/join.t']);
  expect(definition(found.tasks[1] as never).meta).toMatchObject({ tags: ['perl'], timeout: 120_000 });
});

it('other factories take what they are asked to take', async () => {
  const dir = scratch({ 't/a/pexen.folder.yaml': 'ignore: true\n', 't/a/x.sh': program() });
  expect(paths(await made(executables({ dir: 't' }), dir))).toEqual(['a/x.sh']);
});
