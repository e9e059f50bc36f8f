/** The key by which values of variables are sealed: made once, and kept beside what the project remembers of its runs. */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const bytes = 32;

/**
 * The key of the project in this directory, from `.pexen/salt`; made when it is asked for the first time. Only its owner can read it, and git leaves the
 * folder out. Where nothing can be written the key is good for one run: digests with sealed values then equal none of another run.
 */
export function saltOf(root: string): Uint8Array {
  const folder = join(root, '.pexen');
  const file = join(folder, 'salt');
  const own = randomBytes(bytes);
  try {
    return readSalt(file);
  } catch {
    try {
      mkdirSync(folder, { mode: 0o700, recursive: true });
      const ignore = join(folder, '.gitignore');
      if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
      return keep(own, file);
    } catch {
      return own;
    }
  }
}

/** Written whole or not at all, and never over the one that another run makes at the same moment. */
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

/** @throws where there is none, or it is not one of ours. */
function readSalt(file: string): Uint8Array {
  const salt = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
  if (salt.length < bytes) throw new Error(`${file} is no salt`);
  return salt;
}
