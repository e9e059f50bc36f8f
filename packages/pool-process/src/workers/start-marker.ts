/**
 * A file in which a worker writes the number of the attempt that it begins. Unlike a message that wakes nobody, so that the message may
 * come together with the next one; the host looks here where none comes, since the body keeps its worker busy or has killed it.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

const length = 4;
/** Behind it: the number of the attempt that has read its signal last. */
const readAt = length;

/** The worker's side. */
export class StartMarker {
  readonly #fd: number;
  readonly #bytes: Buffer = Buffer.alloc(length);

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The attempt has read its signal. The host looks when it must stop it, since the body may keep its worker busy by then. */
  setSignalRead(id: number): void {
    this.#bytes.writeUInt32LE(id + 1);
    try {
      writeSync(this.#fd, this.#bytes, 0, length, readAt);
    } catch {
      // Then it is taken for one that has not.
    }
  }

  /** False if it could not be written: a body has closed what is not its own, or the disk is full. */
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
  /** To be handed to the worker. */
  readonly fd: number;
  readonly #path: string;
  readonly #bytes: Buffer = Buffer.alloc(length);

  /** The file must not exist. */
  constructor(path: string) {
    this.#path = path;
    this.fd = openSync(path, 'wx+', 0o600);
  }

  /** Is that the number of the attempt that was begun last? */
  is(id: number): boolean {
    return readSync(this.fd, this.#bytes, 0, length, 0) === length && this.#bytes.readUInt32LE() === id + 1;
  }

  /** Has the attempt of this number read its signal? */
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
