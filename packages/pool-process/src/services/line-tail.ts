/** Reads the lines that are being appended to a file, in bounded memory. Knows nothing of their meaning. */
import { fstatSync, readSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** Of longer lines only the beginning is kept, bytes. */
const longestLine = 16_384;

/** How much is read in one go, bytes: a flood is read over several calls. */
const readAtOnce = 1024 * 1024;

export class LineTail {
  readonly #fd: number;
  #at: number;
  /** The beginning of the line that is not complete. */
  #rest: Buffer = empty;

  /** Reads what is written from now on. */
  constructor(fd: number) {
    this.#fd = fd;
    this.#at = fstatSync(fd).size;
  }

  /** The lines that were completed since the last call, without their ends, colours and other control sequences. */
  readLines(): readonly string[] {
    const lines: string[] = [];
    for (let left = readAtOnce; left > 0; ) {
      if (fstatSync(this.#fd).size < this.#at) this.#at = 0; // The program has emptied it.
      const length = readSync(this.#fd, chunk, 0, Math.min(left, chunk.length), this.#at);
      if (length === 0) return lines;
      this.#at += length;
      left -= length;
      this.#push(chunk.subarray(0, length), lines);
    }
    return lines;
  }

  #push(bytes: Buffer, lines: string[]): void {
    let from = 0;
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, from)) {
      const line = this.#joined(bytes.subarray(from, end)).toString('utf8');
      lines.push(stripVTControlCharacters(line).replace(/\r$/, ''));
      this.#rest = empty;
      from = end + 1;
    }
    this.#rest = this.#joined(bytes.subarray(from));
  }

  /** A copy, since the bytes are reused. */
  #joined(bytes: Buffer): Buffer {
    const room = Math.max(0, longestLine - this.#rest.length);
    return Buffer.concat([this.#rest, bytes.subarray(0, room)]);
  }
}

const newline = 10;
const empty: Buffer = Buffer.alloc(0);
/** Shared: what is read into it is used at once. */
const chunk = Buffer.alloc(64 * 1024);
