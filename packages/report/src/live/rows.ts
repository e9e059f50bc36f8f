/** The rows of the live view: the running tasks, and what the others wait for. Each is one line within a width. */
import type { PoolState } from '@pexen/core';
import type { RunningAttempt, TaskSnapshot } from '../model/run-task.ts';
import type { WaitingGroup } from '../model/waiting.ts';
import { formatClock, progressText } from '../text/format.ts';
import type { Paint } from '../text/paint.ts';
import { lastLine, printable } from '../text/printable.ts';
import { type Cell, clip, clipMiddle, joinCells, padStart, widthOf } from '../text/width.ts';

/** The rows of the live view: what runs, and what waits for what. Each is one line, never wider than it may be. */
const BAR = 8;
/** A task that reported something before is called quiet after this long without a report, ms. */
const QUIET_AFTER = 30_000;
/** A task may run this much longer than expected before it is marked, ms. */
const TOLERANCE = 2000;
/** Between two columns. */
export const GAP: Cell = { text: '  ' };
const WIDEST_WORKER = 22;
/** Below this width, the worker is left out. */
export const NARROW = 60;

/** The widths of the columns; they only ever grow, so that rows do not jump. */
export interface RowColumns {
  path: number;
  worker: number;
  time: number;
  serviceTime: number;
  what: number;
  by: number;
}

export interface RowContext {
  readonly nowMs: number;
  /** The `slowAfter` of tasks that have none, ms. */
  readonly slowAfterMs: number;
  readonly width: number;
  readonly paint: Paint;
  readonly columns: RowColumns;
}

/** What is needed to say whether something takes long. */
export interface Timed {
  readonly startedAtMs: number;
  readonly expectedMs: number | undefined;
  readonly slowAfterMs: number;
  readonly unusualAfterMs: number | undefined;
}

/** A running task, with its attempt. */
interface Row extends RunningAttempt, Timed {
  readonly path: string;
}

/** `sys/net/ping  process-1  0:03 of 0:10  ━━━───── 43/100 packets`, one for each. */
export function runningRows(tasks: readonly TaskSnapshot[], context: RowContext): string[] {
  const { columns, width, paint, nowMs } = context;
  const rows = tasks.flatMap((task) => rowOf(task, context));
  for (const row of rows) {
    columns.path = grown(columns.path, nameOf(row), Math.floor(width * 0.45));
    columns.worker = grown(columns.worker, printable(row.worker), WIDEST_WORKER);
    columns.time = grown(columns.time, timeOf(row, nowMs), width);
  }
  return rows.map((row) => joinCells(runningCells(row, context), width, paint).trimEnd());
}

/**
 * `   61 for /proc/sys/net  held by sys/net/ping 0:41  sys/net/mtu, sys/net/arp, …`, one for each. `states` says of running tasks and services how
 * long they have been running, or been in their phase.
 */
export function waitingRows(
  groups: readonly WaitingGroup[],
  pools: readonly PoolState[],
  states: ReadonlyMap<string, string>,
  context: RowContext,
): string[] {
  const { columns, width, paint } = context;
  const rows = groups.map((group) => ({ group, text: waitingText(group, pools) }));
  for (const { text } of rows) {
    columns.what = grown(columns.what, printable(text.what), Math.floor(width * 0.3));
    columns.by = grown(columns.by, byOf(text, states), Math.floor(width * 0.45));
  }
  return rows.map(({ group, text }) =>
    joinCells(waitingCells(group, text, states, columns), width, paint).trimEnd(),
  );
}

/** `   12 for other reasons`. */
export function otherRow(count: number, { width, paint }: RowContext): string {
  return paint('dim', clip(`${padStart(String(count), 5)} for other reasons`, width));
}

function rowOf({ facts, running }: TaskSnapshot, context: RowContext): Row[] {
  if (running === undefined) return [];
  const slowAfterMs = facts.slowAfterMs ?? context.slowAfterMs;
  const { path, weightMs: expectedMs, unusualAfterMs } = facts;
  return [{ ...running, path, expectedMs, slowAfterMs, unusualAfterMs }];
}

function runningCells(row: Row, { columns, width, nowMs }: RowContext): Cell[] {
  const time: Cell = { text: timeOf(row, nowMs), columns: columns.time };
  const worker: Cell = { text: printable(row.worker), columns: columns.worker, style: 'dim' };
  return [
    GAP,
    { text: clipMiddle(nameOf(row), columns.path), columns: columns.path },
    GAP,
    ...(width < NARROW ? [] : [{ ...worker, text: clip(worker.text, columns.worker) }, GAP]),
    isLong(row, nowMs) ? { ...time, style: 'yellow' } : time,
    GAP,
    ...detailCells(row, nowMs),
  ];
}

function waitingCells(
  group: WaitingGroup,
  text: WaitingText,
  states: ReadonlyMap<string, string>,
  columns: RowColumns,
): Cell[] {
  const who = group.who.map(printable).join(', ') + (group.count > group.who.length ? ', …' : '');
  return [
    { text: `${padStart(String(group.count), 5)} for ` },
    { text: clipMiddle(printable(text.what), columns.what), columns: columns.what, style: 'bold' },
    GAP,
    { text: clip(byOf(text, states), columns.by), columns: columns.by },
    GAP,
    { text: who, style: 'dim' },
  ];
}

/** Its failed findings, its progress, whether it is quiet, and its last output. */
function detailCells(task: Row, nowMs: number): Cell[] {
  if (task.retryAtMs !== undefined) {
    const seconds = Math.max(0, Math.ceil((task.retryAtMs - nowMs) / 1000));
    return [{ text: `attempt ${task.attempt + 1} in ${seconds}s`, style: 'yellow' }];
  }
  const quietMs = nowMs - task.heardAtMs;
  const isQuiet = task.heardAtMs > task.startedAtMs && quietMs >= QUIET_AFTER;
  return [
    { text: task.adoptedFrom === undefined ? '' : 'adopted ', style: 'dim' },
    { text: task.failedFindings === 0 ? '' : `✗${task.failedFindings} `, style: 'red' },
    { text: barOf(task), style: 'cyan' },
    { text: isQuiet ? `quiet for ${formatClock(quietMs)} ` : '', style: 'yellow' },
    { text: printable(progressText(task.progress)) || lastLine(task.tail), style: 'dim' },
  ];
}

/** The path, and the number of the attempt if it is not the first. */
function nameOf({ path, attempt }: Row): string {
  return printable(path) + (attempt > 1 ? ` #${attempt}` : '');
}

function timeOf({ startedAtMs, expectedMs, retryAtMs }: Row, nowMs: number): string {
  if (retryAtMs !== undefined) return '';
  const elapsed = padStart(formatClock(nowMs - startedAtMs), 5);
  return expectedMs === undefined ? elapsed : `${elapsed} of ${formatClock(expectedMs)}`;
}

/** Is it slow, or does it run much longer than usual? Of a task that states its duration itself it is not known what is usual. */
export function isLong(
  { startedAtMs, slowAfterMs, expectedMs, unusualAfterMs }: Timed,
  nowMs: number,
): boolean {
  const elapsed = nowMs - startedAtMs;
  const usual = unusualAfterMs ?? (expectedMs === undefined ? Infinity : 2 * expectedMs + TOLERANCE);
  return elapsed >= slowAfterMs || elapsed > usual;
}

function barOf({ progress }: Row): string {
  if (progress?.total === undefined || progress.total <= 0) return '';
  const filled = Math.round(BAR * Math.min(1, Math.max(0, progress.done / progress.total)));
  return `${'━'.repeat(filled)}${'─'.repeat(BAR - filled)} `;
}

function byOf({ how, by }: WaitingText, states: ReadonlyMap<string, string>): string {
  const names = by.map((name) => [printable(name), states.get(name)].filter(Boolean).join(' '));
  return `${how} ${names.join(', ')}`.trimEnd();
}

/** The width of a column that also holds this text. */
export function grown(columns: number, text: string, most: number): number {
  return Math.min(most, Math.max(columns, widthOf(text)));
}

/** What tasks wait for, in words: `61 for WHAT  HOW BY`, for example `61 for /db  held by a, b`. */
interface WaitingText {
  readonly what: string;
  readonly how: string;
  /** The names of tasks or groups, or pools with how full they are. */
  readonly by: readonly string[];
}

/** `pools` is how full they were at the last inspection. */
function waitingText(group: WaitingGroup, pools: readonly PoolState[]): WaitingText {
  const { kind, subject, by, isOver } = group;
  switch (kind) {
    case 'resource':
      return { what: subject, how: isOver ? 'just released' : 'held by', by };
    case 'requirement':
      return { what: subject, how: isOver ? 'just ended' : 'from', by };
    case 'order':
      return { what: 'the end of others', how: isOver ? 'just ended' : 'after', by };
    case 'reservation':
      return { what: 'its turn', how: isOver ? 'just ended' : 'behind', by };
    case 'group':
      return { what: `the turn of group ${subject}`, how: groupHow(group), by };
    case 'need':
      return { what: 'tasks that need it', how: isOver ? 'just ended' : 'such as', by };
    case 'slot':
      return { what: 'a free worker', how: 'in', by: by.map((name) => poolText(name, pools)) };
    case 'node':
      return { what: 'a node that fits', how: 'in', by };
    case 'dispatched':
      return { what: 'a worker to start it', how: 'in', by: by.map((name) => poolText(name, pools)) };
    case 'consumer':
      return { what: 'the consumer', how: 'of the results', by };
    case 'unknown':
      return { what: 'an unknown reason', how: '', by };
    default:
      return kind satisfies never;
  }
}

function groupHow({ isByTasks, isOver, by }: WaitingGroup): string {
  if (!isByTasks) return by.length === 0 ? '' : 'now';
  return isOver ? 'just ended' : 'after';
}

function poolText(name: string, pools: readonly PoolState[]): string {
  const pool = pools.find((each) => each.name === name);
  if (pool === undefined) return name;
  return `${name}: ${Math.min(pool.dispatched, pool.slots)} of ${pool.slots} busy`;
}
