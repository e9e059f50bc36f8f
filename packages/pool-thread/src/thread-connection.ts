/** The host's end of one thread: sends and receives over its port, and finds out when it has really ended. Knows no other thread and no Piscina. */
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import {
  type AssignmentEnvelope,
  type Connection,
  type ConnectionEvents,
  encodeAssignment,
  encodeThrown,
  type SentAttempt,
} from '@pexen/pool-kit';
import { threadRules } from './move.ts';
import { type FromThread, pack, type Startup, type ToThread, written } from './protocol.ts';
import { Doorbell, ResultRing, StartFence } from './shared-memory.ts';

/** Keeps the threads alive. */
export interface ThreadOwner {
  /** Ends this thread by force. */
  end(thread: ThreadConnection): void;
  /** The thread has no pending work any more: it may be ended together with others. */
  left(thread: ThreadConnection): void;
  /** The thread has ended. */
  gone(thread: ThreadConnection): void;
}

export class ThreadConnection implements Connection {
  readonly name: string;
  readonly prefetches = true;
  readonly stepNames = { kill: 'ended with its thread' };
  readonly #events: ConnectionEvents;
  readonly #owner: ThreadOwner;
  readonly #terminate: AbortController = new AbortController();
  readonly #port: MessagePort;
  readonly #remotePort: MessagePort;
  readonly #fence = new StartFence();
  readonly #doorbell = new Doorbell();
  readonly #ring = new ResultRing();
  #sentUpTo = -1;
  #isReady = false;
  #isGone = false;
  /** The pool is ending it. */
  #isEnding = false;
  /** Why it ends, as far as is known. */
  #how: string | undefined;
  /** It has ended when both have happened: its port was closed, and Piscina released it. */
  readonly #leftToSee: Set<'port' | 'task'> = new Set(['port', 'task']);

  constructor(name: string, events: ConnectionEvents, owner: ThreadOwner) {
    this.name = name;
    this.#events = events;
    this.#owner = owner;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#remotePort = port2;
    port1.on('message', (message: FromThread) => this.#hear(message));
    port1.on('messageerror', (error) => this.#events.violated(`sent what cannot be read: ${error}`));
    port1.on('close', () => this.#see('port'));
  }

  /** The argument of `work` in the thread, and which of its parts are moved there. */
  startup(inheritsOutput: boolean): { readonly startup: Startup; readonly moved: Transferable[] } {
    const port = this.#remotePort;
    const shared = { fence: this.#fence.memory, doorbell: this.#doorbell.memory, ring: this.#ring.memory };
    const recordsModules = this.#events.wantsModules;
    return { startup: { port, ...shared, inheritsOutput, recordsModules }, moved: [port] };
  }

  /** Aborted when the thread is to be terminated. */
  get termination(): AbortSignal {
    return this.#terminate.signal;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  send(attempts: readonly SentAttempt[]): void {
    const [first] = attempts;
    if (first === undefined) return;
    const moved: object[] = [];
    const rules = threadRules(moved);
    const envelopes = attempts.map(({ assignment }) => encodeAssignment(assignment, 'threads', rules));
    this.#postRun(first.number, envelopes, moved);
    this.#sentUpTo = first.number + attempts.length - 1;
  }

  #postRun(first: number, envelopes: readonly AssignmentEnvelope[], moved: readonly object[]): void {
    const packed = pack(envelopes);
    const { epoch } = this.#fence;
    this.#post(
      { type: 'run', epoch, first, attempts: packed ?? envelopes, isPacked: packed !== undefined },
      moved,
    );
  }

  abort(number: number, reason: unknown): void {
    this.#post({ type: 'abort', number, reason: encodeThrown(reason) });
  }

  /** Reclaims all attempts that have not started: the fence cannot reclaim single ones. */
  reclaim(): readonly number[] {
    this.#fence.takeBack();
    const numbers: number[] = [];
    for (let number = this.startedUpTo() + 1; number <= this.#sentUpTo; number++) numbers.push(number);
    return numbers;
  }

  startedUpTo(): number {
    return this.#fence.startedUpTo;
  }

  hasReadSignal(number: number): boolean {
    return this.#fence.hasReadSignal(number);
  }

  /** Gives pending timers and requests of the last body a moment to end. */
  leave(): void {
    this.#post({ type: 'leave' });
  }

  kill(cause: string): void {
    this.#isEnding = true;
    this.#how ??= `was ended: it ${cause}`;
    this.#owner.end(this);
  }

  /** Has Piscina terminate it. */
  terminateNow(): void {
    this.#terminate.abort();
  }

  /** The end of the thread is still reported if it comes, but does not keep the process alive. */
  abandon(): void {
    this.#readRing();
    this.#fence.takeBack(); // It starts no further attempt.
    this.#leftToSee.delete('task');
    this.#port.unref();
  }

  /** Piscina has released it, for this reason. */
  released(reason: string): void {
    this.#how ??= `ended: ${reason}`;
    if (!this.#isReady) this.#port.close();
    this.#see('task');
  }

  #hear(message: FromThread): void {
    if (message === written) {
      this.#readRing();
      return;
    }
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        this.#events.ready();
        return;
      case 'service-ready':
        this.#events.serviceReady(message.number, message.facts);
        return;
      case 'updates':
        this.#events.updated(message.number, message.updates);
        this.#post({ type: 'credit', number: message.number });
        return;
      case 'ended':
        if (!this.#isBrokenOff(message)) this.#events.ended(message.number, message.outcome);
        return;
      case 'late':
        this.#events.lateError(message.error);
        return;
      case 'spoiled':
        this.#events.spoiled();
        return;
      case 'left':
        this.#how ??= 'left';
        this.#owner.left(this);
        return;
      default:
        message satisfies never;
    }
  }

  /**
   * True for the attempt that ran when the thread was ended: where V8 interrupts a module that is being loaded, its importers continue for a moment and
   * fail, since it exports nothing. That is not their outcome.
   */
  #isBrokenOff({ number, outcome }: Extract<FromThread, { readonly type: 'ended' }>): boolean {
    return this.#isEnding && outcome.kind === 'threw' && number === this.startedUpTo();
  }

  #readRing(): void {
    this.#ring.readAll((number, value) => this.#events.ended(number, { kind: 'returned', value }));
  }

  #see(what: 'port' | 'task'): void {
    this.#leftToSee.delete(what);
    if (this.#leftToSee.size > 0 || this.#isGone) return;
    this.#isGone = true;
    this.#port.removeAllListeners();
    this.#port.close();
    this.#readRing();
    this.#owner.gone(this);
    this.#events.gone(this.#how ?? 'ended');
  }

  #post(message: ToThread, moved: readonly object[] = []): void {
    this.#port.postMessage(message, moved as readonly Transferable[]);
    this.#doorbell.ring();
  }
}
