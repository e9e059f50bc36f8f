/**
 * The picture of a run at one moment, as lines: a bar, the counts, what runs, what waits for what. It remembers only what keeps
 * it steady: the widths of its columns and its height, which shrinks late.
 */
import type { RunningTask } from '../running.ts';
import type { Tally } from '../tally.ts';
import { formatClock, formatGuess } from '../text/duration.ts';
import type { Paint } from '../text/paint.ts';
import { printable } from '../text/printable.ts';
import { verdictLooks, verdicts } from '../text/verdict-look.ts';
import { clip, widthOf } from '../text/width.ts';
import { isBad } from '../verdict.ts';
import type { Blocked } from './blocked.ts';
import { blockedRow, fitBlocked, fitRunning, type RowColumns, type RowContext, runningRow } from './rows.ts';

/** What there is to see. */
export interface Scene {
  readonly note: string | undefined;
  readonly tally: Tally;
  readonly running: readonly RunningTask[];
  readonly blocked: Blocked | undefined;
  /** 0 to 1. */
  readonly fraction: number;
  readonly remainingMs: number | undefined;
  readonly nowMs: number;
}

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/** Of the screen's height; the rest is for what scrolls. Low screens are used whole. */
const SHARE = 0.6;
const LOW = 14;
const MOST_BLOCKED = 5;
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

  /** The lines of the picture, none wider than the screen and fewer than it has rows. */
  lines(scene: Scene, size: FrameSize): string[] {
    const context = { nowMs: scene.nowMs, width: Math.max(1, size.columns - 1), paint: this.#paint };
    const limit =
      size.rows < LOW ? Math.max(1, size.rows - 1) : Math.max(LOW - 1, Math.floor(size.rows * SHARE));
    const head = [
      ...this.#noteLine(scene, context),
      this.#barLine(scene, context),
      this.#countsLine(scene, context),
    ];
    const poisoned = this.#poisonedLine(scene, context);
    const body = this.#body(scene, context, limit - head.length - poisoned.length);
    return this.#steady([...head, ...poisoned, ...body].slice(0, limit), scene.nowMs, limit);
  }

  #noteLine({ note }: Scene, { width, paint }: RowContext): string[] {
    return note === undefined ? [] : [paint(['yellow', 'bold'], clip(printable(note), width))];
  }

  /** `━━━━━━━━━━━━──────── 64%  1:04  about 40s left`. */
  #barLine(scene: Scene, { width, paint }: RowContext): string {
    const { remainingMs, nowMs } = scene;
    const fraction = this.#forwards(scene);
    const left = remainingMs === undefined ? '' : `  ${formatGuess(remainingMs)} left`;
    const facts = ` ${String(Math.floor(fraction * 100)).padStart(3)}%  ${formatClock(nowMs)}`;
    const text = width - widthOf(facts + left) >= 10 ? facts + left : facts;
    const cells = Math.max(0, width - widthOf(text));
    return clip(text, width) === text ? barOf(scene.tally, fraction, cells, paint) + text : clip(text, width);
  }

  /** It goes back only when tasks were added. */
  #forwards({ fraction, tally }: Scene): number {
    this.#fraction = tally.tasks > this.#tasks ? fraction : Math.max(this.#fraction, fraction);
    this.#tasks = tally.tasks;
    return this.#fraction;
  }

  #countsLine({ tally, blocked }: Scene, { width, paint }: RowContext): string {
    const counts = verdicts.filter((verdict) => tally.count(verdict) > 0);
    const long = counts.map(
      (verdict) => [verdict, `${tally.count(verdict)} ${verdictLooks[verdict].counted}`] as const,
    );
    const short = counts.map(
      (verdict) => [verdict, `${verdictLooks[verdict].mark}${tally.count(verdict)}`] as const,
    );
    const start = `${tally.done} of ${tally.tasks} done`;
    const group = blocked?.group === undefined ? '' : `   group ${printable(blocked.group)}`;
    for (const [said, between] of [
      [long, ', '],
      [short, ' '],
    ] as const) {
      const text = [start, said.map(([, words]) => words).join(between)].filter(Boolean).join('   ') + group;
      if (widthOf(text) > width) continue;
      const painted = said.map(([verdict, words]) => paint(verdictLooks[verdict].style, words)).join(between);
      return [paint('bold', start), painted].filter(Boolean).join('   ') + group;
    }
    return clip(start, width);
  }

  #poisonedLine({ blocked }: Scene, { width, paint }: RowContext): string[] {
    if (blocked === undefined || blocked.poisoned.length === 0) return [];
    return [paint('red', clip(`poisoned: ${blocked.poisoned.map(printable).join(', ')}`, width))];
  }

  #body(scene: Scene, context: RowContext, room: number): string[] {
    if (room <= 0) return [];
    const groups = scene.blocked?.groups ?? [];
    const hasTitles = room >= 6;
    const waiting = Math.max(0, scene.tally.tasks - scene.tally.done - scene.running.length);
    const wanted = Math.min(groups.length, MOST_BLOCKED);
    const blockedRows = waiting === 0 ? 0 : Math.min(wanted, Math.max(1, Math.floor(room * 0.35)));
    const titles = hasTitles ? 1 + (waiting > 0 ? 1 : 0) : 0;
    const runningRows = Math.max(0, room - blockedRows - titles);
    return [
      ...(hasTitles ? [title(`${scene.running.length} running`, context)] : []),
      ...this.#runningRows(scene.running, runningRows, context),
      ...(hasTitles && waiting > 0 ? [title(`${waiting} waiting`, context)] : []),
      ...this.#blockedRows(groups.slice(0, blockedRows), scene.running, context),
    ];
  }

  /** The ones that run longest, and how many more there are. */
  #runningRows(running: readonly RunningTask[], room: number, context: RowContext): string[] {
    const fits = running.length <= room;
    const shown = running.slice(0, fits ? room : Math.max(0, room - 1));
    fitRunning(this.#columns, shown, context);
    const rows = shown.map((task) => runningRow(task, this.#columns, context));
    if (!fits && room > 0)
      rows.push(context.paint('dim', clip(`  … and ${running.length - shown.length} more`, context.width)));
    return rows;
  }

  #blockedRows(groups: Blocked['groups'], running: readonly RunningTask[], context: RowContext): string[] {
    fitBlocked(this.#columns, groups, context);
    return groups.map((group) => blockedRow(group, running, this.#columns, context));
  }

  /** Adds empty lines rather than jump up and down with every task that ends. */
  #steady(lines: string[], nowMs: number, limit: number): string[] {
    if (lines.length >= this.#height || nowMs - this.#neededAtMs > KEEP_HEIGHT) {
      this.#height = lines.length;
      this.#neededAtMs = nowMs;
    }
    const missing = Math.min(this.#height, limit) - lines.length;
    return missing <= 0 ? lines : [...lines, ...Array.from({ length: missing }, () => '')];
  }
}

function title(text: string, { width, paint }: RowContext): string {
  return paint('bold', clip(` ${text}`, width));
}

/** Done in green, with as much red as there are bad ones among it, the rest dim. */
function barOf(tally: Tally, fraction: number, cells: number, paint: Paint): string {
  const filled = Math.min(cells, Math.round(cells * fraction));
  const bad = verdicts.filter(isBad).reduce((sum, verdict) => sum + tally.count(verdict), 0);
  const red =
    bad === 0 ? 0 : Math.min(filled, Math.max(1, Math.round((filled * bad) / Math.max(1, tally.done))));
  return (
    paint('red', '━'.repeat(red)) +
    paint('green', '━'.repeat(filled - red)) +
    paint('dim', '─'.repeat(cells - filled))
  );
}
