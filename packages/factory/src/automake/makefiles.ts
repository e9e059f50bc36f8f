/** Asks make what the Makefiles of an Automake package say of its tests. Builds nothing, and remakes no Makefile. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, normalize } from 'node:path';
import type { Problem } from '@pexen/core';

/** The tests of one directory. */
export interface TestDirectory {
  /** Absolute. */
  readonly path: string;
  /** The names on the path to it from the top of the package. */
  readonly parts: readonly string[];
  /** Where its sources are, absolute. */
  readonly source: string;
  readonly tests: readonly MakeTest[];
  /** One after the other, by the option `serial-tests` of the package. */
  readonly isSerial: boolean;
  /** What is built for the tests only. */
  readonly targets: readonly string[];
  /** Does `make check` run commands of the package itself besides the tests? */
  readonly hasLocal: boolean;
}

/** A test as a Makefile names it. */
export interface MakeTest {
  readonly name: string;
  /** The file with its output, from the directory; makes sense where tests are not serial. */
  readonly log: string;
  /** Logs of tests that have to run before. */
  readonly after: readonly string[];
}

/** How make is started. */
export interface MakeCommand {
  /** Absolute. */
  readonly file: string;
  /** Variables, as arguments. */
  readonly variables: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The directories with tests, as `make check` visits them. Everything that is wrong is reported. */
export async function readMakefiles(
  top: string,
  command: MakeCommand,
  report: (problem: Problem) => void,
): Promise<TestDirectory[]> {
  const found: TestDirectory[] = [];
  const visit = async (parts: readonly string[]): Promise<void> => {
    const path = join(top, ...parts);
    const answer = await askMake(path, command);
    if ('fault' in answer) return report(badMakefile(path, answer.fault));
    for (const sub of answer.words('SUBDIRS'))
      if (normalize(sub) !== '.') await visit([...parts, ...namesIn(sub)]);
    const directory = directoryOf(path, parts, answer);
    if (directory.tests.length > 0 || directory.hasLocal) found.push(directory);
  };
  await visit([]);
  return found;
}

/** The names in a path, without those that only lead to where it is. */
export function namesIn(path: string): string[] {
  return path.split('/').filter((name) => !['', '.', '..'].includes(name));
}

function badMakefile(path: string, fault: string): Problem {
  const file = join(path, 'Makefile');
  const hint = existsSync(file)
    ? 'The factory needs GNU make; name it by the option make if it has another name.'
    : 'Configure the package first: ./configure.';
  return { code: 'PEXEN_BAD_MAKEFILE', location: { file }, message: `make cannot read it: ${fault}`, hint };
}

const variables = [
  ...(['TESTS', 'TEST_LOGS', 'SUBDIRS', 'srcdir'] as const),
  ...([
    'check_PROGRAMS',
    'check_SCRIPTS',
    'check_LIBRARIES',
    'check_LTLIBRARIES',
    'check_DATA',
    'check_HEADERS',
  ] as const),
] as const;
type Variable = (typeof variables)[number];

const mark = 'pexen-asks';
/** Read after the Makefile: prints variables while it is read. */
const question = `${variables.map((name) => `$(info ${mark} ${name} $(${name}))`).join('\n')}\n${mark}: ; @:\n`;

/** What make has answered. */
interface Answer {
  readonly words: (name: Variable) => readonly string[];
  /** The rules of its database: target → prerequisites. */
  readonly rules: ReadonlyMap<string, readonly string[]>;
}

const answerMs = 60_000;
const longestAnswer = 256 * 1024 * 1024;

function askMake(
  cwd: string,
  { file, variables: given, env }: MakeCommand,
): Promise<Answer | { readonly fault: string }> {
  const argv = [
    '--no-print-directory',
    '-s',
    '-p',
    '-o',
    'Makefile',
    '-f',
    'Makefile',
    '-f',
    '-',
    ...given,
    mark,
  ];
  const options = { cwd, env: withoutMake(env), timeout: answerMs, maxBuffer: longestAnswer };
  return new Promise((resolve) => {
    const child = execFile(file, argv, options, (error, stdout, stderr) => {
      const [first = ''] = stderr.trim().split('\n');
      resolve(error === null ? answerOf(stdout) : { fault: first || error.message.split('\n')[0] || '' });
    });
    child.stdin?.on('error', () => {}); // It ended before it had read all of it.
    child.stdin?.end(question);
  });
}

/** Without what a make that runs this process has told its children. */
function withoutMake(env: MakeCommand['env']): NodeJS.ProcessEnv {
  const { MAKEFLAGS: _, MFLAGS: __, MAKELEVEL: ___, ...others } = env;
  return { ...others, LC_ALL: 'C' };
}

function answerOf(output: string): Answer {
  const values = new Map<string, readonly string[]>();
  const rules = new Map<string, readonly string[]>();
  for (const line of output.split('\n')) {
    const [, name, value] = answerLine.exec(line) ?? [];
    if (name !== undefined) values.set(name, wordsOf(value));
    const [, target = '', prerequisites] = ruleLine.exec(line) ?? [];
    if (target !== '') rules.set(target, wordsOf(prerequisites));
  }
  return { words: (name) => values.get(name) ?? [], rules };
}

const answerLine = new RegExp(`^${mark} (\\w+) ?(.*)$`);
/** A rule of the database. The order-only prerequisites behind `|` do not count. */
const ruleLine = /^([^\s#:=]+)::?(?!=)([^|=]*)(?:\|.*)?$/;

function wordsOf(text = ''): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function directoryOf(path: string, parts: readonly string[], { words, rules }: Answer): TestDirectory {
  const logs = words('TEST_LOGS');
  const isSerial = logs.length === 0;
  const known = new Set(logs);
  const seen = new Set<string>();
  const tests = words('TESTS').flatMap((name, at): MakeTest[] => {
    const log = logs[at] ?? name;
    if (seen.has(log)) return []; // Named twice, it runs once.
    seen.add(log);
    return [{ name, log, after: (rules.get(log) ?? []).filter((each) => each !== log && known.has(each)) }];
  });
  const [source = '.'] = words('srcdir');
  return {
    ...{ path, parts, tests, isSerial, source: join(path, source) },
    targets: variables.slice(4).flatMap((name) => words(name)),
    hasLocal: rules.has('check-local'),
  };
}
