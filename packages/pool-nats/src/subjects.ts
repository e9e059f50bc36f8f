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
  readonly #pool: string;
  readonly #prefix: string;

  constructor(pool: string) {
    this.#pool = pool;
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

  /** To a run that shares locks. */
  locksTo(run: string): string {
    return `${this.#prefix}.locks.to.${run}`;
  }

  /** What is kept of the locks that runs share: each key of theirs is a subject below this one, and so is each message with a value. */
  get locksKept(): string {
    return `${this.#prefix}.locks.kept`;
  }

  /** Answers of the server to a run that shares locks arrive below this one. */
  get locksInbox(): string {
    return `${this.#prefix}.locks.inbox`;
  }

  /** The stream in which the server keeps these. */
  get locksStream(): string {
    return `PEXEN_LOCKS_${this.#pool}`;
  }

  /** Which scheduler has each run: the id of the run is the last token. */
  get runsKept(): string {
    return `${this.#prefix}.runs.kept`;
  }

  /** Answers of the server to a scheduler arrive below this one. */
  get runsInbox(): string {
    return `${this.#prefix}.runs.inbox`;
  }

  /** The stream in which the server keeps these. */
  get runsStream(): string {
    return `PEXEN_RUNS_${this.#pool}`;
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
      publish: [this.ask, this.toNode('*', '*'), ...this.#publishedForLocks, ...this.#publishedForRuns],
      subscribe: [
        ...[this.hello('*'), this.fromNode('*', '*'), this.unheard('*', '*', '*')],
        ...[this.locksTo('*'), `${this.locksInbox}.>`, `${this.runsInbox}.>`],
      ],
    };
  }

  get #publishedForLocks(): string[] {
    const orders = ['STREAM.INFO', 'STREAM.CREATE', 'STREAM.MSG.GET', 'STREAM.MSG.DELETE'];
    return [this.locksTo('*'), `${this.locksKept}.>`, ...ordersFor(this.locksStream, orders)];
  }

  get #publishedForRuns(): string[] {
    const orders = ['STREAM.INFO', 'STREAM.CREATE', 'STREAM.MSG.GET'];
    return [`${this.runsKept}.>`, ...ordersFor(this.runsStream, orders)];
  }
}

/** Of JetStream, for this stream only. */
function ordersFor(stream: string, orders: readonly string[]): string[] {
  return orders.map((order) => `$JS.API.${order}.${stream}`);
}
