/** Which tests a query means, in the query language of the command; conditions ask about this run. Knows no browser. */
import { isPexenError } from '@pexen/core';
import {
  type LastResult,
  parseQuery,
  type Query,
  type QueryTerm,
  TaskSelector,
} from '@pexen/usecase-testsuite/query';
import type { PageTask } from './page-run.ts';

/** The tests that a query selects, or what is wrong with it. */
export type Found =
  | { readonly kind: 'all' }
  | { readonly kind: 'some'; readonly tasks: readonly PageTask[]; readonly note?: string }
  | { readonly kind: 'mistake'; readonly message: string };

/** The tests that the query selects. A word that names nothing is looked for in the call paths. */
export function search(tasks: readonly PageTask[], root: string, text: string): Found {
  if (text.trim() === '') return { kind: 'all' };
  try {
    return select(tasks, root, parseQuery(text));
  } catch (error) {
    if (!isPexenError(error)) throw error;
    const [problem] = error.problems;
    const message = (problem?.message ?? error.message).replace(/^in the query .*?, column/, 'column');
    return { kind: 'mistake', message: [message, problem?.hint].filter(Boolean).join('. ') };
  }
}

/** What may follow a beginning of a query: whole conditions, tags, and the next part of call paths. At most eight. */
export function completions(tasks: readonly PageTask[], text: string): readonly string[] {
  const [, before = '', word = ''] = /^(.*?)([^\s()!]*)$/s.exec(text) ?? [];
  if (word === '') return [];
  const tags = tasks.flatMap(({ task }) => task.facts.tags ?? []).map((tag) => `tag:${quoted(tag)}`);
  const paths = tasks
    .filter(({ path }) => path.startsWith(word))
    .map(({ path }) => nextPart(path, word.length));
  const all = new Set([...statuses, 'duration:>1s', ...tags, ...paths]);
  return [...all]
    .filter((each) => each.startsWith(word) && each !== word)
    .slice(0, 8)
    .map((each) => before + each);
}

const statuses: readonly string[] = [
  ...['failed', 'passed', 'skipped', 'not-run', 'flaky', 'warn', 'timeout', 'crashed', 'error'],
].map((each) => `status:${each}`);

function quoted(tag: string): string {
  return /[\s()"']/.test(tag) ? JSON.stringify(tag) : tag;
}

function nextPart(path: string, from: number): string {
  const end = path.indexOf('/', from);
  return quoted(end === -1 ? path : path.slice(0, end));
}

function select(tasks: readonly PageTask[], root: string, query: Query): Found {
  const selector = selectorOf(tasks, root);
  const unmet: string[] = [];
  let numbers = selector.select(query, (term) => {
    if (term.kind === 'word') unmet.push(term.text);
  });
  const names = unmet.map((each) => `"${each}"`).join(', ');
  if (unmet.length > 0) numbers = selector.select(relaxed(query, new Set(unmet)));
  return {
    kind: 'some',
    tasks: tasks.filter((_, number) => numbers.has(number)),
    ...(unmet.length > 0 && { note: `no test is called ${names}: looked for in their paths` }),
  };
}

/** The query with these words read as parts of call paths. */
function relaxed(query: Query, words: ReadonlySet<string>): Query {
  if (query.kind === 'and' || query.kind === 'or')
    return { ...query, parts: query.parts.map((each) => relaxed(each, words)) };
  if (query.kind === 'not') return { ...query, of: relaxed(query.of, words) };
  return query.kind === 'word' && words.has(query.text) ? textTerm(query.text) : query;
}

function textTerm(text: string): QueryTerm {
  return { kind: 'text', text };
}

/** The one of the tasks that were asked for last: a query grows letter by letter. */
const latest = new WeakMap<readonly PageTask[], TaskSelector>();

function selectorOf(tasks: readonly PageTask[], root: string): TaskSelector {
  const known = latest.get(tasks) ?? makeSelector(tasks, root);
  latest.set(tasks, known);
  return known;
}

function makeSelector(tasks: readonly PageTask[], root: string): TaskSelector {
  const lastResults = new Map<string, LastResult>();
  for (const { path, task, durationMs = 0 } of tasks)
    if (task.result !== undefined)
      lastResults.set(path, { verdict: task.result.judgement.verdict, durationMs });
  return new TaskSelector({
    ...{ directory: root, root, lastResults },
    tasks: tasks.map(({ path, name, task: { facts } }) => ({
      ...{ path, name, tags: facts.tags ?? [] },
      ...(facts.location !== undefined && { file: absolute(facts.location.file, root) }),
      ...(facts.location?.line !== undefined && { line: facts.location.line }),
    })),
  });
}

function absolute(file: string, root: string): string {
  return file.startsWith('/') ? file : `${root === '/' ? '' : root}/${file}`;
}
