/** The options of the command that state options of the suite. They are made from the declarations of the suite, so that both are the same. */
import { resolve } from 'node:path';
import {
  type CommandOption,
  declaredOptions,
  type OptionDeclaration,
  type OptionName,
  type OptionsGiven,
  readAssignment,
  type StatedByCommand,
} from '@pexen/usecase-testsuite';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { workingDirectory } from '../working-directory.ts';

/** The options of all commands that read a configuration. */
export interface ConfiguredOptions {
  readonly config?: string;
  readonly profile?: readonly string[];
  readonly set?: readonly string[];
}

/** The options of the command for these options of the suite; default: for all that have one. */
export function addStatedOptions(command: Command, only?: readonly OptionName[]): Command {
  for (const [name, declaration] of declaredOptions) {
    if (only !== undefined && !only.includes(name)) continue;
    for (const each of declaration.command ?? []) command.addOption(optionOf(each, declaration));
  }
  return command;
}

/** What options mean whose value is left out: `--bail` is `--bail=1`. */
export const bareValues: Readonly<Record<string, string>> = Object.fromEntries(
  declaredOptions.flatMap(([, { command = [] }]) =>
    command.flatMap(({ flags, bare }) => (bare === undefined ? [] : [[longOf(flags), bare]])),
  ),
);

function optionOf({ flags, about, value }: CommandOption, declaration: OptionDeclaration): Option {
  const option = new Option(flags, about ?? declaration.about);
  const { text, command = [] } = declaration;
  const others = command.filter((each) => each.flags !== flags);
  option.conflicts(others.map((each) => new Option(each.flags).attributeName()));
  if (value !== undefined || text === undefined) return option;
  if (text.words !== undefined) return option.choices(text.words);
  if (isRepeatable(flags)) return option.argParser(all);
  return option.argParser((given) => {
    const read = text.read(given);
    if (read === undefined) throw new InvalidArgumentError(`"${given}" is not ${text.forms}.`);
    return text.isPath === true ? given : read;
  });
}

/** Reporters are read when all are known, since their mistakes have hints of their own. */
function isRepeatable(flags: string): boolean {
  return longOf(flags) === '--reporter';
}

/** A parser of options that may be given several times. Not `<name...>`: that would take the queries behind it for more names. */
export function all(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** The same for names with commas between them. */
export function allNames(text: string, before: readonly string[] = []): readonly string[] {
  return [
    ...before,
    ...text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ];
}

/** What the parsed options of a command state. @throws PexenError PEXEN_BAD_OPTION, PEXEN_UNKNOWN_REPORTER */
export function givenBy(options: ConfiguredOptions): OptionsGiven {
  const directory = workingDirectory();
  const assigned = (options.set ?? []).map((each) => readAssignment(each, directory));
  const { profile } = options;
  return {
    command: [...assigned, ...statedBy(options as Readonly<Record<string, unknown>>, directory)],
    ...(profile !== undefined && { profiles: profile }),
  };
}

function statedBy(options: Readonly<Record<string, unknown>>, directory: string): StatedByCommand[] {
  const stated: StatedByCommand[] = [];
  for (const [name, { command = [], text }] of declaredOptions)
    for (const { flags, value: fixed } of command) {
      const given = options[new Option(flags).attributeName()];
      if (given === undefined || given === (fixed === false)) continue;
      const option = longOf(flags);
      if (fixed !== undefined) stated.push({ name, value: fixed, option });
      else if (Array.isArray(given))
        stated.push({ name, value: given.flatMap((each) => text?.read(each)), option });
      else if (text?.isPath === true) stated.push({ name, value: resolve(directory, String(given)), option });
      else stated.push({ name, value: given, option });
    }
  return stated;
}

/** `--workers` of `-j, --workers <n>`. */
function longOf(flags: string): string {
  return new Option(flags).long ?? flags;
}
