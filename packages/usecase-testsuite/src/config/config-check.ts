/** Validates the shape of a configuration and reports all problems together. */
import { type Problem, refuse } from '@pexen/core';
import type { Flaw } from '@pexen/core/options';
import { configurationKind } from '../options/declarations.ts';
import type { SuiteConfig } from './define-suite.ts';

/** Everything that is wrong with the shape of a configuration. */
export function configFlaws(config: unknown): readonly Flaw[] {
  return configurationKind(config, []);
}

/**
 * Returns the configuration if it is valid.
 * @throws PexenError PEXEN_BAD_CONFIG with every problem and its path in the configuration.
 */
export function checkConfig(config: unknown, file?: string): SuiteConfig {
  refuse(configFlaws(config).map((each) => problemOf(each, file)));
  return config as SuiteConfig;
}

function problemOf({ path, complaint, hint }: Flaw, file: string | undefined): Problem {
  return {
    code: 'PEXEN_BAD_CONFIG',
    ...(file !== undefined && { location: { file } }),
    message: path.length === 0 ? `the configuration ${complaint}` : `${path.join('.')}: ${complaint}`,
    ...(hint !== undefined && { hint }),
  };
}
