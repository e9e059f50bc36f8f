/** `pexen report`: what runs of the past add up to: shards, reruns, machines. Runs nothing. */
import { basename, resolve } from 'node:path';
import {
  type ExitCode,
  junitInto,
  readReporter,
  reportRuns,
  stateDirectoryOf,
  suiteRoot,
} from '@pexen/usecase-testsuite';
import { formatWarning } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';
import type { StateOptions } from './memory-options.ts';
import { commandOf, type OpenedPage, pageLines, pageModule, stayUntilEnded } from './page.ts';

/** The options of `pexen report`. */
export interface ReportOptions extends StateOptions {
  readonly reporter?: readonly string[];
  readonly junit?: string;
  readonly save?: string;
  readonly verbose?: boolean;
  readonly ui?: boolean | number;
  readonly uiHost?: string;
}

/** Merges and reports the runs; the latest one where none is named. Resolves with the exit code, which is that of one run. */
export async function report(places: readonly string[], options: ReportOptions): Promise<ExitCode> {
  const directory = workingDirectory();
  const root = suiteRoot(directory, options.config);
  const stateDir = options.stateDir === undefined ? undefined : resolve(directory, options.stateDir);
  const { reporter, junit, save } = options;
  const stateDirectory = stateDirectoryOf(root, stateDir);
  const page = await openedPage(options, root, stateDirectory);
  const isPlain = reporter === undefined && junit === undefined;
  const isOnlyShown = isPlain && save === undefined && page !== undefined;
  const isWithoutLines = isPlain && (save !== undefined || page !== undefined);
  const chosen = reporter?.map(readReporter) ?? (isWithoutLines ? [] : ['lines' as const]);
  const exitCode = await reportRuns({
    ...{ directory, root, stateDirectory },
    ...(page !== undefined && { observer: page.reporter }),
    places: places.length === 0 ? ['latest'] : places,
    reporters: junit === undefined ? chosen : [...chosen, junitInto(junit)],
    // Each failure is shown once: nothing has passed by since.
    terminal: { verbosity: options.verbose === true ? 'normal' : 'quiet', failures: 'short' },
    ...(save !== undefined && { save }),
    onWarning: (warning) => process.stderr.write(formatWarning(warning, process.stderr)),
    onWritten: (text) => {
      if (!isOnlyShown) process.stderr.write(`${text}\n`);
    },
  }).catch(async (error: unknown) => {
    await page?.close();
    throw error;
  });
  if (page !== undefined) {
    await stayUntilEnded('Enter or Ctrl-C ends it.');
    await page.close({ exitCode });
  }
  return exitCode;
}

/** The page, if one is asked for. */
async function openedPage(
  { ui = false, uiHost = '127.0.0.1', config }: ReportOptions,
  root: string,
  stateDirectory: string,
): Promise<OpenedPage | undefined> {
  if (ui === false) return undefined;
  const { openSuitePage } = await pageModule();
  const page = await openSuitePage({
    ...{ title: basename(root), command: commandOf(config), host: uiHost, root, stateDirectory },
    ...(typeof ui === 'number' && { port: ui }),
  });
  for (const line of pageLines(page.url, uiHost)) process.stderr.write(`${line}\n`);
  return page;
}
