/**
 * What bin/pexen.js starts on a Node that is new enough. Records what is loaded from the first module of ours on, so that the digests of tasks know all
 * that they are made of.
 */
import { recordModules } from '@pexen/pool-kit/module-graph';

recordModules();

/** Rejects where the command cannot even be loaded. */
export const started: Promise<unknown> = import('./start.ts');
