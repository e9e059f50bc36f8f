/** Looks at options: configurations are often plain JavaScript, and what nobody knows or understands would not be noticed. */
import { type Problem, problem } from './errors.ts';
import { didYouMean } from './suggest.ts';

/** Those of the options that are none. `of` is what they were handed to: `threads`. */
export function unknownOptions(of: string, options: object, known: readonly string[]): Problem[] {
  return Object.keys(options)
    .filter((name) => !known.includes(name))
    .map((name) =>
      problem(
        'PEXEN_BAD_OPTION',
        `${of}: has no option "${name}"`,
        didYouMean(name, known) ?? `There are: ${known.join(', ')}.`,
      ),
    );
}

/** What is wrong with the option, which may be left out: a number that is none lets a run stand still. */
export function checkNumber(name: string, value: unknown, least: number): Problem[] {
  if (value === undefined || (typeof value === 'number' && value >= least)) return [];
  return [problem('PEXEN_BAD_OPTION', `${name} must be a number, ${least} or more`)];
}
