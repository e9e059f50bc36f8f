/** The query language for tasks: from its text to a tree. Knows its grammar and no tasks; `docs/queries.md` is its page. */
import { didYouMean, PexenError, type Problem, type Verdict } from '@pexen/core';
import { readDurationText } from '@pexen/core/duration';

/** What a query asks of one task. */
export type Query =
  | { readonly kind: 'and'; readonly parts: readonly Query[] }
  | { readonly kind: 'or'; readonly parts: readonly Query[] }
  | { readonly kind: 'not'; readonly of: Query }
  | QueryTerm;

/** One condition, as it was written. */
export type QueryTerm =
  /** A path, a file, a name or a glob; one in quotes is never a glob. */
  | { readonly kind: 'word'; readonly text: string; readonly quoted: boolean }
  | { readonly kind: 'tag'; readonly tag: string }
  /** The call path contains the text; upper and lower case are one. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'status'; readonly status: StatusWord }
  | { readonly kind: 'duration'; readonly compare: Comparison; readonly ms: number };

/** How a duration is compared with the one of the last run. */
export type Comparison = '<' | '<=' | '>' | '>=';

/** What may follow `status:`: a verdict, a group of verdicts, or `not-run` for a task without a result. */
export type StatusWord = Verdict | 'passed' | 'failed' | 'skipped' | 'not-run';

/** Which verdicts of the last run a word means. Of `not-run`: also that there is none. */
export const statusWords: Readonly<Record<StatusWord, readonly Verdict[]>> = {
  passed: ['pass', 'warn', 'flaky', 'expected-fail'],
  failed: ['fail', 'error', 'timeout', 'crashed'],
  skipped: ['skip'],
  'not-run': ['cancelled'],
  pass: ['pass'],
  warn: ['warn'],
  fail: ['fail'],
  error: ['error'],
  timeout: ['timeout'],
  crashed: ['crashed'],
  skip: ['skip'],
  'expected-fail': ['expected-fail'],
  flaky: ['flaky'],
  cancelled: ['cancelled'],
};

/**
 * Parses one query. A blank between two terms means `and`, which binds more tightly than `or`; `!` negates the term after it.
 * @throws PexenError PEXEN_BAD_QUERY with the column of the mistake.
 */
export function parseQuery(text: string): Query {
  return new QueryParser(text).parse();
}

/** Does it ask how tasks ended when they ran last? */
export function asksForLastRun(query: Query): boolean {
  if (query.kind === 'and' || query.kind === 'or') return query.parts.some(asksForLastRun);
  return query.kind === 'not'
    ? asksForLastRun(query.of)
    : query.kind === 'status' || query.kind === 'duration';
}

interface Token {
  readonly kind: '(' | ')' | '!' | 'word' | 'end';
  readonly text: string;
  /** How many characters at the beginning stand outside of quotes. */
  readonly plain: number;
  readonly quoted: boolean;
  /** From 0. */
  readonly at: number;
}

class QueryParser {
  readonly #text: string;
  #at = 0;
  #next: Token;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#next = this.#read();
  }

  parse(): Query {
    const query = this.#or();
    if (this.#next.kind === ')') throw this.#mistake('this ")" closes nothing', 'Remove it, or add a "(".');
    return query;
  }

  #or(): Query {
    const parts = [this.#and()];
    while (this.#isKeyword('or')) {
      this.#advance();
      parts.push(this.#and());
    }
    return joined('or', parts);
  }

  #and(): Query {
    const parts = [this.#not()];
    for (;;) {
      if (this.#isKeyword('and')) this.#advance();
      else if (this.#next.kind === 'end' || this.#next.kind === ')' || this.#isKeyword('or')) break;
      parts.push(this.#not());
    }
    return joined('and', parts);
  }

  #not(): Query {
    let negated = false;
    while (this.#next.kind === '!') {
      negated = !negated;
      this.#advance();
    }
    const term = this.#primary();
    return negated ? { kind: 'not', of: term } : term;
  }

  #primary(): Query {
    const token = this.#next;
    if (token.kind === '(') return this.#group();
    if (token.kind !== 'word' || this.#isKeyword('and') || this.#isKeyword('or')) throw this.#missingTerm();
    this.#advance();
    return termOf(token, this.#text);
  }

  #group(): Query {
    const opened = this.#next;
    if (++this.#depth > deepest)
      throw this.#mistake(`more than ${deepest} parentheses are nested`, 'Write fewer.');
    this.#advance();
    const query = this.#or();
    if (this.#next.kind !== ')')
      throw mistake(
        this.#text,
        opened.at,
        'this "(" is not closed',
        'Add a ")", or put a name that has one in quotes.',
      );
    this.#advance();
    this.#depth--;
    return query;
  }

  #isKeyword(word: 'and' | 'or'): boolean {
    return this.#next.kind === 'word' && !this.#next.quoted && this.#next.text === word;
  }

  #missingTerm(): PexenError {
    const { kind, text } = this.#next;
    const found = kind === 'end' ? 'the query ends' : `"${text}" stands`;
    return this.#mistake(
      `${found} where a path, a name, a glob or a condition must follow`,
      kind === 'word'
        ? `A task that is called "${text}" is written in quotes.`
        : 'See the guide page on queries.',
    );
  }

  #mistake(message: string, hint: string): PexenError {
    return mistake(this.#text, this.#next.at, message, hint);
  }

  #advance(): void {
    this.#next = this.#read();
  }

  #read(): Token {
    const text = this.#text;
    while (isBlank(text[this.#at])) this.#at++;
    const at = this.#at;
    const first = text[at];
    if (first === undefined) return { kind: 'end', text: '', plain: 0, quoted: false, at };
    if (first === '(' || first === ')' || first === '!') {
      this.#at++;
      return { kind: first, text: first, plain: 1, quoted: false, at };
    }
    return this.#readWord(at);
  }

  /** Up to a blank or a `)` that closes nothing in the word: `src/(app)/page` and `@(a|b)` are words. */
  #readWord(at: number): Token {
    const text = this.#text;
    let word = '';
    let plain: number | undefined;
    let open = 0;
    for (;;) {
      const char = text[this.#at];
      if (char === undefined || isBlank(char) || (char === ')' && open === 0)) break;
      if (isQuote(char) && (word === '' || conditions.has(word.slice(0, -1)))) {
        plain ??= word.length;
        word += this.#readQuoted(char);
        continue;
      }
      if (char === '(') open++;
      if (char === ')') open--;
      word += char;
      this.#at++;
    }
    return { kind: 'word', text: word, plain: plain ?? word.length, quoted: plain !== undefined, at };
  }

  #readQuoted(quote: string): string {
    const opened = this.#at++;
    let quoted = '';
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === quote) return quoted;
      const next = this.#text[this.#at];
      if (char === undefined)
        throw mistake(this.#text, opened, 'this quote is not closed', `Add a ${quote} at its end.`);
      if (char === '\\' && (next === quote || next === '\\')) {
        quoted += next;
        this.#at++;
      } else quoted += char;
    }
  }
}

const deepest = 100;

const conditions: ReadonlySet<string> = new Set(['tag', 'text', 'status', 'duration']);

function termOf({ text, plain, quoted, at }: Token, query: string): QueryTerm {
  const colon = text.slice(0, plain).indexOf(':');
  const condition = text.slice(0, Math.max(colon, 0));
  if (!conditions.has(condition)) return { kind: 'word', text, quoted };
  const value = text.slice(colon + 1);
  const valueAt = at + colon + 1;
  if (value === '') throw mistake(query, valueAt, `${condition}: needs a value`, examples[condition] ?? '');
  if (condition === 'tag') return { kind: 'tag', tag: value };
  if (condition === 'text') return { kind: 'text', text: value };
  return condition === 'status' ? statusOf(value, query, valueAt) : durationOf(value, query, valueAt);
}

const examples: Readonly<Record<string, string>> = {
  tag: 'Write tag:slow, for example.',
  text: 'Write text:retry, or text:"two words".',
  status: 'Write status:failed, for example.',
  duration: 'Write duration:>1s, for example.',
};

function statusOf(value: string, query: string, at: number): QueryTerm {
  const names = Object.keys(statusWords);
  if (names.includes(value)) return { kind: 'status', status: value as StatusWord };
  const hint = didYouMean(value, names) ?? `There are: ${names.join(', ')}.`;
  throw mistake(query, at, `there is no status "${value}"`, hint);
}

function durationOf(value: string, query: string, at: number): QueryTerm {
  const [, compare, text = ''] = /^([<>]=?)(\S+)$/.exec(value) ?? [];
  const ms = readDurationText(text);
  if (compare === undefined || ms === undefined)
    throw mistake(
      query,
      at,
      `"${value}" does not compare a duration`,
      'Write duration:>1s, or <, <=, >= and ms, s, m, h.',
    );
  return { kind: 'duration', compare: compare as Comparison, ms };
}

function joined(kind: 'and' | 'or', parts: readonly Query[]): Query {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind, parts };
}

function mistake(query: string, at: number, message: string, hint: string): PexenError {
  const where: Problem = {
    code: 'PEXEN_BAD_QUERY',
    message: `in the query ${JSON.stringify(query)}, column ${at + 1}: ${message}`,
    hint,
  };
  return new PexenError([where]);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r';
}

function isQuote(char: string): boolean {
  return char === '"' || char === "'";
}
