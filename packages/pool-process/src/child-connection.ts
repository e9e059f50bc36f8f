/**
 * A child process of the pool and the pipes to it: starts it, exchanges messages, and reports when it is gone and all its
 * messages have been read. Does not interpret the messages.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@pexen/pool-kit';
import { encodeFrame, FrameReader } from './codec.ts';

/** How a process ended, as text: `exited with code 7`. */
export type Exit = string;

/** A command line. */
export interface Command {
  readonly command: string;
  readonly argv: readonly string[];
}

/** What to start, and where its pipes are. */
export interface ChildProgram extends Command {
  /** Default: the working directory of this process. */
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /**
   * `pipes`: on fd 3 and fd 4, beside these files for stdout and stderr, and further ones from fd 5 on. `standard`: on stdin and stdout, this
   * file for stderr.
   */
  readonly stdio:
    | {
        readonly kind: 'pipes';
        readonly stdout: number | 'ignore';
        readonly stderr: number | 'ignore';
        readonly files?: readonly number[];
      }
    | { readonly kind: 'standard'; readonly stderr: number };
}

/** The command line of a program of this package, run by this Node. */
export function ownProgram(url: string, execArgv: readonly string[]): Command {
  return { command: process.execPath, argv: [...execArgv, fileURLToPath(url)] };
}

/** Node's arguments for the package conditions of this process, so that a program of this package resolves the same files. */
export function conditions(): string[] {
  const { execArgv } = process;
  return execArgv.flatMap((argument, at) => {
    if (/^(?:-C|--conditions)=/.test(argument)) return [argument];
    return /^(?:-C|--conditions)$/.test(argument) ? [argument, execArgv[at + 1] ?? ''] : [];
  });
}

export interface ChildEvents {
  readonly heard: (message: unknown) => void;
  /** It sent invalid bytes; no further message will be read. */
  readonly garbled: (error: Error) => void;
  /** It has ended, and all its messages have been read. */
  readonly gone: (exit: Exit) => void;
}

/** So many messages that are not urgent are sent together. */
const batch = 12;

const largeBytes = 65_536;

/** How long after its end the pipe is read, ms: another process may keep the pipe open. */
const drainMs = 500;

export class ChildConnection {
  /** Undefined if it could not be started. It leads a process group of its own. */
  readonly pid: number | undefined;
  readonly #process: ChildProcess;
  readonly #toProcess: Writable;
  readonly #fromProcess: Readable;
  readonly #clock: Clock;
  #waiting: Buffer[] = [];
  /** A flush at the end of this turn of the event loop is scheduled. */
  #isToFlush = false;
  #cancelLater: (() => void) | undefined;

  constructor({ command, argv, cwd, env, stdio }: ChildProgram, clock: Clock, events: ChildEvents) {
    this.#clock = clock;
    const isStandard = stdio.kind === 'standard';
    this.#process = spawn(command, argv, {
      detached: true,
      cwd,
      env,
      stdio: isStandard
        ? ['pipe', 'pipe', stdio.stderr]
        : ['ignore', stdio.stdout, stdio.stderr, 'pipe', 'pipe', ...(stdio.files ?? [])],
    });
    this.pid = this.#process.pid;
    // Where file descriptors ran out while its pipes were made, Node leaves it without any.
    const pipes: readonly unknown[] = this.#process.stdio ?? [];
    this.#toProcess = (pipes[isStandard ? 0 : 3] ?? new PassThrough().destroy()) as Writable;
    this.#fromProcess = (pipes[isStandard ? 1 : 4] ?? new PassThrough().destroy()) as Readable;
    this.#toProcess.on('error', () => {}); // It is ending: `gone` follows.
    this.#listen(events, isStandard);
    this.#watchEnd(clock, events);
  }

  /**
   * Sends a message together with all others of the same turn of the event loop.
   * @throws what V8 throws for a message that cannot be serialized; RangeError if it is too long.
   */
  send(message: unknown): void {
    this.sendFrame(encodeFrame(message));
  }

  /** The same for an encoded message. */
  sendFrame(frame: Buffer): void {
    this.#waiting.push(frame);
    if (this.#isToFlush) return;
    this.#isToFlush = true;
    setImmediate(this.flush);
  }

  /** Sends a message with the next one, or when `flush` is called. */
  hold(message: unknown): void {
    this.#waiting.push(encodeFrame(message));
  }

  /**
   * Sends a message that is not urgent: with the next one, with a batch of such messages, or a millisecond later. Every
   * write wakes the other side, which costs more than the message.
   */
  sendLater(message: unknown): void {
    this.#waiting.push(encodeFrame(message));
    if (this.#isToFlush) return;
    if (this.#waiting.length >= batch) {
      this.#isToFlush = true;
      setImmediate(this.flush);
    } else this.#cancelLater ??= this.#clock.after(1, this.flush);
  }

  /** The child does not keep this process alive any more. */
  unref(): void {
    this.#process.unref();
    for (const stream of [this.#toProcess, this.#fromProcess])
      (stream as { readonly unref?: () => void }).unref?.();
  }

  /** Releases its pipes. Only once it is gone, or given up. */
  close(): void {
    this.#cancelLater?.();
    this.#toProcess.destroy();
    this.#fromProcess.destroy();
    this.#process.unref();
  }

  /** Sends the waiting messages at once. */
  readonly flush = (): void => {
    this.#cancelLater?.();
    this.#cancelLater = undefined;
    this.#isToFlush = false;
    const frames = this.#waiting;
    this.#waiting = [];
    if (frames.length === 0 || this.#toProcess.destroyed) return;
    this.#write(frames);
  };

  /** Small frames in one piece; large ones are not copied together. */
  #write(frames: readonly Buffer[]): void {
    const length = frames.reduce((sum, frame) => sum + frame.length, 0);
    if (frames.length === 1 || length < largeBytes) {
      this.#toProcess.write(frames.length === 1 ? frames[0] : Buffer.concat(frames, length));
      return;
    }
    this.#toProcess.cork();
    for (const frame of frames) this.#toProcess.write(frame);
    this.#toProcess.uncork();
  }

  #listen({ heard, garbled }: ChildEvents, isStandard: boolean): void {
    const reader = new FrameReader(isStandard);
    const hear = (chunk: Buffer): void => {
      try {
        reader.push(chunk, heard);
      } catch (error) {
        this.#fromProcess.off('data', hear);
        this.#fromProcess.resume();
        garbled(error as Error);
      }
    };
    this.#fromProcess.on('data', hear);
    this.#fromProcess.on('error', () => {});
  }

  #watchEnd(clock: Clock, { gone }: ChildEvents): void {
    const isSilent = new Promise<void>((resolve) => this.#fromProcess.once('close', resolve));
    let hasEnded = false;
    const end = (exit: Exit): void => {
      if (hasEnded) return;
      hasEnded = true;
      const cancel = clock.after(drainMs, () => this.#fromProcess.destroy());
      void isSilent.then(() => {
        cancel();
        gone(exit);
      });
    };
    this.#process.once('exit', (code, signal) => end(describeExit(code, signal)));
    this.#process.once('error', (error) => end(`could not be started: ${error.message}`));
  }
}

function describeExit(code: number | null, signal: string | null): Exit {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}
