/** A small XML reader, independent of the writers: it accepts what we write and refuses everything else. */

export interface Node {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Node[];
  readonly text: string;
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const allowed = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** The root element. Throws if the text is not well-formed. */
export function parseXml(text: string): Node {
  if (!allowed.test(text)) throw new Error('a character that XML does not know');
  const reader = new Reader(text);
  reader.expect('<?xml version="1.0" encoding="UTF-8"?>');
  reader.skipSpace();
  const root = reader.element();
  reader.skipSpace();
  if (!reader.isAtEnd) throw new Error('something after the root');
  return root;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  expect(token: string): void {
    if (!this.#text.startsWith(token, this.#at)) {
      throw new Error(`${token} expected at ${this.#at}: ${this.#text.slice(this.#at, this.#at + 60)}`);
    }
    this.#at += token.length;
  }

  skipSpace(): void {
    this.#match(/\s*/y);
  }

  element(): Node {
    this.expect('<');
    const name = this.#match(/[\w-]+/y);
    const attributes = this.#attributes();
    if (this.#text.startsWith('/>', this.#at)) {
      this.expect('/>');
      return { name, attributes, children: [], text: '' };
    }
    this.expect('>');
    const { children, text } = this.#content();
    this.expect(`</${name}>`);
    return { name, attributes, children, text };
  }

  #attributes(): Record<string, string> {
    const attributes: Record<string, string> = {};
    while (this.#text[this.#at] === ' ') {
      const [, name = '', value = ''] = / ([\w-]+)="([^"<]*)"/y.exec(this.#rest()) ?? [];
      if (name === '' || name in attributes) throw new Error(`a broken attribute at ${this.#at}`);
      this.#at += name.length + value.length + 4;
      attributes[name] = unescaped(value);
    }
    return attributes;
  }

  #content(): { children: Node[]; text: string } {
    const children: Node[] = [];
    let text = '';
    while (!this.#text.startsWith('</', this.#at)) {
      if (this.#text[this.#at] === '<') children.push(this.element());
      else text += unescaped(this.#match(/[^<]+/y));
    }
    if (children.length > 0 && text.trim() !== '') throw new Error('text beside elements');
    return { children, text: children.length > 0 ? '' : text };
  }

  /** Matches on the whole text; only attributes, which are short, are read from a piece. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) throw new Error(`${pattern} expected at ${this.#at}`);
    this.#at += found.length;
    return found;
  }

  #rest(): string {
    return this.#text.slice(this.#at, this.#text.indexOf('>', this.#at));
  }
}

function unescaped(text: string): string {
  if (text.includes(']]>')) throw new Error(']]> in text');
  return text.replace(/&([^;&]*);?/g, (reference, name: string) => {
    const character = named[name];
    if (character === undefined || !reference.endsWith(';'))
      throw new Error(`unknown reference ${reference}`);
    return character;
  });
}
