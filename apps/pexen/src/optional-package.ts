/** Packages that a part of the command needs, and that need not be installed: each is loaded when it is needed. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { misuse } from '@pexen/core';
import { workingDirectory } from './working-directory.ts';

/**
 * The module of the package beside the suite, otherwise of the one beside this command. `part` is what needs it: `pexen node`.
 * @throws PexenError PEXEN_NOT_INSTALLED
 */
export async function optionalModule<Module>(
  packageName: string,
  entry: string,
  part: string,
): Promise<Module> {
  for (const from of [join(workingDirectory(), 'package.json'), import.meta.filename]) {
    try {
      const file = createRequire(from).resolve(`${packageName}/${entry}`);
      return (await import(pathToFileURL(file).href)) as Module;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw misuse(
    'PEXEN_NOT_INSTALLED',
    `${part} needs the package ${packageName}, which is not installed`,
    `Install it: npm install --save-dev ${packageName}`,
  );
}
