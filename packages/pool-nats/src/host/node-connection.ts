/**
 * One slot of the pool: its use of one slot of a node, once there is one. Turns what the engine wants into orders, and reports of the node into events of
 * the engine. Does not choose nodes.
 */
import { type Assignment, type Digest, isPexenError, type SharedState } from '@pexen/core';
import {
  type Connection,
  type ConnectionEvents,
  encodeOutcome,
  encodeThrown,
  refusedByTransport,
  type SentAttempt,
  type Step,
} from '@pexen/pool-kit';
import {
  hearReport,
  OutputReceiver,
  remoteAttemptOf,
  remoteSteps,
  withInherited,
} from '@pexen/pool-process/remote';
import type { Settings } from '../options.ts';
import type { NodeOrder, NodeReport } from '../protocol/messages.ts';
import { withModulesHere } from './modules-here.ts';

/** A slot of a node, as it is lent to a connection. */
export interface NodeSlot {
  /** The session with the node. */
  readonly session: string;
  /** The name of the worker for people. */
  readonly name: string;
  /** The name of its node. */
  readonly node: string;
  /** The number of this use among all that the session has seen. */
  readonly link: number;
  /** The number of the slot on the node. */
  readonly slot: number;
  /** @throws what the transport throws for a value that it cannot carry */
  send(order: NodeOrder): void;
  /** Sends the files of its code, unless the node knows them. Returns the digest, where that is known and is to be compared. */
  sendCode(assignment: Assignment): Digest | undefined;
}

/** An attempt of an earlier session. */
export interface AdoptedAttempt {
  /** Its number on the node. */
  readonly kept: number;
  /** The number under which the node reports it. */
  readonly id: number;
}

/** What becomes of a connection that needs a slot of a node. */
export interface SlotLender {
  /** Names files for outputs that nodes send. */
  readonly outputFile: Settings['outputFile'];
  /** The attempt goes to this place, under this number. */
  sent(assignment: Assignment, place: NodeSlot, id: number): void;
  /** It needs no slot any more. */
  withdraw(connection: NodeConnection): void;
}

export class NodeConnection implements Connection {
  readonly startsAway: boolean;
  readonly prefetches = true;
  readonly mayFallSilent = true;
  readonly runsBoth = true;
  readonly stepNames = { kill: 'ended with its worker on the node' };
  readonly #events: ConnectionEvents;
  readonly #lender: SlotLender;
  readonly #outputs: OutputReceiver;
  #place: NodeSlot | undefined;
  /** What the engine knows: the worker is out of reach. */
  #isAway: boolean;
  /** The dictionary of a service that is a program, which is not sent. */
  #inherited: SharedState | undefined;
  /** Why it is being ended. */
  #cause: string | undefined;
  #isOver = false;
  /** The attempt of an earlier session that it goes on with, which is the only one of this connection. */
  readonly #adopted: AdoptedAttempt | undefined;

  /** `startsAway`: there is no slot for it yet. */
  constructor(events: ConnectionEvents, lender: SlotLender, startsAway: boolean, adopted?: AdoptedAttempt) {
    this.#events = events;
    this.#lender = lender;
    this.#outputs = new OutputReceiver(lender.outputFile);
    this.#adopted = adopted;
    this.startsAway = startsAway;
    this.#isAway = startsAway;
  }

  get name(): string {
    return this.#place?.name ?? 'a node to come';
  }

  get node(): string | undefined {
    return this.#place?.node;
  }

  get link(): number | undefined {
    return this.#place?.link;
  }

  /** It has got this slot. */
  bind(place: NodeSlot): void {
    if (this.#isOver) return;
    this.#place = place;
    if (this.#adopted === undefined)
      place.send({
        do: 'open',
        link: place.link,
        slot: place.slot,
        recordsModules: this.#events.wantsModules,
        sendsOutput: this.#outputs.isWanted,
      });
    this.#setAway(false);
    this.#events.ready();
  }

  // What the engine wants.

  send(attempts: readonly SentAttempt[]): void {
    for (const attempt of attempts) this.#sendOne(attempt);
  }

  /** An attempt that cannot be sent ends here: those before it have been sent. */
  #sendOne(attempt: SentAttempt): void {
    const { number, assignment } = attempt;
    this.#outputs.expect(number, assignment);
    if (this.#place !== undefined) this.#lender.sent(assignment, this.#place, this.#idOf(number));
    if (this.#adopted !== undefined) {
      const { kept } = this.#adopted;
      this.#order((link) => ({ do: 'adopt', link, kept }));
      return;
    }
    const isProgram = assignment.address?.kind === 'executable';
    this.#inherited = assignment.service && isProgram ? assignment.shared : undefined;
    const remote = remoteAttemptOf(attempt);
    if ('refusal' in remote) {
      queueMicrotask(() => this.#events.ended(number, { kind: 'threw', error: remote.refusal }));
      return;
    }
    try {
      const code = this.#place?.sendCode(assignment);
      this.#order((link) => ({ do: 'run', link, attempt: remote, ...(code !== undefined && { code }) }));
    } catch (error) {
      const refused = isPexenError(error)
        ? ({ kind: 'threw', error } as const)
        : refusedByTransport(assignment.path, error);
      const outcome = encodeOutcome(refused, assignment.path);
      queueMicrotask(() => this.#events.ended(number, outcome));
    }
  }

  abort(number: number, reason: unknown): void {
    const id = this.#idOf(number);
    this.#order((link) => ({ do: 'abort', link, id, reason: encodeThrown(reason) }));
  }

  #idOf(number: number): number {
    return this.#adopted?.id ?? number;
  }

  /** Everything that has not started comes back, also what was not asked for. */
  reclaim(): undefined {
    this.#order((link) => ({ do: 'reclaim', link }));
  }

  escalation(attempt: SentAttempt): readonly Step[] {
    return remoteSteps(attempt);
  }

  kill(cause: string): void {
    this.#release('kill', `was ended: it ${cause}`);
  }

  leave(): void {
    this.#release('drain', 'was no longer needed');
  }

  /** The slot of the node stays occupied until it is known that nothing runs there. */
  abandon(): void {}

  #release(how: 'drain' | 'kill', cause: string): void {
    this.#cause ??= cause;
    if (this.#place !== undefined) this.#order((link) => ({ do: 'release', link, how }));
    else {
      this.#lender.withdraw(this);
      queueMicrotask(() => this.gone(cause));
    }
  }

  #order(make: (link: number) => NodeOrder): void {
    if (this.#place !== undefined && !this.#isOver) this.#place.send(make(this.#place.link));
  }

  // What the node reports.

  hear(report: Extract<NodeReport, { is: 'reported' | 'returned' }>): void {
    if (this.#isOver) return;
    if (report.is === 'returned') {
      this.#outputs.end(report.id);
      this.#events.returned(report.id);
      return;
    }
    // An adopted attempt is the first one of this connection, whatever its number on the node.
    const isAdopted = this.#adopted !== undefined && 'id' in report.report;
    const reported = withModulesHere(isAdopted ? { ...report.report, id: 0 } : report.report);
    if (reported.is === 'service-ready') {
      this.#events.serviceReady(reported.id, withInherited(reported.facts, this.#inherited));
      return;
    }
    const credit = (number: number): void =>
      this.#order((link) => ({ do: 'credit', link, id: this.#idOf(number) }));
    // For users, the slot of the node is the worker: a process of it that ended is replaced there.
    hearReport(reported, this.#events, () => this.name, credit, this.#outputs);
  }

  /** The node is out of reach, or back. */
  setAway(isAway: boolean): void {
    if (!this.#isOver) this.#setAway(isAway);
  }

  #setAway(isAway: boolean): void {
    if (isAway === this.#isAway) return;
    this.#isAway = isAway;
    if (isAway) this.#events.disconnected();
    else this.#events.reconnected('same');
  }

  /** The node takes nothing more for this run. */
  spoil(): void {
    if (!this.#isOver) this.#events.spoiled();
  }

  /** Nothing of it runs on the node any more, as was wanted. */
  released(): void {
    this.gone(this.#cause ?? 'was released');
  }

  /** The session with the node is over: nothing of it runs any more, and what became of its attempts is not known. */
  lose(reason: string): void {
    if (this.#isOver) return;
    if (this.#cause !== undefined) this.gone(this.#cause);
    else {
      this.#isOver = true;
      this.#outputs.close();
      this.#events.lost(reason, Promise.resolve());
    }
  }

  gone(how: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outputs.close();
    this.#events.gone(how);
  }
}
