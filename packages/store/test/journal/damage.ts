/**
 * Copies of journals that are cut, changed in one bit, or lack a file. Every load is checked: it never throws, every event that it returns was
 * recorded, and where events are missing the verdict says so.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type JournalEntry, openJournal, readJournal } from '../../src/index.ts';
import { sqlite } from '../../src/journal/sqlite.ts';

const runId = '0198c0de-0000-7000-8000-000000000003';

/** A journal as a killed process leaves it: part of it in the database, part in the log, one long body. */
export interface Original {
  readonly entries: readonly JournalEntry[];
  /** By name, relative to the directory of the run. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Makes a journal of `count` events in the directory. */
export async function makeOriginal(directory: string, count: number): Promise<Original> {
  const live = join(directory, 'live');
  const journal = await openJournal({ directory: live, runId, durability: 'process' });
  const append = (from: number, to: number): void => {
    for (let seq = from; seq <= to; seq++)
      journal.append({ type: 'poison-cleared', resource: `${seq}: ${'z'.repeat(seq === 7 ? 20_000 : 200)}` });
  };
  append(1, count / 2);
  await journal.sync();
  checkpoint(join(live, 'journal.db'));
  append(count / 2 + 1, count);
  await journal.sync();
  const copy = join(directory, 'copy');
  copyBeside(live, copy);
  await journal.close();
  const files = new Map(filesIn(copy).map((name) => [name, readFileSync(join(copy, name))]));
  const { entries, verdict } = readJournal(copy);
  if (verdict.kind !== 'whole' || entries.length !== count)
    throw new Error(`the original is ${verdict.kind}`);
  return { entries, files };
}

/** By a connection of its own, as SQLite requires within one process. */
function checkpoint(file: string): void {
  const database = new (sqlite().DatabaseSync)(file);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

/** The files that a killed process leaves, copied by another process, since this one has them open. `-shm` is made again. */
function copyBeside(from: string, to: string): void {
  spawnSync('cp', ['-r', from, to]);
  for (const name of ['journal.db-shm', 'lock.db', 'owner.json']) rmSync(join(to, name), { force: true });
}

function filesIn(directory: string): string[] {
  const blobs = readdirSync(join(directory, 'blobs')).map((name) => join('blobs', name));
  return ['head', 'journal.db', 'journal.db-wal', ...blobs];
}

/** One way to damage a journal. */
export type Damage =
  | { readonly kind: 'flip'; readonly file: string; readonly at: number; readonly bit: number }
  | { readonly kind: 'cut'; readonly file: string; readonly at: number }
  | { readonly kind: 'remove'; readonly file: string };

/** Numbered damages, evenly spread over the files and their bytes. */
export function damageOf(original: Original, number: number, random: () => number): Damage {
  const names = [...original.files.keys()];
  const file = names[number % names.length] as string;
  const size = original.files.get(file)?.length ?? 0;
  const at = Math.floor(random() * size);
  switch (Math.floor(number / names.length) % 20) {
    case 0:
      return { kind: 'remove', file };
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return { kind: 'cut', file, at };
    default:
      return { kind: 'flip', file, at: file === 'head' ? at % 128 : at, bit: Math.floor(random() * 8) };
  }
}

const otherBoot = { id: 'f'.repeat(32), bootedAtS: 1 };

/** The verdict of the damaged journal, in the boot that wrote it or in another one. @throws where a rule is broken. */
export function load(original: Original, damage: Damage, directory: string, isOtherBoot: boolean): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, 'blobs'), { recursive: true });
  for (const [name, bytes] of original.files) {
    const damaged = name === damage.file ? damagedBytes(bytes, damage) : bytes;
    if (damaged !== undefined) writeFileSync(join(directory, name), damaged);
  }
  const { verdict, entries } = readJournal(directory, isOtherBoot ? { boot: otherBoot } : {});
  const wrong = entries.find(
    ({ seq }, index) => !isDeepStrictEqual(entries[index], original.entries[seq - 1]),
  );
  if (wrong !== undefined) throw new Error(`event ${wrong.seq} was never recorded`);
  if (entries.length < original.entries.length && verdict.kind === 'whole')
    throw new Error(`only ${entries.length} events, and the verdict is ${verdict.kind}`);
  return verdict.kind;
}

function damagedBytes(bytes: Buffer, damage: Damage): Buffer | undefined {
  if (damage.kind === 'remove') return undefined;
  if (damage.kind === 'cut') return bytes.subarray(0, damage.at);
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(damage.at) ^ (1 << damage.bit), damage.at);
  return copy;
}
