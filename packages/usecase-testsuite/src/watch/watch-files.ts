/** Watches the files of a suite. Knows no tasks: which tasks a change affects follows from contents. */
import { basename, relative, sep } from 'node:path';
import { messageOf, PexenError } from '@pexen/core';
import type { FSWatcher } from 'chokidar';

/** Folders whose files never belong to a suite. */
const leftOut: ReadonlySet<string> = new Set(['.git', '.hg', '.svn', '.pexen', 'node_modules']);

/** Files that editors write beside the edited one, such as `.#a.ts`, `a.ts~`, `.a.ts.swp` and `4913`. */
const ofEditors = /^\.#|~$|^\..*\.sw[a-z]$|^4913$/;

/** Files that are being watched. */
export interface WatchedFiles {
  /** Watches these files, too. */
  add(paths: readonly string[]): void;
  close(): Promise<void>;
}

/** What happens to watched files. */
export interface FileListener {
  /** An absolute path. */
  changed(path: string): void;
  /** Files can no longer be watched: a PexenError. */
  failed(error: PexenError): void;
}

/**
 * Watches everything below a folder, apart from version control, packages, and what runs leave behind. Resolves when no further change can be
 * missed.
 */
export async function watchFiles(root: string, listener: FileListener): Promise<WatchedFiles> {
  // Only watching needs it.
  const { watch } = await import('chokidar');
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path) => isLeftOut(relative(root, path)) || ofEditors.test(basename(path)),
  });
  listen(watcher, listener);
  await new Promise<void>((resolve) => {
    watcher.once('ready', resolve).once('error', () => resolve());
  });
  return {
    add: (paths) => {
      watcher.add([...paths]);
    },
    close: () => watcher.close(),
  };
}

function listen(watcher: FSWatcher, { changed, failed }: FileListener): void {
  for (const kind of ['add', 'change', 'unlink'] as const) watcher.on(kind, (path) => changed(path));
  let hasFailed = false;
  watcher.on('error', (error) => {
    if (hasFailed) return;
    hasFailed = true;
    failed(cannotWatch(error));
  });
}

function isLeftOut(path: string): boolean {
  const parts = path.split(sep);
  return parts[0] !== '..' && parts.some((part) => leftOut.has(part));
}

/** The error for a system that does not watch so many files, or a folder that cannot be read. */
export function cannotWatch(error: unknown): PexenError {
  const { code } = error as NodeJS.ErrnoException;
  const hint =
    code === 'ENOSPC'
      ? 'Raise the limit: sudo sysctl fs.inotify.max_user_watches=524288'
      : code === 'EMFILE' || code === 'ENFILE'
        ? 'Raise the limits: sudo sysctl fs.inotify.max_user_instances=512, ulimit -n 4096'
        : undefined;
  const message =
    hint === undefined
      ? `files cannot be watched: ${messageOf(error)}`
      : `the system does not allow to watch so many files: ${messageOf(error)}`;
  const problem = { code: 'PEXEN_CANNOT_WATCH', message, ...(hint !== undefined && { hint }) } as const;
  return new PexenError([problem], { cause: error });
}
