/**
 * Finds the files of a directory, always in the same order, whatever errors occur. Knows nothing about the purpose of a file,
 * except for side files, which are never files of their own.
 */
import { type Buffer, isUtf8 } from 'node:buffer';
import { basename, dirname, join } from 'node:path';
import { didYouMean, type Problem } from '@pexen/core';
import { codeOf, type Files, type Listed, type Looked } from './files.ts';
import { comparePaths, type Patterns, patterns } from './names.ts';
import type { WalkedFile, WalkOptions } from './options.ts';

/** The suffix of a side file, which has the metadata of another file. */
export const sideFileEnding = '.pexen.yaml';
const almostItsEnding = '.pexen.yml';

/** A regular file, or a link to one. */
export interface FoundFile extends WalkedFile {
  readonly mode: number;
  readonly uid: number;
}

/** A folder with a file that says what the folder holds: the walk does not enter it. */
export interface FoundFolder {
  /** The path of that file. */
  readonly file: string;
  /** The names on the path from the walked directory to the folder. */
  readonly parts: readonly string[];
}

/** The names of such files, the first of which counts. */
const folderFileNames: readonly string[] = ['pexen.folder.yaml', 'pexen.folder.json'];
const almostTheirNames: ReadonlySet<string> = new Set([
  'pexen.folder.yml',
  'pexen.folders.yaml',
  'folder.pexen.yaml',
]);

/** The result of a walk. */
export interface Found {
  /** Sorted by code point, part by part. */
  readonly files: readonly FoundFile[];
  /** Path of a file → path of its side file. */
  readonly sideFiles: ReadonlyMap<string, string>;
  readonly folders: readonly FoundFolder[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

interface Place {
  readonly path: string;
  readonly parts: readonly string[];
}

/** Never entered, regardless of the options: they contain installed files. */
const installed: ReadonlySet<string> = new Set(['node_modules']);

/** What a walk looks for. */
export interface WalkLimits extends Omit<WalkOptions, 'dir'> {
  /** Only directories above and below these are entered. Default: all. */
  readonly bases?: readonly (readonly string[])[];
  /** Are folders left to their own files? Not the one where the walk starts: its factory says what it holds. Default false. */
  readonly leavesFolders?: boolean;
}

/** Finds everything below an absolute directory that the options select. */
export function walk(dir: string, options: WalkLimits, files: Files): Found {
  return new Walk(options, files).from(dir);
}

class Walk {
  readonly #files: Files;
  readonly #include: Patterns | undefined;
  readonly #exclude: Patterns;
  readonly #followLinks: boolean;
  readonly #found: FoundFile[] = [];
  readonly #sideFiles = new Map<string, string>();
  readonly #folders: FoundFolder[] = [];
  readonly #leavesFolders: boolean;
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];
  /** Each directory is walked once, by the first path that led to it, since links may form cycles. */
  readonly #walked = new Set<string>();
  readonly #waiting: Place[] = [];
  /** Links are followed after all real directories have been walked, so that a directory keeps its own name. */
  readonly #links: Place[] = [];

  readonly #bases: readonly (readonly string[])[];

  constructor(limits: WalkLimits, files: Files) {
    const { include, exclude = [], followLinks = false, bases = [[]], leavesFolders = false } = limits;
    this.#leavesFolders = leavesFolders;
    this.#bases = bases;
    this.#files = files;
    this.#include = include === undefined ? undefined : patterns(include);
    this.#exclude = patterns(exclude);
    this.#followLinks = followLinks;
  }

  from(dir: string): Found {
    this.#waiting.push({ path: dir, parts: [] });
    for (let place = this.#next(); place !== undefined; place = this.#next()) this.#enter(place);
    this.#found.sort((a, b) => comparePaths(a.parts, b.parts));
    if (this.#problems.length === 0) this.#reportUnusedPatterns(dir);
    this.#folders.sort((a, b) => comparePaths(a.parts, b.parts));
    return {
      ...{ files: this.#found, sideFiles: this.#sideFiles, folders: this.#folders },
      ...{ problems: this.#problems, warnings: this.#warnings },
    };
  }

  #next(): Place | undefined {
    return this.#waiting.pop() ?? this.#links.shift();
  }

  #enter(place: Place): void {
    const isTop = place.parts.length === 0;
    try {
      const { identity } = this.#files.look(place.path);
      if (this.#walked.has(identity)) return;
      this.#walked.add(identity);
      const listed = this.#files.list(place.path);
      if (this.#leavesFolders && !isTop && this.#leave(place, listed)) return;
      for (const each of listed) this.#meet(each, place);
    } catch (error) {
      if (isTop || !hasVanished(error))
        this.#problems.push(unreadable(place.path, error, isTop, this.#files));
    }
  }

  /** True for a folder with a file of its own, which is left to it. */
  #leave({ path, parts }: Place, listed: readonly Listed[]): boolean {
    const names = new Set(listed.map(({ name }) => name.toString()));
    for (const name of names)
      if (almostTheirNames.has(name)) this.#problems.push(misnamedFolderFile(join(path, name)));
    const [name, other] = folderFileNames.filter((each) => names.has(each) && this.#isFile(join(path, each)));
    if (name === undefined) return false;
    if (other !== undefined) this.#warnings.push(secondFolderFile(join(path, other), name));
    this.#folders.push({ file: join(path, name), parts });
    return true;
  }

  #isFile(path: string): boolean {
    try {
      return this.#files.look(path).kind === 'file';
    } catch {
      return false; // It has vanished, or is a broken link.
    }
  }

  #meet(listed: Listed, above: Place): void {
    const place = this.#placeOf(listed, above);
    if (place === undefined || this.#exclude.matches(place.parts.join('/'))) return;
    const isEntered = listed.kind === 'file' || this.#bases.some((base) => isOnTheWay(place.parts, base));
    if (!isEntered) return;
    if (listed.kind === 'directory') this.#waiting.push(place);
    else if (listed.kind === 'link') this.#meetLink(place);
    else if (listed.kind === 'file') this.#meetFile(place);
  }

  /** Undefined for entries that are never considered: hidden, installed, or with a name that is not text. */
  #placeOf({ name, kind }: Listed, above: Place): Place | undefined {
    const text = name.toString();
    if (text.startsWith('.') || installed.has(text)) return undefined;
    if (!isUtf8(name)) {
      if (kind !== 'other') this.#warnings.push(notText(name, above.path));
      return undefined;
    }
    return { path: join(above.path, text), parts: [...above.parts, text] };
  }

  #meetLink(place: Place): void {
    const target = this.#look(place, true);
    if (target?.kind === 'file') this.#takeFile(place, target);
    else if (target?.kind === 'directory' && this.#followLinks) this.#links.push(place);
  }

  #meetFile(place: Place): void {
    const file = this.#look(place, false);
    if (file?.kind === 'file') this.#takeFile(place, file);
  }

  #takeFile({ path, parts }: Place, { mode, uid }: Looked): void {
    if (path.endsWith(sideFileEnding)) this.#sideFiles.set(path.slice(0, -sideFileEnding.length), path);
    else if (path.endsWith(almostItsEnding)) this.#problems.push(misnamed(path));
    else if (this.#include?.matches(parts.join('/')) ?? true) this.#found.push({ path, parts, mode, uid });
  }

  #look({ path }: Place, isLink: boolean): Looked | undefined {
    try {
      return this.#files.look(path);
    } catch (error) {
      if (!hasVanished(error)) this.#problems.push(unreadableFile(path, error));
      else if (isLink) this.#warnings.push(brokenLink(path));
      return undefined;
    }
  }

  #reportUnusedPatterns(dir: string): void {
    for (const glob of [...(this.#include?.unused() ?? []), ...this.#exclude.unused()]) {
      this.#warnings.push({
        code: 'PEXEN_UNUSED_PATTERN',
        location: { file: dir },
        message: `the pattern "${glob}" matches nothing there`,
        hint: 'Patterns match paths relative to that directory.',
      });
    }
  }
}

/** Is one of them the beginning of the other? */
function isOnTheWay(parts: readonly string[], base: readonly string[]): boolean {
  return base.every((part, at) => at >= parts.length || parts[at] === part);
}

/** Removed since it was listed, or a broken or cyclic link. */
function hasVanished(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error));
}

function unreadable(dir: string, error: unknown, isTop: boolean, files: Files): Problem {
  const code = codeOf(error);
  const near = isTop && code === 'ENOENT' ? similarDirectory(dir, files) : undefined;
  const hint = near ?? { ENOENT: 'Check the spelling.', EACCES: 'Fix its permissions, or exclude it.' }[code];
  return {
    code: 'PEXEN_UNREADABLE_DIRECTORY',
    location: { file: dir },
    message:
      { ENOENT: 'no such directory', ENOTDIR: 'it is not a directory' }[code] ??
      `it cannot be read (${code})`,
    ...(hint !== undefined && { hint }),
  };
}

function similarDirectory(dir: string, files: Files): string | undefined {
  try {
    const beside = files.list(dirname(dir)).filter(({ kind }) => kind === 'directory');
    return didYouMean(
      basename(dir),
      beside.map(({ name }) => name.toString()),
    );
  } catch {
    return undefined;
  }
}

function unreadableFile(path: string, error: unknown): Problem {
  return {
    code: 'PEXEN_UNREADABLE_FILE',
    location: { file: path },
    message: `it cannot be read (${codeOf(error)})`,
    hint: 'Fix the permissions of its directory, or exclude it.',
  };
}

/** Without a problem, the metadata in this file would silently be ignored. */
function misnamed(path: string): Problem {
  return {
    code: 'PEXEN_LONELY_SIDE_FILE',
    location: { file: path },
    message: `it is not a side file: their names end with ${sideFileEnding}`,
    hint: 'Rename it.',
  };
}

/** Without a problem, the folder would be walked as if the file were not there. */
function misnamedFolderFile(path: string): Problem {
  return {
    code: 'PEXEN_BAD_SUITE_FILE',
    location: { file: path },
    message: `it is not read: a file that says what its folder holds is named ${folderFileNames.join(' or ')}`,
    hint: 'Rename it.',
  };
}

function secondFolderFile(path: string, name: string): Problem {
  return {
    code: 'PEXEN_TWO_CONFIGS',
    location: { file: path },
    message: `it is ignored, since ${name} is used`,
    hint: 'Remove one of them.',
  };
}

function brokenLink(path: string): Problem {
  return {
    code: 'PEXEN_BROKEN_LINK',
    location: { file: path },
    message: 'it is a broken link; skipped',
    hint: 'Fix or remove the link.',
  };
}

function notText(name: Buffer, dir: string): Problem {
  return {
    code: 'PEXEN_NAME_NOT_TEXT',
    location: { file: dir },
    message: `the name "${name.toString()}" (bytes ${name.toString('hex')}) is not UTF-8; skipped`,
    hint: 'Rename it.',
  };
}
