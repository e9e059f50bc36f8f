/**
 * A descriptor that is closed only when no synchronization uses it any more: the system gives the number of a closed one to the next file
 * that is opened, wherever in the process.
 */
import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';

export class OpenFile {
  readonly descriptor: number;
  #inUse = 0;
  #isClosed = false;

  constructor(path: string, flags: string, mode?: number) {
    this.descriptor = openSync(path, flags, mode);
  }

  sync(): void {
    fdatasyncSync(this.descriptor);
  }

  /** As `sync`, in the background. `done` is not called after `close`. */
  syncBehind(done: (error: Error | null) => void): void {
    if (this.#isClosed) return;
    this.#inUse++;
    fdatasync(this.descriptor, (error) => {
      this.#inUse--;
      if (this.#isClosed) this.#closeUnused();
      else done(error);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeUnused();
  }

  #closeUnused(): void {
    if (this.#inUse === 0) closeSync(this.descriptor);
  }
}
