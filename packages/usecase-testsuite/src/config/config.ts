/** Finds, loads and validates the configuration of a suite. Does not run it. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { PexenError, type Problem, refuse } from '@pexen/core';
import { loadModule, moduleProblems, tree } from '@pexen/factory';
import { OptionLayers, type OptionsGiven } from '../options/layers.ts';
import { checkConfig } from './config-check.ts';
import type { ConfigData, ReadConfig } from './config-data.ts';
import type { Suite, SuiteConfig, SuiteEnvironment } from './define-suite.ts';

/** The names that a configuration may have; the first that exists is used. */
export const configNames: readonly string[] = [
  'pexen.config.ts',
  'pexen.config.mts',
  'pexen.config.js',
  'pexen.config.mjs',
  'pexen.yaml',
  'pexen.yml',
  'pexen.json',
];

const dataFile = /\.(?:json|ya?ml)$/;
const otherData = /\.(?:json[5c]|toml)$/;
const howNamed =
  'A configuration is a module, pexen.config.ts, .mts, .js or .mjs, or data: pexen.yaml or pexen.json.';

/** A validated configuration, and the directory that its paths are relative to. */
export interface LoadedConfig {
  /** The values that are in effect. */
  readonly config: SuiteConfig;
  readonly root: string;
  /** Undefined without a configuration file: the directory itself is then the suite. */
  readonly file: string | undefined;
  /** Of a configuration that is data. */
  readonly data?: ConfigData;
  /** Warnings, such as another configuration beside it. Default: none. */
  readonly warnings?: readonly Problem[];
  /** The layers of which `config` is the result. Default: only the configuration. */
  readonly layers?: OptionLayers;
}

/** The layers of which the configuration is the result. */
export function layersOf({ config, layers }: LoadedConfig): OptionLayers {
  return layers ?? new OptionLayers(config);
}

/** The same configuration with these profiles. @throws PexenError PEXEN_BAD_OPTION for those that do not exist */
export function withProfiles(loaded: LoadedConfig, profiles: readonly string[]): LoadedConfig {
  const layers = layersOf(loaded).withProfiles(profiles);
  return { ...loaded, layers, config: layers.effective() };
}

/**
 * The configuration of a directory, that of the project that contains the directory, or the named one, with what is stated besides it. Without a
 * configuration, everything below the directory that looks like a test is one.
 * @throws PexenError PEXEN_NO_CONFIG, PEXEN_CONFIG_FAILED, PEXEN_BAD_CONFIG, PEXEN_BAD_OPTION.
 */
export async function loadConfig(
  directory: string,
  named?: string,
  given?: OptionsGiven,
): Promise<LoadedConfig> {
  const file = named === undefined ? findConfig(directory) : resolve(directory, named);
  const { config: written, data }: ReadConfig =
    file === undefined ? { config: { from: { '': tree({ dir: '.' }) } } } : await readConfig(file);
  const layers = new OptionLayers(written, { env: process.env, directory: resolve(directory), ...given });
  return {
    ...{ config: layers.effective(), layers, file, ...(data !== undefined && { data }) },
    root: file === undefined ? resolve(directory) : dirname(file),
    warnings: [...layers.warnings, ...(named === undefined && file !== undefined ? othersBeside(file) : [])],
  };
}

/** Most configurations are modules: the reader of YAML is loaded where it is needed. */
async function readConfig(file: string): Promise<ReadConfig> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw noConfig(`${file} does not exist`, 'Write one with: pexen init');
  if (found.isDirectory() || otherData.test(file))
    throw noConfig(`${file} cannot be a configuration`, howNamed);
  if (!dataFile.test(file))
    return { config: await resolveSuite(await importSuite(file), environment(), file) };
  const { readConfigData } = await import('./config-data.ts');
  return readConfigData(file, dirname(file));
}

function othersBeside(file: string): Problem[] {
  return configNames
    .map((name) => join(dirname(file), name))
    .filter((other) => other !== file && existsSync(other))
    .map((other) => ({
      code: 'PEXEN_TWO_CONFIGS',
      location: { file: other },
      message: `this configuration is ignored, since ${basename(file)} is used`,
      hint: 'Remove one of them, or choose one: --config FILE.',
    }));
}

function noConfig(message: string, hint: string): PexenError {
  return new PexenError([{ code: 'PEXEN_NO_CONFIG', message, hint }]);
}

/**
 * The suite's configuration for this environment, checked.
 * @throws PexenError PEXEN_BAD_CONFIG with every problem.
 */
export async function resolveSuite(suite: Suite, env: SuiteEnvironment, file?: string): Promise<SuiteConfig> {
  return checkConfig(
    typeof suite === 'function' ? await ofConfiguration(() => suite(env), file) : suite,
    file,
  );
}

/** Calls a function of the configuration. An error that it throws is a problem of the configuration, with its location. */
export async function ofConfiguration<T>(ask: () => T | Promise<T>, file: string | undefined): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (file !== undefined) refuse(await moduleProblems(error, file, 'configuration'));
    throw error;
  }
}

/** The environment of this process. */
export function environment(): SuiteEnvironment {
  const { CI } = process.env;
  return { ci: CI !== undefined && CI !== '' && CI !== '0' && CI !== 'false', env: process.env };
}

/**
 * The nearest configuration in this directory or above it. The search ends at the root of the repository or, outside of repositories,
 * of the package, since directories above it belong to other projects.
 */
function findConfig(directory: string): string | undefined {
  const directories = directoriesUpFrom(resolve(directory));
  const has = (name: string) => (dir: string) => existsSync(join(dir, name));
  const top = directories.find(has('.git')) ?? directories.find(has('package.json')) ?? directory;
  return directories
    .slice(0, directories.indexOf(top) + 1)
    .flatMap((dir) => configNames.map((name) => join(dir, name)))
    .find((file) => existsSync(file));
}

function directoriesUpFrom(directory: string): string[] {
  const above = dirname(directory);
  return above === directory ? [directory] : [directory, ...directoriesUpFrom(above)];
}

/** The root of the suite that a command in this directory would run: that of its configuration, without loading it. */
export function suiteRoot(directory: string, named?: string): string {
  const file = named === undefined ? findConfig(directory) : resolve(directory, named);
  return file === undefined ? resolve(directory) : dirname(file);
}

async function importSuite(file: string): Promise<Suite> {
  const { namespace, problems = [] } = await loadModule(file, 'configuration');
  refuse(problems);
  if (namespace?.default !== undefined) return namespace.default as Suite;
  throw new PexenError([
    {
      code: 'PEXEN_BAD_CONFIG',
      location: { file },
      message: 'it has no default export',
      hint: 'Write: export default defineSuite({ from: { … } });',
    },
  ]);
}
