/**
 * The folder in which runs leave behind what later ones need: `.pexen` at the root of a suite, or the `stateDir` of its configuration. Its own ignore
 * file keeps it out of repositories.
 */
import { resolve } from 'node:path';
import { readLastResults } from './suite-history.ts';

/** The absolute path of the folder of a suite with this root. `stateDir` is relative to the root. */
export function stateDirectoryOf(root: string, stateDir = '.pexen'): string {
  return resolve(root, stateDir);
}

/** The call paths of all tasks of which a result is known, in the order of the last run. Of a suite with a `stateDir`: none. */
export function knownPaths(root: string): string[] {
  return [...readLastResults(stateDirectoryOf(root)).keys()];
}
