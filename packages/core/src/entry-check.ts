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
  const isOne = typeof value === 'string' && check([value]) === undefined;
  const hint = isOne ? `Write ${name}: ['${value}'].` : undefined;
  return problem('PEXEN_BAD_META', `${name} ${complaint}`, hint, task);
}
