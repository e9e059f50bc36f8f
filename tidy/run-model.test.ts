/** One module computes the state of a run from its events: all other code of the reporters reads the model. */
import ts from 'typescript';
import { expect, test } from 'vitest';
import { type SourceFile, sourcesIn, walk } from './sources.ts';

const REPORT = 'packages/report/src';
/** The model, the modules that pass events on to it and to reporters of raw events, and the kit, which makes events. */
const MAY_SEE_EVENTS = [
  'model/',
  'reporter.ts',
  'hooks.ts',
  'multi.ts',
  'decouple.ts',
  'json-lines/',
  'conformance/',
].map((path) => `${REPORT}/${path}`);

const events = new Set(
  sourcesIn('packages/core/src')
    .filter(({ path }) => path.endsWith('/run-event.ts'))
    .flatMap((file) => file.tree.statements)
    .flatMap((statement) =>
      ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)
        ? [statement.name.text]
        : [],
    ),
);
const others = sourcesIn(REPORT).filter(({ path }) => !MAY_SEE_EVENTS.some((seer) => path.startsWith(seer)));

test('events and files without access to them are found', () => {
  expect([...events]).toEqual(
    expect.arrayContaining(['RunEvent', 'TaskUpdateEvent', 'TaskFinished', 'AttemptInfo']),
  );
  expect(others.length).toBeGreaterThan(20);
});

test('only the model imports the types of events', () => {
  const wrong = others.flatMap((file) =>
    namesFromCore(file)
      .filter((name) => events.has(name))
      .map((name) => `${file.path} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

function namesFromCore(file: SourceFile): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) return;
    const from = node.moduleSpecifier;
    if (from === undefined || !ts.isStringLiteral(from) || from.text !== '@pexen/core') return;
    const clause = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : node.exportClause;
    if (clause === undefined || !(ts.isNamedImports(clause) || ts.isNamedExports(clause))) return;
    for (const { name, propertyName } of clause.elements) found.push((propertyName ?? name).text);
  });
  return found;
}
