/** The key with which values of variables are sealed. It is created once, and stored with the project's other data about runs. */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareStateDirectory } from '../state-directory.ts';

const bytes = 32;

/**
 * The key of a project, from the file `salt` in its folder for the data of runs, such as `.pexen`; created on first use. Only its owner can read it, and git ignores the
 * folder. Where it cannot be written, the key is valid for one run: digests with sealed values then never equal those of another run.
 */
export function saltOf(folder: string): Uint8Array {
  const file = join(folder, 'salt');
  const own = randomBytes(bytes);
  try {
    return readSalt(file);
  } catch {
    try {
      prepareStateDirectory(folder);
      return keep(own, file);
    } catch {
      return own;
    }
  }
}

/** Writes the file atomically, and never overwrites one that another run creates at the same time. */
function keep(salt: Uint8Array, file: string): Uint8Array {
  const draft = `${file}-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(draft, Buffer.from(salt).toString('hex'), { mode: 0o600, flag: 'wx' });
    linkSync(draft, file);
    return salt;
  } catch {
    return readSalt(file);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** @throws where the file does not exist or is not valid. */
function readSalt(file: string): Uint8Array {
  const salt = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
  if (salt.length < bytes) throw new Error(`${file} is not a valid salt`);
  return salt;
}
