/** Writes a file atomically. Synchronous, so that it works while a process exits. */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** How much is written at once, characters. */
const CHUNK = 1 << 20;

/** The file that a path leads to. */
interface Destination {
  /** The path of the file itself, after all links. */
  readonly path: string;
  /** May it be replaced by another file? Devices, pipes and descriptors of a shell may only be written to. */
  readonly isPlain: boolean;
}

/** Removes an older file, and fails now if the file could not be written later. */
export function prepareFile(file: string): void {
  const { path, isPlain } = destinationOf(file);
  if (!isPlain) return;
  makeFolder(dirname(path));
  refuseFolder(path);
  rmSync(path, { force: true });
  const draft = draftOf(path);
  closeSync(openSync(draft, 'w'));
  rmSync(draft);
}

/** Writes the pieces beside the file and moves them into its place once they are on disk. To devices and pipes they are appended. */
export function writeWhole(file: string, pieces: Iterable<string>): void {
  const { path, isPlain } = destinationOf(file);
  if (isPlain) replace(path, pieces);
  else writeTo(path, 'a', pieces);
}

/** Opens a file that is written bit by bit, and empties an older one. Devices and pipes are appended to. */
export function openGrowing(file: string): number {
  const { path, isPlain } = destinationOf(file);
  if (!isPlain) return openSync(path, 'a');
  makeFolder(dirname(path));
  refuseFolder(path);
  return openSync(path, 'w');
}

function replace(path: string, pieces: Iterable<string>): void {
  makeFolder(dirname(path));
  const draft = draftOf(path);
  try {
    writeTo(draft, 'w', pieces);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Folder by folder: where a new folder is reported missing (in `/proc`), Node's `recursive` never returns. */
function makeFolder(dir: string): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(dir) !== dir) makeFolder(dirname(dir));
  try {
    mkdirSync(dir);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

function refuseFolder(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new Error(`EISDIR: ${path} is a folder, and the report is to be a file`);
}

function destinationOf(file: string): Destination {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return { path: file, isPlain: found === undefined || found.isDirectory() };
  const isOfShell = /^\/(?:dev|proc)\//.test(file);
  return isOfShell ? { path: file, isPlain: false } : { path: realpathSync(file), isPlain: true };
}

function draftOf(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

function writeTo(path: string, flag: 'w' | 'a', pieces: Iterable<string>): void {
  const handle = openSync(path, flag);
  try {
    for (const chunk of chunksOf(pieces)) writeFileSync(handle, chunk);
    if (fstatSync(handle).isFile()) fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function* chunksOf(pieces: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
