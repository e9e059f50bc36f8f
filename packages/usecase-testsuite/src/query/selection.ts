/** Selects the tasks of a run by queries, tags and texts. The query language is documented in docs/queries.md. */
import { didYouMean, PexenError, type Problem, refuse } from '@pexen/core';
import { parseQuery, type Query, type QueryTerm } from './parse.ts';
import { type LastResult, type QueriedTask, TaskSelector } from './select-tasks.ts';

/** The selection of a user. A task must match one of the queries, one of the tags and one of the texts, if there are any of these. */
export interface Selection {
  /** In the query language; a query that is exactly a path or a file selects that. */
  readonly queries?: readonly string[];
  /** `slow` stands for the query `tag:slow`. */
  readonly tags?: readonly string[];
  /** `ping` stands for the query `text:ping`. */
  readonly texts?: readonly string[];
}

/** A task that can be selected: `file` (an absolute path) and `line` are where it was made. */
export type Selectable = Omit<QueriedTask, 'name'>;

/** What queries refer to. */
export interface SelectionPlace {
  /** Absolute paths: of the current directory, and of the root of the suite. */
  readonly directory: string;
  readonly root: string;
  /** By call path, for `status:` and `duration:`. */
  readonly lastResults: ReadonlyMap<string, LastResult>;
}

/** True if the selection restricts the tasks. */
export function isNarrowing({ queries = [], tags = [], texts = [] }: Selection): boolean {
  return queries.length + tags.length + texts.length > 0;
}

/**
 * The tasks that match the selection; the tasks that they require are added later. Warns of negated terms that match no task.
 * @throws PexenError PEXEN_BAD_QUERY; PEXEN_NOTHING_SELECTED with a problem for each term that matches no task.
 */
export function pick<T extends Selectable>(
  tasks: readonly T[],
  { queries = [], tags = [], texts = [] }: Selection,
  place: SelectionPlace,
  onWarning: (warning: Problem) => void = () => {},
): T[] {
  if (tasks.length === 0) refuse([thereAreNone]);
  const selector = new TaskSelector({
    ...place,
    tasks: tasks.map((task) => ({ ...task, name: nameOf(task.path) })),
  });
  const problems: Problem[] = [];
  const onUnmet = (term: QueryTerm, negated: boolean): void => {
    const problem = unmet(term, tasks);
    if (problem === undefined || problems.some(({ message }) => message === problem.message)) return;
    if (negated) onWarning({ ...problem, code: 'PEXEN_UNUSED_QUERY' });
    else problems.push(problem);
  };
  const union = (asked: readonly Query[]): Set<number> =>
    new Set(asked.flatMap((query) => [...selector.select(query, onUnmet)]));
  const sets = [
    ...(queries.length > 0 ? [selectedBy(queries, selector, onUnmet, problems)] : []),
    ...(tags.length > 0 ? [union(tags.map((tag) => ({ kind: 'tag', tag })))] : []),
    ...(texts.length > 0 ? [union(texts.map((text) => ({ kind: 'text', text })))] : []),
  ];
  refuse(problems);
  const picked = tasks.filter((_, number) => sets.every((set) => set.has(number)));
  if (picked.length === 0) refuse([noTaskMeetsAll({ queries, tags, texts }, place.lastResults.size)]);
  return picked;
}

/**
 * The numbers of the tasks that one of the queries selects, by what tasks are, and not by what their last run was. Files are relative to the root.
 * @throws PexenError PEXEN_BAD_QUERY
 */
export function tasksOf(queries: readonly string[], tasks: readonly Selectable[], root: string): Set<number> {
  const named = tasks.map((task) => ({ ...task, name: nameOf(task.path) }));
  const selector = new TaskSelector({ directory: root, root, lastResults: new Map(), tasks: named });
  const problems: Problem[] = [];
  const selected = selectedBy(queries, selector, () => {}, problems);
  refuse(problems);
  return selected;
}

/** A text that is exactly a path or a file selects that, even if it has another meaning as a query. */
function selectedBy(
  texts: readonly string[],
  selector: TaskSelector,
  onUnmet: (term: QueryTerm, negated: boolean) => void,
  problems: Problem[],
): Set<number> {
  const selected = new Set<number>();
  for (const text of new Set(texts)) {
    const exact = selector.exactly(text.trim());
    const query = exact.size > 0 ? undefined : parsed(text, problems);
    const tasks = query === undefined ? exact : selector.select(query, onUnmet);
    for (const task of tasks) selected.add(task);
  }
  return selected;
}

function parsed(text: string, problems: Problem[]): Query | undefined {
  try {
    return parseQuery(text);
  } catch (error) {
    if (!(error instanceof PexenError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const thereAreNone: Problem = {
  code: 'PEXEN_NOTHING_SELECTED',
  message: 'there are no tasks',
  hint: 'Add a factory to the entry from of the configuration.',
};

const seeAll = 'List all tasks with: pexen list';

/** The problem of a term that matches no task; undefined where the match may differ from run to run. */
function unmet(term: QueryTerm, tasks: readonly Selectable[]): Problem | undefined {
  const code = 'PEXEN_NOTHING_SELECTED';
  switch (term.kind) {
    case 'word':
      return {
        code,
        message: `no task matches "${term.text}"`,
        hint: hintFor(term.text, tasks),
      };
    case 'text':
      return { code, message: `no call path contains "${term.text}"`, hint: seeAll };
    case 'tag':
      return noSuchTag(term.tag, tasks);
    case 'status':
    case 'duration':
      return undefined;
    default:
      return term satisfies never;
  }
}

function hintFor(text: string, tasks: readonly Selectable[]): string {
  if (text === 'OR' || text === 'AND')
    return `Write ${text.toLowerCase()}, or put the name of a task in quotes.`;
  return nearestTask(text, tasks) ?? seeAll;
}

/** A suggestion by the names of tasks, else by their paths. */
function nearestTask(text: string, tasks: readonly Selectable[]): string | undefined {
  const byName = new Map<string, string>();
  for (const { path } of tasks) if (!byName.has(nameOf(path))) byName.set(nameOf(path), path);
  const [, name] = /^Did you mean "(.*)"\?$/s.exec(didYouMean(text, byName.keys()) ?? '') ?? [];
  if (name !== undefined) return `Did you mean "${byName.get(name)}"?`;
  return didYouMean(
    text,
    tasks.map(({ path }) => path),
  );
}

function noSuchTag(tag: string, tasks: readonly Selectable[]): Problem {
  const known = new Set(tasks.flatMap((task) => task.tags));
  const all = known.size === 0 ? 'No task has a tag.' : `The tags are: ${[...known].sort().join(', ')}.`;
  return {
    code: 'PEXEN_NOTHING_SELECTED',
    message: `no task has the tag "${tag}"`,
    hint: didYouMean(tag, known) ?? all,
  };
}

function noTaskMeetsAll({ queries = [], tags = [], texts = [] }: Selection, knownResults: number): Problem {
  const asked = [
    ...(queries.length > 0 ? [queries.map((query) => `"${query}"`).join(' or ')] : []),
    ...(tags.length > 0 ? [`the tag ${tags.join(' or ')}`] : []),
    ...(texts.length > 0 ? [`the text ${texts.map((text) => `"${text}"`).join(' or ')}`] : []),
  ];
  const isOfLastRun = queries.some((query) => /\b(?:status|duration):/.test(query));
  const noRun = 'No results of an earlier run are known: status: and duration: ask about the last run.';
  return {
    code: 'PEXEN_NOTHING_SELECTED',
    message: `no task meets ${asked.join(' and ')}`,
    hint: isOfLastRun && knownResults === 0 ? noRun : seeAll,
  };
}
