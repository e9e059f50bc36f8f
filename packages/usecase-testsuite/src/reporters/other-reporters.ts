/** Reporters of others: packages called `pexen-reporter-…`, and modules in the suite. Loads them, and holds them to what a reporter is. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isPexenError, messageOf, misuse, type PexenError, type Problem } from '@pexen/core';
import { hasMethods } from '@pexen/core/options';
import type { Reporter } from '@pexen/report';
import type { History } from '@pexen/store';
import type { wallTimes } from '../wall-times.ts';
import { isPackagedReporterName, packagedReporters } from './reporter-names.ts';

/** What is known around the run that is reported, for reporters that show that, too. */
export interface Surroundings {
  /** The name of the suite. */
  readonly title: string;
  /** How tasks are run again. */
  readonly command: string;
  /** The runs before; absent where none are kept. */
  readonly history?: History;
  /** The runs that were merged, where it is not one of its own. */
  readonly sources?: readonly {
    readonly name: string;
    readonly startedAt: number;
    readonly wallMs: number;
  }[];
  /** How long the run would take with other numbers of workers, ms. */
  readonly estimate: typeof wallTimes;
  /** Shows a problem that fails nothing. */
  warn(warning: Problem): void;
}

/** What such a module exports as `reporter`, or as its default; those of `html` and `otel` are called so. */
export type ReporterMaker = (
  options: Readonly<Record<string, unknown>>,
  around: Surroundings | undefined,
) => Reporter;

/** Methods of which a reporter has at least one. */
const reporterMethods: readonly string[] = ['update', 'event', 'taskUpdate'];

/** True for an object that can be called as a reporter. */
export function isReporter(value: unknown): boolean {
  return hasMethods(value, ['close']) && reporterMethods.some((name) => hasMethods(value, [name]));
}

/** Loads the reporter. Paths, and the package, are looked for from `root`. @throws PexenError PEXEN_NOT_INSTALLED, PEXEN_BAD_REPORTER */
export async function loadReporter(name: string, root: string): Promise<ReporterMaker> {
  const loaded = await importReporter(name, root);
  const made: unknown = isPackagedReporterName(name) ? loaded[name] : (loaded.reporter ?? loaded.default);
  if (typeof made !== 'function')
    throw badReporter(
      name,
      'exports no function "reporter"',
      'Export reporter(options), which returns a reporter.',
    );
  return (options, around) => {
    const reporter = makeReporter(name, made as ReporterMaker, options, around);
    if (isReporter(reporter)) return reporter;
    throw badReporter(
      name,
      'made something else than a reporter',
      `A reporter has close, and ${reporterMethods.join(', ')} or several of them.`,
    );
  };
}

function makeReporter(
  name: string,
  make: ReporterMaker,
  options: Readonly<Record<string, unknown>>,
  around: Surroundings | undefined,
): Reporter {
  try {
    return make(options, around);
  } catch (error) {
    if (isPexenError(error)) throw error;
    throw badReporter(name, `refused its options: ${messageOf(error)}`, 'See its documentation.');
  }
}

async function importReporter(name: string, root: string): Promise<Readonly<Record<string, unknown>>> {
  const file = fileOf(name, root);
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw badReporter(name, `cannot be loaded: ${messageOf(error)}`, `Its file is ${file}.`);
  }
}

function fileOf(name: string, root: string): string {
  if (/^\.{0,2}\//.test(name)) {
    const file = resolve(root, name);
    if (existsSync(file)) return file;
    throw badReporter(
      name,
      'does not exist',
      'On the command line, a path starts at the current directory; in a configuration, at its folder.',
    );
  }
  if (isPackagedReporterName(name)) return packageOf(packagedReporters[name], root);
  try {
    return createRequire(join(root, 'package.json')).resolve(name);
  } catch {
    throw misuse(
      'PEXEN_NOT_INSTALLED',
      `the reporter ${name} is not installed`,
      `Install it: npm install --save-dev ${name}`,
    );
  }
}

/** The package: that of the suite, else one beside pexen. @throws PexenError PEXEN_NOT_INSTALLED */
function packageOf(
  { module, what }: { readonly module: string; readonly what: string },
  root: string,
): string {
  for (const from of [join(root, 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve(module);
    } catch {
      // It may be in the other place.
    }
  }
  throw misuse(
    'PEXEN_NOT_INSTALLED',
    `${what} is in the package ${module}, which is not installed`,
    `Install it: npm install --save-dev ${module}`,
  );
}

function badReporter(name: string, what: string, hint: string): PexenError {
  return misuse('PEXEN_BAD_REPORTER', `the reporter ${name} ${what}`, hint);
}
