/** The factory of executables: every executable file of a directory is a task. */
import { PexenError } from '@pexen/core';
import { directoryFactory } from './directory-factory.ts';
import { executableKind } from './executable-kind.ts';
import type { Factory } from './factory.ts';
import { checkOptions, type OptionName } from './option-kinds.ts';
import type { ExecutablesOptions } from './options.ts';

const known: readonly OptionName[] = [
  ...(['dir', 'include', 'exclude', 'followLinks', 'meta'] as const),
  ...(['command', 'cwd', 'argv', 'env', 'tap'] as const),
];

/**
 * Every executable file below a directory is a task; its call path is its path. Or, with `command`, every file that
 * `include` names, executable or not. Metadata stands in a header of the file, or beside it: see docs/factories.md.
 *
 * @example
 * executables({ dir: 'tests' })
 * executables({ dir: 'test', include: ['*.js'], command: ['node'], cwd: '.' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function executables(options: ExecutablesOptions): Factory {
  checkOptions('executables', options, known, ['dir']);
  if (options.command !== undefined && options.include === undefined) throw commandWithoutInclude();
  return directoryFactory('executables', options, (workshop) => [executableKind(options, workshop)]);
}

function commandWithoutInclude(): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_BAD_OPTION',
      message: 'executables: with "command" it needs the option "include"',
      hint: "Say which files the command is to run: include: ['**/*.js'].",
    },
  ]);
}
