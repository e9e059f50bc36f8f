/** Finds, loads and checks the configuration of a suite. Knows nothing of running it. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PexenError } from '@pexen/core';
import { tree } from '@pexen/factory';
import { checkConfig } from './config-check.ts';
import type { Suite, SuiteConfig, SuiteEnvironment } from './define-suite.ts';

/** The names a configuration may have; the first one there is wins. */
export const configNames: readonly string[] = [
  'pexen.config.ts',
  'pexen.config.mts',
  'pexen.config.js',
  'pexen.config.mjs',
];

/** A configuration that has been checked, and the directory that its relative paths start from. */
export interface LoadedConfig {
  readonly config: SuiteConfig;
  readonly root: string;
  /** Undefined where there is none and the directory itself is the suite. */
  readonly file: string | undefined;
}

/**
 * The configuration in a directory, or the one named. Without any, every executable and every exported task below the
 * directory is a task.
 * @throws PexenError PEXEN_NO_CONFIG, PEXEN_CONFIG_FAILED, PEXEN_BAD_CONFIG.
 */
export async function loadConfig(directory: string, named?: string): Promise<LoadedConfig> {
  const file = named === undefined ? findConfig(directory) : resolve(directory, named);
  if (file === undefined)
    return { config: { from: { '': tree({ dir: '.' }) } }, root: resolve(directory), file };
  if (!existsSync(file)) {
    throw new PexenError([
      { code: 'PEXEN_NO_CONFIG', message: `there is no ${file}`, hint: 'Write one with: pexen init' },
    ]);
  }
  return {
    config: await resolveSuite(await importSuite(file), environment(), file),
    root: dirname(file),
    file,
  };
}

/**
 * The suite's configuration for this environment, checked.
 * @throws PexenError PEXEN_BAD_CONFIG with every problem.
 */
export async function resolveSuite(suite: Suite, env: SuiteEnvironment, file?: string): Promise<SuiteConfig> {
  return checkConfig(typeof suite === 'function' ? await suite(env) : suite, file);
}

/** The environment of this process. */
export function environment(): SuiteEnvironment {
  const { CI } = process.env;
  return { ci: CI !== undefined && CI !== '' && CI !== '0' && CI !== 'false', env: process.env };
}

function findConfig(directory: string): string | undefined {
  return configNames.map((name) => resolve(join(directory, name))).find((file) => existsSync(file));
}

async function importSuite(file: string): Promise<Suite> {
  const module = await importConfig(file);
  if (module.default !== undefined) return module.default;
  throw new PexenError([
    {
      code: 'PEXEN_BAD_CONFIG',
      location: { file },
      message: 'it has no default export',
      hint: 'Write: export default defineSuite({ from: { … } });',
    },
  ]);
}

async function importConfig(file: string): Promise<{ readonly default?: Suite }> {
  try {
    return (await import(pathToFileURL(file).href)) as { readonly default?: Suite };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new PexenError(
      [
        {
          code: 'PEXEN_CONFIG_FAILED',
          location: { file },
          message: `it cannot be loaded: ${message}`,
          ...wayOut(cause),
        },
      ],
      { cause },
    );
  }
}

/** What to do about the errors that people meet most. */
function wayOut(cause: unknown): { readonly hint?: string } {
  const { code, message = '' } = cause as { readonly code?: string; readonly message?: string };
  if (code === 'ERR_MODULE_NOT_FOUND' && /package '(pexen|@pexen\/[^']+)'/.test(message)) {
    return { hint: 'Install it: npm install --save-dev pexen' };
  }
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return { hint: 'Node only strips types: no enum, namespace or parameter property. Or write it as .js.' };
  }
  return {};
}
