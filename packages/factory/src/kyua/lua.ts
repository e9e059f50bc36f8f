/**
 * Runs the part of Lua in which Kyuafiles are written: calls, strings, tables, local names, `if`, and `for` over `ipairs`. What is beyond that is an
 * error with its place. Knows nothing of tests.
 */

/** A value of this part of Lua; undefined is nil. */
export type LuaValue = string | number | boolean | undefined | LuaTable | LuaFunction;

/** A table that was written in the source. */
export interface LuaTable {
  readonly entries: ReadonlyMap<string, LuaValue>;
  readonly items: readonly LuaValue[];
}

/** A function that the source may call. What it throws as a `LuaError` gets the place of the call, if it has none. */
export type LuaFunction = (args: readonly LuaValue[], place: Place) => LuaValue;

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with the source, or with a call. */
export class LuaError extends Error {
  readonly place: Place;
  readonly hint: string | undefined;

  constructor(message: string, place: Place, hint?: string) {
    super(message);
    this.place = place;
    this.hint = hint;
  }
}

/** Gets what the source assigns to names that are not local: `a.b = 1` is `['a', 'b']` and 1. */
export type LuaAssign = (path: readonly string[], value: LuaValue, place: Place) => void;

/** Runs a source, in which these names have values. Without `assign`, it may only assign to local names. @throws LuaError */
export function runLua(
  source: string,
  globals: Readonly<Record<string, LuaValue>>,
  assign?: LuaAssign,
): void {
  const run = new Parser(tokensOf(source), assign).block(['end of file']);
  run(new Scope(new Map(Object.entries(globals))));
}

export function isLuaTable(value: LuaValue): value is LuaTable {
  return typeof value === 'object';
}

/** The name of the type of a value, as Lua says it. */
export function luaTypeOf(value: LuaValue): string {
  if (value === undefined) return 'nil';
  return isLuaTable(value) ? 'table' : typeof value;
}

interface Token extends Place {
  readonly kind: 'name' | 'text' | 'number' | 'sign' | 'end of file';
  /** Of a text, its value. */
  readonly text: string;
}

const blanks = /(?:\s+|--\[\[[\s\S]*?\]\]|--(?!\[\[)[^\n]*)+/y;
const forms = [
  ['name', /[A-Za-z_]\w*/y],
  ['number', /0[xX][\dA-Fa-f]+|\d+(?:\.\d+)?/y],
  ['long', /\[\[\n?([\s\S]*?)\]\]/y],
  ['quoted', /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y],
  ['sign', /\.\.\.|\.\.|==|~=|<=|>=|[-+*/%^#<>=(){}[\];:,.]/y],
] as const;

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  const text = source.replace(/^#[^\n]*/, '');
  for (let at = after(blanks, text, 0); at < text.length; at = after(blanks, text, at)) {
    const place = placeAt(text, at);
    const [kind, match] = formAt(text, at, place);
    tokens.push({ ...place, ...tokenOf(kind, match, place) });
    at += match[0].length;
  }
  return [...tokens, { kind: 'end of file', text: 'end of file', ...placeAt(text, text.length) }];
}

function after(form: RegExp, text: string, at: number): number {
  form.lastIndex = at;
  return form.test(text) ? form.lastIndex : at;
}

function formAt(text: string, at: number, place: Place): [(typeof forms)[number][0], RegExpExecArray] {
  for (const [kind, form] of forms) {
    form.lastIndex = at;
    const match = form.exec(text);
    if (match !== null) return [kind, match];
  }
  const what = /["']/.test(text[at] ?? '') ? 'a string that is not closed' : `"${text[at]}"`;
  throw new LuaError(`${what} cannot be read`, place);
}

function tokenOf(
  kind: (typeof forms)[number][0],
  [whole, inner = '']: RegExpExecArray,
  place: Place,
): Pick<Token, 'kind' | 'text'> {
  if (kind === 'long') return { kind: 'text', text: inner };
  return kind === 'quoted' ? { kind: 'text', text: unquoted(whole, place) } : { kind, text: whole };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '\n' };

function unquoted(quoted: string, place: Place): string {
  return quoted.slice(1, -1).replaceAll(/\\(\d{1,3}|[\s\S])/g, (_, escaped: string) => {
    if (/^\d/.test(escaped)) return String.fromCharCode(Number(escaped));
    if (/[a-zA-Z]/.test(escaped) && escapes[escaped] === undefined)
      throw new LuaError(`the escape "\\${escaped}" cannot be read`, place);
    return escapes[escaped] ?? escaped;
  });
}

function placeAt(text: string, at: number): Place {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

/** Names and their values; inner blocks see those of outer ones. */
class Scope {
  readonly #values: Map<string, LuaValue>;
  readonly #outer: Scope | undefined;

  constructor(values: Map<string, LuaValue>, outer?: Scope) {
    this.#values = values;
    this.#outer = outer;
  }

  inner(): Scope {
    return new Scope(new Map(), this);
  }

  set(name: string, value: LuaValue): void {
    this.#values.set(name, value);
  }

  has(name: string): boolean {
    return this.#values.has(name) || this.#outer?.has(name) === true;
  }

  get(name: string): LuaValue {
    return this.#values.has(name) ? this.#values.get(name) : this.#outer?.get(name);
  }
}

type Run = (scope: Scope) => void;
type Evaluate = (scope: Scope) => LuaValue;

/** Statements of Lua that are beyond this part of it. */
const otherStatements: ReadonlySet<string> = new Set([
  ...['function', 'while', 'repeat', 'return', 'break', 'goto', 'do'],
]);
const subset =
  'A Kyuafile may have calls, strings, tables, local names, "if", and "for _, name in ipairs({ … })". Write what a program would compute as a list.';

/** Turns tokens into functions that run them. */
class Parser {
  readonly #tokens: readonly Token[];
  readonly #assign: LuaAssign | undefined;
  #at = 0;

  constructor(tokens: readonly Token[], assign: LuaAssign | undefined) {
    this.#tokens = tokens;
    this.#assign = assign;
  }

  /** Statements up to one of these words, which is not consumed. */
  block(ends: readonly string[]): Run {
    const runs: Run[] = [];
    while (!ends.includes(this.#next.text) || this.#next.kind === 'text') {
      if (this.#skip(';')) continue;
      runs.push(this.#statement());
    }
    return (scope) => {
      for (const run of runs) run(scope);
    };
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #take(): Token {
    const token = this.#next;
    if (token.kind !== 'end of file') this.#at++;
    return token;
  }

  #is(text: string): boolean {
    return this.#next.text === text && this.#next.kind !== 'text';
  }

  #skip(text: string): boolean {
    const has = this.#is(text);
    if (has) this.#take();
    return has;
  }

  #expect(text: string): Token {
    if (this.#is(text)) return this.#take();
    throw new LuaError(`"${text}" is expected, and there is ${shown(this.#next)}`, this.#next);
  }

  #name(): string {
    const token = this.#take();
    if (token.kind === 'name') return token.text;
    throw new LuaError(`a name is expected, and there is ${shown(token)}`, token);
  }

  #statement(): Run {
    const { kind, text, ...place } = this.#next;
    if (kind !== 'name')
      throw new LuaError(`a statement is expected, and there is ${shown(this.#next)}`, place);
    if (otherStatements.has(text)) throw new LuaError(`"${text}" cannot be used here`, place, subset);
    if (this.#skip('local')) return this.#local();
    if (this.#skip('if')) return this.#if();
    if (this.#skip('for')) return this.#for(place);
    return this.#callOrAssignment(place);
  }

  #local(): Run {
    if (this.#is('function')) throw new LuaError('"function" cannot be used here', this.#next, subset);
    const name = this.#name();
    const value = this.#skip('=') ? this.#expression() : () => undefined;
    return (scope) => scope.set(name, value(scope));
  }

  #if(): Run {
    const condition = this.#expression();
    this.#expect('then');
    const then = this.block(['elseif', 'else', 'end']);
    const otherwise = this.#otherwise();
    return (scope) => (isTrue(condition(scope)) ? then : otherwise)(scope.inner());
  }

  #otherwise(): Run {
    if (this.#skip('elseif')) return this.#if();
    const run = this.#skip('else') ? this.block(['end']) : () => {};
    this.#expect('end');
    return run;
  }

  #for(place: Place): Run {
    const names = [this.#name()];
    while (this.#skip(',')) names.push(this.#name());
    if (!this.#skip('in') || !this.#skip('ipairs'))
      throw new LuaError('only "for … in ipairs(…)" can be used here', place, subset);
    this.#expect('(');
    const list = this.#expression();
    this.#expect(')');
    this.#expect('do');
    const body = this.block(['end']);
    this.#expect('end');
    return (scope) => {
      const table = list(scope);
      if (!isLuaTable(table)) throw new LuaError(`ipairs needs a table, not ${luaTypeOf(table)}`, place);
      for (const [at, item] of table.items.entries()) {
        const inner = scope.inner();
        inner.set(names[0] ?? '', at + 1);
        inner.set(names[1] ?? '', item);
        body(inner);
      }
    };
  }

  #callOrAssignment(place: Place): Run {
    const start = this.#at;
    const call = this.#primary();
    if (this.#is('=')) return this.#assignment(this.#tokens.slice(start, this.#at), place);
    const last = this.#tokens[this.#at - 1];
    const isCall = this.#at > start + 1 && (last?.kind === 'text' || [')', '}'].includes(last?.text ?? ''));
    if (!isCall) throw new LuaError(`"${this.#tokens[start]?.text}" is not a statement`, place);
    return (scope) => void call(scope);
  }

  #assignment(target: readonly Token[], place: Place): Run {
    const assign = this.#assign;
    if (assign === undefined)
      throw new LuaError('assignments cannot be used here, except to "local" names', place, subset);
    const path = target.filter(({ kind }) => kind === 'name').map(({ text }) => text);
    if (target.some(({ kind, text }) => kind !== 'name' && text !== '.'))
      throw new LuaError(`nothing can be assigned to "${target.map(({ text }) => text).join('')}"`, place);
    this.#expect('=');
    const value = this.#expression();
    return (scope) => assign(path, value(scope), place);
  }

  #expression(least = 0): Evaluate {
    let left = this.#unary();
    for (;;) {
      const { text, kind, ...place } = this.#next;
      const operator = kind === 'text' ? undefined : operators.get(text);
      if (operator === undefined) return left;
      if (operator.rank < least) return left;
      this.#take();
      // `..` is right-associative.
      const [first, second] = [left, this.#expression(text === '..' ? operator.rank : operator.rank + 1)];
      left = (scope) => operator.apply(first(scope), () => second(scope), place);
    }
  }

  #unary(): Evaluate {
    if (!this.#skip('not')) return this.#primary();
    const value = this.#unary();
    return (scope) => !isTrue(value(scope));
  }

  /** A value, and what follows it: entries and calls. */
  #primary(): Evaluate {
    const token = this.#take();
    if (token.kind === 'text') return () => token.text;
    if (token.kind === 'number') return () => Number(token.text);
    if (token.kind === 'sign' && token.text === '{') return this.#table();
    if (token.kind === 'sign' && token.text === '(') return this.#inParentheses();
    if (token.kind !== 'name')
      throw new LuaError(`a value is expected, and there is ${shown(token)}`, token, subset);
    if (token.text in constants) return () => constants[token.text];
    if (token.text === 'function') throw new LuaError('"function" cannot be used here', token, subset);
    return this.#suffixes((scope) => known(scope, token), token.text);
  }

  #inParentheses(): Evaluate {
    const value = this.#expression();
    this.#expect(')');
    return value;
  }

  #suffixes(start: Evaluate, named: string): Evaluate {
    let value = start;
    let name = named;
    for (;;) {
      const { line, column, kind, text } = this.#next;
      const place = { line, column };
      const before = value;
      if (this.#skip('.')) {
        const entry = this.#name();
        name = `${name}.${entry}`;
        value = (scope) => entryOf(before(scope), entry, place);
        continue;
      }
      const args = this.#arguments(kind, text);
      if (args === undefined) return value;
      const called = name;
      value = (scope) =>
        callOf(
          before(scope),
          args.map((arg) => arg(scope)),
          called,
          place,
        );
    }
  }

  /** Of a call; undefined where none follows. */
  #arguments(kind: Token['kind'], text: string): readonly Evaluate[] | undefined {
    if (kind === 'text' || (kind === 'sign' && text === '{')) return [this.#primary()];
    if (!this.#skip('(')) return undefined;
    const args: Evaluate[] = [];
    while (!this.#is(')')) {
      args.push(this.#expression());
      if (!this.#skip(',')) break;
    }
    this.#expect(')');
    return args;
  }

  #table(): Evaluate {
    const entries: [string | undefined, Evaluate][] = [];
    while (!this.#is('}')) {
      entries.push([this.#key(), this.#expression()]);
      if (!this.#skip(',') && !this.#skip(';')) break;
    }
    this.#expect('}');
    return (scope) => ({
      entries: new Map(entries.flatMap(([key, value]) => (key === undefined ? [] : [[key, value(scope)]]))),
      items: entries.flatMap(([key, value]) => (key === undefined ? [value(scope)] : [])),
    });
  }

  /** `name =` or `["name"] =`; undefined for an item of a list. */
  #key(): string | undefined {
    const [first, second, third] = this.#tokens.slice(this.#at);
    if (first?.kind === 'name' && second?.kind === 'sign' && second.text === '=') {
      this.#at += 2;
      return first.text;
    }
    const isBracket = first?.kind === 'sign' && first.text === '[';
    if (!isBracket || second?.kind !== 'text' || third?.text !== ']') return undefined;
    this.#at += 3;
    this.#expect('=');
    return second.text;
  }
}

const constants: Readonly<Record<string, LuaValue>> = { true: true, false: false, nil: undefined };

interface Operator {
  /** Those with a higher one bind more tightly. */
  readonly rank: number;
  readonly apply: (left: LuaValue, right: () => LuaValue, place: Place) => LuaValue;
}

const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['or', { rank: 1, apply: (left, right) => (isTrue(left) ? left : right()) }],
  ['and', { rank: 2, apply: (left, right) => (isTrue(left) ? right() : left) }],
  ['==', { rank: 3, apply: (left, right) => left === right() }],
  ['~=', { rank: 3, apply: (left, right) => left !== right() }],
  ['..', { rank: 4, apply: (left, right, place) => textOf(left, place) + textOf(right(), place) }],
]);

function textOf(value: LuaValue, place: Place): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new LuaError(`".." joins texts, and there is ${luaTypeOf(value)}`, place);
}

function isTrue(value: LuaValue): boolean {
  return value !== undefined && value !== false;
}

function known(scope: Scope, { text, line, column }: Token): LuaValue {
  if (scope.has(text)) return scope.get(text);
  throw new LuaError(`"${text}" is not known here`, { line, column }, subset);
}

function entryOf(value: LuaValue, entry: string, place: Place): LuaValue {
  if (isLuaTable(value) && value.entries.has(entry)) return value.entries.get(entry);
  throw new LuaError(`there is no "${entry}" here`, place, subset);
}

function callOf(value: LuaValue, args: readonly LuaValue[], name: string, place: Place): LuaValue {
  if (typeof value !== 'function') throw new LuaError(`"${name}" is not a function`, place);
  return value(args, place);
}

function shown({ kind, text }: Token): string {
  return kind === 'end of file' ? 'the end of the file' : `"${text}"`;
}
