/**
 * A file in which a worker writes the number of the attempt that it starts. Unlike a message, this does not wake the host, so that the message can
 * be sent together with the next one. The host reads the file where no message comes, since the body keeps its worker busy or has killed it.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

const length = 4;
/** The position of the number of the attempt that has read its signal last. */
const readAt = length;

/** The worker's side. */
export class StartMarker {
  readonly #fd: number;
  readonly #bytes: Buffer = Buffer.alloc(length);

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The attempt has read its signal. The host reads this when it stops the attempt, since the body may keep its worker busy by then. */
  setSignalRead(id: number): void {
    this.#bytes.writeUInt32LE(id + 1);
    try {
      writeSync(this.#fd, this.#bytes, 0, length, readAt);
    } catch {
      // The host assumes that it has not.
    }
  }

  /** False if it could not be written: a body has closed the descriptor, or the disk is full. */
  set(id: number): boolean {
    this.#bytes.writeUInt32LE(id + 1);
    try {
      return writeSync(this.#fd, this.#bytes, 0, length, 0) === length;
    } catch {
      return false;
    }
  }
}

/** The host's side. */
export class StartMarkerFile {
  /** For the worker. */
  readonly fd: number;
  readonly #path: string;
  readonly #bytes: Buffer = Buffer.alloc(length);

  /** The file must not exist. */
  constructor(path: string) {
    this.#path = path;
    this.fd = openSync(path, 'wx+', 0o600);
  }

  /** True if the attempt of this number was started last. */
  is(id: number): boolean {
    return readSync(this.fd, this.#bytes, 0, length, 0) === length && this.#bytes.readUInt32LE() === id + 1;
  }

  /** True if the attempt of this number has read its signal. */
  hasReadSignal(id: number): boolean {
    return (
      readSync(this.fd, this.#bytes, 0, length, readAt) === length && this.#bytes.readUInt32LE() === id + 1
    );
  }

  /** Removes it. */
  close(): void {
    closeSync(this.fd);
    unlinkSync(this.#path);
  }
}
