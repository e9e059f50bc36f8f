/**
 * The file `head`: how far the journal must reach. SQLite silently shows an older state where its write-ahead log is cut or changed, so the
 * journal's own end is noted outside it: in one of two slots in turn, so that one of them is always whole. Space is allocated at creation,
 * therefore it is written even on a full disk.
 */
import { fsyncSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { type BootMark, isSameBoot } from './boot-mark.ts';
import { OpenFile } from './open-file.ts';

/** What a slot says. */
export interface Head {
  /** Every event up to this one was committed. */
  readonly committed: number;
  /** Every event up to this one was on the disk. */
  readonly synced: number;
  /** Tasks that may not start twice were started while recording failed. */
  readonly unrecordedStarts: boolean;
  /** The boot of the machine in which it was written. */
  readonly boot: BootMark;
}

const slotBytes = 64;
const fileBytes = 4096;
const magic = 0x48455850; // "PXEH"
const format = 1;

/** The head of a new journal. */
export function emptyHead(boot: BootMark): Head {
  return { committed: 0, synced: 0, unrecordedStarts: false, boot };
}

/**
 * Is a journal whose last row has that number shorter than can be explained? After a power failure, that is in another boot, only rows may be missing
 * that were not on the disk.
 */
export function isLoss({ committed, synced, boot }: Head, lastRow: number, now: BootMark): boolean {
  return lastRow < synced || (lastRow < committed && isSameBoot(boot, now));
}

/** Writes the heads of one run. */
export class HeadFile {
  readonly #file: OpenFile;
  readonly #runId: string;
  #generation: number;

  private constructor(file: OpenFile, runId: string, generation: number) {
    this.#file = file;
    this.#runId = runId;
    this.#generation = generation;
  }

  /** A new file, on the disk, with its first head. It gets its name when it is complete. */
  static create(path: string, runId: string, head: Head): HeadFile {
    const draft = `${path}-${process.pid}`;
    const file = new OpenFile(draft, 'w', 0o600);
    writeSync(file.descriptor, Buffer.alloc(fileBytes), 0, fileBytes, 0);
    const headFile = new HeadFile(file, runId, 0);
    headFile.write(head);
    fsyncSync(file.descriptor);
    renameSync(draft, path);
    return headFile;
  }

  /** An existing file, whose newest head has that generation. */
  static open(path: string, runId: string, generation: number): HeadFile {
    return new HeadFile(new OpenFile(path, 'r+'), runId, generation);
  }

  /** Replaces the older of the two heads. */
  write(head: Head): void {
    const slot = encode(head, this.#runId, ++this.#generation);
    writeSync(this.#file.descriptor, slot, 0, slotBytes, (this.#generation & 1) * slotBytes);
  }

  sync(): void {
    this.#file.sync();
  }

  /** As `sync`, in the background. `done` is not called after `close`. */
  syncBehind(done: (error: Error | null) => void): void {
    this.#file.syncBehind(done);
  }

  close(): void {
    this.#file.close();
  }
}

/** The content of the file; undefined where it cannot be read. */
export function readHeadFile(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** The newest head in the content that belongs to the run, and its generation. Undefined where there is none. */
export function headIn(bytes: Buffer, runId: string): { head: Head; generation: number } | undefined {
  const found = [0, slotBytes].flatMap((at) => decode(bytes.subarray(at, at + slotBytes), runId) ?? []);
  return found.sort((a, b) => b.generation - a.generation)[0];
}

function encode(
  { committed, synced, unrecordedStarts, boot }: Head,
  runId: string,
  generation: number,
): Buffer {
  const slot = Buffer.alloc(slotBytes);
  slot.writeUInt32LE(magic, 0);
  slot.writeUInt16LE(format, 4);
  slot.writeUInt16LE(unrecordedStarts ? 1 : 0, 6);
  slot.writeDoubleLE(generation, 8);
  slot.writeDoubleLE(committed, 16);
  slot.writeDoubleLE(synced, 24);
  slot.write(boot.id, 32, 16, 'hex');
  slot.writeDoubleLE(boot.bootedAtS, 48);
  slot.writeUInt32LE(slotChecksum(slot, runId), 60);
  return slot;
}

function decode(slot: Buffer, runId: string): { head: Head; generation: number } | undefined {
  if (slot.length < slotBytes || slot.readUInt32LE(0) !== magic || slot.readUInt16LE(4) !== format)
    return undefined;
  if (slot.readUInt32LE(60) !== slotChecksum(slot, runId)) return undefined;
  const head = {
    committed: slot.readDoubleLE(16),
    synced: slot.readDoubleLE(24),
    unrecordedStarts: slot.readUInt16LE(6) === 1,
    boot: { id: slot.toString('hex', 32, 48), bootedAtS: slot.readDoubleLE(48) },
  };
  return { head, generation: slot.readDoubleLE(8) };
}

function slotChecksum(slot: Buffer, runId: string): number {
  return crc32(slot.subarray(0, 60), crc32(runId));
}
