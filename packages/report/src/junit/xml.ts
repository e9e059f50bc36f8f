/** Text and elements that are valid XML 1.0. */

import type XMLBuilder from 'fast-xml-builder';
import stripAnsi from 'strip-ansi';
import { loadXmlBuilder } from '../on-demand.ts';

/** Any text made fit for XML 1.0. Builders of XML escape what has a meaning; what must not be there at all is our business. */
/** What XML 1.0 has no way to write, not even as a reference. Lone halves of surrogate pairs are already gone. */
const outsideXml = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const REPLACEMENT = '\ufffd';
const LONGEST_NAME = 1000;

/** The text without control sequences of terminals; every character that XML 1.0 does not know becomes U+FFFD. */
export function xmlText(text: string): string {
  return stripAnsi(text).toWellFormed().replace(outsideXml, REPLACEMENT);
}

/** For names, messages and other attributes: one line, no blanks around it, not endless, never empty. */
export function xmlName(text: string, whenEmpty = '(unnamed)'): string {
  const line = xmlText(text.slice(0, 2 * LONGEST_NAME))
    .replace(/\s+/g, ' ')
    .trim();
  if (line === '') return whenEmpty;
  return line.length <= LONGEST_NAME ? line : `${line.slice(0, LONGEST_NAME).toWellFormed()}…`;
}

/** At most `limit` characters, and a note for what was taken out of the middle. */
export function limited(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor(limit / 2);
  const dropped = text.length - 2 * half;
  return `${text.slice(0, half)}\n… ${dropped} characters were left out …\n${half === 0 ? '' : text.slice(-half)}`;
}

/** Elements of XML as data, and as text. Text and attributes must have gone through xmlText or xmlName before. */
export interface Element {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Text and elements never stand beside each other. */
  readonly content?: string | readonly Element[];
}

/** The builder's own form: one key that is the element's name, its attributes beside it. */
interface Ordered {
  readonly [name: string]: unknown;
}

const INDENT = '  ';
const SHELL = 'x';

let builder: InstanceType<typeof XMLBuilder> | undefined;

const options = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  format: true,
  indentBy: INDENT,
  suppressEmptyNode: true,
} as const;

/** The element as text that begins with a line break, indented as the child of `depth` elements. */
export function render(element: Element, depth = 0): string {
  let tree = ordered(element);
  for (let level = 0; level < depth; level++) tree = ordered({ name: SHELL, content: [] }, [tree]);
  builder ??= new (loadXmlBuilder())(options);
  const text: string = builder.build([tree]);
  let [start, end] = [0, text.length];
  for (let level = 0; level < depth; level++) {
    start += `\n${INDENT.repeat(level)}<${SHELL}>`.length;
    end -= `\n${INDENT.repeat(level)}</${SHELL}>`.length;
  }
  return text.slice(start, end);
}

/** Only the tag that opens the element, for elements that are written in pieces. */
export function openTag(name: string, attributes: Readonly<Record<string, string>>, depth = 0): string {
  return render({ name, attributes }, depth).replace(/\/>$/, '>');
}

/** Only the tag that closes it. */
export function closeTag(name: string, depth = 0): string {
  return `\n${INDENT.repeat(depth)}</${name}>`;
}

function ordered({ name, attributes = {}, content = [] }: Element, children?: readonly Ordered[]): Ordered {
  const inside =
    typeof content === 'string' ? [{ '#text': content }] : content.map((child) => ordered(child));
  return { [name]: children ?? inside, ':@': attributes };
}
