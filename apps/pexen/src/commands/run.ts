/** `pexen run`: runs the suite in the current directory and says how it went. */
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

/** What may stand behind `pexen run`. */
export interface RunOptions extends SelectOptions {
  readonly workers?: number;
  readonly reporter?: readonly string[];
  readonly junit?: string;
  readonly record?: string;
}

/** Runs what the queries select, or everything; answers with the exit code. */
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
        const deafen = obeySignals(controls, process);
        const forget = onSuspension({ suspend: () => controls.pause(), resume: () => controls.goOn() });
        restore = () => {
          deafen();
          forget();
        };
      },
    });
    return exitCode;
  } finally {
    restore?.();
  }
}

/** The command that runs only the task with a call path, in the shell's quotes where it needs them. */
function rerunCommand(config: string | undefined): (path: string) => string {
  const start = ['pexen', 'run', ...(config === undefined ? [] : ['--config', config])];
  return (path) => [...start, path].map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Those of the command line instead of those configured; `--junit` comes on top of either. */
function reportersOf({ reporter, junit }: RunOptions, config: SuiteConfig): ReporterChoice[] {
  const chosen = reporter?.map(parseReporter) ?? config.reporters ?? ['terminal'];
  return junit === undefined ? [...chosen] : [...chosen, junitInto(junit)];
}
