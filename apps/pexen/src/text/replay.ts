/** How a replay differs from what it replays, in lines. */
import type { ReplayEnd } from '@pexen/usecase-testsuite';
import { counted } from './plain-words.ts';

/** So many tasks are named in one line. */
const mostNamed = 5;

/** The first line says whether starts and overlaps are equal; one line follows for each kind of difference. */
export function replayLines({ of, differences, gone, leftOut, verdicts }: ReplayEnd): string[] {
  const { common, missing, added, misplaced, swapped, overlaps, separated, unreachable, joined } =
    differences;
  const couldNot = new Set(unreachable.map(({ pair }) => pairText(pair)));
  const tooShort = separated.map(pairText).filter((pair) => !couldNot.has(pair));
  const skipped = missing.filter((path) => !gone.includes(path));
  return [
    `Replayed ${of}: ${startsText(common, misplaced.length)}, ${overlapsText(overlaps, separated.length)}.`,
    ...line('Started elsewhere', misplaced),
    ...line('Started in turn with one beside it', swapped),
    ...line('Too short to overlap again', tooShort),
    ...line(
      'Could not overlap again',
      unreachable.map(({ pair, endsFirst }) => `${pairText(pair)}, since ${endsFirst} had to end in between`),
    ),
    ...line('Overlapped only now', joined.map(pairText)),
    ...line('Did not start now', skipped),
    ...line('Started only now', added),
    ...line('Not in the suite any more', gone),
    ...line(`Not in ${of}, and left out`, leftOut),
    ...verdicts.map(({ path, then, now }) => `  ${path}: ${then} then, ${now} now`),
  ];
}

function startsText(common: number, misplaced: number): string {
  if (misplaced === 0) return `${counted(common, 'start')} in the same order`;
  return `${common - misplaced} of ${counted(common, 'start')} in the same order`;
}

function overlapsText(all: number, separated: number): string {
  if (all === 0) return 'nothing overlapped';
  if (separated === 0) return `${counted(all, 'overlap')} again`;
  return `${all - separated} of ${counted(all, 'overlap')} again`;
}

function pairText([one, other]: readonly [string, string]): string {
  return `${one} and ${other}`;
}

function line(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length - mostNamed;
  return [`  ${title}: ${names.slice(0, mostNamed).join(', ')}${more > 0 ? `, and ${more} more` : ''}`];
}
