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
 * Returns a function that converts the path or `file:` URL of a file to a path relative to the directory `root`, with `/` between its
 * parts, `..` where it lies outside of the root, and `.` for the root itself. Anything that is not an absolute path, such as `node:fs` or
 * `data:…`, stays as it is, and so does a file on another drive.
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
    const steps = [...base.slice(common).map(() => '..'), ...parts.slice(common)];
    return steps.length === 0 ? '.' : steps.join('/');
  };
}

/** The drive, or '', and the names below it; undefined for anything that is not an absolute path of a file. */
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

/** The path with `/` between its parts; for a URL its path without the query, which is used to load a module again. */
function pathOf(file: string): string {
  if (file.startsWith('file:')) return decoded(new URL(file).pathname);
  return /^[A-Za-z]:\\/.test(file) ? file.replaceAll('\\', '/') : file;
}

/** A path with a stray `%` stays as it is. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
