/** Small helpers that every package needs are declared in one place and imported everywhere else. */
import ts from 'typescript';
import { expect, test } from 'vitest';
import { members, type SourceFile, sourcesIn, walk } from './sources.ts';

const sources = members().flatMap(({ dir }) => sourcesIn(`${dir}/src`));

test('there is one type of clock, and one clock of the runtime', () => {
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

test('columns of numbers grow in one place', () => {
  // A typed array grows by a copy into a longer one of its own kind.
  const takesKind = (node: ts.Node): boolean =>
    ts.isAsExpression(node) && /\.constructor$/.test(node.expression.getText());
  const isTable = (node: ts.Node): boolean => ts.isClassDeclaration(node) && node.name?.text === 'Table';
  expect(filesWith((node) => takesKind(node) || isTable(node))).toEqual(['packages/core/src/columns.ts']);
});

test.each([
  ...[
    'ControlledOptions',
    'LockTableOptions',
    'RunOptions',
    'GroupOptions',
    'ProcessOptions',
    'InlineOptions',
  ],
  ...['ThreadsOptions', 'ProcessesOptions', 'WalkOptions', 'ProgramOptions', 'ExportOptions'],
  ...['TerminalChoice', 'JUnitOptions', 'SuiteProfile', 'SuiteOverride', 'SuiteGroup'],
])('%s are declared as one table of kinds', (name) => {
  const tables = sources.flatMap((file) => {
    const found: string[] = [];
    walk(file, (node) => {
      const isTable = ts.isTypeReferenceNode(node) && node.typeName.getText() === 'KindsOf';
      if (isTable && new RegExp(`\\b${name}\\b`).test(node.getText())) found.push(file.path);
    });
    return found;
  });
  expect(tables).toHaveLength(1);
});

test('options are checked in one place', () => {
  const complains = (node: ts.Node): boolean =>
    ts.isTemplateHead(node) && /\b(?:has no|needs the) option "/.test(node.text);
  expect(filesWith(complains)).toEqual(['packages/core/src/options.ts']);
});

/** The files with such a node, each once. */
function filesWith(isSuch: (node: ts.Node) => boolean, files: readonly SourceFile[] = sources): string[] {
  const found = new Set<string>();
  for (const file of files)
    walk(file, (node) => {
      if (isSuch(node)) found.add(file.path);
    });
  return [...found];
}
