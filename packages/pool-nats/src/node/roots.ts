/** Which modules a node loads: those in its folders. Links that lead out of them count as outside. */
import { realpathSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { misuse, type PexenError } from '@pexen/core';
import type { RemoteAttempt } from '@pexen/pool-process/remote';

export class Roots {
  readonly #roots: readonly string[];
  /** The files of the modules that were asked for, by their addresses. */
  readonly #files = new Map<string, string | undefined>();

  /** @throws what the system throws for a folder that does not exist */
  constructor(roots: readonly string[]) {
    this.#roots = roots.map((root) => realpathSync(root));
  }

  /** Another run begins: links may lead elsewhere by now. */
  forget(): void {
    this.#files.clear();
  }

  /** Why the attempt must not run here; undefined if it may. `also`: a further folder, for this attempt. */
  refusalOf({ work }: RemoteAttempt, also?: string): PexenError | undefined {
    const path = work.kind === 'body' ? work.envelope.path : work.path;
    const file = work.kind === 'body' ? this.#fileOf(work.envelope.address?.url) : undefined;
    const roots = also === undefined ? this.#roots : [...this.#roots, also];
    if (file === undefined || roots.some((root) => contains(root, file))) return undefined;
    return misuse(
      'PEXEN_NODE_ROOT',
      `${file} is outside of the folders of this node: ${this.#roots.join(', ')}`,
      'Start the agent in the folder of the suite, or name its folder: pexen node --root FOLDER.',
      path,
    );
  }

  #fileOf(url: string | undefined): string | undefined {
    if (url === undefined) return undefined;
    if (!this.#files.has(url)) this.#files.set(url, fileOf(url));
    return this.#files.get(url);
  }
}

/** The real path of a module; as it is if there is no such file, which is an error of its own later. */
function fileOf(url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  const file = fileURLToPath(url);
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function contains(root: string, file: string): boolean {
  const way = relative(root, file);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}
