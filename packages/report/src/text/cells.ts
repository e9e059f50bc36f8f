/** One line made of cells: each as wide as its column, all together never wider than the line may be. */
import type { Paint, Style } from './paint.ts';
import { clip, padEnd, widthOf } from './width.ts';

export interface Cell {
  readonly text: string;
  readonly style?: Style;
  /** Filled up with spaces to this width. */
  readonly columns?: number;
}

/** The cells side by side. What does not fit is cut off at the end of the line. */
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
