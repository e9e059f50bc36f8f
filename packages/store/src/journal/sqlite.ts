/** Loads `node:sqlite` without the warning that Node 22 prints, which would be in the output of every run. */
import type * as Sqlite from 'node:sqlite';

let loaded: typeof Sqlite | undefined;

/** The module, loaded on first use. */
export function sqlite(): typeof Sqlite {
  loaded ??= load();
  return loaded;
}

function load(): typeof Sqlite {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** The error of SQLite or of the disk, by the name of the operating system where there is one: `ENOSPC`. */
export interface StorageError {
  readonly code: string;
  readonly message: string;
}

/** What is known about an error of a database or file. */
export function storageErrorOf(error: unknown): StorageError {
  const { code = 'UNKNOWN', errcode, message } = error as Partial<SqliteError>;
  const name = errcode === undefined ? code : (codes[errcode] ?? codes[errcode & 0xff] ?? code);
  return { code: name, message: message ?? String(error) };
}

interface SqliteError extends Error {
  readonly code: string;
  /** The extended result code. */
  readonly errcode: number;
}

/** Result codes of SQLite: https://sqlite.org/rescode.html */
const codes: Readonly<Record<number, string>> = {
  1: 'CORRUPT', // A table is missing.
  5: 'BUSY',
  8: 'EROFS',
  10: 'EIO',
  11: 'CORRUPT',
  13: 'ENOSPC',
  14: 'CANTOPEN',
  26: 'CORRUPT',
  1034: 'SYNC',
  1290: 'SYNC',
};
