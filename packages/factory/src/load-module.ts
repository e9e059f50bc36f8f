/** Imports a module of the user's. What goes wrong is a value, and so is a module that never ends to load or would end us. */
import { findSourceMap } from 'node:module';
import { pathToFileURL } from 'node:url';
import { importsForOthers, isPexenError, type Problem, useSourceMaps } from '@pexen/core';
import { importProblem, type ModuleRole } from './import-error.ts';

useSourceMaps(findSourceMap);
importsForOthers(import.meta.url);

/** The namespace, or the problems. */
export type Loaded =
  | { readonly namespace: Readonly<Record<string, unknown>>; readonly problems?: undefined }
  | { readonly namespace?: undefined; readonly problems: readonly Problem[] };

/** Loads the module at an absolute path, for what it is good for. A PexenError that it throws brings its own problems. */
export async function loadModule(path: string, role: ModuleRole = 'tasks'): Promise<Loaded> {
  try {
    const { href } = pathToFileURL(path);
    const namespace = await withinOurLife(() => import(/* @vite-ignore */ href));
    return { namespace: namespace as Readonly<Record<string, unknown>> };
  } catch (error) {
    return { problems: await moduleProblems(error, path, role) };
  }
}

/** What an error of a module at that path means, thrown while it loaded or by what it exports. */
export async function moduleProblems(
  error: unknown,
  path: string,
  role: ModuleRole,
): Promise<readonly Problem[]> {
  if (!isPexenError(error)) return [await importProblem(error, path, role)];
  return error.problems.map((each) => ({ location: { file: path }, ...each }));
}

/**
 * Modules are loaded one after the other. While one loads, `process.exit` throws: else a run of nothing would look well. So
 * would one that waits for what never comes: when Node has nothing left to do, it is given up.
 */
async function withinOurLife(load: () => Promise<unknown>): Promise<unknown> {
  const { exit } = process;
  process.exit = refuseExit;
  let giveUp = (): void => {};
  const stuck = new Promise<never>((_, reject) => {
    giveUp = () => reject(coded('a promise at its top level never settles', 'ERR_NEVER_LOADED'));
  });
  process.once('beforeExit', giveUp);
  try {
    return await Promise.race([load(), stuck]);
  } finally {
    process.removeListener('beforeExit', giveUp);
    if (process.exit === refuseExit) process.exit = exit;
  }
}

function refuseExit(code?: number | string | null): never {
  const error = coded(`it called process.exit(${code === undefined ? '' : code})`, 'ERR_EXIT_WHILE_LOADING');
  Error.captureStackTrace(error, refuseExit);
  throw error;
}

/** Without a stack: where we made it says nothing to anybody. */
function coded(message: string, code: string): Error {
  const error = Object.assign(new Error(message), { code });
  error.stack = '';
  return error;
}
