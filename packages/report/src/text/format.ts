/** Durations and progress as text. */
import type { Progress } from '@pexen/core';

/** In ms, as are the arguments of all functions here. */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** `  12.345s`, for a column. */
export function formatSeconds(ms: number): string {
  return `${(Math.max(0, ms) / SECOND).toFixed(3)}s`.padStart(9);
}

/** In a sentence: `213ms`, `12.3s`, `4m 03s`, `1h 04m`. */
export function formatSpan(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < MINUTE - 50) return `${(ms / SECOND).toFixed(1)}s`;
  const seconds = Math.round(ms / SECOND);
  if (ms < HOUR - 500) return `${Math.floor(seconds / 60)}m ${twoDigits(seconds % 60)}s`;
  const minutes = Math.round(ms / MINUTE);
  return `${Math.floor(minutes / 60)}h ${twoDigits(minutes % 60)}m`;
}

/** For a running clock: `0:41`, `12:03`, `1:12:03`. */
export function formatClock(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / SECOND);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${twoDigits(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`;
}

/** For an estimate, rounded: `a few seconds`, `about 40s`, `about 3 min`, `about 1 h 20 min`. */
export function formatEstimate(ms: number): string {
  if (ms < 5 * SECOND) return 'a few seconds';
  if (ms < 55 * SECOND) return `about ${10 * Math.max(1, Math.round(ms / SECOND / 10))}s`;
  const minutes = Math.max(1, Math.round(ms / MINUTE));
  if (minutes < 10) return `about ${minutes} min`;
  if (minutes < 58) return `about ${5 * Math.round(minutes / 5)} min`;
  const rounded = 10 * Math.round(minutes / 10);
  return `about ${Math.floor(rounded / 60)} h${rounded % 60 === 0 ? '' : ` ${rounded % 60} min`}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** `43/100 drivers`; empty if nothing is known. */
export function progressText(progress: Progress | undefined): string {
  if (progress === undefined) return '';
  const { done, total, message } = progress;
  return [total === undefined ? `${done}` : `${done}/${total}`, message].filter(Boolean).join(' ');
}
