/**
 * Makes foreign text safe for reports in files: no control sequences, no broken Unicode, no more control characters than line breaks and tabs.
 * Each format then escapes what has a meaning in it.
 */
import stripAnsi from 'strip-ansi';

/** Control characters but for tabs and line breaks, and noncharacters. Lone surrogates are replaced before. */
const unsafe = /[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\u{10000}-\u{10ffff}]/gu;
const REPLACEMENT = '\ufffd';
const LONGEST_LINE = 1000;
/** Most names and messages are like this, and stay as they are. */
const harmless = /^[\u0020-\u007e]*$/;
const harmlessLine = /^[!-~]+(?: [!-~]+)*$/;

/** The text without control sequences of terminals, and with U+FFFD for control characters and for noncharacters. */
export function plainText(text: string): string {
  if (harmless.test(text)) return text;
  return stripAnsi(text).toWellFormed().replace(unsafe, REPLACEMENT);
}

/** For names, messages and headings: one trimmed line of limited length, never empty. */
export function plainLine(text: string, whenEmpty = '(unnamed)'): string {
  if (text.length <= LONGEST_LINE && harmlessLine.test(text)) return text;
  const line = plainText(text.slice(0, 2 * LONGEST_LINE))
    .replace(/[\s\u0085]+/g, ' ')
    .trim();
  if (line === '') return whenEmpty;
  return line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE).toWellFormed()}…`;
}

/** At most `limit` characters, and a note in place of the middle that is left out. */
export function limited(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor(limit / 2);
  const dropped = text.length - 2 * half;
  return `${text.slice(0, half)}\n… ${dropped} characters were left out …\n${half === 0 ? '' : text.slice(-half)}`;
}
