/** Makes the reporters that are chosen in the configuration or on the command line. */
import { join, parse, resolve } from 'node:path';
import { messageOf, misuse, type Problem } from '@pexen/core';
import { fileReporters, lines, live, type Reporter, type TerminalChoice, terminal } from '@pexen/report';
import type { ReporterChoice, ReporterName } from '../config/define-suite.ts';
import { loadReporter, type ReporterMaker, type Surroundings } from './other-reporters.ts';
import {
  isFileReporterName,
  isOtherReporterName,
  isTerminalName,
  ownsOutput,
  reporterOf,
  withFile,
} from './reporter-names.ts';

/** Chosen reporters, with the modules of those of others loaded. */
export interface ChosenReporters {
  readonly choices: readonly ReporterChoice[];
  readonly others: ReadonlyMap<string, ReporterMaker>;
}

/**
 * Completes the choice and loads the reporters of others. In a job of GitHub Actions, `github` is one of them. `root` is what their modules are
 * relative to.
 * @throws PexenError PEXEN_BAD_OPTION where two of them write to standard output; PEXEN_NOT_INSTALLED, PEXEN_BAD_REPORTER
 */
export async function chooseReporters(
  given: readonly ReporterChoice[],
  root: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ChosenReporters> {
  refuseTwoOwners(given);
  const choices = env.GITHUB_ACTIONS === 'true' ? withGitHub(given) : given;
  const others = new Map<string, ReporterMaker>();
  for (const { name } of choices.map(reporterOf))
    if (name !== undefined && isOtherReporterName(name)) others.set(name, await loadReporter(name, root));
  return { choices, others };
}

/** Annotations would be in the middle of a document on standard output. */
function withGitHub(choices: readonly ReporterChoice[]): readonly ReporterChoice[] {
  if (choices.some((choice) => reporterOf(choice).name === 'github')) return choices;
  return [...choices, choices.some(ownsOutput) ? ['github', { annotations: false }] : 'github'];
}

/** A document on standard output is alone there. */
function refuseTwoOwners(choices: readonly ReporterChoice[]): void {
  const owner = choices.find(ownsOutput);
  const other = choices.find(
    (choice) => choice !== owner && (ownsOutput(choice) || isTerminalName(reporterOf(choice).name ?? '')),
  );
  if (owner === undefined || other === undefined) return;
  const [name, second] = [reporterOf(owner).name, reporterOf(other).name];
  throw misuse(
    'PEXEN_BAD_OPTION',
    `the reporters ${name} and ${second} would both write to standard output`,
    `Write one of them into a file: --reporter ${name}=FILE, or its option file in the configuration.`,
  );
}

/**
 * A reporter for each choice, `around` being what else is known; `options` win over its own, and `defaults` do not. Files are relative to `root`; those of later rounds have the number of
 * the round in their names.
 * @throws PexenError PEXEN_BAD_REPORTER
 */
export function makeReporters(
  { choices, others }: ChosenReporters,
  root: string,
  round: number,
  options: TerminalChoice = {},
  defaults: TerminalChoice = {},
  around?: Surroundings,
): Reporter[] {
  const placed = (file: string): string => resolve(root, fileOfRound(file, round));
  return choices.map((choice) => {
    if (typeof choice === 'object' && 'close' in choice) return choice;
    const { name = '', options: given } = reporterOf(withFile(choice, placed));
    if (isFileReporterName(name)) return fileReporters[name].make(given);
    if (isTerminalName(name)) return terminals[name]({ ...defaults, ...given, ...options });
    return (others.get(name) as ReporterMaker)(name === 'html' ? withDefault(given, placed) : given, around);
  });
}

/** Without a file, the page is in the folder that files are relative to. */
function withDefault(
  given: Readonly<Record<string, unknown>>,
  placed: (file: string) => string,
): Readonly<Record<string, unknown>> {
  return { file: placed('report.html'), ...given };
}

const terminals: Readonly<Record<ReporterName, (options: TerminalChoice) => Reporter>> = {
  terminal,
  live,
  lines,
};

/** `out/junit.xml`, then `out/junit.2.xml`. */
export function fileOfRound(file: string, round: number): string {
  if (round === 1) return file;
  const { dir, name, ext } = parse(file);
  return join(dir, `${name}.${round}${ext}`);
}

/** The warning about a reporter that failed; the run goes on. */
export function reporterFailed(reporter: string, error: unknown): Problem {
  const why = messageOf(error);
  return { code: 'PEXEN_REPORTER_FAILED', message: `the reporter ${reporter} failed: ${why}` };
}
