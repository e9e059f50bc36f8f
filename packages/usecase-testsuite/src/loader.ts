/** The loader of a suite: what loads modules that Node alone cannot, here and in the workers. Knows no particular one. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importsForOthers, PexenError } from '@pexen/core';

importsForOthers(import.meta.url);

/**
 * Loads the loader into this process, as `node --import` does, and says where it is: the workers need the same one, or they
 * would find other bodies than the run has. Found from `root`: a package's name, or a path that begins with `./`.
 * @throws PexenError PEXEN_NO_LOADER.
 */
export async function startLoader(loader: string, root: string): Promise<string> {
  try {
    const href = addressOfLoader(loader, root);
    await import(/* @vite-ignore */ href);
    return href;
  } catch (cause) {
    const message = `the loader "${loader}" cannot be loaded: ${cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)}`;
    const hint = loader.startsWith('.')
      ? 'Its path starts from the directory of the configuration.'
      : `Is it installed there? npm i -D ${loader}`;
    throw new PexenError([{ code: 'PEXEN_NO_LOADER', message, hint }], { cause });
  }
}

/** Where the loader is. @throws where there is none. */
export function addressOfLoader(loader: string, root: string): string {
  return pathToFileURL(createRequire(join(root, 'pexen.config.js')).resolve(loader)).href;
}
