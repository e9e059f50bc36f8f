/**
 * Picks, from the output of a program as it streams, the lines that may be evidence: test points, plans and what else TAP is made of, with
 * their diagnostics. They are kept whole beside the bound of what is kept for people. Knows how such lines begin, not what they mean.
 */

/** Of longer lines only the beginning is looked at and kept, bytes. */
const longestLine = 16_384;
/** Of one block of diagnostics so much is kept, bytes. */
const longestBlock = 65_536;

/** What counts, trimmed: a superset of what readers of TAP accept. */
const counts = /^(?:(?:not )?ok\b|\d{1,9}\.\.\d|bail out!|tap version \d|# subtest|[{}]$)/i;

export class EvidenceLines {
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

  /** There was more than may be kept: the lines are of no use. */
  get isTooMuch(): boolean {
    return this.#length > this.#most;
  }

  /** Takes what follows. The bytes may be used again afterwards. */
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

  /** The line that ends a block because it is not indented like it is kept, so that whoever reads the lines sees the end, too. */
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

/** Bytes that may stand before what counts. */
const isBlank = tableOf(' \t\r\0');
/** How lines that count go on after their first byte: `ok`, `not`, `Bail`, `TAP`, `# `, `---`. */
const secondBytes: readonly (Uint8Array | undefined)[] = Array.from({ length: 256 }, (_, first) => {
  const starts = ['ok', 'no', 'ba', 'bA', 'Ba', 'BA', 'ta', 'tA', 'Ta', 'TA', '# ', '--'];
  const seconds = starts.filter((start) => start.charCodeAt(0) === first).map((start) => start[1]);
  return seconds.length === 0 ? undefined : tableOf(seconds.join(''));
});
const isBrace = tableOf('{}');

/** A quick look at most lines of a flood, which do not count. */
function mayCount(bytes: Buffer, from: number, end: number): boolean {
  let at = from;
  while (at < end && isBlank[bytes[at] as number] === 1) at++;
  if (at === end) return false;
  const first = bytes[at] as number;
  if (first >= zero && first <= nine) return isRange(bytes, at, end);
  if (first === mark || isBrace[first] === 1) return true;
  return at + 1 < end && secondBytes[first]?.[bytes[at + 1] as number] === 1;
}

/** Does it begin with digits and a dot? */
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
