/** Which tasks somebody asked for: patterns over call paths, and tags. */
import { didYouMean, type Problem, refuse } from '@pexen/core';
import picomatch from 'picomatch';

/** What is asked for. Tasks must match one of the patterns (if there are any) and have one of the tags (if there are any). */
export interface Selection {
  readonly patterns?: readonly string[];
  readonly tags?: readonly string[];
}

/** What selection looks at. */
export interface Selectable {
  readonly path: string;
  readonly tags: readonly string[];
}

/** A pattern over call paths: a glob (`net/**`), a whole path, or the beginning of one, up to a `/`; `.` is all of them. */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const trimmed = pattern.replace(/\/+$/, '');
  if (trimmed === '') return () => false;
  if (trimmed === '.') return () => true;
  const isGlob = picomatch(trimmed, { dot: true });
  return (path) => path === trimmed || path.startsWith(`${trimmed}/`) || isGlob(path);
}

/** True if the selection asks for something in particular. */
export function isNarrowing({ patterns = [], tags = [] }: Selection): boolean {
  return patterns.length + tags.length > 0;
}

/**
 * The tasks that were asked for themselves; what they require is pulled in later.
 * @throws PexenError PEXEN_NOTHING_SELECTED with a problem for each pattern and tag that nothing has.
 */
export function pick<T extends Selectable>(
  tasks: readonly T[],
  { patterns = [], tags = [] }: Selection,
): T[] {
  const matchers = [...new Set(patterns)].map((pattern) => ({ pattern, matches: pathMatcher(pattern) }));
  const unmatched = matchers.filter(({ matches }) => !tasks.some(({ path }) => matches(path)));
  const unknownTags = [...new Set(tags)].filter((tag) => !tasks.some((task) => task.tags.includes(tag)));
  refuse([
    ...unmatched.map(({ pattern }) => noSuchPath(pattern, tasks)),
    ...unknownTags.map((tag) => noSuchTag(tag, tasks)),
  ]);
  const picked = tasks.filter(
    (task) =>
      (matchers.length === 0 || matchers.some(({ matches }) => matches(task.path))) &&
      (tags.length === 0 || tags.some((tag) => task.tags.includes(tag))),
  );
  if (picked.length === 0) refuse([noTaskHasBoth(patterns, tags)]);
  return picked;
}

function noSuchPath(pattern: string, tasks: readonly Selectable[]): Problem {
  return {
    code: 'PEXEN_NOTHING_SELECTED',
    message: `no task matches "${pattern}"`,
    hint:
      didYouMean(
        pattern,
        tasks.map(({ path }) => path),
      ) ?? 'See what there is with: pexen list',
  };
}

function noSuchTag(tag: string, tasks: readonly Selectable[]): Problem {
  const known = new Set(tasks.flatMap((task) => task.tags));
  const all =
    known.size === 0 ? 'No task has a tag.' : `The tags there are: ${[...known].sort().join(', ')}.`;
  return {
    code: 'PEXEN_NOTHING_SELECTED',
    message: `no task has the tag "${tag}"`,
    hint: didYouMean(tag, known) ?? all,
  };
}

function noTaskHasBoth(patterns: readonly string[], tags: readonly string[]): Problem {
  const code = 'PEXEN_NOTHING_SELECTED';
  if (patterns.length + tags.length === 0)
    return {
      code,
      message: 'there are no tasks',
      hint: 'Name a factory in the entry from of the configuration.',
    };
  const message = `no task both matches ${patterns.join(' or ')} and has the tag ${tags.join(' or ')}`;
  return { code, message, hint: 'See what there is with: pexen list' };
}
