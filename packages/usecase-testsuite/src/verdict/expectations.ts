/** Which tests and which of their findings are expected to fail, and which expectations match nothing any more. */
import type { Problem } from '@pexen/core';
import picomatch from 'picomatch';

interface Entry {
  /** As it was written. */
  readonly pattern: string;
  readonly reason: string;
  readonly matches: (path: string) => boolean;
  /** The name of a finding; undefined for an expectation of the whole task. */
  readonly finding: string | undefined;
}

/** Between the pattern of a task and the name of one of its findings, as reports write it. */
const separator = ' › ';

/** The `expectedFailures` of a configuration: pattern over call paths, or that and ` › ` and the name of a finding → reason. */
export class Expectations {
  readonly #ofTasks: readonly Entry[];
  readonly #ofFindings: readonly Entry[];
  readonly #used = new Set<string>();

  constructor(expectedFailures: Readonly<Record<string, string>>) {
    const entries = Object.entries(expectedFailures).map(([pattern, reason]): Entry => {
      const at = pattern.indexOf(separator);
      const finding = at < 0 ? undefined : pattern.slice(at + separator.length);
      return { pattern, reason, matches: pathMatcher(at < 0 ? pattern : pattern.slice(0, at)), finding };
    });
    this.#ofTasks = entries.filter(({ finding }) => finding === undefined);
    this.#ofFindings = entries.filter(({ finding }) => finding !== undefined);
  }

  /** Why the task is expected to fail, or undefined where it is not. The first matching pattern provides it. */
  reasonFor(path: string): string | undefined {
    return this.#noteUse(this.#ofTasks.find(({ matches }) => matches(path)));
  }

  /** Why a finding of the task is expected to fail: a function of its name. Undefined where none of its findings is. */
  ofFindings(path: string): ((finding: string) => string | undefined) | undefined {
    const entries = this.#ofFindings.filter(({ matches }) => matches(path));
    if (entries.length === 0) return undefined;
    return (name) => this.#noteUse(entries.find(({ finding }) => finding === name));
  }

  /** The expectations that have matched nothing so far; most likely a test was renamed. */
  unused(): Problem[] {
    return [...this.#ofTasks, ...this.#ofFindings]
      .filter(({ pattern }) => !this.#used.has(pattern))
      .map(({ pattern, finding }) => ({
        code: 'PEXEN_UNUSED_EXPECTATION',
        message: `no ${finding === undefined ? 'task' : 'finding'} matches "${pattern}" of expectedFailures`,
        hint: 'Remove it, or fix the pattern.',
      }));
  }

  #noteUse(entry: Entry | undefined): string | undefined {
    if (entry !== undefined) this.#used.add(entry.pattern);
    return entry?.reason;
  }
}

/** A pattern over call paths: a whole path, the beginning of one up to a `/`, or a glob. */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const trimmed = pattern.replace(/\/+$/, '');
  if (trimmed === '') return () => false;
  const isGlob = picomatch(trimmed, { dot: true });
  return (path) => path === trimmed || path.startsWith(`${trimmed}/`) || isGlob(path);
}
