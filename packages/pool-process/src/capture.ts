/**
 * One output stream of a process, captured in a file. The process writes directly into the file, so that a
 * slow reader never blocks it; the pool polls the size of the file, keeps its first and last part, and truncates it
 * when it grows. Where the stream is evidence, the relevant lines are read before the file is truncated. Knows nothing of processes.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import type { CapturedOutput } from '@pexen/core';
import { isLinux } from './platform.ts';
import type { Spawner } from './programs/spawner.ts';

/** Sizes in bytes. */
export interface CaptureLimits {
  /** How much is kept, half of it from the beginning and half from the end. */
  readonly kept: number;
  /** The file is truncated when it is larger than that. */
  readonly onDisk: number;
  /** How much is reported in one update; the rest of a longer part is left out. */
  readonly reportedAtOnce: number;
}

/** Takes the lines of a stream as they are read. */
export interface LineSink {
  /** The bytes may be used again afterwards. */
  push(bytes: Buffer): void;
  /** The relevant lines, each with its line end. */
  end(): string;
}

/** Takes bytes in order. */
export interface ByteSink {
  /** The bytes may be used again once this has resolved. */
  write(bytes: Uint8Array): Promise<unknown>;
}

/** For a stream that is evidence. */
export interface EvidenceOptions {
  /** Takes the bytes beyond what is kept, so that no relevant line is lost. Absent: the evidence is what is kept. */
  readonly lines?: LineSink;
}

/** One stream. It is used for one attempt after the other: `begin`, `readNew` any number of times, `finish`. */
export class Capture {
  /** For the process. Every write to it appends to the file. */
  readonly fd: number;
  /** The path, for a helper that opens the file itself, to append. */
  readonly path: string;
  readonly #limits: CaptureLimits;
  readonly #holePuncher: HolePuncher;
  /** Where in the file the attempt's output starts. */
  #start = 0;
  /** Up to where the output was reported. */
  #reportedUpTo = 0;
  /** How much of the attempt's output was truncated, and the parts of it that were kept. */
  #cutAway = 0;
  /** How much of it was freed on the disk. */
  #hollow = 0;
  #head: Buffer | undefined;
  #lastCut: Buffer = empty;
  #decoder: StringDecoder | undefined;
  readonly #lines: LineSink | undefined;
  /** The first bytes of a file that is evidence, as long as the program has not emptied it. */
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

  /** The output of the next attempt starts here. */
  begin(): void {
    this.#begin(this.#size());
  }

  /** How large the file is, bytes. */
  get size(): number {
    return this.#size();
  }

  /** True if the attempt has written nothing and its output ends there. */
  isAt(end: number): boolean {
    return end === this.#start && this.#reportedUpTo === end && this.#cutAway === 0;
  }

  /** True if some of the attempt's output was truncated. Sizes that were read before are meaningless then. */
  get isCut(): boolean {
    return this.#cutAway > 0;
  }

  /** Returns the output since the last call, up to that position of the file; '' if there is none. Truncates a file that is too large. */
  readNew(end: number = Number.POSITIVE_INFINITY): string {
    const size = this.#size();
    if (size < this.#reportedUpTo) this.#noticeEmptied();
    const text = this.#readNewUpTo(Math.min(end, size));
    if (this.#isLong(size)) this.#scan(size, scannedAtOnce);
    if (size - this.#start - this.#hollow > this.#limits.onDisk) this.#makeRoom(size);
    return text;
  }

  /** Reads the relevant lines to the end of the file, with pauses for other work. */
  async readToEnd(): Promise<void> {
    const end = this.#size(); // A process that escaped may write forever.
    while (this.#isLong(end) && !this.#scan(end, scannedAtOnce))
      await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** The relevant lines of an output that was not kept whole. Read it after `readToEnd`, and before `finish`. */
  get evidence(): string | undefined {
    return this.#isLong(this.#size()) ? this.#lines?.end() : undefined;
  }

  /** True if the program itself emptied the file: its earlier content is lost. */
  get isEmptied(): boolean {
    const isGone = !this.#isEmptied && !this.#read(0, markLength).equals(this.#mark);
    if (isGone) this.#noticeEmptied();
    return this.#isEmptied;
  }

  /** Returns the output of the attempt, and prepares the file for the next. */
  finish(): CapturedOutput {
    return this.finishAt(this.#size(), true);
  }

  /** Returns the output of the only attempt. A large file is emptied, since another process may keep it open. */
  finishLast(): CapturedOutput {
    const end = this.#size();
    return this.finishAt(end, end > largeFile);
  }

  /** True if the attempt has written nothing. */
  get isEmpty(): boolean {
    return this.isAt(this.#size());
  }

  /** True if it is too long to be returned whole. */
  get isLong(): boolean {
    return this.#cutAway + this.#size() - this.#start > this.#limits.kept;
  }

  /** Writes all that is left of the attempt's output, with a line in the place of what was left out. Call it before `finish`. */
  async writeTo(sink: ByteSink): Promise<void> {
    const half = this.#limits.kept / 2;
    const end = this.#size();
    const head = this.#head ?? empty;
    const rest = (from: number): Range => ({ from, to: end });
    const parts: readonly (Uint8Array | Range)[] =
      this.#cutAway > 0
        ? [head, leftOut(this.#cutAway - head.length - this.#lastCut.length), this.#lastCut, rest(0)]
        : this.#hollow === 0
          ? [rest(this.#start)]
          : [
              { from: this.#start, to: this.#start + half },
              leftOut(this.#hollow - half),
              rest(this.#start + this.#hollow),
            ];
    const source = await open(this.path, 'r');
    try {
      for (const part of parts) {
        if ('from' in part) await copyRange(source, sink, part);
        else await sink.write(part);
      }
    } finally {
      await source.close();
    }
  }

  /** The same into another file. */
  async copyTo(target: string): Promise<void> {
    const copy = await open(target, 'w', 0o600);
    try {
      await this.writeTo(copy);
    } finally {
      await copy.close();
    }
  }

  /** The same for a writer that continues: output after `end` is the next attempt's, unless the file is emptied. */
  finishAt(end: number, isEmptied: boolean): CapturedOutput {
    const output = end <= this.#start && this.#cutAway === 0 ? nothing : this.#collect(end);
    if (isEmptied && end > 0) ftruncateSync(this.fd, 0);
    this.#begin(isEmptied ? 0 : end);
    return output;
  }

  /** Removes it, if that is possible: a program may have prevented it. */
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

  /** A program empties it by `> /dev/stdout`, for example. */
  #noticeEmptied(): void {
    this.#isEmptied = true;
    this.#reportedUpTo = this.#start = this.#scanned = 0;
  }

  /** True if it is longer than can be kept whole and lines must be read. */
  #isLong(size: number): boolean {
    return this.#lines !== undefined && size - this.#start > this.#limits.kept;
  }

  /** Reads lines from at most so many bytes. True once all are read. */
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

  /** Frees the middle, which is not kept; where the system cannot do that, truncates the file. */
  #makeRoom(size: number): void {
    const half = this.#limits.kept / 2;
    const from = this.#start + Math.max(half, this.#hollow);
    const to = Math.min(size - half, this.#lines === undefined ? size : this.#scanned);
    if (this.#holePuncher.isPossible) {
      if (to <= from) return;
      this.#holePuncher.makeHole(this.path, from, to);
      this.#hollow = to - this.#start;
    } else if (this.#lines === undefined) this.#cutBack(size);
    // Evidence is not truncated, since some of it would be lost: it stays on the disk until the attempt ends.
  }

  /** Output that is written between the last two steps is lost and not counted: the writer cannot be paused. */
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
    // Output may be missing where the file was truncated last, so that place is marked.
    const before = missing === 0 ? '' : `${tailText(this.#lastCut.subarray(-missing))}\n…\n`;
    return { head: headText(head), tail: before + tailText(last), totalBytes };
  }

  #size(): number {
    return fstatSync(this.fd).size;
  }

  /** Reads into the given buffer if it fits, since garbage of megabytes takes long to collect. */
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

/** A part of a file, bytes. */
interface Range {
  readonly from: number;
  readonly to: number;
}

async function copyRange(source: FileHandle, sink: ByteSink, { from, to }: Range): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(copiedAtOnce, to - from));
  for (let at = from; at < to; ) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, to - at), at);
    if (bytesRead === 0) return; // The file was emptied meanwhile.
    await sink.write(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

function leftOut(bytes: number): Buffer {
  return Buffer.from(`\n… ${bytes} bytes left out …\n`);
}

/** Removes a file, if possible. The folder of the pool is removed later, and reports what could not be removed. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It does not exist or is a directory, a mount point or immutable.
  }
}

const empty = Buffer.alloc(0);
const copiedAtOnce = 1024 * 1024;
const largeFile = 1024 * 1024;
const markLength = 8;
const mark = randomBytes(markLength);
/** Shared: the bytes that are read into it are used at once. */
const chunk = Buffer.alloc(256 * 1024);
/** How much is read without a pause, bytes. */
const scannedAtOnce = 32 * 1024 * 1024;
const nothing: CapturedOutput = { head: '', tail: '', totalBytes: 0 };

// Frees the disk space of a part of a file while other processes write to it.

/** Makes holes in files. */
export interface HolePuncher {
  /** False once it has failed. */
  readonly isPossible: boolean;
  /** Makes that part of the file a hole: it reads as zeros, and the size does not change. It happens soon, or never. */
  makeHole(path: string, from: number, to: number): void;
}

/** `$1`: the file. A file that is gone meanwhile is not a failure. */
const script = '[ -e "$1" ] || exit 0; file=$1; shift; exec fallocate "$@" "$file"';

/** A slot that no task uses. */
const ownSlot = 2 ** 31;

/**
 * Uses a program of util-linux, since Node has no call for holes; a helper starts it, since a large process needs long to do so. After a failure
 * it is not tried again.
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

// Decodes bytes that were cut in the middle of characters.

/** The text of bytes that were cut at their end: an incomplete last character is left out. */
export function headText(bytes: Buffer): string {
  return bytes.toString('utf8', 0, bytes.length - cutOffAtEnd(bytes));
}

/** The text of bytes that were cut at their beginning: an incomplete first character is left out. */
export function tailText(bytes: Buffer): string {
  let from = 0;
  while (from < 3 && isContinuation(bytes[from])) from++;
  return bytes.toString('utf8', from);
}

/** How many bytes at the end belong to an incomplete character. */
function cutOffAtEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (!isContinuation(byte)) return lengthOf(byte) > back ? back : 0;
  }
  return 0;
}

/** How many bytes a character has that starts with this one; 1 for a byte that starts none. */
function lengthOf(byte: number): number {
  if (byte < 0xc0 || byte >= 0xf8) return 1;
  if (byte >= 0xf0) return 4;
  return byte >= 0xe0 ? 3 : 2;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

// Opening several resources together.

/** Calls the makers one after the other; where one throws, closes what was made before and rethrows. */
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
