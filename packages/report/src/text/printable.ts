/**
 * Makes text of tasks safe for a terminal: sequences and characters that would move the cursor, change the title or turn the reading direction
 * are removed or shown as escapes. All foreign text goes through here before it reaches a terminal.
 */
import stripAnsi from 'strip-ansi';

/** Control characters, line separators, marks and overrides of direction, and invisible characters. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
const TAB = 8;
/** The rest of a longer line is left out. */
const LONGEST = 1_000;

/** The text as one line, with line breaks as `\n`, as in source code. */
export function printable(text: string): string {
  return stripAnsi(text).toWellFormed().replace(unsafe, escaped);
}

/** The lines that a terminal would show for the text: of an overwritten line, the last version. */
export function printableLines(text: string): string[] {
  const lines = stripAnsi(text).replace(/\n+$/, '').split('\n');
  return lines.length === 1 && lines[0] === '' ? [] : lines.map(asShown);
}

/** The last line of the output that is not empty, or an empty string. */
export function lastLine(text: string): string {
  const end = text.slice(-1000).trimEnd();
  return asShown(stripAnsi(end.slice(end.lastIndexOf('\n') + 1)));
}

function asShown(line: string): string {
  const overwritten = line.replace(/\r+$/, '');
  const shown = overwritten.slice(overwritten.lastIndexOf('\r') + 1);
  return expandTabs(shown).toWellFormed().replace(unsafe, escaped);
}

/** The line; of one that is too long, the start and the length. */
export function clipped(line: string): string {
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}… (${line.length} characters)`;
}

function expandTabs(line: string): string {
  if (!line.includes('\t')) return line;
  let expanded = '';
  for (const part of line.split('\t')) {
    expanded += part;
    expanded += ' '.repeat(TAB - (expanded.length % TAB));
  }
  return expanded.trimEnd();
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const known = { 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r' }[code];
  if (known !== undefined) return known;
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`;
}
