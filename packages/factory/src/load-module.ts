/** Imports a module of the user's, and says what to do where Node cannot. Knows nothing of tasks. */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isPexenError, type Problem, type SourceLocation } from '@pexen/core';

/** The namespace, or the problems. */
export type Loaded =
  | { readonly namespace: Readonly<Record<string, unknown>>; readonly problems?: undefined }
  | { readonly namespace?: undefined; readonly problems: readonly Problem[] };

/** Loads the module at an absolute path. A PexenError that it throws brings its own problems. */
export async function loadModule(path: string): Promise<Loaded> {
  const { href } = pathToFileURL(path);
  try {
    return { namespace: (await import(/* @vite-ignore */ href)) as Readonly<Record<string, unknown>> };
  } catch (error) {
    if (isPexenError(error))
      return { problems: error.problems.map((each) => ({ location: { file: path }, ...each })) };
    const hint = hintFor(error, path);
    const message = `it cannot be loaded: ${describe(error)}${elsewhere(error, href)}`;
    const location = locationOfError(error, path, href);
    return {
      problems: [{ code: 'PEXEN_MODULE_FAILED', location, message, ...(hint !== undefined && { hint }) }],
    };
  }
}

const useLoader = "Or load it with tsx: npm i -D tsx, and NODE_OPTIONS='--import tsx'.";

/** What Node's loader answers to what type stripping and modules cannot do. */
const hints: Readonly<Record<string, string>> = {
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX: `Node only strips types: write it without enum, namespace and parameter properties. ${useLoader}`,
  ERR_INVALID_TYPESCRIPT_SYNTAX: `Node's type stripping does not understand it. ${useLoader}`,
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING:
    'Node strips no types below node_modules: use the JavaScript there.',
  ERR_UNKNOWN_FILE_EXTENSION: `Node knows .ts, .mts, .cts, .js, .mjs and .cjs. ${useLoader}`,
};

function hintFor(error: unknown, path: string): string | undefined {
  const { code, message, url } = fieldsOf(error);
  if (Object.hasOwn(hints, code)) return hints[code];
  if (code === 'ERR_MODULE_NOT_FOUND') return missingHint(message, url);
  if (/^(?:require|module|exports|__dirname|__filename) is not defined/.test(message)) {
    return 'It is an ES module: use import and export, or name it .cjs.';
  }
  if (!(error instanceof SyntaxError)) return undefined;
  if (message.includes('does not provide an export named'))
    return 'Is it spelled right? A type wants: import type { … }.';
  return /\.[cm]?ts$/.test(path)
    ? `Decorators, for one, need more than type stripping. ${useLoader}`
    : undefined;
}

function missingHint(message: string, url: string): string {
  const [, missing] = /Cannot find package '([^']+)'/.exec(message) ?? [];
  if (missing !== undefined) return `Install it: npm i -D ${missing}`;
  const stem = url.startsWith('file:') ? fileURLToPath(url) : '';
  const found = ['.ts', '.js', '.mts', '.mjs', '/index.ts', '/index.js'].find((end) =>
    existsSync(stem + end),
  );
  if (stem === '' || found === undefined)
    return 'Is the import spelled right, and with its extension (./x.ts)?';
  return `Write the import with its ending: ${stem.split('/').at(-1)}${found}`;
}

/** Where in the module it was: from the stack, or from the first line of a syntax error's. */
function locationOfError(error: unknown, path: string, href: string): SourceLocation {
  const { stack } = fieldsOf(error);
  for (const name of [href, path]) {
    const at = stack.indexOf(`${name}:`);
    const match = at < 0 ? null : /^(\d{1,9})(?::(\d{1,9}))?/.exec(stack.slice(at + name.length + 1));
    if (match === null) continue;
    const [, line, column] = match;
    return { file: path, line: Number(line), ...(column !== undefined && { column: Number(column) }) };
  }
  return { file: path };
}

/** A syntax error says in the first line of its stack where it is: often in a module that this one imports. */
function elsewhere(error: unknown, href: string): string {
  const [, file = href, line] = /^((?:file:|\/)[^\n]{1,4096}):(\d{1,9})\n/.exec(fieldsOf(error).stack) ?? [];
  if (file === href || file === fileURLToPath(href)) return '';
  return `, in ${file.startsWith('file:') ? fileURLToPath(file) : file}:${line}`;
}

function describe(error: unknown): string {
  const { name, message } = fieldsOf(error);
  const first = message.trim().split('\n', 1)[0] ?? '';
  return error instanceof Error ? `${name}: ${first}` : String(error);
}

/** The text fields of whatever was thrown. */
function fieldsOf(error: unknown): Record<'name' | 'message' | 'stack' | 'code' | 'url', string> {
  const from = (typeof error === 'object' && error !== null ? error : {}) as Readonly<
    Record<string, unknown>
  >;
  const field = (name: string): string => (typeof from[name] === 'string' ? from[name] : '');
  return {
    name: field('name'),
    message: field('message'),
    stack: field('stack'),
    code: field('code'),
    url: field('url'),
  };
}
