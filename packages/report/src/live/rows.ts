/** The rows of the live view: what runs, and what waits for what. Each is one line, never wider than it may be. */
import { progressText, type RunningTask } from '../running.ts';
import { type Cell, joinCells } from '../text/cells.ts';
import { formatClock } from '../text/duration.ts';
import type { Paint } from '../text/paint.ts';
import { lastLine, printable } from '../text/printable.ts';
import { clip, clipMiddle, padStart, widthOf } from '../text/width.ts';
import type { BlockedGroup } from './blocked.ts';

const BAR = 8;
/** After this long without a word, a task that used to talk is called quiet. */
const QUIET_AFTER = 30_000;
/** So much later than expected is not yet late, ms. */
const NOT_WORTH_A_WORD = 2000;
const GAP: Cell = { text: '  ' };
const WIDEST_WORKER = 22;
/** Below this width, nobody asks for the worker. */
const NARROW = 60;

/** The widths of the columns; they only ever grow, so that rows do not jump. */
export interface RowColumns {
  path: number;
  worker: number;
  time: number;
  what: number;
  by: number;
}

/** What rows depend on besides their subject. */
export interface RowContext {
  readonly nowMs: number;
  readonly width: number;
  readonly paint: Paint;
  readonly columns: RowColumns;
}

/** `sys/net/ping  process-1  0:03 of 0:10  ━━━───── 43/100 packets`, one for each. */
export function runningRows(tasks: readonly RunningTask[], context: RowContext): string[] {
  const { columns, width, paint, nowMs } = context;
  for (const task of tasks) {
    columns.path = grown(columns.path, nameOf(task), Math.floor(width * 0.45));
    columns.worker = grown(columns.worker, printable(task.worker), WIDEST_WORKER);
    columns.time = grown(columns.time, timeOf(task, nowMs), width);
  }
  return tasks.map((task) => joinCells(runningCells(task, context), width, paint).trimEnd());
}

/** `   61 for /proc/sys/net  held by sys/net/ping 0:41  sys/net/mtu, sys/net/arp, …`, one for each. */
export function blockedRows(
  groups: readonly BlockedGroup[],
  running: readonly RunningTask[],
  context: RowContext,
): string[] {
  const { columns, width, paint, nowMs } = context;
  const elapsed = new Map(running.map((task) => [task.path, formatClock(nowMs - task.sinceMs)]));
  for (const group of groups) {
    columns.what = grown(columns.what, printable(group.what), Math.floor(width * 0.3));
    columns.by = grown(columns.by, byOf(group, elapsed), Math.floor(width * 0.45));
  }
  return groups.map((group) => joinCells(blockedCells(group, elapsed, columns), width, paint).trimEnd());
}

function runningCells(task: RunningTask, { columns, width, nowMs }: RowContext): Cell[] {
  const time: Cell = { text: timeOf(task, nowMs), columns: columns.time };
  const worker: Cell = { text: printable(task.worker), columns: columns.worker, style: 'dim' };
  return [
    GAP,
    { text: clipMiddle(nameOf(task), columns.path), columns: columns.path },
    GAP,
    ...(width < NARROW ? [] : [{ ...worker, text: clip(worker.text, columns.worker) }, GAP]),
    isLong(task, nowMs) ? { ...time, style: 'yellow' } : time,
    GAP,
    ...detailCells(task, nowMs),
  ];
}

function blockedCells(
  group: BlockedGroup,
  elapsed: ReadonlyMap<string, string>,
  columns: RowColumns,
): Cell[] {
  const who = group.who.map(printable).join(', ') + (group.count > group.who.length ? ', …' : '');
  return [
    { text: `${padStart(String(group.count), 5)} for ` },
    { text: clipMiddle(printable(group.what), columns.what), columns: columns.what, style: 'bold' },
    GAP,
    { text: clip(byOf(group, elapsed), columns.by), columns: columns.by },
    GAP,
    { text: who, style: 'dim' },
  ];
}

/** What it found, how far it is, whether it went quiet, and what it said last. */
function detailCells(task: RunningTask, nowMs: number): Cell[] {
  if (task.retryAtMs !== undefined) {
    const seconds = Math.max(0, Math.ceil((task.retryAtMs - nowMs) / 1000));
    return [{ text: `attempt ${task.attempt + 1} in ${seconds}s`, style: 'yellow' }];
  }
  const quietMs = nowMs - task.heardAtMs;
  const isQuiet = task.heardAtMs > task.sinceMs && quietMs >= QUIET_AFTER;
  return [
    { text: task.failed === 0 ? '' : `✗${task.failed} `, style: 'red' },
    { text: barOf(task), style: 'cyan' },
    { text: isQuiet ? `quiet for ${formatClock(quietMs)} ` : '', style: 'yellow' },
    { text: printable(progressText(task.progress)) || lastLine(task.tail), style: 'dim' },
  ];
}

/** The path; behind it, which attempt it is, if not the first. */
function nameOf({ path, attempt }: RunningTask): string {
  return printable(path) + (attempt > 1 ? ` #${attempt}` : '');
}

function timeOf({ sinceMs, expectedMs, retryAtMs }: RunningTask, nowMs: number): string {
  if (retryAtMs !== undefined) return '';
  const elapsed = padStart(formatClock(nowMs - sinceMs), 5);
  return expectedMs === undefined ? elapsed : `${elapsed} of ${formatClock(expectedMs)}`;
}

/** Slow, or much longer than it was expected to take. */
function isLong({ sinceMs, slowAfterMs, expectedMs }: RunningTask, nowMs: number): boolean {
  const elapsed = nowMs - sinceMs;
  return elapsed >= slowAfterMs || (expectedMs !== undefined && elapsed > 2 * expectedMs + NOT_WORTH_A_WORD);
}

function barOf({ progress }: RunningTask): string {
  if (progress?.total === undefined || progress.total <= 0) return '';
  const filled = Math.round(BAR * Math.min(1, Math.max(0, progress.done / progress.total)));
  return `${'━'.repeat(filled)}${'─'.repeat(BAR - filled)} `;
}

function byOf({ how, by }: BlockedGroup, elapsed: ReadonlyMap<string, string>): string {
  const names = by.map((name) => [printable(name), elapsed.get(name)].filter(Boolean).join(' '));
  return `${how} ${names.join(', ')}`.trimEnd();
}

function grown(columns: number, text: string, most: number): number {
  return Math.min(most, Math.max(columns, widthOf(text)));
}
