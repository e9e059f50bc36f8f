/** The workspace for tidy tests: members, their manifests and their parsed TypeScript. Does not know the rules. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT: string = dirname(dirname(fileURLToPath(import.meta.url)));

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface Member {
  /** From the root, as `packages/core`. */
  readonly dir: string;
  readonly manifest: Manifest;
}

export interface SourceFile {
  /** From the root, as `packages/core/src/task.ts`. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export interface Import {
  readonly specifier: string;
  readonly file: SourceFile;
}

/** Every package and app of the workspace, in the order of their folders. */
export function members(): Member[] {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(ROOT, parent))
      .map((name) => `${parent}/${name}`)
      .filter((dir) => existsSync(join(ROOT, dir, 'package.json')))
      .map((dir) => ({ dir, manifest: JSON.parse(readFileSync(join(ROOT, dir, 'package.json'), 'utf8')) })),
  );
}

/** The members that are published. */
export function published(): Member[] {
  return members().filter((member) => member.manifest.private !== true);
}

const parsed = new Map<string, SourceFile>();

/** The parsed files in a folder of the root, without fixtures, which are input of tests. */
export function sourcesIn(folder: string): SourceFile[] {
  return globSync('**/*.{ts,tsx}', { cwd: join(ROOT, folder) })
    .map((path) => join(folder, path))
    .filter((path) => !/(^|\/)(node_modules|dist|out|fixtures)\//.test(path))
    .sort()
    .map(parse);
}

function parse(path: string): SourceFile {
  const known = parsed.get(path);
  if (known) return known;
  const text = readFileSync(join(ROOT, path), 'utf8');
  const file = { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
  parsed.set(path, file);
  return file;
}

/** Calls `visit` with every node of the file, outermost first. */
export function walk(file: SourceFile, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, step);
  };
  step(file.tree);
}

/** Everything the file imports: values, types, re-exports, `import()`, `import('…').T` and `import.meta.resolve('…')`. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  walk(file, (node) => {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteralLike(specifier))
      found.push({ specifier: specifier.text, file });
  });
  return found;
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  if (!ts.isCallExpression(node)) return undefined;
  const callee = node.expression;
  const imports = callee.kind === ts.SyntaxKind.ImportKeyword || callee.getText() === 'import.meta.resolve';
  return imports ? node.arguments[0] : undefined;
}

/** `packages/core/src/task.ts:12`, which editors open by a click. */
export function placeOf(file: SourceFile, node: ts.Node): string {
  return `${file.path}:${file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1}`;
}

/** The target of a relative import, from the root. */
export function targetOf({ specifier, file }: Import): string {
  return relative(ROOT, join(ROOT, dirname(file.path), specifier));
}

/** `@pexen/pool-kit/worker` is of the package `@pexen/pool-kit`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
