/**
 * The picture of a run at one moment, as lines: a bar, the counts, what runs, what waits for what. It remembers only what keeps
 * it steady: the widths of its columns, a bar that does not go back, and its height, which shrinks late.
 */
import type { RunSnapshot, StateCounts } from '../model/run-model.ts';
import type { TaskSnapshot } from '../model/run-task.ts';
import type { Paint } from '../text/paint.ts';
import { clip } from '../text/width.ts';
import { barLine, countsLine, noteLine, type Pace, poisonedLine } from './head.ts';
import { otherRow, type RowColumns, type RowContext, runningRows, waitingRows } from './rows.ts';

/** What there is to see. Counts and rows are of one moment: they add up. */
export interface Scene extends Pace {
  readonly note: string | undefined;
  readonly run: RunSnapshot;
}

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/** Of the screen's height; the rest is for what scrolls. Low screens are used whole. */
const SHARE = 0.6;
const LOW = 14;
const MOST_WAITING = 5;
/** Of the rows below the head. */
const WAITING_SHARE = 0.35;
/** With fewer rows than this there are no titles. */
const ROOM_FOR_TITLES = 6;
/** A height is kept this long after it was last needed, ms. */
const KEEP_HEIGHT = 4000;

export class Frame {
  readonly #paint: Paint;
  readonly #columns: RowColumns = { path: 20, worker: 8, time: 5, what: 10, by: 20 };
  #height = 0;
  #neededAtMs = 0;
  #fraction = 0;
  #tasks = 0;

  readonly #slowAfterMs: number;

  /** `slowAfterMs` is what is long for tasks that say nothing of it. */
  constructor(paint: Paint, slowAfterMs: number) {
    this.#paint = paint;
    this.#slowAfterMs = slowAfterMs;
  }

  /** The lines of the picture: each narrower than the screen, all of them fewer than it has rows. */
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

  /** It goes back only when tasks were added. */
  #forwards({ fraction, run: { counts } }: Scene): number {
    this.#fraction = counts.tasks > this.#tasks ? fraction : Math.max(this.#fraction, fraction);
    this.#tasks = counts.tasks;
    return this.#fraction;
  }

  /** Adds empty lines rather than jump up and down with every task that ends. */
  #steady(lines: string[], nowMs: number, limit: number): string[] {
    if (lines.length >= this.#height || nowMs - this.#neededAtMs > KEEP_HEIGHT) {
      this.#height = lines.length;
      this.#neededAtMs = nowMs;
    }
    const missing = Math.max(0, Math.min(this.#height, limit) - lines.length);
    return [...lines, ...Array.from({ length: missing }, () => '')];
  }
}

/** What runs and what waits; where there is little room, what runs comes first. */
function bodyLines({ run }: Scene, context: RowContext, room: number): string[] {
  const { waiting } = run.counts;
  const hasTitles = room >= ROOM_FOR_TITLES;
  const titles = hasTitles ? 1 + Number(waiting > 0) : 0;
  const waitingRoom = waiting === 0 ? 0 : Math.min(MOST_WAITING, Math.floor(room * WAITING_SHARE));
  const below = waitingLines(run, waitingRoom, context);
  return [
    ...(hasTitles ? [title(runningTitle(run.counts), context)] : []),
    ...runningLines(run.running, room - below.length - titles, context),
    ...(hasTitles && waiting > 0 ? [title(`${waiting} waiting`, context)] : []),
    ...below,
  ];
}

/** Their counts are those of the rows. */
function runningTitle({ running, retrying }: StateCounts): string {
  return retrying === 0 ? `${running} running` : `${running} running, ${retrying} retrying`;
}

/** The ones that run longest, and how many more there are. */
function runningLines(running: readonly TaskSnapshot[], room: number, context: RowContext): string[] {
  if (room <= 0) return [];
  if (running.length <= room) return runningRows(running, context);
  const shown = running.slice(0, room - 1);
  const more = clip(`  … and ${running.length - shown.length} more`, context.width);
  return [...runningRows(shown, context), context.paint('dim', more)];
}

/** The largest groups, and how many tasks wait for something else: together all that wait. */
function waitingLines(run: RunSnapshot, room: number, context: RowContext): string[] {
  if (room <= 0) return [];
  const { groups, others } = run.waiting;
  const isAll = groups.length <= room && others === 0;
  const shown = isAll ? groups : groups.slice(0, room - 1);
  const rows = waitingRows(shown, run.inspected?.pools ?? [], run.running, context);
  if (isAll) return rows;
  return [...rows, otherRow(run.counts.waiting - shown.reduce((sum, { count }) => sum + count, 0), context)];
}

function poisonedIn({ inspected }: RunSnapshot): string[] {
  const found = inspected?.resources.filter(({ poisonedBy }) => poisonedBy !== undefined) ?? [];
  return found.map(({ resource }) => resource);
}

function title(text: string, { width, paint }: RowContext): string {
  return paint('bold', clip(` ${text}`, width));
}
