/**
 * Reads TAP (12 to 14, subtests included) line by line as findings, in bounded memory. A fault of the output as a whole, such as a plan that
 * does not hold, is a failing finding, too: a test that ends half-way must not pass. Knows nothing of exit codes.
 */
import type { Finding } from '@pexen/core';
import { closesQuote, type Diagnostics, opensQuote, readBlock, readRemarks } from './diagnostics.ts';
import { FindingList } from './findings.ts';

/** The contents of TAP output. */
export interface Tap {
  readonly findings: FindingList;
  /** Why all tests were skipped, if they were: `1..0 # skip no network`. */
  readonly skippedAll?: string;
}

/** How to read TAP. */
export interface TapOptions {
  /** True: the output must be TAP. Default: it may be. */
  readonly isWanted?: boolean;
  readonly dialect?: TapDialect;
  /** Called with each line that is not part of TAP, in order. */
  readonly other?: (line: string) => void;
}

/**
 * The findings in a text.
 * @returns undefined if the output is not TAP and need not be
 */
export function readTap(
  text: string,
  { isWanted = false, dialect = 'tap14', other = () => {} }: TapOptions = {},
): Tap | undefined {
  const reader = new TapReader(dialect, other);
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    const end = newline === -1 ? text.length : newline;
    reader.push(text.slice(from, Math.min(end, from + longestLine)));
    from = end + 1;
  }
  const tap = reader.end(isWanted);
  if (tap !== undefined || !isWanted) return tap;
  const findings = new FindingList();
  findings.add({ name: 'TAP', status: 'fail', message: 'the output contains no TAP' });
  return { findings };
}

/** Longer lines are cut before they are read, characters. */
const longestLine = 10_000;
const deepestIndent = 64;
const indentOfLevel = 4;
/** How much of one YAML block is read, characters. */
const longestBlock = 40_000;
/** How many lines of comments below a point are read. */
const mostRemarks = 40;
/** At most this many out-of-sequence numbers are remembered, to find duplicates. */
const mostNumbers = 100_000;

/** A finding to which diagnostics may be added. */
type OpenFinding = { -readonly [Key in keyof Finding]: Finding[Key] };

interface Block {
  readonly indent: string;
  readonly lines: string[];
  length: number;
  /** Inside of a text in double quotes. */
  isQuoted: boolean;
  /**
   * Lines without the indentation of the block. They belong to it if they are inside of quotes, and the block continues behind
   * these; otherwise the block had ended before them.
   */
  pending: string[];
}

/** Reads one output. */
class TapReader {
  readonly #dialect: TapDialect;
  readonly #findings = new FindingList();
  readonly #skipped: string[] = [];
  #documents = 0;
  #document: Document;
  /** The YAML block that is open: its indentation and its lines. */
  #block: Block | undefined;
  #hasVersion = false;
  #hasPlan = false;
  #hasPoint = false;
  #hasSkippedPlan = false;
  #hasNumberedFailure = false;
  readonly #other: (line: string) => void;

  constructor(dialect: TapDialect, other: (line: string) => void) {
    this.#other = other;
    this.#dialect = dialect;
    this.#document = new Document(dialect);
  }

  push(raw: string): void {
    const line = harmless(raw);
    if (this.#block !== undefined && this.#isInBlock(line, this.#block)) return;
    const content = line.trimStart();
    const indent = line.slice(0, line.length - content.length);
    if (content === '---' && indent !== '' && this.#document.awaitsDiagnostics) {
      this.#block = { indent, lines: [], length: 0, isQuoted: false, pending: [] };
      return;
    }
    const depth = depthOf(indent);
    const read = content === '' || depth === undefined ? undefined : readTapLine(content, this.#dialect);
    if (read === undefined || depth === undefined) {
      if (!this.#isRemark(content)) this.#other(raw);
      return;
    }
    if (depth === 0) this.#notice(read);
    if (depth === 0 && this.#document.isEndedBy(read)) this.#endDocument();
    this.#document.push(read, depth);
  }

  /** A comment that belongs to the point above it, or to the counts that some tools print at the end. */
  #isRemark(content: string): boolean {
    if (!content.startsWith('#')) return false;
    return counts.test(content) ? this.#hasPoint : this.#document.remark(content.slice(1));
  }

  /** Undefined: it was not TAP. With `isWanted`, test points without a plan are TAP of a program that ended half-way. */
  end(isWanted: boolean): Tap | undefined {
    while (this.#block !== undefined) this.#abandonQuote(this.#block);
    const isPlanned = this.#hasPlan && (this.#hasPoint || this.#hasSkippedPlan);
    const isTap = this.#hasVersion || isPlanned || this.#hasNumberedFailure || (isWanted && this.#hasPoint);
    if (!isTap) return undefined;
    this.#endDocument();
    const isSkipped = this.#findings.length === 0 && this.#skipped.length === this.#documents;
    return { findings: this.#findings, ...(isSkipped && { skippedAll: this.#skipped.join('; ') }) };
  }

  /** Collects evidence that the output is TAP: a version, a plan and test points, or a numbered test point that failed. */
  #notice(line: TapLine): void {
    this.#hasVersion ||= line.kind === 'version';
    this.#hasPlan ||= line.kind === 'plan';
    this.#hasSkippedPlan ||= line.kind === 'plan' && isSkip(line.comment);
    this.#hasPoint ||= line.kind === 'point';
    this.#hasNumberedFailure ||= line.kind === 'point' && !line.isOk && line.number !== undefined;
  }

  #endDocument(): void {
    const { findings, skippedAll } = this.#document.end();
    this.#findings.absorb(findings);
    if (skippedAll !== undefined) this.#skipped.push(skippedAll);
    this.#documents++;
    this.#document = new Document(this.#dialect);
  }

  /** A line with less indentation ends the block and is then read by itself, unless it may be inside of quotes. */
  #isInBlock(line: string, block: Block): boolean {
    if (line === `${block.indent}...`) {
      this.#keepPending(block);
      this.#closeBlock(block);
      return true;
    }
    if (line === '' || line.startsWith(block.indent)) {
      if (!block.isQuoted) this.#keepPending(block);
      if (block.pending.length > 0) return this.#await(line, block);
      keep(block, block.isQuoted ? line : line.slice(block.indent.length));
      block.isQuoted = block.isQuoted ? !closesQuote(line) : opensQuote(line);
      return true;
    }
    if (block.isQuoted) return this.#await(line, block);
    this.#abandonQuote(block);
    return false;
  }

  /** A line between quotes, if the end of the quotes follows. A line that reports a failure is never taken for text. */
  #await(line: string, block: Block): boolean {
    if (mustCount.test(line) || block.pending.length > mostPending) {
      this.#abandonQuote(block);
      return false;
    }
    block.pending.push(line);
    block.isQuoted = !closesQuote(line);
    return true;
  }

  #keepPending(block: Block): void {
    for (const line of block.pending) keep(block, line);
    block.pending = [];
  }

  /** The block ends before its pending lines, which are read by themselves. */
  #abandonQuote(block: Block): void {
    const { pending } = block;
    this.#closeBlock(block);
    for (const line of pending) this.push(line);
  }

  #closeBlock({ lines }: Block): void {
    this.#block = undefined;
    this.#document.diagnoseBlock(readBlock(lines));
  }
}

/** Lines that count in any place: failed points, and what ends a document or begins a block. */
const mustCount = /^\s*(?:not ok\b|bail out!|---$)/i;
/** Further lines inside of quotes are not waited for. */
const mostPending = 2_000;
/** Counts at the end, as node:test, tape and others print them as comments. */
const counts = /^#\s+(?:tests|suites|pass|fail|ok|cancelled|skipped|skip|todo|duration_ms)\s+[\d.]+$/;

function keep(block: Block, line: string): void {
  if (block.length <= longestBlock) block.lines.push(line);
  block.length += line.length;
}

/** One document, up to a version, plan or point that cannot belong to it. A program may print several documents in sequence. */
class Document {
  readonly #dialect: TapDialect;
  /** The top level, and the open subtests, each nested in the one before. */
  readonly #levels: Level[] = [new Level('')];
  /** Names of announced subtests that have not started, by the depth of the announcement. */
  readonly #announced = new Map<number, string>();
  #plan: 'none' | 'first' | 'last' = 'none';
  #isBailedOut = false;
  /** The finding that following diagnostics are added to; undefined where they are not those of a finding. */
  #last: OpenFinding | undefined;
  /** The comments below it. */
  #remarks: string[] = [];
  awaitsDiagnostics = false;

  constructor(dialect: TapDialect) {
    this.#dialect = dialect;
  }

  get #top(): Level {
    return this.#levels[0] as Level;
  }

  /** Does a line at the top begin another document? */
  isEndedBy(line: TapLine): boolean {
    if (this.#plan === 'none' && this.#top.count === 0) return false;
    if (line.kind === 'version') return true;
    return (
      (line.kind === 'plan' && this.#plan !== 'none') || (line.kind === 'point' && this.#plan === 'last')
    );
  }

  push(line: TapLine, depth: number): void {
    this.#endRemarks();
    if (this.#isBailedOut) return;
    this.#last = undefined;
    this.awaitsDiagnostics = line.kind === 'point';
    switch (line.kind) {
      case 'point':
        this.#point(line, depth);
        break;
      case 'plan':
        this.#planned(line, depth);
        break;
      case 'bail-out':
        this.#bailOut(line.reason);
        break;
      case 'subtest':
        this.#closeBelow(depth);
        this.#announced.set(depth, line.name);
        break;
      case 'close':
        this.#closeOpened(depth, true);
        break;
      case 'version':
        break;
      default:
        line satisfies never;
    }
  }

  /** Adds a YAML block to the last point, below the comments that precede it. */
  diagnoseBlock(block: Diagnostics): void {
    this.#endRemarks();
    this.awaitsDiagnostics = false;
    this.#diagnose(block);
    this.#last = undefined;
  }

  #diagnose({ message, location, durationMs, data }: Diagnostics): void {
    const last = this.#last;
    if (last === undefined) return;
    if (durationMs !== undefined) last.durationMs = durationMs;
    if (last.status !== 'fail' && last.status !== 'todo') return;
    if (message !== undefined)
      last.message = last.message === undefined ? message : `${last.message}\n${message}`;
    if (location !== undefined) last.location = location;
    if (data !== undefined) last.data = data;
  }

  /** Takes a comment, without its `#`. True if it says something about a failed point. */
  remark(text: string): boolean {
    if (this.#last?.status !== 'fail' && this.#last?.status !== 'todo') return false;
    if (this.#remarks.length < mostRemarks) this.#remarks.push(text);
    return true;
  }

  #endRemarks(): void {
    if (this.#remarks.length === 0) return;
    this.#diagnose(readRemarks(this.#remarks));
    this.#remarks = [];
  }

  end(): { readonly findings: FindingList; readonly skippedAll: string | undefined } {
    this.#endRemarks();
    this.#closeOpened(0, false);
    this.#closeBelow(0);
    if (!this.#isBailedOut) this.#judge(this.#top, true);
    return { findings: this.#top.findings, skippedAll: this.#top.skippedAll };
  }

  #planned({ first, last, comment }: Extract<TapLine, { kind: 'plan' }>, depth: number): void {
    const level = this.#levelAt(depth);
    this.#closeOpened(depth, false);
    const planned = Math.max(0, last - first + 1);
    if (level.planned !== undefined && level.planned !== planned) level.isContradictory = true;
    level.planned ??= planned;
    level.first = first;
    if (planned === 0 && isSkip(comment)) level.skipComment = comment;
    if (depth === 0) this.#plan = level.count > 0 || planned === 0 ? 'last' : 'first';
  }

  #point(point: TapPoint, depth: number): void {
    const level = this.#levelAt(depth);
    this.#closeOpened(depth, false);
    const below = this.#takeBelow(depth);
    level.number(point.number);
    if (point.opens) {
      level.opened = point;
      this.#announced.set(depth, point.name);
      this.#last = undefined;
    } else this.#add(level, point, below);
  }

  /** Concludes the point that ended with `{`. `isClosed`: by its `}`. */
  #closeOpened(depth: number, isClosed: boolean): void {
    const level = this.#levels[depth];
    const point = level?.opened;
    if (level === undefined || point === undefined) return;
    level.opened = undefined;
    const below = this.#takeBelow(depth);
    this.#announced.delete(depth);
    // Without a subtest the brace belongs to the description.
    const name = isClosed || below !== undefined ? point.name : `${point.name} {`.trimStart();
    this.#add(level, { ...point, name }, below);
  }

  #add(level: Level, point: TapPoint, below: FindingList | undefined): void {
    const finding = this.#findingOf(point, level);
    this.#last = finding;
    if (below === undefined || below.length === 0) {
      level.findings.add(finding);
      return;
    }
    const isExcused = finding.status === 'todo' || finding.status === 'skip';
    const hasFailure = (below.counts.fail ?? 0) > 0;
    level.findings.absorb(below, isExcused ? excuse : undefined);
    const isReported = point.directive === undefined && (finding.status === 'fail') === hasFailure;
    if (isReported) this.#last = undefined;
    else level.findings.add(finding);
  }

  #findingOf({ isOk, directive, name, number, durationMs }: TapPoint, level: Level): OpenFinding {
    const common = {
      name: level.nameOf(name === '' ? `test ${number ?? level.count}` : name),
      ...(durationMs !== undefined && { durationMs }),
    };
    if (directive === undefined) return { ...common, status: isOk ? 'pass' : 'fail' };
    const { kind, reason } = directive;
    if (kind === 'skip') {
      const hasFailed = !isOk && this.#dialect === 'perl';
      return { ...common, status: hasFailed ? 'fail' : 'skip', ...(reason !== '' && { message: reason }) };
    }
    if (!isOk || this.#dialect === 'vitest')
      return { ...common, status: 'todo', message: reason === '' ? 'todo' : `todo: ${reason}` };
    const expected = 'passed, though it was expected to fail';
    return { ...common, status: 'warn', message: reason === '' ? expected : `${expected}: ${reason}` };
  }

  /** The level of a line, opened if necessary. Drops names that were announced at deeper levels. */
  #levelAt(depth: number): Level {
    while (this.#levels.length <= depth) {
      const at = this.#levels.length;
      const parent = this.#levels[at - 1] as Level;
      const name = this.#announced.get(at - 1) ?? (at === depth ? this.#announced.get(at) : undefined);
      this.#announced.delete(at - 1);
      this.#levels.push(new Level(parent.nameOf(name || `subtest ${++parent.unnamed}`)));
    }
    for (const at of [...this.#announced.keys()]) if (at >= depth) this.#announced.delete(at);
    return this.#levels[depth] as Level;
  }

  /** Closes the open subtest below a depth and returns its findings. */
  #takeBelow(depth: number): FindingList | undefined {
    while (this.#levels.length > depth + 2) this.#closeLast();
    if (this.#levels.length <= depth + 1) return undefined;
    this.#closeOpened(depth + 1, false);
    const level = this.#levels.pop() as Level;
    this.#judge(level, false);
    return level.findings;
  }

  /** Closes the subtests below a depth for which no point came. */
  #closeBelow(depth: number): void {
    while (this.#levels.length > depth + 1) this.#closeLast();
  }

  #closeLast(): void {
    const at = this.#levels.length - 1;
    this.#closeOpened(at, false);
    const level = this.#levels.pop() as Level;
    this.#judge(level, false);
    const parent = this.#levels[at - 1] as Level;
    const { opened } = parent;
    parent.opened = undefined;
    if (opened === undefined) parent.findings.absorb(level.findings);
    else this.#add(parent, opened, level.findings);
  }

  #bailOut(reason: string): void {
    this.#closeBelow(0);
    this.#isBailedOut = true;
    this.#last = undefined;
    this.#top.add('Bail out!', 'fail', reason === '' ? undefined : reason);
  }

  /** Adds the findings about a level as a whole. */
  #judge(level: Level, isTop: boolean): void {
    const { planned, count } = level;
    if (planned === undefined && count === 0) {
      if (isTop) level.add('plan', 'fail', 'there is neither a plan nor a test point');
    } else if (planned === undefined) {
      const message = `it is missing: after ${count} test points the program may have ended half-way`;
      level.add('plan', isTop ? 'fail' : 'warn', message);
    } else if (planned !== count) {
      level.add('plan', 'fail', `${planned} test points were planned, ${count} were seen`);
    } else if (level.isContradictory) {
      level.add('plan', 'fail', 'there are two, and they differ');
    } else if (count === 0 && level.skippedAll === undefined) {
      level.add('plan', 'info', 'no test was planned');
    } else if (this.#dialect === 'perl' && level.isOutOfSequence) {
      level.add('plan', 'fail', 'test points are out of sequence');
    } else if (level.hasBadNumbers) {
      level.add('plan', 'warn', 'test points are numbered twice, or beyond the plan');
    }
  }
}

/** The top of a document, or a subtest. */
class Level {
  readonly findings: FindingList = new FindingList();
  count = 0;
  planned: number | undefined;
  first = 1;
  isContradictory = false;
  skipComment: string | undefined;
  /** The point that ended with `{`, as long as its subtest is open. */
  opened: TapPoint | undefined;
  /** How many subtests had no name. */
  unnamed = 0;
  isOutOfSequence = false;
  readonly #path: string;
  /** Points are numbered up to this one without gaps. */
  #inSequence = 0;
  readonly #numbers = new Set<number>();
  #isTwice = false;
  #highest = 0;

  constructor(path: string) {
    this.#path = path;
  }

  nameOf(name: string): string {
    return this.#path === '' ? name : `${this.#path} › ${name}`;
  }

  add(name: string, status: Finding['status'], message: string | undefined): void {
    this.findings.add({ name: this.nameOf(name), status, ...(message !== undefined && { message }) });
  }

  /** Counts a point. */
  number(given: number | undefined): void {
    this.count++;
    const number = given ?? this.count;
    this.#highest = Math.max(this.#highest, number);
    if (number === this.#inSequence + 1) {
      this.#inSequence++;
      return;
    }
    this.isOutOfSequence ||= number !== this.count;
    this.#isTwice ||= number <= this.#inSequence || this.#numbers.has(number);
    if (this.#numbers.size < mostNumbers) this.#numbers.add(number);
  }

  /** True if a number occurred twice or is beyond the plan. */
  get hasBadNumbers(): boolean {
    return this.#isTwice || this.#highest > this.first + (this.planned ?? 0) - 1;
  }

  get skippedAll(): string | undefined {
    if (this.skipComment === undefined || this.count > 0) return undefined;
    return this.skipComment.replace(/^skip\S*\s*/i, '') || 'no reason given';
  }
}

function isSkip(comment: string): boolean {
  return /^skip/i.test(comment);
}

/** Replaces characters that the regular expressions do not handle: carriage returns and Unicode line ends stop them, zero bytes hide words. */
function harmless(line: string): string {
  return line
    .replace(/^\ufeff/, '')
    .replaceAll('\0', '')
    .replaceAll(/[\r\u2028\u2029]/g, ' ')
    .trimEnd();
}

/** The depth of subtests of a line; undefined where the indentation is not that of TAP. */
function depthOf(indent: string): number | undefined {
  if (indent === '') return 0;
  const width = indent.replaceAll('\t', '    ').length;
  return width <= deepestIndent && width % indentOfLevel === 0 ? width / indentOfLevel : undefined;
}

/** Inside a subtest that is skipped or todo, failures do not count. */
function excuse(finding: Finding): Finding {
  return finding.status === 'fail' ? { ...finding, status: 'todo' } : finding;
}

/**
 * The grammar of directives.
 * - `tap14`: `#` surrounded by blanks, then `todo` or `skip` as a whole word.
 * - `perl`: as TAP::Parser, the harness of `prove`, reads them: blanks around `#` are optional. A skipped `not ok` is a failure,
 *   and so are numbers out of sequence.
 * - `vitest`: as in TAP 14, but `ok` with `todo` is a test that did not run.
 */
type TapDialect = 'tap14' | 'perl' | 'vitest';

interface TapPoint {
  readonly kind: 'point';
  readonly isOk: boolean;
  /** As written; undefined if it has none. */
  readonly number: number | undefined;
  /** Unescaped, without the directive; '' if it has none. */
  readonly name: string;
  readonly directive: { readonly kind: 'todo' | 'skip'; readonly reason: string } | undefined;
  /** It ends with `{`: the lines of its subtest follow. */
  readonly opens: boolean;
  /** As it is stated, ms: `# time=12.5ms`. */
  readonly durationMs: number | undefined;
}

type TapLine =
  | TapPoint
  | {
      readonly kind: 'plan';
      readonly first: number;
      readonly last: number;
      readonly comment: string;
    }
  | { readonly kind: 'version' }
  | { readonly kind: 'bail-out'; readonly reason: string }
  | { readonly kind: 'subtest'; readonly name: string }
  | { readonly kind: 'close' };

const plan = /^(\d{1,9})\.\.(\d{1,9})(?:\s+#\s*(.*))?$/;
const version = /^TAP version \d{1,9}$/i;
const bailOut = /^Bail out!\s*(.*)$/i;
const subtest = /^# Subtest(?::\s*(.*))?$/;
const number = /^\s+(\d{1,9})(?=\s|$)/;
const startOf: Readonly<Record<TapDialect, RegExp>> = {
  tap14: /^(?:not ok\b|ok(?=\s|$))/,
  perl: /^(?:not )?ok\b/,
  vitest: /^(?:not ok\b|ok(?=\s|$))/,
};
const directiveOf: Readonly<Record<TapDialect, RegExp>> = {
  tap14: /(?<=^|\s)#\s+(todo|skip)\b\s*(.*)$/i,
  perl: /(?<=^[^\\#]*(?:\\.[^\\#]*)*)#\s*(todo|skip)\b\s*(.*)$/i,
  vitest: /(?<=^|\s)#\s+(todo|skip)\b\s*(.*)$/i,
};
const duration = /(?:^|\s)# time=(\d+(?:\.\d+)?)(m?s)$/;

/** Parses a line that was trimmed on both sides; undefined where it has no meaning in TAP. */
function readTapLine(line: string, dialect: TapDialect): TapLine | undefined {
  if (line === '}') return { kind: 'close' };
  const start = startOf[dialect].exec(line)?.[0];
  if (start !== undefined) return readPoint(start === 'ok', line.slice(start.length), dialect);
  const planned = plan.exec(line);
  if (planned !== null)
    return { kind: 'plan', first: Number(planned[1]), last: Number(planned[2]), comment: planned[3] ?? '' };
  if (version.test(line)) return { kind: 'version' };
  const bailed = bailOut.exec(line);
  if (bailed !== null) return { kind: 'bail-out', reason: bailed[1] ?? '' };
  const named = subtest.exec(line);
  return named === null ? undefined : { kind: 'subtest', name: unescaped(named[1] ?? '') };
}

function readPoint(isOk: boolean, rest: string, dialect: TapDialect): TapPoint {
  const numbered = number.exec(rest);
  const described = rest.slice(numbered?.[0].length ?? 0).replace(/^\s*-(?=\s|$)/, '');
  const opens = /(?:^|\s)\{$/.test(described);
  const whole = (opens ? described.slice(0, -1) : described).trimEnd();
  const [timed = '', time, unit] = duration.exec(whole) ?? [];
  const closed = whole.slice(0, whole.length - timed.length);
  const directive = directiveOf[dialect].exec(closed);
  const name = directive === null ? closed : closed.slice(0, directive.index);
  return {
    kind: 'point',
    isOk,
    number: numbered === null ? undefined : Number(numbered[1]),
    name: unescaped(name.trim()),
    directive:
      directive === null
        ? undefined
        : {
            kind: directive[1]?.toLowerCase() === 'todo' ? 'todo' : 'skip',
            reason: (directive[2] ?? '').trim(),
          },
    opens,
    durationMs: time === undefined ? undefined : Number(time) * (unit === 's' ? 1_000 : 1),
  };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([\\#])/g, '$1');
}
