/** `pexen init`: a first suite in a fresh folder. Changes nothing that is there. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { configNames, type ExitCode, exitCodes } from '@pexen/usecase-testsuite';
import type { Output } from '../explain.ts';
import { ownVersion } from '../own-version.ts';

const config = `import { defineSuite, tree } from 'pexen';

export default defineSuite({
  // Every executable, and every task that a module exports, below this folder. The key is where they stand in call paths.
  from: { '': tree({ dir: '.' }) },
  reporters: ['terminal', ['junit', { file: 'out/junit.xml' }]],
});
`;

interface Manifest {
  readonly name?: string;
  readonly private?: boolean;
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Writes a configuration, and pexen among the dev dependencies, where there are none yet. */
export async function init(dir: string, output: Output): Promise<ExitCode> {
  const root = resolve(dir);
  const manifest = await addDependency(root, output);
  const existing = configNames.find((name) => existsSync(join(root, name)));
  if (existing !== undefined) {
    output.write(`${existing} is there already; left as it is.\n`);
    return exitCodes.ok;
  }
  const name = manifest.type === 'module' ? 'pexen.config.ts' : 'pexen.config.mts';
  await writeFile(join(root, name), config);
  output.write(`Wrote ${name}. Now: npx pexen run\n`);
  return exitCodes.ok;
}

async function addDependency(root: string, output: Output): Promise<Manifest> {
  const file = join(root, 'package.json');
  const before = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Manifest) : undefined;
  const manifest: Manifest = before ?? { name: basename(root).toLowerCase(), private: true, type: 'module' };
  if (manifest.devDependencies?.pexen !== undefined || manifest.dependencies?.pexen !== undefined)
    return manifest;
  const devDependencies = { ...manifest.devDependencies, pexen: `^${ownVersion()}` };
  await writeFile(file, `${JSON.stringify({ ...manifest, devDependencies }, undefined, 2)}\n`);
  output.write(
    `${before === undefined ? 'Wrote package.json with' : 'Added to package.json:'} the dev dependency pexen.\n`,
  );
  return manifest;
}
