/** Files that a command runs, as tasks: one for each file, for each directory, or for several files in one start. Does not know the tools. */
import { relative, sep } from 'node:path';
import { captureCallSite, type PlacedTask, type Problem, refuse } from '@pexen/core';
import picomatch from 'picomatch';
import { directoryFactory, type FileKind, type LoadContext, type Made } from '../directory-factory.ts';
import type { Factory } from '../factory.ts';
import { findHeader } from '../file-meta.ts';
import {
  checkOptions,
  type OptionName,
  type ProgramCommand,
  type ProgramsOptions,
  type ServiceProgramOptions,
} from '../options.ts';
import type { FoundFile } from '../walk.ts';
import { headOf, programTask } from './executables.ts';
import { type Command, findCommand } from './program.ts';
import { serviceProgram } from './service-program.ts';

const known: readonly OptionName[] = [
  ...(['dir', 'files', 'exclude', 'followLinks', 'meta', 'programCommand', 'per', 'batch'] as const),
  ...(['cwd', 'argv', 'env', 'tap', 'lines', 'exitCodes'] as const),
];

/**
 * Makes a task of each file that `files` names, run by a command. Its call path is its path from `dir`. Metadata is in a header of the
 * file, or in a side file: see docs/factories.md. Presets for known tools: docs/recipes.md.
 *
 * With `service`, makes one task of a program that goes on while tests need it: see docs/services-recipes.md.
 *
 * @example programs({ files: 't/**\/*.t', command: ['perl', '-Ilib', '{file}'], tap: 'perl' })
 * @example programs({ service: 'redis-server --port {port}', ready: { port: '{port}' }, provides: 'redis' })
 * @throws PexenError PEXEN_BAD_OPTION; PEXEN_BAD_META, PEXEN_UNKNOWN_META for a service
 */
export function programs(options: ProgramsOptions | ServiceProgramOptions): Factory {
  if (isService(options)) return serviceProgram(options, captureCallSite(programs));
  const { command, ...others } = options;
  checkOptions('programs', { ...others, programCommand: command }, known, ['files', 'programCommand']);
  return programsFactory('programs', options);
}

function isService(options: ProgramsOptions | ServiceProgramOptions): options is ServiceProgramOptions {
  return typeof options === 'object' && options !== null && 'service' in options;
}

/** The factory for options of the right types. @throws PexenError PEXEN_BAD_OPTION */
export function programsFactory(kind: string, options: ProgramsOptions): Factory {
  refuseMisuse(kind, options);
  const { dir = '.', files, exclude, followLinks, meta } = options;
  const include = typeof files === 'string' ? [files] : files;
  const walked = {
    dir,
    include,
    bases: include.map(baseOf),
    ...(exclude !== undefined && { exclude }),
    ...(followLinks !== undefined && { followLinks }),
    ...(meta !== undefined && { meta }),
  };
  return directoryFactory(kind, walked, (loadContext) => [
    programKind(kind, { ...options, dir }, loadContext),
  ]);
}

/** The directories before the first wildcard. */
function baseOf(glob: string): readonly string[] {
  const { base, glob: rest } = picomatch.scan(glob);
  const parts = base.split('/').filter((part) => part !== '' && part !== '.');
  return rest === '' ? parts.slice(0, -1) : parts;
}

const placeholder = /\{(?:file|path|dir|name)\}/;

function refuseMisuse(
  kind: string,
  { command, batch = 1, per = 'file', meta, tap, lines }: ProgramsOptions,
): void {
  const problems: Problem[] = [];
  const add = (message: string, hint: string): void =>
    void problems.push({ code: 'PEXEN_BAD_OPTION', message: `${kind}: ${message}`, hint });
  if (typeof command !== 'function' && !command.some((part) => placeholder.test(part)))
    add('the command does not name the file', "Write command: ['perl', '{file}'].");
  if (batch > 1) {
    if (per === 'dir') add('with per: "dir", batch has no meaning', 'Leave one of them out.');
    if (typeof command === 'function' || !command.some(isForEach))
      add(
        'with batch, "{file}" or "{path}" must be an argument of its own',
        "It is replaced by all files of a start: command: ['pytest', '{file}'].",
      );
    if (typeof meta === 'function')
      add('with batch, meta must be an object', 'Files of one start share their metadata.');
    if ((tap === undefined || tap === false) && lines === undefined)
      add(
        'with batch, the output has to name the file of each result, and it is not described',
        'Set tap or lines to read results that name their files, or leave batch out.',
      );
  }
  refuse(problems);
}

function isForEach(part: string): boolean {
  return part === '{file}' || part === '{path}';
}

type Given = ProgramsOptions & { readonly dir: string };

function programKind(kind: string, options: Given, loadContext: LoadContext): FileKind {
  return {
    name: kind,
    takes: () => true,
    async *make(files, { sideFiles }) {
      const commands = new CommandFinder(loadContext);
      for (const group of groupsOf(files, options, sideFiles, loadContext)) {
        const task = await taskOf(group, sideFiles.get(group[0].path), options, commands, loadContext);
        if (task !== undefined) yield { file: group[0], task } satisfies Made;
      }
    },
  };
}

type Group = readonly [FoundFile, ...FoundFile[]];

/** The files of each task. In batches, a file with metadata of its own is alone. */
function groupsOf(
  files: readonly FoundFile[],
  { per = 'file', batch = 1 }: ProgramsOptions,
  sideFiles: ReadonlyMap<string, string>,
  loadContext: LoadContext,
): Group[] {
  if (per === 'dir') {
    const first = new Map<string, FoundFile>();
    for (const file of files) {
      const dir = file.parts.slice(0, -1).join('/');
      if (!first.has(dir)) first.set(dir, file);
    }
    return [...first.values()].map((file) => [file]);
  }
  const groups: [FoundFile, ...FoundFile[]][] = [];
  let open: [FoundFile, ...FoundFile[]] | undefined;
  for (const file of files) {
    const isAlone =
      batch === 1 ||
      sideFiles.has(file.path) ||
      findHeader(headOf(file, loadContext), file.path).kind !== 'none';
    if (open !== undefined && !isAlone && open.length < batch) open.push(file);
    else {
      const group: [FoundFile, ...FoundFile[]] = [file];
      groups.push(group);
      if (!isAlone) open = group;
    }
  }
  return groups;
}

async function taskOf(
  group: Group,
  sideFile: string | undefined,
  options: Given,
  commands: CommandFinder,
  loadContext: LoadContext,
): Promise<PlacedTask | undefined> {
  const [file, ...more] = group;
  const head = headOf(file, loadContext);
  const given = commandOf(options.command, file, head);
  const found = commands.find(given);
  if (found === undefined) return undefined;
  const { per = 'file', cwd = 'dir' } = options;
  const place = per === 'dir' ? file.parts.slice(0, -1) : file.parts;
  const name = place.at(-1) ?? loadContext.dir.split(sep).at(-1) ?? 'tests';
  return programTask(
    {
      file,
      head,
      sideFile,
      under: place.slice(0, -1),
      name: more.length === 0 ? name : `${name} and ${more.length} more`,
      commandIn: (where) => expanded(found, group, where),
      ...(per === 'file' && { filesIn: (where) => group.map(({ path }) => slashed(relative(where, path))) }),
    },
    { ...options, cwd },
    loadContext,
  );
}

function commandOf(command: ProgramCommand, file: FoundFile, head: Buffer): readonly [string, ...string[]] {
  if (typeof command !== 'function') return command;
  return command({ path: file.path, parts: file.parts, head: head.toString('latin1') });
}

/** Looks each program up once, so that one that is missing is reported once. */
class CommandFinder {
  readonly #loadContext: LoadContext;
  readonly #programs = new Map<string, string | undefined>();

  constructor(loadContext: LoadContext) {
    this.#loadContext = loadContext;
  }

  find([program, ...argv]: readonly [string, ...string[]]): Command | undefined {
    if (!this.#programs.has(program))
      this.#programs.set(program, findCommand([program], this.#loadContext, true)?.file);
    const file = this.#programs.get(program);
    return file === undefined ? undefined : { file, argv };
  }
}

/** The command with the files in the place of the placeholders, relative to the directory that it runs in. */
function expanded({ file: program, argv }: Command, files: Group, cwd: string | undefined): Command {
  const values = files.map((file) => valuesOf(file, cwd));
  const [first] = values;
  return {
    file: program,
    argv: argv.flatMap((part) =>
      isForEach(part)
        ? values.map((each) => each[part.slice(1, -1)] ?? part)
        : [part.replaceAll(/\{(file|path|dir|name)\}/g, (whole, key: string) => first?.[key] ?? whole)],
    ),
  };
}

function valuesOf({ path, parts }: FoundFile, cwd: string | undefined): Readonly<Record<string, string>> {
  const base = parts.at(-1) ?? '';
  const file = cwd === undefined ? path : slashed(relative(cwd, path));
  const dir = file.slice(0, Math.max(0, file.lastIndexOf('/')));
  return {
    // A file is never mistaken for an option.
    file: file.startsWith('-') ? `./${file}` : file,
    path,
    dir: dir === '' ? '.' : dir,
    name: base.replace(/(?<=.)\.[^.]*$/, ''),
  };
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}
