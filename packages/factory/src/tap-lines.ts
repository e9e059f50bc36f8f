/**
 * Output made ready for the TAP parser: only lines that mean something to it, none of them a trap for it. Knows the look of
 * TAP's lines, not what they add up to.
 */
import type { CapturedOutput } from '@pexen/core';

/** What goes to the parser, and what was kept from it. */
export interface TapLines {
  readonly lines: readonly string[];
  /** The diagnostics of test points, as they were written; a line `ref: N` stands for the Nth. */
  readonly diagnostics: readonly string[];
  /** Was some of the output not kept? Then nobody can say how many test points there were. */
  readonly isCut: boolean;
}

/** Beyond this many lines, only the bad news go to the parser. */
const mostLines = 200_000;
const longestLine = 10_000;
const deepestIndent = 64;
const longestDiagnostics = 4_000;

const versionLine = /^TAP version \d{1,9}\s*$/im;
const planLine = /^\d{1,9}\.\.\d{1,9}(?:\s+#.*)?\s*$/m;
const pointLine = /^(?:not )?ok\b/m;
const skippedPlan = /^1\.\.0\s+#\s*skip/im;
const meaningful =
  /^(?:(?:not )?ok\b|\d{1,9}\.\.\d{1,9}(?:\s|$)|bail out!|# Subtest|TAP version \d|[{}]\s*$)/i;
const badNews = /^(?:not ok\b|bail out!|\d{1,9}\.\.\d)/i;

/** Is the output TAP? It says so, or it has a plan and test points. */
export function looksLikeTap({ head, tail }: CapturedOutput): boolean {
  const has = (form: RegExp): boolean => form.test(head) || form.test(tail);
  return has(versionLine) || (has(planLine) && (has(pointLine) || has(skippedPlan)));
}

/** The lines of TAP in an output. */
export function tapLinesOf(output: CapturedOutput): TapLines {
  const lines: string[] = [];
  const diagnostics: string[] = [];
  const reader = new LineReader(diagnostics);
  let isCut = output.tail !== '';
  for (const raw of textOf(output).split('\n')) {
    for (const line of reader.read(harmless(raw))) {
      if (lines.length < mostLines || badNews.test(line.trimStart())) lines.push(line);
      else isCut = true;
    }
  }
  lines.push(...reader.end());
  return { lines, diagnostics, isCut };
}

/** Of what was cut, the broken lines on either side of the gap are left out. */
function textOf({ head, tail }: CapturedOutput): string {
  if (tail === '') return head;
  return `${head.slice(0, head.lastIndexOf('\n') + 1)}${tail.slice(tail.indexOf('\n') + 1)}`;
}

/** The parser's expressions do not see past a carriage return or a Unicode line end, and it would swallow all the rest. */
function harmless(line: string): string {
  const short = line.length > longestLine ? line.slice(0, longestLine) : line;
  return short.trimEnd().replaceAll(/[\r\u2028\u2029]/g, ' ');
}

/** Lets lines through that mean something, and keeps YAML diagnostics for us: the parser must not read strangers' YAML. */
class LineReader {
  readonly #diagnostics: string[];
  /** Indentation of the block that is open. */
  #open: string | undefined;
  #block: string[] = [];
  #afterPoint = false;

  constructor(diagnostics: string[]) {
    this.#diagnostics = diagnostics;
  }

  /** The lines that stand for this one: mostly itself or none. */
  read(line: string): readonly string[] {
    if (this.#open !== undefined) return this.#inside(line, this.#open);
    const content = line.trimStart();
    const indent = line.slice(0, line.length - content.length);
    if (content === '---' && this.#afterPoint && indent !== '' && indent.length <= deepestIndent) {
      this.#open = indent;
      return [];
    }
    if (content === '' || !meaningful.test(content) || indent.length > deepestIndent) return [];
    this.#afterPoint = pointLine.test(content);
    return [line];
  }

  /** Closes a block that the output left open. */
  end(): readonly string[] {
    return this.#open === undefined ? [] : this.#close(this.#open);
  }

  #inside(line: string, indent: string): readonly string[] {
    if (line === `${indent}...`) return this.#close(indent);
    if (line === '' || line.startsWith(indent)) {
      this.#block.push(line.slice(indent.length));
      return [];
    }
    return [...this.#close(indent), ...this.read(line)];
  }

  #close(indent: string): readonly string[] {
    const text = this.#block.join('\n').trimEnd();
    this.#diagnostics.push(text.length > longestDiagnostics ? `${text.slice(0, longestDiagnostics)}…` : text);
    this.#open = undefined;
    this.#block = [];
    this.#afterPoint = false;
    return [`${indent}---`, `${indent}ref: ${this.#diagnostics.length - 1}`, `${indent}...`];
  }
}
