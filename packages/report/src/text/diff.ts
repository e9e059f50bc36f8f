/** What an assertion expected and what it got, as the lines in which they differ with a few around them. */
import { loadDiff } from '../on-demand.ts';
import type { Paint } from './paint.ts';
import { clipped, printableLines } from './printable.ts';

/** Lines around a difference. */
const CONTEXT = 3;
const MOST_LINES = 40;
/** Comparing texts that differ everywhere takes quadratic time. */
const MOST_EDITS = 2_000;

/** Lines beginning with `-` are only in `expected`, those with `+` only in `actual`. Nothing where both are the same text. */
export function diffLines(expected: string, actual: string, paint: Paint): string[] {
  const [before, after] = [printableLines(expected), printableLines(actual)];
  if (before.join('\n') === after.join('\n')) return [];
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
  const shown = lines.slice(0, MOST_LINES).map((line) => painted(clipped(line), paint));
  return [
    title,
    ...shown,
    ...(lines.length > MOST_LINES ? [paint('dim', `… ${lines.length - MOST_LINES} more lines`)] : []),
  ];
}

function wholly(before: readonly string[], after: readonly string[]): string[] {
  return [...before.map((line) => `-${line}`), ...after.map((line) => `+${line}`)];
}

function painted(line: string, paint: Paint): string {
  const [mark, rest] = [line.slice(0, 1), line.slice(1)];
  if (mark === '-') return paint('green', `- ${rest}`);
  return mark === '+' ? paint('red', `+ ${rest}`) : paint('dim', line === '…' ? line : `  ${rest}`);
}

/** Two single lines; what differs in them is underlined where colours are on. */
function wordsOf(before: string, after: string, paint: Paint): string[] {
  const { diffWordsWithSpace } = loadDiff();
  const parts = before.length + after.length > 2_000 ? undefined : diffWordsWithSpace(before, after);
  const side = (style: 'green' | 'red', has: 'added' | 'removed', whole: string): string =>
    parts === undefined
      ? paint(style, clipped(whole))
      : parts
          .filter((part) => part[has === 'added' ? 'removed' : 'added'] !== true)
          .map((part) => paint(part[has] === true ? [style, 'inverse'] : style, part.value))
          .join('');
  return [
    `${paint('green', '-')} ${side('green', 'removed', before)}`,
    `${paint('red', '+')} ${side('red', 'added', after)}`,
  ];
}
