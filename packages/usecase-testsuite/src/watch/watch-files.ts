/**
 * Watches the files of a suite: each event of the system is a change, so that none is lost; how changes settle, and whether contents differ, is
 * decided elsewhere. Libraries for this were tried: those that also watch each file lose changes that follow one another within milliseconds, and
 * need a watch of the system for each file.
 */
import { type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { messageOf, PexenError } from '@pexen/core';

/** Folders whose files never belong to a suite. */
const leftOut: ReadonlySet<string> = new Set(['.git', '.hg', '.svn', '.pexen', 'node_modules']);

/** Files that editors write beside the edited one, such as `.#a.ts`, `a.ts~`, `.a.ts.swp` and `4913`. */
const ofEditors = /^\.#|~$|^\..*\.sw[a-z]$|^4913$/;

/** Files that are being watched. */
export interface WatchedFiles {
  /** Watches these files, too. */
  add(paths: readonly string[]): void;
  close(): void;
}

/** What happens to watched files. */
export interface FileListener {
  /** A file was written, added, removed or replaced; an absolute path. It may also be a folder, or be as before. */
  changed(path: string): void;
  /** Files can no longer be watched. */
  failed(error: PexenError): void;
}

/** How to watch. */
export interface WatchOptions {
  /** Does the system watch a folder with everything below it? Otherwise each folder is watched. Default: true on macOS. */
  readonly recursive?: boolean;
}

/**
 * Watches everything below a folder, apart from version control, packages, and what runs leave behind. From the return on no change is missed.
 * @throws PexenError PEXEN_CANNOT_WATCH
 */
export function watchFiles(
  root: string,
  listener: FileListener,
  { recursive = process.platform === 'darwin' }: WatchOptions = {},
): WatchedFiles {
  const folders = new Folders(root, listener);
  try {
    if (recursive) folders.watchAll();
    else folders.watchBelow(root, false);
    return folders;
  } catch (error) {
    folders.close();
    throw cannotWatch(error);
  }
}

class Folders implements WatchedFiles {
  readonly #root: string;
  readonly #listener: FileListener;
  /** By path. */
  readonly #folders = new Map<string, FSWatcher>();
  /** Folders elsewhere, in which only some files are watched. */
  readonly #others = new Map<string, { readonly watcher: FSWatcher; readonly names: Set<string> }>();
  #hasFailed = false;

  constructor(root: string, listener: FileListener) {
    this.#root = root;
    this.#listener = listener;
  }

  watchAll(): void {
    const watcher = this.#open(this.#root, true, (_, name) => this.#report(join(this.#root, name)));
    this.#folders.set(this.#root, watcher);
  }

  /** Watches a folder and those below it. `isNew`: its files may have been written before it was watched, so they count as changed. */
  watchBelow(folder: string, isNew: boolean): void {
    const watcher = this.#open(folder, false, (event, name) => this.#happened(event, join(folder, name)));
    this.#folders.set(folder, watcher);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (this.#isLeftOut(path)) continue;
      if (entry.isDirectory()) this.#tryBelow(path, isNew);
      else if (isNew) this.#report(path);
    }
  }

  add(paths: readonly string[]): void {
    for (const path of paths) {
      const folder = dirname(path);
      const names = this.#others.get(folder)?.names ?? this.#watchOther(folder);
      names?.add(basename(path));
    }
  }

  close(): void {
    for (const watcher of this.#folders.values()) watcher.close();
    for (const { watcher } of this.#others.values()) watcher.close();
    this.#folders.clear();
    this.#others.clear();
  }

  #open(folder: string, recursive: boolean, happened: (event: string, name: string) => void): FSWatcher {
    const watcher = watch(folder, { recursive }, (event, name) => happened(event, name ?? ''));
    watcher.on('error', (error) => this.#failed(error));
    return watcher;
  }

  #watchOther(folder: string): Set<string> | undefined {
    try {
      const names = new Set<string>();
      const watcher = this.#open(folder, false, (_, name) => {
        if (names.has(name)) this.#listener.changed(join(folder, name));
      });
      this.#others.set(folder, { watcher, names });
      return names;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #happened(event: string, path: string): void {
    if (this.#isLeftOut(path)) return;
    // A folder that was added, removed or replaced: the system watches what it was, wherever that is now.
    if (event === 'rename' && (this.#folders.has(path) || isFolder(path))) this.#watchAgain(path);
    this.#report(path);
  }

  #watchAgain(folder: string): void {
    for (const [path, watcher] of this.#folders)
      if (path === folder || path.startsWith(folder + sep)) {
        watcher.close();
        this.#folders.delete(path);
      }
    if (isFolder(folder)) this.#tryBelow(folder, true);
  }

  /** A folder may be gone by now, or may be closed to this user: then there is nothing to watch in it. */
  #tryBelow(folder: string, isNew: boolean): void {
    try {
      this.watchBelow(folder, isNew);
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(codeOf(error))) this.#failed(error);
    }
  }

  #report(path: string): void {
    if (!this.#isLeftOut(path)) this.#listener.changed(path);
  }

  #isLeftOut(path: string): boolean {
    return (
      ofEditors.test(basename(path)) ||
      relative(this.#root, path)
        .split(sep)
        .some((part) => leftOut.has(part))
    );
  }

  #failed(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#listener.failed(cannotWatch(error));
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}

/** The error for a system that does not watch so many files, or a folder that cannot be read. */
export function cannotWatch(error: unknown): PexenError {
  const hint = hints[codeOf(error)];
  const message =
    hint === undefined
      ? `files cannot be watched: ${messageOf(error)}`
      : `the system does not allow to watch so many files: ${messageOf(error)}`;
  const problem = { code: 'PEXEN_CANNOT_WATCH', message, ...(hint !== undefined && { hint }) } as const;
  return new PexenError([problem], { cause: error });
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'Raise the limit: sudo sysctl fs.inotify.max_user_watches=524288',
  EMFILE: 'Raise the limits: sudo sysctl fs.inotify.max_user_instances=512, ulimit -n 4096',
};
