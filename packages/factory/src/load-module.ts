/** Imports a module of the user's. What goes wrong is a value. */
import { pathToFileURL } from 'node:url';
import { isPexenError, type Problem } from '@pexen/core';
import { importProblem } from './import-error.ts';

/** The namespace, or the problems. */
export type Loaded =
  | { readonly namespace: Readonly<Record<string, unknown>>; readonly problems?: undefined }
  | { readonly namespace?: undefined; readonly problems: readonly Problem[] };

/** Loads the module at an absolute path. A PexenError that it throws brings its own problems. */
export async function loadModule(path: string): Promise<Loaded> {
  try {
    const { href } = pathToFileURL(path);
    return { namespace: (await import(/* @vite-ignore */ href)) as Readonly<Record<string, unknown>> };
  } catch (error) {
    if (!isPexenError(error)) return { problems: [await importProblem(error, path)] };
    return { problems: error.problems.map((each) => ({ location: { file: path }, ...each })) };
  }
}
