/**
 * References to functions of the runtime, taken before a body runs: bodies replace globals, above all by fake timers, and the code that reports
 * their outcomes must not be affected. All worker code that runs beside bodies uses these.
 */
import { performance } from 'node:perf_hooks';
import process from 'node:process';

const scope = globalThis;

/** `performance.now`, ms. */
export const now: () => number = performance.now.bind(performance);
export const later: typeof setImmediate = scope.setImmediate;
export const soon: typeof queueMicrotask = scope.queueMicrotask;
export const nextTick: typeof process.nextTick = process.nextTick.bind(process);
export const toJson: typeof JSON.stringify = JSON.stringify;
export const fromJson: typeof JSON.parse = JSON.parse;
export const OwnAbortController: typeof AbortController = scope.AbortController;
export const currentFolder: typeof process.cwd = process.cwd.bind(process);
export const changeFolder: typeof process.chdir = process.chdir.bind(process);
export const endProcess: typeof process.exit = process.exit.bind(process);
export const sendSignal: typeof process.kill = process.kill.bind(process);
export const activeResources: typeof process.getActiveResourcesInfo =
  process.getActiveResourcesInfo.bind(process);
