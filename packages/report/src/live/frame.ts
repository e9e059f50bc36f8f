/**
 * The picture of a run at one moment, as lines: a bar, the counts, what runs, what waits for what. It remembers only what keeps
 * it steady: the widths of its columns, a bar that does not go back, and its height, which shrinks late.
 */
import type { RunningTask } from '../running.ts';
import type { Tally } from '../tally.ts';
import type { Paint } from '../text/paint.ts';
import { clip } from '../text/width.ts';
import type { Blocked } from './blocked.ts';
import { barLine, countsLine, noteLine, type Pace, poisonedLine } from './head.ts';
import { blockedRows, type RowColumns, type RowContext, runningRows } from './rows.ts';

/** What there is to see. */
export interface Scene extends Pace {
  readonly note: string | undefined;
  readonly tally: Tally;
  readonly running: readonly RunningTask[];
  readonly blocked: Blocked | undefined;
}

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/** Of the screen's height; the rest is for what scrolls. Low screens are used whole. */
const SHARE = 0.6;
const LOW = 14;
const MOST_BLOCKED = 5;
/** Of the rows below the head. */
const BLOCKED_SHARE = 0.35;
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

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  /** The lines of the picture: each narrower than the screen, all of them fewer than it has rows. */
  lines(scene: Scene, { columns, rows }: FrameSize): string[] {
    const width = Math.max(1, columns - 1);
    const context = { nowMs: scene.nowMs, width, paint: this.#paint, columns: this.#columns };
    const limit = rows < LOW ? Math.max(1, rows - 1) : Math.max(LOW - 1, Math.floor(rows * SHARE));
    const head = this.#head(scene, width);
    const lines = [...head, ...bodyLines(scene, context, limit - head.length)].slice(0, limit);
    return this.#steady(lines, scene.nowMs, limit);
  }

  #head(scene: Scene, width: number): string[] {
    const { note, tally, blocked } = scene;
    const pace = { ...scene, fraction: this.#forwards(scene) };
    const poisoned = blocked?.poisoned ?? [];
    return [
      ...(note === undefined ? [] : [noteLine(note, width, this.#paint)]),
      barLine(tally, pace, width, this.#paint),
      countsLine(tally, blocked?.group, width, this.#paint),
      ...(poisoned.length === 0 ? [] : [poisonedLine(poisoned, width, this.#paint)]),
    ];
  }

  /** It goes back only when tasks were added. */
  #forwards({ fraction, tally }: Scene): number {
    this.#fraction = tally.tasks > this.#tasks ? fraction : Math.max(this.#fraction, fraction);
    this.#tasks = tally.tasks;
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
function bodyLines(scene: Scene, context: RowContext, room: number): string[] {
  const { tally, running, blocked } = scene;
  const waiting = Math.max(0, tally.tasks - tally.done - running.length);
  const hasTitles = room >= ROOM_FOR_TITLES;
  const titles = hasTitles ? 1 + Number(waiting > 0) : 0;
  const blockedRoom = waiting === 0 ? 0 : Math.min(MOST_BLOCKED, Math.floor(room * BLOCKED_SHARE));
  const groups = (blocked?.groups ?? []).slice(0, blockedRoom);
  return [
    ...(hasTitles ? [title(`${running.length} running`, context)] : []),
    ...runningLines(running, room - groups.length - titles, context),
    ...(hasTitles && waiting > 0 ? [title(`${waiting} waiting`, context)] : []),
    ...blockedRows(groups, running, context),
  ];
}

/** The ones that run longest, and how many more there are. */
function runningLines(running: readonly RunningTask[], room: number, context: RowContext): string[] {
  if (room <= 0) return [];
  if (running.length <= room) return runningRows(running, context);
  const shown = running.slice(0, room - 1);
  const more = clip(`  … and ${running.length - shown.length} more`, context.width);
  return [...runningRows(shown, context), context.paint('dim', more)];
}

function title(text: string, { width, paint }: RowContext): string {
  return paint('bold', clip(` ${text}`, width));
}
