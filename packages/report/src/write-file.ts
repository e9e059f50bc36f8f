/** Writes a file so that it is there as a whole or not at all. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** So much is written at once, characters. */
const CHUNK = 1 << 20;

/** Writes the pieces beside the file and puts them in its place once they are on disk. */
export async function writeWhole(file: string, pieces: Iterable<string>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await writeDraft(draft, pieces);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function writeDraft(draft: string, pieces: Iterable<string>): Promise<void> {
  const handle = await open(draft, 'w');
  try {
    for (const chunk of chunksOf(pieces)) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    await handle.close();
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
