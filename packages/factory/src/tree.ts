/** The factory of all kinds of tests: handles any mix of files in one walk. `pexen run` uses it without a configuration. */
import { basename } from 'node:path';
import type { Problem } from '@pexen/core';
import { classifyExecutable } from './classify-executable.ts';
import type { FileKind, LoadContext } from './directory-factory.ts';
import { directoryFactory } from './directory-factory.ts';
import { executableKind, headOf, isExecutable } from './executables.ts';
import type { Factory } from './factory.ts';
import { findHeader } from './file-meta.ts';
import { moduleFile, moduleKind } from './modules.ts';
import type { TreeOptions } from './options.ts';
import { checkOptions, type OptionName } from './options.ts';
import type { FoundFile } from './walk.ts';

const known: readonly OptionName[] = [
  ...(['dir', 'include', 'exclude', 'followLinks', 'meta'] as const),
  ...(['cwd', 'argv', 'env', 'tap', 'match'] as const),
];

/**
 * All tests of a directory: modules named like `ping.task.ts` or `tests.ts`, and executables that look like tests. The rules
 * are in docs/factories.md; warnings name the executables that were left out because of their names. To select files yourself, use
 * `modules` and `executables`.
 *
 * @example tree({ dir: '.' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function tree(options: TreeOptions): Factory {
  checkOptions('tree', options, known, ['dir']);
  return directoryFactory('tree', options, (loadContext) => {
    const modules = moduleKind(options, loadContext, ({ path }) => moduleFile.test(basename(path)));
    return [modules, guessedExecutables(options, loadContext)];
  });
}

function guessedExecutables(options: TreeOptions, loadContext: LoadContext): FileKind {
  const tools: FoundFile[] = [];
  const kind = executableKind(options, loadContext, (file, { sideFiles }) => {
    const head = headOf(file, loadContext);
    const hasMeta = sideFiles.has(file.path) || findHeader(head, file.path).kind !== 'none';
    const guessed = classifyExecutable({ parts: file.parts, head, hasMeta });
    if (guessed === 'tool' && isExecutable(file)) tools.push(file);
    return guessed === 'test';
  });
  return {
    ...kind,
    make(files, surroundings) {
      if (tools.length > 0) loadContext.warn(leftOut(tools, loadContext));
      return kind.make(files, surroundings);
    },
    hint: (all) => (tools.length > 0 ? leftOut(tools, loadContext).hint : kind.hint?.(all)),
  };
}

function leftOut(tools: readonly FoundFile[], { dir }: LoadContext): Problem {
  const names = tools.slice(0, 5).map(({ parts }) => parts.join('/'));
  const more = tools.length > names.length ? ` and ${tools.length - names.length} more` : '';
  return {
    code: 'PEXEN_LEFT_OUT',
    location: { file: dir },
    message: `judging by their names, these executables are not tests: ${names.join(', ')}${more}`,
    hint: 'To make one a test, add this line to it: # pexen: {}',
  };
}
