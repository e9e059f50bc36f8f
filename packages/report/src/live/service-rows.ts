/** The rows of the services in the live view: where each is, since when, and who needs it. Each is one line within a width. */
import type { InspectedService } from '@pexen/core';
import type { TaskSnapshot } from '../model/run-task.ts';
import type { ServiceState } from '../model/services.ts';
import { formatClock, formatSpan } from '../text/format.ts';
import type { Style } from '../text/paint.ts';
import { lastLine, printable } from '../text/printable.ts';
import { deathsText, serviceStopText } from '../text/service.ts';
import { type Cell, clipMiddle, joinCells, padStart } from '../text/width.ts';
import { GAP, grown, isLong, NARROW, type RowContext } from './rows.ts';

/** A service that serves, in the words of its row. */
interface ServiceRow {
  readonly path: string;
  readonly word: string;
  readonly style: Style;
  /** How long it has been so. */
  readonly time: string;
  readonly isLate: boolean;
  readonly remarks: readonly string[];
  readonly tail: string;
}

/** `  env/db  up        0:41  12 need it  ready after 1.2s  LOG: checkpoint complete`, one for each. */
export function serviceRows(
  services: readonly TaskSnapshot[],
  inspected: readonly InspectedService[],
  context: RowContext,
): string[] {
  const { columns, width, paint } = context;
  const needs = new Map(inspected.map((service) => [service.path, service.needs]));
  const rows = services.map((service) => rowOf(service, needs.get(service.facts.path), context));
  for (const row of rows) {
    columns.path = grown(columns.path, printable(row.path), Math.floor(width * 0.45));
    columns.serviceTime = grown(columns.serviceTime, row.time, width);
  }
  return rows.map((row) => joinCells(cellsOf(row, context), width, paint).trimEnd());
}

/** The services to look at come first: those that are not simply up. */
export function byInterest(services: readonly TaskSnapshot[]): readonly TaskSnapshot[] {
  const isUp = ({ service }: TaskSnapshot): boolean => service?.phase === 'up';
  return [...services.filter((each) => !isUp(each)), ...services.filter(isUp)];
}

/** `env/db starting 0:03`, for those who wait for it. */
export function serviceStateText(service: TaskSnapshot, nowMs: number): string {
  const { word, sinceMs } = looksOf(service);
  return `${word} ${formatClock(nowMs - sinceMs)}`;
}

function rowOf(
  task: TaskSnapshot,
  needs: number | undefined,
  { nowMs, slowAfterMs, width }: RowContext,
): ServiceRow {
  const { facts, service, running } = task;
  const { word, style, sinceMs } = looksOf(task);
  const isStarting = service?.phase === 'starting';
  const expectedMs = isStarting ? facts.weightMs : undefined;
  const { unusualAfterMs, slowAfterMs: ownSlowAfterMs = slowAfterMs } = facts;
  const timed = { startedAtMs: sinceMs, expectedMs, slowAfterMs: ownSlowAfterMs, unusualAfterMs };
  const clock = padStart(formatClock(nowMs - sinceMs), 5);
  return {
    ...{ path: nameOf(task), word, style },
    time: expectedMs === undefined || width < NARROW ? clock : `${clock} of ${formatClock(expectedMs)}`,
    isLate: isStarting && isLong(timed, nowMs),
    remarks: [...needsText(needs, service), ...remarksOf(task, nowMs)],
    tail: lastLine(running?.tail ?? ''),
  };
}

/** The word of its phase. */
function looksOf({ service, sinceMs }: TaskSnapshot): {
  readonly word: string;
  readonly style: Style;
  readonly sinceMs: number;
} {
  const { phase = 'starting', end = 'stopped', sinceMs: since = sinceMs } = service ?? {};
  const [word, style]: readonly [string, Style] =
    phase === 'down' ? [end, downStyles[end]] : [phase, phaseStyles[phase]];
  return { word, style, sinceMs: since };
}

const phaseStyles = { starting: 'cyan', up: 'green', stopping: 'dim' } as const;
const downStyles = { died: 'red', failed: 'red', stopped: 'dim' } as const;

function needsText(needs: number | undefined, service: ServiceState | undefined): string[] {
  if (needs === undefined || needs === 0 || service?.phase === 'stopping') return [];
  return [needs === 1 ? '1 needs it' : `${needs} need it`];
}

function remarksOf({ service, running }: TaskSnapshot, nowMs: number): string[] {
  if (service === undefined) return [];
  const { phase, readyAfterMs, deaths, stopped, startsAgain } = service;
  const retryAtMs = running?.retryAtMs;
  return [
    ...(phase === 'up' && readyAfterMs !== undefined ? [`ready after ${formatSpan(readyAfterMs)}`] : []),
    ...(phase === 'stopping' && stopped !== undefined ? [serviceStopText(stopped)] : []),
    ...(deaths > 0 && phase !== 'down' ? [deathsText(deaths)] : []),
    ...(phase === 'down' && retryAtMs !== undefined
      ? [`attempt ${(running?.attempt ?? 0) + 1} in ${Math.max(0, Math.ceil((retryAtMs - nowMs) / 1000))}s`]
      : []),
    ...(phase === 'down' && startsAgain ? ['starts again when needed'] : []),
  ];
}

function cellsOf(
  { path, word, style, time, isLate, remarks, tail }: ServiceRow,
  context: RowContext,
): Cell[] {
  const { columns, width } = context;
  const timeCell: Cell = { text: time, columns: columns.serviceTime };
  return [
    GAP,
    { text: clipMiddle(printable(path), columns.path), columns: columns.path },
    GAP,
    { text: word, columns: 8, style },
    GAP,
    isLate ? { ...timeCell, style: 'yellow' } : timeCell,
    ...(width < NARROW ? [] : [...remarks.flatMap((text): Cell[] => [GAP, { text }]), GAP, dim(tail)]),
  ];
}

function dim(text: string): Cell {
  return { text, style: 'dim' };
}

/** The path, and the number of the attempt if it is not the first. */
function nameOf({ facts: { path }, running }: TaskSnapshot): string {
  return (running?.attempt ?? 1) > 1 ? `${path} #${running?.attempt}` : path;
}
