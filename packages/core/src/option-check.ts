/** Looks at options: configurations are often plain JavaScript, and what nobody knows or understands would not be noticed. */
import { type Problem, problem } from './errors.ts';
import { kindOf } from './not-a-task.ts';
import { didYouMean } from './suggest.ts';

/** Those of the options that are none, or that they are no options at all. `of` is what they were handed to: `threads`. */
export function unknownOptions(of: string, options: unknown, known: readonly string[]): Problem[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const message = `${of}: its options must be an object, not ${kindOf(options)}`;
    return [problem('PEXEN_BAD_OPTION', message, `Write ${of}({ ${known[0]}: … }).`)];
  }
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
