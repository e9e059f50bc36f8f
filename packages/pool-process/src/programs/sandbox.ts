/**
 * The private directories of the programs of one slot: their HOME and TMPDIR, and the workspace of a program that wants one. They are clean
 * for every attempt: an untouched home is reused.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, renameSync, type Stats } from 'node:fs';
import { chmod, cp, lchown, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Program } from '../serialized-work.ts';
import type { User } from './other-user.ts';

/** The sandbox of one slot; used for one attempt at a time. */
export class Sandbox {
  /** HOME and TMPDIR: empty, and readable only for this user. */
  readonly home: string;
  readonly #folder: string;
  readonly #workspace: string;
  #madeAt: Stats;
  #count = 0;
  /** Why the files of an attempt could not be moved away. */
  #spoilt: unknown;
  readonly #removals = new Set<Promise<void>>();

  /** The folder must not exist. */
  constructor(folder: string) {
    mkdirSync(folder, 0o700);
    this.#folder = folder;
    this.home = join(folder, 'home');
    this.#workspace = join(folder, 'work');
    this.#madeAt = this.#makeHome();
  }

  /** The program as it runs in its workspace, which is made now; the same program if it wants none. Rejects if its directory cannot be copied. */
  async settle(program: Program): Promise<Program> {
    const { workspace, cwd, file, argv } = program;
    if (workspace === undefined) return program;
    if (workspace === 'private') mkdirSync(this.#workspace, 0o700);
    else await copyTree(cwd, this.#workspace);
    const own = { ...program, cwd: this.#workspace };
    if (workspace === 'private') return own;
    const copied = (path: string): string =>
      path.startsWith(`${cwd}/`) ? join(this.#workspace, path.slice(cwd.length)) : path;
    return { ...own, file: copied(file), argv: argv.map(copied) };
  }

  /** Lets another user write in its directories. Only root can. */
  async giveTo(user: User): Promise<void> {
    chmodSync(this.#folder, searchable);
    chownSync(this.home, user.uid, user.gid);
    await giveTree(this.#workspace, user);
  }

  /** Moves the workspace to a path. Throws where that is on another file system. */
  keepWorkspace(path: string): void {
    renameSync(this.#workspace, path);
  }

  /**
   * Cleans it for the next attempt. Throws where the system has no room for a new directory: then it cannot be used any more,
   * and its remains are removed with the folder of the pool.
   */
  clean(): void {
    if (this.#spoilt !== undefined) throw this.#spoilt;
    if (lstatSync(this.#workspace, { throwIfNoEntry: false }) !== undefined) this.#throwAway(this.#workspace);
    const home = lstatSync(this.home, { throwIfNoEntry: false });
    const isUntouched = home?.ino === this.#madeAt.ino && home.ctimeMs === this.#madeAt.ctimeMs;
    if (isUntouched && this.#spoilt === undefined) return;
    if (!isUntouched) this.#throwAway(this.home);
    if (this.#spoilt !== undefined) throw this.#spoilt;
    this.#madeAt = this.#makeHome();
  }

  /** Removes it. */
  async remove(): Promise<void> {
    await Promise.all(this.#removals);
    await removeTree(this.#folder);
  }

  /** Removing a large tree takes long: it is renamed at once, and removed in the background. */
  #throwAway(path: string): void {
    const aside = join(this.#folder, `trash-${this.#count++}`);
    try {
      renameSync(path, aside);
    } catch (error) {
      // A mounted or immutable directory stays where it is, and no further program may find it there.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#spoilt ??= error;
      return;
    }
    const removal = removeTree(aside).then(() => void this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  #makeHome(): Stats {
    mkdirSync(this.home, { mode: 0o700, recursive: true });
    return lstatSync(this.home);
  }
}

/** Others may reach what is in the folder, and not list it. */
export const searchable = 0o711;

async function giveTree(path: string, user: User): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  await lchown(path, user.uid, user.gid);
  if (found.isDirectory()) for (const name of await readdir(path)) await giveTree(join(path, name), user);
}

/** Copies what programs read and write; pipes, sockets and devices are left out. Links stay as they are. */
async function copyTree(from: string, to: string): Promise<void> {
  const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
  const filter = async (path: string): Promise<boolean> => {
    const found = await lstat(path);
    return found.isFile() || found.isDirectory() || found.isSymbolicLink();
  };
  await cp(from, to, { ...options, filter });
}

/** Removes a file or a tree, also one whose directories were made unwritable. Resolves with the error if something is left. */
export async function removeTree(path: string): Promise<unknown> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await unlock(path).catch(() => {});
    return await rm(path, { recursive: true, force: true }).then(
      () => undefined,
      (error: unknown) => error,
    );
  }
  return undefined;
}

async function unlock(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) return;
  await chmod(path, 0o700);
  for (const name of await readdir(path)) await unlock(join(path, name));
}
