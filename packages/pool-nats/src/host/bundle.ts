/**
 * The files of a suite, to be brought to nodes: those that git knows and those that it would add, or those that patterns name. Their content is read
 * when a node asks for it.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, createReadStream, globSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
import { misuse, type PexenError } from '@pexen/core';
import { type BundleFile, type BundleManifest, type PieceRequest, pieceLength } from '../protocol/bundle.ts';

/** What a bundle is made of. */
export interface BundleOptions {
  /** Patterns, relative to the root of the suite. Default: the files that git tracks, and those that it neither tracks nor ignores. */
  readonly files?: readonly string[];
  /** A command for `sh` that each node runs once in the unpacked files, such as `npm ci`. Default: the node's own `node_modules` are used. */
  readonly install?: string;
}

/** A bundle may have so many bytes. */
const mostBytes = 1024 ** 3;

/** Never part of it. */
const leftOut: ReadonlySet<string> = new Set(['node_modules', '.git', '.pexen']);

export class Bundle {
  readonly manifest: BundleManifest;
  /** Absolute paths, by the hashes of the files. */
  readonly #paths: ReadonlyMap<string, string>;

  private constructor(manifest: BundleManifest, paths: ReadonlyMap<string, string>) {
    this.manifest = manifest;
    this.#paths = paths;
  }

  /** @throws PexenError PEXEN_BUNDLE for a bundle that has no file, or is too large */
  static async of(root: string, { files: patterns, install }: BundleOptions): Promise<Bundle> {
    const names = await (patterns === undefined ? namesInGit(root) : namesBy(patterns, root));
    const files: BundleFile[] = [];
    const paths = new Map<string, string>();
    let size = 0;
    for (const name of names.toSorted()) {
      const path = join(root, name);
      const file = await fileAt(name, path);
      if (file === undefined) continue;
      size += file.size;
      files.push(file);
      paths.set(file.hash, path);
    }
    if (files.length === 0) throw badBundle(`there is no file to be brought along in ${root}`);
    if (size > mostBytes) throw tooLarge(files, size);
    const what = { root, files, ...(install !== undefined && { install }) };
    const digest = createHash('sha256').update(JSON.stringify(what)).digest('hex');
    return new Bundle({ digest, ...what }, paths);
  }

  /** The content from there on, at most a piece of it. Undefined for a file that is not part of the bundle, or cannot be read any more. */
  async piece({ hash, at }: PieceRequest): Promise<Uint8Array | undefined> {
    const path = this.#paths.get(hash);
    if (path === undefined) return undefined;
    const file = await open(path).catch(() => undefined);
    try {
      const bytes = Buffer.alloc(pieceLength);
      const read = await file?.read(bytes, 0, pieceLength, at);
      return read && bytes.subarray(0, read.bytesRead);
    } catch {
      return undefined;
    } finally {
      await file?.close();
    }
  }
}

/** Undefined for what is not a file, or is gone by now. */
async function fileAt(name: string, path: string): Promise<BundleFile | undefined> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  const isExecutable = (stats.mode & constants.S_IXUSR) !== 0;
  return { name, size: stats.size, hash: hash.digest('hex'), isExecutable };
}

async function namesInGit(root: string): Promise<readonly string[]> {
  const words = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  try {
    const options = { cwd: root, maxBuffer: 64 * 1024 ** 2 };
    const { stdout } = await promisify(execFile)('git', words, options);
    return [...new Set(stdout.split('\0').filter((name) => name !== ''))];
  } catch {
    return namesBy(['**'], root); // There is no git, or no repository.
  }
}

function namesBy(patterns: readonly string[], root: string): readonly string[] {
  const exclude = (name: string): boolean => leftOut.has(name.slice(name.lastIndexOf(sep) + 1));
  return globSync([...patterns], { cwd: root, exclude }).map((name) => name.split(sep).join('/'));
}

function tooLarge(files: readonly BundleFile[], size: number): PexenError {
  const largest = files
    .toSorted((one, other) => other.size - one.size)
    .slice(0, 3)
    .map((file) => `${file.name} (${mebibytes(file.size)})`);
  return badBundle(
    `the bundle has ${mebibytes(size)}, more than ${mebibytes(mostBytes)}; its largest files are ${largest.join(', ')}`,
  );
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}

function badBundle(message: string): PexenError {
  return misuse(
    'PEXEN_BUNDLE',
    message,
    "Name what the tests need: bundle: { files: ['tests/**', 'src/**'] }.",
  );
}
