/**
 * The private directories of programs that a run keeps. The pool keeps all of them, since only the run knows which tasks passed: those of
 * tasks that passed are removed here.
 */
import { mkdtempSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskUpdate } from '@pexen/core';

export class KeptDirectories {
  readonly folder: string;
  readonly #ofTask = new Map<string, string[]>();
  readonly #removals: Promise<void>[] = [];

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'pexen-kept-'));
  }

  /** The pool attaches each directory to its task. */
  reported(path: string, update: TaskUpdate): void {
    const file = update.kind === 'attachment' ? update.attachment.file : undefined;
    if (!file?.startsWith(`${this.folder}/`)) return;
    this.#ofTask.set(path, [...(this.#ofTask.get(path) ?? []), file]);
  }

  /** Removes the directories of a task unless it failed. */
  ended(path: string, hasFailed: boolean): void {
    const directories = this.#ofTask.get(path) ?? [];
    this.#ofTask.delete(path);
    if (hasFailed) return;
    for (const directory of directories)
      this.#removals.push(rm(directory, { recursive: true, force: true }).catch(() => {}));
  }

  /** Removes the folder if nothing is in it. */
  async close(): Promise<void> {
    await Promise.all(this.#removals);
    try {
      rmdirSync(this.folder);
    } catch {
      // Something was kept.
    }
  }
}
