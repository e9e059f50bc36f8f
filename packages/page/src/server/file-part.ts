/** Reads parts of files for a page: regular files below the given folders, and nothing else, whatever their names lead to. */
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { sep } from 'node:path';

/** A part of a file, from one byte to before another. */
export interface FilePart {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly totalBytes: number;
}

/** What comes of a look at a file. `refused`: it is not a regular file, or is not below one of the folders. */
export type FileLook =
  | { readonly kind: 'part'; readonly part: FilePart }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused' };

/**
 * Reads at most `most` bytes from there on; a negative `from` counts from the end. `folders` and `file` are absolute paths. A link in the path
 * counts as what it leads to.
 */
export async function readFilePart(
  file: string,
  folders: readonly string[],
  from: number,
  most: number,
): Promise<FileLook> {
  const place = await realPath(file);
  if (place === undefined) return { kind: 'absent' };
  const allowed = await Promise.all(folders.map(realPath));
  if (!allowed.some((folder) => folder !== undefined && place.startsWith(folder + sep)))
    return { kind: 'refused' };
  const handle = await openFile(place);
  if (handle === undefined) return { kind: 'refused' };
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) return { kind: 'refused' };
    return { kind: 'part', part: await partOf(handle, facts.size, from, most) };
  } finally {
    await handle.close();
  }
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}

/** Without waiting for the other end of a FIFO, and without following a link that has taken the place of the file. */
async function openFile(place: string): Promise<FileHandle | undefined> {
  try {
    return await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

async function partOf(
  handle: FileHandle,
  totalBytes: number,
  given: number,
  most: number,
): Promise<FilePart> {
  const from = Math.min(given < 0 ? Math.max(0, totalBytes + given) : given, totalBytes);
  const buffer = Buffer.alloc(Math.min(most, totalBytes - from));
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
  return { bytes: buffer.subarray(0, bytesRead), from, to: from + bytesRead, totalBytes };
}

/** The part without the bytes of characters that are not in it as a whole: those of the last one belong to the next part. */
export function wholeCharacters({ bytes, from, totalBytes }: FilePart): FilePart {
  let start = 0;
  while (from > 0 && start < Math.min(3, bytes.length) && isContinuation(bytes[start])) start++;
  const end = endOfCharacters(bytes);
  const whole = bytes.subarray(start, Math.max(start, end));
  return { bytes: whole, from: from + start, to: from + start + whole.length, totalBytes };
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
}

/** Where the last character begins if its bytes are not all there; otherwise the end. Bytes that are not UTF-8 count as they are. */
function endOfCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
