/**
 * The files that a module consists of: the files of the project that it imports, directly or not, by content, and the packages that it imports, by
 * version; like the dependency file that a compiler writes beside an object. A file that may differ from the loaded one makes the set unknown.
 */
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Digest, modulePlace, sameDigest, unknownDigest } from '@pexen/core';
import type { Files } from './files.ts';
import { hashOf } from './hash.ts';
import type { GraphNode, ModuleGraph } from './module-graph.ts';

/** A file or package, and the digest of its content. */
export type FileEntry = readonly [name: string, digest: Digest];

/** A list of files that can be hashed again in a later run. Sorted; the names of files are relative to the root of the project, with `/`. */
export interface FileSet {
  readonly files: readonly FileEntry[];
  /** `name@version`, the digest of its `package.json`, and the path of that file. */
  readonly packages: readonly (readonly [name: string, digest: Digest, path: string])[];
}

/** What a file set is computed from. */
export interface FileSetOptions {
  /** Absolute path of the project's directory. */
  readonly root: string;
  readonly files: Files;
  readonly graph: ModuleGraph;
  /** URLs of loaders for modules that Node cannot load by itself; they are part of every set. */
  readonly loaders?: readonly string[];
}

interface Known {
  readonly version: number;
  readonly set: FileSet | undefined;
  readonly digest: Digest;
}

/** File sets of modules by URL; each is computed again only after the graph has grown. */
export class FileSets {
  readonly #options: FileSetOptions;
  readonly #known = new Map<string, Known>();
  readonly #hashes: FileHashes;
  readonly #packages = new Map<string, FileSet['packages'][number] | undefined>();
  /** The nearest package.json of a directory; undefined where there is none. */
  readonly #nearest = new Map<string, string | undefined>();

  constructor(options: FileSetOptions) {
    this.#options = options;
    this.#hashes = new FileHashes(options.files);
  }

  /** The set of the module; undefined where it is unknown, because the module is not recorded or a file has changed since it was loaded. */
  of(url: string): FileSet | undefined {
    return this.#at(url).set;
  }

  /** The digest of the set, or `unknown`. */
  digest(url: string): Digest {
    return this.#at(url).digest;
  }

  /** The current digest of a recorded set: hashes the listed files again, without importing them. */
  digestNow({ files, packages }: FileSet): Digest {
    const { root } = this.#options;
    const file = ([name]: FileEntry): FileEntry => [name, this.#hashes.now(join(root, name))];
    const found = packages.map(([, , path]) => readPackage(path, this.#options));
    if (found.some((each) => each === undefined)) return unknownDigest;
    return digestOf({ files: files.map(file), packages: found as FileSet['packages'] });
  }

  /** The files and packages of a recorded set that are not as they were recorded. */
  changedIn({ files, packages }: FileSet): readonly string[] {
    const { root } = this.#options;
    const changedFiles = files.filter(
      ([name, digest]) => !sameDigest(digest, this.#hashes.now(join(root, name))),
    );
    const changedPackages = packages.filter(([name, digest, path]) => {
      const found = readPackage(path, this.#options);
      return found === undefined || found[0] !== name || !sameDigest(found[1], digest);
    });
    return [...changedFiles, ...changedPackages].map(([name]) => name);
  }

  /** The digest of a file as it is now; `unknown` where it cannot be read or is being changed. */
  fileDigest(path: string): Digest {
    return this.#hashes.now(path);
  }

  #at(url: string): Known {
    const { version } = this.#options.graph;
    const known = this.#known.get(url);
    if (known?.version === version) return known;
    const set = this.#compute(url);
    const now = { version, set, digest: set === undefined ? unknownDigest : digestOf(set) };
    this.#known.set(url, now);
    return now;
  }

  #compute(url: string): FileSet | undefined {
    const { graph, loaders = [] } = this.#options;
    const own = graph.closureOf(url);
    if (own === undefined) return undefined;
    const closures = [own, ...loaders.map((loader) => this.#closureOfLoader(loader))];
    const nodes = new Map(closures.flatMap((closure) => closure.map((node) => [node.url, node])));
    const files = new Map<string, Digest>();
    const packages = new Map<string, FileSet['packages'][number]>();
    for (const node of nodes.values()) {
      if (!node.url.startsWith('file:')) continue;
      if (node.url.endsWith('/')) {
        const found = this.#packageAt(node.url);
        if (found === undefined) return undefined;
        packages.set(found[2], found);
      } else if (!this.#addFile(node, files)) return undefined;
    }
    return { files: [...files].sort(byText), packages: [...packages.values()].sort(byText) };
  }

  /** A loader that was loaded before recording started counts by its own file, as it is now. */
  #closureOfLoader(loader: string): readonly GraphNode[] {
    const { graph, files } = this.#options;
    const url = modulePlace(loader);
    const known = graph.closureOf(url);
    if (known !== undefined) return known;
    return [{ url, stamps: new Set(url.endsWith('/') ? [] : [files.stamp(fileURLToPath(url))]) }];
  }

  /** Adds the file, and the `package.json` that determines its module format. Returns false where its content is not known. */
  #addFile({ url, stamps }: GraphNode, files: Map<string, Digest>): boolean {
    const path = fileURLToPath(url);
    const digest = this.#hashes.loaded(path, stamps);
    if (digest === unknownDigest) return false;
    files.set(this.#nameOf(path), digest);
    const manifest = this.#nearestManifest(dirname(path));
    if (manifest !== undefined) files.set(this.#nameOf(manifest), this.#hashes.now(manifest));
    return true;
  }

  #nearestManifest(directory: string): string | undefined {
    if (this.#nearest.has(directory)) return this.#nearest.get(directory);
    const here = join(directory, 'package.json');
    const above = dirname(directory);
    const isHere = this.#options.files.stamp(here) !== '';
    const found = isHere ? here : above === directory ? undefined : this.#nearestManifest(above);
    this.#nearest.set(directory, found);
    return found;
  }

  #packageAt(url: string): FileSet['packages'][number] | undefined {
    if (!this.#packages.has(url)) {
      const path = this.#nameOf(join(fileURLToPath(url), 'package.json'));
      this.#packages.set(url, readPackage(path, this.#options));
    }
    return this.#packages.get(url);
  }

  #nameOf(path: string): string {
    return nameIn(this.#options.root, path);
  }
}

/** A path as it is written in a set: relative to the root, with `/`. */
export function nameIn(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}

/** Digests of files, computed once for each state of a file. */
class FileHashes {
  readonly #files: Files;
  readonly #known = new Map<string, { readonly stamp: string; readonly digest: Digest }>();

  constructor(files: Files) {
    this.#files = files;
  }

  /** The digest of the content that was loaded in this state; unknown where there were several states, or where the file has changed since. */
  loaded(path: string, stamps: ReadonlySet<string>): Digest {
    const [stamp] = stamps;
    if (stamp === undefined || stamps.size > 1) return unknownDigest;
    const known = this.#known.get(path);
    if (known?.stamp === stamp) return known.digest;
    return this.#files.stamp(path) === stamp ? this.#hash(path, stamp) : unknownDigest;
  }

  now(path: string): Digest {
    const stamp = this.#files.stamp(path);
    const known = this.#known.get(path);
    if (stamp === '') return unknownDigest;
    return known?.stamp === stamp ? known.digest : this.#hash(path, stamp);
  }

  #hash(path: string, stamp: string): Digest {
    try {
      const digest = this.#files.digest(path);
      if (this.#files.stamp(path) !== stamp) return unknownDigest;
      this.#known.set(path, { stamp, digest });
      return digest;
    } catch {
      return unknownDigest;
    }
  }
}

function readPackage(path: string, { files, root }: FileSetOptions): FileSet['packages'][number] | undefined {
  try {
    const text = files.text(join(root, path));
    const { name, version } = JSON.parse(text) as { readonly name?: unknown; readonly version?: unknown };
    return [`${String(name)}@${String(version)}`, hashOf(text), path];
  } catch {
    return undefined;
  }
}

function digestOf({ files, packages }: FileSet): Digest {
  if (files.some(([, digest]) => digest === unknownDigest)) return unknownDigest;
  return hashOf(JSON.stringify([files, packages.map(([name, digest]) => [name, digest]).sort(byText)]));
}

/** Sorts by the texts, name first, in code unit order. */
function byText(one: readonly string[], other: readonly string[]): number {
  const [first, second] = [one.join('\n'), other.join('\n')];
  return first < second ? -1 : first > second ? 1 : 0;
}
