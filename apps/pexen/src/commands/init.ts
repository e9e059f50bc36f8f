/** `pexen init`: a first suite in a folder. Of existing files it changes only package.json and .gitignore, by adding entries. */
import { existsSync, statSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { kindOf, messageOf, PexenError } from '@pexen/core';
import { configNames, type ExitCode, exitCodes } from '@pexen/usecase-testsuite';
import { ownVersion } from '../own-version.ts';
import type { Output } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';

const config = `import { defineSuite, tree } from 'pexen';

export default defineSuite({
  // All that looks like a test below this folder: *.task.ts, and executables such as tests/ping.sh. The key begins their call paths.
  // Suites of other tools: ctest({ buildDir: 'build' }), kyua({ dir: 'tests' }), automake({ dir: '.' }).
  from: { '': tree({ dir: '.' }) },
  reporters: ['terminal', ['junit', { file: 'out/junit.xml' }]],
});
`;

/** A comment of that form makes editors check the file, and complete it. */
const suiteFile = `# yaml-language-server: $schema=./node_modules/pexen/schemas/suite.schema.json

defaults: { timeout: 1m }

tasks:
  # A program and its arguments:
  greets: { command: [echo, hello], tags: [first] }
  # Text for the shell, which stops at the first command that fails:
  adds:
    command: |
      sum=$((1 + 1))
      test "$sum" -eq 2

# Executables below a folder, with their metadata in comments:
# executables: { dir: tests }
# The tests of a CMake build, of a Kyua tree, of a package of Automake:
# ctest: { buildDir: build }
# kyua: { dir: tests }
# automake: { dir: . }

reporters: [terminal, { junit: { file: out/junit.xml } }]
`;

const firstTest = `import { task } from 'pexen';

export const adds = task({ tags: ['first'] }, ({ report }) => {
  const sum = 1 + 1;
  report({ name: 'sum', status: sum === 2 ? 'pass' : 'fail', message: String(sum) });
});
`;

/** The script that npm writes into a new package.json. */
const noTest = 'echo "Error: no test specified" && exit 1';
const script = 'pexen run';

/** The folder of the report that the configuration asks for. */
const ignored = 'out/';

interface Manifest {
  readonly private?: boolean;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Written {
  /** The content of the file; undefined if it does not exist. */
  readonly text: string | undefined;
  readonly manifest: Manifest;
}

const fresh: Written = { text: undefined, manifest: { private: true, type: 'module' } };

/** The options of `pexen init`. */
export interface InitOptions {
  readonly dir: string;
  /** Write a first test, too? */
  readonly withTest?: boolean;
  /** Write a suite in YAML instead of TypeScript? */
  readonly yaml?: boolean;
}

/**
 * Writes a configuration, and adds pexen to the dev dependencies, a script and an ignore entry, unless they exist.
 * @throws PexenError PEXEN_NO_FOLDER, PEXEN_BAD_MANIFEST.
 */
export async function init(
  { dir, withTest = false, yaml = false }: InitOptions,
  output: Output,
): Promise<ExitCode> {
  const root = resolve(workingDirectory(), dir);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) throw noFolder(root);
  const manifest = await addEntries(root, output);
  const existing = configNames.find((name) => existsSync(join(root, name)));
  const name = existing ?? usualName(manifest, yaml);
  if (existing === undefined) await writeFile(join(root, name), yaml ? suiteFile : config);
  await ignoreReports(root, output);
  if (withTest) await writeFirstTest(root, manifest, output);
  const did = existing === undefined ? `Wrote ${name}.` : `${name} already exists; left unchanged.`;
  if (manifest.type === 'commonjs' && !yaml) output.write(commonJs);
  output.write(`${did} Now: ${isInstalled(root) ? '' : 'npm install && '}npx pexen run\n`);
  return exitCodes.ok;
}

function usualName({ type }: Manifest, yaml: boolean): string {
  if (yaml) return 'pexen.yaml';
  return type === 'module' ? 'pexen.config.ts' : 'pexen.config.mts';
}

/** `npm init -y` writes such a package.json since npm 11. */
const commonJs =
  'package.json says "type": "commonjs": write "type": "module" there, or name modules of tests x.task.mts.\n';

/** Adds the dependency and the script `test` to package.json; returns what it said before. */
async function addEntries(root: string, output: Output): Promise<Manifest> {
  const file = join(root, 'package.json');
  const { text, manifest } = existsSync(file) ? await read(file) : fresh;
  const { scripts = {}, dependencies, devDependencies } = manifest;
  const needsPexen = devDependencies?.pexen === undefined && dependencies?.pexen === undefined;
  const needsScript = scripts.test === undefined || scripts.test === noTest;
  const added = [
    ...(needsPexen ? ['the dev dependency pexen'] : []),
    ...(needsScript ? [`the script test: ${script}`] : []),
  ];
  if (added.length > 0) {
    const changed = {
      ...manifest,
      ...(needsScript && { scripts: { ...scripts, test: script } }),
      ...(needsPexen && { devDependencies: { ...devDependencies, pexen: `^${ownVersion()}` } }),
    };
    const indent = /^[ \t]+(?=")/m.exec(text ?? '')?.[0] ?? '  ';
    await writeFile(file, `${JSON.stringify(changed, undefined, indent)}\n`);
    const did = text === undefined ? 'Wrote package.json with' : 'Added to package.json:';
    output.write(`${did} ${added.join(', and ')}.\n`);
  }
  if (
    !Object.values({ ...scripts, ...(needsScript && { test: script }) }).some((each) =>
      each.includes('pexen'),
    )
  )
    output.write(`package.json has a script test already; another one could be "test:pexen": "${script}".\n`);
  return manifest;
}

/** Reports do not belong into a repository. The folder of the last results has an ignore file of its own. */
async function ignoreReports(root: string, output: Output): Promise<void> {
  const file = join(root, '.gitignore');
  const text = existsSync(file) ? await readFile(file, 'utf8') : undefined;
  if (text === undefined && !isInRepository(root)) return;
  if (text?.split(/\r?\n/).some((line) => /^\/?out\/?$/.test(line.trim()))) return;
  const gap = text === undefined || text === '' || text.endsWith('\n') ? '' : '\n';
  await appendFile(file, `${gap}${ignored}\n`);
  output.write(`${text === undefined ? 'Wrote' : 'Added to'} .gitignore: ${ignored}\n`);
}

function isInRepository(folder: string): boolean {
  if (existsSync(join(folder, '.git'))) return true;
  const above = dirname(folder);
  return above !== folder && isInRepository(above);
}

async function writeFirstTest(root: string, { type }: Manifest, output: Output): Promise<void> {
  const name = `tests/first.task.${type === 'module' ? 'ts' : 'mts'}`;
  const file = join(root, name);
  if (existsSync(file)) {
    output.write(`${name} already exists; left unchanged.\n`);
    return;
  }
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, firstTest);
  output.write(`Wrote ${name}.\n`);
}

async function read(file: string): Promise<Written> {
  try {
    const text = await readFile(file, 'utf8');
    const manifest: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    if (kindOf(manifest) !== 'an object') throw new TypeError(`it is ${kindOf(manifest)}`);
    return { text, manifest: manifest as Manifest };
  } catch (cause) {
    const message = `it cannot be read: ${messageOf(cause)}`;
    const problem = {
      code: 'PEXEN_BAD_MANIFEST',
      location: { file },
      message,
      hint: 'Fix it first.',
    } as const;
    throw new PexenError([problem], { cause });
  }
}

/** Would an import of pexen be resolved? */
function isInstalled(root: string): boolean {
  try {
    return findPackageJSON('pexen', pathToFileURL(join(root, 'package.json'))) !== undefined;
  } catch {
    return false;
  }
}

function noFolder(root: string): PexenError {
  return new PexenError([
    { code: 'PEXEN_NO_FOLDER', message: `there is no folder ${root}`, hint: 'Make it first: mkdir -p' },
  ]);
}
