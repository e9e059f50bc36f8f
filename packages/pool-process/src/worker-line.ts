/**
 * A worker process and the pipes to it: starting it, sending, hearing, and the moment when it is gone and everything it said
 * has been heard. Knows nothing of what is said.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Capture } from './capture.ts';
import { encodeFrame, FrameReader } from './codec.ts';
import { cookieVariable } from './cookie.ts';
import type { Means } from './means.ts';
import type { ProcessTree } from './process-tree.ts';

/** How a process ended, as people say it: `exited with code 7`. */
export type Exit = string;

export interface LineEvents {
  readonly heard: (message: unknown) => void;
  /** It sent what is no message; nothing more will be heard. */
  readonly garbled: (error: Error) => void;
  /** It has ended, and all it said was heard. */
  readonly gone: (exit: Exit) => void;
}

/** What it said is waited for so long after its end, ms: somebody else may have its pipe open. */
const drainMs = 500;

export class WorkerLine {
  readonly stdout: Capture;
  readonly stderr: Capture;
  /** Undefined if it could not even be started. */
  readonly tree: ProcessTree | undefined;
  readonly #process: ChildProcess;
  readonly #toWorker: Writable;
  readonly #fromWorker: Readable;
  #waiting: Buffer[] = [];

  constructor(slot: number, means: Means, events: LineEvents) {
    const { clock, settings } = means;
    const cookie = means.cookies.next();
    const open = (stream: string) =>
      new Capture(join(means.folder, `worker-${slot}-${stream}`), settings.limits);
    this.stdout = open('stdout');
    this.stderr = open('stderr');
    this.#process = spawn(process.execPath, [...settings.execArgv, childProgram()], {
      detached: true,
      env: { ...means.env, PEXEN_SLOT: String(slot), [cookieVariable]: cookie },
      stdio: ['ignore', this.stdout.fd, this.stderr.fd, 'pipe', 'pipe'],
    });
    const { pid } = this.#process;
    this.tree = pid === undefined ? undefined : { pid, cookie };
    this.#toWorker = this.#process.stdio[3] as Writable;
    this.#fromWorker = this.#process.stdio[4] as Readable;
    this.#toWorker.on('error', () => {}); // It is about to be gone: `gone` will say so.
    this.#listen(events);
    const isSilent = new Promise<void>((resolve) => this.#fromWorker.once('close', resolve));
    const end = (exit: Exit): void => {
      const tell = once(() => events.gone(exit));
      const cancel = clock.after(drainMs, () => this.#fromWorker.destroy());
      isSilent.then(cancel).then(tell);
    };
    this.#process.once('exit', (code, signal) => end(describeExit(code, signal)));
    this.#process.once('error', (error) => end(`could not be started: ${error.message}`));
  }

  /**
   * Sends it together with all that is sent in the same turn of the event loop.
   * @throws what V8 throws for a message that cannot be serialized; RangeError if it is too long.
   */
  send(message: unknown): void {
    this.#waiting.push(encodeFrame(message));
    if (this.#waiting.length === 1) setImmediate(() => this.#flush());
  }

  /** Frees what is left of it. Only once it is gone, or given up. */
  close(): void {
    this.stdout.close();
    this.stderr.close();
    this.#toWorker.destroy();
    this.#fromWorker.destroy();
    this.#process.unref();
  }

  #flush(): void {
    const frames = this.#waiting;
    this.#waiting = [];
    if (this.#toWorker.destroyed) return;
    this.#toWorker.write(frames.length === 1 ? frames[0] : Buffer.concat(frames));
  }

  #listen({ heard, garbled }: LineEvents): void {
    const reader = new FrameReader();
    const hear = (chunk: Buffer): void => {
      try {
        for (const message of reader.push(chunk)) heard(message);
      } catch (error) {
        this.#fromWorker.off('data', hear);
        this.#fromWorker.resume();
        garbled(error as Error);
      }
    };
    this.#fromWorker.on('data', hear);
    this.#fromWorker.on('error', () => {});
  }
}

function describeExit(code: number | null, signal: string | null): Exit {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}

function childProgram(): string {
  return fileURLToPath(import.meta.resolve('@pexen/pool-process/child'));
}

function once(callback: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) callback();
    isDone = true;
  };
}
