/** Suite files as factories, whatever they are called for: as data of a suite, or as what a folder says of itself. */
import { basename } from 'node:path';
import { type PlacedTask, type Problem, type ProblemCode, refuse } from '@pexen/core';
import type { Factory, FactoryContext } from '../factory.ts';
import { realFiles } from '../files.ts';
import type { FactoryTable } from './factories.ts';
import type { SuiteContent } from './read-suite.ts';
import type { SuiteSetting } from './settings.ts';

/** A suite file with settings at its top. */
export interface SuiteFile {
  readonly factory: Factory;
  /** Of its catalogue, where it has one. */
  readonly catalogue?: Factory;
  readonly settings: readonly SuiteSetting[];
  /** It, and the files that it includes. */
  readonly files: readonly string[];
}

/**
 * Reads a suite file, absolute, that may have settings of these names at its top.
 * @throws PexenError PEXEN_BAD_YAML, PEXEN_UNREADABLE_FILE where it cannot be read at all. Other problems are those of its factory.
 */
export async function openSuite(
  file: string,
  settings: readonly string[],
  factories: FactoryTable,
): Promise<SuiteFile> {
  const { readSuite } = await import('./read-suite.ts');
  const { settingOf } = await import('./settings.ts');
  const content = readSuite(file, realFiles, settings);
  const unread: readonly ProblemCode[] = ['PEXEN_BAD_YAML', 'PEXEN_UNREADABLE_FILE'];
  refuse(content.problems.filter(({ code }) => unread.includes(code)));
  const language = content.mayHaveExpressions ? await import('../conditions/language.ts') : undefined;
  return {
    factory: suiteFactory(basename(file), async () => content, factories),
    ...(content.catalogue !== undefined && {
      catalogue: suiteFactory(
        `the catalogue in ${basename(file)}`,
        async () => catalogueIn(content),
        factories,
      ),
    }),
    settings: content.settings.map((entry) => settingOf(entry, language)),
    files: content.files,
  };
}

/** Everything but its tasks is that of the file. */
function catalogueIn(content: SuiteContent): SuiteContent {
  return { ...content, parts: content.catalogue ?? [], common: [], capacities: [], problems: [] };
}

/** The factory of the content of a suite file, which may call others. */
export function suiteFactory(
  file: string,
  read: (root: string) => Promise<SuiteContent>,
  factories: FactoryTable,
): Factory {
  return { kind: 'yaml', describe: `yaml of ${file}`, make: (context) => make(read, factories, context) };
}

async function* make(
  read: (root: string) => Promise<SuiteContent>,
  factories: FactoryTable,
  context: FactoryContext,
): AsyncGenerator<PlacedTask, void> {
  const content = await read(context.root);
  const { tasksOf } = await import('./tasks-of.ts');
  const problems = new Map<string, Problem>();
  // What several tasks have in common would be reported for each of them.
  const report = (problem: Problem): void => {
    const { location, message } = problem;
    const key = `${location?.file}:${location?.line}:${location?.column} ${message}`;
    if (!problems.has(key)) problems.set(key, problem);
  };
  content.problems.forEach(report);
  for await (const task of tasksOf(content, context, realFiles, factories, report)) yield task;
  refuse([...problems.values()].sort(inOrderOf(content.files)));
}

/** Compares by the order of the files, then by the place in the file. */
export function inOrderOf(files: readonly string[]): (one: Problem, other: Problem) => number {
  const rank = (problem: Problem): readonly [number, number, number] => {
    const { file = '', line = 0, column = 0 } = problem.location ?? { file: '' };
    return [files.indexOf(file), line, column];
  };
  return (one, other) => {
    const [a, b] = [rank(one), rank(other)];
    return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
  };
}
