/**
 * The bundles of a node, in its cache. A bundle is unpacked once, and can only be read then; its files are links to contents that other bundles share. What
 * was not used for long is removed.
 */
import { spawn } from 'node:child_process';
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { chmod, copyFile, link, mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '@pexen/core';
import {
  type BundleFile,
  type BundleManifest,
  mostPieces,
  type PieceRequest,
  pieceLength,
} from '../protocol/bundle.ts';

/** A bundle that was not used for so long may be removed, ms. */
const keptMs = 14 * 24 * 3_600_000;

/** What the unpacking of a bundle needs and reports. */
export interface Unpacking {
  /** Asks for these pieces of files; `take` is called for each. */
  want(pieces: readonly PieceRequest[]): void;
  /** It can be used, in this folder. */
  ready(folder: string): void;
  failed(why: string): void;
}

/** Where the packages of the node are, for bundles that do not install theirs. */
export interface BundlesOptions {
  /** The folder of the cache. */
  readonly cache: string;
  /** The folder with the node's own `node_modules`. */
  readonly packages: string;
  readonly clock: Pick<Clock, 'wallNow'>;
  readonly log: (line: string) => void;
}

/** Brings one bundle into the cache. */
export class BundleReceiver {
  /** The session for which it is. */
  readonly session: string;
  readonly #options: BundlesOptions;
  readonly #manifest: BundleManifest;
  readonly #events: Unpacking;
  /** Files whose content is missing. */
  readonly #missing: readonly BundleFile[];
  /** The pieces that have not been asked for. */
  readonly #pieces: Iterator<Piece>;
  /** Those that were asked for at once, and how many of them have come. */
  #asked: readonly Piece[] = [];
  #arrived = 0;
  #incoming: Incoming | undefined;
  #isOver = false;

  constructor(
    { session, manifest }: { readonly session: string; readonly manifest: BundleManifest },
    options: BundlesOptions,
    events: Unpacking,
  ) {
    this.session = session;
    this.#manifest = manifest;
    this.#options = options;
    this.#events = events;
    const missing = manifest.files.filter((file) => !existsSync(this.#contentOf(file)));
    this.#missing = [...new Map(missing.map((file) => [keyOf(file), file])).values()];
    this.#pieces = piecesOf(this.#missing);
    mkdirSync(join(options.cache, 'contents'), { recursive: true });
  }

  get #folder(): string {
    return folderOf(this.#options.cache, this.#manifest);
  }

  /** Asks for what is missing, or reports that it is ready. */
  start(): void {
    if (existsSync(this.#folder)) void this.#use();
    else {
      if (this.#missing.length > 0)
        this.#options.log(
          `receives ${this.#missing.length} of ${this.#manifest.files.length} files of a run`,
        );
      this.#next();
    }
  }

  /** A piece has come, in the order in which they were asked for; undefined where the other side does not have it. */
  take({ hash, at }: PieceRequest, bytes: Uint8Array | undefined): void {
    const asked = this.#asked[this.#arrived];
    if (this.#isOver || asked === undefined || asked.file.hash !== hash || asked.at !== at) return;
    const { file } = asked;
    try {
      if (bytes === undefined) throw new Error(`${file.name} cannot be read any more`);
      this.#incoming ??= new Incoming(file, join(this.#options.cache, 'contents', `new-${randomName()}`));
      this.#incoming.add(bytes);
      if (this.#incoming.isComplete) {
        this.#incoming.keep(this.#contentOf(file));
        this.#incoming = undefined;
      }
      if (++this.#arrived === this.#asked.length) this.#next();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Nothing of it is needed any more. */
  stop(): void {
    this.#isOver = true;
    this.#incoming?.discard();
    this.#incoming = undefined;
  }

  #next(): void {
    const pieces: Piece[] = [];
    while (pieces.length < mostPieces) {
      const { value, done } = this.#pieces.next();
      if (done === true) break;
      pieces.push(value);
    }
    this.#asked = pieces;
    this.#arrived = 0;
    if (pieces.length === 0) void this.#unpack();
    else this.#events.want(pieces.map(({ file, at }) => ({ hash: file.hash, at })));
  }

  async #unpack(): Promise<void> {
    const folder = join(this.#options.cache, 'bundles', `new-${randomName()}`);
    try {
      await this.#fill(folder);
      try {
        renameSync(folder, this.#folder);
      } catch (error) {
        if (!existsSync(this.#folder)) throw error; // Another agent was faster.
        await remove(folder);
      }
      await this.#use();
    } catch (error) {
      await remove(folder);
      this.#fail(error);
    }
  }

  async #fill(folder: string): Promise<void> {
    const { files, install } = this.#manifest;
    const folders = new Set(files.map(({ name }) => dirname(name)));
    await mkdir(folder, { recursive: true });
    for (const each of folders) await mkdir(join(folder, each), { recursive: true });
    for (const file of files) await linkOrCopy(this.#contentOf(file), join(folder, file.name));
    if (install === undefined) this.#linkPackages(folder, files);
    else await this.#install(folder, install);
    for (const each of parentsOf(folders)) await chmod(join(folder, each), 0o555);
  }

  /** The packages of the node, beside each `package.json` that has some there. */
  #linkPackages(folder: string, files: readonly BundleFile[]): void {
    const places = files.filter(({ name }) => name === 'package.json' || name.endsWith('/package.json'));
    for (const place of new Set(['.', ...places.map(({ name }) => dirname(name))])) {
      const own = join(this.#options.packages, place, 'node_modules');
      if (existsSync(own)) symlinkSync(own, join(folder, place, 'node_modules'));
    }
  }

  async #install(folder: string, command: string): Promise<void> {
    this.#options.log(`runs ${command} for the files of a run`);
    const child = spawn('/bin/sh', ['-c', command], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        lines.push(...text.split('\n').filter((line) => line.trim() !== ''));
        lines.splice(0, lines.length - 5);
      });
    const [code, signal] = await once(child, 'close');
    if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}: ${lines.join(' · ')}`);
  }

  /** Notes that it is used, and removes what was not used for long. */
  async #use(): Promise<void> {
    try {
      const nowS = this.#options.clock.wallNow() / 1000;
      await utimes(this.#folder, nowS, nowS);
      if (!this.#isOver) this.#events.ready(this.#folder);
      await prune(this.#options);
    } catch (error) {
      this.#fail(error);
    }
  }

  #contentOf(file: BundleFile): string {
    return join(this.#options.cache, 'contents', keyOf(file));
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.stop();
    this.#events.failed(error instanceof Error ? error.message : String(error));
  }
}

/** Removes a bundle of which any of these files was changed on the node, so that it comes again. */
export async function discardBundle(
  cache: string,
  manifest: BundleManifest,
  changed: readonly string[],
): Promise<void> {
  const own = manifest.files.filter(({ name }) => changed.includes(name));
  if (own.length === 0) return; // It is whole: packages of the node differ.
  for (const file of own) await rm(join(cache, 'contents', keyOf(file)), { force: true });
  await remove(folderOf(cache, manifest));
}

/** A part of a file that is missing. */
interface Piece {
  readonly file: BundleFile;
  readonly at: number;
}

/** The pieces of all files, one after the other. An empty file has one, too. */
function* piecesOf(files: readonly BundleFile[]): Generator<Piece, undefined> {
  for (const file of files)
    for (let at = 0; at === 0 || at < file.size; at += pieceLength) yield { file, at };
}

/** A file that is being received, in the order of its bytes. */
class Incoming {
  readonly file: BundleFile;
  readonly #path: string;
  readonly #fd: number;
  readonly #hash: Hash = createHash('sha256');
  #length = 0;

  constructor(file: BundleFile, path: string) {
    this.file = file;
    this.#path = path;
    this.#fd = openSync(path, 'wx', file.isExecutable ? 0o555 : 0o444);
  }

  get isComplete(): boolean {
    return this.#length >= this.file.size;
  }

  add(bytes: Uint8Array): void {
    if (bytes.length !== Math.min(pieceLength, this.file.size - this.#length))
      throw new Error(`${this.file.name} has changed while it was sent`);
    writeSync(this.#fd, bytes);
    this.#hash.update(bytes);
    this.#length += bytes.length;
  }

  keep(path: string): void {
    if (this.#hash.digest('hex') !== this.file.hash)
      throw new Error(`${this.file.name} has changed while it was sent`);
    closeSync(this.#fd);
    renameSync(this.#path, path);
  }

  discard(): void {
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }
}

/** A short name: paths in it may not be long everywhere. */
function folderOf(cache: string, { digest }: BundleManifest): string {
  return join(cache, 'bundles', digest.slice(0, 16));
}

function keyOf({ hash, isExecutable }: BundleFile): string {
  return isExecutable ? `${hash}-x` : hash;
}

function randomName(): string {
  return `${process.pid}-${randomBytes(6).toString('hex')}`;
}

/** These folders and those that they are in, up to the root of the bundle. */
function parentsOf(folders: ReadonlySet<string>): ReadonlySet<string> {
  const all = new Set<string>(['.']);
  for (const folder of folders) for (let at = folder; at !== '.'; at = dirname(at)) all.add(at);
  return all;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to);
    await chmod(to, statSync(from).mode & 0o777);
  }
}

/** Removes bundles that were not used for long, and contents that no bundle has. */
async function prune({ cache, clock, log }: BundlesOptions): Promise<void> {
  const nowMs = clock.wallNow();
  const isOld = async (path: string): Promise<boolean> => nowMs - (await stat(path)).mtimeMs > keptMs;
  for (const name of await readdir(join(cache, 'bundles'))) {
    const folder = join(cache, 'bundles', name);
    if (!(await isOld(folder).catch(() => false))) continue;
    await remove(folder);
    log(`removed a bundle that was not used for ${keptMs / 86_400_000} days`);
  }
  for (const name of await readdir(join(cache, 'contents'))) {
    const path = join(cache, 'contents', name);
    const { nlink } = await stat(path).catch(() => ({ nlink: 2 }));
    if (nlink === 1 && (await isOld(path).catch(() => false))) await rm(path, { force: true });
  }
}

/** Folders of a bundle cannot be written, so that nothing in them could be removed. */
async function remove(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const folders = entries
    .filter((each) => each.isDirectory())
    .map((each) => join(each.parentPath, each.name));
  for (const each of [folder, ...folders]) await chmod(each, 0o755);
  await rm(folder, { recursive: true, force: true });
}
