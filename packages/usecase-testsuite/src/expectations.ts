/** Which tests are expected to fail, and which expectations match no test any more. */
import type { Problem } from '@pexen/core';
import picomatch from 'picomatch';

/** The `expectedFailures` of a configuration: pattern over call paths → reason. */
export class Expectations {
  readonly #entries: readonly {
    readonly pattern: string;
    readonly reason: string;
    readonly matches: (path: string) => boolean;
  }[];
  readonly #used = new Set<string>();

  constructor(expectedFailures: Readonly<Record<string, string>>) {
    this.#entries = Object.entries(expectedFailures).map(([pattern, reason]) => {
      return { pattern, reason, matches: pathMatcher(pattern) };
    });
  }

  /** Why the task is expected to fail, or undefined where it is not. The first matching pattern provides it. */
  reasonFor(path: string): string | undefined {
    const entry = this.#entries.find(({ matches }) => matches(path));
    if (entry !== undefined) this.#used.add(entry.pattern);
    return entry?.reason;
  }

  /** The expectations that have matched no task so far; most likely a test was renamed. */
  unused(): Problem[] {
    return this.#entries
      .filter(({ pattern }) => !this.#used.has(pattern))
      .map(({ pattern }) => ({
        code: 'PEXEN_UNUSED_EXPECTATION',
        message: `no task matches "${pattern}" of expectedFailures`,
        hint: 'Remove it, or fix the pattern.',
      }));
  }
}

/** A pattern over call paths: a whole path, the beginning of one up to a `/`, or a glob. */
function pathMatcher(pattern: string): (path: string) => boolean {
  const trimmed = pattern.replace(/\/+$/, '');
  if (trimmed === '') return () => false;
  const isGlob = picomatch(trimmed, { dot: true });
  return (path) => path === trimmed || path.startsWith(`${trimmed}/`) || isGlob(path);
}
