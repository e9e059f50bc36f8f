/** The first lines of the live view: a note, how far the run is, what it came to so far. */
import { isBad, type Verdict } from '@pexen/core';
import type { RunSnapshot } from '../model/run-model.ts';
import type { Totals } from '../model/tally.ts';
import { type Cell, joinCells } from '../text/cells.ts';
import { formatClock, formatGuess } from '../text/duration.ts';
import type { Paint } from '../text/paint.ts';
import { printable } from '../text/printable.ts';
import { verdictLooks, verdicts } from '../text/verdict-look.ts';
import { clip, widthOf } from '../text/width.ts';

/** A bar shorter than this says nothing. */
const SHORTEST_BAR = 10;

/** How far a run is. */
export interface Pace {
  /** 0 to 1. */
  readonly fraction: number;
  readonly remainingMs: number | undefined;
  readonly nowMs: number;
}

/** What somebody has to say to those who watch. */
export function noteLine(note: string, width: number, paint: Paint): string {
  return paint(['yellow', 'bold'], clip(printable(note), width));
}

/** `━━━━━━━━━━━━──────── 64%  1:04  about 40s left`. */
export function barLine(
  totals: Totals,
  { fraction, remainingMs, nowMs }: Pace,
  width: number,
  paint: Paint,
): string {
  const left = remainingMs === undefined ? '' : `  ${formatGuess(remainingMs)} left`;
  const facts = `  ${Math.floor(fraction * 100)}%  ${formatClock(nowMs)}`;
  const text = width - widthOf(facts + left) >= SHORTEST_BAR ? facts + left : facts;
  return joinCells([...barCells(totals, fraction, width - widthOf(text)), { text }], width, paint);
}

/** `201 of 312 done   190 passed, 3 failed`, in signs where words are too long. */
export function countsLine({ counts, totals, inspected }: RunSnapshot, width: number, paint: Paint): string {
  const found = verdicts.filter((verdict) => countOf(totals, verdict) > 0);
  const group = inspected?.group;
  const long = countCells(
    found,
    totals,
    ', ',
    (verdict, count) => `${count} ${verdictLooks[verdict].counted}`,
  );
  const short = countCells(found, totals, ' ', (verdict, count) => `${verdictLooks[verdict].mark}${count}`);
  const done: Cell = { text: `${counts.done} of ${counts.tasks} done`, style: 'bold' };
  const turn: Cell = { text: group === undefined ? '' : `   group ${printable(group)}` };
  const words = [done, ...long, turn];
  const fits = words.reduce((sum, { text }) => sum + widthOf(text), 0) <= width;
  return joinCells(fits ? words : [done, ...short, turn], width, paint);
}

/** Resources that nobody can take any more. */
export function poisonedLine(poisoned: readonly string[], width: number, paint: Paint): string {
  return paint('red', clip(`poisoned: ${poisoned.map(printable).join(', ')}`, width));
}

/** Done in green, with as much red as there are bad ones among it, the rest dim. */
function barCells(totals: Totals, fraction: number, room: number): Cell[] {
  const columns = Math.max(0, room);
  const filled = Math.min(columns, Math.round(columns * fraction));
  const bad = sumOf(totals, isBad);
  const share = Math.round(
    (filled * bad) /
      Math.max(
        1,
        sumOf(totals, () => true),
      ),
  );
  const red = bad === 0 ? 0 : Math.min(filled, Math.max(1, share));
  return [
    { text: '━'.repeat(red), style: 'red' },
    { text: '━'.repeat(filled - red), style: 'green' },
    { text: '─'.repeat(columns - filled), style: 'dim' },
  ];
}

function countCells(
  found: readonly Verdict[],
  totals: Totals,
  separator: string,
  say: (verdict: Verdict, count: number) => string,
): Cell[] {
  return found.flatMap((verdict, index) => [
    { text: index === 0 ? '   ' : separator },
    { text: say(verdict, countOf(totals, verdict)), style: verdictLooks[verdict].style },
  ]);
}

function countOf(totals: Totals, verdict: Verdict): number {
  return totals.verdicts[verdict] ?? 0;
}

function sumOf(totals: Totals, isCounted: (verdict: Verdict) => boolean): number {
  return verdicts.filter(isCounted).reduce((sum, verdict) => sum + countOf(totals, verdict), 0);
}
