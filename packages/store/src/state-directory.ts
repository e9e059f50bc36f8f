/** The folder for everything that runs leave behind, `.pexen` at the root of a project. Its own ignore file keeps it out of repositories. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Creates the folder, unless it is there. Only its owner can read it. @throws what the file system throws. */
export function prepareStateDirectory(directory: string): void {
  mkdirSync(directory, { mode: 0o700, recursive: true });
  const ignore = join(directory, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
}
