/**
 * Notes who is at which path at the same time, and says who should not be there together: one that claims a path excludes
 * everybody at that path, above and below it. Written without a look at how pexen decides it, so that it can witness.
 */
export type Mode = 'use' | 'claim';

interface Visit {
  readonly path: string;
  readonly mode: Mode;
}

export class Witness {
  #present: readonly Visit[] = [];

  /** Notes an arrival, and gives those it must not meet. */
  enter(path: string, mode: Mode): string[] {
    const clashes = this.#present.filter(
      (other) => (mode === 'claim' || other.mode === 'claim') && areRelated(path, other.path),
    );
    this.#present = [...this.#present, { path, mode }];
    return clashes.map((other) => `${other.mode} of ${other.path}`);
  }

  /** Notes a departure. */
  leave(path: string, mode: Mode): void {
    const at = this.#present.findIndex((other) => other.path === path && other.mode === mode);
    this.#present = this.#present.filter((_, index) => index !== at);
  }
}

function areRelated(a: string, b: string): boolean {
  return `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);
}
