/** How names of files and exports are ordered and matched. Knows nothing of what they name. */
import picomatch from 'picomatch';

/** Compares by code point. Negative where `a` comes first. */
export function compareCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const difference = rankOf(a.charCodeAt(at)) - rankOf(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Compares part by part; a parent comes before its children. */
export function comparePaths(a: readonly string[], b: readonly string[]): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const difference = compareCodePoints(a[at] ?? '', b[at] ?? '');
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Surrogates encode the highest code points, although their units are not the highest. */
function rankOf(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Several globs as one matcher that counts what each of them matched. */
export interface Patterns {
  matches(path: string): boolean;
  /** The globs that have matched nothing so far. */
  unused(): readonly string[];
}

/** Globs over paths with `/` between their parts, or over names. */
export function patterns(globs: readonly string[]): Patterns {
  const counted = globs.map((glob) => ({ glob, test: picomatch(glob, { dot: true }), hits: 0 }));
  return {
    matches(path) {
      let matched = false;
      for (const each of counted) {
        if (!each.test(path)) continue;
        each.hits++;
        matched = true;
      }
      return matched;
    },
    unused: () => counted.filter(({ hits }) => hits === 0).map(({ glob }) => glob),
  };
}
