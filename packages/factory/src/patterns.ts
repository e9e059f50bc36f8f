/** Globs that count what they matched, so that one that never matches can be told. Knows nothing of files. */
import picomatch from 'picomatch';

/** Several globs as one question. */
export interface Patterns {
  matches(path: string): boolean;
  /** Those that matched nothing so far. */
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
