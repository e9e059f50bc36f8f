/** What checks of entries are made of, and how they complain. Knows no entry. */
import { type Problem, problem } from './errors.ts';

/** What is wrong with a value; undefined if nothing is. */
export type Check = (value: unknown) => string | undefined;

/** Complains that it must be that. */
export const must =
  (be: string, isSo: (value: unknown) => boolean): Check =>
  (value) =>
    isSo(value) ? undefined : `must be ${be}`;

/** Complains of what is no list, or of its first wrong item. */
export const listOf =
  (check: Check): Check =>
  (value) => {
    if (!Array.isArray(value)) return 'must be a list';
    for (let index = 0; index < value.length; index++) {
      const complaint = check(value[index]);
      if (complaint !== undefined) return `[${index}] ${complaint}`;
    }
    return undefined;
  };

/** The complaint about an entry, and the way out where its value would do as an item of a list. */
export function badEntry(
  name: string,
  value: unknown,
  check: Check,
  complaint: string,
  task?: string,
): Problem {
  return problem('PEXEN_BAD_META', `${name} ${complaint}`, hintFor(name, value, check), task);
}

/** How the value is written that was probably meant: as a list, or as a number. Undefined where nothing is near. */
export function hintFor(name: string, value: unknown, check: Check): string | undefined {
  if (typeof value === 'string')
    return check([value]) === undefined ? `Write ${name}: ['${value}'].` : numberHint(name, value, check);
  const isOther =
    typeof value === 'object' && value !== null && !Array.isArray(value) && Symbol.iterator in value;
  return isOther && check([...(value as Iterable<unknown>)]) === undefined
    ? `Make it a list: ${name}: [...values].`
    : undefined;
}

const unitsMs: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

/** How the number is written that the text means, as headers of programs may have it: `20s`. Undefined where it means none. */
export function numberHint(name: string, value: unknown, check: Check): string | undefined {
  if (typeof value !== 'string') return undefined;
  const [, digits, unit = ''] = /^\s*(-?\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?\s*$/.exec(value) ?? [];
  const number = Number(digits) * (unitsMs[unit] as number);
  if (digits === undefined || check(number) !== undefined) return undefined;
  const text = String(number).replace(/\B(?=(?:\d{3})+$)/g, Math.abs(number) < 10_000 ? '' : '_');
  return `Write ${name}: ${text}${unit === '' ? '' : ' (milliseconds)'}.`;
}
