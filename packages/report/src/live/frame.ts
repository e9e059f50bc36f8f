/** The picture of the live view: its head, its rows and how many of them fit. */

import { isBad, type Verdict } from '@pexen/core';
import type { Totals } from '../model/results.ts';
import type { RunSnapshot, StateCounts } from '../model/run-model.ts';
import type { TaskSnapshot } from '../model/run-task.ts';
import { formatClock, formatEstimate } from '../text/format.ts';
import { countText, type Paint, verdictLooks, verdicts } from '../text/paint.ts';
import { printable } from '../text/printable.ts';
import { type Cell, clip, joinCells, widthOf } from '../text/width.ts';
import { otherRow, type RowColumns, type RowContext, runningRows, waitingRows } from './rows.ts';
import { byInterest, serviceRows, serviceStateText } from './service-rows.ts';

/** The input of a picture. Counts and rows are of the same moment, so that they add up. */
export interface Scene extends RunProgress {
  readonly note: string | undefined;
  readonly run: RunSnapshot;
}

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/** The share of the screen's height; the rest is for lines that scroll. Low screens are used whole. */
const SHARE = 0.6;
const LOW = 14;
const MOST_WAITING = 5;
const MOST_SERVICES = 6;
/** The shares of the rows below the head. */
const WAITING_SHARE = 0.35;
const SERVICE_SHARE = 0.35;
/** With fewer rows than this, titles are left out. */
const ROOM_FOR_TITLES = 6;
/** The height is kept this long after it was last needed, ms. */
const KEEP_HEIGHT = 4000;

/**
 * The picture of a run at one moment, as lines: a bar, the counts, the running tasks, and what the others wait for. It keeps only what makes it
 * steady: the widths of its columns, a bar that does not go back, and its height, which shrinks late.
 */
export class Frame {
  readonly #paint: Paint;
  readonly #columns: RowColumns = { path: 20, worker: 8, time: 5, serviceTime: 5, what: 10, by: 20 };
  #height = 0;
  #neededAtMs = 0;
  #fraction = 0;
  #tasks = 0;

  readonly #slowAfterMs: number;

  /** `slowAfterMs` is the `slowAfter` of tasks that have none. */
  constructor(paint: Paint, slowAfterMs: number) {
    this.#paint = paint;
    this.#slowAfterMs = slowAfterMs;
  }

  /** The lines of the picture, narrower than the screen, and fewer than its rows. */
  lines(scene: Scene, { columns, rows }: FrameSize): string[] {
    const width = Math.max(1, columns - 1);
    const context = {
      ...{ nowMs: scene.nowMs, slowAfterMs: this.#slowAfterMs, width },
      ...{ paint: this.#paint, columns: this.#columns },
    };
    const limit = rows < LOW ? Math.max(1, rows - 1) : Math.max(LOW - 1, Math.floor(rows * SHARE));
    const head = this.#head(scene, width);
    const lines = [...head, ...bodyLines(scene, context, limit - head.length)].slice(0, limit);
    return this.#steady(lines, scene.nowMs, limit);
  }

  #head(scene: Scene, width: number): string[] {
    const { note, run } = scene;
    const pace = { ...scene, fraction: this.#forwards(scene) };
    const poisoned = poisonedIn(run);
    return [
      ...(note === undefined ? [] : [noteLine(note, width, this.#paint)]),
      barLine(run.totals, pace, width, this.#paint),
      countsLine(run, width, this.#paint),
      ...(poisoned.length === 0 ? [] : [poisonedLine(poisoned, width, this.#paint)]),
    ];
  }

  /** The fraction goes back only when tasks were added. */
  #forwards({ fraction, run: { counts } }: Scene): number {
    this.#fraction = counts.tasks > this.#tasks ? fraction : Math.max(this.#fraction, fraction);
    this.#tasks = counts.tasks;
    return this.#fraction;
  }

  /** Adds empty lines, so that the picture does not jump with every task that ends. */
  #steady(lines: string[], nowMs: number, limit: number): string[] {
    if (lines.length >= this.#height || nowMs - this.#neededAtMs > KEEP_HEIGHT) {
      this.#height = lines.length;
      this.#neededAtMs = nowMs;
    }
    const missing = Math.max(0, Math.min(this.#height, limit) - lines.length);
    return [...lines, ...Array.from({ length: missing }, () => '')];
  }
}

/** The services, the running and the waiting tasks; with little room, the running ones come first. */
function bodyLines({ run }: Scene, context: RowContext, room: number): string[] {
  const { waiting, serving } = run.counts;
  const hasTitles = room >= ROOM_FOR_TITLES;
  const titles = hasTitles ? 1 + Number(waiting > 0) + Number(serving > 0) : 0;
  const waitingRoom = waiting === 0 ? 0 : Math.min(MOST_WAITING, Math.floor(room * WAITING_SHARE));
  const below = waitingLines(run, waitingRoom, context);
  const above = serviceLines(run, Math.min(MOST_SERVICES, Math.floor(room * SERVICE_SHARE)), context);
  return [
    ...(hasTitles && serving > 0
      ? [title(serving === 1 ? '1 service' : `${serving} services`, context)]
      : []),
    ...above,
    ...(hasTitles ? [title(runningTitle(run.counts), context)] : []),
    ...runningLines(run.running, room - above.length - below.length - titles, context),
    ...(hasTitles && waiting > 0 ? [title(`${waiting} waiting`, context)] : []),
    ...below,
  ];
}

/** All services; where they do not fit, those first that are not simply up, and the number of the others. */
function serviceLines({ services, inspected }: RunSnapshot, room: number, context: RowContext): string[] {
  if (room <= 0) return [];
  const known = inspected?.services ?? [];
  if (services.length <= room) return serviceRows(services, known, context);
  const shown = byInterest(services).slice(0, room - 1);
  const more = clip(`  … and ${services.length - shown.length} more services`, context.width);
  return [...serviceRows(shown, known, context), context.paint('dim', more)];
}

function runningTitle({ running, retrying }: StateCounts): string {
  return retrying === 0 ? `${running} running` : `${running} running, ${retrying} retrying`;
}

/** The tasks that run longest, and the number of the others. */
function runningLines(running: readonly TaskSnapshot[], room: number, context: RowContext): string[] {
  if (room <= 0) return [];
  if (running.length <= room) return runningRows(running, context);
  const shown = running.slice(0, room - 1);
  const more = clip(`  … and ${running.length - shown.length} more`, context.width);
  return [...runningRows(shown, context), context.paint('dim', more)];
}

/** The largest groups, and the number of all other waiting tasks. */
function waitingLines(run: RunSnapshot, room: number, context: RowContext): string[] {
  if (room <= 0) return [];
  const { groups, others } = run.waiting;
  const isAll = groups.length <= room && others === 0;
  const shown = isAll ? groups : groups.slice(0, room - 1);
  const rows = waitingRows(shown, run.inspected?.pools ?? [], statesIn(run, context.nowMs), context);
  if (isAll) return rows;
  return [...rows, otherRow(run.counts.waiting - shown.reduce((sum, { count }) => sum + count, 0), context)];
}

/** By path: how long a task has been running, and in which phase a service is. */
function statesIn({ running, services }: RunSnapshot, nowMs: number): ReadonlyMap<string, string> {
  return new Map([
    ...running.map(({ facts, sinceMs, running: attempt }): [string, string] => [
      facts.path,
      formatClock(nowMs - (attempt?.startedAtMs ?? sinceMs)),
    ]),
    ...services.map((each): [string, string] => [each.facts.path, serviceStateText(each, nowMs)]),
  ]);
}

function poisonedIn({ inspected }: RunSnapshot): string[] {
  const found = inspected?.resources.filter(({ poisonedBy }) => poisonedBy !== undefined) ?? [];
  return found.map(({ resource }) => resource);
}

function title(text: string, { width, paint }: RowContext): string {
  return paint('bold', clip(` ${text}`, width));
}

/** A shorter bar would not be useful. */
const SHORTEST_BAR = 10;

/** How far a run is. */
interface RunProgress {
  /** 0 to 1. */
  readonly fraction: number;
  readonly remainingMs: number | undefined;
  readonly nowMs: number;
}

function noteLine(note: string, width: number, paint: Paint): string {
  return paint(['yellow', 'bold'], clip(printable(note), width));
}

/** `━━━━━━━━━━━━──────── 64%  1:04  about 40s left`. */
function barLine(
  totals: Totals,
  { fraction, remainingMs, nowMs }: RunProgress,
  width: number,
  paint: Paint,
): string {
  const left = remainingMs === undefined ? '' : `  ${formatEstimate(remainingMs)} left`;
  const facts = `  ${Math.floor(fraction * 100)}%  ${formatClock(nowMs)}`;
  const text = width - widthOf(facts + left) >= SHORTEST_BAR ? facts + left : facts;
  return joinCells([...barCells(totals, fraction, width - widthOf(text)), { text }], width, paint);
}

/** `201 of 312 done   190 passed, 3 failed`, with marks where words are too long. */
function countsLine({ counts, totals, inspected }: RunSnapshot, width: number, paint: Paint): string {
  const found = verdicts.filter((verdict) => countOf(totals, verdict) > 0);
  const group = inspected?.group;
  const long = countCells(found, totals, ', ', countText);
  const short = countCells(found, totals, ' ', (verdict, count) => `${verdictLooks[verdict].mark}${count}`);
  const done: Cell = { text: `${counts.done} of ${counts.tasks} done`, style: 'bold' };
  const turn: Cell = { text: group === undefined ? '' : `   group ${printable(group)}` };
  const words = [done, ...long, turn];
  const fits = words.reduce((sum, { text }) => sum + widthOf(text), 0) <= width;
  return joinCells(fits ? words : [done, ...short, turn], width, paint);
}

/** The poisoned resources. */
function poisonedLine(poisoned: readonly string[], width: number, paint: Paint): string {
  return paint('red', clip(`poisoned: ${poisoned.map(printable).join(', ')}`, width));
}

/** The bar: the done share in green, with as much red as there are bad verdicts, the rest dim. */
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
  textOf: (verdict: Verdict, count: number) => string,
): Cell[] {
  return found.flatMap((verdict, index) => [
    { text: index === 0 ? '   ' : separator },
    { text: textOf(verdict, countOf(totals, verdict)), style: verdictLooks[verdict].style },
  ]);
}

function countOf(totals: Totals, verdict: Verdict): number {
  return totals.verdicts[verdict] ?? 0;
}

function sumOf(totals: Totals, isCounted: (verdict: Verdict) => boolean): number {
  return verdicts.filter(isCounted).reduce((sum, verdict) => sum + countOf(totals, verdict), 0);
}
