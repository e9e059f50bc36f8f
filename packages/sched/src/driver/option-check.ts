/** Looks at the numbers among options: one that is none would not be noticed, but the run would stand still. */
import { type Problem, problem } from '@pexen/core';

/** What is wrong with the option, which may be left out. */
export function checkNumber(name: string, value: unknown, least: number): Problem[] {
  if (value === undefined || (typeof value === 'number' && value >= least)) return [];
  return [problem('PEXEN_BAD_OPTION', `${name} must be a number, ${least} or more`)];
}
