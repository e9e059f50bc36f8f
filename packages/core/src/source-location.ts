/** Places in files: as data, as text, and as paths that mean the same on another machine. Does not access the disk. */

/** A place in a file of the user. Lines and columns count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** `file:line:column`, as editors and terminals make clickable. */
export function formatLocation({ file, line, column }: SourceLocation): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}

const drive = /^\/?([A-Za-z]:)(?=\/|$)/;

/**
 * A function that gives the path of a file, named by a path or a `file:` URL, from the directory `root`: with `/` between its parts,
 * `..` where it lies outside of the root, `.` for the root itself. What is no absolute path, as `node:fs` or `data:…`, stays as it is, and
 * so does a file on another drive.
 *
 * @example relativeTo('/home/me/project')('file:///home/me/project/test/a%20b.ts') // 'test/a b.ts'
 */
export function relativeTo(root: string): (file: string) => string {
  const base = partsOf(root);
  return (file) => {
    const parts = partsOf(file);
    if (base === undefined || parts === undefined || base[0] !== parts[0]) return file;
    let common = 0;
    while (common < base.length && base[common] === parts[common]) common++;
    const way = [...base.slice(common).map(() => '..'), ...parts.slice(common)];
    return way.length === 0 ? '.' : way.join('/');
  };
}

/** The drive, '' where there is none, and the names below it; undefined for what is no absolute path of a file. */
function partsOf(file: string): string[] | undefined {
  const path = pathOf(file);
  const [prefix, letter = ''] = drive.exec(path) ?? [''];
  if (letter === '' && !path.startsWith('/')) return undefined;
  const parts: string[] = [letter.toLowerCase()];
  for (const part of path.slice(prefix.length).split('/')) {
    if (part === '..') parts.length = Math.max(1, parts.length - 1);
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts;
}

/** A path with `/` between its parts: of a URL its path, without the query by which a module is loaded again. */
function pathOf(file: string): string {
  if (file.startsWith('file:')) return decoded(new URL(file).pathname);
  return /^[A-Za-z]:\\/.test(file) ? file.replaceAll('\\', '/') : file;
}

/** A `%` that encodes nothing is a `%`. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
