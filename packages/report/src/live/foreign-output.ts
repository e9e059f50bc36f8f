/** What others write to the terminal while a picture stands on it: caught, and handed on line by line to be shown above. */
import { StringDecoder } from 'node:string_decoder';
import type { TerminalStream } from '../options.ts';

type Write = TerminalStream['write'];

interface Caught {
  readonly stream: TerminalStream;
  readonly write: Write;
}

/** `console.log` in an inline task, warnings of Node: whoever writes to these streams does not know of us. */
export class ForeignOutput {
  readonly #onLine: (line: string) => void;
  readonly #caught: Caught[] = [];
  #partial = '';

  /** Streams that are no terminals are left alone. */
  constructor(streams: readonly TerminalStream[], onLine: (line: string) => void) {
    this.#onLine = onLine;
    for (const stream of streams) if (stream.isTTY === true) this.#catch(stream);
  }

  /** Gives the streams back. What was not yet a whole line is handed on now. */
  release(): void {
    for (const { stream, write } of this.#caught) stream.write = write;
    this.#caught.length = 0;
    if (this.#partial !== '') this.#onLine(this.#partial);
    this.#partial = '';
  }

  #catch(stream: TerminalStream): void {
    const write = stream.write;
    const decoder = new StringDecoder('utf8'); // A character may be cut between two writes.
    this.#caught.push({ stream, write });
    stream.write = ((chunk: unknown, ...rest: readonly unknown[]): boolean => {
      this.#take(typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk as Uint8Array)));
      const done = rest.find((argument) => typeof argument === 'function');
      if (done !== undefined) queueMicrotask(done as () => void);
      return true;
    }) as Write;
  }

  #take(text: string): void {
    const lines = text.split('\n'); // Of this text alone: a long line comes in many.
    const [first = ''] = lines;
    lines[0] = this.#partial + first;
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
  }
}
