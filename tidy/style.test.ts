/** Small rules of the project that a formatter cannot check. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { members, placeOf, published, ROOT, type SourceFile, sourcesIn, walk } from './sources.ts';

const everything = [
  ...members().flatMap((member) => sourcesIn(member.dir)),
  ...['tidy', 'e2e', 'tools'].filter((folder) => existsSync(join(ROOT, folder))).flatMap(sourcesIn),
];
const sources = members().flatMap((member) => sourcesIn(`${member.dir}/src`));

test('nothing is typed any', () => {
  expect(
    everything.flatMap((file) => nodesOf(file, (node) => node.kind === ts.SyntaxKind.AnyKeyword)),
  ).toEqual([]);
});

test('no source silences the compiler', () => {
  const silenced = sources.filter((file) => /@ts-(ignore|nocheck|expect-error)/.test(file.text));
  expect(silenced.map((file) => file.path)).toEqual([]);
});

test('only config files have a default export', () => {
  const files = everything.filter((file) => !file.path.endsWith('.config.ts'));
  expect(files.flatMap((file) => nodesOf(file, isDefaultExport))).toEqual([]);
});

test('no published module awaits at its top level, so that require() can load it', () => {
  const files = published().flatMap((member) => sourcesIn(`${member.dir}/src`));
  expect(files.flatMap((file) => nodesOf(file, isTopLevelAwait))).toEqual([]);
});

describe.each(members())('$dir', ({ dir, manifest }) => {
  test('has a README that starts with its name', () => {
    const path = join(ROOT, dir, 'README.md');
    expect(existsSync(path), `${dir}/README.md is missing`).toBe(true);
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe(`# ${manifest.name}`);
  });
});

function nodesOf(file: SourceFile, isWrong: (node: ts.Node) => boolean): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    if (isWrong(node)) found.push(placeOf(file, node));
  });
  return found;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
  );
}

function isTopLevelAwait(node: ts.Node): boolean {
  const waits = ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined);
  return waits && ts.findAncestor(node, ts.isFunctionLike) === undefined;
}
