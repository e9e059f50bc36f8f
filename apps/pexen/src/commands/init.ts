/** `pexen init`: a first suite in a folder. Changes no existing files, except for one entry of package.json. */
import { existsSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { kindOf, messageOf, PexenError } from '@pexen/core';
import { configNames, type ExitCode, exitCodes } from '@pexen/usecase-testsuite';
import { ownVersion } from '../own-version.ts';
import type { Output } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';

const config = `import { defineSuite, tree } from 'pexen';

export default defineSuite({
  // All that looks like a test below this folder: *.task.ts, and executables such as tests/ping.sh. The key begins their call paths.
  from: { '': tree({ dir: '.' }) },
  reporters: ['terminal', ['junit', { file: 'out/junit.xml' }]],
});
`;

interface Manifest {
  readonly private?: boolean;
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

/**
 * Writes a configuration, and adds pexen to the dev dependencies, unless they exist.
 * @throws PexenError PEXEN_NO_FOLDER, PEXEN_BAD_MANIFEST.
 */
export async function init(dir: string, output: Output): Promise<ExitCode> {
  const root = resolve(workingDirectory(), dir);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) throw noFolder(root);
  const manifest = await addDependency(root, output);
  const existing = configNames.find((name) => existsSync(join(root, name)));
  const name = existing ?? (manifest.type === 'module' ? 'pexen.config.ts' : 'pexen.config.mts');
  if (existing === undefined) await writeFile(join(root, name), config);
  const did = existing === undefined ? `Wrote ${name}.` : `${name} already exists; left unchanged.`;
  if (manifest.type === 'commonjs') output.write(commonJs);
  output.write(`${did} Now: ${isInstalled(root) ? '' : 'npm install && '}npx pexen run\n`);
  return exitCodes.ok;
}

/** `npm init -y` writes such a package.json since npm 11. */
const commonJs =
  'package.json says "type": "commonjs": write "type": "module" there, or name modules of tests x.task.mts.\n';

async function addDependency(root: string, output: Output): Promise<Manifest> {
  const file = join(root, 'package.json');
  const { text, manifest } = existsSync(file) ? await read(file) : fresh;
  if (manifest.devDependencies?.pexen !== undefined || manifest.dependencies?.pexen !== undefined)
    return manifest;
  const devDependencies = { ...manifest.devDependencies, pexen: `^${ownVersion()}` };
  const indent = /^[ \t]+(?=")/m.exec(text ?? '')?.[0] ?? '  ';
  await writeFile(file, `${JSON.stringify({ ...manifest, devDependencies }, undefined, indent)}\n`);
  output.write(
    `${text === undefined ? 'Wrote package.json with' : 'Added to package.json:'} the dev dependency pexen.\n`,
  );
  return manifest;
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
