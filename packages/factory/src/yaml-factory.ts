/** Suites as data: a factory of the tasks in a YAML or JSON file. */
import { resolve } from 'node:path';
import type { Factory } from './factory.ts';
import { realFiles } from './files.ts';
import { checkOptions } from './options.ts';
import { openSuite, type SuiteFile, suiteFactory } from './suite-file/suite-factory.ts';
import { factories } from './tree.ts';

export { inOrderOf, type SuiteFile } from './suite-file/suite-factory.ts';

/** For `yaml`. */
export interface YamlOptions {
  /** A suite file in YAML or JSON: absolute, or relative to the context's root. Its own paths are relative to its folder. */
  readonly file: string;
}

/**
 * Makes the tasks that a suite file describes, in YAML or JSON: see docs/yaml.md.
 *
 * @example yaml({ file: 'net/suite.yaml' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function yaml(options: YamlOptions): Factory {
  checkOptions('yaml', options, ['file'], ['file']);
  const read = async (root: string) => {
    const { readSuite } = await import('./suite-file/read-suite.ts');
    return readSuite(resolve(root, options.file), realFiles);
  };
  return suiteFactory(options.file, read, factories);
}

/**
 * Reads a suite file, absolute, that may have settings of these names at its top.
 * @throws PexenError PEXEN_BAD_YAML, PEXEN_UNREADABLE_FILE where it cannot be read at all. Other problems are those of its factory.
 */
export function openSuiteFile(file: string, settings: readonly string[]): Promise<SuiteFile> {
  return openSuite(file, settings, factories);
}
