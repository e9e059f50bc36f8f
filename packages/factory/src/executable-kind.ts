/** Executable files as tasks. Knows where their metadata stands, and warns of programs that could do harm. */
import { executableTask, type Problem } from '@pexen/core';
import type { FileKind, Made, Surroundings } from './file-kind.ts';
import { type FileMeta, longestMeta, noFileMeta } from './file-meta.ts';
import { codeOf } from './files.ts';
import { findHeader, headBytes } from './header.ts';
import type { ExecutablesOptions } from './options.ts';
import { type Command, commandFor, findCommand, programBody } from './program.ts';
import type { FoundFile } from './walk.ts';
import { hintToBit, isExecutable, looksLikeTest, notExecutable } from './without-bit.ts';
import { defaultMetaOf, type Workshop } from './workshop.ts';

/** What reads metadata. Loaded only where there are any: it brings a parser of YAML along. */
const loadReader = (): Promise<typeof import('./read-file-meta.ts')> => import('./read-file-meta.ts');

/** Executable files, or with `command` all files, as tasks. `wants` narrows down which. */
export function executableKind(
  options: ExecutablesOptions,
  workshop: Workshop,
  wants: FileKind['takes'] = () => true,
): FileKind {
  const withoutBit: FoundFile[] = [];
  return {
    name: 'executables',
    takes(file, surroundings) {
      if (options.command !== undefined || isExecutable(file)) return wants(file, surroundings);
      const isOdd =
        !surroundings.sideFiles.has(file.path) && looksLikeTest(file, () => headOf(file, workshop));
      if (isOdd && wants(file, surroundings)) withoutBit.push(file);
      return false;
    },
    make(files, surroundings) {
      if (files.length > 0 && withoutBit.length > 0) workshop.warn(notExecutable(withoutBit, workshop));
      return makeTasks(files, surroundings, options, workshop);
    },
    hint: hintToBit,
  };
}

/** The first bytes of a file; none if it cannot be read: a binary need not be. */
export function headOf(file: FoundFile, { files }: Workshop): Buffer {
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
  workshop: Workshop,
): AsyncGenerator<Made, void> {
  const given = findCommand(options.command, workshop);
  if (given === undefined && options.command !== undefined) return;
  warnOfStrangers(files, workshop);
  for (const file of files)
    yield { file, task: await makeTask(file, sideFiles.get(file.path), given, options, workshop) };
}

async function makeTask(
  file: FoundFile,
  sideFile: string | undefined,
  given: Command | undefined,
  options: ExecutablesOptions,
  workshop: Workshop,
): Promise<Made['task']> {
  const head = headOf(file, workshop);
  if (isMarkedScript(head)) workshop.warn(markedScript(file));
  const said = await readMeta(file, head, sideFile, workshop);
  said.problems.forEach(workshop.problem);
  const own = { ...defaultMetaOf(options.meta, file, workshop), ...said.meta };
  const meta = { name: file.parts.at(-1) ?? '', ...own };
  const source = {
    location: { file: file.path },
    nameKind: own.name === undefined ? 'file' : 'explicit',
  } as const;
  const body = programBody(file, commandFor(file, head, given), said.program, options, workshop);
  return { under: [...workshop.under, ...file.parts.slice(0, -1)], task: executableTask(meta, body, source) };
}

async function readMeta(
  file: FoundFile,
  head: Buffer,
  sideFile: string | undefined,
  workshop: Workshop,
): Promise<FileMeta> {
  const header = findHeader(head, file.path);
  if (header.kind === 'broken') return { ...noFileMeta, problems: [header.problem] };
  if (header.kind === 'none') return sideFile === undefined ? noFileMeta : readSideFile(sideFile, workshop);
  const at = { file: file.path, line: header.line, column: header.column };
  if (sideFile === undefined) return (await loadReader()).readFileMeta(header.text, file.path, at);
  const message = `there is metadata in the header and in ${sideFile}`;
  return {
    ...noFileMeta,
    problems: [{ code: 'PEXEN_BAD_HEADER', location: at, message, hint: 'Keep one of them.' }],
  };
}

async function readSideFile(path: string, { files }: Workshop): Promise<FileMeta> {
  const { readFileMeta } = await loadReader();
  try {
    return readFileMeta(files.head(path, longestMeta + 1).toString(), path);
  } catch (error) {
    const message = `it cannot be read (${codeOf(error)})`;
    return {
      ...noFileMeta,
      problems: [{ code: 'PEXEN_UNREADABLE_FILE', location: { file: path }, message }],
    };
  }
}

/** A byte order mark hides the `#!` behind it from the system. */
function isMarkedScript(head: Buffer): boolean {
  return head.subarray(0, 5).equals(Buffer.from('\ufeff#!'));
}

function markedScript({ path }: FoundFile): Problem {
  return {
    code: 'PEXEN_BYTE_ORDER_MARK',
    location: { file: path, line: 1 },
    message: 'it begins with a byte order mark, so its #! line does not hold: /bin/sh runs it',
    hint: 'Save it as UTF-8 without the mark.',
  };
}

/** Programs that run as somebody else, or that somebody else could have written. */
function warnOfStrangers(files: readonly FoundFile[], { warn }: Workshop): void {
  const own = process.getuid?.();
  const changing = files.filter(({ mode }) => (mode & 0o6000) !== 0);
  const strange = files.filter(({ uid }) => own !== undefined && uid !== own && uid !== 0);
  const tell = (code: Problem['code'], some: readonly FoundFile[], what: string, hint: string): void => {
    const [first, ...rest] = some;
    if (first === undefined) return;
    const more = rest.length === 0 ? '' : ` (and ${rest.length} more like it)`;
    warn({ code, location: { file: first.path }, message: `${what}${more}`, hint });
  };
  tell(
    'PEXEN_SET_USER_ID',
    changing,
    'it runs with the rights of its owner or group',
    'If that is not intended: chmod ug-s.',
  );
  tell('PEXEN_OTHER_OWNER', strange, 'it belongs to another user', 'Run only what you trust.');
}
