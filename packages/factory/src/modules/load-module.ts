/**
 * Imports a module of the user, and explains what went wrong: where, what, and what to do. A module that never finishes loading, or that would
 * end this process, is a problem like any other. Knows nothing of tasks.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findSourceMap } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  importsForOthers,
  isPexenError,
  type Problem,
  type ProblemCode,
  type SourceLocation,
  useSourceMaps,
} from '@pexen/core';

useSourceMaps(findSourceMap);
importsForOthers(import.meta.url);

/** The namespace, or problems. */
export type Loaded =
  | { readonly namespace: Readonly<Record<string, unknown>>; readonly problems?: undefined }
  | { readonly namespace?: undefined; readonly problems: readonly Problem[] };

/** Loads the module at an absolute path. If the module throws a PexenError, its problems are returned. */
export async function loadModule(path: string, role: ModuleRole = 'tasks'): Promise<Loaded> {
  try {
    const { href } = pathToFileURL(path);
    const namespace = await surviving(() => import(/* @vite-ignore */ href));
    return { namespace: namespace as Readonly<Record<string, unknown>> };
  } catch (error) {
    return { problems: await moduleProblems(error, path, role) };
  }
}

/** The problems for an error of the module at that path, thrown while it loaded or by its exports. */
export async function moduleProblems(
  error: unknown,
  path: string,
  role: ModuleRole,
): Promise<readonly Problem[]> {
  if (!isPexenError(error)) return [await importProblem(error, path, role)];
  return error.problems.map((each) => ({ location: { file: path }, ...each }));
}

/**
 * Loads modules one after the other. While one loads, `process.exit` throws: otherwise a run without tests would look successful. The
 * same applies to a module whose promise never settles: loading fails when Node has nothing left to do.
 */
async function surviving(load: () => Promise<unknown>): Promise<unknown> {
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

/** Has no stack, since the place where this code made the error does not help. */
function coded(message: string, code: string): Error {
  const error = Object.assign(new Error(message), { code });
  error.stack = '';
  return error;
}

/** Why a module is loaded: for its tasks, or for the configuration that it exports. */
export type ModuleRole = 'tasks' | 'configuration';

const codes: Readonly<Record<ModuleRole, ProblemCode>> = {
  tasks: 'PEXEN_MODULE_FAILED',
  configuration: 'PEXEN_CONFIG_FAILED',
};

/** The configuration determines how modules are loaded, but not how it is loaded itself. */
const useLoader: Readonly<Record<ModuleRole, string>> = {
  tasks: "Or load it with tsx: npm i -D tsx, and loader: 'tsx' in the configuration.",
  configuration: "Or load it with tsx: npm i -D tsx, and NODE_OPTIONS='--import tsx'.",
};

interface Hint {
  readonly text: string;
  /** Would a loader help? */
  readonly loader?: true;
}

const doWorkInBodies = 'At its top level a module makes tasks; put work into their bodies.';

/** Error codes of Node's loader, of type stripping and of this file, with hints. */
const hints: Readonly<Record<string, Hint>> = {
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX: {
    text: 'Node only strips types: write it without enum, namespace and parameter properties.',
    loader: true,
  },
  ERR_INVALID_TYPESCRIPT_SYNTAX: {
    text: "Check for a typo. Otherwise this is syntax that Node's type stripping does not support; rewrite it.",
    loader: true,
  },
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING: {
    text: 'Node strips no types below node_modules: use the JavaScript there.',
  },
  ERR_UNKNOWN_FILE_EXTENSION: { text: 'Node knows .ts, .mts, .cts, .js, .mjs and .cjs.', loader: true },
  ERR_EXIT_WHILE_LOADING: { text: doWorkInBodies },
  ERR_NEVER_LOADED: { text: doWorkInBodies },
};

/** The problem with the module at `path` that threw `error` while it was loaded. */
async function importProblem(error: unknown, path: string, role: ModuleRole): Promise<Problem> {
  const place = placeOf(error, path) ?? (isFromParser(error) ? await placeOfMistake(path) : undefined);
  const isElsewhere = place === undefined ? isFromParser(error) : place.file !== path;
  const hint =
    hintFor(error, path, role) ??
    (place === undefined && isElsewhere ? `To see where, run it: node ${path}` : undefined);
  return {
    code: codes[role],
    location: isElsewhere || place === undefined ? { file: path } : place,
    message: `it cannot be loaded: ${describe(error)}${isElsewhere ? elsewhere(place) : ''}`,
    ...(hint !== undefined && { hint }),
  };
}

function hintFor(error: unknown, path: string, role: ModuleRole): string | undefined {
  const { code, message, url } = fieldsOf(error);
  const known = Object.hasOwn(hints, code) ? hints[code] : undefined;
  if (known !== undefined) return known.loader ? `${known.text} ${useLoader[role]}` : known.text;
  if (code === 'ERR_MODULE_NOT_FOUND') return missingHint(message, url);
  if (/^(?:require|module|exports|__dirname|__filename) is not defined/.test(message)) {
    return 'It is an ES module: use import and export, or name it .cjs.';
  }
  if (!(error instanceof SyntaxError)) return undefined;
  if (isModuleSyntax.test(message)) return asModule(placeOf(error, path)?.file ?? path);
  if (message.includes('does not provide an export named')) {
    return 'Check the spelling. A type needs: import type { … }.';
  }
  return /\.[cm]?ts$/.test(path)
    ? `Decorators, for one, need more than type stripping. ${useLoader[role]}`
    : undefined;
}

/** Node's messages for the syntax of ES modules in a file that it treats as CommonJS. */
const isModuleSyntax =
  /^(?:Cannot use import statement outside a module|Cannot use 'import\.meta' outside a module|Unexpected token 'export'|await is only valid in async functions and the top level bodies of modules)/;

/** The name of the file makes it CommonJS, or else the nearest package.json does, such as one made by `npm init`. */
function asModule(file: string): string {
  const renamed = basename(file).replace(/\.c?([jt])s$/, '.m$1s');
  return /\.c[jt]s$/.test(file)
    ? `Its name makes it a CommonJS module: rename it to ${renamed}.`
    : `Its package.json makes it a CommonJS module: write "type": "module" there, or rename it to ${renamed}.`;
}

function missingHint(message: string, url: string): string {
  const [, missing] = /Cannot find package '([^']+)'/.exec(message) ?? [];
  if (missing !== undefined) return `Install it: npm i -D ${missing}`;
  const stem = url.startsWith('file:') ? fileURLToPath(url) : '';
  const ending = ['.ts', '.js', '.mts', '.mjs', '/index.ts', '/index.js'].find((end) =>
    existsSync(stem + end),
  );
  if (stem === '' || ending === undefined)
    return 'Check the spelling of the import and its extension (./x.ts).';
  return `Write the import with its extension: ${stem.split('/').at(-1)}${ending}`;
}

/** From the first line of the stack, where parsers put it; else the first place in the module; else the first place anywhere. */
export function placeOf(error: unknown, path: string): SourceLocation | undefined {
  const lines = fieldsOf(error).stack.slice(0, 20_000).split('\n');
  const first = /^((?:file:|\/).{1,4096}?):(\d{1,9})()$/.exec(lines[0] ?? '');
  const frames = lines.map((line) =>
    /^\s+at (?:.{0,200} \()?((?:file:|\/).{1,4096}?):(\d{1,9}):(\d{1,9})\)?$/.exec(line),
  );
  const places = [first, ...frames].filter((match) => match !== null).map(readPlace);
  return first === null ? (places.find(({ file }) => file === path) ?? places[0]) : places[0];
}

function readPlace([, file = '', line, column]: RegExpExecArray): SourceLocation {
  const path = file.startsWith('file:') ? fileURLToPath(file.replace(/\?.*$/, '')) : file;
  return { file: path, line: Number(line), ...(column !== '' && { column: Number(column) }) };
}

/** Node reports the place of a syntax error in an ES module only when the module is run directly. */
function isFromParser(error: unknown): boolean {
  return error instanceof SyntaxError && fieldsOf(error).stack.includes('compileSourceTextModule');
}

/** Parses a module as Node would, without running it. Stripping types does not move lines. */
const parse = `
  const { readFileSync } = require('node:fs');
  const { stripTypeScriptTypes } = require('node:module');
  const { SourceTextModule } = require('node:vm');
  const [path] = process.argv.slice(1);
  const text = readFileSync(path, 'utf8');
  new SourceTextModule(/ts$/.test(path) ? stripTypeScriptTypes(text) : text, { identifier: path });`;

/** Parses only this module, in a child process; undefined if the error is in another module. */
async function placeOfMistake(path: string): Promise<SourceLocation | undefined> {
  const argv = ['--no-warnings', '--experimental-vm-modules', '-e', parse, path];
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, argv, { timeout: 10_000 }, (_error, _stdout, stderr) => resolve(stderr));
  });
  if (!printed.startsWith(`${path}:`)) return undefined;
  const line = Number.parseInt(printed.slice(path.length + 1), 10);
  return line > 0 ? { file: path, line } : undefined;
}

function elsewhere(place: SourceLocation | undefined): string {
  return place === undefined ? ', in a module that it imports' : `, in ${place.file}:${place.line}`;
}

/** The error as one line. */
export function describe(error: unknown): string {
  const { name, message } = fieldsOf(error);
  const first = message.trim().split('\n', 1)[0] ?? '';
  return error instanceof Error ? `${name}: ${first}` : String(error);
}

/** The string properties of a thrown value. */
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
