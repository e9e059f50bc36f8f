/**
 * Where a report goes, and when: a file that appears as a whole at the end, a file that grows, or standard output. Does not know what is in a
 * report.
 */
import { closeSync, fstatSync, fsyncSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Clock, refuse } from '@pexen/core';
import { type KindsOf, optionProblems } from '@pexen/core/options';
import { systemClock } from '@pexen/core/timers';
import { Guard } from './between-events.ts';
import { divertOutput } from './divert-output.ts';
import type { TerminalStream } from './options.ts';
import { Output } from './output.ts';
import { fromHere } from './text/report-texts.ts';
import { openGrowing, prepareFile, writeWhole } from './write-file.ts';

/** Where a report is written. */
export interface SinkOptions {
  /** Default: no file, the stream. */
  readonly file?: string;
  /** Default: `process.stdout`. */
  readonly stream?: TerminalStream;
}

/** A report that is written in one piece, at the end of the run or when the process exits before that. */
export class WholeReport {
  readonly #title: string;
  readonly #file: string | undefined;
  readonly #output: Output | undefined;
  readonly #isStdout: boolean;
  #release: (() => void) | undefined;
  #pieces: (() => Iterable<string>) | undefined;
  #isComplete = false;
  /** An exit in the middle of a run writes the report, too. Its errors cannot be reported any more. */
  readonly #writeAtExit = (): void => {
    try {
      this.#write();
    } catch {
      // The process is ending.
    }
  };

  /** `title` for the sentence about it: `JUnit report`. */
  constructor(title: string, { file, stream }: SinkOptions) {
    this.#title = title;
    this.#file = file === undefined ? undefined : resolve(file);
    this.#output = file === undefined ? new Output(stream ?? process.stdout) : undefined;
    this.#isStdout = file === undefined && stream === undefined;
  }

  /**
   * The run has started: `pieces` will be the report. Removes an older file, so that it cannot be mistaken for this run's.
   * @throws now, if the file could not be written later
   */
  start(pieces: () => Iterable<string>): void {
    if (this.#file !== undefined) prepareFile(this.#file);
    if (this.#isStdout) this.#release = divertOutput();
    this.#pieces = pieces;
    process.once('exit', this.#writeAtExit);
  }

  async close(): Promise<void> {
    this.#write();
    await this.#output?.close();
    this.#release?.();
  }

  /** Nothing where the file is a stream of a shell: what is in it is seen. */
  written(): string | undefined {
    return this.#isComplete ? writtenSentence(this.#title, this.#file) : undefined;
  }

  #write(): void {
    const pieces = this.#pieces;
    process.removeListener('exit', this.#writeAtExit);
    if (pieces === undefined) return;
    this.#pieces = undefined;
    if (this.#file !== undefined) writeWhole(this.#file, pieces());
    else for (const piece of pieces()) this.#output?.write(piece);
    this.#isComplete = true;
  }
}

/** How much waits before it is written, characters; and for how long, ms. */
const MOST_WAITING = 64 * 1024;
const LONGEST_WAIT = 200;

/** A report that is written as the run goes on: what happened is in it a moment later. */
export class GrowingReport {
  readonly #title: string;
  readonly #file: string | undefined;
  readonly #output: Output | undefined;
  readonly #isStdout: boolean;
  readonly #clock: Clock;
  readonly #later = new Guard();
  #release: (() => void) | undefined;
  #handle: number | undefined;
  #waiting = '';
  #cancel: (() => void) | undefined;
  #end: (() => string) | undefined;
  #isComplete = false;
  readonly #writeAtExit = (): void => this.#later.attempt(() => this.#finish());

  /** `title` for the sentence about it: `TAP report`. */
  constructor(title: string, { file, stream }: SinkOptions, clock: Clock = systemClock) {
    this.#title = title;
    this.#file = file === undefined ? undefined : resolve(file);
    this.#output = file === undefined ? new Output(stream ?? process.stdout) : undefined;
    this.#isStdout = file === undefined && stream === undefined;
    this.#clock = clock;
  }

  /** The run has started: `end` will be the last piece. @throws if the file cannot be written */
  start(end: () => string): void {
    if (this.#file !== undefined) this.#handle = openGrowing(this.#file);
    if (this.#isStdout) this.#release = divertOutput();
    this.#end = end;
    process.once('exit', this.#writeAtExit);
  }

  write(text: string): void {
    if (this.#output !== undefined) this.#output.write(text);
    else this.#wait(text);
  }

  async close(): Promise<void> {
    this.#finish();
    await this.#output?.close();
    this.#release?.();
    this.#later.rethrow();
  }

  written(): string | undefined {
    return this.#isComplete ? writtenSentence(this.#title, this.#file) : undefined;
  }

  #wait(text: string): void {
    this.#waiting += text;
    if (this.#waiting.length >= MOST_WAITING) this.#flush();
    else
      this.#cancel ??= this.#clock.after(LONGEST_WAIT, () => this.#later.attempt(() => this.#flush()), {
        keepsAlive: false,
      });
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const text = this.#waiting;
    this.#waiting = '';
    if (text !== '' && this.#handle !== undefined) writeFileSync(this.#handle, text);
  }

  #finish(): void {
    const end = this.#end;
    process.removeListener('exit', this.#writeAtExit);
    if (end === undefined) return;
    this.#end = undefined;
    try {
      this.write(end());
      this.#flush();
      this.#isComplete = true;
    } finally {
      this.#cancel?.();
      if (this.#handle !== undefined) closeSafely(this.#handle);
      this.#handle = undefined;
    }
  }
}

function closeSafely(handle: number): void {
  try {
    if (fstatSync(handle).isFile()) fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function writtenSentence(title: string, file: string | undefined): string | undefined {
  if (file === undefined || /^\/(?:dev|proc)\//.test(file)) return undefined;
  return `${title}: ${fromHere(file)}`;
}

/** @throws PexenError PEXEN_BAD_OPTION */
export function checkOptions<Options extends object>(
  name: string,
  options: Options,
  kinds: KindsOf<Options>,
): void {
  refuse(optionProblems(name, options, kinds));
}
