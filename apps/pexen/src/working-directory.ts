/** The directory in which the command was started. */
import { statSync } from 'node:fs';
import { PexenError } from '@pexen/core';

/** Returns its path. @throws PexenError PEXEN_START_FOLDER if it no longer exists, or its path is not valid text. */
export function workingDirectory(): string {
  let path: string;
  try {
    path = process.cwd();
  } catch {
    throw cannotStartIn('the folder in which pexen was started is gone', 'Change to another one: cd.');
  }
  const [here, named] = [statSync('.'), statSync(path, { throwIfNoEntry: false })];
  if (named?.ino === here.ino && named.dev === here.dev) return path;
  throw cannotStartIn(
    `the path of the folder in which pexen was started is not UTF-8: ${path}`,
    'Rename the folder.',
  );
}

function cannotStartIn(message: string, hint: string): PexenError {
  return new PexenError([{ code: 'PEXEN_START_FOLDER', message, hint }]);
}
