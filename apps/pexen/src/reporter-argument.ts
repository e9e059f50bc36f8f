/** What may stand behind `--reporter`. */
import { didYouMean, PexenError } from '@pexen/core';
import type { ReporterChoice } from '@pexen/usecase-testsuite';

const names = ['terminal', 'live', 'lines'] as const;

/**
 * `terminal`, `live`, `lines`, or `junit=FILE`.
 * @throws PexenError PEXEN_UNKNOWN_REPORTER.
 */
export function parseReporter(text: string): ReporterChoice {
  const [name = '', file] = text.split('=', 2);
  const known = names.find((candidate) => candidate === name);
  if (known !== undefined && file === undefined) return known;
  if (name === 'junit' && file) return ['junit', { file }];
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
