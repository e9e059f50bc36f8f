/**
 * Folders that say themselves what they hold, in a suite file of their own, `pexen.folder.yaml`: tasks, calls of factories with their options, defaults;
 * or that nothing in them is a test.
 */
import { dirname } from 'node:path';
import {
  addressed,
  definitionOf,
  type MetaOrigin,
  PexenError,
  type PlacedTask,
  type Problem,
  type TaskMeta,
} from '@pexen/core';
import { defaultMetaOf, type LoadContext, originOfDefaults } from './directory-factory.ts';
import type { FactoryContext } from './factory.ts';
import type { DefaultMeta } from './options.ts';
import type { FactoryTable } from './suite-file/factories.ts';
import type { SuiteSetting } from './suite-file/settings.ts';
import { openSuite } from './suite-file/suite-factory.ts';
import type { FoundFolder } from './walk.ts';

/** Says that nothing in the folder is a test. */
const ignore = 'ignore';

/**
 * The tasks of a folder with such a file. Its call paths are below that of the folder, its relative paths start at the folder, and the default metadata
 * of the walk are those of its tasks as well.
 * @throws PexenError with all problems
 */
export async function* tasksOfFolder(
  { file, parts }: FoundFolder,
  meta: DefaultMeta | undefined,
  loadContext: LoadContext,
  context: FactoryContext,
  factories: FactoryTable,
): AsyncGenerator<PlacedTask, void> {
  const { factory, settings } = await openSuite(file, [ignore], factories);
  if (isIgnored(settings)) return;
  const defaults = defaultMetaOf(meta, { path: file, parts }, loadContext);
  const under = [...loadContext.under, ...parts];
  for await (const placed of factory.make({ ...context, root: dirname(file), under }))
    yield withDefaults(placed, defaults, loadContext);
}

/** @throws PexenError PEXEN_BAD_SUITE_FILE */
function isIgnored([setting]: readonly SuiteSetting[]): boolean {
  if (setting === undefined || typeof setting.value === 'boolean') return setting?.value === true;
  const problem: Problem = {
    code: 'PEXEN_BAD_SUITE_FILE',
    location: setting.locate([]),
    message: `${ignore} must be true or false`,
    hint: 'To leave out some of the files, write tree: { dir: ., exclude: [data/**] }.',
  };
  throw new PexenError([problem]);
}

function withDefaults(placed: PlacedTask, defaults: TaskMeta, loadContext: LoadContext): PlacedTask {
  const { meta, address, originOf } = definitionOf(placed.task);
  const missing = Object.entries(defaults).filter(([name]) => meta[name as keyof TaskMeta] === undefined);
  if (missing.length === 0) return placed;
  const byDefault = originOfDefaults(defaults, meta, loadContext);
  const from = (entry: keyof TaskMeta): MetaOrigin | undefined => byDefault(entry) ?? originOf?.(entry);
  return {
    ...placed,
    task: addressed(placed.task, address, Object.fromEntries(missing), { originOf: from }),
  };
}
