/** Where a terminal reporter writes. A reader that went away (`pexen run | head`) is no error; anything else is told at the end. */
import type { TerminalStream } from './options.ts';

/** A stream that is written to until it breaks. */
export class Output {
  readonly #stream: TerminalStream;
  /** Taken at once: whoever catches what is written to the stream later does not catch this. */
  readonly #write: TerminalStream['write'];
  readonly #onError: (error: Error) => void;
  #error: Error | undefined;

  constructor(stream: TerminalStream) {
    this.#stream = stream;
    this.#write = stream.write.bind(stream);
    this.#onError = (error) => {
      this.#error ??= error;
    };
    stream.on('error', this.#onError);
  }

  write(text: string): void {
    if (this.#error === undefined && text !== '') this.#write(text);
  }

  /** Waits until everything is written. Rejects if the stream broke for another reason than that nobody reads it. */
  async close(): Promise<void> {
    if (this.#error === undefined) {
      await new Promise<void>((resolve) => this.#write('', () => resolve()));
    }
    this.#stream.removeListener('error', this.#onError);
    if (this.#error !== undefined && !isGone(this.#error)) throw this.#error;
  }
}

function isGone(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ERR_STREAM_WRITE_AFTER_END';
}
