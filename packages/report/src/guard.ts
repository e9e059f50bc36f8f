/** What reporters do by themselves, on a timer or when a window changes: nobody above them could catch what goes wrong there. */

/** Keeps the first error until somebody can be told. */
export class Guard {
  #failure: { readonly error: unknown } | undefined;

  /** Does it, unless something has gone wrong before. */
  attempt(action: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      action();
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** Throws what went wrong, if anything did. */
  tell(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
