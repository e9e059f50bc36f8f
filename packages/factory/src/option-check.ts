/** Checks what users hand to factories, all of it at once: configurations are often plain JavaScript. */
import { type Problem, refuse, unknownOptions } from '@pexen/core';
import type {
  ExecutablesOptions,
  ExportOptions,
  ModuleOptions,
  ProgramOptions,
  WalkOptions,
} from './options.ts';

type Check = (value: unknown) => string | undefined;

const text: Check = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'must be a non-empty string';
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const dialect: Check = (value) =>
  typeof value === 'boolean' || value === 'perl' ? undefined : "must be true, false or 'perl'";
const globs: Check = (value) =>
  Array.isArray(value) && value.every((each) => text(each) === undefined)
    ? undefined
    : 'must be a list of patterns';
const texts: Check = (value) =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')
    ? undefined
    : 'must be a list of strings';
const command: Check = (value) =>
  Array.isArray(value) && value.length === 0 ? 'must name a program' : texts(value);
const variables: Check = (value) =>
  isRecord(value) && Object.values(value).every((each) => typeof each === 'string')
    ? undefined
    : 'must be an object of strings';
const meta: Check = (value) =>
  isRecord(value) || typeof value === 'function' ? undefined : 'must be metadata or a function that gives it';
const match: Check = (value) =>
  text(value) === undefined || value instanceof RegExp || globs(value) === undefined
    ? undefined
    : 'must be a pattern, a list of patterns or a regular expression';

/** The name of an option. */
export type OptionName =
  | keyof WalkOptions
  | keyof ProgramOptions
  | keyof ExportOptions
  | keyof Pick<ExecutablesOptions, 'command'>
  | keyof Pick<ModuleOptions, 'file'>;

const checks: Readonly<Record<OptionName, Check>> = {
  dir: text,
  file: text,
  include: globs,
  exclude: globs,
  followLinks: flag,
  meta,
  cwd: text,
  argv: texts,
  env: variables,
  tap: dialect,
  command,
  match,
};

/**
 * Refuses options that are none, or are missing.
 * @throws PexenError PEXEN_BAD_OPTION, one problem an option.
 */
export function checkOptions(
  factory: string,
  options: object,
  known: readonly OptionName[],
  needed: readonly OptionName[],
): void {
  if (!isRecord(options)) refuse(unknownOptions(factory, options, needed.length > 0 ? needed : known));
  const missing = needed.filter((name) => (options as Readonly<Record<string, unknown>>)[name] === undefined);
  refuse([
    ...missing.map((name) => problem(factory, `needs the option "${name}"`)),
    ...unknownOptions(factory, options, known),
    ...Object.entries(options).flatMap(([name, value]) => checkOption(factory, name, value)),
  ]);
}

function checkOption(factory: string, name: string, value: unknown): Problem[] {
  const complaint =
    value === undefined ? undefined : (checks as Record<string, Check | undefined>)[name]?.(value);
  return complaint === undefined ? [] : [problem(factory, `the option "${name}" ${complaint}`)];
}

function problem(factory: string, message: string): Problem {
  return { code: 'PEXEN_BAD_OPTION', message: `${factory}: ${message}` };
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
