/** The factory of all kinds of tests: handles any mix of files in one walk. `pexen run` uses it without a configuration. */
import { basename, join } from 'node:path';
import type { Problem } from '@pexen/core';
import { automake } from './automake/automake.ts';
import { ctest } from './ctest/ctest.ts';
import type { FileKind, FileKinds, LoadContext, Surroundings } from './directory-factory.ts';
import { directoryFactory } from './directory-factory.ts';
import type { Factory } from './factory.ts';
import { findHeader } from './file-meta.ts';
import { tasksOfFolder } from './folder-file.ts';
import { kyua } from './kyua/kyua.ts';
import { moduleFile, moduleKind, modules } from './modules/modules.ts';
import type { TreeOptions } from './options.ts';
import { checkOptions, type OptionName } from './options.ts';
import {
  classifyExecutable,
  isPlainFolder,
  type OtherRunner,
  otherRunner,
} from './programs/classify-executable.ts';
import { executableKind, executables, headOf, isExecutable } from './programs/executables.ts';
import { bats, goTest, nodeTest, prove, pytest, vitest } from './programs/presets.ts';
import { programs } from './programs/programs.ts';
import type { FactoryTable } from './suite-file/factories.ts';
import type { FoundFile } from './walk.ts';

const known: readonly OptionName[] = [
  ...(['dir', 'include', 'exclude', 'followLinks', 'meta'] as const),
  ...(['cwd', 'argv', 'env', 'tap', 'lines', 'exitCodes', 'match'] as const),
];

/**
 * All tests of a directory: modules named like `ping.task.ts` or `tests.ts`, and executables that look like tests. The rules
 * are in docs/factories.md; a warning counts the programs that were left out, and names the configuration that includes them. To select
 * files yourself, use `modules` and `executables`.
 *
 * @example tree({ dir: '.' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function tree(options: TreeOptions): Factory {
  checkOptions('tree', options, known, ['dir']);
  const kinds: FileKinds = (loadContext) => {
    const leftOut: LeftOut = { programs: [], modules: [] };
    const project = projectAt(loadContext);
    const isOurs = (file: FoundFile): boolean =>
      options.match !== undefined || project.namesPexen || mentionsPexen(file, loadContext);
    const ofModules = moduleKind(options, loadContext, (file) => {
      if (!moduleFile.test(basename(file.path))) return false;
      if (isOurs(file)) return true;
      leftOut.modules.push(file);
      return false;
    });
    return [ofModules, testPrograms(options, loadContext, { leftOut, isPlain: project.isPlain })];
  };
  return directoryFactory('tree', options, kinds, {
    openFolder: (folder, loadContext, context) =>
      tasksOfFolder(folder, options.meta, loadContext, context, factories),
  });
}

/** The factories that suite files call by their names. */
export const factories = {
  ...{ executables, programs, modules, tree, ctest, kyua, automake },
  ...{ prove, nodeTest, vitest, bats, pytest, goTest },
} as unknown as FactoryTable;

/** What is at the top of the walked folder. */
function projectAt({ dir, files }: LoadContext): { readonly isPlain: boolean; readonly namesPexen: boolean } {
  try {
    const names = files.list(dir).map(({ name }) => name.toString());
    const manifest = names.includes('package.json')
      ? files.head(join(dir, 'package.json'), longestManifest).toString()
      : '';
    const namesPexen = manifest.includes('"pexen"');
    return { isPlain: isPlainFolder(names, manifest.includes('"name"') && !namesPexen), namesPexen };
  } catch {
    return { isPlain: false, namesPexen: false }; // The walk reports why it cannot be read.
  }
}

const longestManifest = 1_048_576;
const searchedBytes = 65_536;

/** A module of another project may have such a name, too, and is then not to be imported. */
function mentionsPexen(file: FoundFile, { files }: LoadContext): boolean {
  try {
    return files.head(file.path, searchedBytes).includes('pexen');
  } catch {
    return true; // Importing it reports why it cannot be read.
  }
}

function testPrograms(
  options: TreeOptions,
  loadContext: LoadContext,
  { leftOut, isPlain }: { readonly leftOut: LeftOut; readonly isPlain: boolean },
): FileKind {
  const others: OtherTests = new Map();
  const kind = executableKind(options, loadContext, (file, { sideFiles }) => {
    const head = headOf(file, loadContext);
    const hasMeta = sideFiles.has(file.path) || findHeader(head, file.path).kind !== 'none';
    const looked = classifyExecutable({ parts: file.parts, head, hasMeta, isPlain });
    if (looked === 'left-out' && isExecutable(file)) leftOut.programs.push(file);
    return looked === 'test';
  });
  const warnings = (): Problem[] => [
    ...leftOutOf('program', leftOut.programs, loadContext, options),
    ...leftOutOf('module', leftOut.modules, loadContext, options),
    ...[...others].map(([runner, files]) => testsOfRunner(runner, files, loadContext, options)),
  ];
  return {
    ...kind,
    takes(file, surroundings) {
      const runner = isExecutable(file)
        ? undefined
        : otherRunner(file.parts.at(-1) ?? '', () => headOf(file, loadContext));
      if (runner === undefined || hasOwnMeta(file, surroundings, loadContext))
        return kind.takes(file, surroundings);
      others.set(runner, [...(others.get(runner) ?? []), file]);
      return false;
    },
    make(files, surroundings) {
      warnings().forEach(loadContext.warn);
      return kind.make(files, surroundings);
    },
    hint: (all) => warnings()[0]?.hint ?? kind.hint?.(all),
  };
}

/** Files with the kind of a test that nothing else marks as tests. */
interface LeftOut {
  readonly programs: FoundFile[];
  readonly modules: FoundFile[];
}

type OtherTests = Map<OtherRunner, readonly FoundFile[]>;

/** Metadata says that a file is a test of pexen, and lost its executable bit. */
function hasOwnMeta(file: FoundFile, { sideFiles }: Surroundings, loadContext: LoadContext): boolean {
  return sideFiles.has(file.path) || findHeader(headOf(file, loadContext), file.path).kind !== 'none';
}

function leftOutOf(
  what: 'program' | 'module',
  files: readonly FoundFile[],
  { dir }: LoadContext,
  options: TreeOptions,
): Problem[] {
  if (files.length === 0) return [];
  const does =
    what === 'program'
      ? ['does not look like a test', 'do not look like tests']
      : ['does not mention pexen', 'do not mention pexen'];
  const are =
    files.length === 1 ? `1 ${what} ${does[0]} and was` : `${files.length} ${what}s ${does[1]} and were`;
  const names = files.map(({ parts }) => quoted(parts.join('/'))).join(', ');
  const few = files.length <= 3 ? `, include: [${names}]` : '';
  const one = what === 'program' ? ' For a single one, add this line to it: # pexen: {}' : '';
  return [
    {
      code: 'PEXEN_LEFT_OUT',
      location: { file: dir },
      message: `${are} left out: ${namesOf(files)}`,
      hint: `To run ${files.length === 1 ? 'it' : 'them'}, configure from: { '': ${what === 'program' ? 'executables' : 'modules'}({ dir: ${quoted(options.dir)}${few} }) }.${one}`,
    },
  ];
}

function testsOfRunner(
  runner: OtherRunner,
  files: readonly FoundFile[],
  { dir }: LoadContext,
  options: TreeOptions,
): Problem {
  const { who, files: glob } = runners[runner];
  const are = files.length === 1 ? '1 file is a test' : `${files.length} files are tests`;
  const below = options.dir === '.' ? glob : `${options.dir}/${glob}`;
  return {
    code: 'PEXEN_OTHER_RUNNER',
    location: { file: dir },
    message: `${are} of ${who} and ${files.length === 1 ? 'was' : 'were'} left out: ${namesOf(files)}`,
    hint: `To run ${files.length === 1 ? 'it' : 'them'}, configure from: { '': ${runner}({ files: ${quoted(below)} }) }.`,
  };
}

const runners: Readonly<Record<OtherRunner, { readonly who: string; readonly files: string }>> = {
  prove: { who: "Perl's prove", files: '**/*.t' },
  bats: { who: 'bats', files: '**/*.bats' },
  pytest: { who: 'pytest', files: '**/{test_*,*_test}.py' },
  nodeTest: { who: 'node --test', files: '**/*.test.*' },
  vitest: { who: 'vitest', files: '**/*.test.*' },
};

function namesOf(files: readonly FoundFile[]): string {
  const names = files.slice(0, 3).map(({ parts }) => parts.join('/'));
  return names.join(', ') + (files.length > 3 ? ` and ${files.length - 3} more` : '');
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
