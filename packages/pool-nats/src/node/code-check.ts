/**
 * Is the code on this node that of the scheduler? Compares files by content. What was found holds for a moment, since tasks with the same code
 * come one after the other, and each file is read again only when its state has changed.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, type Digest, fileStamp } from '@pexen/core';
import type { SentCode } from '../protocol/messages.ts';

/** A comparison holds for so long, ms. */
const holdsMs = 1_000;

/** Digests have so many digits. */
const digits = 32;

interface Found {
  readonly atMs: number;
  readonly differing: readonly string[];
}

export class CodeCheck {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #found = new Map<Digest, Found>();
  readonly #files = new Map<string, { readonly stamp: string; readonly digest: Digest }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Another run begins. */
  forget(): void {
    this.#found.clear();
  }

  /**
   * The names of the files that are missing here, or are not as the scheduler has them. `bundle`: the folder with the files that the run has brought along;
   * files outside of its root are not among them, and are those of the node.
   */
  differing({ digest, files, root }: SentCode, bundle?: string): readonly string[] {
    const nowMs = this.#clock.now();
    const known = this.#found.get(digest);
    if (known !== undefined && nowMs - known.atMs < holdsMs) return known.differing;
    const differing = files
      .filter(([name]) => bundle === undefined || !name.startsWith('../'))
      .filter(([name, wanted]) => this.#digestOf(join(bundle ?? root, name)) !== wanted)
      .map(([name]) => name);
    this.#found.set(digest, { atMs: nowMs, differing });
    return differing;
  }

  /** Undefined for a file that cannot be read. */
  #digestOf(path: string): Digest | undefined {
    try {
      const stamp = fileStamp(statSync(path, { bigint: true }));
      const known = this.#files.get(path);
      if (known?.stamp === stamp) return known.digest;
      const digest = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, digits);
      this.#files.set(path, { stamp, digest });
      return digest;
    } catch {
      return undefined;
    }
  }
}
