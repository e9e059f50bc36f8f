/** Which running tasks are taking long, told once for every further span of what is long for them. */

interface Watched {
  readonly sinceMs: number;
  readonly slowAfterMs: number;
  told: number;
}

/** Tasks that run, and since when. Knows no clock: the present is asked with. */
export class SlowWatch {
  readonly #running = new Map<string, Watched>();

  started(path: string, sinceMs: number, slowAfterMs: number): void {
    if (slowAfterMs > 0) this.#running.set(path, { sinceMs, slowAfterMs, told: 0 });
  }

  ended(path: string): void {
    this.#running.delete(path);
  }

  /** The tasks that have become slow, or slow once more, since the last call, with the span that they passed. */
  due(nowMs: number): readonly { readonly path: string; readonly passedMs: number }[] {
    const due: { path: string; passedMs: number }[] = [];
    for (const [path, watched] of this.#running) {
      const passed = Math.floor((nowMs - watched.sinceMs) / watched.slowAfterMs);
      if (passed <= watched.told) continue;
      watched.told = passed;
      due.push({ path, passedMs: passed * watched.slowAfterMs });
    }
    return due;
  }
}
