/** The subjects of a pool. Each is a path of tokens with letters, digits, `-` and `_`. */

/** A name that may be a token of a subject. */
export const tokenPattern: RegExp = /^[A-Za-z0-9_-]{1,64}$/;

export class Subjects {
  readonly #prefix: string;

  constructor(pool: string) {
    this.#prefix = `px1.${pool}`;
  }

  /** All nodes listen here: a scheduler asks who they are. */
  get nodes(): string {
    return `${this.#prefix}.nodes`;
  }

  /** All schedulers listen here: a node says who it is. */
  get hosts(): string {
    return `${this.#prefix}.hosts`;
  }

  /** For one node. */
  node(id: string): string {
    return `${this.#prefix}.node.${id}`;
  }

  /** For one scheduler. */
  host(id: string): string {
    return `${this.#prefix}.host.${id}`;
  }

  /** The server answers here if there is no listener at the subject of a node. `*` stands for all nodes. */
  unheard(host: string, node: string): string {
    return `${this.host(host)}.unheard.${node}`;
  }
}
