/**
 * Where entries of a configuration stand in its file, for people: `retries` at line 12. Reads the text of the module, and runs nothing of it. An entry
 * whose value is computed elsewhere has no place. Loaded on demand, since it brings a parser along.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import type { SourceLocation } from '@pexen/core';
import { type AnyNode, type ObjectExpression, type Program, parse } from 'acorn';

/** The path to an entry: `['profiles', 'ci', 'retries']`, `['overrides', '0', 'set']`. */
export type EntryPath = readonly string[];

/** Where an entry stands; undefined where that is not known. */
export type LocateEntry = (path: EntryPath) => SourceLocation | undefined;

/** Finds entries of the default export of a module; nothing in a file that cannot be read or parsed. */
export function entriesOf(file: string): LocateEntry {
  const program = programOf(file);
  if (program === undefined) return () => undefined;
  const suite = exportedSuite(program);
  return (path) => {
    const found = suite && entryAt(suite, path);
    if (found?.loc == null) return undefined;
    const { line, column } = found.loc.start;
    return { file, line, column: column + 1 };
  };
}

function programOf(file: string): Program | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    const code = /\.[cm]?ts$/.test(file) ? withoutTypes(text) : text;
    return parse(code, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  } catch {
    return undefined;
  }
}

/** The types are replaced by blanks, so that all places stay. Node warns that this function may change. */
function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** A node, the declarations that are visible where it stands, the nearest last, and how many steps led to it. */
interface Scoped {
  readonly node: AnyNode;
  readonly scope: readonly (readonly AnyNode[])[];
  readonly steps: number;
}

/** More steps than that are a declaration that names itself. */
const mostSteps = 50;

function exportedSuite(program: Program): Scoped | undefined {
  const exported = program.body.find((node) => node.type === 'ExportDefaultDeclaration');
  return exported && { node: exported.declaration, scope: [program.body], steps: 0 };
}

/** The object, list or function that an expression stands for, as far as the text shows it. */
function resolved({ node, scope, steps }: Scoped): Scoped | undefined {
  if (steps > mostSteps) return undefined;
  const further = (next: AnyNode | null | undefined, inside = scope): Scoped | undefined =>
    next == null ? undefined : resolved({ node: next, scope: inside, steps: steps + 1 });
  switch (node.type) {
    case 'CallExpression':
      return further(node.arguments[0]);
    case 'AwaitExpression':
      return further(node.argument);
    case 'Identifier':
      return further(initialValue(node.name, scope));
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
    case 'FunctionDeclaration':
      if (node.body.type !== 'BlockStatement') return further(node.body);
      return further(returnedBy(node.body.body), [...scope, node.body.body]);
    default:
      return { node, scope, steps };
  }
}

function returnedBy(statements: readonly AnyNode[]): AnyNode | null | undefined {
  return statements.findLast((node) => node.type === 'ReturnStatement')?.argument;
}

function initialValue(name: string, scope: Scoped['scope']): AnyNode | null | undefined {
  for (const statements of scope.toReversed())
    for (const statement of statements) {
      const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
      if (declared?.type !== 'VariableDeclaration') continue;
      const found = declared.declarations.find(({ id }) => id.type === 'Identifier' && id.name === name);
      if (found !== undefined) return found.init;
    }
  return undefined;
}

function entryAt(from: Scoped, [name, ...rest]: EntryPath): AnyNode | undefined {
  const inside = resolved(from);
  if (inside === undefined || name === undefined) return undefined;
  const entry = memberOf(inside, name);
  if (entry === undefined || rest.length === 0) return entry?.node;
  const value = entry.node.type === 'Property' ? entry.node.value : entry.node;
  return entryAt({ ...entry, node: value }, rest);
}

/** The property of an object, or the item of a list. */
function memberOf(of: Scoped, name: string): Scoped | undefined {
  const { node } = of;
  if (node.type === 'ObjectExpression') return propertyOf(node, name, of);
  if (node.type !== 'ArrayExpression') return undefined;
  const before = node.elements.slice(0, Number(name) + 1);
  const item = before[Number(name)];
  const isKnown = item != null && before.every((each) => each?.type !== 'SpreadElement');
  return isKnown ? { ...of, node: item } : undefined;
}

/** The last one counts, also among those of objects that are spread. */
function propertyOf(object: ObjectExpression, name: string, of: Scoped): Scoped | undefined {
  for (const property of object.properties.toReversed()) {
    if (property.type === 'SpreadElement') {
      const spread = resolved({ ...of, node: property.argument, steps: of.steps + 1 });
      const found = spread && memberOf(spread, name);
      if (found !== undefined) return found;
    } else if (!property.computed && nameOf(property.key) === name) return { ...of, node: property };
  }
  return undefined;
}

function nameOf(key: AnyNode): string | undefined {
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' ? String(key.value) : undefined;
}
