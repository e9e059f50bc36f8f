/** What an assertion expected and what it got, as the lines in which they differ with a few around them. */
import { loadDiff } from '../on-demand.ts';
import type { Paint } from './paint.ts';
import { clipped, printable } from './printable.ts';

/** Lines around a difference. */
const CONTEXT = 3;
const MOST_LINES = 40;
/** Comparing texts that differ everywhere takes quadratic time. */
const MOST_EDITS = 2_000;
/** Single lines that are longer together are cut to what is around their first difference. */
const LONG = 800;

/** Lines beginning with `-` are only in `expected`, those with `+` only in `actual`. Nothing where both are the same text. */
export function diffLines(expected: string, actual: string, paint: Paint): string[] {
  if (expected === actual) return [];
  const looksAlike = expected.normalize('NFKC') === actual.normalize('NFKC');
  const shown = (text: string): string[] => text.split('\n').map((line) => visible(line, looksAlike));
  const [before, after] = [shown(expected), shown(actual)];
  const title = `${paint('green', '- expected')}  ${paint('red', '+ actual')}`;
  if (before.length === 1 && after.length === 1)
    return [title, ...wordsOf(before[0] ?? '', after[0] ?? '', paint)];
  const { structuredPatch } = loadDiff();
  const patch = structuredPatch('', '', `${before.join('\n')}\n`, `${after.join('\n')}\n`, '', '', {
    context: CONTEXT,
    maxEditLength: MOST_EDITS,
  });
  const lines =
    patch === undefined
      ? wholly(before, after)
      : patch.hunks.flatMap(({ lines }, at) => (at === 0 ? lines : ['…', ...lines]));
  return [
    title,
    ...lines.slice(0, MOST_LINES).map((line) => painted(clipped(line), paint)),
    ...(lines.length > MOST_LINES ? [paint('dim', `… ${lines.length - MOST_LINES} more lines`)] : []),
  ];
}

/** Both one after the other, with as many lines of each. */
function wholly(before: readonly string[], after: readonly string[]): string[] {
  const some = Math.floor(MOST_LINES / 2);
  const marked = (mark: string, lines: readonly string[]): string[] => lines.map((line) => mark + line);
  return [
    ...marked('-', before.slice(0, some)),
    ...marked('+', after.slice(0, some)),
    ...marked('-', before.slice(some)),
    ...marked('+', after.slice(some)),
  ];
}

/** One line with its control characters as escapes, so that no difference hides; where texts look alike, with all but ASCII as escapes. */
function visible(line: string, looksAlike: boolean): string {
  const escaped = printable(line);
  if (!looksAlike) return escaped;
  return escaped
    .replace(/[^\x20-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
    .replace(/ $/, '·');
}

/** Both sides around the first character in which they differ. */
function aroundDifference(before: string, after: string): [string, string] {
  let at = 0;
  while (at < before.length && before[at] === after[at]) at++;
  const from = Math.max(0, at - LONG / 8);
  const cut = (text: string): string =>
    `${from > 0 ? '…' : ''}${text.slice(from, from + LONG / 4)}${text.length > from + LONG / 4 ? '…' : ''}`;
  return [cut(before), cut(after)];
}

function painted(line: string, paint: Paint): string {
  const [mark, rest] = [line.slice(0, 1), line.slice(1)];
  if (mark === '-') return paint('green', `- ${rest}`);
  return mark === '+' ? paint('red', `+ ${rest}`) : paint('dim', line === '…' ? line : `  ${rest}`);
}

/** Two single lines; what differs in them is underlined where colours are on. */
function wordsOf(whole: string, other: string, paint: Paint): string[] {
  const { diffWordsWithSpace } = loadDiff();
  const [before, after] =
    whole.length + other.length > LONG ? aroundDifference(whole, other) : [whole, other];
  const parts = diffWordsWithSpace(before, after);
  const side = (style: 'green' | 'red', has: 'added' | 'removed'): string =>
    parts
      .filter((part) => part[has === 'added' ? 'removed' : 'added'] !== true)
      .map((part) => paint(part[has] === true ? [style, 'inverse'] : style, part.value))
      .join('');
  return [
    `${paint('green', '-')} ${side('green', 'removed')}`,
    `${paint('red', '+')} ${side('red', 'added')}`,
  ];
}
