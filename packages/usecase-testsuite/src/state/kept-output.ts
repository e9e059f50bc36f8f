/**
 * Keeps all output of every attempt of a run in files. A listener of the run: it never waits for the disk, keeps a bounded amount in memory, and
 * writes one file after the other. Does not know who reads the files.
 */
import { writeFile } from 'node:fs';
import { join } from 'node:path';
import {
  type AttemptInfo,
  type CapturedOutput,
  type Clock,
  formatOutput,
  type RunEvent,
  type TaskUpdateEvent,
} from '@pexen/core';
import type { LongOutput } from '@pexen/pool-process';

/** Writes text to a file: at its end, or instead of its content. */
export type WriteText = (
  file: string,
  text: string,
  how: 'append' | 'replace',
  done: (error: Error | null) => void,
) => void;

/** Options of `KeptOutput`. */
export interface KeptOutputOptions {
  /** The directory that the names of files in events are relative to. */
  readonly root: string;
  /** The folder of the files, which exists; relative to the root. */
  readonly folder: string;
  /** The number of the session of the run, from 1, which is part of the names. */
  readonly session: number;
  readonly clock: Clock;
  /** Called once, with the first problem: from then on nothing more is kept. */
  readonly onProblem: (error: Error) => void;
  readonly write?: WriteText;
  /** Removes secrets from whole lines. With it, of an output that is too long to be returned whole the pool writes no file. */
  readonly mask?: (text: string) => string;
  /** How many characters may wait for the disk. Default: 32 Mi. */
  readonly most?: number;
}

type Stream = 'stdout' | 'stderr';

const streams: readonly Stream[] = ['stdout', 'stderr'];

/** Output that waits is written at the latest after this time, ms, or when there is that much of it, characters. */
const longestWait = 1_000;
const chunk = 65_536;
const mostWaiting = 32 * 1024 * 1024;
/** How long the end of the run waits for the disk, ms. */
const closeTimeoutMs = 5_000;

/** The file of one stream of one attempt. */
interface OutputFile {
  /** Relative to the root. */
  readonly name: string;
  waiting: string[];
  waitingLength: number;
  /** How much was reported while the attempt ran, bytes. */
  reported: number;
  /** Some of it was dropped since the disk was too slow. */
  isLossy: boolean;
  /** The text that waits is everything. */
  replaces: boolean;
  /** The pool writes the file. */
  isOfPool: boolean;
  /** Nothing more comes. */
  hasEnded: boolean;
}

/** All output of every attempt of one run. */
export class KeptOutput {
  readonly #options: KeptOutputOptions;
  readonly #write: WriteText;
  readonly #names = new OutputNames();
  /** By path, attempt and stream: the files of attempts that have not ended. */
  readonly #open = new Map<string, OutputFile>();
  /** Those with text that is to be written now. */
  readonly #queue = new Set<OutputFile>();
  #waiting = 0;
  #isWriting = false;
  #failed = false;
  #cancelTimer: (() => void) | undefined;
  #whenWritten: (() => void) | undefined;

  constructor(options: KeptOutputOptions) {
    this.#options = options;
    this.#write = options.write ?? writeText;
  }

  /** Takes what a running body reports. */
  update({ path, attempt, update }: TaskUpdateEvent): void {
    if (this.#failed || update.kind !== 'output') return;
    const file = this.#openFile(path, attempt, update.stream);
    if (file.isOfPool) return;
    file.reported += Buffer.byteLength(update.text);
    this.#append(file, update.text);
    if (file.waitingLength >= chunk) this.#enqueue(file);
    else
      this.#cancelTimer ??= this.#options.clock.after(longestWait, () => {
        this.#cancelTimer = undefined;
        for (const each of this.#open.values()) if (each.waitingLength > 0) this.#enqueue(each);
      });
  }

  /** The file of one stream of an attempt, relative to the root; undefined where nothing is kept any more. */
  fileOf(path: string, attempt: number, stream: Stream): string | undefined {
    return this.#failed ? undefined : this.#nameOf(path, attempt, stream);
  }

  /** The event with the names of the files in it. A recalled result has those of its own session. */
  event(event: RunEvent): RunEvent {
    if (this.#failed || ('recalled' in event && event.recalled !== undefined)) return event;
    if (event.type === 'attempt-ended') {
      const attempt = this.#named(event.path, event.attempt, true);
      return attempt === event.attempt ? event : { ...event, attempt };
    }
    if (event.type !== 'task-finished') return event;
    const attempts = event.attempts.map((each) => this.#named(event.path, each, false));
    return attempts.some((each, at) => each !== event.attempts[at]) ? { ...event, attempts } : event;
  }

  /** The file for an output that is too long to be returned whole: the pool writes it, and what was reported of it is not written any more. */
  leaveToPool(path: string, attempt: number, stream: Stream): LongOutput | undefined {
    if (this.#failed || this.#options.mask !== undefined) return undefined;
    const file = this.#openFile(path, attempt, stream);
    file.isOfPool = true;
    this.#clear(file);
    return {
      file: join(this.#options.root, file.name),
      failed: () => {
        file.isOfPool = false;
        file.isLossy = true;
      },
    };
  }

  /** Resolves when everything is written, or when the disk is too slow for that. */
  async close(): Promise<void> {
    this.#cancelTimer?.();
    for (const file of this.#open.values()) {
      file.hasEnded = true;
      this.#enqueue(file);
    }
    if (!this.#isWriting || this.#failed) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(closeTimeoutMs, () => {
        this.#fail(new Error(`the disk took longer than ${closeTimeoutMs / 1000} s`));
        resolve();
      });
      this.#whenWritten = () => {
        cancel();
        resolve();
      };
    });
  }

  #named(path: string, attempt: AttemptInfo, hasEnded: boolean): AttemptInfo {
    const named: { stdout?: CapturedOutput; stderr?: CapturedOutput } = {};
    for (const stream of streams) {
      const captured = attempt[stream];
      if (hasEnded) this.#end(path, attempt.attempt, stream, captured);
      if (captured !== undefined && captured.totalBytes > 0)
        named[stream] = { ...captured, file: this.#nameOf(path, attempt.attempt, stream) };
    }
    return named.stdout === undefined && named.stderr === undefined ? attempt : { ...attempt, ...named };
  }

  /** Writes the rest; instead of it the captured output, if more of that is there. */
  #end(path: string, attempt: number, stream: Stream, captured: CapturedOutput | undefined): void {
    const total = captured?.totalBytes ?? 0;
    const key = keyOf(path, attempt, stream);
    if (total === 0 && !this.#open.has(key)) return;
    const file = this.#openFile(path, attempt, stream);
    this.#open.delete(key);
    file.hasEnded = true;
    if (file.isOfPool) return;
    if (captured !== undefined && (file.isLossy || file.reported < total)) this.#replace(file, captured);
    this.#enqueue(file);
  }

  #replace(file: OutputFile, captured: CapturedOutput): void {
    const text = captured.tail === '' ? captured.head : formatOutput(captured);
    // Of a long output the captured part may be less than what was reported.
    if (!file.isLossy && captured.tail !== '' && Buffer.byteLength(text) < file.reported) return;
    if (!this.#fits(text.length - file.waitingLength)) {
      file.isLossy = true;
      return;
    }
    this.#clear(file);
    file.isLossy = false;
    file.replaces = true;
    this.#append(file, text);
  }

  #openFile(path: string, attempt: number, stream: Stream): OutputFile {
    const key = keyOf(path, attempt, stream);
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const file: OutputFile = {
      name: this.#nameOf(path, attempt, stream),
      ...{ waiting: [], waitingLength: 0, reported: 0, isLossy: false, replaces: false, isOfPool: false },
      hasEnded: false,
    };
    this.#open.set(key, file);
    return file;
  }

  #nameOf(path: string, attempt: number, stream: Stream): string {
    return join(
      this.#options.folder,
      `${this.#names.of(path)}-s${this.#options.session}-a${attempt}.${stream}`,
    );
  }

  #append(file: OutputFile, text: string): void {
    if (!this.#fits(text.length)) {
      file.isLossy = true;
      return;
    }
    file.waiting.push(text);
    file.waitingLength += text.length;
    this.#waiting += text.length;
  }

  #fits(length: number): boolean {
    return this.#waiting + length <= (this.#options.most ?? mostWaiting);
  }

  #clear(file: OutputFile): void {
    this.#waiting -= file.waitingLength;
    file.waiting = [];
    file.waitingLength = 0;
  }

  #enqueue(file: OutputFile): void {
    if (file.waitingLength === 0 && !file.isLossy) return;
    this.#queue.add(file);
    if (!this.#isWriting) this.#writeNext();
  }

  #writeNext(): void {
    const [file] = this.#queue;
    this.#isWriting = file !== undefined && !this.#failed;
    if (file === undefined || this.#failed) {
      this.#whenWritten?.();
      return;
    }
    this.#queue.delete(file);
    const missing = file.isLossy ? '\n… some of the output is missing here: the disk was too slow …\n' : '';
    const text = this.#take(file) + missing;
    const how = file.replaces ? 'replace' : 'append';
    file.isLossy = false;
    file.replaces = false;
    this.#write(join(this.#options.root, file.name), text, how, (error) => {
      if (error === null) this.#writeNext();
      else this.#fail(error);
    });
  }

  /** The text that waits. Where secrets are removed, a line that is not complete goes on waiting. */
  #take(file: OutputFile): string {
    const all = file.waiting.join('');
    this.#clear(file);
    const { mask } = this.#options;
    if (mask === undefined) return all;
    const end = file.hasEnded ? all.length : all.lastIndexOf('\n') + 1;
    if (end < all.length) this.#append(file, all.slice(end));
    return mask(all.slice(0, end));
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#cancelTimer?.();
    this.#open.clear();
    this.#queue.clear();
    this.#options.onProblem(error);
    this.#whenWritten?.();
  }
}

function keyOf(path: string, attempt: number, stream: Stream): string {
  return `${attempt} ${stream} ${path}`;
}

/** Names of files for call paths: `sys.net.ping` for `sys/net/ping`. */
class OutputNames {
  readonly #byPath = new Map<string, string>();
  /** In lower case, since some file systems do not distinguish cases. */
  readonly #taken = new Set<string>();

  of(path: string): string {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    const plain = fileNameOf(path);
    const name = this.#taken.has(plain.toLowerCase()) ? `${plain}~${this.#byPath.size + 1}` : plain;
    this.#byPath.set(path, name);
    this.#taken.add(name.toLowerCase());
    return name;
  }
}

/** Room for the rest of the name: file systems allow 255 bytes. */
const longestName = 200;

function fileNameOf(path: string): string {
  const plain = path.replaceAll('/', '.').replaceAll(/[^\p{L}\p{N}._-]/gu, '_');
  const start = plain.replace(/^[.-]/, '_');
  let name = start.slice(0, longestName);
  while (Buffer.byteLength(name) > longestName) name = name.slice(0, -1);
  return name.toWellFormed();
}

const writeText: WriteText = (file, text, how, done) =>
  writeFile(file, text, { flag: how === 'append' ? 'a' : 'w', mode: 0o600 }, done);
