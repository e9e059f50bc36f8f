/**
 * Which files each module consists of, across the runs of a watched suite. A run records only what it loads itself: this process loads the
 * modules of all tests, but what bodies import is known only of the tests that ran. Therefore the imports of modules are remembered, and they
 * are valid as long as the content of the module is the same. Knows no tasks.
 */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadedModules } from '@pexen/core';
import type { Files } from '@pexen/store';

/** By URL: the content of a module when it was loaded, and the URLs that it imported. Plain JSON. */
export type RememberedModules = Readonly<
  Record<string, { readonly content: string; readonly imports: readonly string[] }>
>;

/** The contents of modules during one run: each is read once, so that all tasks of the run see the same state. */
export class Contents {
  readonly #files: Pick<Files, 'stamp' | 'digest'>;
  readonly #known = new Map<string, string>();
  readonly #manifests = new Map<string, string | undefined>();

  constructor(files: Pick<Files, 'stamp' | 'digest'>) {
    this.#files = files;
  }

  /**
   * A text that is the same for the same content. A file counts together with the nearest `package.json`, which determines its module format;
   * a package, whose URL ends with `/`, counts by its `package.json`. `loadedAs` is the stamp of the file when it was loaded: a content that
   * may be another one than the loaded one equals no other content.
   */
  of(url: string, loadedAs = ''): string {
    const known = this.#known.get(url);
    if (known !== undefined) return known;
    const content = this.#read(url, loadedAs);
    this.#known.set(url, content);
    return content;
  }

  #read(url: string, loadedAs: string): string {
    if (!url.startsWith('file:')) return url;
    const path = fileURLToPath(url);
    if (url.endsWith('/')) return this.#digest(join(path, 'package.json'));
    if (/^\d/.test(loadedAs) && this.#files.stamp(path) !== loadedAs) return `changed since ${loadedAs}`;
    const manifest = this.#nearestManifest(dirname(path));
    return manifest === undefined ? this.#digest(path) : `${this.#digest(path)} ${this.#digest(manifest)}`;
  }

  #digest(path: string): string {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    let digest = 'absent';
    try {
      digest = this.#files.digest(path).slice(0, 20);
    } catch {
      // A file that cannot be read has changed once it can be read.
    }
    this.#known.set(path, digest);
    return digest;
  }

  #nearestManifest(directory: string): string | undefined {
    if (this.#manifests.has(directory)) return this.#manifests.get(directory);
    const here = join(directory, 'package.json');
    const above = dirname(directory);
    const isHere = this.#files.stamp(here) !== '';
    const found = isHere ? here : above === directory ? undefined : this.#nearestManifest(above);
    this.#manifests.set(directory, found);
    return found;
  }
}

/** The import graph of one run, with what earlier runs have found out about modules that have not changed since. */
export class SourceGraph {
  readonly #contents: Contents;
  readonly #imports = new Map<string, Set<string>>();
  readonly #closures = new Map<string, readonly string[]>();
  readonly #digests = new Map<string, string>();

  constructor(contents: Contents, remembered: RememberedModules = {}) {
    this.#contents = contents;
    for (const [url, { content, imports }] of Object.entries(remembered))
      if (contents.of(url) === content) this.#imports.set(url, new Set(imports));
  }

  /** Adds what a process or thread has loaded. */
  add({ urls, stamps, edges }: LoadedModules): void {
    const nodes = urls.map((url, at) => {
      this.#contents.of(url, stamps[at]);
      const known = this.#imports.get(url) ?? new Set();
      this.#imports.set(url, known);
      return known;
    });
    this.#closures.clear();
    this.#digests.clear();
    for (let at = 0; at + 1 < edges.length; at += 2)
      nodes[edges[at] as number]?.add(urls[edges[at + 1] as number] as string);
  }

  /** The module and everything that it imports, directly or not, as far as it is known; sorted. */
  closureOf(url: string): readonly string[] {
    const known = this.#closures.get(url);
    if (known !== undefined) return known;
    const reached = new Set([url]);
    for (const next of reached) for (const imported of this.#imports.get(next) ?? []) reached.add(imported);
    const closure = [...reached].sort();
    this.#closures.set(url, closure);
    return closure;
  }

  /** The digest of the contents of all these files; `''` without a module. */
  digestOfClosure(url: string | undefined): string {
    if (url === undefined) return '';
    const known = this.#digests.get(url);
    if (known !== undefined) return known;
    const hash = createHash('sha256');
    for (const each of this.closureOf(url)) hash.update(`${each}\n${this.#contents.of(each)}\n`);
    const digest = hash.digest('hex').slice(0, 20);
    this.#digests.set(url, digest);
    return digest;
  }

  /** What the next run needs to know. */
  remembered(): RememberedModules {
    const entries = [...this.#imports].map(
      ([url, imports]) => [url, { content: this.#contents.of(url), imports: [...imports] }] as const,
    );
    return Object.fromEntries(entries);
  }
}
