/** A worker's end of a `MessageConnection`: runs the attempts that it receives one after the other, and reports their updates and outcomes. */
import type { ReadyFacts, TaskUpdate } from '@pexen/core';
import type { FromWorker, ToWorker } from '../engine/messages.ts';
import {
  type AssignmentEnvelope,
  encodeOutcome,
  type OutcomeEnvelope,
  refusedByTransport,
} from '../envelope.ts';
import { decodeThrown } from '../error-codec.ts';
import { endProcess, later, OwnAbortController } from '../own-globals.ts';
import type { ChannelRules } from '../serializability.ts';
import { CreditedSender } from './credited-sender.ts';
import { asWorker, type LateError, watchErrors } from './late-errors.ts';
import { recordModules } from './module-graph.ts';
import { runAssignment, type WorkerLink } from './run-assignment.ts';
import { untilQuiet } from './turns.ts';

/** Options of a worker session. */
export interface WorkerSessionOptions {
  /** Sends a message to the host. Throws for a value that the transport cannot carry. */
  readonly send: (message: FromWorker) => void;
  /** Ends the worker: called when the host asks it to leave, while no attempt runs. Default: the process exits. */
  readonly leave?: () => void;
  /** What the transport carries besides plain data. */
  readonly channelRules?: ChannelRules;
}

/** How long the worker waits for pending timers and requests of its last body before it leaves, ms. */
const leavingMs = 250;

/**
 * Runs attempts in this worker. Uncaught errors are reported as those of the bodies that they belong to.
 *
 * @example
 * const stream = new MessageStream(socket, (message) => session.hear(message as ToWorker));
 * const session = new WorkerSession({ send: (message) => stream.send(message) });
 */
export class WorkerSession {
  readonly #options: WorkerSessionOptions;
  readonly #queue: Sent[] = [];
  #current: Current | undefined;
  /** It starts no further attempt: an earlier body may disturb it. */
  #isSpoiled = false;

  /** Reports to the host at once that the worker is ready. */
  constructor(options: WorkerSessionOptions) {
    this.#options = options;
    watchErrors();
    options.send({ is: 'ready' });
  }

  /** A message of the host has come. */
  hear(message: ToWorker): void {
    asWorker(() => this.#hear(message));
  }

  #hear(message: ToWorker): void {
    switch (message.do) {
      case 'run':
        if (message.recordsModules) recordModules();
        this.#queue.push(message);
        if (this.#isSpoiled) this.#returnAll();
        else if (this.#current === undefined) this.#runNext();
        break;
      case 'abort':
        if (this.#current?.number === message.number)
          this.#current.abort(decodeThrown(message.reason, 'the host'));
        break;
      case 'reclaim':
        for (const number of message.numbers) this.#return(number);
        break;
      case 'credit':
        if (this.#current?.number === message.number) this.#current.credited(message.batches);
        break;
      case 'leave':
        void this.#leave();
        break;
      default:
        message satisfies never;
    }
  }

  /** A body had an uncaught error after it had ended, or while it goes on. */
  spoil(message: Extract<FromWorker, { is: 'late' | 'spoiled' }>): void {
    this.#isSpoiled = true;
    this.#options.send(message);
    this.#returnAll();
  }

  #return(number: number): void {
    const at = this.#queue.findIndex((sent) => sent.number === number);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    this.#options.send({ is: 'returned', number });
  }

  #returnAll(): void {
    for (const { number } of [...this.#queue]) this.#return(number);
  }

  #runNext(): void {
    const sent = this.#queue.shift();
    if (sent === undefined) return;
    const current = new Current(sent, this.#options, this);
    this.#current = current;
    void this.#run(sent, current);
  }

  async #run({ envelope }: Sent, current: Current): Promise<void> {
    const outcome = await runAssignment(envelope, current);
    this.#current = undefined;
    current.end(outcome);
    later(() => this.#current === undefined && this.#runNext()); // Messages that the host has sent meanwhile are read first.
  }

  async #leave(): Promise<void> {
    await untilQuiet(leavingMs);
    (this.#options.leave ?? (() => endProcess(0)))();
  }
}

interface Sent {
  readonly number: number;
  readonly envelope: AssignmentEnvelope;
}

/** The attempt that runs. */
class Current implements WorkerLink {
  readonly number: number;
  readonly channelRules: ChannelRules;
  readonly #path: string;
  readonly #send: WorkerSessionOptions['send'];
  readonly #session: WorkerSession;
  readonly #controller = new OwnAbortController();
  readonly #updates: CreditedSender;

  constructor(
    { number, envelope }: Sent,
    { send, channelRules = {} }: WorkerSessionOptions,
    session: WorkerSession,
  ) {
    this.number = number;
    this.channelRules = channelRules;
    this.#path = envelope.path;
    this.#send = send;
    this.#session = session;
    this.#updates = new CreditedSender({
      send: (updates) => send({ is: 'updates', number, updates }),
      channelRules,
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  started(): void {
    this.#send({ is: 'started', number: this.number });
  }

  ready(facts: ReadyFacts): void {
    this.#send({ is: 'service-ready', number: this.number, facts });
  }

  report(update: TaskUpdate): void {
    this.#updates.send(update);
  }

  late(error: LateError): void {
    this.#session.spoil({ is: 'late', error });
  }

  spoiled(): void {
    this.#session.spoil({ is: 'spoiled' });
  }

  credited(batches: number): void {
    for (let batch = 0; batch < batches; batch++) this.#updates.credited();
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  end(outcome: OutcomeEnvelope): void {
    const { number } = this;
    this.#updates.flush();
    try {
      this.#send({ is: 'ended', number, outcome });
    } catch (error) {
      const refused = encodeOutcome(
        refusedByTransport(this.#path, error, outcome),
        this.#path,
        this.channelRules,
      );
      this.#send({ is: 'ended', number, outcome: refused });
    }
  }
}
