/** What the repository has once: small helpers that every package needs are declared in one place and imported everywhere else. */
import ts from 'typescript';
import { expect, test } from 'vitest';
import { members, type SourceFile, sourcesIn, walk } from './sources.ts';

const sources = members().flatMap(({ dir }) => sourcesIn(`${dir}/src`));

test('one type is the clock, and one value is that of the runtime', () => {
  const isClock = (node: ts.Node): boolean =>
    (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) && /Clock$/.test(node.name.text);
  expect(filesWith(isClock)).toEqual(['packages/core/src/clock.ts']);
  expect(filesWith((node) => ts.isVariableDeclaration(node) && /Clock$/.test(node.name.getText()))).toEqual([
    'packages/core/src/timers.ts',
  ]);
});

test('tests have one scripted clock', () => {
  const files = [...members().flatMap(({ dir }) => sourcesIn(`${dir}/test`)), ...sourcesIn('tools')];
  const isScripted = (node: ts.Node): boolean =>
    ts.isClassDeclaration(node) && /^Scripted\w*Clock$/.test(node.name?.text ?? '');
  expect(filesWith(isScripted, files)).toEqual(['tools/scripted-clock.ts']);
});

/** Where there is such a node: the files, each once. */
function filesWith(isSuch: (node: ts.Node) => boolean, files: readonly SourceFile[] = sources): string[] {
  const found = new Set<string>();
  for (const file of files)
    walk(file, (node) => {
      if (isSuch(node)) found.add(file.path);
    });
  return [...found];
}
