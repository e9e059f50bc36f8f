/** The host's end of one thread: what is sent over its port, what is heard, and when it has really ended. Knows no other thread and no Piscina. */
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

/** Who keeps the threads alive. */
export interface ThreadOwner {
  /** Ends this thread by force. */
  end(thread: ThreadConnection): void;
  /** Nothing is pending in the thread any more: it may be ended together with others. */
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
  /** The pool wants it to end. */
  #isEnding = false;
  /** Why it ends, as far as is known. */
  #how: string | undefined;
  /** What must both be seen before it has ended: its port closed, and Piscina released it. */
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

  /** What `work` in the thread is given, and what of it is moved there. */
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

  /** Everything that has not started comes back: the fence knows no single attempts. */
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

  /** Lets what its last body left behind surface, for a moment. */
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

  /** It still tells when it has ended after all, and keeps no process alive for that. */
  abandon(): void {
    this.#readRing();
    this.#fence.takeBack(); // It starts nothing more.
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
   * What it ran when it was ended: where V8 breaks off a module that is being loaded, those that import it go on for a moment, find that it gives
   * nothing, and fail. That is no outcome of theirs.
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
