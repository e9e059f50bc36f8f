/** Writes a file so that it is there as a whole or not at all. Synchronous, so that it can be done when a process ends. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** So much is written at once, characters. */
const CHUNK = 1 << 20;

/** Writes the pieces beside the file and puts them in its place once they are on disk. */
export function writeWhole(file: string, pieces: Iterable<string>): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeDraft(draft, pieces);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function writeDraft(draft: string, pieces: Iterable<string>): void {
  const handle = openSync(draft, 'w');
  try {
    for (const chunk of chunksOf(pieces)) writeFileSync(handle, chunk);
    fsyncSync(handle);
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
