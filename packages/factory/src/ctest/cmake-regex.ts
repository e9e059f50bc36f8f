/**
 * Regular expressions as CMake understands them, translated to those of JavaScript. Both are matched against bytes: each character of a text stands for
 * one. Knows nothing of tests.
 *
 * CMake's dialect has `^ $ . [] [^] * + ? | ()` and a backslash that makes the next character stand for itself. `^` and `$` are the ends of the whole text, `.`
 * is any byte, and in brackets a backslash is a character like any other. An expression that CMake refuses matches nothing.
 */

/** Finds out whether a text has a match. */
export type CMakePattern = (text: string) => boolean;

/** The bytes of a text, each as one character. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The expression as a function of texts whose characters are bytes (see `bytesOf`); undefined where CMake refuses it. */
export function cmakePattern(expression: string): CMakePattern | undefined {
  try {
    const parser = new Parser(bytesOf(expression));
    const pattern = new RegExp(parser.whole(), 's');
    return (text) => pattern.test(text);
  } catch {
    return undefined;
  }
}

/** A part of an expression. One that may match nothing must not be repeated. */
interface Part {
  readonly source: string;
  readonly hasWidth: boolean;
}

const repeats = '*+?';
const special = '^$.[()|?+*\\';

/** Reads an expression by the rules of CMake. Throws where it is refused. */
class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): string {
    const { source } = this.#alternatives();
    if (this.#at < this.#text.length) throw new SyntaxError('unmatched parenthesis');
    return source;
  }

  #alternatives(): Part {
    const branches = [this.#branch()];
    while (this.#take('|')) branches.push(this.#branch());
    return {
      source: branches.map(({ source }) => source).join('|'),
      hasWidth: branches.every(({ hasWidth }) => hasWidth),
    };
  }

  #branch(): Part {
    const pieces: Part[] = [];
    while (this.#at < this.#text.length && !'|)'.includes(this.#next)) pieces.push(this.#piece());
    return {
      source: pieces.map(({ source }) => source).join(''),
      hasWidth: pieces.some(({ hasWidth }) => hasWidth),
    };
  }

  #piece(): Part {
    const atom = this.#atom();
    const repeat = this.#next;
    if (repeat === '' || !repeats.includes(repeat)) return atom;
    if (!atom.hasWidth && repeat !== '?') throw new SyntaxError('the operand could be empty');
    this.#at++;
    if (this.#next !== '' && repeats.includes(this.#next)) throw new SyntaxError('nested *?+');
    return { source: `(?:${atom.source})${repeat}`, hasWidth: repeat === '+' };
  }

  #atom(): Part {
    const character = this.#next;
    this.#at++;
    if (character === '^' || character === '$') return { source: character, hasWidth: false };
    if (character === '.') return { source: '.', hasWidth: true };
    if (character === '[') return { source: this.#set(), hasWidth: true };
    if (character === '(') return this.#group();
    if (character === '\\') return { source: this.#escaped(), hasWidth: true };
    if (special.includes(character)) throw new SyntaxError(`${character} follows nothing`);
    return { source: exactly(character), hasWidth: true };
  }

  #group(): Part {
    const inner = this.#alternatives();
    if (!this.#take(')')) throw new SyntaxError('unmatched parenthesis');
    return { ...inner, source: `(?:${inner.source})` };
  }

  #escaped(): string {
    const character = this.#next;
    if (character === '') throw new SyntaxError('trailing backslash');
    this.#at++;
    return exactly(character);
  }

  #set(): string {
    const isComplement = this.#take('^');
    const members = this.#members();
    return `[${isComplement ? '^' : ''}${members.map(exactly).join('')}]`;
  }

  /** The characters between brackets. `]` and `-` stand for themselves at the beginning, `-` also at the end. */
  #members(): readonly string[] {
    const members: string[] = [];
    if (this.#next === ']' || this.#next === '-') members.push(this.#takeAny());
    while (this.#next !== ']') {
      if (this.#next === '') throw new SyntaxError('unmatched [');
      const character = this.#takeAny();
      if (character === '-' && this.#next !== ']') members.push(...this.#range());
      else members.push(character);
    }
    this.#at++;
    return members;
  }

  /** What a range adds to the character before its hyphen. */
  #range(): readonly string[] {
    const from = this.#text.charCodeAt(this.#at - 2) + 1;
    if (this.#next === '') throw new SyntaxError('unmatched [');
    const to = this.#takeAny().charCodeAt(0);
    if (from > to + 1) throw new SyntaxError('invalid range');
    return Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at));
  }

  get #next(): string {
    return this.#text.charAt(this.#at);
  }

  #take(character: string): boolean {
    if (this.#next !== character) return false;
    this.#at++;
    return true;
  }

  #takeAny(): string {
    return this.#text.charAt(this.#at++);
  }
}

function exactly(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
