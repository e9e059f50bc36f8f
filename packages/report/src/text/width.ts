/** How many columns text takes in a terminal, and how to clip, pad and join it. For text without control sequences. */
import { loadStringWidth } from '../on-demand.ts';
import type { Paint, Style } from './paint.ts';

/** How many columns text takes in a terminal, and how to make it take no more. For text without control sequences. */
const ELLIPSIS = '…';
const plainAscii = /^[ -~]*$/;
let stringWidth: ReturnType<typeof loadStringWidth> | undefined;
let graphemes: Intl.Segmenter | undefined;

/** The columns a line takes; wide characters take two. */
export function widthOf(text: string): number {
  if (plainAscii.test(text)) return text.length;
  stringWidth ??= loadStringWidth();
  return stringWidth(text);
}

/** At most `columns` columns of the text; the end is cut off. */
export function clip(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns <= 0) return '';
  return takeColumns(charactersOf(text), columns - 1).join('') + ELLIPSIS;
}

/** At most `columns` columns of the text; the middle is cut out. For paths, whose end says most. */
export function clipMiddle(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 8) return clip(text, columns);
  const characters = charactersOf(text);
  const head = takeColumns(characters, Math.floor((columns - 1) / 3));
  const tail = takeColumns(characters.toReversed(), columns - 1 - widthOf(head.join('')));
  return head.join('') + ELLIPSIS + tail.reverse().join('');
}

/** The text and spaces up to `columns` columns. */
export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

/** Spaces up to `columns` columns, and the text. */
export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - widthOf(text))) + text;
}

function charactersOf(text: string): string[] {
  if (plainAscii.test(text)) return Array.from(text);
  graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

function takeColumns(characters: readonly string[], columns: number): string[] {
  const taken: string[] = [];
  let used = 0;
  for (const character of characters) {
    used += widthOf(character);
    if (used > columns) break;
    taken.push(character);
  }
  return taken;
}

/** A part of a line. */
export interface Cell {
  readonly text: string;
  readonly style?: Style;
  /** Padded with spaces to this width. */
  readonly columns?: number;
}

/** Joins the cells to a line of at most `width` columns. What does not fit is cut off. */
export function joinCells(cells: readonly Cell[], width: number, paint: Paint): string {
  let line = '';
  let room = width;
  for (const { text, style, columns = 0 } of cells) {
    const cut = clip(padEnd(text, columns), room);
    line += style === undefined ? cut : paint(style, cut);
    room -= widthOf(cut);
    if (room <= 0) break;
  }
  return line;
}
