/** The loader of a suite: it loads modules that Node cannot load by itself, in this process and in the workers. Knows no particular loader. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importsForOthers, PexenError } from '@pexen/core';

importsForOthers(import.meta.url);

/**
 * Loads the loader into this process, as `node --import` does, and returns its URL. The workers need the same loader, otherwise they
 * would find other bodies than the run has. `loader` is resolved from `root`: the name of a package, or a path that begins with `./`.
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
      ? 'Its path is relative to the directory of the configuration.'
      : `Check that it is installed there: npm i -D ${loader}`;
    throw new PexenError([{ code: 'PEXEN_NO_LOADER', message, hint }], { cause });
  }
}

/** The URL of the loader. @throws if it cannot be resolved. */
export function addressOfLoader(loader: string, root: string): string {
  return pathToFileURL(createRequire(join(root, 'pexen.config.js')).resolve(loader)).href;
}
