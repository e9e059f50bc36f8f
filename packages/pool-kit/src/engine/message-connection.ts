/** A connection that exchanges messages with its worker over any transport: a socket, a pipe, the channel of a child process. */

import { encodeAssignment, encodeOutcome, refusedByTransport } from '../envelope.ts';
import { encodeThrown } from '../error-codec.ts';
import type { ChannelRules } from '../serializability.ts';
import type { Connection, ConnectionEvents, SentAttempt } from './connector.ts';
import { isFromWorker, type ToWorker } from './messages.ts';

/** How messages reach the worker, and how it is ended. */
export interface MessageTransport {
  /** The name of the worker for people. */
  readonly name: string;
  /** The name of the pool, for errors about values that cannot be sent. */
  readonly pool: string;
  /** Sends a message. Called only once the worker has said that it is ready. Throws for a value that the transport cannot carry. */
  readonly send: (message: ToWorker) => void;
  /** Ends the worker by force; `events.gone` is to follow. `cause` says why. */
  readonly kill: (cause: string) => void;
  /** The worker is reached over a network: see `Connection`. */
  readonly mayFallSilent?: boolean;
  /** What the transport carries besides plain data. */
  readonly channelRules?: ChannelRules;
}

/**
 * The host's end of a worker that runs a `WorkerSession`. Hand what it sends to `hear`, and report `events.gone` when it has ended.
 *
 * @example
 * const connection = new MessageConnection({ name, pool, send, kill }, events);
 * new MessageStream(socket, (message) => connection.hear(message));
 */
export class MessageConnection implements Connection {
  readonly name: string;
  readonly prefetches = true;
  readonly mayFallSilent: boolean;
  readonly #transport: MessageTransport;
  readonly #events: ConnectionEvents;
  #isReady = false;

  constructor(transport: MessageTransport, events: ConnectionEvents) {
    this.name = transport.name;
    this.mayFallSilent = transport.mayFallSilent === true;
    this.#transport = transport;
    this.#events = events;
  }

  send(attempts: readonly SentAttempt[]): void {
    for (const attempt of attempts) this.#sendOne(attempt);
  }

  /** An attempt that the transport cannot carry ends here: those before it have been sent. */
  #sendOne({ number, assignment }: SentAttempt): void {
    const { pool, channelRules: rules } = this.#transport;
    const { path } = assignment;
    const { wantsModules } = this.#events;
    try {
      const envelope = encodeAssignment(assignment, pool, rules);
      this.#transport.send({ do: 'run', number, envelope, ...(wantsModules && { recordsModules: true }) });
    } catch (error) {
      this.#events.ended(number, encodeOutcome(refusedByTransport(path, error), path, rules));
    }
  }

  abort(number: number, reason: unknown): void {
    this.#transport.send({ do: 'abort', number, reason: encodeThrown(reason, this.#transport.channelRules) });
  }

  reclaim(numbers: readonly number[]): undefined {
    this.#transport.send({ do: 'reclaim', numbers });
  }

  /** A worker that is not ready may never read the message: it is ended by force. */
  leave(): void {
    if (this.#isReady) this.#transport.send({ do: 'leave' });
    else this.kill('was no longer needed');
  }

  kill(cause: string): void {
    this.#transport.kill(cause);
  }

  /** A message of the worker has come. */
  hear(message: unknown): void {
    if (!isFromWorker(message)) {
      this.#events.violated('sent an invalid message');
      return;
    }
    switch (message.is) {
      case 'ready':
        this.#isReady = true;
        this.#events.ready();
        break;
      case 'started':
        this.#events.started(message.number);
        break;
      case 'service-ready':
        this.#events.serviceReady(message.number, message.facts);
        break;
      case 'updates':
        this.#events.updated(message.number, message.updates);
        this.#transport.send({ do: 'credit', number: message.number, batches: 1 });
        break;
      case 'ended':
        this.#events.ended(message.number, message.outcome);
        break;
      case 'returned':
        this.#events.returned(message.number);
        break;
      case 'late':
        this.#events.lateError(message.error);
        break;
      case 'spoiled':
        this.#events.spoiled();
        break;
      default:
        message satisfies never;
    }
  }
}
