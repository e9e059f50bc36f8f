/** Streams that keep their output. */
import { Writable } from 'node:stream';

export class MemoryStream extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** A pipe whose reader goes away after that many writes. */
export class Pipe extends MemoryStream {
  #left: number;
  readonly #code: string;

  constructor(writes: number, code = 'EPIPE') {
    super();
    this.#left = writes;
    this.#code = code;
  }

  override _write(chunk: Buffer, encoding: string, done: (error?: Error) => void): void {
    if (this.#left-- > 0) super._write(chunk, encoding, done);
    else done(Object.assign(new Error(`write ${this.#code}`), { code: this.#code }));
  }
}
