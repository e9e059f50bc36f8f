/**
 * Reads YAML from untrusted sources, with the place of everything in it. JSON is YAML as well. Size and depth are limited before and while it is
 * parsed, and references to other places cannot multiply it. Knows nothing about the content.
 */
import type { Problem, ProblemCode, SourceLocation } from '@pexen/core';
import {
  boolCoreTag,
  EVENT_ID,
  type Event,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  NOT_RESOLVED,
  nullCoreTag,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from 'js-yaml';

/** A node, with its place. Nodes that an alias refers to occur several times in the tree. */
export type YamlNode = YamlScalar | YamlList | YamlMap;

interface Placed {
  /** The text that it is in. */
  readonly within: YamlText;
  /** Where it begins in that text, from 0. */
  readonly start: number;
  /** How many nodes it consists of, those behind aliases counted each time. */
  readonly size: number;
}

/** Text, a number, true, false or null. */
export interface YamlScalar extends Placed {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it was written, without quotes and escapes: `1.10` rather than 1.1. */
  readonly source: string;
  /** Where its first character is, if the characters of `source` follow each other in the text as well. */
  readonly firstCharacter: number | undefined;
}

interface YamlList extends Placed {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
}

export interface YamlMap extends Placed {
  readonly kind: 'map';
  readonly entries: readonly YamlEntry[];
}

/** An entry of a map. */
export interface YamlEntry {
  readonly key: YamlScalar;
  readonly value: YamlNode;
}

/** A document, or its problems. */
export interface ReadYaml {
  /** Undefined for an empty document and for one that cannot be read. */
  readonly root: YamlNode | undefined;
  readonly problems: readonly Problem[];
}

/** What a document may be. */
export interface YamlLimits {
  /** The code of its problems. */
  readonly code: ProblemCode;
  /** The most characters. */
  readonly longest: number;
  /** The most levels. */
  readonly deepest: number;
  /** May it have aliases and merge keys? */
  readonly references: boolean;
}

/** The most nodes of a document, those behind aliases counted each time. */
const mostNodes = 2_000_000;

/** Reads the document in `text`. Never throws. */
export function readYaml(text: string, file: string, limits: YamlLimits): ReadYaml {
  const { code, longest, deepest } = limits;
  // Where brackets enclose everything, the parser would want all lines as far to the right as the first one.
  const within = new YamlText(file, text, /^\s*(?=[{[])/.exec(text)?.[0].length);
  const unread = (message: string, location: SourceLocation = { file }, hint?: string): ReadYaml => ({
    root: undefined,
    problems: [{ code, location, message, ...(hint !== undefined && { hint }) }],
  });
  if (text.length > longest) return unread(`it is longer than ${longest} characters`);
  try {
    const composer = new Composer(within, parseEvents(within.text, { maxDepth: deepest }), limits);
    const root = composer.compose();
    return composer.problems.length === 0
      ? { root, problems: [] }
      : { root: undefined, problems: composer.problems };
  } catch (error) {
    if (error instanceof Refused) return unread(error.message, within.locate(error.offset));
    const { reason, mark } = error as Partial<YAMLException>;
    if (!(error instanceof YAMLException) || reason === undefined) return unread('it cannot be parsed');
    const position = mark?.position ?? 0;
    const { message, hint } = plain(reason, deepest);
    const isTemplate = within.text.slice(Math.max(0, position - 2), position + 3).includes('{{');
    return unread(message, within.locate(position), isTemplate ? quoteTemplates : hint);
  }
}

/** The location of a node, or of a character of its text. Where that is written with escapes, always of its start. */
export function locationOf({ within, ...node }: YamlNode, character = 0): SourceLocation {
  const first = node.kind === 'scalar' ? node.firstCharacter : undefined;
  return within.locate(character > 0 && first !== undefined ? first + character : node.start);
}

/** A text that is written in quotes begins with the quote, but its characters begin behind it. */
const quoted: ReadonlySet<number> = new Set([SCALAR_STYLE.SINGLE_QUOTED, SCALAR_STYLE.DOUBLE_QUOTED]);

/** The text of a document, and the places of its characters. */
export class YamlText {
  readonly file: string;
  /** Without the blanks at its beginning that were skipped. */
  readonly text: string;
  readonly #whole: string;
  readonly #skipped: number;
  /** Where each line begins. Made when a place is first asked for. */
  #lines: readonly number[] | undefined;

  constructor(file: string, whole: string, skipped = 0) {
    this.file = file;
    this.text = whole.slice(skipped);
    this.#whole = whole;
    this.#skipped = skipped;
  }

  /** The place of a character of `text`. */
  locate(index: number): SourceLocation {
    this.#lines ??= beginsOfLines(this.#whole);
    const lines = this.#lines;
    const offset = index + this.#skipped;
    let [low, high] = [0, lines.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((lines[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.file, line: low + 1, column: offset - (lines[low] as number) + 1 };
  }
}

function beginsOfLines(text: string): number[] {
  const begins = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) begins.push(at + 1);
  return begins;
}

/** The document cannot be used, because of the place at `offset`. */
class Refused extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Makes the tree of the events of the parser. */
class Composer {
  readonly problems: Problem[] = [];
  readonly #within: YamlText;
  readonly #events: readonly Event[];
  readonly #limits: YamlLimits;
  readonly #anchors = new Map<string, YamlNode>();
  #next = 0;
  #nodes = 0;
  /** Where the text that has been read so far ends, for values that were left out. */
  #end = 0;

  constructor(within: YamlText, events: readonly Event[], limits: YamlLimits) {
    this.#within = within;
    this.#events = events;
    this.#limits = limits;
  }

  compose(): YamlNode | undefined {
    if (this.#events.length === 0) return undefined;
    this.#next = 1; // The first event opens the document.
    const root = this.#is(EVENT_ID.POP) ? undefined : this.#node();
    const second = this.#events[this.#next + 1];
    if (second !== undefined)
      throw new Refused('it contains more than one document', this.#startOf(this.#next + 1));
    const isNothing = root?.kind === 'scalar' && root.value === null;
    return isNothing ? undefined : root;
  }

  #node(): YamlNode {
    const event = this.#events[this.#next++] as Event;
    if (event.type === EVENT_ID.ALIAS) return this.#aliased(event.anchorStart, event.anchorEnd);
    if (event.type === EVENT_ID.SCALAR) return this.#anchored(event, this.#scalar(event));
    if (event.type === EVENT_ID.SEQUENCE) return this.#anchored(event, this.#list(event));
    if (event.type === EVENT_ID.MAPPING) return this.#anchored(event, this.#map(event));
    throw new Refused('it cannot be parsed', this.#end);
  }

  #anchored<Node extends YamlNode>(
    { anchorStart, anchorEnd }: { readonly anchorStart: number; readonly anchorEnd: number },
    node: Node,
  ): Node {
    if (anchorStart !== -1) this.#anchors.set(this.#text(anchorStart, anchorEnd), node);
    return node;
  }

  #aliased(start: number, end: number): YamlNode {
    const name = this.#text(start, end);
    if (!this.#limits.references)
      throw new Refused(`"*${name}" refers to another place: write it out`, start - 1);
    const node = this.#anchors.get(name);
    if (node === undefined)
      throw new Refused(`"*${name}" refers to "&${name}", which does not end before it`, start - 1);
    this.#end = end;
    this.#count(node.size, start - 1);
    return node;
  }

  #count(nodes: number, at: number): void {
    this.#nodes += nodes;
    if (this.#nodes > mostNodes)
      throw new Refused(`with everything that it refers to, it has more than ${mostNodes} parts`, at);
  }

  #scalar(event: Event & { readonly type: typeof EVENT_ID.SCALAR }): YamlScalar {
    const { valueStart, valueEnd, style, fast } = event;
    const isText = this.#tagOf(event) === 'text' || style !== SCALAR_STYLE.PLAIN;
    const start = valueStart === -1 ? this.#end : valueStart - (quoted.has(style) ? 1 : 0);
    if (valueStart !== -1) this.#end = valueEnd;
    this.#count(1, start);
    const source = getScalarValue(this.#within.text, event);
    return {
      ...{ kind: 'scalar', within: this.#within, start, size: 1, source },
      value: isText ? source : resolved(source),
      firstCharacter: fast ? valueStart : undefined,
    };
  }

  /** Of tags only that of text means anything. */
  #tagOf({ tagStart, tagEnd }: { readonly tagStart: number; readonly tagEnd: number }): 'none' | 'text' {
    if (tagStart === -1) return 'none';
    const tag = this.#text(tagStart, tagEnd);
    if (tag === '!' || tag === '!!str') return 'text';
    throw new Refused(`it has the tag "${tag}": write the value without it`, tagStart);
  }

  #list(event: Event & { readonly type: typeof EVENT_ID.SEQUENCE }): YamlList {
    const { start } = event;
    this.#tagOf(event);
    this.#count(1, start);
    const items: YamlNode[] = [];
    while (!this.#closes()) items.push(this.#node());
    return { kind: 'list', within: this.#within, start, size: sizeOf(items), items };
  }

  #map(event: Event & { readonly type: typeof EVENT_ID.MAPPING }): YamlMap {
    const { start } = event;
    this.#tagOf(event);
    this.#count(1, start);
    const entries = new Map<string, YamlEntry>();
    const merged: YamlMap[] = [];
    while (!this.#closes()) {
      const isMerge = this.#limits.references && this.#isMergeKey();
      const key = this.#node();
      const value = this.#node();
      if (key.kind !== 'scalar') throw new Refused('it has a key that is not a text', key.start);
      if (isMerge) merged.push(...mapsOf(value));
      else if (entries.has(key.source))
        this.#complain(key, `"${key.source}" is there twice: keys must be unique`);
      else entries.set(key.source, { key, value });
    }
    for (const { entries: others } of merged)
      for (const entry of others) if (!entries.has(entry.key.source)) entries.set(entry.key.source, entry);
    const all = [...entries.values()];
    return {
      kind: 'map',
      within: this.#within,
      start,
      size: sizeOf(all.map(({ value }) => value)),
      entries: all,
    };
  }

  #isMergeKey(): boolean {
    const event = this.#events[this.#next];
    if (event?.type !== EVENT_ID.SCALAR || event.style !== SCALAR_STYLE.PLAIN || event.tagStart !== -1)
      return false;
    return this.#text(event.valueStart, event.valueEnd) === '<<';
  }

  #complain(node: YamlNode, message: string): void {
    this.problems.push({ code: this.#limits.code, location: locationOf(node), message });
  }

  #closes(): boolean {
    if (!this.#is(EVENT_ID.POP)) return false;
    this.#next++;
    return true;
  }

  #is(type: Event['type']): boolean {
    return this.#events[this.#next]?.type === type;
  }

  #startOf(index: number): number {
    const first = this.#events[index + 1];
    if (first === undefined) return this.#end;
    if (first.type === EVENT_ID.SCALAR) return Math.max(first.valueStart, this.#end);
    return 'start' in first ? first.start : this.#end;
  }

  #text(start: number, end: number): string {
    return this.#within.text.slice(start, end);
  }
}

function mapsOf(value: YamlNode): YamlMap[] {
  const maps = value.kind === 'list' ? value.items : [value];
  return maps.map((each) => {
    if (each.kind === 'map') return each;
    throw new Refused('"<<" merges maps, and this is none', each.start);
  });
}

function sizeOf(nodes: readonly YamlNode[]): number {
  let size = 1;
  for (const node of nodes) size += node.size;
  return size;
}

const plainTags = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag];

/** The value of a plain scalar, by the core schema of YAML 1.2. */
function resolved(source: string): YamlScalar['value'] {
  // Most texts begin with a letter that no other value begins with.
  if (/^[^\d.+\-nNtTfF~]/.test(source)) return source;
  for (const tag of plainTags) {
    const value = tag.resolve(source, false, tag.tagName);
    if (value !== NOT_RESOLVED) return value as YamlScalar['value'];
  }
  return source;
}

const quoteTemplates = `Within [ ] and { }, put \${{ … }} in quotes.`;

/** The parser's message; replaced where it is about the parser itself, and with a hint where one is known. */
function plain(reason: string, deepest: number): { readonly message: string; readonly hint?: string } {
  if (/maxDepth/.test(reason)) return { message: `it is nested deeper than ${deepest} levels` };
  if (/^end of the stream or a document separator/.test(reason))
    return { message: 'it continues after its end' };
  if (/^tab characters/.test(reason))
    return { message: 'a tab is used for indentation', hint: 'Indent with blanks.' };
  if (/^bad indentation of a (?:mapping|sequence) entry/.test(reason))
    return {
      message: reason
        .replace('a mapping entry', 'an entry of a map')
        .replace('a sequence entry', 'an item of a list'),
      hint: 'Check its indentation. Put text in quotes that has ": " in it, or begins with @, `, %, & or *.',
    };
  if (/^missed comma/.test(reason))
    return {
      message: 'a comma is missing within [ ] or { }',
      hint: 'Put text in quotes that has ": ", a comma, a bracket or a brace in it.',
    };
  if (reason === 'deficient indentation')
    return {
      message: 'a line is not indented enough',
      hint: 'Within brackets and quotes, indent lines more than the key before.',
    };
  const [, what] = /^unexpected end of the (?:stream|document) within a (.*)$/.exec(reason) ?? [];
  if (what === 'flow collection') return { message: 'it ends within [ ] or { }', hint: 'Close the bracket.' };
  if (what !== undefined) return { message: `it ends within a ${what}`, hint: 'Close the quote.' };
  return { message: reason };
}
