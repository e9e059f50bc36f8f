/** Captures what other code writes to the terminal while a picture is on it, and passes it on line by line, to be shown above. */
import { StringDecoder } from 'node:string_decoder';
import type { TerminalStream } from '../options.ts';

type Write = TerminalStream['write'];

interface Captured {
  readonly stream: TerminalStream;
  readonly write: Write;
}

/** For `console.log` in an inline task, warnings of Node, and the like. */
export class ForeignOutput {
  readonly #onLine: (line: string) => void;
  readonly #captured: Captured[] = [];
  #partial = '';

  /** Captures those of the streams that are terminals. */
  constructor(streams: readonly TerminalStream[], onLine: (line: string) => void) {
    this.#onLine = onLine;
    for (const stream of streams) if (stream.isTTY === true) this.#capture(stream);
  }

  /** Restores the streams, and passes on an incomplete line. */
  release(): void {
    for (const { stream, write } of this.#captured) stream.write = write;
    this.#captured.length = 0;
    if (this.#partial !== '') this.#onLine(this.#partial);
    this.#partial = '';
  }

  #capture(stream: TerminalStream): void {
    const write = stream.write;
    const decoder = new StringDecoder('utf8'); // A character may be split between two writes.
    this.#captured.push({ stream, write });
    stream.write = ((chunk: unknown, ...rest: readonly unknown[]): boolean => {
      this.#take(typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk as Uint8Array)));
      const done = rest.find((argument) => typeof argument === 'function');
      if (done !== undefined) queueMicrotask(done as () => void);
      return true;
    }) as Write;
  }

  #take(text: string): void {
    const lines = text.split('\n'); // Splits only the new text: a long line may come in many writes.
    const [first = ''] = lines;
    lines[0] = this.#partial + first;
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
  }
}
