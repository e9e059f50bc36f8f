/** Invariant 1: pure code uses no clock, chance, environment or disk, and never waits. */
import { isBuiltin } from 'node:module';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { importsOf, members, placeOf, type SourceFile, sourcesIn, targetOf, walk } from './sources.ts';

const PURE_FOLDERS = [
  'packages/core/src',
  'packages/lock/src',
  'packages/sched/src/plan',
  'packages/sched/src/machine',
  'packages/report/src/model',
  'packages/store/src/resume',
  'packages/pool-nats/src/protocol',
  'packages/run-locks/src/protocol',
  'packages/usecase-testsuite/src/catalogue',
  'packages/page/src/data',
];

/** The promises over the lock table, and the timers of all packages, which have an entry of their own. */
const SHELLS = ['packages/lock/src/locks.ts', 'packages/core/src/timers.ts'];
/** The entry that exports these promises. */
const ENTRIES = ['packages/lock/src/index.ts'];

const pureFiles = PURE_FOLDERS.flatMap(sourcesIn).filter((file) => !SHELLS.includes(file.path));

/** Files that may set timers of the runtime: the one timer, and bodies and programs of the conformance kit. */
const SET_TIMERS = [
  'packages/core/src/timers.ts',
  'packages/pool-kit/src/conformance/fixtures.ts',
  'packages/pool-kit/src/conformance/programs.ts',
  'packages/pool-kit/src/conformance/test-harness.ts',
  'packages/pool-kit/src/conformance/tickets.ts',
];

const IMPURE_GLOBALS = [
  'process',
  'performance',
  'crypto',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'console',
];
const IMPURE_MEMBERS = ['Date.now', 'Math.random'];

test('pure code is found', () => {
  expect(pureFiles.length).toBeGreaterThan(0);
});

test('pure code imports nothing of Node', () => {
  const wrong = pureFiles.flatMap(importsOf).filter(({ specifier }) => isBuiltin(specifier));
  expect(wrong.map(({ file, specifier }) => `${file.path} imports ${specifier}`)).toEqual([]);
});

test('pure code imports no timers', () => {
  const timers = pureFiles.flatMap(importsOf).filter(({ specifier }) => specifier === '@pexen/core/timers');
  expect(timers.map(({ file }) => file.path)).toEqual([]);
});

test('only the one timer, which supports long delays, sets timers of the runtime', () => {
  const sources = members().flatMap(({ dir }) => sourcesIn(`${dir}/src`));
  const others = sources.filter(({ path }) => !SET_TIMERS.includes(path));
  const setsTimer = (node: ts.Node): boolean =>
    ts.isCallExpression(node) && /\bset(Timeout|Interval)$/.test(node.expression.getText());
  expect(others.flatMap((file) => findings(file, setsTimer))).toEqual([]);
});

test('pure code imports only pure code', () => {
  const paths = new Set(pureFiles.map((file) => file.path));
  const wrong = pureFiles
    .filter((file) => !ENTRIES.includes(file.path))
    .flatMap(importsOf)
    .filter((found) =>
      found.specifier.startsWith('.') ? !paths.has(targetOf(found)) : !found.specifier.startsWith('@pexen/'),
    );
  expect(wrong.map(({ file, specifier }) => `${file.path} imports ${specifier}`)).toEqual([]);
});

test('pure code reads no clock, no chance and no environment', () => {
  expect(pureFiles.flatMap((file) => findings(file, readsTheWorld))).toEqual([]);
});

test('pure code never awaits', () => {
  expect(pureFiles.flatMap((file) => findings(file, waits))).toEqual([]);
});

function findings(file: SourceFile, isWrong: (node: ts.Node) => boolean): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    if (isWrong(node)) found.push(`${placeOf(file, node)} ${node.getText().split('\n')[0]}`);
  });
  return found;
}

function readsTheWorld(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return IMPURE_MEMBERS.includes(node.getText());
  if (ts.isNewExpression(node)) return node.expression.getText() === 'Date' && !node.arguments?.length;
  return ts.isIdentifier(node) && IMPURE_GLOBALS.includes(node.text) && isFreeName(node);
}

/** A global that is read by its name: not a property, parameter or key of that name. */
function isFreeName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isTypeNode(parent) || ts.isTypeElement(parent) || ts.isImportSpecifier(parent)) return false;
  const isDeclared = (ts.isVariableDeclaration(parent) || ts.isParameter(parent)) && parent.name === node;
  const isKey = (ts.isPropertyAssignment(parent) || ts.isClassElement(parent)) && parent.name === node;
  return !isDeclared && !isKey;
}

function waits(node: ts.Node): boolean {
  if (ts.isAwaitExpression(node)) return true;
  if (ts.isForOfStatement(node)) return node.awaitModifier !== undefined;
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword)
  );
}
