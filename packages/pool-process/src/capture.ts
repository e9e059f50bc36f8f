/**
 * One output stream of a process, caught in a file. The process writes straight into it, so that a
 * slow reader never holds the writer up; we look at its size from time to time, keep the first and the last part, and cut it back
 * when it grows. Where it is evidence, the lines that count are read before anything is cut. Knows nothing of processes.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { CapturedOutput } from '@pexen/core';
import { isLinux } from './platform.ts';
import type { Spawner } from './programs/spawner.ts';

/** Sizes in bytes. */
export interface CaptureLimits {
  /** How much is kept of it, half of it from the beginning and half from the end. */
  readonly kept: number;
  /** The file is cut back when it is larger than that. */
  readonly onDisk: number;
  /** How much of it is told at once; what is more is left out of the news. */
  readonly reportedAtOnce: number;
}

/** Takes the lines of a stream as they are read. */
export interface LineSink {
  /** The bytes may be used again afterwards. */
  push(bytes: Buffer): void;
  /** The lines that count, each with its end. */
  end(): string;
}

/** For a stream that is evidence. */
export interface EvidenceOptions {
  /** Takes what is more than is kept, so that no line that counts is lost. Absent: evidence is what is kept. */
  readonly lines?: LineSink;
}

/** One stream. It is used for one attempt after the other: `begin`, `news` any number of times, `finish`. */
export class Capture {
  /** To be handed to the process. Every write to it goes to the end of the file. */
  readonly fd: number;
  /** The same, for who must open it himself: to append. */
  readonly path: string;
  readonly #limits: CaptureLimits;
  readonly #holePuncher: HolePuncher;
  /** Where in the file the attempt's output starts. */
  #start = 0;
  /** Up to where it was told. */
  #reportedUpTo = 0;
  /** How much of the attempt's output was cut away, and the parts of it that were kept. */
  #cutAway = 0;
  /** How much of it takes no room on the disk any more. */
  #hollow = 0;
  #head: Buffer | undefined;
  #lastCut: Buffer = empty;
  #decoder: StringDecoder | undefined;
  readonly #lines: LineSink | undefined;
  /** What stands at the beginning of a file that is evidence, as long as the program has not emptied it. */
  readonly #mark: Buffer;
  #isEmptied = false;
  /** Up to where lines were read. */
  #scanned = 0;

  /** The file must not exist. With `evidence` it is used for one attempt only. */
  constructor(path: string, limits: CaptureLimits, holePuncher: HolePuncher, evidence?: EvidenceOptions) {
    this.fd = openSync(path, 'ax+', 0o600);
    this.path = path;
    this.#limits = limits;
    this.#holePuncher = holePuncher;
    this.#lines = evidence?.lines;
    this.#mark = evidence === undefined ? empty : mark;
    if (evidence === undefined) return;
    try {
      writeSync(this.fd, this.#mark);
    } catch (error) {
      this.close();
      throw error;
    }
    this.#begin(markLength);
  }

  /** From here on it is the output of the next attempt. */
  begin(): void {
    this.#begin(this.#size());
  }

  /** How large the file is, bytes. */
  get size(): number {
    return this.#size();
  }

  /** Has the attempt written nothing, if its output ends there? */
  isAt(end: number): boolean {
    return end === this.#start && this.#reportedUpTo === end && this.#cutAway === 0;
  }

  /** Was some of the attempt's output cut away? Then sizes that others saw mean nothing. */
  get isCut(): boolean {
    return this.#cutAway > 0;
  }

  /** What came since it was last asked, up to that place in the file; '' if nothing did. Cuts back what is too large. */
  readNew(end: number = Number.POSITIVE_INFINITY): string {
    const size = this.#size();
    if (size < this.#reportedUpTo) this.#noticeEmptied();
    const text = this.#readNewUpTo(Math.min(end, size));
    if (this.#isLong(size)) this.#scan(size, scannedAtOnce);
    if (size - this.#start - this.#hollow > this.#limits.onDisk) this.#makeRoom(size);
    return text;
  }

  /** Reads the lines that count to the end of what was written, without holding up what else is to be done. */
  async readToEnd(): Promise<void> {
    const end = this.#size(); // Whoever escaped may go on writing for ever.
    while (this.#isLong(end) && !this.#scan(end, scannedAtOnce))
      await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Of an output that was not kept whole, the lines that count. Ask after `readToEnd`, and before `finish`. */
  get evidence(): string | undefined {
    return this.#isLong(this.#size()) ? this.#lines?.end() : undefined;
  }

  /** Did the program itself empty the file? Then what stood in it before is lost. */
  get isEmptied(): boolean {
    const isGone = !this.#isEmptied && !this.#read(0, markLength).equals(this.#mark);
    if (isGone) this.#noticeEmptied();
    return this.#isEmptied;
  }

  /** The output of the attempt, and the file made ready for the next. */
  finish(): CapturedOutput {
    return this.finishAt(this.#size(), true);
  }

  /** The output of the only attempt. What is large takes no room any more, though somebody may have it open. */
  finishLast(): CapturedOutput {
    const end = this.#size();
    return this.finishAt(end, end > largeFile);
  }

  /** The same for a writer that goes on: what follows `end` is the next attempt's, unless the file is to be emptied. */
  finishAt(end: number, isEmptied: boolean): CapturedOutput {
    const output = end <= this.#start && this.#cutAway === 0 ? nothing : this.#collect(end);
    if (isEmptied && end > 0) ftruncateSync(this.fd, 0);
    this.#begin(isEmptied ? 0 : end);
    return output;
  }

  /** Removes it, if it can be removed: a program may have forbidden that. */
  close(): void {
    closeSync(this.fd);
    removeFile(this.path);
  }

  #begin(start: number): void {
    this.#start = start;
    this.#reportedUpTo = start;
    this.#cutAway = 0;
    this.#hollow = 0;
    this.#head = undefined;
    this.#lastCut = empty;
    this.#decoder = undefined;
  }

  /** As `> /dev/stdout` does. */
  #noticeEmptied(): void {
    this.#isEmptied = true;
    this.#reportedUpTo = this.#start = this.#scanned = 0;
  }

  /** Is it more than can be kept whole, and are there lines to be read? */
  #isLong(size: number): boolean {
    return this.#lines !== undefined && size - this.#start > this.#limits.kept;
  }

  /** Reads lines, so many bytes at most. True once all are read. */
  #scan(size: number, atMost: number): boolean {
    this.#scanned = Math.max(this.#scanned, this.#start);
    const end = Math.min(size, this.#scanned + atMost);
    while (this.#scanned < end) {
      const bytes = this.#read(this.#scanned, Math.min(end, this.#scanned + chunk.length), chunk);
      if (bytes.length === 0) return true; // The program emptied it meanwhile.
      this.#lines?.push(bytes);
      this.#scanned += bytes.length;
    }
    return this.#scanned >= size;
  }

  #readNewUpTo(end: number): string {
    const fresh = end - this.#reportedUpTo;
    if (fresh <= 0) return '';
    const skipped = Math.max(0, fresh - this.#limits.reportedAtOnce);
    this.#decoder ??= new StringDecoder('utf8');
    const text = this.#decoder.write(this.#read(this.#reportedUpTo + skipped, end));
    this.#reportedUpTo = end;
    return skipped === 0 ? text : `\n… ${skipped} bytes left out …\n${text}`;
  }

  /** Frees the middle, which will not be kept; where the system cannot do that, the file is cut back. */
  #makeRoom(size: number): void {
    const half = this.#limits.kept / 2;
    const from = this.#start + Math.max(half, this.#hollow);
    const to = Math.min(size - half, this.#lines === undefined ? size : this.#scanned);
    if (this.#holePuncher.isPossible) {
      if (to <= from) return;
      this.#holePuncher.makeHole(this.path, from, to);
      this.#hollow = to - this.#start;
    } else if (this.#lines === undefined) this.#cutBack(size);
    // Evidence is not cut back, since some of it would be lost: it takes its room on the disk until the attempt ends.
  }

  /** What is written between the last two steps is lost and not even counted: nothing here could hold the writer up. */
  #cutBack(size: number): void {
    const half = this.#limits.kept / 2;
    this.#head ??= this.#read(this.#start, Math.min(size, this.#start + half));
    this.#lastCut = this.#read(Math.max(this.#start, size - half), size, this.#lastCut);
    this.#cutAway -= this.#start;
    this.#start = 0;
    this.#reportedUpTo = 0;
    this.#cutAway += this.#size();
    ftruncateSync(this.fd, 0);
  }

  #collect(end: number): CapturedOutput {
    const start = Math.min(this.#start, end);
    const half = this.#limits.kept / 2;
    const totalBytes = this.#cutAway + end - start;
    if (totalBytes <= this.#limits.kept && this.#cutAway === 0) {
      return { head: this.#read(start, end).toString('utf8'), tail: '', totalBytes };
    }
    const head = this.#head ?? this.#read(start, start + half);
    const last = this.#read(Math.max(start, end - half), end);
    const missing = half - last.length;
    // Where it was cut last something may be missing, so the reader is shown the place.
    const before = missing === 0 ? '' : `${tailText(this.#lastCut.subarray(-missing))}\n…\n`;
    return { head: headText(head), tail: before + tailText(last), totalBytes };
  }

  #size(): number {
    return fstatSync(this.fd).size;
  }

  /** Into the buffer that is given if it fits, since garbage of megabytes takes long to be collected. */
  #read(from: number, to: number, into: Buffer = empty): Buffer {
    const bytes = into.length >= to - from ? into.subarray(0, to - from) : Buffer.allocUnsafe(to - from);
    let length = 0;
    while (length < bytes.length) {
      const more = readSync(this.fd, bytes, length, bytes.length - length, from + length);
      if (more === 0) break; // The program emptied it meanwhile.
      length += more;
    }
    return bytes.subarray(0, length);
  }
}

/** Removes a file that is there, if possible. What is left goes with the folder of the pool, or is told then. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone or a directory, something is mounted on it, or it was made immutable.
  }
}

const empty = Buffer.alloc(0);
const largeFile = 1024 * 1024;
const markLength = 8;
const mark = randomBytes(markLength);
/** One for all: what is read into it is used at once. */
const chunk = Buffer.alloc(256 * 1024);
/** So much is read without a pause, bytes. */
const scannedAtOnce = 32 * 1024 * 1024;
const nothing: CapturedOutput = { head: '', tail: '', totalBytes: 0 };

// What frees the room that a part of a file takes on the disk, while others go on writing to it.

/** Makes holes in files. */
export interface HolePuncher {
  /** Whether it is worth trying. */
  readonly isPossible: boolean;
  /** Makes that part of the file a hole: it reads as zeros, and the size stays. Happens soon, or never. */
  makeHole(path: string, from: number, to: number): void;
}

// Has a helper make holes in files.

/** `$1`: the file. That it is gone meanwhile proves nothing. */
const script = '[ -e "$1" ] || exit 0; file=$1; shift; exec fallocate "$@" "$file"';

/** No program of a task has it. */
const ownSlot = 2 ** 31;

/**
 * Node has no call for it, util-linux has a program; a helper starts it, since a large process needs long to do so. If it cannot do that, it
 * is not possible from then on.
 */
export class HelperHolePuncher implements HolePuncher {
  isPossible: boolean = isLinux;
  readonly #spawner: Spawner;

  constructor(spawner: Spawner) {
    this.#spawner = spawner;
  }

  makeHole(path: string, from: number, to: number): void {
    const range = ['--punch-hole', '--offset', String(from), '--length', String(to - from)];
    const argv = ['-c', script, 'sh', path, ...range];
    const files = ['/dev/null', '/dev/null'];
    const fail = (): void => {
      this.isPossible = false;
    };
    const ended = (exitCode: number | null): void => {
      if (exitCode !== 0 && exitCode !== null) fail();
    };
    this.#spawner.start(
      { slot: ownSlot, file: '/bin/sh', argv, cwd: '/', env: {}, files },
      { running: () => {}, refused: fail, ended, lost: () => {} },
    );
  }
}

// Bytes as text, where the bytes were cut at places that know nothing of characters.

/** The text of bytes from the beginning of something: a character that is cut off at the end is left out. */
export function headText(bytes: Buffer): string {
  return bytes.toString('utf8', 0, bytes.length - cutOffAtEnd(bytes));
}

/** The text of bytes from the end of something: a character that is cut off at the beginning is left out. */
export function tailText(bytes: Buffer): string {
  let from = 0;
  while (from < 3 && isContinuation(bytes[from])) from++;
  return bytes.toString('utf8', from);
}

/** How many bytes at the end belong to a character that is not complete. */
function cutOffAtEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (!isContinuation(byte)) return lengthOf(byte) > back ? back : 0;
  }
  return 0;
}

/** How many bytes a character has that begins with this one; 1 for what begins none. */
function lengthOf(byte: number): number {
  if (byte < 0xc0 || byte >= 0xf8) return 1;
  if (byte >= 0xf0) return 4;
  return byte >= 0xe0 ? 3 : 2;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

// Several things that are opened together.

/** Makes one after the other; where one cannot be made, closes those made before and throws what was thrown. */
export function allOrNone<T extends { close(): void }>(makers: readonly (() => T)[]): T[] {
  const made: T[] = [];
  try {
    for (const make of makers) made.push(make());
    return made;
  } catch (error) {
    for (const each of made) each.close();
    throw error;
  }
}
