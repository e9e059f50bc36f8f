/** What the options of factories may be. */
import { refuse } from '@pexen/core';
import {
  anyText,
  byName,
  flag,
  isA,
  isRecord,
  type Kind,
  type KindsOf,
  listOf,
  oneOf,
  optionProblems,
  text,
} from '@pexen/core/options';
import type {
  ExecutablesOptions,
  ExportOptions,
  ModuleOptions,
  ProgramOptions,
  WalkOptions,
} from './options.ts';

const patterns = listOf('patterns', text);
const match = isA(
  'a pattern, a list of patterns or a regular expression',
  (value) => value instanceof RegExp || text(value, []).length === 0 || patterns(value, []).length === 0,
);

const kinds = {
  dir: text,
  file: text,
  include: patterns,
  exclude: patterns,
  followLinks: flag,
  meta: isA(
    'metadata or a function that returns it',
    (value) => isRecord(value) || typeof value === 'function',
  ),
  cwd: text,
  argv: listOf('strings', anyText),
  env: byName(anyText),
  tap: oneOf(true, false, 'perl'),
  command: isA(
    'a list of a program and its arguments',
    (value) => Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string'),
  ),
  match,
} satisfies KindsOf<
  WalkOptions &
    ProgramOptions &
    ExportOptions &
    Pick<ExecutablesOptions, 'command'> &
    Pick<ModuleOptions, 'file'>
>;

/** The name of an option. */
export type OptionName = keyof typeof kinds;

/**
 * Refuses options that are wrong, unknown or missing.
 * @throws PexenError PEXEN_BAD_OPTION, one problem an option.
 */
export function checkOptions(
  factory: string,
  options: object,
  known: readonly OptionName[],
  needed: readonly OptionName[],
): void {
  const own: Record<string, Kind> = Object.fromEntries(known.map((name) => [name, kinds[name]]));
  refuse(optionProblems(factory, options, own, needed));
}
