/** The rows of the live view: what runs, and what waits for what. Each is one line, never wider than it may be. */
import { progressText, type RunningTask } from '../running.ts';
import { formatClock } from '../text/duration.ts';
import type { Paint } from '../text/paint.ts';
import { lastLine, printable } from '../text/printable.ts';
import { clip, clipMiddle, padEnd, padStart, widthOf } from '../text/width.ts';
import type { BlockedGroup } from './blocked.ts';

const BAR = 8;
/** After this long without a word, a task that used to talk is called quiet. */
const QUIET_AFTER = 30_000;
const SEPARATOR = '  ';
/** Below this, what a task says is left out. */
const LEAST_DETAIL = 8;

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
}

/** Makes the columns wide enough for these tasks, within what a terminal of that width allows. */
export function fitRunning(
  columns: RowColumns,
  tasks: readonly RunningTask[],
  { nowMs, width }: RowContext,
): void {
  const most = Math.floor(width * 0.45);
  for (const task of tasks) {
    columns.path = Math.min(most, Math.max(columns.path, widthOf(nameOf(task))));
    columns.worker = Math.min(16, Math.max(columns.worker, widthOf(printable(task.worker))));
    columns.time = Math.max(columns.time, widthOf(timeOf(task, nowMs)));
  }
}

/** `sys/net/ping  process-1  0:03 of 0:10  ━━━───── 43/100 packets`. */
export function runningRow(task: RunningTask, columns: RowColumns, context: RowContext): string {
  const { paint, nowMs, width } = context;
  const path = padEnd(clipMiddle(nameOf(task), columns.path), columns.path);
  const worker = padEnd(clip(printable(task.worker), columns.worker), columns.worker);
  const time = padEnd(timeOf(task, nowMs), columns.time);
  const used = 2 + columns.path + 2 + columns.worker + 2 + columns.time + 2;
  const detail = width - used < LEAST_DETAIL ? '' : detailOf(task, width - used, context);
  const isSlow = nowMs - task.sinceMs >= task.slowAfterMs;
  const parts = [path, paint('dim', worker), isSlow ? paint(['yellow', 'bold'], time) : time, detail];
  return `  ${parts.join(SEPARATOR)}`.trimEnd();
}

/** Makes the columns wide enough for these groups. */
export function fitBlocked(columns: RowColumns, groups: readonly BlockedGroup[], context: RowContext): void {
  const { width } = context;
  for (const group of groups) {
    columns.what = Math.min(Math.floor(width * 0.3), Math.max(columns.what, widthOf(printable(group.what))));
    columns.by = Math.min(Math.floor(width * 0.45), Math.max(columns.by, widthOf(byOf(group, []))));
  }
}

/** `   61 for /proc/sys/net  held by sys/net/ping 0:41  sys/net/mtu, sys/net/arp, …`. */
export function blockedRow(
  group: BlockedGroup,
  running: readonly RunningTask[],
  columns: RowColumns,
  { paint, width, nowMs }: RowContext,
): string {
  const elapsed = running.map((task) => [task.path, formatClock(nowMs - task.sinceMs)] as const);
  const count = padStart(String(group.count), 5);
  const what = padEnd(clipMiddle(printable(group.what), columns.what), columns.what);
  const by = padEnd(clip(byOf(group, elapsed), columns.by), columns.by);
  const used = 5 + 5 + columns.what + 2 + columns.by + 2;
  const who = width - used < LEAST_DETAIL ? '' : paint('dim', whoOf(group, width - used));
  return `${count} for ${paint('bold', what)}${SEPARATOR}${by}${SEPARATOR}${who}`.trimEnd();
}

/** The path; behind it, which attempt it is, if not the first. */
function nameOf({ path, attempt }: RunningTask): string {
  return printable(path) + (attempt > 1 ? ` #${attempt}` : '');
}

function timeOf({ sinceMs, expectedMs }: RunningTask, nowMs: number): string {
  const elapsed = padStart(formatClock(nowMs - sinceMs), 5);
  return expectedMs === undefined ? elapsed : `${elapsed} of ${formatClock(expectedMs)}`;
}

function detailOf(task: RunningTask, width: number, { paint, nowMs }: RowContext): string {
  if (task.retryAtMs !== undefined) {
    return clip(`again in ${formatClock(Math.max(0, task.retryAtMs - nowMs))}`, width);
  }
  const failed = task.failed === 0 ? '' : `✗${task.failed} `;
  const bar = barOf(task);
  const quietMs = nowMs - task.heardAtMs;
  const quiet =
    task.heardAtMs > task.sinceMs && quietMs >= QUIET_AFTER ? `quiet for ${formatClock(quietMs)} ` : '';
  const said = printable(progressText(task.progress)) || lastLine(task.tail);
  const room = width - widthOf(failed) - widthOf(bar) - widthOf(quiet);
  return (
    paint('red', failed) +
    paint('cyan', bar) +
    paint('yellow', quiet) +
    paint('dim', clip(said, Math.max(0, room)))
  );
}

function barOf({ progress }: RunningTask): string {
  if (progress?.total === undefined || progress.total <= 0) return '';
  const filled = Math.round(BAR * Math.min(1, Math.max(0, progress.done / progress.total)));
  return `${'━'.repeat(filled)}${'─'.repeat(BAR - filled)} `;
}

function byOf(
  { how, by }: BlockedGroup,
  elapsed: readonly (readonly [path: string, time: string])[],
): string {
  const times = new Map(elapsed);
  const names = by.map((name) => printable(name) + (times.has(name) ? ` ${times.get(name)}` : ''));
  return `${how} ${names.join(', ')}`.trimEnd();
}

function whoOf({ who, count }: BlockedGroup, width: number): string {
  const more = count > who.length ? ', …' : '';
  return clip(who.map(printable).join(', ') + more, width);
}
