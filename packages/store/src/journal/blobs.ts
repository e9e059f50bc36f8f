/** Long bodies, each in a file that is named by the SHA-256 of its content. A file is complete as soon as it has its name. */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Bodies with more bytes are stored in files. */
const longestInline = 16 * 1024;

const mark = 'blob:';

/** What stands in the database for the body. A long body is on the disk before this returns. */
export function storeBody(folder: string, body: string): string {
  if (body.length * 3 <= longestInline || Buffer.byteLength(body) <= longestInline) return body;
  const name = createHash('sha256').update(body).digest('hex');
  const file = join(folder, name);
  if (!existsSync(file)) writeDurably(folder, file, body);
  return mark + name;
}

/** The body that a column stands for. @throws where its file is missing or has another content. */
export function loadBody(folder: string, column: string): string {
  if (!column.startsWith(mark)) return column;
  const name = column.slice(mark.length);
  if (!/^[0-9a-f]{64}$/.test(name)) throw new Error(`"${name}" is not the name of a blob`);
  const body = readFileSync(join(folder, name));
  if (createHash('sha256').update(body).digest('hex') !== name)
    throw new Error(`blob ${name} has another content`);
  return body.toString();
}

function writeDurably(folder: string, file: string, body: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `.${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    const descriptor = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(descriptor, body);
      fdatasyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, file);
    syncFolder(folder);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Makes the names in a folder durable. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
