/**
 * Executable files as tasks: which files are taken, where their metadata is, and warnings about programs that could do harm or that miss
 * their executable bit.
 */
import {
  defined,
  executableTask,
  type MetaOrigin,
  PexenError,
  type Problem,
  type SourceLocation,
  serviceMetaKeys,
  serviceRules,
  type TaskMeta,
  type TaskSource,
} from '@pexen/core';
import {
  defaultMetaOf,
  directoryFactory,
  type FileKind,
  type LoadContext,
  type Made,
  originOfDefaults,
  type Surroundings,
} from '../directory-factory.ts';
import type { Factory } from '../factory.ts';
import { type FileMeta, findHeader, headBytes, longestMeta, noFileMeta } from '../file-meta.ts';
import { codeOf } from '../files.ts';
import {
  checkOptions,
  type ExecutablesOptions,
  type OptionName,
  type ProgramOptions,
  type WalkOptions,
} from '../options.ts';
import type { FoundFile } from '../walk.ts';
import { type Command, commandFor, findCommand, programBody } from './program.ts';

const known: readonly OptionName[] = [
  ...(['dir', 'include', 'exclude', 'followLinks', 'meta'] as const),
  ...(['command', 'cwd', 'argv', 'env', 'tap', 'lines', 'exitCodes'] as const),
];

/**
 * Makes a task of each executable file below a directory; its call path is its path. With `command`, makes a task of each file that
 * `include` names, executable or not. Metadata is in a header of the file, or in a side file: see docs/factories.md.
 *
 * @example
 * executables({ dir: 'tests' })
 * executables({ dir: 'test', include: ['*.js'], command: ['node'], cwd: '.' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function executables(options: ExecutablesOptions): Factory {
  checkOptions('executables', options, known, ['dir']);
  if (options.command !== undefined && options.include === undefined) throw commandWithoutInclude();
  return directoryFactory('executables', options, (loadContext) => [executableKind(options, loadContext)]);
}

function commandWithoutInclude(): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_BAD_OPTION',
      message: 'executables: with "command" it needs the option "include"',
      hint: "Name the files that the command runs: include: ['**/*.js'].",
    },
  ]);
}

/** Loads the readers of metadata and of expressions only when there are some, since they bring parsers along. */
async function readText(
  text: string,
  file: string,
  { facts }: LoadContext,
  at?: SourceLocation,
): Promise<FileMeta> {
  const { mayHaveExpression, readFileMeta } = await import('../read-file-meta.ts');
  const language = mayHaveExpression(text) ? await import('../conditions/language.ts') : undefined;
  const names = Object.keys(facts);
  const options = {
    at,
    language,
    facts: names.length > 0 ? names : undefined,
  };
  return readFileMeta(text, file, defined(options));
}

/** Executable files, or with `command` all files, as tasks. `wants` selects among them. */
export function executableKind(
  options: ExecutablesOptions,
  loadContext: LoadContext,
  wants: FileKind['takes'] = () => true,
): FileKind {
  const missingBit: FoundFile[] = [];
  return {
    name: 'executables',
    takes(file, surroundings) {
      if (options.command !== undefined || isExecutable(file)) return wants(file, surroundings);
      const isOdd =
        !surroundings.sideFiles.has(file.path) && looksLikeTest(file, () => headOf(file, loadContext));
      if (isOdd && wants(file, surroundings)) missingBit.push(file);
      return false;
    },
    make(files, surroundings) {
      if (files.length > 0 && missingBit.length > 0) loadContext.warn(notExecutable(missingBit, loadContext));
      return makeTasks(files, surroundings, options, loadContext);
    },
    hint: missingBitHint,
  };
}

/** The first bytes of a file; empty if it cannot be read, since a binary may be executable without being readable. */
export function headOf(file: FoundFile, { files }: LoadContext): Buffer {
  try {
    return files.head(file.path, headBytes);
  } catch {
    return Buffer.alloc(0);
  }
}

async function* makeTasks(
  files: readonly FoundFile[],
  { sideFiles }: Surroundings,
  options: ExecutablesOptions,
  loadContext: LoadContext,
): AsyncGenerator<Made, void> {
  const given = findCommand(options.command, loadContext);
  if (given === undefined && options.command !== undefined) return;
  warnOfStrangers(files, loadContext);
  for (const file of files)
    yield { file, task: await makeTask(file, sideFiles.get(file.path), given, options, loadContext) };
}

async function makeTask(
  file: FoundFile,
  sideFile: string | undefined,
  given: Command | undefined,
  options: ExecutablesOptions,
  loadContext: LoadContext,
): Promise<Made['task']> {
  const head = headOf(file, loadContext);
  if (isMarkedScript(head)) loadContext.warn(markedScript(file));
  const command = commandFor(file, head, given);
  const [under, name] = [file.parts.slice(0, -1), file.parts.at(-1) ?? ''];
  return programTask({ file, head, sideFile, under, name, commandIn: () => command }, options, loadContext);
}

/** A file, and how it is run. */
export interface ProgramToRun {
  readonly file: FoundFile;
  readonly head: Buffer;
  readonly sideFile: string | undefined;
  /** The call path of its task, unless its metadata has another name. */
  readonly under: readonly string[];
  readonly name: string;
  /** The command, for the directory that it runs in; undefined where that is not known. */
  readonly commandIn: (cwd: string | undefined) => Command;
  /** The files of which the output has results, likewise. */
  readonly filesIn?: (cwd: string) => readonly string[];
}

/** The task of a file, with the metadata in its header or side file. */
export async function programTask(
  { file, head, sideFile, under, name, commandIn, filesIn }: ProgramToRun,
  options: ProgramOptions & Pick<WalkOptions, 'meta'>,
  loadContext: LoadContext,
): Promise<Made['task']> {
  const fileMeta = await readMeta(file, head, sideFile, loadContext);
  fileMeta.problems.forEach(loadContext.problem);
  const isService = fileMeta.program.service === true;
  const all = defaultMetaOf(options.meta, file, loadContext);
  const defaults = isService ? ofServices(all) : all;
  const own = { ...defaults, ...fileMeta.meta };
  const byDefault = originOfDefaults(defaults, fileMeta.meta, loadContext);
  const source: TaskSource = {
    location: { file: file.path },
    nameKind: own.name === undefined ? 'file' : 'explicit',
    originOf: (entry) => originIn(fileMeta, entry) ?? byDefault(entry),
    ...(isService && { service: serviceRules(own) }),
  };
  const body = programBody(file, commandIn, fileMeta.program, options, loadContext, filesIn);
  return {
    under: [...loadContext.under, ...under],
    task: executableTask({ name, ...own }, body, source),
  };
}

function originIn({ places }: FileMeta, entry: keyof TaskMeta): MetaOrigin | undefined {
  const location = places?.get(entry);
  return location === undefined ? undefined : { kind: 'file', location };
}

/** The defaults of all files that a service can have. */
function ofServices(defaults: TaskMeta): TaskMeta {
  const known: readonly string[] = serviceMetaKeys;
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => known.includes(name)));
}

async function readMeta(
  file: FoundFile,
  head: Buffer,
  sideFile: string | undefined,
  loadContext: LoadContext,
): Promise<FileMeta> {
  const header = findHeader(head, file.path);
  if (header.kind === 'broken') return { ...noFileMeta, problems: [header.problem] };
  if (header.kind === 'none')
    return sideFile === undefined ? noFileMeta : readSideFile(sideFile, loadContext);
  const at = { file: file.path, line: header.line, column: header.column };
  if (sideFile === undefined) return readText(header.text, file.path, loadContext, at);
  const message = `there is metadata in the header and in ${sideFile}`;
  return {
    ...noFileMeta,
    problems: [{ code: 'PEXEN_BAD_HEADER', location: at, message, hint: 'Keep one of them.' }],
  };
}

async function readSideFile(path: string, loadContext: LoadContext): Promise<FileMeta> {
  try {
    const text = loadContext.files.head(path, longestMeta + 1).toString();
    return await readText(text, path, loadContext);
  } catch (error) {
    const message = `it cannot be read (${codeOf(error)})`;
    return {
      ...noFileMeta,
      problems: [{ code: 'PEXEN_UNREADABLE_FILE', location: { file: path }, message }],
    };
  }
}

/** A byte order mark hides the `#!` after it from the system. */
function isMarkedScript(head: Buffer): boolean {
  return head.subarray(0, 5).equals(Buffer.from('\ufeff#!'));
}

function markedScript({ path }: FoundFile): Problem {
  return {
    code: 'PEXEN_BYTE_ORDER_MARK',
    location: { file: path, line: 1 },
    message: 'it begins with a byte order mark, so its #! line is ignored: /bin/sh runs it',
    hint: 'Save it as UTF-8 without the mark.',
  };
}

/** Warns about programs that run as another user, or that another user could have written. */
function warnOfStrangers(files: readonly FoundFile[], { warn }: LoadContext): void {
  const own = process.getuid?.();
  const changing = files.filter(({ mode }) => (mode & 0o6000) !== 0);
  const strange = files.filter(({ uid }) => own !== undefined && uid !== own && uid !== 0);
  const report = (code: Problem['code'], some: readonly FoundFile[], what: string, hint: string): void => {
    const [first, ...rest] = some;
    if (first === undefined) return;
    const more = rest.length === 0 ? '' : ` (and ${rest.length} more like it)`;
    warn({ code, location: { file: first.path }, message: `${what}${more}`, hint });
  };
  report(
    'PEXEN_SET_USER_ID',
    changing,
    'it runs with the rights of its owner or group',
    'If that is not intended: chmod ug-s.',
  );
  report('PEXEN_OTHER_OWNER', strange, 'it belongs to another user', 'Run only what you trust.');
}

/** Names of scripts, including names without an extension. */
const script = /(?:^|\/)[^./]+$|\.(?:sh|bash|zsh|ksh|py|pl|rb|t)$/;
/** Names of files that other scripts read. */
const helper =
  /(?:^|[^a-z])(?:libs?|common|utils?|helpers?|functions?|fixtures?|setup|teardown|env|config|conftest|data)(?:[^a-z]|$)/i;

/** Is any executable bit set? Whether this process may execute it shows when it starts. */
export function isExecutable({ mode }: FoundFile): boolean {
  return (mode & 0o111) !== 0;
}

/** Does it have metadata, or a `#!` line and not the name of a helper? Its head is read only if its name is that of a script. */
function looksLikeTest({ path, parts }: FoundFile, head: () => Buffer): boolean {
  if (!script.test(path)) return false;
  const bytes = head();
  if (findHeader(bytes, path).kind !== 'none') return true;
  return bytes.subarray(0, 2).toString('latin1') === '#!' && !helper.test(parts.at(-1) ?? '');
}

/** The warning about scripts that were left out. */
function notExecutable(files: readonly FoundFile[], { dir }: LoadContext): Problem {
  return {
    code: 'PEXEN_NOT_EXECUTABLE',
    location: { file: dir },
    message: `these scripts are not executable and were skipped: ${namesOf(files, 5)}`,
    hint: `If they are tests: chmod +x. Else exclude them, or take away their #! lines.`,
  };
}

/** The hint for a directory in which nothing was found. */
function missingBitHint(all: readonly FoundFile[]): string | undefined {
  const scripts = all.filter((file) => !isExecutable(file) && /\.(?:sh|bash|py|pl|rb)$/.test(file.path));
  return scripts.length === 0
    ? undefined
    : `Scripts must be executable: chmod +x ${namesOf(scripts, 3, ' ')}`;
}

function namesOf(files: readonly FoundFile[], most: number, between = ', '): string {
  const names = files.slice(0, most).map(({ parts }) => parts.join('/'));
  return [...names, ...(files.length > most ? ['…'] : [])].join(between);
}
