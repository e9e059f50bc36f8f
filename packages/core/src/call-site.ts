/** Where in the user's source `task()` was called, and whether that was while the module loaded. */
import type { SourceLocation } from './errors.ts';

/** A stack trace taken at the call; it is read only when somebody asks. */
export type CallSite = { readonly stack?: string | undefined };

/** Stands between a resumed function and those who await it; says nothing of who called. */
const taskQueues = 'node:internal/process/task_queues';

interface Frame {
  /** '' where V8 names none: the top level of an ES module, and anonymous functions. */
  readonly functionName: string;
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

/** Takes the stack above `below`. Costs about a microsecond; reading it later costs more. */
export function captureCallSite(below: (...args: never[]) => unknown): CallSite {
  const site: { stack?: string } = {};
  Error.captureStackTrace?.(site, below);
  return site;
}

/** The location of the call, `undefined` where the runtime gave no stack. */
export function locationOf(site: CallSite | undefined): SourceLocation | undefined {
  const frame = framesOf(site)[0];
  return frame === undefined ? undefined : { file: frame.url, line: frame.line, column: frame.column };
}

/**
 * The module of the call if it was made while that module loaded, directly or through functions it called: then a worker
 * that loads the module makes the same task again.
 */
export function loadingModuleOf(site: CallSite | undefined): string | undefined {
  const frames = framesOf(site);
  const url = frames[0]?.url;
  if (url === undefined || !isUserModule(url)) return undefined;
  const loads = frames.some((frame, index) => frame.url === url && isTopLevel(frame, frames[index + 1]));
  return loads ? toUrl(url) : undefined;
}

/** ES modules: no function name, called by a loader or (after a top-level await) by nobody. CommonJS: V8's own name. */
function isTopLevel(frame: Frame, caller: Frame | undefined): boolean {
  if (frame.functionName === 'Object.<anonymous>') return caller?.functionName.startsWith('Module.') ?? false;
  return frame.functionName === '' && (caller === undefined || isLoader(caller));
}

/** Node's own loader, or the module runner of vite that tests are often run by. */
function isLoader({ url, functionName }: Frame): boolean {
  return url.startsWith('node:internal/modules/') || isRunner(functionName);
}

/** True where a module runner rather than Node loaded the module of the call, and so changed its text. */
export function isLoadedByRunner(site: CallSite | undefined): boolean {
  return framesOf(site).some(({ functionName }) => isRunner(functionName));
}

function isRunner(functionName: string): boolean {
  return functionName.endsWith('runInlinedModule');
}

function isUserModule(url: string): boolean {
  return url.startsWith('file:') || url.startsWith('/') || /^[A-Za-z]:[\\/]/.test(url);
}

function toUrl(urlOrPath: string): string {
  if (urlOrPath.startsWith('file:')) return urlOrPath;
  const path = urlOrPath.replaceAll('\\', '/');
  return new URL(`file://${path.startsWith('/') ? '' : '/'}${encodePath(path)}`).href;
}

/** What encodeURI leaves alone although it ends the path of a URL. */
function encodePath(path: string): string {
  return encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23');
}

function framesOf(site: CallSite | undefined): readonly Frame[] {
  const lines = site?.stack?.split('\n') ?? [];
  return lines
    .map(parseFrame)
    .filter((frame) => frame !== undefined && !frame.url.startsWith(taskQueues)) as Frame[];
}

/** `    at name (url:line:column)` or `    at url:line:column`, with `async ` before either. */
function parseFrame(line: string): Frame | undefined {
  const match = /^\s+at (?:async )?(?:(.*?) \()?(.+?):(\d+):(\d+)\)?$/.exec(line);
  if (match === null) return undefined;
  const [, functionName = '', url = '', lineNumber, column] = match;
  return { functionName, url, line: Number(lineNumber), column: Number(column) };
}
