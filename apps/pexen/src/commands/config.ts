/** `pexen config`: the options of the suite, or the metadata of tasks, each with its value and its origin. Runs no task. */
import { styleText } from 'node:util';
import { formatLocation, type Problem } from '@pexen/core';
import { printable } from '@pexen/report';
import {
  type ConfigReport,
  configReportVersion,
  type DescribedOrigin,
  type DescribedValue,
  declaredOptions,
  describeConfig,
  describeTasks,
  type ExitCode,
  exitCodes,
  loadConfig,
  type TaskConfigReport,
  variableOf,
} from '@pexen/usecase-testsuite';
import { othersToStderr } from '../others-to-stderr.ts';
import { formatWarning, type Output } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';
import { type ConfiguredOptions, givenBy } from './stated-options.ts';

/** The options of `pexen config`. */
export interface ConfigOptions extends ConfiguredOptions {
  readonly json?: boolean;
}

/** Prints the options of the suite, or the metadata of the tasks that the query selects. */
export async function config(
  query: string | undefined,
  options: ConfigOptions,
  output: Output,
): Promise<ExitCode> {
  const warn = (warning: Problem) => process.stderr.write(formatWarning(warning, process.stderr));
  const document = await othersToStderr(async () => {
    const loaded = await loadConfig(workingDirectory(), options.config, givenBy(options));
    if (query !== undefined)
      return { version: configReportVersion, tasks: await describeTasks(loaded, query, warn) };
    loaded.warnings?.forEach(warn);
    return await describeConfig(loaded);
  });
  if (options.json === true) output.write(`${JSON.stringify(document, undefined, 2)}\n`);
  else for (const line of linesOf(document, output)) output.write(`${line}\n`);
  return exitCodes.ok;
}

function linesOf(
  document: ConfigReport | { readonly tasks: readonly TaskConfigReport[] },
  output: Output,
): string[] {
  if ('options' in document) return [...headOf(document), '', ...rowsOf(document.options, output)];
  return document.tasks.flatMap(({ path, location, entries }, at) => [
    ...(at === 0 ? [] : ['']),
    `${printable(path)}${location === undefined ? '' : `  ${formatLocation(location)}`}`,
    ...rowsOf(entries, output).map((row) => `  ${row}`),
  ]);
}

function headOf({ file, root, profiles }: ConfigReport): string[] {
  const of = file === undefined ? `${root}, without a configuration` : `${file} in ${root}`;
  return [profiles.length === 0 ? of : `${of}, profiles: ${profiles.join(', ')}`].map(printable);
}

const longestText = 48;

/** A row for each value: its name, its text and its origin. */
export function rowsOf(values: readonly DescribedValue[], output: Output): string[] {
  const rows = values.map(({ name, text, origin }) => ({
    name,
    text: printable(text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text),
    from: printable(originText(origin)),
    isDefault: origin.kind === 'default',
  }));
  const widths = {
    name: Math.max(...rows.map(({ name }) => name.length)),
    text: Math.max(...rows.map(({ text }) => text.length)),
  };
  const dim = (text: string) => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  return rows.map(({ name, text, from, isDefault }) => {
    const row = `${name.padEnd(widths.name)}  ${text.padEnd(widths.text)}  `;
    return isDefault ? dim(row + from) : row + dim(from);
  });
}

/** `profile ci, pexen.config.ts:8:11`. */
function originText({ location, ...origin }: DescribedOrigin): string {
  const at = location === undefined ? '' : formatLocation(location);
  switch (origin.kind) {
    case 'command':
      return origin.option;
    case 'environment':
      return origin.variable;
    case 'profile':
      return [`profile ${origin.profile}`, at].filter((part) => part !== '').join(', ');
    case 'configuration':
      return at;
    case 'default':
      return 'default';
    case 'task':
      return at === '' ? 'the task' : at;
    case 'factory':
      return origin.by;
    case 'override': {
      const adds = origin.isAdded ? 'the task, and added by ' : '';
      return [`${adds}${origin.entry}`, at].filter((part) => part !== '').join(', ');
    }
    default:
      return origin satisfies never;
  }
}

/** A line for each option of a suite, for the help: its variable, and what it says. */
export function optionsHelp(): readonly string[] {
  const width = Math.max(...declaredOptions.map(([name]) => name.length));
  const lines = declaredOptions.map(([name, { about, text, exitCode }]) => {
    const variable = text === undefined ? '' : `; ${variableOf(name)}`;
    const code = exitCode === undefined ? '' : `; exit code ${exitCode}`;
    return `  ${name.padEnd(width)}  ${about}${variable}${code}`;
  });
  return ['Keys of the configuration, and the variables that state them:', ...lines];
}
