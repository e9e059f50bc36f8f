/** The parts of which checks of user input are made: complaints about values, and hints at what was probably meant. Knows no entry and no option. */
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

/** What was given, for people: `null`, `a list`, `a promise`, `an object`, `a function`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Promise) return 'a promise';
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/** The nearest of `known` to `name`, if it is near enough to be what was meant: less than half of the letters differ, or it begins alike. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const most = Math.floor(Math.max(name.length, candidate.length) * 0.45);
    const isBeginning = isBeginningOf(name, candidate) || isBeginningOf(candidate, name);
    if (!isBeginning && Math.abs(candidate.length - name.length) > most) continue;
    const distance = isBeginning ? most : editDistance(name, candidate);
    if (distance <= most && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `Did you mean "x"?`, or undefined where nothing is near. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const match = nearest(name, known);
  return match === undefined ? undefined : `Did you mean "${match}"?`;
}

/** `bin` for `binary`. Two letters are too few to mean anything. */
function isBeginningOf(short: string, long: string): boolean {
  return short.length > 2 && long.startsWith(short);
}

/** Levenshtein's distance, by rows. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replace = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** True for lists, sets, generators and everything else that `for … of` reads, texts left out. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
