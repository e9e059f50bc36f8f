/**
 * Sends the updates of a body only as fast as the host processes them, so that a flood overloads neither side. A limited number of batches may be
 * unacknowledged; beyond that, updates are held and merged: output into one text (cut off when it is too long), progress into the
 * latest, log lines into a count. Findings and attachments are results: all are kept up to a limit; dropped ones are reported,
 * as a failure if a failed finding was among them. Knows no transport.
 */
import type { TaskUpdate } from '@pexen/core';
import { crossable } from '../error-codec.ts';
import type { ChannelRules } from '../serializability.ts';

/** How a `CreditedSender` sends, and how much may be unacknowledged. */
export interface CreditedSenderOptions {
  /** Sends a batch, in order. Call `credited` once for each batch, when the host has processed it. */
  readonly send: (update: readonly TaskUpdate[]) => void;
  /** How many batches may be unacknowledged. Default 16. */
  readonly window?: number;
  /** What the channel carries besides plain data, as in the link of `runAssignment`. */
  readonly channelRules?: ChannelRules;
}

const most = { batchLength: 64, textLength: 65_536, logs: 100, results: 10_000 };

/** Sends the updates of one attempt to the host. */
export class CreditedSender {
  readonly #send: (update: readonly TaskUpdate[]) => void;
  readonly #rules: ChannelRules;
  #credit: number;
  #kept: TaskUpdate[] = [];
  /** Progress and heartbeat: only the last one counts. */
  readonly #latest = new Map<TaskUpdate['kind'], TaskUpdate>();
  #keptText = 0;
  #logs = 0;
  #results = 0;
  #droppedLogs = 0;
  #droppedResults = 0;
  /** A failed finding was among them. */
  #hasDroppedFailure = false;
  #droppedText = 0;

  constructor({ send, window = 16, channelRules = {} }: CreditedSenderOptions) {
    this.#send = send;
    this.#rules = channelRules;
    this.#credit = window;
  }

  /** Sends the update at once, or keeps it until there is credit. Never throws: data that cannot be sent is replaced. */
  send(update: TaskUpdate): void {
    const fitting = fitToCross(update, this.#rules);
    if (this.#credit > 0 && this.#kept.length === 0 && sizeOf(fitting) <= most.textLength) {
      this.#credit--;
      this.#send([fitting]);
    } else {
      this.#keep(fitting);
      this.#drainWithCredit();
    }
  }

  /** The host has processed one batch. */
  credited(): void {
    this.#credit++;
    this.#drainWithCredit();
  }

  /** Sends what is kept, with or without credit: the attempt is over, and its outcome comes next. The amount is bounded. */
  flush(): void {
    while (this.#hasKept()) this.#sendBatch();
  }

  #drainWithCredit(): void {
    while (this.#credit > 0 && this.#hasKept()) {
      this.#credit--;
      this.#sendBatch();
    }
  }

  #hasKept(): boolean {
    const dropped = this.#droppedLogs + this.#droppedResults + this.#droppedText;
    return this.#kept.length > 0 || this.#latest.size > 0 || dropped > 0;
  }

  #sendBatch(): void {
    const batch = this.#kept.splice(0, most.batchLength);
    if (this.#kept.length === 0) {
      batch.push(...this.#latest.values(), ...this.#droppings());
      this.#latest.clear();
      this.#keptText = 0;
      this.#logs = 0;
      this.#results = 0;
    }
    this.#send(batch);
  }

  #keep(update: TaskUpdate): void {
    switch (update.kind) {
      case 'output':
        this.#keepOutput(update);
        return;
      case 'log':
        if (++this.#logs > most.logs) this.#droppedLogs++;
        else this.#kept.push(update);
        return;
      case 'progress':
      case 'heartbeat':
        this.#latest.set(update.kind, update);
        return;
      case 'finding':
      case 'attachment':
        if (++this.#results <= most.results) this.#kept.push(update);
        else {
          this.#droppedResults++;
          this.#hasDroppedFailure ||= update.kind === 'finding' && update.finding.status === 'fail';
        }
        return;
      default:
        update satisfies never;
    }
  }

  #keepOutput({ stream, text }: Extract<TaskUpdate, { readonly kind: 'output' }>): void {
    const room = most.textLength - this.#keptText;
    const taken = text.slice(0, Math.max(0, room));
    this.#droppedText += text.length - taken.length;
    if (taken === '') return;
    this.#keptText += taken.length;
    const last = this.#kept.at(-1);
    if (last?.kind === 'output' && last.stream === stream) {
      this.#kept[this.#kept.length - 1] = { kind: 'output', stream, text: last.text + taken };
    } else {
      this.#kept.push({ kind: 'output', stream, text: taken });
    }
  }

  #droppings(): TaskUpdate[] {
    const dropped: TaskUpdate[] = [];
    const log = (message: string): void => void dropped.push({ kind: 'log', message });
    if (this.#droppedText > 0)
      log(`${this.#droppedText} characters of output came too fast to be shown live`);
    if (this.#droppedLogs > 0) log(`${this.#droppedLogs} log lines came too fast to be shown`);
    if (this.#droppedResults > 0) {
      const message = `more than ${most.results} came too fast`;
      const name = `${this.#droppedResults} findings or attachments were dropped`;
      const status = this.#hasDroppedFailure ? 'fail' : 'warn';
      dropped.push({ kind: 'finding', finding: { name, status, message } });
    }
    this.#droppedText = 0;
    this.#droppedLogs = 0;
    this.#droppedResults = 0;
    this.#hasDroppedFailure = false;
    return dropped;
  }
}

function sizeOf(update: TaskUpdate): number {
  return update.kind === 'output' ? update.text.length : 0;
}

/** The update, with a note in place of data that cannot be sent. */
function fitToCross(update: TaskUpdate, rules: ChannelRules): TaskUpdate {
  switch (update.kind) {
    case 'finding':
      return { kind: 'finding', finding: crossableFields(update.finding, rules) };
    case 'attachment':
      return { kind: 'attachment', attachment: crossableFields(update.attachment, rules) };
    case 'progress':
      return { kind: 'progress', progress: crossableFields(update.progress, rules) };
    case 'log':
      return crossableFields(update, rules);
    default:
      return update;
  }
}

function crossableFields<T extends object>(record: T, rules: ChannelRules): T {
  const fields = Object.entries(record).map(([name, value]) => [name, crossable(value, name, rules)]);
  return Object.fromEntries(fields) as T;
}
