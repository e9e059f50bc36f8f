/**
 * The files that capture the output of one program: stdout, stderr, fd 3 and the report that it may make. They belong to one attempt only, so that
 * its surviving processes cannot write into the next. Reports which evidence may be missing. Knows nothing of processes.
 */
import {
  chownSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  type StatsFs,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  allOrNone,
  Capture,
  type CaptureLimits,
  type EvidenceOptions,
  type HolePuncher,
  type LineSink,
  removeFile,
} from '../capture.ts';
import type { User } from './other-user.ts';

const mebibyte = 1024 * 1024;

/** The most that is read of a report, and of the relevant lines of stdout: longer ones are not evidence. Bytes. */
const mostEvidence = 64 * mebibyte;

const reportLimits: CaptureLimits = {
  kept: 2 * mostEvidence,
  onDisk: 3 * mostEvidence,
  reportedAtOnce: 1024,
};

export class OutputFiles {
  readonly stdout: Capture;
  readonly stderr: Capture;
  /** What is written to fd 3. */
  readonly report: Capture;
  /** For `$PEXEN_REPORT`; the program creates the file. */
  readonly reportPath: string;
  readonly #lines: EvidenceSink;
  #reportSize: number | undefined;

  /** The name must be new in this folder. Where a file cannot be made, the others are closed. `evidence`: how much of stdout is evidence. */
  constructor(
    folder: string,
    name: string,
    limits: CaptureLimits,
    holePuncher: HolePuncher,
    evidence?: 'all',
  ) {
    this.#lines = evidence === 'all' ? new WholeOutput(mostEvidence) : new EvidenceLines(mostEvidence);
    const opener =
      (kind: string, ...given: [CaptureLimits, HolePuncher, EvidenceOptions?]) =>
      () =>
        new Capture(join(folder, `${kind}-${name}`), ...given);
    const all = allOrNone([
      opener('stdout', limits, holePuncher, { lines: this.#lines }),
      opener('stderr', limits, holePuncher),
      opener('fd3', reportLimits, holePuncher, {}),
    ]);
    const [stdout, stderr, report] = all as [Capture, Capture, Capture];
    this.stdout = stdout;
    this.stderr = stderr;
    this.report = report;
    this.reportPath = join(folder, `report-${name}`);
  }

  /** Makes the report for a user that may not make files here. */
  giveReportTo({ uid, gid }: User): void {
    writeFileSync(this.reportPath, '', { mode: 0o600, flag: 'wx' });
    chownSync(this.reportPath, uid, gid);
    this.#reportSize = 0;
  }

  /** True if the program has reported something since the last call. */
  hasReported(): boolean {
    const size = lstatSync(this.reportPath, { throwIfNoEntry: false })?.size;
    const hasGrown = size !== undefined && size !== this.#reportSize;
    if (size !== undefined) this.#reportSize = size;
    return this.report.readNew() !== '' || hasGrown;
  }

  /** What the program wrote to fd 3, and then what it wrote to its report file. `missing` is called with the reason if something may be missing. */
  takeReport(missing: (why: string) => void): string {
    if (this.report.isEmptied)
      missing(
        'the program emptied fd 3, as opening /dev/fd/3 to write does: what it had reported before is lost',
      );
    const { head, tail, totalBytes } = this.report.finishLast();
    if (totalBytes > mostEvidence) missing(`it wrote more to fd 3 than ${inMebibytes(mostEvidence)}`);
    const first = tail === '' ? withNewline(head) : head.slice(0, head.lastIndexOf('\n') + 1);
    return first + this.#takeReportFile(missing);
  }

  /** The relevant lines of stdout, where it is too long to be kept whole. Call it after `stdout.readToEnd` and before `stdout.finish`. */
  takeEvidence(missing: (why: string) => void): string | undefined {
    const evidence = this.stdout.evidence;
    if (this.#lines.isTooMuch)
      missing(`more than ${inMebibytes(mostEvidence)} of its output are ${this.#lines.of}`);
    return evidence;
  }

  /** Removes them. */
  close(): void {
    for (const capture of [this.stdout, this.stderr, this.report]) capture.close();
    if (this.#reportSize !== undefined) removeFile(this.reportPath);
  }

  #takeReportFile(missing: (why: string) => void): string {
    try {
      const facts = lstatSync(this.reportPath, { throwIfNoEntry: false });
      this.#reportSize ??= facts?.size;
      if (facts?.isFile() === true) return this.#readReport(missing);
      if (facts !== undefined) missing(`$PEXEN_REPORT is ${kindOf(facts)}, not a file`);
      else if (this.#reportSize !== undefined) missing('$PEXEN_REPORT was removed by the program');
    } catch (error) {
      missing(`$PEXEN_REPORT cannot be read: ${(error as Error).message}`);
    }
    return '';
  }

  #readReport(missing: (why: string) => void): string {
    const fd = openSync(this.reportPath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = fstatSync(fd);
      if (size > mostEvidence) missing(`$PEXEN_REPORT is larger than ${inMebibytes(mostEvidence)}`);
      const bytes = Buffer.allocUnsafe(Math.min(size, mostEvidence));
      let length = 0;
      for (let more = -1; more !== 0 && length < bytes.length; length += more)
        more = readSync(fd, bytes, length, bytes.length - length, length);
      return bytes.toString('utf8', 0, length);
    } finally {
      closeSync(fd);
    }
  }
}

/** Text that is appended must start a new line. */
function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function kindOf(facts: Stats): string {
  if (facts.isDirectory()) return 'a directory';
  if (facts.isSymbolicLink()) return 'a symbolic link';
  return facts.isFIFO() ? 'a pipe' : 'a socket or a device';
}

function inMebibytes(bytes: number): string {
  return `${bytes / mebibyte} MiB`;
}

// Selects the lines of a program's output that may be evidence: test points, plans and other parts of TAP, with their
// diagnostics. They are kept besides the limited output for people. Knows how such lines start, not what they mean.

/** Of longer lines only the beginning is checked and kept, bytes. */
const longestLine = 16_384;
/** How much of one block of diagnostics is kept, bytes. */
const longestBlock = 65_536;

/** A relevant line, trimmed: a superset of what TAP parsers accept. */
const counts = /^(?:(?:not )?ok\b|\d{1,9}\.\.\d|bail out!|tap version \d|# subtest|[{}]$)/i;

/** Collects what is evidence in a long output. */
interface EvidenceSink extends LineSink {
  /** There was more of it than may be kept: nothing is kept. */
  readonly isTooMuch: boolean;
  /** What it collects, after "its output are". */
  readonly of: string;
}

/** All of it is evidence. */
class WholeOutput implements EvidenceSink {
  readonly of = 'evidence';
  readonly #most: number;
  readonly #kept: Buffer[] = [];
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isTooMuch(): boolean {
    return this.#length > this.#most;
  }

  push(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.isTooMuch) this.#kept.length = 0;
    else this.#kept.push(Buffer.from(bytes));
  }

  end(): string {
    return Buffer.concat(this.#kept).toString();
  }
}

export class EvidenceLines implements EvidenceSink {
  readonly of = 'lines of TAP';
  readonly #most: number;
  readonly #kept: string[] = [];
  #length = 0;
  /** The beginning of the line that is not complete. */
  #rest: Buffer[] = [];
  #restLength = 0;
  /** Diagnostics may follow the line that was kept last. */
  #isAfterPoint = false;
  /** The indentation of the block of diagnostics that is open, and how much of it was kept. */
  #block: string | undefined;
  #blockLength = 0;

  /** `most`: how much is kept in all, bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** There were more lines than may be kept: none is. */
  get isTooMuch(): boolean {
    return this.#length > this.#most;
  }

  /** Takes the next bytes, which may be reused afterwards. */
  push(bytes: Buffer): void {
    let from = 0;
    while (from < bytes.length && !this.isTooMuch) {
      const end = endOfLine(bytes, from);
      if (end === bytes.length) {
        this.#keepRest(bytes.subarray(from));
        return;
      }
      if (this.#restLength > 0) this.#endRest(bytes.subarray(from, end));
      else if (this.#block !== undefined || mayCount(bytes, from, end))
        this.#take(textOf(bytes.subarray(from, end)));
      from = end + 1;
    }
  }

  /** The lines, each with its end. */
  end(): string {
    if (this.#restLength > 0) this.#endRest(nothing);
    return this.#kept.join('');
  }

  #keepRest(bytes: Buffer): void {
    const room = longestLine - this.#restLength;
    if (room > 0) this.#rest.push(Buffer.from(bytes.subarray(0, room)));
    this.#restLength += bytes.length;
  }

  #endRest(bytes: Buffer): void {
    this.#keepRest(bytes);
    const line = Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restLength = 0;
    this.#take(textOf(line));
  }

  #take(line: string): void {
    if (this.#block !== undefined && this.#isInBlock(line, this.#block)) return;
    const content = line.replaceAll(/^\ufeff|\0/g, '').trim();
    if (content === '---' && this.#isAfterPoint) {
      this.#block = line.slice(0, line.length - line.trimStart().length);
      this.#blockLength = 0;
      this.#keep(line);
    } else if (counts.test(content)) {
      this.#isAfterPoint = content.startsWith('ok') || content.startsWith('not');
      this.#keep(line);
    }
  }

  /** A line that ends a block because it is not indented like it gets an end marker before it, so that a parser sees the end, too. */
  #isInBlock(line: string, indent: string): boolean {
    if (line.trimEnd() === `${indent}...`) this.#endBlock(line);
    else if (line.trim() !== '' && !line.startsWith(indent)) {
      this.#endBlock(`${indent}...`);
      return false;
    } else if (this.#blockLength <= longestBlock) {
      this.#blockLength += line.length + 1;
      this.#keep(line);
    }
    return true;
  }

  #endBlock(line: string): void {
    this.#block = undefined;
    this.#isAfterPoint = false;
    this.#keep(line);
  }

  #keep(line: string): void {
    this.#length += line.length + 1;
    if (this.isTooMuch) this.#kept.length = 0;
    else this.#kept.push(`${line}\n`);
  }
}

const nothing = Buffer.alloc(0);

const newline = 10;
const dot = 46;
const zero = 48;
const nine = 57;
/** The first of the bytes that mark a byte order. */
const mark = 0xef;

/** Bytes that may come before the relevant content. */
const isBlank = tableOf(' \t\r\0');
/** The second bytes of relevant lines, by their first: `ok`, `not`, `Bail`, `TAP`, `# `, `---`. */
const secondBytes: readonly (Uint8Array | undefined)[] = Array.from({ length: 256 }, (_, first) => {
  const starts = ['ok', 'no', 'ba', 'bA', 'Ba', 'BA', 'ta', 'tA', 'Ta', 'TA', '# ', '--'];
  const seconds = starts.filter((start) => start.charCodeAt(0) === first).map((start) => start[1]);
  return seconds.length === 0 ? undefined : tableOf(seconds.join(''));
});
const isBrace = tableOf('{}');

/** A quick check that excludes most lines of a flood. */
function mayCount(bytes: Buffer, from: number, end: number): boolean {
  let at = from;
  while (at < end && isBlank[bytes[at] as number] === 1) at++;
  if (at === end) return false;
  const first = bytes[at] as number;
  if (first >= zero && first <= nine) return isRange(bytes, at, end);
  if (first === mark || isBrace[first] === 1) return true;
  return at + 1 < end && secondBytes[first]?.[bytes[at + 1] as number] === 1;
}

/** True if it starts with digits and a dot. */
function isRange(bytes: Buffer, from: number, end: number): boolean {
  let at = from;
  while (at < end && (bytes[at] as number) >= zero && (bytes[at] as number) <= nine) at++;
  return at < end && bytes[at] === dot;
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(characters)) table[byte] = 1;
  return table;
}

function endOfLine(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(newline, from);
  return at === -1 ? bytes.length : at;
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8', 0, Math.min(bytes.length, longestLine));
}

// Notices that a file system is full. A program whose writes fail mostly continues as if nothing had happened, so its report is silently
// incomplete; another program may have filled the disk, and its files may be gone by the end. Knows nothing of programs.

/** With fewer free blocks no file can be written. */
const leastBlocks = 2;
const probe = Buffer.alloc(4096);
/** A test write costs more than a query and also finds exhausted quotas: it is made at most this often, ms. */
const probeMs = 50;

/** The queries to the system. */
export interface DiskProbe {
  /** The state of the file system. */
  readonly facts: () => Pick<StatsFs, 'bavail' | 'bfree' | 'files' | 'ffree'>;
  /** Writes and removes a few bytes. @throws the error of the system. */
  readonly write: () => void;
  readonly close: () => void;
}

export class DiskWatch {
  readonly #probe: DiskProbe;
  #times = 0;
  #probedMs = Number.NEGATIVE_INFINITY;
  #why = '';

  constructor(probe: DiskProbe) {
    this.#probe = probe;
  }

  /** How often it was found full. */
  get times(): number {
    return this.#times;
  }

  /** How it was found full the last time, one sentence. */
  get why(): string {
    return this.#why;
  }

  /** Checks the file system. */
  look(): void {
    const code = this.#isFull();
    if (code === undefined) return;
    this.#times++;
    this.#why = code;
  }

  close(): void {
    this.#probe.close();
  }

  #isFull(): string | undefined {
    try {
      const { bavail, bfree, files, ffree } = this.#probe.facts();
      const free = process.geteuid?.() === 0 ? bfree : bavail;
      if (free < leastBlocks) return 'was full (ENOSPC)';
      if (files > 0 && ffree === 0) return 'had no room for another file (ENOSPC)';
      const nowMs = performance.now();
      if (nowMs - this.#probedMs < probeMs) return undefined;
      this.#probe.write();
      this.#probedMs = nowMs;
      return undefined;
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      return fullCodes.has(code) ? `was full (${code})` : `could not be written to (${code})`;
    }
  }
}

const fullCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Queries the file system of the pool's folder. */
export function diskProbe(folder: string): DiskProbe {
  const path = join(folder, 'probe');
  let fd: number | undefined;
  return {
    facts: () => statfsSync(folder),
    write: () => {
      fd ??= openSync(path, 'w', 0o600);
      writeSync(fd, probe, 0, probe.length, 0);
      ftruncateSync(fd, 0);
    },
    close: () => {
      if (fd === undefined) return;
      closeSync(fd);
      rmSync(path, { force: true });
    },
  };
}
