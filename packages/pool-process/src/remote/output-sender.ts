/**
 * Sends an output that is too long to be returned whole from a remote slot to its host, in chunks. A limited number of them may be unacknowledged, so
 * that neither side keeps more than that in memory. Knows no transport.
 */
import type { Clock } from '@pexen/pool-kit';
import type { OutputSink } from '../options.ts';
import type { RemoteReport } from './messages.ts';

/** A report with a part of an output. */
export type OutputChunk = Extract<RemoteReport, { readonly is: 'output' }>;

/** How much one chunk has, bytes, and how many may be unacknowledged: 1 MiB in all. */
export const chunkBytes: number = 128 * 1024;
const window = 8;

/** How long sending may take, ms: the slot is not free before that is over. */
const longestMs = 5_000;
/** The same once the attempt has been aborted: after its own time for ending, the host ends the slot. */
const longestAfterAbortMs = 1_000;

export class OutputSender implements OutputSink {
  readonly #of: Pick<OutputChunk, 'id' | 'stream'>;
  readonly #send: (chunk: OutputChunk) => void;
  readonly #clock: Clock;
  #cancel: () => void;
  #at = 0;
  #unacknowledged = 0;
  #isStopped = false;
  /** Called when the next chunk was acknowledged, or sending has stopped. */
  #wake = (): void => {};

  constructor(of: Pick<OutputChunk, 'id' | 'stream'>, clock: Clock, send: (chunk: OutputChunk) => void) {
    this.#of = of;
    this.#clock = clock;
    this.#send = send;
    this.#cancel = clock.after(longestMs, () => this.failed());
  }

  /** Resolves when the bytes are sent and may be used again; rejects when it takes too long. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; from += chunkBytes) {
      await this.#until(() => this.#unacknowledged < window);
      this.#sendChunk(new Uint8Array(bytes.subarray(from, from + chunkBytes)), false);
    }
  }

  /** Everything was written. Resolves when the host has all of it. */
  async end(): Promise<void> {
    this.#sendChunk(new Uint8Array(), true);
    await this.#until(() => this.#unacknowledged === 0);
    this.#cancel();
  }

  /** Sends nothing more: the host marks where it ended. */
  failed(): void {
    this.#isStopped = true;
    this.#cancel();
    this.#wake();
  }

  /** The host has kept one chunk. */
  credited(): void {
    this.#unacknowledged--;
    this.#wake();
  }

  /** The attempt is to be stopped: there is less time. */
  hurry(): void {
    if (this.#isStopped) return;
    this.#cancel();
    this.#cancel = this.#clock.after(longestAfterAbortMs, () => this.failed());
  }

  #sendChunk(bytes: Uint8Array, isLast: boolean): void {
    this.#unacknowledged++;
    this.#send({ is: 'output', ...this.#of, at: this.#at, bytes, isLast });
    this.#at += bytes.length;
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (!this.#isStopped && !isReached())
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#isStopped) throw new Error('the host took too long');
  }
}
