/** The parts of which checks of user input are made: complaints about values, and hints at what was probably meant. Knows no entry and no option. */
import { type Problem, problem } from './errors.ts';

/** What is wrong with a value; undefined if nothing is. */
export type Check = (value: unknown) => string | undefined;

/** A check that complains `must be …` unless the predicate holds. */
export const must =
  (be: string, isSo: (value: unknown) => boolean): Check =>
  (value) =>
    isSo(value) ? undefined : `must be ${be}`;

/** A check that complains about a value that is not a list, or about its first wrong item. */
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

/** The complaint about an entry, and a hint where the value would be valid as an item of a list. */
export function badEntry(
  name: string,
  value: unknown,
  check: Check,
  complaint: string,
  task?: string,
): Problem {
  return problem('PEXEN_BAD_META', `${name} ${complaint}`, hintFor(name, value, check), task);
}

/** How to write the value that was probably meant, as a list or as a number. Undefined where no such value is likely. */
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

/** How to write the number that the text means, such as `20s`, which headers of programs may contain. Undefined where it is not a number. */
export function numberHint(name: string, value: unknown, check: Check): string | undefined {
  if (typeof value !== 'string') return undefined;
  const [, digits, unit = ''] = /^\s*(-?\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?\s*$/.exec(value) ?? [];
  const number = Number(digits) * (unitsMs[unit] as number);
  if (digits === undefined || check(number) !== undefined) return undefined;
  const text = String(number).replace(/\B(?=(?:\d{3})+$)/g, Math.abs(number) < 10_000 ? '' : '_');
  return `Write ${name}: ${text}${unit === '' ? '' : ' (milliseconds)'}.`;
}

/** The kind of a value, for messages: `null`, `a list`, `a promise`, `an object`, `a function`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Promise) return 'a promise';
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/** The name in `known` that is nearest to `name`, if it is likely to be meant: less than half of the letters differ, or one begins with the other. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const most = Math.floor(Math.max(name.length, candidate.length) * 0.45);
    const isBeginning = isBeginningOf(name, candidate) || isBeginningOf(candidate, name);
    if (!isBeginning && Math.abs(candidate.length - name.length) > most) continue;
    const edits = editDistance(name, candidate);
    const distance = isBeginning ? Math.min(most, edits) : edits;
    if (distance <= most && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `Did you mean "x"?`, or undefined where no name is near. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const match = nearest(name, known);
  return match === undefined ? undefined : `Did you mean "${match}"?`;
}

/** `bin` for `binary`. One or two letters are too few to conclude anything. */
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
