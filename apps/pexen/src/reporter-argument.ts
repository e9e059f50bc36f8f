/** Parses the argument of `--reporter`. */
import { resolve } from 'node:path';
import { didYouMean, PexenError } from '@pexen/core';
import type { ReporterChoice } from '@pexen/usecase-testsuite';

const names = ['terminal', 'live', 'lines'] as const;

/**
 * `terminal`, `live`, `lines`, or `junit=FILE`, with the file relative to the current directory.
 * @throws PexenError PEXEN_UNKNOWN_REPORTER.
 */
export function parseReporter(text: string): ReporterChoice {
  const [, name = '', file] = /^([^=]*)=?(.*)$/s.exec(text) ?? [];
  const known = names.find((candidate) => candidate === name);
  if (known !== undefined && !text.includes('=')) return known;
  if (name === 'junit' && file) return junitInto(file);
  if (known !== undefined) {
    const hint = 'Set its options in the configuration.';
    throw new PexenError([{ code: 'PEXEN_UNKNOWN_REPORTER', message: `${known} takes no value here`, hint }]);
  }
  throw new PexenError([
    {
      code: 'PEXEN_UNKNOWN_REPORTER',
      message: name === 'junit' ? 'junit needs a file' : `there is no reporter "${text}"`,
      hint:
        name === 'junit'
          ? 'Write --reporter junit=out/junit.xml.'
          : (didYouMean(name, names) ?? `There are: ${names.join(', ')}, junit=FILE.`),
    },
  ]);
}

/** The reporter for a file named on the command line: relative to the current directory, not to the configuration. */
export function junitInto(file: string): ReporterChoice {
  return ['junit', { file: resolve(file) }];
}
