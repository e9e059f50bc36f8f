/** One attempt on its way through a pool: what is to be run, and the way back. Makes signals and dictionaries on first use. */
import type {
  Address,
  Assignment,
  Finding,
  ProviderGone,
  ReceivedKey,
  SharedState,
  TaskDefinition,
  TaskUpdate,
  Ticket,
} from '@pexen/core';
import type { Part, StopCause, TaskId } from '../machine/protocol.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import type { Rules } from '../plan/rules.ts';
import type { HandOver } from './hand-over.ts';

/** What an attempt needs of the run. */
export interface AttemptHost {
  readonly plan: CompiledTasks;
  readonly handOver: Pick<HandOver, 'inherit' | 'receive'>;
  started(attempt: Attempt, worker: string): void;
  told(attempt: Attempt, news: TaskUpdate): void;
}

const none: readonly never[] = Object.freeze([]);

export class Attempt implements Assignment, Ticket {
  readonly id: TaskId;
  readonly attempt: number;
  readonly part: Part;
  readonly definition: TaskDefinition;
  /** What the body told by `report`. */
  findings: Finding[] | undefined = undefined;
  /** Whose workers were gone when it had failed. */
  providersGone: readonly ProviderGone[] = none;
  /** When it gave a sign of life last; undefined if it only started. */
  heardMs: number | undefined = undefined;
  /** What a pool says after the outcome is not listened to. */
  isOver = false;
  /** Called once the attempt must stop, after its signal was aborted. */
  onStop: (() => void) | undefined = undefined;
  readonly #host: AttemptHost;
  #shared: SharedState | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #abortReason: Error | undefined = undefined;

  constructor(host: AttemptHost, id: TaskId, attempt: number, part: Part) {
    this.#host = host;
    this.id = id;
    this.attempt = attempt;
    this.part = part;
    this.definition = host.plan.definition(id);
  }

  get task(): object {
    return this.#host.plan.runnableOf(this.id) as object;
  }

  get address(): Address | undefined {
    return this.#host.plan.addresses.get(this.id);
  }

  get path(): string {
    return this.#host.plan.pathOf(this.id);
  }

  get rules(): Rules {
    return this.#host.plan.rulesOf(this.id);
  }

  get graceMs(): number {
    return this.rules.graceMs;
  }

  get isDefaultGrace(): boolean {
    return this.rules.isDefaultGrace;
  }

  get timeoutMs(): number | undefined {
    return this.rules.timeoutMs;
  }

  get args(): unknown {
    return this.definition.args;
  }

  get shared(): SharedState {
    this.#shared ??= this.#host.handOver.inherit(this.id);
    return this.#shared;
  }

  /** The dictionary, if anybody asked for it. */
  get touchedShared(): SharedState | undefined {
    return this.#shared;
  }

  get received(): readonly ReceivedKey[] {
    return this.#host.handOver.receive(this.id);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /** It was asked to stop. */
  get isStopped(): boolean {
    return this.#abortReason !== undefined;
  }

  /** Asks the body to stop. The reason it sees is an error named TimeoutError or AbortError. */
  stop(why: StopCause, message: string): void {
    const reason = new Error(message);
    reason.name = why === 'timed-out' ? 'TimeoutError' : 'AbortError';
    this.#abortReason = reason;
    this.#abort?.abort(reason);
    this.onStop?.();
  }

  /** A cleanup adds to what is known of the attempt before it. */
  follow(body: Attempt | undefined): void {
    this.findings = body?.findings;
    this.providersGone = body?.providersGone ?? none;
  }

  found(finding: Finding): void {
    this.findings ??= [];
    this.findings.push(finding);
  }

  started(worker: string): void {
    if (!this.isOver) this.#host.started(this, worker);
  }

  report(news: TaskUpdate): void {
    if (!this.isOver) this.#host.told(this, news);
  }
}
