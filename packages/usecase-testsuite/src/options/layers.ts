/**
 * Which value of each option is in effect. The layers, strongest first: the command, the environment, the chosen profiles (the last one first), the
 * configuration, the default. What tests state themselves and what overrides set for them lies between the environment and the profiles: see
 * overrides.ts. Reads no file.
 */
import { resolve } from 'node:path';
import { didYouMean, isPexenError, nearest, PexenError, type Problem, refuse } from '@pexen/core';
import type { SuiteConfig } from '../config/define-suite.ts';
import { declaredOptions, type OptionName, suiteOptions, variableOf } from './declarations.ts';
import type { TextForm } from './text-forms.ts';

/** Where the value of an option comes from. */
export type Origin =
  | { readonly kind: 'command'; readonly option: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'profile'; readonly profile: string }
  | { readonly kind: 'configuration' }
  | { readonly kind: 'default' };

/** A value that an option of the command states. */
export interface StatedByCommand {
  readonly name: OptionName;
  readonly value: unknown;
  /** As it was written: `--retries`. */
  readonly option: string;
}

/** What is stated outside of the configuration. */
export interface OptionsGiven {
  /** Of several for one option the last one counts. */
  readonly command?: readonly StatedByCommand[];
  /** The names of the profiles that the command chooses, in order; default: those of `PEXEN_PROFILE`. */
  readonly profiles?: readonly string[];
  /** Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What paths in variables are relative to, absolute. Default: the current directory. */
  readonly directory?: string;
}

/** The variable that chooses profiles. */
export const profileVariable = 'PEXEN_PROFILE';

/** Variables that tests get and that begin like those of options: a pexen that a test starts has them. */
const ofTests: ReadonlySet<string> = new Set(['PEXEN_REPORT', 'PEXEN_TIMEOUT_MS']);

interface Layer {
  readonly values: Readonly<Partial<Record<OptionName, unknown>>>;
  readonly originOf: (name: OptionName) => Origin;
}

/** The value of an option that is in effect, and where it comes from. */
export interface ResolvedOption {
  readonly name: OptionName;
  readonly value: unknown;
  readonly origin: Origin;
}

/** The options of a suite in all layers. */
export class OptionLayers {
  /** The chosen profiles, in order. */
  readonly profiles: readonly string[];
  /** Of variables that look like those of options, and are not. */
  readonly warnings: readonly Problem[];
  /** Are they chosen by the command or the environment? */
  readonly choosesProfiles: boolean;
  readonly #configuration: SuiteConfig;
  readonly #given: OptionsGiven;
  readonly #strong: readonly Layer[];
  readonly #weak: readonly Layer[];

  /** @throws PexenError PEXEN_BAD_OPTION with all problems of variables and of the names of profiles */
  constructor(configuration: SuiteConfig, given: OptionsGiven = {}) {
    const { command = [], env = {}, directory = process.cwd() } = given;
    const problems: Problem[] = [];
    const chosen = given.profiles ?? namesIn(env[profileVariable]);
    this.#configuration = configuration;
    this.#given = given;
    this.choosesProfiles = chosen !== undefined;
    this.warnings = misspelledIn(env);
    this.profiles = chosen ?? [];
    this.#strong = [layerOfCommand(command), layerOfEnvironment(env, directory, problems)];
    this.#weak = [...profileLayers(configuration, this.profiles, given, problems), layerOf(configuration)];
    refuse(problems);
  }

  /** The same with these profiles. @throws PexenError PEXEN_BAD_OPTION for those that do not exist */
  withProfiles(profiles: readonly string[]): OptionLayers {
    return new OptionLayers(this.#configuration, { ...this.#given, profiles });
  }

  /** All options, in the order of their declaration. */
  resolved(): readonly ResolvedOption[] {
    return declaredOptions.map(([name, declaration]) => {
      const layer = [...this.#strong, ...this.#weak].find(({ values }) => values[name] !== undefined);
      if (layer === undefined) return { name, value: declaration.default, origin: { kind: 'default' } };
      return { name, value: this.#valueIn(layer, name), origin: layer.originOf(name) };
    });
  }

  /** The configuration with the values that are in effect. */
  effective(): SuiteConfig {
    const stated = this.resolved().filter(({ origin }) => origin.kind !== 'default');
    return Object.fromEntries(stated.map(({ name, value }) => [name, value])) as unknown as SuiteConfig;
  }

  /** What the command and the environment state, which is stronger than what tests state themselves. */
  strong(): Partial<SuiteConfig> {
    const merged = this.#strong.toReversed().map(({ values }) => values);
    return Object.assign({}, ...merged) as Partial<SuiteConfig>;
  }

  /** Each override, strongest first, and where it stands: in which list, and at which place of it, from 0. */
  overrides(): readonly LayeredOverride[] {
    return this.#weak.flatMap(({ values, originOf }) =>
      ((values.overrides ?? []) as NonNullable<SuiteConfig['overrides']>).map((override, index) => ({
        ...{ override, index, origin: originOf('overrides') },
      })),
    );
  }

  /** Overrides of profiles do not replace those of the configuration: they come before them. */
  #valueIn(layer: Layer, name: OptionName): unknown {
    return name === 'overrides' ? this.overrides().map(({ override }) => override) : layer.values[name];
  }
}

/** An override, and where it stands. */
export interface LayeredOverride {
  readonly override: NonNullable<SuiteConfig['overrides']>[number];
  readonly origin: Origin;
  readonly index: number;
}

function layerOf(values: SuiteConfig): Layer {
  return { values, originOf: () => ({ kind: 'configuration' }) };
}

function layerOfCommand(stated: readonly StatedByCommand[]): Layer {
  const options = new Map(stated.map(({ name, option }) => [name, option]));
  return {
    values: Object.fromEntries(stated.map(({ name, value }) => [name, value])),
    originOf: (name) => ({ kind: 'command', option: options.get(name) ?? '' }),
  };
}

function layerOfEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
  problems: Problem[],
): Layer {
  const values: Partial<Record<OptionName, unknown>> = {};
  for (const [name, { text }] of declaredOptions) {
    const variable = variableOf(name);
    const given = env[variable];
    // As with NO_COLOR, a variable that is empty states nothing.
    if (text === undefined || given === undefined || given === '') continue;
    const read = readText(text, given, variable, directory);
    if ('problems' in read) problems.push(...read.problems);
    else values[name] = read.value;
  }
  return { values, originOf: (name) => ({ kind: 'environment', variable: variableOf(name) }) };
}

const variables: readonly string[] = [
  ...declaredOptions.filter(([, { text }]) => text !== undefined).map(([name]) => variableOf(name)),
  profileVariable,
];

/** A variable of another name may be that of something else, so only those count that begin like the one that was meant. */
function misspelledIn(env: Readonly<Record<string, string | undefined>>): Problem[] {
  const prefix = variableOf('');
  const partOf = (variable: string): string => variable.slice(prefix.length);
  return Object.keys(env).flatMap((variable) => {
    if (!variable.startsWith(prefix) || variables.includes(variable) || env[variable] === '') return [];
    const meant = nearest(partOf(variable), variables.map(partOf));
    const isAlike = meant?.slice(0, 3) === partOf(variable).slice(0, 3) && !ofTests.has(variable);
    return isAlike
      ? [bad(`the variable ${variable} states no option`, `Did you mean "${prefix}${meant}"?`)]
      : [];
  });
}

function profileLayers(
  { profiles: known = {} }: SuiteConfig,
  chosen: readonly string[],
  { profiles: byCommand }: OptionsGiven,
  problems: Problem[],
): Layer[] {
  const names = Object.keys(known);
  for (const name of chosen) {
    if (names.includes(name)) continue;
    const all = names.length === 0 ? 'The configuration has no profiles.' : `There are: ${names.join(', ')}.`;
    problems.push({
      code: 'PEXEN_BAD_OPTION',
      message: `${byCommand === undefined ? profileVariable : '--profile'}: there is no profile "${name}"`,
      hint: didYouMean(name, names) ?? all,
    });
  }
  return chosen.toReversed().map((profile) => ({
    values: (Object.hasOwn(known, profile) ? known[profile] : undefined) ?? {},
    originOf: () => ({ kind: 'profile', profile }),
  }));
}

/** The value that a text means, or problems. `where` is the option or variable. */
function readText(
  form: TextForm,
  text: string,
  where: string,
  directory: string,
): { readonly value: unknown } | { readonly problems: readonly Problem[] } {
  try {
    const value = form.read(text);
    if (value !== undefined) return { value: form.isPath === true ? resolve(directory, text) : value };
    return { problems: [bad(`${where}: "${text}" is not ${form.forms}`)] };
  } catch (error) {
    if (!isPexenError(error)) throw error;
    return { problems: error.problems.map((each) => ({ ...each, message: `${where}: ${each.message}` })) };
  }
}

/**
 * What `--set retries=2` states.
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function readAssignment(assignment: string, directory: string): StatedByCommand {
  const [, name = '', text = ''] = /^([^=]*)=(.*)$/s.exec(assignment) ?? [];
  const settable = declaredOptions.filter(([, { text: form }]) => form !== undefined).map(([key]) => key);
  if (name === '') throw new PexenError([bad(`--set: "${assignment}" has no "="`, 'Write --set retries=2.')]);
  if (!isOptionName(name)) {
    const hint = didYouMean(name, settable) ?? `There are: ${settable.join(', ')}.`;
    throw new PexenError([bad(`--set: there is no option "${name}"`, hint)]);
  }
  const form = suiteOptions[name].text;
  if (form === undefined)
    throw new PexenError([
      bad(
        `--set: ${name} cannot be written as text`,
        'State it in the configuration, or in a profile of it.',
      ),
    ]);
  const option = `--set ${name}`;
  const read = readText(form, text, option, directory);
  if ('problems' in read) throw new PexenError(read.problems as [Problem, ...Problem[]]);
  return { name, value: read.value, option };
}

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(suiteOptions, name);
}

/** Names with commas between them; undefined for none. */
function namesIn(text: string | undefined): readonly string[] | undefined {
  const names = (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.length === 0 ? undefined : names;
}

function bad(message: string, hint?: string): Problem {
  return { code: 'PEXEN_BAD_OPTION', message, ...(hint !== undefined && { hint }) };
}
