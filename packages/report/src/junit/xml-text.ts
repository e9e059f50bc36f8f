/** Any text made fit for XML 1.0. Builders of XML escape what has a meaning; what must not be there at all is our business. */
import stripAnsi from 'strip-ansi';

/** What XML 1.0 has no way to write, not even as a reference. Lone halves of surrogate pairs are already gone. */
const outsideXml = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const REPLACEMENT = '\ufffd';
const LONGEST_NAME = 1000;

/** The text without control sequences of terminals; every character that XML 1.0 does not know becomes U+FFFD. */
export function xmlText(text: string): string {
  return stripAnsi(text).toWellFormed().replace(outsideXml, REPLACEMENT);
}

/** For names, messages and other attributes: one line, no blanks around it, not endless, never empty. */
export function xmlName(text: string, whenEmpty = '(unnamed)'): string {
  const line = xmlText(text.slice(0, 2 * LONGEST_NAME))
    .replace(/\s+/g, ' ')
    .trim();
  if (line === '') return whenEmpty;
  return line.length <= LONGEST_NAME ? line : `${line.slice(0, LONGEST_NAME).toWellFormed()}…`;
}

/** At most `limit` characters, and a note for what was taken out of the middle. */
export function limited(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor(limit / 2);
  const dropped = text.length - 2 * half;
  return `${text.slice(0, half)}\n… ${dropped} characters were left out …\n${half === 0 ? '' : text.slice(-half)}`;
}
