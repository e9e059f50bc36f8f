/** One attempt on its way through a pool: what is to be run, and the way back. Makes signals and dictionaries on first use. */
import type {
  Address,
  Assignment,
  Finding,
  News,
  ReceivedKey,
  SharedState,
  TaskDefinition,
  Ticket,
} from '@pexen/core';
import type { Part, TaskId } from '../machine/protocol.ts';
import type { Rules } from '../plan/rules.ts';

/** What an attempt needs of the run. */
export interface AttemptHost {
  /** The dictionary the task begins with; a new one each time. */
  inherit(task: TaskId): SharedState;
  receive(task: TaskId): readonly ReceivedKey[];
  started(attempt: Attempt, worker: string): void;
  told(attempt: Attempt, news: News): void;
}

/** What identifies an attempt. */
export interface AttemptFacts {
  readonly id: TaskId;
  readonly task: object;
  readonly definition: TaskDefinition;
  readonly address: Address | undefined;
  readonly path: string;
  readonly attempt: number;
  readonly part: Part;
  readonly rules: Rules;
}

export class Attempt implements Assignment, Ticket {
  readonly id: TaskId;
  readonly task: object;
  readonly definition: TaskDefinition;
  readonly address: Address | undefined;
  readonly path: string;
  readonly attempt: number;
  readonly part: Part;
  readonly rules: Rules;
  /** What the body told by `report`. */
  readonly findings: Finding[] = [];
  /** When it gave a sign of life last; undefined if it only started. */
  heardMs: number | undefined;
  /** Pools may take back what they said only until the outcome. */
  isOver = false;
  readonly #host: AttemptHost;
  #shared: SharedState | undefined;
  #abort: AbortController | undefined;
  #abortReason: Error | undefined;

  constructor(facts: AttemptFacts, host: AttemptHost) {
    this.id = facts.id;
    this.task = facts.task;
    this.definition = facts.definition;
    this.address = facts.address;
    this.path = facts.path;
    this.attempt = facts.attempt;
    this.part = facts.part;
    this.rules = facts.rules;
    this.#host = host;
  }

  get graceMs(): number {
    return this.rules.graceMs;
  }

  get timeoutMs(): number | undefined {
    return this.rules.timeoutMs;
  }

  get args(): unknown {
    return this.definition.args;
  }

  get shared(): SharedState {
    this.#shared ??= this.#host.inherit(this.id);
    return this.#shared;
  }

  /** The dictionary, if anybody asked for it. */
  get touchedShared(): SharedState | undefined {
    return this.#shared;
  }

  get received(): readonly ReceivedKey[] {
    return this.#host.receive(this.id);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /** Asks the body to stop. */
  stop(reason: Error): void {
    this.#abortReason = reason;
    this.#abort?.abort(reason);
  }

  started(worker: string): void {
    if (!this.isOver) this.#host.started(this, worker);
  }

  tell(news: News): void {
    if (!this.isOver) this.#host.told(this, news);
  }
}
