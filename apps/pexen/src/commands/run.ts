/** `pexen run`: runs the suite in the current directory and reports the results. */
import { onSuspension } from '@pexen/report';
import {
  type ExitCode,
  loadConfig,
  type ReporterChoice,
  requireSystem,
  runSuite,
  type SuiteConfig,
} from '@pexen/usecase-testsuite';
import { formatWarning } from '../print-problems.ts';
import { junitInto, parseReporter } from '../reporter-argument.ts';
import { obeySignals } from '../signals.ts';
import { workingDirectory } from '../working-directory.ts';
import { type SelectOptions, selectionOf } from './select-options.ts';

/** The options of `pexen run`. */
export interface RunOptions extends SelectOptions {
  readonly workers?: number;
  readonly reporter?: readonly string[];
  readonly junit?: string;
  readonly record?: string;
}

/** Runs what the queries select, or everything; resolves with the exit code. */
export async function run(queries: readonly string[], options: RunOptions): Promise<ExitCode> {
  requireSystem();
  const loaded = await loadConfig(workingDirectory(), options.config);
  let restore: (() => void) | undefined;
  try {
    const { exitCode } = await runSuite(loaded, {
      ...selectionOf(queries, options),
      ...(options.workers !== undefined && { workers: options.workers }),
      ...(options.record !== undefined && { record: options.record }),
      reporters: reportersOf(options, loaded.config),
      terminal: { rerun: rerunCommand(options.config) },
      onWarning: (warning) => process.stderr.write(formatWarning(warning, process.stderr)),
      onStart: (controls) => {
        const stopListening = obeySignals(controls, process);
        const unsubscribe = onSuspension({ suspend: () => controls.pause(), resume: () => controls.goOn() });
        restore = () => {
          stopListening();
          unsubscribe();
        };
      },
    });
    return exitCode;
  } finally {
    restore?.();
  }
}

/** The command that runs only the task with a call path, quoted for a shell where necessary. */
function rerunCommand(config: string | undefined): (path: string) => string {
  const start = ['pexen', 'run', ...(config === undefined ? [] : ['--config', config])];
  return (path) => [...start, path].map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Reporters of the command line replace those of the configuration; `--junit` is added to either. */
function reportersOf({ reporter, junit }: RunOptions, config: SuiteConfig): ReporterChoice[] {
  const chosen = reporter?.map(parseReporter) ?? config.reporters ?? ['terminal'];
  return junit === undefined ? [...chosen] : [...chosen, junitInto(junit)];
}
