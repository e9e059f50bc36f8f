/**
 * Makes the published JSON Schemas of the TypeScript types, which are the only definition of the shapes:
 * `node tools/schemas.ts` writes them, and a rule in tidy/ compares them.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

/** A published schema, and the type that it is made of. */
export interface Published {
  /** In the package, relative to the repository. */
  readonly path: string;
  readonly source: string;
  readonly type: string;
  /** The constant with the version, in the same source. */
  readonly version: string;
  readonly title: string;
  /** People write it: entries that do not exist are refused, and parts that only code can have are left out. */
  readonly isInput?: boolean;
}

export type Schema = Readonly<Record<string, unknown>>;

const root = resolve(import.meta.dirname, '..');

export const published: readonly Published[] = [
  {
    path: 'packages/core/schemas/run-event.schema.json',
    source: 'packages/core/src/run-event.ts',
    type: 'RunEvent',
    version: 'runEventVersion',
    title: 'An event of a pexen run',
  },
  {
    path: 'packages/core/schemas/inspection.schema.json',
    source: 'packages/core/src/inspection.ts',
    type: 'Inspection',
    version: 'inspectionVersion',
    title: 'The state of a pexen run at one moment',
  },
  {
    path: 'packages/report/schemas/json-line.schema.json',
    source: 'packages/report/src/json-lines/json-line.ts',
    type: 'JsonLine',
    version: 'jsonLineVersion',
    title: 'A line of the reporter jsonl of pexen',
  },
  {
    path: 'packages/usecase-testsuite/schemas/list.schema.json',
    source: 'packages/usecase-testsuite/src/list-suite.ts',
    type: 'SuiteList',
    version: 'listVersion',
    title: 'What pexen list --json prints',
  },
  {
    path: 'packages/usecase-testsuite/schemas/lint.schema.json',
    source: 'packages/usecase-testsuite/src/lint/lint-suite.ts',
    type: 'LintReport',
    version: 'lintVersion',
    title: 'What pexen lint --json prints',
  },
  {
    path: 'packages/usecase-testsuite/schemas/why.schema.json',
    source: 'packages/usecase-testsuite/src/live/find-runs.ts',
    type: 'ExplainedTasks',
    version: 'answersVersion',
    title: 'What pexen why --json prints',
  },
  {
    path: 'packages/usecase-testsuite/schemas/graph.schema.json',
    source: 'packages/usecase-testsuite/src/graph/suite-graph.ts',
    type: 'SuiteGraph',
    version: 'graphVersion',
    title: 'What pexen graph --format json prints',
  },
  {
    path: 'apps/pexen/schemas/suite.schema.json',
    source: 'packages/usecase-testsuite/src/config/suite-data.ts',
    type: 'SuiteFileData',
    version: 'suiteFileVersion',
    title: 'A suite of pexen, in YAML or JSON',
    isInput: true,
  },
  {
    path: 'apps/pexen/schemas/folder.schema.json',
    source: 'packages/factory/src/suite-file/suite-data.ts',
    type: 'FolderFileData',
    version: 'folderFileVersion',
    title: 'What a folder says of itself, in YAML or JSON',
    isInput: true,
  },
];

/** The schemas as text, by path. */
export function schemas(): ReadonlyMap<string, string> {
  const program = ts.createProgram(
    published.map(({ source }) => join(root, source)),
    options(),
  );
  const checker = program.getTypeChecker();
  return new Map(
    published.map((each) => {
      const file = program.getSourceFile(join(root, each.source));
      if (file === undefined) throw new Error(`there is no ${each.source}`);
      return [each.path, `${JSON.stringify(schemaOf(each, file, checker), undefined, 2)}\n`];
    }),
  );
}

function options(): ts.CompilerOptions {
  const path = join(root, 'tsconfig.base.json');
  const { config } = ts.readConfigFile(path, ts.sys.readFile) as { readonly config: object };
  return ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root).options;
}

function schemaOf(
  { type, version, title, isInput = false }: Published,
  file: ts.SourceFile,
  checker: ts.TypeChecker,
): Schema {
  const exported = (name: string): ts.Symbol => {
    const found = checker
      .getExportsOfModule(checker.getSymbolAtLocation(file) as ts.Symbol)
      .find((each) => each.name === name);
    if (found === undefined) throw new Error(`${file.fileName} exports no ${name}`);
    return found;
  };
  const number = checker.getTypeOfSymbol(exported(version));
  if (!number.isNumberLiteral()) throw new Error(`${version} is not a number`);
  const maker = new SchemaMaker(checker, isInput);
  const shape = maker.of(checker.getDeclaredTypeOfSymbol(exported(type)));
  const name = type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:pexen:${name}:${number.value}`,
    title,
    ...shape,
    $defs: Object.fromEntries([...maker.definitions].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Makes schemas of types. Interfaces and named unions become definitions. */
class SchemaMaker {
  readonly definitions = new Map<string, Schema>();
  readonly #checker: ts.TypeChecker;
  readonly #isInput: boolean;

  constructor(checker: ts.TypeChecker, isInput: boolean) {
    this.#checker = checker;
    this.#isInput = isInput;
  }

  of(type: ts.Type): Schema {
    const name = nameOf(type);
    if (name === undefined) return this.#shapeOf(type);
    if (!this.definitions.has(name)) {
      this.definitions.set(name, {}); // It may refer to itself.
      const symbol = type.aliasSymbol ?? type.symbol;
      this.definitions.set(name, { ...this.#described(symbol), ...this.#shapeOf(type) });
    }
    return { $ref: `#/$defs/${name}` };
  }

  #shapeOf(type: ts.Type): Schema {
    const { flags } = type;
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if ((flags & ts.TypeFlags.BooleanLiteral) !== 0)
      return { const: this.#checker.typeToString(type) === 'true' };
    if ((flags & ts.TypeFlags.String) !== 0) return { type: 'string' };
    if ((flags & ts.TypeFlags.Number) !== 0) return { type: 'number' };
    if ((flags & ts.TypeFlags.Boolean) !== 0) return { type: 'boolean' };
    if ((flags & ts.TypeFlags.Unknown) !== 0) return {};
    // `string & {}` keeps the words of a union visible.
    if (type.isIntersection() && type.types.some((each) => (each.flags & ts.TypeFlags.String) !== 0))
      return { type: 'string' };
    if (type.isUnion()) return this.#unionOf(type.types);
    if (this.#checker.isArrayType(type) || this.#checker.isTupleType(type)) return this.#listOf(type);
    if ((flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0) return this.#objectOf(type);
    throw new Error(`no JSON is of the type ${this.#checker.typeToString(type)}`);
  }

  #unionOf(all: readonly ts.Type[]): Schema {
    const types = this.#isInput ? all.filter(isData) : all;
    const [only, second] = types;
    if (only !== undefined && second === undefined) return this.of(only);
    if (types.every((each) => each.isStringLiteral()))
      return { enum: types.map(({ value }) => value).sort() };
    if (types.every((each) => (each.flags & ts.TypeFlags.BooleanLiteral) !== 0)) return { type: 'boolean' };
    return { anyOf: types.map((each) => this.of(each)) };
  }

  #listOf(type: ts.Type): Schema {
    const items = this.#checker.getTypeArguments(type as ts.TypeReference).map((each) => this.of(each));
    if (this.#checker.isArrayType(type)) return { type: 'array', items: items[0] };
    return { type: 'array', prefixItems: items, minItems: items.length, items: false };
  }

  #objectOf(type: ts.Type): Schema {
    const index = type.getStringIndexType() ?? type.getNumberIndexType();
    if (index !== undefined) return { type: 'object', additionalProperties: this.of(index) };
    const patterns = this.#checker
      .getIndexInfosOfType(type)
      .map((each) => [this.#patternOf(each.keyType), this.of(each.type)]);
    const members = type
      .getProperties()
      .filter((each) => !this.#isInput || isData(this.#checker.getTypeOfSymbol(each)));
    const required = members.filter(({ flags }) => (flags & ts.SymbolFlags.Optional) === 0);
    return {
      type: 'object',
      properties: Object.fromEntries(members.map((each) => [each.name, this.#propertyOf(each)])),
      required: required.map(({ name }) => name),
      ...(patterns.length > 0 && { patternProperties: Object.fromEntries(patterns) }),
      ...(this.#isInput && { additionalProperties: false }),
    };
  }

  /** Names such as `x-${string}`. */
  #patternOf(names: ts.Type): string {
    const [, beginning] = /^`([\w-]+)\$\{string\}`$/.exec(this.#checker.typeToString(names)) ?? [];
    if (beginning === undefined) throw new Error('names can only have a beginning');
    return `^${beginning}`;
  }

  #propertyOf(member: ts.Symbol): Schema {
    const declared = this.#checker.getTypeOfSymbol(member);
    // Without null and undefined, `unknown` would be any object.
    const isAnything = (declared.flags & ts.TypeFlags.Unknown) !== 0;
    const type = isAnything ? declared : this.#checker.getNonNullableType(declared);
    return { ...this.#described(member), ...this.of(type) };
  }

  /** The comment above it, and the pattern of a text in its tag. */
  #described(symbol: ts.Symbol): Schema {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(this.#checker)).replaceAll('\n', ' ');
    const pattern = symbol.getJsDocTags(this.#checker).find(({ name }) => name === 'pattern');
    return {
      ...(text !== '' && { description: text }),
      ...(pattern !== undefined && { pattern: ts.displayPartsToString(pattern.text) }),
    };
  }
}

/** Can JSON have such a value? */
function isData(type: ts.Type): boolean {
  const isAbsent = (type.flags & ts.TypeFlags.Undefined) !== 0;
  return !isAbsent && type.getCallSignatures().length === 0 && type.symbol?.name !== 'RegExp';
}

/** Of a type that has one of its own: an interface or an alias without parameters. */
function nameOf({ aliasSymbol, aliasTypeArguments, symbol, flags }: ts.Type): string | undefined {
  if (aliasSymbol !== undefined) return aliasTypeArguments === undefined ? aliasSymbol.name : undefined;
  const isInterface = (flags & ts.TypeFlags.Object) !== 0 && (symbol?.flags & ts.SymbolFlags.Interface) !== 0;
  return isInterface && !/Array$/.test(symbol.name) ? symbol.name : undefined;
}

if (process.argv[1] === import.meta.filename)
  for (const [path, text] of schemas()) writeFileSync(join(root, path), text);
