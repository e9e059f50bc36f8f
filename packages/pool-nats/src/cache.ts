/** Where this package keeps files that can be had again. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder for one kind of them. */
export function cacheFolder(kind: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pexen', kind);
}
