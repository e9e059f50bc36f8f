/** Captures the output of attempts: keeps its first and last part, and reports it live. In a worker, output outside of attempts is not touched. */
import { StringDecoder } from 'node:string_decoder';
import type { CapturedOutput, PoolOutcomeFacts, TaskUpdate } from '@pexen/core';
import { nextTick } from '../own-globals.ts';

/** How much of each stream is kept: so many characters from the beginning, and so many from the end. */
const kept = { head: 1_048_576, tail: 1_048_576 };

/** One stream of one attempt. */
class Capture {
  readonly #decoder = new StringDecoder('utf8');
  #head = '';
  #tail: string[] = [];
  #tailLength = 0;
  #totalBytes = 0;

  /** Takes a chunk, and returns the text that is complete with it. */
  write(chunk: string | Uint8Array): string {
    const text = typeof chunk === 'string' ? chunk : this.#decoder.write(chunk);
    this.#totalBytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength;
    const forHead = text.slice(0, kept.head - this.#head.length);
    this.#head += forHead;
    this.#keepTail(text.slice(forHead.length));
    return text;
  }

  get captured(): CapturedOutput | undefined {
    if (this.#totalBytes === 0) return undefined;
    const all = this.#tail.join('');
    const tail = all.length > kept.tail ? all.slice(-kept.tail) : all;
    const isWhole = this.#tailLength === 0;
    return { head: this.#head, tail: isWhole ? '' : tail, totalBytes: this.#totalBytes };
  }

  #keepTail(text: string): void {
    if (text === '') return;
    this.#tail.push(text);
    this.#tailLength += text.length;
    if (this.#tail.length < 64 && this.#tailLength < 2 * kept.tail) return;
    const all = this.#tail.join('').slice(-kept.tail);
    this.#tail = [all];
    this.#tailLength = all.length;
  }
}

/** The standard streams of one attempt. */
export class OutputCapture {
  readonly #report: (update: TaskUpdate) => void;
  readonly #streams = { stdout: new Capture(), stderr: new Capture() };

  constructor(report: (update: TaskUpdate) => void) {
    this.#report = report;
  }

  write(stream: 'stdout' | 'stderr', chunk: string | Uint8Array): void {
    const text = this.#streams[stream].write(chunk);
    if (text !== '') this.#report({ kind: 'output', stream, text });
  }

  /** The captured output, for the outcome. */
  get facts(): Pick<PoolOutcomeFacts, 'stdout' | 'stderr'> {
    const stdout = this.#streams.stdout.captured;
    const stderr = this.#streams.stderr.captured;
    return { ...(stdout !== undefined && { stdout }), ...(stderr !== undefined && { stderr }) };
  }
}

/** Returns the capture of the current attempt, if there is one. */
export type CurrentCapture = () => OutputCapture | undefined;

type Write = typeof process.stdout.write;

/** Redirects `process.stdout` and `process.stderr` to the capture of the current attempt, permanently: call it once, in a worker. */
export function redirectOutput(current: CurrentCapture): void {
  for (const stream of ['stdout', 'stderr'] as const) redirect(stream, current);
}

function redirect(stream: 'stdout' | 'stderr', current: CurrentCapture): void {
  const target = process[stream];
  const pass = target.write.bind(target) as (...args: readonly unknown[]) => boolean;
  const write = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    const capture = current();
    if (capture === undefined) return pass(chunk, ...rest);
    const [encoding] = rest;
    const isEncoded =
      typeof chunk === 'string' && typeof encoding === 'string' && !/^utf-?8$/i.test(encoding);
    capture.write(stream, isEncoded ? Buffer.from(chunk, encoding as BufferEncoding) : chunk);
    const done = rest.find((each): each is () => void => typeof each === 'function');
    if (done !== undefined) nextTick(done);
    return true;
  };
  target.write = write as Write;
}
