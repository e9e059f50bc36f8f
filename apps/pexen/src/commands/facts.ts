/** `pexen facts`: what the conditions of tests find on this machine. Runs no task. */
import { styleText } from 'node:util';
import { printable } from '@pexen/report';
import { type ExitCode, exitCodes, type KnownFact, knownFacts, loadConfig } from '@pexen/usecase-testsuite';
import { othersToStderr } from '../others-to-stderr.ts';
import type { Output } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';
import { type ConfiguredOptions, givenBy } from './stated-options.ts';

/** The options of `pexen facts`. */
export interface FactsOptions extends ConfiguredOptions {
  readonly json?: boolean;
}

/** Prints all facts but the functions and the environment. A fact that is not known is shown with the reason. */
export async function facts(options: FactsOptions, output: Output): Promise<ExitCode> {
  const known = await othersToStderr(async () =>
    knownFacts(await loadConfig(workingDirectory(), options.config, givenBy(options))),
  );
  if (options.json) output.write(`${JSON.stringify(documentOf(known), undefined, 2)}\n`);
  else for (const line of linesOf(known, output)) output.write(`${line}\n`);
  return exitCodes.ok;
}

/** The values of the known facts, and the problems of the others. */
function documentOf(known: ReadonlyMap<string, KnownFact>): object {
  const values: [string, unknown][] = [];
  const problems: [string, string][] = [];
  for (const [name, fact] of known)
    if ('value' in fact) values.push([name, fact.value]);
    else problems.push([name, fact.problem]);
  return { facts: Object.fromEntries(values), problems: Object.fromEntries(problems) };
}

/** As expressions name them: `os.id  "debian"`. */
function linesOf(known: ReadonlyMap<string, KnownFact>, output: Output): string[] {
  const rows = [...known].flatMap(([name, fact]) =>
    'value' in fact ? rowsOf(name, fact.value) : [[name, fact.problem] as const],
  );
  const width = Math.max(...rows.map(([name]) => name.length));
  const dim = (text: string) => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  return rows.map(([name, value]) => `${dim(name.padEnd(width))}  ${printable(value)}`);
}

/** One row for each entry of an object, and of the objects in it. */
function rowsOf(name: string, value: unknown, depth = 0): (readonly [name: string, value: string])[] {
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isPlain && depth < 3)
    return Object.entries(value).flatMap(([key, each]) => rowsOf(`${name}.${key}`, each, depth + 1));
  return [[name, textOf(value)]];
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
