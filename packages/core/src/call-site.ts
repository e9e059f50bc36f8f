/**
 * Where in the user's source `task()` was called, and whether that was while the module loaded. Reads V8's structured call
 * sites rather than the text of a stack, which depends on flags, on source maps and on changes that other code makes to `Error`.
 */
import type { SourceLocation } from './source-location.ts';

/** A captured call. Its frames are read only when they are needed. */
export interface CallSite {
  /** What V8 captured. It is removed once it has been read, since it keeps the functions of all frames alive. */
  stack?: unknown;
  facts?: SiteFacts;
}

/** What is known of a call, read from its frames. */
interface SiteFacts {
  /** In the script that runs, before source maps are applied. */
  readonly position: SourceLocation | undefined;
  /** As the process itself would print it, where `Error.prepareStackTrace` is overridden. */
  readonly printed: SourceLocation | undefined;
  /** The URL of the module that was loading. */
  readonly module: string | undefined;
  readonly isByRunner: boolean;
}

/** The part of V8's call sites that is read here. */
interface V8Site {
  getFileName(): string | null | undefined;
  getFunctionName(): string | null;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  /** Where the function of the frame begins: 1:1 for the top-level code of a module, and never for a function in it. */
  getEnclosingLineNumber(): number | null;
  getEnclosingColumnNumber(): number | null;
}

interface Frame {
  /** '' where V8 has no name: for the code of a module and for anonymous functions. */
  readonly functionName: string;
  readonly url: string;
  readonly line: number;
  readonly column: number;
  readonly beginsWithScript: boolean;
}

/** Finds the original of a position, as `findSourceMap` of node:module does. */
export type FindSourceMap = (file: string) =>
  | {
      findOrigin(line: number, column: number): object;
    }
  | undefined;

/** Deep enough for recursive helpers; each further frame costs a third of a microsecond. */
const deepest = 200;
const noFacts: SiteFacts = {
  position: undefined,
  printed: undefined,
  module: undefined,
  isByRunner: false,
};
let findSourceMap: FindSourceMap = () => undefined;

/** Captures the frames above `below`, regardless of the process's stack trace limit. Costs microseconds; reading costs more. */
export function captureCallSite(below: (...args: never[]) => unknown): CallSite {
  const site: CallSite = {};
  const limit = Error.stackTraceLimit;
  // Reflect, because an assignment throws where Error is frozen. The process's own limit applies then.
  Reflect.set(Error, 'stackTraceLimit', deepest);
  Error.captureStackTrace?.(site, below);
  Reflect.set(Error, 'stackTraceLimit', limit);
  return site;
}

/** Sets how locations are mapped to original sources. Called by packages that may import Node modules; this one may not. */
export function useSourceMaps(find: FindSourceMap): void {
  findSourceMap = find;
}

/** The location of the call in the original source; `undefined` where the runtime captured no stack. */
export function locationOf(site: CallSite | undefined): SourceLocation | undefined {
  const { position, printed } = factsOf(site);
  if (printed !== undefined) return printed;
  if (position?.line === undefined || position.column === undefined) return position;
  const origin: Partial<Record<string, unknown>> =
    findSourceMap(position.file)?.findOrigin(position.line, position.column) ?? {};
  const { fileName, lineNumber, columnNumber } = origin;
  if (typeof fileName !== 'string' || typeof lineNumber !== 'number' || typeof columnNumber !== 'number')
    return position;
  return { file: fileName, line: lineNumber, column: columnNumber };
}

/** The position of the call in the script that runs: the same in every process that loads it. */
export function scriptPositionOf(site: CallSite | undefined): SourceLocation | undefined {
  return factsOf(site).position;
}

/**
 * The module of the call if the call was made while that module loaded, directly or through functions it called. A worker
 * that loads the module then makes the same task again.
 */
export function loadingModuleOf(site: CallSite | undefined): string | undefined {
  return factsOf(site).module;
}

/** True where a module runner rather than Node loaded the module of the call, and therefore changed its text. */
export function isLoadedByRunner(site: CallSite | undefined): boolean {
  return factsOf(site).isByRunner;
}

function factsOf(site: CallSite | undefined): SiteFacts {
  if (site === undefined) return noFacts;
  if (site.facts === undefined) {
    site.facts = readFacts(site);
    delete site.stack;
  }
  return site.facts;
}

function readFacts(site: CallSite): SiteFacts {
  const v8Sites = v8SitesOf(site);
  const frames = v8Sites.map(frameOf).filter(({ url }) => !url.startsWith(taskQueues));
  const [first] = frames;
  if (first === undefined) return noFacts;
  const { url, line, column } = first;
  const loader = frames.find(isLoader);
  const isByRunner = loader !== undefined && isRunner(loader);
  const isLoading = frames.some((frame, index) => frame.url === url && isTopLevel(frame, frames[index + 1]));
  return {
    position: { file: url, line, column },
    printed: printedPositionOf(v8Sites[0]),
    module: isLoading && isUserModule(url) ? toUrl(url) : undefined,
    isByRunner,
  };
}

/**
 * The code of a module is the nameless function that begins where its file begins. A function within it begins later, even
 * an anonymous one that continues after an `await` and no longer has a caller. A loader that wraps modules moves that beginning,
 * but calls the wrapper itself.
 */
function isTopLevel({ functionName, beginsWithScript }: Frame, caller: Frame | undefined): boolean {
  return functionName === '' && (beginsWithScript || (caller !== undefined && isLoader(caller)));
}

/** Node's own loader, or vite's module runner, which often runs tests. */
function isLoader(frame: Frame): boolean {
  return frame.url.startsWith('node:internal/modules/') || isRunner(frame);
}

function isRunner({ functionName }: Frame): boolean {
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

/** Also encodes `?` and `#`, which encodeURI leaves as they are although they end the path of a URL. */
function encodePath(path: string): string {
  return encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23');
}

/** Frames between a resumed function and the functions that await it; they do not show who called it. */
const taskQueues = 'node:internal/process/task_queues';

/** V8 computes the value of `stack` when it is first read, with the `prepareStackTrace` that is set at that moment. */
function v8SitesOf(site: CallSite): readonly V8Site[] {
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const value = (_error: unknown, sites: readonly V8Site[]): readonly V8Site[] => sites;
  const isOurs = Reflect.defineProperty(Error, 'prepareStackTrace', {
    value,
    configurable: true,
    writable: true,
  });
  try {
    const { stack } = site;
    return isOurs && Array.isArray(stack) ? stack : [];
  } finally {
    if (own !== undefined) Reflect.defineProperty(Error, 'prepareStackTrace', own);
    else Reflect.deleteProperty(Error, 'prepareStackTrace');
  }
}

/** Test tools, and other compilers that run as libraries, map positions to the source by overriding how frames are printed. */
function printedPositionOf(site: V8Site | undefined): SourceLocation | undefined {
  const print: unknown = Reflect.get(Error, 'prepareStackTrace');
  if (site === undefined || typeof print !== 'function') return undefined;
  try {
    const text = String(Reflect.apply(print, Error, [new Error('where'), [site]]));
    const [, file, line, column] =
      /^\s+at (?:.* \()?((?:file:|\/|[A-Za-z]:[\\/]).*?):(\d+):(\d+)\)?$/m.exec(text) ?? [];
    return file === undefined ? undefined : { file, line: Number(line), column: Number(column) };
  } catch {
    return undefined;
  }
}

function frameOf(site: V8Site): Frame {
  return {
    functionName: site.getFunctionName() ?? '',
    url: site.getFileName() ?? '',
    line: site.getLineNumber() ?? 0,
    column: site.getColumnNumber() ?? 0,
    beginsWithScript: site.getEnclosingLineNumber() === 1 && site.getEnclosingColumnNumber() === 1,
  };
}
