/**
 * The child's end of the pipes of a ChildConnection. Writing blocks until the host has read: messages from before a crash, a
 * hang or a kill always arrive, and a flood is slowed down. Does not interpret the messages.
 */

import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import process from 'node:process';
import { own } from '@pexen/pool-kit';
import { encodeFrame, FrameReader } from './codec.ts';

const { pid } = process;
const { wait } = Atomics;

export class Channel {
  readonly #fromHost: number;
  readonly #toHost: number;
  readonly #outgoing: Buffer = Buffer.alloc(bufferBytes);
  /** How many bytes of it wait to be written with the next message. */
  #held = 0;

  /** File descriptors: 3 and 4, or 0 and 1. */
  constructor(fromHost: number, toHost: number) {
    this.#fromHost = fromHost;
    this.#toHost = toHost;
  }

  /** False if a body has closed the descriptor of the host's messages. */
  get isOpen(): boolean {
    try {
      fstatSync(this.#fromHost);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Sends a message to the host.
   * @throws what V8 throws for a message that cannot be serialized
   */
  send(message: unknown): void {
    if (this.hold(message)) this.flush();
  }

  /**
   * Holds the message until the next one or `flush`: each write wakes the host, which costs more than the message. False if
   * the message was sent at once, since it is large.
   * @throws what V8 throws for a message that cannot be serialized
   */
  hold(message: unknown): boolean {
    const frame = encodeFrame(message, this.#outgoing.subarray(this.#held));
    if (frame.buffer === this.#outgoing.buffer) {
      this.#held += frame.length;
      return true;
    }
    this.flush();
    this.write(frame);
    return false;
  }

  /** Sends the messages that are held. */
  flush(): void {
    const length = this.#held;
    this.#held = 0;
    if (length > 0) this.write(this.#outgoing.subarray(0, length));
  }

  /** Calls `hear` with each message of the host, and `gone` once the host is gone. */
  listen(hear: (message: unknown) => void, gone: () => void): void {
    const reader = new FrameReader();
    const callback = (length: number, bytes: Uint8Array): boolean => {
      reader.push(Buffer.from(bytes.buffer, bytes.byteOffset, length), hear, true);
      return true;
    };
    const onread = { buffer: Buffer.alloc(heardBytes), callback };
    const socket = new Socket({ fd: this.#fromHost, readable: true, writable: false, onread });
    socket.resume();
    socket.once('end', gone);
    socket.once('error', gone);
  }

  /** Writes bytes without a frame. */
  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) at += this.#writeFrom(bytes, at);
  }

  #writeFrom(bytes: Buffer, at: number): number {
    try {
      return writeSync(this.#toHost, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        wait(neverWoken, 0, 0, 1);
        return 0;
      }
      // The host is gone, or the body has closed the descriptor.
      own.sendSignal(pid, 'SIGKILL');
      throw error;
    }
  }
}

/** Reused for every message that fits. */
const bufferBytes = 65_536;
/** As much as a pipe holds. */
const heardBytes = 262_144;

const neverWoken = new Int32Array(new SharedArrayBuffer(4));
