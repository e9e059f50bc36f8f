/** Reporters of others: packages called `pexen-reporter-…`, and modules in the suite. Loads them, and holds them to what a reporter is. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, misuse, type PexenError } from '@pexen/core';
import { hasMethods } from '@pexen/core/options';
import type { Reporter } from '@pexen/report';

/** What such a module exports as `reporter`, or as its default. */
export type ReporterMaker = (options: Readonly<Record<string, unknown>>) => Reporter;

/** Methods of which a reporter has at least one. */
const reporterMethods: readonly string[] = ['update', 'event', 'taskUpdate'];

/** True for an object that can be called as a reporter. */
export function isReporter(value: unknown): boolean {
  return hasMethods(value, ['close']) && reporterMethods.some((name) => hasMethods(value, [name]));
}

/** Loads the reporter. Paths, and the package, are looked for from `root`. @throws PexenError PEXEN_NOT_INSTALLED, PEXEN_BAD_REPORTER */
export async function loadReporter(name: string, root: string): Promise<ReporterMaker> {
  const loaded = await importReporter(name, root);
  const made: unknown = loaded.reporter ?? loaded.default;
  if (typeof made !== 'function')
    throw badReporter(
      name,
      'exports no function "reporter"',
      'Export reporter(options), which returns a reporter.',
    );
  return (options) => {
    const reporter = makeReporter(name, made as ReporterMaker, options);
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
): Reporter {
  try {
    return make(options);
  } catch (error) {
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

function badReporter(name: string, what: string, hint: string): PexenError {
  return misuse('PEXEN_BAD_REPORTER', `the reporter ${name} ${what}`, hint);
}
