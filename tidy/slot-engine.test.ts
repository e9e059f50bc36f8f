/**
 * The pool packages are connectors on one slot engine: no queue, prefetch window, start bookkeeping or stop escalation of their own. The inline pool is
 * exempt: it has no workers (docs/decisions/0070-one-slot-engine.md).
 */
import ts from 'typescript';
import { expect, test } from 'vitest';
import { importsOf, members, type SourceFile, sourcesIn, walk } from './sources.ts';

const engine = 'packages/pool-kit/src/engine/';

const pools = members().filter(({ dir }) => /^packages\/pool-(?!kit$)/.test(dir));

/** The sources of all pool packages, and of the kit without the engine and the conformance suite. */
const sources = [
  ...pools.flatMap(({ dir }) => sourcesIn(`${dir}/src`)),
  ...sourcesIn('packages/pool-kit/src').filter(({ path }) => !/\/(engine|conformance)\//.test(path)),
];

/** A worker keeps the attempts that it was sent in a list, which is not a queue of a pool. */
const onHost = sources.filter(
  (file) =>
    !file.path.startsWith('packages/pool-kit/src/worker/') &&
    !importsOf(file).some(({ specifier }) => specifier === '@pexen/pool-kit/worker'),
);

test('every pool package makes its pool with the SlotEngine, and does not implement Pool', () => {
  const made = new Set<string>();
  const implementers: string[] = [];
  for (const file of sources)
    walk(file, (node) => {
      if (ts.isNewExpression(node) && node.expression.getText() === 'SlotEngine')
        made.add(file.path.replace(/\/src\/.*/, ''));
      if (ts.isHeritageClause(node) && node.types.some(({ expression }) => expression.getText() === 'Pool'))
        implementers.push(file.path);
    });
  expect([...made].sort()).toEqual(pools.map(({ dir }) => dir).sort());
  expect(implementers).toEqual([]);
});

test('the parts of the engine are declared in the engine alone', () => {
  const isPart = (node: ts.Node): boolean =>
    (ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node)) &&
    /queue|prefetch|window|escalat|execution|scheduler/i.test(node.name?.text ?? '');
  expect(placesOf(isPart, sources)).toEqual([]);
  expect(placesOf(isPart, sourcesIn(engine)).length).toBeGreaterThan(3);
});

test('no queue: on the host, no code outside the engine takes from the front of a list', () => {
  const takesFirst = (node: ts.Node): boolean =>
    ts.isCallExpression(node) && /^this\.#?\w+\.shift$/.test(node.expression.getText());
  expect(placesOf(takesFirst, onHost)).toEqual([]);
});

test('no prefetch window: on the host, no code outside the engine uses the durations of attempts', () => {
  const readsDuration = (node: ts.Node): boolean =>
    (ts.isPropertyAccessExpression(node) && node.name.text === 'ranMs') ||
    (ts.isBindingElement(node) && (node.propertyName ?? node.name).getText() === 'ranMs');
  const codecs = ['packages/pool-kit/src/envelope.ts'];
  expect(placesOf(readsDuration, onHost).filter((place) => !codecs.includes(fileOf(place)))).toEqual([]);
});

test('no escalation: outside the engine, no code listens to a ticket, and no timer ends a worker', () => {
  const listens = (node: ts.Node): boolean =>
    ts.isCallExpression(node) &&
    node.expression.getText().endsWith('.addEventListener') &&
    node.arguments[0]?.getText() === "'abort'";
  expect(placesOf(listens, onHost)).toEqual([]);
  // A helper that starts programs is not a worker: its user ends it if it does not answer. The guard of a lease ends what an agent cannot. A
  // probe is no attempt.
  const helpers = [
    'packages/pool-nats/src/node/properties.ts',
    'packages/pool-process/src/programs/spawner.ts',
    'packages/pool-process/src/remote/lease-guard-program.ts',
  ];
  expect(placesOf(endsByTimer, onHost).filter((place) => !helpers.includes(fileOf(place)))).toEqual([]);
});

/** A timer whose callback ends something: `clock.after(ms, () => this.kill())`. */
function endsByTimer(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) || !/(\.after|^startTimer|^setTimeout)$/.test(node.expression.getText()))
    return false;
  return node.arguments.some((argument) =>
    /(\b|#)(kill|terminate|terminateNow|abort|end|signal|signalGroup|terminateGroup)\b/.test(
      argument.getText(),
    ),
  );
}

/** The places with such a node, as `path:line`. */
function placesOf(isSuch: (node: ts.Node) => boolean, files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const file of files)
    walk(file, (node) => {
      if (!isSuch(node)) return;
      found.push(`${file.path}:${file.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`);
    });
  return found;
}

function fileOf(place: string): string {
  return place.slice(0, place.lastIndexOf(':'));
}
