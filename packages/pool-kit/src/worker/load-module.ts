/** Imports a module of the user's, and says what to do where Node cannot. */
import { importsForOthers, isPexenError, markLoading, PexenError } from '@pexen/core';

importsForOthers(import.meta.url);

/**
 * The namespace of the module.
 * @throws PexenError PEXEN_CANNOT_LOAD with the error as its cause; PEXEN_RUN_WHILE_LOADING where the module starts a run.
 */
export async function loadModule(url: string): Promise<object> {
  const unmark = markLoading(url);
  try {
    return (await import(/* @vite-ignore */ url)) as object;
  } catch (error) {
    if (isPexenError(error)) throw error;
    const hint = hintFor(error, url);
    const message = `the worker cannot load the module: ${describe(error)}`;
    const problem = { code: 'PEXEN_CANNOT_LOAD', location: { file: url }, message } as const;
    throw new PexenError([hint === undefined ? problem : { ...problem, hint }], { cause: error });
  } finally {
    unmark();
  }
}

const useLoader = "Set loader: 'tsx' on the pool (npm i -D tsx).";

/** What type stripping cannot do, by the codes of the errors that Node answers with. */
const hints: Readonly<Record<string, string>> = {
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX: `Enums, namespaces and parameter properties need more than Node's type stripping. ${useLoader}`,
  ERR_INVALID_TYPESCRIPT_SYNTAX: `Node's type stripping does not understand this file. ${useLoader}`,
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING: `Node strips no types under node_modules. ${useLoader}`,
  ERR_MODULE_NOT_FOUND: `Node wants imports with their extension (./x.ts). Write it, or: ${useLoader}`,
  ERR_UNKNOWN_FILE_EXTENSION: useLoader,
};

function hintFor(error: unknown, url: string): string | undefined {
  const { code } = (typeof error === 'object' && error !== null ? error : {}) as { readonly code?: unknown };
  const isTypeScript = /\.[cm]?tsx?$/.test(new URL(url).pathname);
  if (!isTypeScript) return undefined;
  if (typeof code === 'string' && Object.hasOwn(hints, code)) return hints[code];
  return error instanceof SyntaxError
    ? `Decorators, for one, need more than type stripping. ${useLoader}`
    : undefined;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
