/** The factories of modules: what a module exports as tasks is tasks. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { PexenError, type PlacedTask, type Problem, refuse } from '@pexen/core';
import { directoryFactory } from './directory-factory.ts';
import type { Factory, FactoryContext } from './factory.ts';
import { realFiles } from './files.ts';
import { anyModule, moduleFile, moduleKind } from './module-kind.ts';
import { checkOptions, type OptionName } from './option-kinds.ts';
import type { ModuleOptions, ModuleTreeOptions } from './options.ts';
import type { FoundFile } from './walk.ts';
import { openWorkshop } from './workshop.ts';

const known: readonly OptionName[] = ['dir', 'file', 'include', 'exclude', 'followLinks', 'meta', 'match'];

/**
 * The exported tasks of one module (`file`), or of all modules of a directory that `include` names (default: those called
 * like `ping.task.ts` or `tests.ts`). Exported functions are tasks if they have metadata or their name fits `match`.
 *
 * @example
 * modules({ dir: 'src', include: ['**\/*.task.ts'] })
 * modules({ file: 'checks.ts', match: 'check*' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function modules(options: ModuleOptions | ModuleTreeOptions): Factory {
  checkOptions('modules', options, known, options?.file === undefined ? ['dir'] : []);
  if (options.file === undefined) return moduleTree(options);
  const others = known.filter((name) => !['file', 'meta', 'match'].includes(name));
  const wrong = others.filter((name) =>
    Object.entries(options).some(([other, value]) => other === name && value !== undefined),
  );
  if (wrong.length > 0) throw fileWith(wrong);
  return {
    kind: 'modules',
    describe: `module ${options.file}`,
    make: (context) => makeFromFile(options, context),
  };
}

function moduleTree(options: ModuleTreeOptions): Factory {
  const form = options.include === undefined ? moduleFile : anyModule;
  return directoryFactory('modules', options, (workshop) => [
    moduleKind(options, workshop, ({ path }) => form.test(basename(path)) && anyModule.test(path)),
  ]);
}

async function* makeFromFile(
  options: ModuleOptions,
  context: FactoryContext,
): AsyncGenerator<PlacedTask, void> {
  const problems: Problem[] = [];
  const path = resolve(context.root, options.file);
  const workshop = openWorkshop(context.root, context, realFiles, problems);
  if (!existsSync(path)) throw noSuchFile(path);
  const file: FoundFile = { path, parts: [basename(path)], mode: 0, uid: 0 };
  const kind = moduleKind({ ...options, isFlat: true }, workshop, () => true);
  let count = 0;
  for await (const { task } of kind.make([file], { sideFiles: new Map() })) {
    count++;
    yield task;
  }
  if (count === 0 && problems.length === 0) problems.push(nothingIn(path));
  refuse(problems);
}

function fileWith(wrong: readonly string[]): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_BAD_OPTION',
      message: `modules: "file" does not go with "${wrong.join('", "')}"`,
      hint: 'Say either file, or dir and what goes with it.',
    },
  ]);
}

function noSuchFile(path: string): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_MODULE_FAILED',
      location: { file: path },
      message: 'there is no such file',
      hint: 'Check the spelling.',
    },
  ]);
}

function nothingIn(path: string): Problem {
  return {
    code: 'PEXEN_NOTHING_FOUND',
    location: { file: path },
    message: 'the module exports no task',
    hint: 'Export tasks, or say by "match" which functions are meant.',
  };
}
