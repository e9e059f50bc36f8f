/** What a process or thread has loaded, as it is recorded and sent. Does not know what that means for tasks. */

/** Modules that a process or thread has loaded, and which of them imported which. Compact, and plain JSON. */
export interface LoadedModules {
  /** URLs without query and hash; a package below `node_modules` has one entry: its directory with a trailing slash. */
  readonly urls: readonly string[];
  /** For each URL the `fileStamp` of its file when it was loaded, or `loadedBefore`; `''` for packages and for URLs that are not files. */
  readonly stamps: readonly string[];
  /** Positions in `urls`: parent, child, parent, child … */
  readonly edges: readonly number[];
}

/** The stamp of a module that was loaded before its process started to record: the content that was loaded is not known. */
export const loadedBefore = '?';

/** A text that changes whenever the file changes; `''` for a file that does not exist. The times are nanoseconds. */
export function fileStamp(
  stats: Readonly<Record<'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs', bigint>> | undefined,
): string {
  if (stats === undefined) return '';
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return `${dev}-${ino}-${size}-${mtimeNs}-${ctimeNs}`;
}

const modulesFolder = '/node_modules/';

/**
 * The place that a module is recorded under: its URL without query and hash, or the directory, with a trailing slash, of the package below
 * `node_modules` that it belongs to. A package is identified by its version, so its files need no entries of their own.
 */
export function modulePlace(url: string): string {
  if (!url.startsWith('file:')) return url;
  const end = url.search(/[?#]/);
  const plain = end === -1 ? url : url.slice(0, end);
  const at = plain.lastIndexOf(modulesFolder);
  if (at === -1) return plain;
  const inside = at + modulesFolder.length;
  const [name = ''] = /^(?:@[^/]*\/)?[^/]*/.exec(plain.slice(inside)) ?? [];
  return `${plain.slice(0, inside)}${name}/`;
}

/** Validates a worker's report of the modules that it has loaded, since a body may forge it. */
export function isLoadedModules(value: unknown): value is LoadedModules {
  if (typeof value !== 'object' || value === null) return false;
  const { urls, stamps, edges } = value as Partial<Record<keyof LoadedModules, unknown>>;
  if (!isTexts(urls) || !isTexts(stamps) || urls.length !== stamps.length) return false;
  const isPosition = (at: unknown): boolean =>
    Number.isInteger(at) && (at as number) >= 0 && (at as number) < urls.length;
  return Array.isArray(edges) && edges.length % 2 === 0 && edges.every(isPosition);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

const loadersKey: unique symbol = Symbol.for('pexen.loaders') as never;
type World = { [loadersKey]?: Set<string> | undefined };

/**
 * Declares that the module of this URL (its `import.meta.url`) imports modules on behalf of others. Otherwise every task that imports the
 * package would count as made of all modules that it ever loads.
 */
export function importsForOthers(url: string): void {
  loadersForOthers().add(url);
}

/** The URLs of the modules that import on behalf of others. */
export function loadersForOthers(): Set<string> {
  const world = globalThis as World;
  const known = world[loadersKey] ?? new Set<string>();
  world[loadersKey] = known;
  return known;
}
