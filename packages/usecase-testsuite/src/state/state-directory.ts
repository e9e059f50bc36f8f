/** The folder `.pexen` at the root of a suite: what runs leave behind for later ones. Its own ignore file keeps it out of repositories. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLastResults } from './suite-history.ts';

/** Its name. */
export const stateDirectoryName = '.pexen';

/**
 * Creates the folder below the root, unless it is there, and returns its path.
 * @throws what the file system throws
 */
export function makeStateDirectory(root: string): string {
  const directory = join(root, stateDirectoryName);
  const ignore = join(directory, '.gitignore');
  if (existsSync(ignore)) return directory;
  mkdirSync(directory, { recursive: true });
  writeFileSync(ignore, '*\n');
  return directory;
}

/** The call paths of all tasks of which a result is known, in the order of the last run. */
export function knownPaths(root: string): string[] {
  return [...readLastResults(join(root, stateDirectoryName)).keys()];
}
