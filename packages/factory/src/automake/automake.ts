/** The tests of an Automake package as tasks. make runs each of them, so that its environment, its drivers and its verdict are those of `make check`. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type ExecutableBody,
  type ExecutableFacts,
  executableTask,
  type Interpretation,
  type PlacedTask,
  type Problem,
  place,
  refuse,
  type Task,
  type TaskMeta,
} from '@pexen/core';
import {
  anyText,
  byName,
  flag,
  isA,
  isRecord,
  type KindsOf,
  optionProblems,
  text,
} from '@pexen/core/options';
import {
  createLoadContext,
  defaultMetaOf,
  type LoadContext,
  originOfDefaults,
} from '../directory-factory.ts';
import type { Factory, FactoryContext } from '../factory.ts';
import { realFiles } from '../files.ts';
import type { DefaultMeta } from '../options.ts';
import { findCommand } from '../programs/program.ts';
import { type MakeCommand, type MakeTest, namesIn, readMakefiles, type TestDirectory } from './makefiles.ts';
import { readLocal, readSerial, readTrs, trsMark } from './trs.ts';

/** For `automake`. */
export interface AutomakeOptions {
  /** The top of the build tree, where `./configure` was run: absolute, or relative to the root. */
  readonly dir: string;
  /** Builds the package first, in a task that all tests require. Default true. */
  readonly build?: boolean;
  /** GNU make. Default `make`. */
  readonly make?: string;
  /** Variables for make: `{ RUN_EXPENSIVE_TESTS: 'yes' }`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Default metadata; a function gets the file of the test, with the call path as its parts. */
  readonly meta?: DefaultMeta;
}

const kinds: KindsOf<AutomakeOptions> = {
  dir: text,
  build: flag,
  make: text,
  variables: byName(anyText, "Write variables: { VERBOSE: '1' }."),
  meta: isA(
    'metadata or a function that returns it',
    (value) => isRecord(value) || typeof value === 'function',
  ),
};

/**
 * Makes a task of each test of a configured Automake package. The verdicts are those of `make check`: see docs/automake.md.
 *
 * @example automake({ dir: 'build' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function automake(options: AutomakeOptions): Factory {
  refuse(optionProblems('automake', options, kinds, ['dir']));
  const describe = `automake of ${options.dir}`;
  return { kind: 'automake', describe, make: (context) => makeTests(options, describe, context) };
}

async function* makeTests(
  options: AutomakeOptions,
  describe: string,
  context: FactoryContext,
): AsyncGenerator<PlacedTask, void> {
  const problems: Problem[] = [];
  const top = resolve(context.root, options.dir);
  const loadContext = createLoadContext(describe, top, context, realFiles, problems);
  const found = findCommand([options.make ?? 'make'], loadContext);
  if (found !== undefined) {
    const variables = Object.entries(options.variables ?? {}).map(([name, value]) => `${name}=${value}`);
    const make: MakeCommand = { file: found.file, variables, env: loadContext.env };
    const directories = await readMakefiles(top, make, loadContext.problem);
    if (directories.length === 0 && problems.length === 0) loadContext.problem(noTests(top));
    yield* new PackageTests(top, make, options, loadContext).tasksOf(directories);
  }
  refuse(problems);
}

function noTests(top: string): Problem {
  return {
    code: 'PEXEN_NOTHING_FOUND',
    location: { file: join(top, 'Makefile') },
    message: 'no directory of the package has tests (automake)',
    hint: 'Check dir: it is where make check is run.',
  };
}

const ownMake = 'unset MAKEFLAGS MFLAGS MAKELEVEL\n';

/** Has make remake the log of a test, shows the log, and reports the result file. What make prints itself is of interest only where that fails. */
const testScript = `${ownMake}log=$1 trs=\${1%.log}.trs; shift
rm -f "$log" "$trs"
"$@" "$log" >"$TMPDIR/make.out" 3>&-
[ -f "$log" ] && cat "$log"
if [ -f "$trs" ]; then { echo ${trsMark}; cat "$trs"; } >&3; else cat "$TMPDIR/make.out" >&2; fi
exit 0
`;

const plainScript = `${ownMake}exec "$@"
`;

/** A build may take longer than a test, ms. */
const buildMs = 3_600_000;

/** The tasks of one package. */
class PackageTests {
  readonly #top: string;
  readonly #make: MakeCommand;
  readonly #options: AutomakeOptions;
  readonly #loadContext: LoadContext;
  #build: Task | undefined;

  constructor(top: string, make: MakeCommand, options: AutomakeOptions, loadContext: LoadContext) {
    this.#top = top;
    this.#make = make;
    this.#options = options;
    this.#loadContext = loadContext;
  }

  *tasksOf(directories: readonly TestDirectory[]): Generator<PlacedTask> {
    if (directories.length === 0) return;
    if (this.#options.build !== false) yield this.#buildTask(directories);
    for (const directory of directories) yield* this.#testsOf(directory);
  }

  #buildTask(directories: readonly TestDirectory[]): PlacedTask {
    const { file, variables } = this.#make;
    const steps = [
      [file, ...variables, 'all'],
      ...directories
        .filter(({ targets }) => targets.length > 0)
        .map(({ path, targets }) => [file, ...variables, '-C', path, ...targets]),
    ];
    const script = `${ownMake}set -e\n${steps.map((words) => words.map(quoted).join(' ')).join('\n')}\n`;
    const task = this.#task(
      { name: 'make', timeout: buildMs },
      { path: this.#top, argv: ['-c', script], read: readLocal },
      join(this.#top, 'Makefile'),
    );
    this.#build = task.task as Task;
    return task;
  }

  *#testsOf(directory: TestDirectory): Generator<PlacedTask> {
    const made = new Map<string, Task>();
    let last: Task | undefined;
    for (const test of inOrder(directory.tests)) {
      const before = directory.isSerial ? [last] : test.after.map((log) => made.get(log));
      const placed = this.#testTask(
        directory,
        test,
        before.filter((each) => each !== undefined),
      );
      last = placed.task as Task;
      made.set(test.log, last);
      yield placed;
    }
    if (directory.hasLocal) yield this.#localTask(directory, [...made.values()]);
  }

  #testTask(directory: TestDirectory, { name, log }: MakeTest, after: readonly Task[]): PlacedTask {
    const { path, parts, isSerial, source } = directory;
    const { file, variables } = this.#make;
    const command = [file, '-s', '--no-print-directory', ...variables];
    const start = isSerial
      ? {
          argv: ['-c', plainScript, 'automake', ...command, `TESTS=${name}`, 'check-TESTS'],
          read: readSerial(name),
        }
      : { argv: ['-c', testScript, 'automake', log, ...command], read: readTrs(name) };
    const names = namesIn(name.startsWith(`${source}/`) ? name.slice(source.length) : name);
    const meta: TaskMeta = {
      name: names.at(-1) ?? name,
      ...(after.length > 0 && { after }),
      ...(isSerial && { claims: [`automake:${path}`] }),
    };
    const files = [join(path, name), join(source, name), name];
    const home = files.find((each) => existsSync(each)) ?? join(path, 'Makefile');
    return this.#task(meta, { path, ...start }, home, [...parts, ...names.slice(0, -1)]);
  }

  /** What the package itself has added to `make check`, after its tests. */
  #localTask({ path, parts }: TestDirectory, after: readonly Task[]): PlacedTask {
    const { file, variables } = this.#make;
    const argv = ['-c', plainScript, 'automake', file, '--no-print-directory', ...variables, 'check-local'];
    const meta = { name: 'check-local', ...(after.length > 0 && { after }) };
    return this.#task(meta, { path, argv, read: readLocal }, join(path, 'Makefile'), parts);
  }

  #task(
    own: TaskMeta,
    {
      path,
      argv,
      read,
    }: { path: string; argv: readonly string[]; read: (facts: ExecutableFacts) => Interpretation },
    file: string,
    under: readonly string[] = [],
  ): PlacedTask {
    const parts = [...under, own.name ?? ''];
    const defaults = defaultMetaOf(this.#options.meta, { path: file, parts }, this.#loadContext);
    const requires = this.#build === undefined ? [] : [this.#build];
    const meta: TaskMeta = {
      ...defaults,
      ...own,
      ...(requires.length > 0 && { requires: [...(defaults.requires ?? []), ...requires] }),
    };
    const { HOME } = this.#make.env;
    const body: ExecutableBody = {
      ...{ file: '/bin/sh', argv, cwd: path },
      env: HOME === undefined ? {} : { HOME },
      ...{ interpret: read, interpretOptions: { automake: own.name ?? '' } },
    };
    const originOf = originOfDefaults(defaults, own, this.#loadContext);
    const source = { location: { file }, nameKind: 'explicit', originOf } as const;
    return place([...this.#loadContext.under, ...under], executableTask(meta, body, source));
  }
}

/** Each test after those that it has to follow. Cycles are left as they are: make breaks them, too. */
function inOrder(tests: readonly MakeTest[]): MakeTest[] {
  const byLog = new Map(tests.map((test) => [test.log, test]));
  const ordered = new Set<MakeTest>();
  const open = new Set<MakeTest>();
  const add = (test: MakeTest): void => {
    if (ordered.has(test) || open.has(test)) return;
    open.add(test);
    for (const log of test.after) {
      const before = byLog.get(log);
      if (before !== undefined) add(before);
    }
    ordered.add(test);
  };
  tests.forEach(add);
  return [...ordered];
}

/** A word for the shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
