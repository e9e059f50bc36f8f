/** Durations as people write them: `100ms`, `20s`, `5m`, `2h`, or a number of milliseconds. Loads nothing. */

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** How durations may be written, for messages. */
export const durationForms = 'a duration such as 100ms, 20s, 5m or 2h, or a number of milliseconds';

/** Milliseconds; undefined for anything that is not a duration. */
export function readDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^(\d{1,9}(?:\.\d{1,9})?) ?(ms|s|m|h)$/.exec(value);
  const unitMs = unitsMs[match?.[2] ?? ''];
  return unitMs === undefined ? undefined : Number(match?.[1]) * unitMs;
}

/** The same for a text that may be a bare number, as on a command line. */
export function readDurationText(text: string): number | undefined {
  return readDuration(/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text);
}
