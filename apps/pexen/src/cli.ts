/**
 * Started by bin/pexen.js if Node is new enough. Records loaded modules from the first module of pexen on, so that the digests of tasks cover
 * everything that the tasks are made of.
 */
import { recordModules } from '@pexen/pool-kit/module-graph';
import { keepCompiledCode } from './compile-cache.ts';
import { startAhead } from './start-ahead.ts';

keepCompiledCode();
recordModules();
startAhead(process.argv.slice(2));

/** Rejects where the command cannot be loaded. */
export const started: Promise<unknown> = import('./start.ts');
