/**
 * Declares options as tables, name → kind, and validates values against them. Configurations are often plain JavaScript, where a misspelled or
 * misunderstood option would go unnoticed. Reports all problems together. Knows no option.
 */
import { type Check, didYouMean, hintFor, kindOf, must } from './entry-check.ts';
import { type Problem, problem } from './errors.ts';

/** One fault of an option, or inside it. */
export interface Flaw {
  /** The path to it, from the options inwards: `['groups', 'vm', 'pool']`. */
  readonly path: readonly string[];
  /** The rest of the sentence that starts with the path: `must be a function, not 5`. */
  readonly complaint: string;
  /** The next step, one sentence. */
  readonly hint?: string;
}

/** The values that an option may have: returns the flaws of a value found at `path`; none where it is valid. */
export type Kind = (value: unknown, path: readonly string[]) => readonly Flaw[];

/** A kind for each option of an interface. */
export type KindsOf<Options> = { readonly [Name in keyof Options]-?: Kind };

/** Makes a flaw, with or without a hint. */
export function flaw(path: readonly string[], complaint: string, hint?: string): Flaw {
  return hint === undefined ? { path, complaint } : { path, complaint, hint };
}

/** The kind of values that satisfy `isSo`; `be` follows "must be". */
export function isA(be: string, isSo: (value: unknown) => boolean, hint?: string): Kind {
  const check = must(be, isSo);
  return (value, path) => {
    const complaint = check(value);
    return complaint === undefined ? [] : [mismatch(path, value, complaint, check, hint)];
  };
}

// Kinds made here are marked as pure, so that bundlers can drop the unused ones.

/** Also accepts `Infinity`, which means no bound. */
export const number = (least: number): Kind =>
  isA(`a number, ${least} or more`, (value) => typeof value === 'number' && value >= least);
export const whole = (least: number, most: number = Number.MAX_SAFE_INTEGER): Kind =>
  isA(
    `a whole number, ${most < Number.MAX_SAFE_INTEGER ? `${least} to ${most}` : `${least} or more`}`,
    (value) => isWhole(value, least) && value <= most,
  );
export const wholeOrInfinity = (least: number): Kind =>
  isA(
    `a whole number, ${least} or more, or Infinity`,
    (value) => value === Infinity || isWhole(value, least),
  );
export const oneOf = (...values: readonly (string | boolean)[]): Kind =>
  isA(values.map(shown).join(' or '), (value) => values.includes(value as string));
export const flag: Kind = /* @__PURE__ */ oneOf(true, false);
export const text: Kind = /* @__PURE__ */ isA(
  'a non-empty string',
  (value) => typeof value === 'string' && value !== '',
);
export const anyText: Kind = /* @__PURE__ */ isA('a string', (value) => typeof value === 'string');
export const callable = (hint?: string): Kind =>
  isA('a function', (value) => typeof value === 'function', hint);
export const record: Kind = /* @__PURE__ */ isA('an object', isRecord);
/** An object with methods of these names. */
export const having = (be: string, methods: readonly string[], hint?: string): Kind =>
  isA(be, (value) => hasMethods(value, methods), hint);
export const clock: Kind = /* @__PURE__ */ having('a clock with now(), wallNow() and after()', [
  'now',
  'wallNow',
  'after',
]);

/** A list whose items are all of the kind. `of` names the items: `patterns`. */
export function listOf(of: string, kind: Kind, hint?: string): Kind {
  const items: Kind = (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => kind(item, [...path, String(index)]))
      : [mismatch(path, value, `must be a list of ${of}`, (list) => items(list, path)[0]?.complaint, hint)];
  return items;
}

/** An object whose values all are of the kind. */
export function byName(kind: Kind, hint?: string): Kind {
  return (value, path) =>
    isRecord(value)
      ? Object.entries(value).flatMap(([name, each]) => kind(each, [...path, name]))
      : [flaw(path, `must be an object, by name, not ${shown(value)}`, hint)];
}

/** An object with these options, of which those in `needed` are mandatory. */
export function table(
  kinds: Readonly<Record<string, Kind>>,
  needed: readonly string[] = [],
  hint?: string,
): Kind {
  const known = Object.keys(kinds);
  return (value, path) => {
    if (!isRecord(value)) return [flaw(path, `must be an object, not ${shown(value)}`, hint)];
    const isGiven = (name: string): boolean => value[name] !== undefined;
    const missing = needed.filter((name) => !isGiven(name));
    const unknown = Object.keys(value).filter((name) => !known.includes(name));
    return [
      ...missing.map((name) =>
        flaw(path, `needs the option "${name}"`, kinds[name]?.(undefined, path)[0]?.hint),
      ),
      ...unknown.map((name) =>
        flaw(path, `has no option "${name}"`, didYouMean(name, known) ?? `There are: ${known.join(', ')}.`),
      ),
      ...known.filter(isGiven).flatMap((name) => kinds[name]?.(value[name], [...path, name]) ?? []),
    ];
  };
}

/**
 * All problems of the options that were passed to `of` (`threads`).
 *
 * @example refuse(optionProblems('threads', options, { workers: whole(1), output: oneOf('capture', 'inherit') }))
 */
export function optionProblems(
  of: string,
  options: unknown,
  kinds: Readonly<Record<string, Kind>>,
  needed: readonly string[] = [],
): Problem[] {
  if (isRecord(options)) return problemsOf(of, table(kinds, needed)(options, []));
  const message = `${of}: its options must be an object, not ${kindOf(options)}`;
  return [
    problem('PEXEN_BAD_OPTION', message, `Write ${of}({ ${[...needed, ...Object.keys(kinds)][0]}: … }).`),
  ];
}

/** The flaws as problems: `threads: workers must be …`. */
export function problemsOf(of: string, flaws: readonly Flaw[]): Problem[] {
  return flaws.map(({ path, complaint, hint }) => {
    const place = path.length === 0 ? '' : `${path.join('.')} `;
    return problem('PEXEN_BAD_OPTION', `${of}: ${place}${complaint}`, hint);
  });
}

function mismatch(
  path: readonly string[],
  value: unknown,
  complaint: string,
  check: Check,
  hint: string | undefined,
): Flaw {
  return flaw(path, `${complaint}, not ${shown(value)}`, hintFor(path.at(-1) ?? '', value, check) ?? hint);
}

/** The value itself if it is short, else its kind. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? 'a longer string' : JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value);
}

/** True for objects that are not lists. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for objects with methods of these names. */
export function hasMethods(value: unknown, names: readonly string[]): boolean {
  return isRecord(value) && names.every((name) => typeof value[name] === 'function');
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
