/** Which tasks a query means. Knows call paths, files, names, tags and the last run; reads no disk and needs no Node. */
import type { Verdict } from '@pexen/core';
import picomatch from 'picomatch/posix.js';
import { type Comparison, type Query, type QueryTerm, statusWords } from './parse.ts';

/** What a query can ask of a task. */
export interface QueriedTask {
  readonly path: string;
  /** The last name of its call path. */
  readonly name: string;
  readonly tags: readonly string[];
  /** Where it was made: an absolute path, and a line from 1. */
  readonly file?: string;
  readonly line?: number;
}

/** What the last run of a task left behind. */
export interface LastResult {
  readonly verdict: Verdict;
  readonly durationMs: number;
}

/** What queries are asked about. */
export interface QueriedSuite {
  readonly tasks: readonly QueriedTask[];
  /** An absolute path: what the files of queries are relative to. */
  readonly directory: string;
  /** The root of the suite, an absolute path: files are tried relative to it, too. */
  readonly root: string;
  /** By call path. */
  readonly lastResults: ReadonlyMap<string, LastResult>;
}

/** The tasks of a suite that queries select, and the terms that no task meets. */
export class TaskSelector {
  readonly #suite: QueriedSuite;
  readonly #numbers: readonly number[];

  constructor(suite: QueriedSuite) {
    this.#suite = suite;
    this.#numbers = suite.tasks.map((_, number) => number);
  }

  /** The numbers of the tasks that the query selects, in their order. `onUnmet` is called with each term that no task meets. */
  select(query: Query, onUnmet: (term: QueryTerm, negated: boolean) => void = () => {}): Set<number> {
    return this.#evaluate(query, false, onUnmet);
  }

  /**
   * The tasks that the text names as a call path, the beginning of one, a file or a folder; none where it is none of them. Files are
   * relative to the current directory; where no task is there, to the root of the suite.
   */
  at(text: string): Set<number> {
    const { directory, root } = this.#suite;
    const isRelative = /^\.\.?(?:\/|$)/.test(text);
    const path = isRelative && directory === root ? text.replace(/^(?:\.\/+)+/, '') || '.' : text;
    const here = this.#within(trimmed(path), resolved(directory, text), isRelative && path === text);
    if (here.size > 0 || isRelative || directory === root) return here;
    return this.#within(trimmed(path), resolved(root, text), false);
  }

  /** `place`: an absolute path. `onlyFiles`: the text is not a call path. */
  #within(path: string, place: string, onlyFiles: boolean): Set<number> {
    if (path === '') return new Set();
    const isBelowPath = isAtOrBelow(path);
    const isBelowPlace = isAtOrBelow(place);
    const isWhole = isBelowPlace(this.#suite.root);
    return this.#those(
      (task) =>
        isWhole ||
        (!onlyFiles && isBelowPath(task.path)) ||
        (task.file !== undefined && isBelowPlace(task.file)),
    );
  }

  #evaluate(
    query: Query,
    negated: boolean,
    onUnmet: (term: QueryTerm, negated: boolean) => void,
  ): Set<number> {
    if (query.kind === 'not') {
      const without = this.#evaluate(query.of, !negated, onUnmet);
      return new Set(this.#numbers.filter((number) => !without.has(number)));
    }
    if (query.kind === 'and' || query.kind === 'or') {
      const sets = query.parts.map((part) => this.#evaluate(part, negated, onUnmet));
      const joins = query.kind === 'and' ? everyHas : someHas;
      return new Set(this.#numbers.filter((number) => joins(sets, number)));
    }
    const met = this.#meeting(query);
    if (met.size === 0) onUnmet(query, negated);
    return met;
  }

  #meeting(term: QueryTerm): Set<number> {
    if (term.kind === 'word') return this.#meant(term);
    if (term.kind === 'tag') return this.#those(({ tags }) => tags.includes(term.tag));
    if (term.kind === 'text') {
      const text = term.text.toLowerCase();
      return this.#those(({ path }) => path.toLowerCase().includes(text));
    }
    const { lastResults } = this.#suite;
    if (term.kind === 'status') {
      const verdicts = statusWords[term.status];
      return this.#those(({ path }) => {
        const last = lastResults.get(path);
        return last === undefined ? term.status === 'not-run' : verdicts.includes(last.verdict);
      });
    }
    return this.#those(({ path }) => {
      const last = lastResults.get(path);
      return last !== undefined && compares(last.durationMs, term.compare, term.ms);
    });
  }

  /** The first reading that some task meets: path or file, then a line of a file, then a name, then a glob. */
  #meant({ text, quoted }: QueryTerm & { readonly kind: 'word' }): Set<number> {
    const readings = [() => this.at(text), () => this.#atLine(text), () => this.#named(text)];
    if (!quoted) readings.push(() => this.#globbed(text));
    for (const reading of readings) {
      const tasks = reading();
      if (tasks.size > 0) return tasks;
    }
    return new Set();
  }

  /** The tasks that the whole text names: a call path, a file, a folder, or a line of a file. */
  exactly(text: string): Set<number> {
    const tasks = this.at(text);
    return tasks.size > 0 ? tasks : this.#atLine(text);
  }

  /** `file:line` means the task that the line belongs to: the last that was made at this line or above it. */
  #atLine(text: string): Set<number> {
    const [, file = '', digits = ''] = /^(.+?):(\d{1,9})(?::\d{1,9})?$/.exec(text) ?? [];
    if (file === '') return new Set();
    const places = new Set(this.#placesOf(file));
    const isThere = ({ file: made }: QueriedTask): boolean => made !== undefined && places.has(made);
    let last = -1;
    for (const task of this.#suite.tasks)
      if (isThere(task) && lineOf(task) <= Number(digits)) last = Math.max(last, lineOf(task));
    return this.#those((task) => isThere(task) && lineOf(task) === last);
  }

  #named(text: string): Set<number> {
    return this.#those(({ name }) => name === text);
  }

  /** Against the call path and the file, or the beginning of them; a glob without a slash also against the name. */
  #globbed(text: string): Set<number> {
    if (!/[*?[\]{}()|!+@]/.test(text)) return new Set();
    const pattern = text.replace(/\/+$/, '').replace(/^(?:\.\/+)+/, '');
    const matches = globMatcher(pattern);
    if (matches === undefined) return new Set();
    const { directory, root } = this.#suite;
    const bases = directory === root ? [root] : [directory, root];
    const isOfFile = (file: string): boolean =>
      matches(pattern.startsWith('/') ? file : '') ||
      bases.some(
        (base) => isAtOrBelow(base)(file) && matches(file.slice(base === '/' ? 1 : base.length + 1)),
      );
    return this.#those(
      ({ path, name, file }) =>
        matches(path) || (!pattern.includes('/') && matches(name)) || (file !== undefined && isOfFile(file)),
    );
  }

  #placesOf(file: string): string[] {
    const { directory, root } = this.#suite;
    return [...new Set([resolved(directory, file), resolved(root, file)])];
  }

  #those(meets: (task: QueriedTask) => boolean): Set<number> {
    const { tasks } = this.#suite;
    return new Set(this.#numbers.filter((number) => meets(tasks[number] as QueriedTask)));
  }
}

/** A program is its file as a whole. */
function lineOf({ line = 0 }: QueriedTask): number {
  return line;
}

function everyHas(sets: readonly Set<number>[], number: number): boolean {
  return sets.every((set) => set.has(number));
}

function someHas(sets: readonly Set<number>[], number: number): boolean {
  return sets.some((set) => set.has(number));
}

function isAtOrBelow(place: string): (path: string) => boolean {
  const below = place.endsWith('/') ? place : `${place}/`;
  return (path) => path === place || path.startsWith(below);
}

/** The path as an absolute one, without `.` and `..`; relative to `base`, which is absolute. */
function resolved(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Without slashes at its end; the root of the disk stays. */
function trimmed(text: string): string {
  return text === '/' ? text : text.replace(/\/+$/, '');
}

/** The path, and what it begins with up to each `/`. */
function beginningsOf(path: string): string[] {
  const beginnings = [path];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    beginnings.push(path.slice(0, at));
  return beginnings;
}

/** Undefined for a text that is not a glob to the matcher, which refuses very long ones. */
function globMatcher(pattern: string): ((text: string) => boolean) | undefined {
  try {
    const matches = picomatch(pattern, { dot: true });
    return (text) => beginningsOf(text).some((beginning) => matches(beginning));
  } catch {
    return undefined;
  }
}

function compares(ms: number, compare: Comparison, than: number): boolean {
  if (compare === '<') return ms < than;
  if (compare === '<=') return ms <= than;
  return compare === '>' ? ms > than : ms >= than;
}
