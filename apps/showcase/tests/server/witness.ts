/**
 * Records concurrent visitors of paths and reports conflicts: a visitor that claims a path excludes
 * all others at that path, above and below it. Written independently of pexen's implementation, so that it can check it.
 */
export type Mode = 'use' | 'claim';

interface Visit {
  readonly path: string;
  readonly mode: Mode;
}

export class Witness {
  #present: readonly Visit[] = [];

  /** Records an arrival, and returns the conflicting visitors. */
  enter(path: string, mode: Mode): string[] {
    const clashes = this.#present.filter(
      (other) => (mode === 'claim' || other.mode === 'claim') && areRelated(path, other.path),
    );
    this.#present = [...this.#present, { path, mode }];
    return clashes.map((other) => `${other.mode} of ${other.path}`);
  }

  /** Records a departure. */
  leave(path: string, mode: Mode): void {
    const at = this.#present.findIndex((other) => other.path === path && other.mode === mode);
    this.#present = this.#present.filter((_, index) => index !== at);
  }
}

function areRelated(a: string, b: string): boolean {
  return `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);
}
