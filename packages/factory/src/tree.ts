/** The factory of everything: any mix of files, each by its kind, in one walk. What `pexen run` does without a configuration. */
import { basename } from 'node:path';
import type { Problem } from '@pexen/core';
import { directoryFactory } from './directory-factory.ts';
import { executableKind, headOf } from './executable-kind.ts';
import type { Factory } from './factory.ts';
import type { FileKind } from './file-kind.ts';
import { findHeader } from './header.ts';
import { moduleFile, moduleKind } from './module-kind.ts';
import { checkOptions, type OptionName } from './option-kinds.ts';
import type { TreeOptions } from './options.ts';
import { guess } from './test-or-tool.ts';
import type { FoundFile } from './walk.ts';
import { isExecutable } from './without-bit.ts';
import type { Workshop } from './workshop.ts';

const known: readonly OptionName[] = [
  ...(['dir', 'include', 'exclude', 'followLinks', 'meta'] as const),
  ...(['cwd', 'argv', 'env', 'tap', 'match'] as const),
];

/**
 * All tests of a directory: modules called like `ping.task.ts` or `tests.ts`, and executables that look like tests. Which do
 * is said in docs/factories.md; those left out for their names are told as warnings. To decide yourself, use `modules` and
 * `executables`.
 *
 * @example tree({ dir: '.' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function tree(options: TreeOptions): Factory {
  checkOptions('tree', options, known, ['dir']);
  return directoryFactory('tree', options, (workshop) => {
    const modules = moduleKind(options, workshop, ({ path }) => moduleFile.test(basename(path)));
    return [modules, guessedExecutables(options, workshop)];
  });
}

function guessedExecutables(options: TreeOptions, workshop: Workshop): FileKind {
  const tools: FoundFile[] = [];
  const kind = executableKind(options, workshop, (file, { sideFiles }) => {
    const head = headOf(file, workshop);
    const hasMeta = sideFiles.has(file.path) || findHeader(head, file.path).kind !== 'none';
    const guessed = guess({ parts: file.parts, head, hasMeta });
    if (guessed === 'tool' && isExecutable(file)) tools.push(file);
    return guessed === 'test';
  });
  return {
    ...kind,
    make(files, surroundings) {
      if (tools.length > 0) workshop.warn(leftOut(tools, workshop));
      return kind.make(files, surroundings);
    },
    hint: (all) => (tools.length > 0 ? leftOut(tools, workshop).hint : kind.hint?.(all)),
  };
}

function leftOut(tools: readonly FoundFile[], { dir }: Workshop): Problem {
  const names = tools.slice(0, 5).map(({ parts }) => parts.join('/'));
  const more = tools.length > names.length ? ` and ${tools.length - names.length} more` : '';
  return {
    code: 'PEXEN_LEFT_OUT',
    location: { file: dir },
    message: `by their names these executables are not tests: ${names.join(', ')}${more}`,
    hint: 'If one is, say so in it: # pexen: {}',
  };
}
