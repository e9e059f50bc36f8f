/** What a process or thread has loaded, as it is recorded and sent; what that means for tasks is said elsewhere. */

/** Modules that a process or thread has loaded, and which of them imported which. Small on a wire, and plain JSON. */
export interface LoadedModules {
  /** URLs without query and hash; a package below `node_modules` stands there once, as its directory with a slash behind it. */
  readonly urls: readonly string[];
  /** For each URL the `fileStamp` of its file when it was loaded, or `loadedBefore`; `''` for packages and for what is no file. */
  readonly stamps: readonly string[];
  /** Positions in `urls`: parent, child, parent, child … */
  readonly edges: readonly number[];
}

/** The stamp of a module that had been loaded before its process began to record: which content that was is not known. */
export const loadedBefore = '?';

/** What changes whenever a file does; `''` for a file that is not there. The times are nanoseconds. */
export function fileStamp(
  stats: Readonly<Record<'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs', bigint>> | undefined,
): string {
  if (stats === undefined) return '';
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return `${dev}-${ino}-${size}-${mtimeNs}-${ctimeNs}`;
}

const modulesFolder = '/node_modules/';

/**
 * What a module counts as: its URL without query and hash, or the directory of the package below `node_modules` that it belongs to, with a slash
 * behind it. A package is known by its version, so its files need not be told apart.
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

/** True for what a worker may report as the modules that it has loaded, whatever its author had in mind: a body may forge it. */
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
 * Says that the module of this URL (its `import.meta.url`) imports modules on behalf of others. Else all tasks that import the package would
 * count as made of all modules that it ever loads.
 */
export function importsForOthers(url: string): void {
  loadersForOthers().add(url);
}

/** The URLs of those modules. */
export function loadersForOthers(): Set<string> {
  const world = globalThis as World;
  const known = world[loadersKey] ?? new Set<string>();
  world[loadersKey] = known;
  return known;
}
