/**
 * The subjects of a pool, and who may use which. Each is a path of tokens with letters, digits, `-` and `_`. Every subject of a node has the name of
 * the node at the same place, so that a server can allow each node its own only, and a scheduler can rely on it.
 */

/** A name that may be a token of a subject. */
export const tokenPattern: RegExp = /^[A-Za-z0-9_-]{1,64}$/;

/** What a client may do at a server: patterns of subjects. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export class Subjects {
  readonly #prefix: string;

  constructor(pool: string) {
    this.#prefix = `px1.${pool}`;
  }

  /** All nodes listen here: a scheduler asks who they are. */
  get ask(): string {
    return `${this.#prefix}.ask`;
  }

  /** All schedulers listen to these: each node says on its own who it is. */
  hello(name: string): string {
    return `${this.#prefix}.hello.${name}`;
  }

  /** From a scheduler to one start of an agent. */
  toNode(name: string, id: string): string {
    return `${this.#prefix}.to.${name}.${id}`;
  }

  /** From a node to one scheduler. */
  fromNode(name: string, host: string): string {
    return `${this.#prefix}.from.${name}.${host}`;
  }

  /** The server answers a scheduler here if there is no listener at the subject of a node. */
  unheard(name: string, host: string, id: string): string {
    return `${this.#prefix}.unheard.${name}.${host}.${id}`;
  }

  /** The name of the node in one of its subjects. */
  nameIn(subject: string): string {
    const start = subject.indexOf('.', this.#prefix.length + 1) + 1;
    const end = subject.indexOf('.', start);
    return end < 0 ? subject.slice(start) : subject.slice(start, end);
  }

  /** What the agent of this node needs, and no more: it hears and sends nothing of others. */
  permissionsOfNode(name: string): Permissions {
    return {
      publish: [this.hello(name), this.fromNode(name, '*')],
      subscribe: [this.ask, this.toNode(name, '*')],
    };
  }

  /** What a scheduler needs. */
  get permissionsOfScheduler(): Permissions {
    return {
      publish: [this.ask, this.toNode('*', '*')],
      subscribe: [this.hello('*'), this.fromNode('*', '*'), this.unheard('*', '*', '*')],
    };
  }
}
