/** Reads Kyuafiles: which test programs there are, of which kind, and with which metadata. Does not start programs. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { nearest, type Problem, type SourceLocation } from '@pexen/core';
import { codeOf } from '../files.ts';
import {
  isLuaTable,
  LuaError,
  type LuaFunction,
  type LuaTable,
  type LuaValue,
  luaTypeOf,
  runLua,
} from './lua.ts';
import { type KyuaMetadata, MetadataError, metadataOf, properties } from './metadata.ts';

/** How a test program reports its results. */
type KyuaInterface = 'plain' | 'tap' | 'atf';

/** A test program that a Kyuafile names. */
export interface KyuaProgram {
  readonly interface: KyuaInterface;
  /** Absolute. */
  readonly path: string;
  /** The names on the path from the root of the test suite to it. */
  readonly parts: readonly string[];
  /** The name of the test suite, which selects the configuration variables. */
  readonly suite: string;
  readonly metadata: KyuaMetadata;
  /** Where it is named. */
  readonly location: SourceLocation;
}

/** Where the Kyuafiles and the test programs are; both have the same layout. Absolute. */
export interface KyuaRoots {
  readonly source: string;
  readonly build: string;
}

/** The programs of a Kyuafile and of those that it includes, in order. Everything that is wrong is reported. */
export function readKyuafile(
  file: string,
  roots: KyuaRoots,
  report: (problem: Problem) => void,
): KyuaProgram[] {
  return new KyuafileReader(roots, report).read(file, { file });
}

class KyuafileReader {
  readonly #roots: KyuaRoots;
  readonly #report: (problem: Problem) => void;
  readonly #open = new Set<string>();

  constructor(roots: KyuaRoots, report: (problem: Problem) => void) {
    this.#roots = roots;
    this.#report = report;
  }

  read(file: string, from: SourceLocation): KyuaProgram[] {
    if (this.#open.has(file)) {
      this.#report(
        badKyuafile(`includes ${basename(file)}, which is being read already`, from, 'Remove one include.'),
      );
      return [];
    }
    const text = this.#textOf(file, from);
    if (text === undefined) return [];
    this.#open.add(file);
    const state = new KyuafileState(file, this.#roots, this.#report, (path, place) => this.read(path, place));
    try {
      runLua(text, state.globals);
      if (state.version === undefined)
        this.#report(badKyuafile('never says syntax(2)', { file }, 'Begin it with syntax(2).'));
    } catch (error) {
      if (!(error instanceof LuaError)) throw error;
      this.#report(badKyuafile(error.message, { file, ...error.place }, error.hint));
    }
    this.#open.delete(file);
    return state.programs;
  }

  #textOf(file: string, from: SourceLocation): string | undefined {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      this.#report(badKyuafile(`${file} cannot be read (${codeOf(error)})`, from, 'Check the path.'));
      return undefined;
    }
  }
}

/** What one Kyuafile has said so far. */
class KyuafileState {
  version: number | undefined;
  readonly programs: KyuaProgram[] = [];
  readonly #file: string;
  readonly #roots: KyuaRoots;
  readonly #report: (problem: Problem) => void;
  readonly #include: (file: string, from: SourceLocation) => readonly KyuaProgram[];
  #suite: string | undefined;

  constructor(
    file: string,
    roots: KyuaRoots,
    report: (problem: Problem) => void,
    include: (file: string, from: SourceLocation) => readonly KyuaProgram[],
  ) {
    this.#file = file;
    this.#roots = roots;
    this.#report = report;
    this.#include = include;
  }

  get globals(): Readonly<Record<string, LuaValue>> {
    return {
      syntax: (args, place) => this.#syntax(args, { file: this.#file, ...place }),
      test_suite: (args, place) => this.#testSuite(args, { file: this.#file, ...place }),
      include: (args, place) => this.#included(args, { file: this.#file, ...place }),
      current_kyuafile: () => this.#file,
      plain_test_program: this.#programs('plain'),
      tap_test_program: this.#programs('tap'),
      atf_test_program: this.#programs('atf'),
      fs: filesFor(dirname(this.#file)),
    };
  }

  #syntax(args: readonly LuaValue[], location: SourceLocation): undefined {
    const version = args.at(-1);
    const isFirst = version === 1 && args.length === 2 && args[0] === 'kyuafile';
    if (this.version !== undefined) this.#bad('syntax() is called twice', location, 'Keep the first call.');
    else if (!isFirst && !(version === 2 && args.length === 1))
      this.#bad(`this version of the syntax is not known`, location, 'Write syntax(2).');
    this.version = Number(version);
  }

  #testSuite([name]: readonly LuaValue[], location: SourceLocation): undefined {
    if (typeof name !== 'string')
      this.#bad('test_suite() needs a name', location, "Write test_suite('name').");
    else if (this.#suite !== undefined)
      this.#bad('test_suite() is called twice', location, 'Keep one of the calls.');
    else this.#suite = name;
  }

  #included([path]: readonly LuaValue[], location: SourceLocation): undefined {
    if (typeof path !== 'string' || isAbsolute(path))
      this.#bad('include() needs a relative path', location, "Write include('dir/Kyuafile').");
    else this.programs.push(...this.#include(resolve(dirname(this.#file), path), location));
  }

  #programs(kind: KyuaInterface): LuaFunction {
    return ([table], place) => {
      const location = { file: this.#file, ...place };
      const hint = `Write ${kind}_test_program{name='program'}.`;
      const name = isLuaTable(table) ? table.entries.get('name') : undefined;
      if (!isLuaTable(table) || typeof name !== 'string')
        this.#bad(`${kind}_test_program needs a table with the name of a program`, location, hint);
      else this.#program(kind, name, table, location);
      return undefined;
    };
  }

  #program(kind: KyuaInterface, name: string, table: LuaTable, location: SourceLocation): void {
    const suite = table.entries.get('test_suite') ?? this.#suite;
    const folder = relative(this.#roots.source, dirname(this.#file));
    const path = join(this.#roots.build, folder, name);
    const complaint = complaintAbout(name, suite, path);
    const metadata = this.#metadata(table, location);
    if (complaint !== undefined) this.#bad(complaint.message, location, complaint.hint);
    if (complaint !== undefined || metadata === undefined) return;
    const parts = [...folder.split('/').filter((part) => part !== ''), name];
    this.programs.push({ interface: kind, path, parts, suite: String(suite), metadata, location });
  }

  /** Undefined where something is wrong with it. */
  #metadata(table: LuaTable, location: SourceLocation): KyuaMetadata | undefined {
    const own = [...table.entries].filter(([name]) => name !== 'name' && name !== 'test_suite');
    const wrong = own.filter(([, value]) => !['string', 'number', 'boolean'].includes(typeof value));
    for (const [name, value] of wrong)
      this.#bad(`the property ${name} cannot be a ${luaTypeOf(value)}`, location, 'Write a text.');
    if (wrong.length > 0) return undefined;
    try {
      return metadataOf(own.map(([name, value]) => [name, String(value)]));
    } catch (error) {
      if (!(error instanceof MetadataError)) throw error;
      const meant = error.unknown === undefined ? undefined : nearest(error.unknown, properties);
      this.#bad(error.message, location, meant === undefined ? undefined : `Did you mean "${meant}"?`);
      return undefined;
    }
  }

  #bad(message: string, location: SourceLocation, hint?: string): void {
    this.#report(badKyuafile(message, location, hint));
  }
}

/** What is wrong with a program: its name, the name of its test suite, and its path. */
function complaintAbout(
  name: string,
  suite: LuaValue,
  path: string,
): { readonly message: string; readonly hint: string } | undefined {
  if (typeof suite !== 'string')
    return { message: `${name} belongs to no test suite`, hint: "Write test_suite('name') before it." };
  if (name.includes('/'))
    return {
      message: `the name of a program cannot be a path: ${name}`,
      hint: 'Include a Kyuafile of its folder.',
    };
  if (existsSync(path)) return undefined;
  return { message: `the test program ${path} does not exist`, hint: 'Build it first.' };
}

/** The functions of the module `fs` that say something of the files of a test suite. Paths are relative to the Kyuafile. */
function filesFor(folder: string): LuaTable {
  const ofPath =
    (act: (path: string) => LuaValue): LuaFunction =>
    ([path], place) => {
      if (typeof path !== 'string') throw new LuaError('it needs a path', place);
      return act(path);
    };
  const join_: LuaFunction = (args) => join(...args.map(String));
  return {
    items: [],
    entries: new Map<string, LuaValue>([
      ['exists', ofPath((path) => existsSync(resolve(folder, path)))],
      ['basename', ofPath((path) => basename(path))],
      ['dirname', ofPath((path) => dirname(path))],
      ['is_absolute', ofPath((path) => isAbsolute(path))],
      ['join', join_],
    ]),
  };
}

/** The problem of a Kyuafile or a kyua.conf. */
export function badKyuafile(message: string, location: SourceLocation, hint?: string): Problem {
  return { code: 'PEXEN_BAD_KYUAFILE', location, message, ...(hint !== undefined && { hint }) };
}
