/**
 * The stream of a terminal reporter. A reader that has gone (`pexen run | head`) is not an error; any other error is reported at the end. A
 * slow reader (a pipe into a stopped program) neither stops the run nor fills its memory: the rest waits in memory up to a bound, then on disk.
 */
import type { TerminalStream } from './options.ts';
import { SpillFile } from './spill-file.ts';

/** How much waits in memory, characters. */
const MOST_KEPT = 256 * 1024;

/** Writes to a stream until the stream fails. */
export class Output {
  readonly #stream: TerminalStream;
  /** Bound at once, so that a later capture of the stream does not capture this output. */
  readonly #write: TerminalStream['write'];
  #error: Error | undefined;
  #isBehind = false;
  #kept = '';
  #spill: SpillFile | undefined;
  /** Called when nothing waits any more. */
  #whenCaughtUp: (() => void) | undefined;
  readonly #onError = (error: Error): void => {
    this.#error ??= error;
    this.#settle();
  };
  readonly #onDrain = (): void => {
    this.#isBehind = false;
    this.#catchUp();
  };

  readonly #onClose = (): void => {
    this.#onError(Object.assign(new Error('the stream was closed'), { code: 'ERR_STREAM_DESTROYED' }));
  };

  constructor(stream: TerminalStream) {
    this.#stream = stream;
    this.#write = stream.write.bind(stream);
    stream.on('error', this.#onError);
    stream.on('drain', this.#onDrain);
    stream.on('close', this.#onClose);
  }

  /** True while the reader has not taken what was written. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  write(text: string): void {
    if (this.#error !== undefined || text === '') return;
    if (this.#isBehind) this.#keep(text);
    else this.#isBehind = this.#write(text) === false;
  }

  /** Waits until everything is written. Rejects if the stream failed for any other reason than a reader that has gone. */
  async close(): Promise<void> {
    if (this.#isBehind && this.#error === undefined)
      await new Promise<void>((resolve) => {
        this.#whenCaughtUp = resolve;
      });
    if (this.#error === undefined) await new Promise<void>((resolve) => this.#write('', () => resolve()));
    this.#stream.removeListener('error', this.#onError);
    this.#stream.removeListener('drain', this.#onDrain);
    this.#stream.removeListener('close', this.#onClose);
    this.#spill?.close();
    this.#spill = undefined;
    if (this.#error !== undefined && !isGone(this.#error)) throw this.#error;
  }

  #keep(text: string): void {
    if (this.#spill?.hasUnread !== true && this.#kept.length + text.length <= MOST_KEPT) {
      this.#kept += text;
      return;
    }
    this.#spill ??= new SpillFile();
    this.#spill.append(text);
  }

  #catchUp(): void {
    while (!this.#isBehind && this.#error === undefined) {
      const text = this.#takeKept() ?? this.#spill?.read();
      if (text === undefined) break;
      this.write(text);
    }
    this.#settle();
  }

  #takeKept(): string | undefined {
    const text = this.#kept;
    this.#kept = '';
    return text === '' ? undefined : text;
  }

  #settle(): void {
    if (!this.#isBehind || this.#error !== undefined) this.#whenCaughtUp?.();
  }
}

function isGone(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ERR_STREAM_WRITE_AFTER_END';
}
