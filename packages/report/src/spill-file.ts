/** A queue of text on disk: appended at one end, read back in order from the other. */
import { randomUUID } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

/** How much is written and read at a time: characters, bytes. */
const CHUNK = 64 * 1024;

/** A temporary file without a name: the system removes it when it is closed, or when the process is killed. Synchronous; throws the errors of the disk. */
export class SpillFile {
  readonly #handle: number;
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  readonly #decoder = new StringDecoder('utf8');
  #unwritten: string[] = [];
  #unwrittenLength = 0;
  #writtenTo = 0;
  #readTo = 0;

  /** Default: the folder of the system for temporary files. */
  constructor(folder: string = tmpdir()) {
    const path = join(folder, `pexen-spill-${process.pid}-${randomUUID()}`);
    this.#handle = openSync(path, 'wx+', 0o600);
    rmSync(path, { force: true });
  }

  /** True while it has text that was not read. */
  get hasUnread(): boolean {
    return this.#unwrittenLength > 0 || this.#readTo < this.#writtenTo;
  }

  append(text: string): void {
    this.#unwritten.push(text);
    this.#unwrittenLength += text.length;
    if (this.#unwrittenLength >= CHUNK) this.#flush();
  }

  /** The next piece of the text, which may end between any two characters; undefined when all is read. */
  read(): string | undefined {
    while (this.#readTo < this.#writtenTo) {
      const length = readSync(this.#handle, this.#buffer, 0, CHUNK, this.#readTo);
      if (length === 0) throw new Error('a temporary file has lost its content');
      this.#readTo += length;
      const text = this.#decoder.write(this.#buffer.subarray(0, length));
      if (text !== '') return text;
    }
    this.#startOver();
    return this.#takeUnwritten();
  }

  close(): void {
    closeSync(this.#handle);
  }

  #flush(): void {
    const bytes = Buffer.from(this.#takeUnwritten() ?? '');
    for (let done = 0; done < bytes.length; ) {
      const written = writeSync(this.#handle, bytes, done, bytes.length - done, this.#writtenTo);
      done += written;
      this.#writtenTo += written;
    }
  }

  #takeUnwritten(): string | undefined {
    if (this.#unwrittenLength === 0) return undefined;
    const text = this.#unwritten.join('');
    this.#unwritten = [];
    this.#unwrittenLength = 0;
    return text;
  }

  /** Frees the space on disk, since everything was read. */
  #startOver(): void {
    if (this.#writtenTo === 0) return;
    ftruncateSync(this.#handle, 0);
    this.#writtenTo = 0;
    this.#readTo = 0;
  }
}
