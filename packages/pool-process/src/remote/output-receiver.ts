/**
 * Keeps outputs that remote slots send in chunks in the files that the host names for them. Never waits for the disk; each chunk is acknowledged when it is
 * written, so that a slow disk slows the sender down. A file that is not whole says where something is missing.
 */
import { closeSync, openSync, write, writeSync } from 'node:fs';
import type { LongOutput, Settings } from '../options.ts';
import type { OutputChunk } from './output-sender.ts';

/** The most that is kept of one stream, bytes: slots free the middle of longer ones before that. */
const most = 256 * 1024 * 1024;

/** Whose output it is. */
interface Owner {
  readonly path: string;
  readonly attempt: number;
}

/** The outputs of the attempts of one slot. */
export class OutputReceiver {
  readonly #outputFile: Settings['outputFile'];
  readonly #owners = new Map<number, Owner>();
  /** By attempt and stream. */
  readonly #files = new Map<string, ReceivedFile | undefined>();

  /** Without `outputFile` nothing is kept. */
  constructor(outputFile: Settings['outputFile']) {
    this.#outputFile = outputFile;
  }

  /** True if slots are to send such outputs. */
  get isWanted(): boolean {
    return this.#outputFile !== undefined;
  }

  /** The attempt with this number is sent. */
  expect(number: number, { path, attempt }: Owner): void {
    if (this.isWanted) this.#owners.set(number, { path, attempt });
  }

  /** Takes a chunk; `credit` is called when it is written, or cannot be. */
  take(chunk: OutputChunk, credit: () => void): void {
    const owner = this.#owners.get(chunk.id);
    const key = `${chunk.id} ${chunk.stream}`;
    if (owner !== undefined && !this.#files.has(key)) {
      const target = this.#outputFile?.(owner.path, owner.attempt, chunk.stream);
      this.#files.set(key, target !== undefined && 'file' in target ? new ReceivedFile(target) : undefined);
    }
    const file = this.#files.get(key);
    if (file === undefined) credit();
    else file.take(chunk, credit);
  }

  /** Nothing more comes for this attempt. */
  end(number: number): void {
    this.#owners.delete(number);
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#files.get(`${number} ${stream}`)?.end();
      this.#files.delete(`${number} ${stream}`);
    }
  }

  /** Nothing more comes from the slot. */
  close(): void {
    for (const number of [...this.#owners.keys()]) this.end(number);
  }
}

class ReceivedFile {
  readonly #target: LongOutput;
  #fd: number | undefined;
  /** How much of the output has come, or is known to be missing. */
  #heardUpTo = 0;
  /** The length of the file once everything is written. */
  #length = 0;
  #writing = 0;
  #isWhole = false;
  #hasEnded = false;
  #hasFailed = false;

  constructor(target: LongOutput) {
    this.#target = target;
    try {
      this.#fd = openSync(target.file, 'w', 0o600);
    } catch {
      target.failed();
    }
  }

  take({ at, bytes, isLast }: OutputChunk, credit: () => void): void {
    const fd = this.#fd;
    if (fd === undefined || this.#hasEnded || at < this.#heardUpTo || at + bytes.length > most) {
      credit();
      return;
    }
    if (at > this.#heardUpTo)
      this.#note(fd, `${at - this.#heardUpTo} bytes are missing here: they did not arrive`);
    this.#heardUpTo = at + bytes.length;
    this.#isWhole = isLast;
    this.#writing++;
    write(fd, bytes, 0, bytes.length, this.#length, (error, written) => {
      this.#writing--;
      if (error !== null || written < bytes.length) this.#fail();
      if (this.#hasEnded) this.#close();
      credit();
    });
    this.#length += bytes.length;
    if (isLast) this.end();
  }

  /** Nothing more comes. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (!this.#isWhole && this.#fd !== undefined)
      this.#note(this.#fd, 'the rest is missing: it did not arrive');
    this.#close();
  }

  /** Written at once: the run may end before anything else is. */
  #note(fd: number, text: string): void {
    try {
      this.#length += writeSync(fd, `\n… ${text} …\n`, this.#length);
    } catch {
      this.#fail();
    }
  }

  #fail(): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#hasEnded = true;
    this.#target.failed();
    this.#close();
  }

  /** Once nothing is being written. */
  #close(): void {
    if (this.#writing > 0 || this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}
